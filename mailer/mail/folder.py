"""Writes each message as an .eml file: a post office for rehearsals, demonstrations and tests.

`<message-id>.<digest>.eml` holds exactly the bytes that would have gone over the wire, and
`<message-id>.<digest>.envelope.json` beside it the sender and recipient that a file cannot show. The
digest covers envelope and content, so a message written again is the same file, and no two messages
share one. Each file is written under another name, flushed to the disk and renamed, the envelope
first: an .eml that is there is whole, and its envelope is there too.
"""

import asyncio
import hashlib
import json
import os
import re
import tempfile
from pathlib import Path

from mailer.core.delivery import Blame, Outcome, Phase, Result
from mailer.core.errors import ServiceMissing
from mailer.core.reply import lost
from mailer.mail.message import Message
from mailer.mail.transport import Parcel, Pull
from mailer.mail.wire import Ready, Terms, ready

_MESSAGE_ID = re.compile(rb"^Message-ID:\s*<([^>\r\n]+)>", re.IGNORECASE | re.MULTILINE)
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9@._+-]+")


class FolderTransport:
    """Opens lines that write into one folder.

    Args:
        path: the folder; made if it is not there.
        name: what outcomes carry in `relay`.
        connections: how many messages are written at once.
        order, weight, messages_per_second: as of a relay.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str = "folder",
        connections: int = 2,
        order: int = 1,
        weight: int = 1,
        messages_per_second: float = 0,
    ) -> None:
        self._path = path
        self._name = name
        self._connections = connections
        self._order = order
        self._weight = weight
        self._messages_per_second = messages_per_second

    @property
    def name(self) -> str:
        """The transport's name."""
        return self._name

    @property
    def connections(self) -> int:
        """How many messages are written at once."""
        return self._connections

    @property
    def order(self) -> int:
        """When it is its turn: lower is used first."""
        return self._order

    @property
    def weight(self) -> int:
        """Its share among the ways out of one order."""
        return self._weight

    @property
    def messages_per_second(self) -> float:
        """How many messages to begin in a second at most; 0 for no limit."""
        return self._messages_per_second

    async def connect(self) -> "FolderLine":
        """Make sure that the folder is there and can be written to.

        Raises:
            ServiceMissing: it cannot.
        """
        try:
            await asyncio.to_thread(_try_out, self._path)
        except OSError as error:
            raise ServiceMissing(
                f"Mail cannot be written to the folder {self._path}: {error.strerror or error}",
                "make it a folder that this account may write to, on a disk with room",
            ) from error
        return FolderLine(self._path, self._name)


class FolderLine:
    """Writes one message after the other."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self._alive = True

    @property
    def alive(self) -> bool:
        """False after a write failed, or when closed."""
        return self._alive

    async def stream(self, pull: Pull) -> None:
        """Write one message after the other; one that was written is accepted.

        Cancelled, or surprised, the message in hand is given back: to write it again is to write
        the same file.
        """
        while self._alive and (parcel := pull()) is not None:
            try:
                outcome = await self._write(parcel)
            except BaseException:
                self._alive = False
                parcel.give_back()
                raise
            if outcome is None:
                parcel.give_back()
            else:
                parcel.done(outcome)

    async def close(self) -> None:
        """Take no more."""
        self._alive = False

    async def _write(self, parcel: Parcel) -> Outcome | None:
        """What became of a message; None where it was not ours to send any more."""
        message = parcel.message
        checked = ready(message, Terms(self._name, utf8=True))
        if not isinstance(checked, Ready):
            return checked
        if not parcel.may_leave():
            self._alive = False
            return None
        stem = file_stem(message)
        try:
            await asyncio.to_thread(_write, self._path, stem, message)
        except OSError as error:
            self._alive = False
            reason = f"{self._path}: {error.strerror or error}"
            return lost(Phase.DATA, reason, relay=self._name)
        return Outcome(
            Result.ACCEPTED,
            Phase.CONTENT,
            text=f"written to {stem}.eml",
            blame=Blame.READER,
            relay=self._name,
        )


def file_stem(message: Message) -> str:
    """The name of a message's file without its ending: equal for equal envelope and content."""
    digest = hashlib.sha256()
    for part in (message.sender.encode(), message.recipient.encode(), message.content):
        digest.update(b"%d:" % len(part) + part)
    found = _MESSAGE_ID.search(message.content.partition(b"\r\n\r\n")[0])
    label = _NOT_IN_NAMES.sub("_", found[1].decode("ascii", "replace")) if found else "message"
    return f"{label.lstrip('.')[:120]}.{digest.hexdigest()[:16]}"


def _try_out(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as probe:
        probe.write(b"can this folder be written to?\n")
        probe.flush()


def _write(folder: Path, stem: str, message: Message) -> None:
    envelope = {"sender": message.sender, "recipient": message.recipient}
    _put(folder / f"{stem}.envelope.json", json.dumps(envelope, indent=1).encode() + b"\n")
    _put(folder / f"{stem}.eml", message.content)
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _put(target: Path, content: bytes) -> None:
    """Write `content` to `target` so that it is there whole or not at all."""
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise

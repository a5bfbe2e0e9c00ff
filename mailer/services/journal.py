"""Keeps a dispatcher's flight journal beside its sign of life: a kill leaves next to nothing in doubt.

The ledger is told of a letter when it is handed out and when its outcome is committed; in between it
cannot tell one that lies here from one that is on the wire. The journal can. It is a file of this machine
that is only ever added to, and a stretch of it lies in our memory: a line that is stored there outlives
our death as one that is written does, for the memory is the kernel's; nothing is forced to the disk
(see docs/adr/0008). Room is made ahead, so that a full disk is found out in time. What the ledger
knows is forgotten here: past a few megabytes the file is begun anew with what is still open.
"""

import contextlib
import errno
import mmap
import os
from collections.abc import Iterable
from pathlib import Path

from mailer.core.delivery import Outcome, Result
from mailer.core.errors import MailerError
from mailer.core.flight import (
    Flight,
    begun_line,
    carried,
    closed_line,
    ended_line,
    head_line,
    read_flight,
)

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_ANEW_AFTER = 4 << 20  # bytes
_STRETCH = 64 << 10  # bytes: some hundred messages
_GRAIN = mmap.ALLOCATIONGRANULARITY


class Journal:
    """One dispatcher's journal.

    Args:
        path: its file, which must not exist yet.
        anew_after: bytes after which the file is begun anew.
        stretch: bytes for which room is made at a time.

    Raises:
        MailerError: the file cannot be made.
    """

    def __init__(
        self, path: Path, *, anew_after: int = _ANEW_AFTER, stretch: int = _STRETCH
    ) -> None:
        self._path = path
        self._anew_after = self._anew_at = anew_after
        self._stretch = stretch
        self._begun: dict[int, None] = {}
        self._ended: dict[int, Outcome] = {}
        self._late = b""
        try:
            self._page: _Page | None = _Page(path, os.O_EXCL, head_line(boot()), stretch)
        except OSError as error:
            raise _unusable(path, error) from error

    def begin(self, delivery: int) -> None:
        """Say, ahead of its content, that a delivery is about to leave; on return that outlives us.

        Raises:
            MailerError: it cannot be said (disk full): the content must not be written.
        """
        try:
            self._say(begun_line(delivery))
        except OSError as error:
            raise _unusable(self._path, error) from error
        self._ended.pop(delivery, None)
        self._begun[delivery] = None

    def take_back(self, delivery: int) -> None:
        """Say that a delivery did not leave; without effect where it was not begun."""
        if delivery in self._begun:
            del self._begun[delivery]
            self._say_or_keep(closed_line(delivery))

    def end(self, delivery: int, outcome: Outcome) -> None:
        """Say what came of a delivery."""
        self._begun.pop(delivery, None)
        self._ended[delivery] = outcome
        self._say_or_keep(ended_line(delivery, outcome))

    def forget(self, deliveries: Iterable[int]) -> None:
        """The ledger knows their outcomes now.

        What was accepted stays so and needs no word. Anything else may come back into our hands as
        a retry: its old outcome must not be taken for that one's.
        """
        for delivery in deliveries:
            outcome = self._ended.pop(delivery, None)
            if outcome is not None and outcome.result is not Result.ACCEPTED:
                self._say_or_keep(closed_line(delivery))
        if self._page is not None and self._page.written > self._anew_at:
            self._begin_anew()

    def close(self) -> None:
        """Say nothing more; the file stays, for whoever has to read it."""
        if self._page is not None:
            self._say_or_keep(b"")
            self._page.close()
            self._page = None

    def _say(self, line: bytes) -> None:
        """Add a line, behind what could not be said before.

        Raises:
            OSError: there is no room.
        """
        assert self._page is not None
        if self._late:
            self._page.add(self._late)
            self._late = b""
        self._page.add(line)

    def _say_or_keep(self, line: bytes) -> None:
        """The same of what may wait: a full disk is not told, for a missing line leaves doubt at worst."""
        try:
            self._say(line)
        except OSError:
            self._late += line

    def _begin_anew(self) -> None:
        """Replace the file by one that holds what is open; at every moment one of the two is whole."""
        fresh = self._path.with_name(f".{self._path.name}")
        lines = b"".join([head_line(boot()), *carried(self._begun, self._ended)])
        assert self._page is not None
        try:
            page = _Page(fresh, os.O_TRUNC, lines, self._stretch)
            fresh.rename(self._path)
        except OSError:  # no room: the long one serves on
            fresh.unlink(missing_ok=True)
        else:
            self._page.close()
            self._page, self._late = page, b""
        self._anew_at = self._page.written + self._anew_after


class _Page:
    """A file that is added to through a stretch of it in our memory.

    Behind what was added stand zeros. The first octet of what is added is stored last: until it
    stands there, nothing does (see `core.flight`).

    Args:
        flag: what to do where the file is there: `os.O_EXCL` or `os.O_TRUNC`.
        lines: what it begins with.

    Attributes:
        written: octets that were added.

    Raises:
        OSError: it cannot be made; if it was, it is there.
    """

    def __init__(self, path: Path, flag: int, lines: bytes, stretch: int) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_RDWR | flag, 0o600)
        self._stretch = _GRAIN * (1 + -(-stretch // _GRAIN))  # one more: it begins amid a grain
        self._memory: mmap.mmap | None = None
        self._from = self._until = self._size = 0
        self.written = 0
        try:
            self._write(lines)
            self.written = len(lines)
            self._make_room()
        except OSError:
            os.close(self._file)
            raise

    def add(self, lines: bytes) -> None:
        """Add lines, shorter than a stretch together; on return they outlive us.

        Raises:
            OSError: there is no room; nothing was added.
        """
        start, end = self.written, self.written + len(lines)
        if end > self._until:
            self._make_room()
            if end > self._until:
                raise OSError(errno.EFBIG, "too much at once")
        if lines:
            memory, start = self._memory, start - self._from
            assert memory is not None
            memory[start + 1 : end - self._from] = lines[1:]
            memory[start] = lines[0]
            self.written = end

    def close(self) -> None:
        """Leave the file with what was added to it."""
        if self._memory is not None:
            self._memory.close()
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, self.written)
        os.close(self._file)

    def _make_room(self) -> None:
        """Have a stretch of zeros on the disk from here on, and lay it into our memory."""
        start = self.written // _GRAIN * _GRAIN
        until = start + self._stretch
        self._write(bytes(until - self._size))
        memory = mmap.mmap(self._file, self._stretch, offset=start)
        if self._memory is not None:
            self._memory.close()
        self._memory, self._from, self._until = memory, start, until

    def _write(self, words: bytes) -> None:
        """Make the file longer, or leave it as it is."""
        try:
            done = 0
            while done < len(words):
                done += os.pwrite(self._file, words[done:], self._size + done)
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(words)


def read_journal(path: Path) -> Flight:
    """What the journal at `path` tells of a dispatcher that is dead or hangs; nothing if it is not there."""
    try:
        return read_flight(path.read_bytes(), boot=boot())
    except OSError:
        return Flight()


def boot() -> str:
    """The name of this start of this machine; empty where the system gives none (it is Linux's)."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _unusable(path: Path, error: OSError) -> MailerError:
    return MailerError(
        f"The journal {path} cannot be written: {error.strerror}",
        "make room on its disk, or set state.folder to a folder that this user may write to",
    )

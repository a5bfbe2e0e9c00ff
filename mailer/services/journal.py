"""Keeps a dispatcher's flight journal beside its sign of life: a kill leaves next to nothing in doubt.

The ledger is told of a letter when it is handed out and when its outcome is committed; in between it
cannot tell one that lies here from one that is on the wire. The journal can. It is an append-only
file of this machine: each line is one write, which outlives our death as soon as it returns; nothing
is forced to the disk (see docs/adr/0008). What the ledger knows is forgotten here: past a few
megabytes the file is begun anew with what is still open.
"""

import contextlib
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


class Journal:
    """One dispatcher's journal.

    Args:
        path: its file, which must not exist yet.
        anew_after: bytes after which the file is begun anew.

    Raises:
        MailerError: the file cannot be made.
    """

    def __init__(self, path: Path, *, anew_after: int = _ANEW_AFTER) -> None:
        self._path = path
        self._anew_after = self._anew_at = anew_after
        self._begun: dict[int, None] = {}
        self._ended: dict[int, Outcome] = {}
        self._late = b""
        self._written = 0
        self._file: int | None = None
        try:
            self._file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
            self._write(head_line(boot()))
        except OSError as error:
            raise _unusable(path, error) from error

    def begin(self, delivery: int) -> None:
        """Say, ahead of its content, that a delivery is about to leave; on return that outlives us.

        Raises:
            MailerError: it cannot be said (disk full): the content must not be written.
        """
        try:
            self._write(self._late + begun_line(delivery))
        except OSError as error:
            raise _unusable(self._path, error) from error
        self._late = b""
        self._ended.pop(delivery, None)
        self._begun[delivery] = None

    def take_back(self, delivery: int) -> None:
        """Say that a delivery did not leave; without effect where it was not begun."""
        if delivery in self._begun:
            del self._begun[delivery]
            self._late += closed_line(delivery)
            self.flush()

    def end(self, delivery: int, outcome: Outcome) -> None:
        """Say what came of a delivery; `flush` or the next `begin` writes it down."""
        self._begun.pop(delivery, None)
        self._ended[delivery] = outcome
        self._late += ended_line(delivery, outcome)

    def flush(self) -> None:
        """Write down what waits to be. A full disk is not told: a missing line leaves doubt at worst."""
        if self._late and self._file is not None:
            with contextlib.suppress(OSError):
                self._write(self._late)
                self._late = b""

    def forget(self, deliveries: Iterable[int]) -> None:
        """The ledger knows their outcomes now.

        What was accepted stays so and needs no word. Anything else may come back into our hands as
        a retry: its old outcome must not be taken for that one's.
        """
        for delivery in deliveries:
            outcome = self._ended.pop(delivery, None)
            if outcome is not None and outcome.result is not Result.ACCEPTED:
                self._late += closed_line(delivery)
        self.flush()
        if self._written > self._anew_at:
            self._begin_anew()

    def close(self) -> None:
        """Write nothing more; the file stays, for whoever has to read it."""
        self.flush()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _begin_anew(self) -> None:
        """Replace the file by one that holds what is open; at every moment one of the two is whole."""
        fresh = self._path.with_name(f".{self._path.name}")
        lines = b"".join([head_line(boot()), *carried(self._begun, self._ended)])
        opened = None
        try:
            opened = os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND, 0o600)
            _write_all(opened, lines)
            fresh.rename(self._path)
        except OSError:  # no room: the long one serves on
            if opened is not None:
                os.close(opened)
                fresh.unlink(missing_ok=True)
        else:
            assert self._file is not None
            os.close(self._file)
            self._file, self._written, self._late = opened, len(lines), b""
        self._anew_at = self._written + self._anew_after

    def _write(self, lines: bytes) -> None:
        assert self._file is not None
        try:
            _write_all(self._file, lines)
        except OSError:
            os.ftruncate(self._file, self._written)  # half a line would spoil the one behind it
            raise
        self._written += len(lines)


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


def _write_all(file: int, lines: bytes) -> None:
    written = os.write(file, lines)
    while written < len(lines):
        lines = lines[written:]
        written = os.write(file, lines)


def _unusable(path: Path, error: OSError) -> MailerError:
    return MailerError(
        f"The journal {path} cannot be written: {error.strerror}",
        "make room on its disk, or set state.folder to a folder that this user may write to",
    )

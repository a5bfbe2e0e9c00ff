"""Tells living dispatchers of this machine from dead ones, by locks that the kernel lets go of.

Each dispatcher holds a lock on a file of its own. A file that can be locked belongs to nobody alive,
however its owner ended (kill -9, power cut) and whoever has its process number now. In it stands until
when its owner may begin to send, so that a calendar clock that jumps ends no living dispatcher's
lease. Dispatchers of other machines are known by their leases alone.
"""

import contextlib
import fcntl
import os
import secrets
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from mailer.core.errors import MailerError

_SUFFIX = ".alive"
JOURNAL = ".flight"

_OWN_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

own_time = partial(time.clock_gettime, _OWN_CLOCK)
"""Seconds of a clock that nobody sets, the same for all of this machine; time asleep counts."""


class Presence:
    """A dispatcher's sign of life.

    Args:
        folder: where the signs of this machine's dispatchers lie; made if it is not there.
        clock: `own_time`, or one that a test moves.

    Raises:
        MailerError: the folder cannot be used.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = own_time) -> None:
        self.host = socket.gethostname().partition(".")[0][:24]
        self.worker = f"{self.host}-{os.getpid()}-{secrets.token_hex(4)}"
        self._folder = folder
        self._clock = clock
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Locked before it bears the name that others look for: no one sees it without an owner.
            unnamed = folder / f".{self.worker}"
            self._sign = self._locked(unnamed, create=True)
            self.pledge(0)  # a disk that is full says so now
            unnamed.rename(self._place(self.worker))
        except OSError as error:
            raise MailerError(
                f"The state folder {folder} cannot be used: {error.strerror}",
                "set state.folder to a folder that this user may write to",
            ) from error

    def pledge(self, until: float) -> None:
        """Say until when, by `own_time`, we may begin to send what we hold."""
        if self._sign is not None:
            os.pwrite(self._sign, b"%020.3f\n" % (until + 0.001), 0)  # never rounded to less

    def keeps_its_pledge(self, worker: str) -> bool:
        """Whether a dispatcher of this machine may still send what it holds, whatever the calendar says."""
        try:
            pledged = float(self._place(worker).read_bytes() or 0)
        except (OSError, ValueError):
            return False
        return self._clock() < pledged

    def journal(self, worker: str | None = None) -> Path:
        """Where a worker's flight journal lies; our own if none is named."""
        return self._folder / f"{worker or self.worker}{JOURNAL}"

    def dead(self) -> list[str]:
        """The workers of this machine that ended without taking leave.

        One whose sign we may not open runs under another account: only its lease tells of it.
        """
        found = []
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            name = path.name.removesuffix(_SUFFIX)
            if name == self.worker:
                continue
            with contextlib.suppress(FileNotFoundError, PermissionError):
                sign = self._locked(path)
                if sign is not None:
                    os.close(sign)
                    found.append(name)
        return found

    def bury(self, workers: list[str]) -> None:
        """Forget dead workers, once what they held has been taken over."""
        for worker in workers:
            # A journal that was being begun anew has left a second file. The sign goes last.
            left = self._folder.glob(f"*{worker}*")
            for path in sorted(left, key=lambda path: path.suffix == _SUFFIX):
                path.unlink(missing_ok=True)

    def leave(self) -> None:
        """Take leave: nothing is held any more."""
        self.journal().unlink(missing_ok=True)
        self._place(self.worker).unlink(missing_ok=True)
        self.let_go()

    def let_go(self) -> None:
        """Give no sign of life any more. Unless leave was taken, others take over what is held."""
        if self._sign is not None:
            os.close(self._sign)
            self._sign = None

    def _place(self, worker: str) -> Path:
        return self._folder / f"{worker}{_SUFFIX}"

    @staticmethod
    def _locked(path: Path, *, create: bool = False) -> int | None:
        opened = os.open(path, os.O_RDWR | (os.O_CREAT if create else 0), 0o600)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(opened)
            return None
        return opened

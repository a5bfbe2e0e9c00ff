"""Tells living dispatchers of this machine from dead ones, by locks that the kernel lets go of.

Each dispatcher holds a lock on a file of its own. A file that can be locked belongs to nobody alive,
however its owner ended (kill -9, power cut) and whoever has its process number now. Dispatchers of
other machines are known by their leases alone.
"""

import contextlib
import fcntl
import os
import secrets
import socket
from pathlib import Path

from mailer.core.errors import MailerError

_SUFFIX = ".alive"


class Presence:
    """A dispatcher's sign of life.

    Args:
        folder: where the signs of this machine's dispatchers lie; made if it is not there.

    Raises:
        MailerError: the folder cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        host = socket.gethostname().partition(".")[0][:24]
        self.worker = f"{host}-{os.getpid()}-{secrets.token_hex(4)}"
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Locked before it bears the name that others look for: no one sees it without an owner.
            unnamed = folder / f".{self.worker}"
            self._sign = self._locked(unnamed, create=True)
            unnamed.rename(folder / f"{self.worker}{_SUFFIX}")
        except OSError as error:
            raise MailerError(
                f"The state folder {folder} cannot be used: {error.strerror}",
                "set state.folder to a folder that this user may write to",
            ) from error

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
            (self._folder / f"{worker}{_SUFFIX}").unlink(missing_ok=True)

    def leave(self) -> None:
        """Take leave: nothing is held any more."""
        (self._folder / f"{self.worker}{_SUFFIX}").unlink(missing_ok=True)
        if self._sign is not None:
            os.close(self._sign)
            self._sign = None

    @staticmethod
    def _locked(path: Path, *, create: bool = False) -> int | None:
        opened = os.open(path, os.O_RDWR | (os.O_CREAT if create else 0), 0o600)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(opened)
            return None
        return opened

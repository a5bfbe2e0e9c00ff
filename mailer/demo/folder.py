"""Makes the demonstration's folder anew, and leaves every folder alone that is not its own.

A marker file says that a folder is ours; a lock on it, that a demonstration is under way there. Only
what a demonstration makes is ever removed: anything else that lies in the folder stays.
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mailer.core.errors import MailerError, NotAllowed

MARKER = ".mailer-demo"
OFFICE = "office"
POST_OFFICE = "post-office"
RELEASES = "releases"
LOGS = "logs"

_MADE = (OFFICE, POST_OFFICE, RELEASES, LOGS)
_NOTE = f"""`mailer demo` made this folder. Each run removes {", ".join(_MADE)} from it
and makes them anew. Without this file it leaves the folder alone.
"""


@contextmanager
def fresh_folder(folder: Path) -> Iterator[Path]:
    """`folder` with nothing of an earlier run in it, ours alone until the block is left.

    Raises:
        NotAllowed: it is not ours, or another demonstration is under way there.
        MailerError: it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        marker = folder / MARKER
        _require_ours(folder, marker)
        file = marker.open("a")
    except OSError as error:
        raise MailerError(
            f"{folder} cannot be used: {(error.strerror or str(error)).lower()}",
            "name another folder with --dir",
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise NotAllowed(
                f"Another `mailer demo` is under way in {folder}",
                "stop it with Ctrl-C, or name another folder with --dir",
            ) from error
        marker.write_text(_NOTE)
        for name in _MADE:
            _remove(folder / name)
        yield folder


def _require_ours(folder: Path, marker: Path) -> None:
    if marker.is_file() and not marker.is_symlink():
        return
    if any(folder.iterdir()):
        raise NotAllowed(
            f"{folder} holds something, and `mailer demo` did not make it",
            "name another folder with --dir; one that does not exist yet is made",
        )


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

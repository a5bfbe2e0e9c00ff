"""Writes files that hold secrets: whole, its owner's alone, and never in place of another."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mailer.core.errors import MailerError


def write_new(path: Path, text: str) -> bool:
    """Write a file that appears whole or not at all; False if there is one already."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        return _appear(draft, path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def privately() -> Iterator[None]:
    """What is made within is its owner's alone: nobody else need read subscribers' addresses."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Tell the operator what the system says about writing at `path`.

    Raises:
        MailerError: it cannot be written.
    """
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise MailerError(
            f"{path} cannot be written: {reason}", "choose a folder that you may write to"
        ) from error


def _appear(draft: Path, path: Path) -> bool:
    try:
        path.hardlink_to(draft)  # unlike a rename, it never replaces
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        if os.path.lexists(path):
            return False
        draft.rename(path)
    return True

"""Values that never show themselves: every way of printing a secret prints a mask.

A secret works wherever a text works (signing, logging in, connecting); only turning it into words
does not. `reveal` is the one spoken way to the plain text, so that a reader of code can search
for it.
"""

import os
import re
import stat
from pathlib import Path

MASK = "***"

_LOOSE = stat.S_IROTH | stat.S_IWOTH
_PASSWORD = re.compile(r"(?<=://)([^/@:]*:).*(?=@[^@]*$)|(?<=[?&])(password=)[^&]*")


class Secret(str):
    """A text that `repr`, `str`, f-strings and logs show as a mask."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def reveal(self) -> str:
        """The plain text."""
        return "".join(self)

    @property
    def guarded(self) -> bool:
        """Whether there is anything to hide."""
        return True


class DatabaseUrl(Secret):
    """A database's address, in which only the password is hidden."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __str__(self) -> str:
        return _PASSWORD.sub(rf"\1\2{MASK}", self.reveal())

    @property
    def guarded(self) -> bool:
        """Whether there is a password in it."""
        return _PASSWORD.search(self.reveal()) is not None


class Pem(Secret):
    """A private key in PEM: unlike other secrets it takes more than a line."""

    __slots__ = ()


class Token(Secret):
    """A secret that somebody renews while we run, and that we read anew each time that we need it.

    As a text it is what the settings say: the token itself, or the path of the file that holds it.
    """

    __slots__ = ("_file",)

    _file: Path | None

    def __new__(cls, text: str, file: Path | None = None) -> "Token":
        token = super().__new__(cls, text)
        token._file = file
        return token

    def fresh(self) -> str:
        """The token as it is now.

        Raises:
            SecretFault: its file cannot serve.
        """
        if self._file is None:
            return self.reveal()
        lines = read_secrets(self._file)
        if len(lines) > 1:
            raise SecretFault(f"{self._file} holds {len(lines)} lines; write the token alone")
        return lines[0].strip()


class SecretFault(Exception):
    """A secret's file cannot serve; the text is "what is wrong; cure" and holds no secret."""


def exposed(path: Path) -> bool:
    """Whether everybody on this machine may read or change the file."""
    return bool(path.stat().st_mode & _LOOSE)


def read_secrets(path: Path) -> list[str]:
    """The secrets in a file, one a line; blank lines do not count.

    Raises:
        SecretFault: absent, unreadable, empty, not text, or open to everybody.
    """
    try:
        with path.open("rb") as file:
            loose = os.fstat(file.fileno()).st_mode & _LOOSE
            content = file.read()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SecretFault(
            f"{path} cannot be read ({reason}); check the path and its mode"
        ) from error
    if loose:
        raise SecretFault(f"{path} is open to everybody on this machine; run chmod o-rwx {path}")
    try:
        lines = [line for line in content.decode().splitlines() if line.strip()]
    except UnicodeDecodeError:
        # The decoder's own words would quote the secret.
        raise SecretFault(f"{path} is not UTF-8 text; write one secret a line") from None
    if not lines:
        raise SecretFault(f"{path} is empty; write one secret a line")
    return lines

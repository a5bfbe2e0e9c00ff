"""The six digits with which a reader confirms without following a link: derived, never kept, never logged.

A code belongs to one request and is good on one page: the one that its sign-up was answered with. What
guessing is worth:

    a page      takes five entries in thirty minutes, counted in the database: 5 in 1,000,000
    a request   takes ten, however many pages of the same mailbox lead to it: 1 in 100,000
    the house   whoever signs up strangers to guess their codes needs 200,000 sign-ups, and as many mails
                to strangers, for every one that he confirms. What bounds sign-ups bounds him: at a
                thousand an hour, which sets off every alarm there is, it is one in eight days.

The last two keys count, so that a change of keys cuts off nobody at the door; in the thirty minutes
after one the odds double.
"""

import hmac
import unicodedata
from collections.abc import Sequence
from datetime import timedelta

DIGITS = 6
MOST_ENTRIES = 5
MOST_ENTRIES_OF_A_REQUEST = 10
WINDOW = timedelta(minutes=30)

_BETWEEN = " -\u2013\u00a0\u202f\u2007\u200e\u200f\t"


class Codes:
    """Derives codes and compares them.

    Args:
        keys: secrets, the last of which new codes are derived with.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(key.encode() for key in keys[-2:])

    def __repr__(self) -> str:
        return f"Codes(<{len(self._keys)} keys>)"

    def code(self, request_id: int) -> str:
        """The six digits of a request."""
        return _derived(self._keys[-1], request_id)

    def is_right(self, request_id: int, typed: str) -> bool:
        """Whether `typed`, as `read_code` gives it, is the request's code; in time that tells nothing."""
        right = [
            hmac.compare_digest(_derived(key, request_id).encode(), typed.encode())
            for key in self._keys
        ]
        return any(right)


def read_code(typed: str) -> str | None:
    """The six digits that somebody typed, in ASCII, whatever stands between them; None if they are not.

    Digits of other scripts count as what they mean: an Arabic keyboard writes its own.
    """
    digits = [_digit(letter) for letter in typed[:100] if letter not in _BETWEEN]
    if len(digits) != DIGITS or None in digits:
        return None
    return "".join(map(str, digits))


def grouped(code: str) -> str:
    """A code for reading: two groups, with a blank that neither breaks a line nor turns its direction.

    A no-break space between digits keeps their order in right-to-left text (UAX #9, rule W4); a plain
    one would let the two groups change places.
    """
    return f"{code[:3]}\u00a0{code[3:]}"


def _digit(letter: str) -> int | None:
    return unicodedata.decimal(letter, None)


def _derived(key: bytes, request_id: int) -> str:
    """Sixty-four bits reduced to a million: uneven by less than one in ten million million."""
    digest = hmac.digest(key, b"mailer.code:%d" % request_id, "sha256")
    return str(int.from_bytes(digest[:8]) % 10**DIGITS).zfill(DIGITS)

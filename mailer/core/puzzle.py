"""Work for a visitor's browser, in the manner of ALTCHA: find the number behind a hash, once, in time.

make     a random number is hidden in SHA-256(salt + number); the salt names the moment until which it
         counts, and an HMAC over the hash proves that the puzzle is ours
solved   whoever found the number shows salt, number and proof; nothing has to be remembered to check it

That each solution counts once is for the caller to see to: `Solution.name` is the same however it is
spelled. Sources: the ALTCHA proof-of-work scheme, RFC 2104.
"""

import base64
import binascii
import hmac
import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

LIFETIME = timedelta(minutes=20)

_MOST_LETTERS = 1000
_SALT = re.compile(r"([0-9a-f]{24})\?expires=([0-9]{1,12})")


@dataclass(frozen=True, slots=True)
class Puzzle:
    """What a browser is given.

    Attributes:
        challenge: SHA-256 of salt and number, in hexadecimal.
        maxnumber: the number is at most this.
        signature: HMAC-SHA-256 of the challenge.
    """

    algorithm: str
    challenge: str
    maxnumber: int
    salt: str
    signature: str

    def shown(self) -> dict[str, str | int]:
        """As JSON has it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Solution:
    """A puzzle of ours that somebody solved in time.

    Attributes:
        name: which puzzle it was.
    """

    name: str
    expires_at: datetime


def make(key: str, *, number: int, salt: str, effort: int, now: datetime) -> Puzzle:
    """A puzzle that counts for `LIFETIME`.

    Args:
        key: a secret that is used for nothing else.
        number: drawn by lot, from 0 to `effort`.
        salt: 24 random hexadecimal digits.
    """
    expires = int((now + LIFETIME).timestamp())
    salted = f"{salt}?expires={expires}"
    challenge = sha256(f"{salted}{number}".encode()).hexdigest()
    return Puzzle("SHA-256", challenge, effort, salted, _signature(key, challenge))


def solved(key: str, payload: str, now: datetime) -> Solution | None:
    """The puzzle that `payload` solves; None where it solves none of ours, or too late.

    Args:
        payload: Base64 of a JSON object with algorithm, challenge, number, salt and signature.
    """
    shown = _read(payload)
    salt, number = shown.get("salt"), shown.get("number")
    if not isinstance(salt, str) or type(number) is not int or number < 0:
        return None
    found = _SALT.fullmatch(salt)
    if found is None or int(found[2]) <= now.timestamp():
        return None
    challenge = sha256(f"{salt}{number}".encode()).hexdigest()
    told = shown.get("signature")
    if not isinstance(told, str) or not told.isascii():
        return None
    if not hmac.compare_digest(_signature(key, challenge), told):
        return None
    return Solution(challenge, datetime.fromtimestamp(int(found[2]), UTC))


def _signature(key: str, challenge: str) -> str:
    return hmac.digest(key.encode(), challenge.encode(), "sha256").hex()


def _read(payload: str) -> dict[str, object]:
    if not payload or len(payload) > _MOST_LETTERS:
        return {}
    try:
        shown = json.loads(base64.b64decode(payload, validate=True))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return shown if isinstance(shown, dict) else {}

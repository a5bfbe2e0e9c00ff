"""Signs and reads the capabilities in links: one salt and one lifetime per purpose, keys that rotate.

A token names one number (a request, a subscription, the entry of a leaving) and says what it is good
for by its salt. It is derived, never stored. Keys are a list: the last signs, all verify. A token has
exactly one spelling: base64 leaves spare bits at the end of a signature, so a token that verifies but
is not the one we would have written is refused.

Every message bears a token and two marks, so writing them has a short way of its own, and tokens are read
by writing them again. They have the spelling and the keys of itsdangerous; marks are nobody's but ours, and
need one step.
"""

import hmac
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b, sha256

from itsdangerous import Signer

from mailer.core.codes import WINDOW, Codes
from mailer.core.errors import TokenExpired, TokenRefused


class LinkPurpose(StrEnum):
    """What a link is good for."""

    CONFIRM = "confirm"
    NOT_ME = "not-me"
    CHECK_MAIL = "check-mail"
    LEAVE = "leave"
    LEAVE_ALL = "leave-all"
    FORM = "form"
    MANAGE = "manage"
    REJOIN = "rejoin"


LIFETIME: dict[LinkPurpose, timedelta | None] = {
    LinkPurpose.CONFIRM: timedelta(hours=72),
    LinkPurpose.NOT_ME: None,
    LinkPurpose.CHECK_MAIL: WINDOW,
    LinkPurpose.LEAVE: None,
    LinkPurpose.LEAVE_ALL: None,
    LinkPurpose.FORM: None,  # its ages are settings, see `web.form_token`
    LinkPurpose.MANAGE: timedelta(hours=24),
    LinkPurpose.REJOIN: timedelta(days=7),
}

_BLOCK = 64  # octets that SHA-256 takes at a time


@dataclass(frozen=True, slots=True)
class Claim:
    """What a token said: the number it names and when it was signed."""

    subject: int
    signed_at: datetime


class Tokens:
    """Signs and reads tokens with a list of keys.

    Args:
        keys: secrets of at least 16 bytes; the last signs, all verify.

    Attributes:
        codes: the six digits that stand beside a link to confirm, from the same keys.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("at least one key is needed to sign tokens")
        self.codes = Codes(keys)
        self._keys = tuple(key.encode() for key in keys)
        self._macs = {
            purpose: tuple(Mac(_signer(key, purpose).derive_key()) for key in self._keys)
            for purpose in LinkPurpose
        }
        self._spellers = {purpose: _speller(macs[-1]) for purpose, macs in self._macs.items()}

    def __repr__(self) -> str:
        return f"Tokens(<{len(self._keys)} keys>)"

    def sign(self, purpose: LinkPurpose, subject: int, at: datetime) -> str:
        """A token for `subject`, signed at the aware moment `at` (whole seconds count)."""
        return self.spell(purpose, subject, at).decode()

    def spell(self, purpose: LinkPurpose, subject: int, at: datetime) -> bytes:
        """The same in octets, as a message takes it."""
        return self._spellers[purpose](subject, at)

    def speller(self, purpose: LinkPurpose) -> "Speller":
        """What spells tokens of one purpose, for who spells many: it looks for nothing anew."""
        return self._spellers[purpose]

    def read(self, purpose: LinkPurpose, token: str, now: datetime) -> Claim:
        """What `token` says, if we signed it for `purpose` and its lifetime has not passed.

        Raises:
            TokenRefused: bent, of another purpose, or signed with a key we no longer hold.
            TokenExpired: ours, but too old.
        """
        claim = self._verify(purpose, token)
        lifetime = LIFETIME[purpose]
        if lifetime is not None and now - claim.signed_at > lifetime:
            raise TokenExpired("The link has expired", subject=claim.subject)
        return claim

    def named(self, purpose: LinkPurpose, token: str, now: datetime) -> tuple[int, bool]:
        """The number that `token` names, and whether its time has passed.

        What a late link names still says which page to show.

        Raises:
            TokenRefused: bent, of another purpose, or signed with a key we no longer hold.
        """
        try:
            return self.read(purpose, token, now).subject, False
        except TokenExpired as late:
            return late.subject, True

    def derived(self, use: str, name: str) -> tuple[str, ...]:
        """A secret of its own for `name`, of each key, the last key's first: one alone is told it.

        40 hexadecimal digits, of HMAC-SHA-256.
        """
        said = f"mailer.{use}:{name}".encode()
        return tuple(hmac.digest(key, said, "sha256").hex()[:40] for key in reversed(self._keys))

    def _verify(self, purpose: LinkPurpose, token: str) -> Claim:
        # It is ours if it is what we would have written: the one spelling there is.
        stated = token.rpartition(".")[0]
        octets, said = (text.encode(errors="replace") for text in (token, stated))
        if any(hmac.compare_digest(_signed(mac, said), octets) for mac in self._macs[purpose]):
            subject, _, seconds = stated.partition(".")
            return Claim(int(subject, 36), datetime.fromtimestamp(int(seconds, 36), UTC))
        raise TokenRefused("The link is not one of ours, or was damaged on its way")


def _signed(mac: "Mac", stated: bytes) -> bytes:
    signature = b2a_base64(mac.digest(stated), newline=False).translate(_URL_SAFE, b"=")
    return b"%b.%b" % (stated, signature)


def _signer(key: bytes, purpose: LinkPurpose) -> Signer:
    """A signer whose key was derived once: deriving it anew would double the cost of every link."""
    salted = Signer(key, salt=f"mailer.{purpose}", key_derivation="hmac", digest_method=sha256)
    return Signer(salted.derive_key(), sep=".", key_derivation="none", digest_method=sha256)


Speller = Callable[[int, datetime], bytes]
"""Spells the token for a number, signed at an aware moment."""

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_DIGITS = [b"%c" % digit for digit in b"0123456789abcdefghijklmnopqrstuvwxyz"]
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]


def _speller(mac: "Mac") -> Speller:
    def spelled(subject: int, at: datetime) -> bytes:
        moment = _seconds(at if at.tzinfo is UTC else at.astimezone(UTC))
        return _signed(mac, b"%b.%b" % (_base36(subject), moment))

    return spelled


def _base36(number: int) -> bytes:
    text = b""
    while number >= 36:
        number, rest = divmod(number, 1296)
        text = _PAIRS[rest] + text
    return (_DIGITS[number] + text) if number or not text else text


@lru_cache(maxsize=16)  # the letters of a mailing share their moment
def _seconds(at: datetime) -> bytes:
    """A moment in a token. In UTC, since equal moments of other zones need not be the same."""
    return _base36(int(at.timestamp()))


class Marks:
    """Short keyed marks on message numbers: nobody can guess a Message-ID or forge a return path.

    They are hexadecimal, since servers on the way may fold the case of a local part.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("at least one key is needed to mark return paths")
        self._keys = tuple(_mark_key(key.encode()) for key in keys)
        self._marker = lru_cache(lambda use: _marker(self._keys[-1], use))

    def __repr__(self) -> str:
        return f"Marks(<{len(self._keys)} keys>)"

    def mark(self, use: str, number: int) -> str:
        """Eight bytes of keyed BLAKE2b (RFC 7693) over use and number, as 16 characters."""
        return self._marker(use)(number)

    def marker(self, use: str) -> "Marker":
        """What marks numbers for one use, for who marks many: the key is taken in once."""
        return self._marker(use)

    def marks(self, use: str, number: int) -> tuple[str, ...]:
        """The mark that each key makes, of the last key first: one of them was made at the time."""
        return tuple(_mark(key, use, number) for key in reversed(self._keys))

    def genuine(self, use: str, number: int, mark: str) -> bool:
        """Whether any of the keys made this mark."""
        return any(
            hmac.compare_digest(_mark(key, use, number).encode(), mark.lower().encode())
            for key in self._keys
        )


def _mark_key(key: bytes) -> bytes:
    """A key as BLAKE2b takes it: of 64 octets at most."""
    return key if len(key) <= blake2b.MAX_KEY_SIZE else blake2b(key).digest()


Marker = Callable[[int], str]
"""Makes the mark on a number."""


def _marker(key: bytes, use: str) -> Marker:
    begun = blake2b(b"%b:" % use.encode(), digest_size=8, key=key)

    def mark(number: int) -> str:
        hashed = begun.copy()
        hashed.update(b"%d" % number)
        return hashed.hexdigest()

    return mark


def _mark(key: bytes, use: str, number: int) -> str:
    return _marker(key, use)(number)


class Mac:
    """HMAC-SHA-256 under one key whose two pads are hashed once (RFC 2104 sections 2 and 4).

    It gives what `hmac.digest` gives, in less than half the time.

    Args:
        key: of any length; nothing shows it.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = key if len(key) <= _BLOCK else sha256(key).digest()
        block = block.ljust(_BLOCK, b"\0")
        self._inner = sha256(bytes(octet ^ 0x36 for octet in block))
        self._outer = sha256(bytes(octet ^ 0x5C for octet in block))

    def digest(self, text: bytes) -> bytes:
        """The 32 octets that only who has the key can make of `text`."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return outer.digest()


def keyed_hash(key: str, text: str) -> str:
    """The keyed hash under which a suppressed address is remembered: HMAC-SHA-256, 64 hexadecimal digits."""
    return _hasher(key).digest(text.encode()).hex()


@lru_cache(maxsize=16)
def _hasher(key: str) -> Mac:
    return Mac(key.encode())

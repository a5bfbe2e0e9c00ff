"""A DKIM key: read from PEM, it signs digests and says what the DNS must publish for it.

    rsa       2048 to 4096 bits, PKCS #1 v1.5 over SHA-256 (RFC 6376 section 3.3.1, RFC 8301 section 3)
    ed25519   pure Ed25519 over the SHA-256 digest (RFC 8463 section 3)

Both are deterministic: one digest, one signature. The library behind them takes 50 ms to import, so
only who has keys imports it.
"""

import base64
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:  # 50 ms, as said above
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

Algorithm = Literal["rsa", "ed25519"]

RSA_BITS = (2048, 4096)
"""RFC 8301 section 3.2: signers use at least 2048 bits; verifiers need not take more than 4096."""
STRING_OCTETS = 255
"""What one string of a TXT record may hold (RFC 1035 section 3.3)."""

_MAKE_ONE = "make one with `mailer keys dkim`"


@dataclass(frozen=True, slots=True, eq=False)
class DkimKey:
    """A private key that can sign and be published; nothing shows it.

    Attributes:
        algorithm: as the record's `k=` and, with "-sha256" behind it, the signature's `a=` say it.
        public: the public key as `p=` holds it, decoded: SubjectPublicKeyInfo for RSA (RFC 6376
            section 3.6.1 as it is practised), the 32 octets alone for Ed25519 (RFC 8463 section 4).
        sign: the signature over a SHA-256 digest of 32 octets.
    """

    algorithm: Algorithm
    public: bytes = field(repr=False)
    sign: Callable[[bytes], bytes] = field(repr=False)

    @property
    def record(self) -> str:
        """The text of the TXT record that lets others verify (RFC 6376 section 3.6.1)."""
        public = base64.b64encode(self.public).decode()
        return f"v=DKIM1; k={self.algorithm}; h=sha256; p={public}"


def read_key(pem: str) -> DkimKey:
    """The key in a PEM text: PKCS #8, or PKCS #1 as older tools write RSA keys.

    Raises:
        ValueError: it cannot sign DKIM. Its words are "what is wrong; cure" and hold nothing of it.
    """
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa  # noqa: PLC0415 - 50 ms

    key = _loaded(pem)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return _ed25519(key)
    if isinstance(key, rsa.RSAPrivateKey):
        return _rsa(key)
    raise ValueError(f"is neither RSA nor Ed25519, and DKIM knows no other; {_MAKE_ONE}")


def record_name(selector: str, domain: str) -> str:
    """Where the record stands (RFC 6376 section 3.6.2.1)."""
    return f"{selector}._domainkey.{domain}"


def record_strings(record: str) -> list[str]:
    """The record's text cut into the strings of a TXT record; verifiers join them without a blank."""
    starts = range(0, len(record), STRING_OCTETS)
    return [record[start : start + STRING_OCTETS] for start in starts]


def zone_entry(name: str, record: str) -> str:
    """The record as a zone file has it (RFC 1035 section 5.1)."""
    strings = "\n".join(f'"{piece}"' for piece in record_strings(record))
    return f"{name}. IN TXT (\n{textwrap.indent(strings, '    ')}\n)"


def _loaded(pem: str) -> object:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - 50 ms
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - 50 ms
        load_pem_private_key,
    )

    if "PUBLIC KEY-----" in pem:
        raise ValueError("is a public key, which the DNS publishes; give the private one")
    if "ENCRYPTED" in pem:
        words = "is locked with a passphrase, and nobody is there to type it"
        raise ValueError(f"{words}; unlock it with openssl pkey -in KEY -out NEW")
    try:
        # Checking that its primes are prime takes 60 ms in every command; `_rsa` checks in 1 ms.
        return load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The library's own words could quote the key.
        raise ValueError(f"is no private key in PEM (PKCS #8); {_MAKE_ONE}") from None


def _ed25519(key: "Ed25519PrivateKey") -> DkimKey:
    return DkimKey("ed25519", key.public_key().public_bytes_raw(), key.sign)


def _rsa(key: "RSAPrivateKey") -> DkimKey:
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - 50 ms
    from cryptography.hazmat.primitives.asymmetric import padding, utils  # noqa: PLC0415 - 50 ms

    least, most = RSA_BITS
    if not least <= key.key_size <= most:
        why = (
            "too few to be safe" if key.key_size < least else "more than others need to understand"
        )
        raise ValueError(f"has {key.key_size} bits, {why}: {least} to {most} are; {_MAKE_ONE}")
    scheme, hashed = padding.PKCS1v15(), utils.Prehashed(hashes.SHA256())

    def sign(digest: bytes) -> bytes:
        return key.sign(digest, scheme, hashed)

    public: Any = key.public_key()
    probe = bytes(range(32))
    _proven(lambda: public.verify(sign(probe), probe, scheme, hashed))
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return DkimKey("rsa", public.public_bytes(serialization.Encoding.DER, spki), sign)


def _proven(probe: Callable[[], None]) -> None:
    """What the key signs must verify: a file that was cut or mixed up signs nonsense otherwise."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - 50 ms

    try:
        probe()
    except (InvalidSignature, ValueError):
        raise ValueError(f"is damaged: what it signs does not verify; {_MAKE_ONE}") from None

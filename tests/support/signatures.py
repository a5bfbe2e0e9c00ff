"""DKIM for tests: keys made once, a zone that publishes them, and somebody else's verifier."""

import re
from functools import cache
from typing import Any

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from mailer.core.dkim import Algorithm, DkimKey, read_key, record_name
from mailer.mail.sign import Seal, Signer

DOMAIN = "um.example"


def as_pem(key: Any) -> str:
    """A private key as the files hold it."""
    return str(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
    )


@cache
def pem(algorithm: Algorithm, bits: int = 2048) -> str:
    """A private key, made once; PEM."""
    if algorithm == "rsa":
        return as_pem(rsa.generate_private_key(public_exponent=65537, key_size=bits))
    return as_pem(ed25519.Ed25519PrivateKey.generate())


@cache
def key(algorithm: Algorithm) -> DkimKey:
    """The same key, read."""
    return read_key(pem(algorithm))


def seal(algorithm: Algorithm) -> Seal:
    """What signs for the domain; the selector is the algorithm."""
    return Seal(DOMAIN, algorithm, key(algorithm))


def signers(*algorithms: Algorithm) -> dict[str, Signer]:
    """Who signs for the domain."""
    return {DOMAIN: Signer([seal(algorithm) for algorithm in algorithms])}


def zone(*algorithms: Algorithm) -> dict[str, str]:
    """The records that a domain publishes, by name."""
    return {record_name(each, DOMAIN): key(each).record for each in algorithms}


ZONE = zone("rsa", "ed25519")


def verdicts(content: bytes, records: dict[str, str] = ZONE) -> list[bool]:
    """What dkimpy makes of each signature of a message, from the top down."""

    def txt(name: bytes, timeout: int = 5) -> bytes | None:
        found = records.get(name.decode().removesuffix("."))
        return found.encode() if found is not None else None

    return [_verdict(content, number, txt) for number in range(len(signatures(content)))]


def _verdict(content: bytes, number: int, txt: Any) -> bool:
    try:
        return bool(dkim.DKIM(content).verify(number, dnsfunc=txt))
    except dkim.DKIMException:
        return False


def signatures(content: bytes) -> list[dict[str, str]]:
    """The tags of each signature of a message, from the top down, without blanks."""
    head = content.partition(b"\r\n\r\n")[0].decode()
    fields = re.split(r"\r\n(?![ \t])", head)
    return [
        dict(tag.split("=", 1) for tag in re.sub(r"\s", "", field[15:]).split(";"))
        for field in fields
        if field.startswith("DKIM-Signature:")
    ]

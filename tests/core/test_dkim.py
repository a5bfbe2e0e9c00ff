"""DKIM keys: what can sign is read, what cannot is named, and what is published belongs to it."""

import base64
import hashlib
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from hypothesis import given
from hypothesis import strategies as st
from support.signatures import as_pem, key, pem

from mailer.core.dkim import Algorithm, read_key, record_name, record_strings, zone_entry

DIGEST = hashlib.sha256(b"a message").digest()


def test_an_rsa_key_signs_what_its_record_verifies() -> None:
    found = key("rsa")

    public = serialization.load_der_public_key(found.public)
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(found.sign(DIGEST), b"a message", padding.PKCS1v15(), hashes.SHA256())
    assert found.record.startswith("v=DKIM1; k=rsa; h=sha256; p=MII")
    assert base64.b64decode(found.record.partition("p=")[2], validate=True) == found.public


def test_an_ed25519_key_signs_what_its_record_verifies() -> None:
    found = key("ed25519")

    ed25519.Ed25519PublicKey.from_public_bytes(found.public).verify(found.sign(DIGEST), DIGEST)
    assert found.record.startswith("v=DKIM1; k=ed25519; h=sha256; p=")
    assert base64.b64decode(found.record.partition("p=")[2], validate=True) == found.public
    assert len(found.public) == 32


@pytest.mark.parametrize("algorithm", ["rsa", "ed25519"])
def test_one_digest_has_one_signature(algorithm: Algorithm) -> None:
    assert key(algorithm).sign(DIGEST) == read_key(pem(algorithm)).sign(DIGEST)


def test_a_key_that_an_older_tool_wrote_is_read() -> None:
    private = serialization.load_pem_private_key(pem("rsa").encode(), None)
    assert isinstance(private, rsa.RSAPrivateKey)
    older = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()

    assert read_key(older).public == key("rsa").public


def test_nothing_shows_a_key() -> None:
    assert repr(key("rsa")) == "DkimKey(algorithm='rsa')"


def locked() -> str:
    """A key behind a passphrase."""
    return (
        ed25519.Ed25519PrivateKey.generate()
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"hush"),
        )
        .decode()
    )


def public_half() -> str:
    """A public key."""
    return (
        ed25519.Ed25519PrivateKey.generate()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def mixed_up() -> str:
    """A key whose exponent belongs to another."""
    one, other = (
        rsa.generate_private_key(public_exponent=65537, key_size=2048).private_numbers()
        for _ in range(2)
    )
    bad = rsa.RSAPrivateNumbers(
        p=one.p, q=one.q, d=other.d, dmp1=other.dmp1, dmq1=other.dmq1, iqmp=one.iqmp,
        public_numbers=one.public_numbers,
    )  # fmt: skip
    return as_pem(bad.private_key(unsafe_skip_rsa_key_validation=True))


def short(bits: int) -> str:
    """An RSA key of so many bits."""
    return as_pem(rsa.generate_private_key(65537, bits))


UNFIT: dict[str, tuple[Callable[[], str], str]] = {
    "empty": (lambda: "", "is no private key in PEM"),
    "words": (lambda: "hush-hush", "is no private key in PEM"),
    "not DER": (
        lambda: "-----BEGIN PRIVATE KEY-----\naHVzaA==\n-----END PRIVATE KEY-----",
        "is no private key in PEM",
    ),
    "cut off": (lambda: pem("ed25519")[:70], "is no private key in PEM"),
    "locked": (locked, "passphrase"),
    "public": (public_half, "is a public key"),
    "EC": (lambda: as_pem(ec.generate_private_key(ec.SECP256R1())), "neither RSA nor Ed25519"),
    "Ed448": (lambda: as_pem(ed448.Ed448PrivateKey.generate()), "neither RSA nor Ed25519"),
    "1024 bits": (lambda: short(1024), "has 1024 bits, too few to be safe"),
    "2040 bits": (lambda: short(2040), "has 2040 bits, too few to be safe"),
    "mixed up": (mixed_up, "is damaged"),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_what_cannot_sign_is_named_with_a_cure(kind: str) -> None:
    make, said = UNFIT[kind]
    text = make()

    with pytest.raises(ValueError, match=said) as caught:
        read_key(text)

    words = str(caught.value)
    assert "; " in words
    assert "hush" not in words
    assert not any(line in words for line in text.splitlines()[1:-1] if line)


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=900))
def test_a_record_is_cut_into_strings_that_the_dns_can_hold(record: str) -> None:
    strings = record_strings(record)

    assert "".join(strings) == record
    assert all(0 < len(piece.encode()) <= 255 for piece in strings)


def test_a_zone_file_gets_the_record_whole() -> None:
    entry = zone_entry(record_name("s1", "um.example"), key("rsa").record)

    head, *strings, tail = entry.splitlines()
    assert head == "s1._domainkey.um.example. IN TXT ("
    assert tail == ")"
    assert len(strings) == 2
    assert "".join(piece.strip().strip('"') for piece in strings) == key("rsa").record

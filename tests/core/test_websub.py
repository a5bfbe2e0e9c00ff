"""What a hub says is read strictly, and believed where it is signed."""

import hmac
from datetime import timedelta

import pytest
from support.offices import START

from mailer.core.websub import LEASE, LONGEST, SHORTEST, asks_again, genuine, read_verification

ASKED = {"hub.mode": "subscribe", "hub.topic": "https://um.dk/feed", "hub.challenge": "abc"}


def signed(method: str, secret: str = "secret", payload: bytes = b"news") -> str:
    return f"{method}={hmac.new(secret.encode(), payload, method.lower()).hexdigest()}"


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512", "SHA256"])
def test_a_signature_of_any_method_of_the_standard_is_believed(method: str) -> None:
    assert genuine(signed(method), b"news", ["secret"])
    assert genuine(signed(method).upper().replace("SHA", "sha", 1), b"news", ["secret"])
    assert genuine(signed(method, "older"), b"news", ["secret", "older"])


@pytest.mark.parametrize(
    "signature",
    ["", "sha256", "sha256=", "sha256=ü", "md5=" + "0" * 32, signed("sha256", "other"),
     signed("sha256", payload=b"other"), signed("sha256")[:-1], signed("sha256").replace("sha256", "sha1")],
)  # fmt: skip
def test_nothing_else_is(signature: str) -> None:
    assert not genuine(signature, b"news", ["secret"])
    assert not genuine(signed("sha256"), b"news", [])


@pytest.mark.parametrize(
    ("seconds", "lease"),
    [("3600", timedelta(hours=1)), ("", LEASE), ("x", LEASE), ("1", SHORTEST), ("9" * 30, LONGEST)],
)
def test_a_question_is_read_with_its_lease(seconds: str, lease: timedelta) -> None:
    said = read_verification({**ASKED, "hub.lease_seconds": seconds})
    assert said is not None
    assert (said.mode, said.topic, said.challenge, said.lease) == (
        "subscribe", "https://um.dk/feed", "abc", lease,
    )  # fmt: skip


def test_a_refusal_needs_no_challenge() -> None:
    said = read_verification({"hub.mode": "denied", "hub.topic": "t", "hub.reason": "no"})
    assert said is not None
    assert (said.mode, said.reason, said.challenge) == ("denied", "no", "")


@pytest.mark.parametrize("lacking", [*ASKED, "all"])
def test_what_no_hub_says_is_nothing(lacking: str) -> None:
    query = {} if lacking == "all" else {k: v for k, v in ASKED.items() if k != lacking}
    assert read_verification(query) is None
    assert read_verification({**ASKED, "hub.mode": "publish"}) is None


@pytest.mark.parametrize(
    ("state", "asked", "lease", "again"),
    [
        ("", None, None, True),
        ("asked", 59, None, False),
        ("asked", 60, None, True),
        ("active", 100, 300, False),
        ("active", 151, 300, True),
        ("denied", 60 * 23, None, False),
        ("denied", 60 * 24, None, True),
    ],
)
def test_a_hub_is_asked_again_in_time(
    state: str, asked: int | None, lease: int | None, again: bool
) -> None:
    at = None if asked is None else START - timedelta(minutes=asked)
    until = None if at is None or lease is None else at + timedelta(minutes=lease)
    assert asks_again(state, asked_at=at, until=until, now=START) is again

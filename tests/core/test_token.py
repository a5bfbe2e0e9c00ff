"""Links and marks: only ours, only for their purpose, only in time, in one spelling alone."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import Signer

from mailer.core.errors import TokenExpired, TokenRefused
from mailer.core.token import LIFETIME, Claim, LinkPurpose, Mac, Marks, Tokens, keyed_hash

AT = datetime(2026, 3, 2, 8, 0, 30, tzinfo=UTC)
OLD, NEW = "the old key of the tests", "the new key of the tests"
TOKENS = Tokens([NEW])
URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

numbers = st.integers(min_value=0, max_value=2**63 - 1)
moments = st.timedeltas(timedelta(0), timedelta(days=30_000)).map(lambda step: AT + step)


@given(st.sampled_from(LinkPurpose), numbers, moments)
def test_a_token_says_what_was_signed(purpose: LinkPurpose, subject: int, at: datetime) -> None:
    token = TOKENS.sign(purpose, subject, at)
    assert set(token) <= set(URL_SAFE)
    assert TOKENS.read(purpose, token, at) == Claim(subject, at.replace(microsecond=0))


@given(st.sampled_from(LinkPurpose), numbers, moments)
def test_a_token_has_the_spelling_of_itsdangerous(
    purpose: LinkPurpose, subject: int, at: datetime
) -> None:
    """Salted with the purpose; so it is read, and so every link that is out there was signed."""
    signer = Signer(
        NEW,
        salt=f"mailer.{purpose}",
        sep=".",
        key_derivation="hmac",
        digest_method=hashlib.sha256,
    )
    token = TOKENS.sign(purpose, subject, at).encode()
    stated = signer.unsign(token)
    assert signer.sign(stated) == token
    assert [int(each, 36) for each in stated.split(b".")] == [subject, int(at.timestamp())]


def test_the_hour_that_a_clock_shows_twice_is_two_moments() -> None:
    """To Python they are equal, in every zone but UTC; a token tells them apart."""
    first = datetime(2025, 10, 26, 2, 30, tzinfo=ZoneInfo("Europe/Copenhagen"))
    second = first.replace(fold=1)
    assert first == second
    read = [
        TOKENS.read(LinkPurpose.LEAVE, TOKENS.sign(LinkPurpose.LEAVE, 1, at), AT).signed_at
        for at in (first, second)
    ]
    assert read == [datetime(2025, 10, 26, hour, 30, tzinfo=UTC) for hour in (0, 1)]


@given(st.binary(max_size=200), st.binary(max_size=300))
def test_a_mac_is_what_the_standard_library_makes(key: bytes, text: bytes) -> None:
    assert Mac(key).digest(text) == hmac.digest(key, text, "sha256")


@pytest.mark.parametrize("length", [63, 64, 65])
def test_a_mac_takes_keys_around_the_length_of_a_block(length: int) -> None:
    key = bytes(range(length))
    assert Mac(key).digest(b"text") == hmac.digest(key, b"text", "sha256")


@given(numbers)
def test_a_token_is_good_for_its_purpose_alone(subject: int) -> None:
    token = TOKENS.sign(LinkPurpose.LEAVE, subject, AT)
    with pytest.raises(TokenRefused):
        TOKENS.read(LinkPurpose.CONFIRM, token, AT)


@given(st.data())
def test_a_bent_token_is_refused(data: st.DataObject) -> None:
    token = TOKENS.sign(LinkPurpose.LEAVE, 4711, AT)
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from(URL_SAFE).filter(lambda found: found != token[place]))
    with pytest.raises(TokenRefused):
        TOKENS.read(LinkPurpose.LEAVE, token[:place] + letter + token[place + 1 :], AT)


@given(st.text())
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(TokenRefused):
        TOKENS.read(LinkPurpose.LEAVE, text, AT)


@pytest.mark.parametrize("tail", ["=", "\n", " ", ".", "\ud800", "%0a"])
def test_a_genuine_token_has_one_spelling(tail: str) -> None:
    token = TOKENS.sign(LinkPurpose.LEAVE, 1, AT)
    for bent in (token + tail, tail + token, token.swapcase()):
        with pytest.raises(TokenRefused):
            TOKENS.read(LinkPurpose.LEAVE, bent, AT)


def test_a_confirm_link_lives_72_hours_and_still_says_what_it_named() -> None:
    token = TOKENS.sign(LinkPurpose.CONFIRM, 17, AT)
    end = AT + timedelta(hours=72)
    assert TOKENS.read(LinkPurpose.CONFIRM, token, end).subject == 17
    with pytest.raises(TokenExpired) as late:
        TOKENS.read(LinkPurpose.CONFIRM, token, end + timedelta(seconds=1))
    assert late.value.subject == 17


def test_a_link_to_leave_never_expires() -> None:
    assert LIFETIME[LinkPurpose.LEAVE] is None
    token = TOKENS.sign(LinkPurpose.LEAVE, 17, AT)
    assert TOKENS.read(LinkPurpose.LEAVE, token, AT + timedelta(days=36_500)).subject == 17


def test_the_last_key_signs_and_all_verify() -> None:
    old, both = Tokens([OLD]), Tokens([OLD, NEW])
    earlier = old.sign(LinkPurpose.LEAVE, 1, AT)
    assert both.read(LinkPurpose.LEAVE, earlier, AT).subject == 1
    assert both.sign(LinkPurpose.LEAVE, 1, AT) == TOKENS.sign(LinkPurpose.LEAVE, 1, AT)
    with pytest.raises(TokenRefused):
        TOKENS.read(LinkPurpose.LEAVE, earlier, AT)


def test_keys_are_needed_and_never_shown() -> None:
    for kind in (Tokens, Marks):
        with pytest.raises(ValueError, match="key"):
            kind([])
        assert NEW not in repr(kind([NEW]))
    assert NEW not in repr(Mac(NEW.encode()))


@given(st.sampled_from(["return", "message-id"]), numbers)
def test_a_mark_survives_folded_case_and_belongs_to_its_number(use: str, number: int) -> None:
    marks = Marks([OLD, NEW])
    mark = marks.mark(use, number)
    assert mark == mark.lower()
    assert mark.isascii()
    assert mark.isalnum()
    assert marks.genuine(use, number, mark.upper())
    assert not marks.genuine(use, number + 1, mark)
    assert not marks.genuine("another use", number, mark)
    assert Marks([NEW]).mark(use, number) == mark
    assert marks.genuine(use, number, Marks([OLD]).mark(use, number))
    assert not Marks([NEW]).genuine(use, number, Marks([OLD]).mark(use, number))


def test_a_keyed_hash_is_ours_alone() -> None:
    found = keyed_hash(NEW, "anna@example.org")
    assert len(found) == 64
    assert found == keyed_hash(NEW, "anna@example.org")
    assert found != keyed_hash(OLD, "anna@example.org")
    assert found != keyed_hash(NEW, "bent@example.org")

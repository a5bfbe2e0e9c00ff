"""Quoted-printable: what goes in comes out, and no line is ever too long or looks like something else."""

import binascii
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.mails import AWKWARD

from mailer.mail.quoted import LINE, encode_part, encode_value
from mailer.mail.slots import CLOSE, HOLE, OPEN, mark

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=OPEN + CLOSE))
_TEXTS = st.lists(st.one_of(AWKWARD, _TEXT, st.sampled_from("\n")), max_size=20).map("".join)
_NAMES = st.sampled_from(["leave_token", "address_text"])


def _decoded(encoded: bytes) -> str:
    return binascii.a2b_qp(encoded).decode().replace("\r\n", "\n")


def _normal(text: str) -> str:
    ended = re.sub("\r\n?", "\n", text)
    return ended if ended.endswith("\n") or not ended else ended + "\n"


def _check_lines(encoded: bytes) -> None:
    assert encoded.isascii()
    for line in encoded.split(b"\r\n"):
        assert len(line) <= LINE
        assert not line.endswith((b" ", b"\t"))
        assert not line.startswith((b".", b"From "))
        assert b"=_" not in line  # what makes the boundary safe


@given(_TEXTS)
def test_every_text_survives(text: str) -> None:
    encoded = encode_part(text)
    _check_lines(encoded)
    assert _decoded(encoded) == _normal(text)


@given(st.lists(st.tuples(_TEXTS, _NAMES), min_size=1, max_size=5), _TEXTS, _TEXTS)
def test_slots_take_any_value(pieces: list[tuple[str, str]], end: str, value: str) -> None:
    value = re.sub("[\r\n]", "", value) or "x"
    marked = "".join(text + mark(name) for text, name in pieces) + end
    filled = HOLE.sub(encode_value(value).replace(b"\\", rb"\\"), encode_part(marked))
    _check_lines(filled)
    stated = re.sub("\r\n?", "\n", marked)
    assert _decoded(filled) == _normal(re.sub(f"{OPEN}[a-z_]+{CLOSE}", lambda _: value, stated))


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("", b""),
        ("a\n", b"a\r\n"),
        ("a\n\n\nb", b"a\r\n\r\n\r\nb\r\n"),
        ("-- \n", b"--=20\r\n"),
        (".dot\n..dots\n", b"=2Edot\r\n=2E.dots\r\n"),
        ("From me\nFrom\n", b"=46rom me\r\nFrom\r\n"),
        ("a=b ø\t\n", b"a=3Db =C3=B8=09\r\n"),
        ("x" * 75 + "\n", b"x" * 75 + b"\r\n"),
        ("x" * 78 + "\n", b"x" * 75 + b"=\r\nxxx\r\n"),
        ("x" * 75 + "." * 2 + "\n", b"x" * 75 + b"=\r\n=2E.\r\n"),
    ],
)
def test_lines(text: str, encoded: bytes) -> None:
    assert encode_part(text) == encoded


def test_a_slot_stands_alone_on_its_line() -> None:
    text = f"at https://a.example/leave/{mark('leave_token')}.\n{mark('address_text')}\n"
    assert encode_part(text).split(b"\r\n") == [
        b"at https://a.example/leave/=",
        b"\0leave_token\0=",
        b"=2E",
        b"\0address_text\0",
        b"",
    ]


def test_nul_in_a_text_is_no_slot() -> None:
    assert encode_part("\0leave_token\0") == b"=00leave_token=00\r\n"

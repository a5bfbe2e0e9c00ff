"""The form that is signed: as the RFC's own examples have it, and the same whether cut at slots or not."""

import hashlib
import re

from dkim.canonicalization import Relaxed
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.mail.canonical import Canonical, relaxed_body, relaxed_field
from mailer.mail.slots import HOLE

BLANK_LINES = st.lists(
    st.text("a. \t=", max_size=8).map(str.encode), max_size=8
).map(b"\r\n".join)  # fmt: skip
PIECES = st.one_of(
    BLANK_LINES,
    st.sampled_from([b" ", b"\t", b"\r\n", b" \r\n", b"\r\n\r\n", b"word", b"=\r\n"]),
    st.sampled_from([b"\0one\0", b"\0two\0", b"\0one\0=\r\n", b"\r\n\0two\0\r\n"]),
)
BODIES = st.lists(PIECES, max_size=10).map(b"".join)
VALUES = st.fixed_dictionaries({"one": BLANK_LINES, "two": st.just(b"") | BLANK_LINES})
FOLDABLE = st.lists(
    st.sampled_from([b"word", b" ", b"\t", b"\r\n ", b"\r\n\t", b"\0one\0", b"\0two\0", b":"]),
    max_size=8,
).map(b"".join)
FIELD_VALUES = st.fixed_dictionaries(
    {name: st.text("ab: \t", max_size=6).map(str.encode) for name in ("one", "two")}
)
NAMES = ("From", "To", "List-Id")
HEADERS = st.lists(
    st.tuples(st.sampled_from([b"From", b"to", b"TO ", b"List-Id\t", b"X-Other"]), FOLDABLE),
    max_size=6,
)


def filled(text: bytes, values: dict[str, bytes]) -> bytes:
    """The text with its slots filled."""
    return HOLE.sub(lambda hole: values[hole[1].decode()], text)


def test_the_rfc_s_own_example() -> None:
    """RFC 6376 section 3.4.5."""
    assert relaxed_field(b"A: X") == b"a:X\r\n"
    assert relaxed_field(b"B : Y\t\r\n\tZ  ") == b"b:Y Z\r\n"
    assert relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n") == b" C\r\nD E\r\n"


def test_a_body_of_nothing_is_nothing() -> None:
    """RFC 6376 section 3.4.4: the hash of an empty body is given there."""
    for body in (b"", b"\r\n", b"\r\n\r\n", b" \t\r\n  \r\n"):
        assert relaxed_body(body) == b""
        digest = hashlib.sha256(relaxed_body(body)).hexdigest()
        assert digest.startswith("e3b0c44298fc1c149afbf4c8996fb924")


@given(BODIES.map(lambda body: body.replace(b"\0", b"")))
def test_a_body_is_brought_into_form_as_others_do_it(body: bytes) -> None:
    body = body if body.endswith(b"\r\n") else body + b"\r\n"
    assert relaxed_body(body) == Relaxed.canonicalize_body(body)
    assert relaxed_body(relaxed_body(body)) == relaxed_body(body)


@settings(max_examples=300)
@given(BODIES, VALUES)
def test_a_body_cut_at_its_slots_has_the_hash_of_the_whole(
    body: bytes, values: dict[str, bytes]
) -> None:
    cut = Canonical(b"From: me\r\n\r\n" + body, ["From"]).body(values)
    assert cut == hashlib.sha256(relaxed_body(filled(body, values))).digest()


@settings(max_examples=300)
@given(HEADERS, FIELD_VALUES)
def test_a_header_cut_at_its_slots_has_the_hash_of_the_whole(
    fields: list[tuple[bytes, bytes]], values: dict[str, bytes]
) -> None:
    content = b"".join(b"%s:%s\r\n" % field for field in fields) + b"X-Last: x\r\n\r\nbody\r\n"
    canonical = Canonical(content, NAMES)
    head = filled(content, values).partition(b"\r\n\r\n")[0]
    left = re.split(rb"\r\n(?![ \t])", head)
    expected = b""
    for name in canonical.names:  # RFC 6376 section 5.4.2: each name takes the lowest that is left
        found = [
            field
            for field in left
            if field.partition(b":")[0].strip().lower().decode() == name.lower()
        ]
        if found:
            expected += relaxed_field(found[-1])
            del left[len(left) - 1 - left[::-1].index(found[-1])]
    assert canonical.head(values).digest() == hashlib.sha256(expected).digest()
    for name in NAMES:
        occurs = sum(field[0].strip().lower().decode() == name.lower() for field in fields)
        assert canonical.names.count(name) == occurs + 1, "oversigned"

"""What is told of a content is the same however it is cut into pieces, and is the truth."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.mail.message import Message
from mailer.mail.segments import Segments, is_plain
from mailer.mail.wire import Ready, Terms, ready

LONG = b"long " * 250
PIECE = st.lists(
    st.sampled_from(
        [b"a", b".", b"\r", b"\n", b"\r\n", b"\r\n", b"\r\n.\r\n", b"\0", b"\xe6", LONG]
    ),
    max_size=4,
).map(b"".join)


@st.composite
def cut(draw: st.DrawFn) -> Message:
    """Texts around slots, each of which bears one of a few values, wherever that stands as well."""
    values = draw(st.lists(PIECE, max_size=3))
    slots = st.lists(st.integers(0, len(values) - 1), max_size=5) if values else st.just([])
    order = draw(slots)
    texts = draw(st.lists(PIECE, min_size=len(order) + 1, max_size=len(order) + 1))
    borne = [values[place] for place in order]
    shared = Segments(texts, order)
    message = Message("a@b.example", "c@d.example", shared, tuple(values))
    assert message.content == b"".join(
        piece for pair in zip(texts, [*borne, b""], strict=True) for piece in pair
    )
    return message


def whole(content: bytes) -> Message:
    """The same in one piece, so that nothing is known of a part of it."""
    return Message("a@b.example", "c@d.example", Segments([content]))


@settings(max_examples=500)
@given(message=cut())
def test_what_is_ready_is_exactly_whole_seven_bit_lines(message: Message) -> None:
    lines = re.fullmatch(rb"(?:[^\r\n\0\x80-\xff]*\r\n)+", message.content)
    unborne = [
        value for place, value in enumerate(message.values) if place not in message.shared.order
    ]
    if not unborne:  # a value that stands nowhere may only make us look twice
        assert isinstance(ready(message), Ready) is (lines is not None)
    assert isinstance(ready(whole(message.content)), Ready) is (lines is not None)
    assert ready(message) == ready(whole(message.content)), "however it is cut"


@settings(max_examples=500)
@given(message=cut())
def test_the_dots_are_doubled_wherever_the_cuts_are(message: Message) -> None:
    lines = message.content.split(b"\r\n")
    doubled = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)
    checked = ready(message)
    assert not isinstance(checked, Ready) or checked.content == doubled


def test_the_size_is_that_of_the_content() -> None:
    message = Message("", "c@d.example", Segments([b"one\r\n", b".\r\n"], [0]), (LONG,))
    assert message.size == len(message.content)
    found = ready(message, Terms(size_limit=0))
    assert isinstance(found, Ready)
    assert found.envelope == b"MAIL FROM:<> SIZE=1258\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"
    too_big = ready(message, Terms("main", size_limit=1257))
    assert not isinstance(too_big, Ready)
    assert (too_big.enhanced, too_big.relay) == ("5.3.4", "main")
    assert isinstance(ready(message, Terms(size_limit=1258)), Ready)
    unasked = ready(message)
    assert isinstance(unasked, Ready)
    assert b"SIZE" not in unasked.envelope


def test_texts_go_around_their_slots() -> None:
    with pytest.raises(ValueError, match="2 texts do not go around 2 slots"):
        Segments([b"a", b"b\r\n"], [0, 0])


OCTETS = st.lists(st.sampled_from([b"a", b".", b" ", b"\r", b"\n", b"\r\n", b"\0", b"\t", b"\xe6"]))


@given(texts=st.lists(OCTETS.map(b"".join), max_size=4))
def test_plain_is_what_needs_no_second_look_wherever_it_stands(texts: list[bytes]) -> None:
    lines = [line for text in texts for line in text.split(b"\r\n")]
    octets = b"".join(lines)
    plain = octets.isascii() and not {*b"\r\n\0"} & {*octets}
    assert is_plain(texts) is (plain and not any(line.startswith(b".") for line in lines))

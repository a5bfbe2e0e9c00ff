"""What is told of a content is the same however it is cut into pieces, and is the truth."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.mail.message import Message
from mailer.mail.wire import envelope, stuffed, unfit

LONG = b"long " * 250  # what is remembered of a piece is tried too
CONTENTS = st.lists(
    st.sampled_from(
        [b"a", b".", b"\r", b"\n", b"\r\n", b"\r\n", b"\r\n.\r\n", b"\0", b"\xe6", LONG]
    ),
    max_size=12,
).map(b"".join)


@st.composite
def cut(draw: st.DrawFn) -> tuple[bytes, ...]:
    content = draw(CONTENTS)
    places = sorted(draw(st.sets(st.integers(0, len(content)), max_size=6)))
    return tuple(
        content[start:end] for start, end in zip([0, *places], [*places, None], strict=True)
    )


@settings(max_examples=500, deadline=None)
@given(pieces=cut())
def test_what_is_fit_is_exactly_whole_seven_bit_lines(pieces: tuple[bytes, ...]) -> None:
    content = b"".join(pieces)
    lines = re.fullmatch(rb"(?:[^\r\n\0\x80-\xff]*\r\n)+", content)
    outcome = unfit(Message("a@b.example", "c@d.example", pieces))
    assert (outcome is None) is (lines is not None)


@settings(max_examples=500, deadline=None)
@given(pieces=cut())
def test_the_dots_are_doubled_wherever_the_cuts_are(pieces: tuple[bytes, ...]) -> None:
    content = b"".join(pieces)
    lines = [b"." + line if line.startswith(b".") else line for line in content.split(b"\r\n")]
    assert stuffed(*pieces) == b"\r\n".join(lines) + b".\r\n"


def test_the_size_is_that_of_the_content() -> None:
    message = Message("", "c@d.example", (b"one\r\n", LONG, b"\r\n"))
    assert message.size == len(message.content)
    assert envelope(message, declare_size=True) == (
        b"MAIL FROM:<> SIZE=1257\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"
    )
    too_big = unfit(message, size_limit=1256)
    assert too_big is not None
    assert too_big.enhanced == "5.3.4"
    assert unfit(message, size_limit=1257) is None

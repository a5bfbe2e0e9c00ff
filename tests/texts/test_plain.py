"""Plain text for reading: wrapped, indented, links where they stand, and not a word lost."""

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.mails import LINES, words

from mailer.core.release import Block, Run
from mailer.texts.plain import WIDTH, columns, plain_body, underlined, wrap


@given(LINES, st.sampled_from(["", "    ", "- "]))
def test_wrapping_keeps_every_word_and_the_width(text: str, indent: str) -> None:
    wrapped = wrap(text, indent, " " * len(indent))
    assert words(wrapped.removeprefix(indent)) == words(text) or words(text) == ""
    for line in wrapped.split("\n"):
        assert len(line) <= WIDTH or " " not in line.strip(" ").removeprefix("- ")


def test_a_long_address_is_not_broken() -> None:
    address = "https://a.example/" + "long-" * 30
    assert address in wrap(f"See {address} for more.")


def test_a_body() -> None:
    body = (
        Block("paragraph", (Run("See "), Run("the report", href="https://a.example/r"), Run("."))),
        Block("attribution", (Run("The minister says:"),)),
        Block("quote", (Run("“One."),)),
        Block("quote", (Run("Two.”"),)),
        Block("heading", (Run("What now"),), 2),
        Block("bullet", (Run("first"),)),
        Block("bullet", (Run("inner"),), 1),
        Block("number", (Run("tenth"),), 0, 10),
        Block("preformatted", (Run("a   b\n  c"),)),
        Block("rule"),
        Block("paragraph", (Run("One line\nand another"),)),
    )
    assert plain_body(body) == dedent("""\
        See the report <https://a.example/r>.

        The minister says:

            “One.

            Two.”


        What now
        --------

        - first
          - inner

        10. tenth

            a   b
              c

                                         * * *

        One line
        and another""")


def test_a_body_may_begin_with_a_heading() -> None:
    assert plain_body((Block("heading", (Run("First"),), 2),)) == "First\n-----"


@pytest.mark.parametrize(
    ("text", "href", "expected"),
    [
        ("a.example/r", "https://a.example/r", "a.example/r"),
        ("https://a.example", "https://a.example/", "https://a.example"),
        ("a@b.example", "mailto:a@b.example", "a@b.example"),
        ("33 92 00 00", "tel:33920000", "33 92 00 00"),
        ("the desk ", "mailto:a@b.example", "the desk <a@b.example> "),
    ],
)
def test_an_address_is_not_said_twice(text: str, href: str, expected: str) -> None:
    body = (Block("paragraph", (Run(text, href=href), Run("x"))),)
    assert plain_body(body) == f"{expected}x"


def test_lines_are_as_long_as_they_look() -> None:
    assert columns("abc") == 3
    assert columns("日本") == 4
    assert columns("e\u0301") == 1
    assert underlined("日本") == "日本\n===="
    assert underlined("x" * 100, "-") == "x" * 100 + "\n" + "-" * WIDTH

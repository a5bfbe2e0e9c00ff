"""Characters: what deceives is refused, what nobody sees is dropped, what a script needs is kept."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.sources.characters import (
    display,
    find_deceptive,
    find_refused,
    find_stacked,
    one_line,
    tidy,
)

FLAG = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    "kept",
    [
        "København 8\u00a0pct.",
        "می\u200cخواهم",  # Persian: the joiner is spelling
        "क्\u200dष",
        "👩\u200d🚀 👁\ufe0f\u200d🗨\ufe0f",
        "עברית\u200f (a)\u200e",
        "\u2067عربي\u2069",
        "ภาษา\u200bไทย",
        FLAG,
    ],
)
def test_what_a_script_needs_is_kept(kept: str) -> None:
    assert tidy(kept) == unicodedata.normalize("NFC", kept)
    assert find_refused(kept) is None


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Køben\u00adhavn", "København"),
        ("\ufeffA\u200bB\u2060C\u2063D", "ABCD"),
        ("A\u200cB\u200dC", "ABC"),
        ("A" + "".join(chr(0xE0000 + ord(c)) for c in "hidden"), "A"),
        ("la\u030a", "l\u00e5"),
        ("\u00a0 A \t", "A"),
    ],
)
def test_what_nobody_sees_is_dropped(text: str, left: str) -> None:
    assert tidy(text) == left


def test_a_line_has_single_blanks() -> None:
    assert one_line(" a\u00a0\u2009b\r\nc\u2028d ") == "a b c d"
    assert display("ภาษา\u200bไทย") == "ภาษาไทย"


@pytest.mark.parametrize(
    "character",
    ["\0", "\x1b", "\x7f", "\x85", "\u202d", "\u202e", "\ufff9", "\ufffc", "\ufffd", "\ufffe",
     "\U0010ffff", "\ufdd0", chr(0xD800)],
)  # fmt: skip
def test_refused_anywhere(character: str) -> None:
    found = find_refused(f"ab{character}")
    assert found is not None
    assert found.index == 2
    assert found.name.startswith(f"U+{ord(character):04X} (")


@pytest.mark.parametrize(
    "character", ["\u200e", "\u200f", "\u061c", "\u202a", "\u2066", "\u2069", "\n"]
)
def test_refused_in_display_strings(character: str) -> None:
    found = find_deceptive(f"ab{character}c")
    assert found is not None
    assert found.index == 2
    assert find_refused(f"ab{character}c") is None


def test_joiners_may_stand_in_display_strings() -> None:
    assert find_deceptive("می\u200cخواهم 👩\u200d🚀") is None


def test_marks_are_not_stacked() -> None:
    assert find_stacked("a" + "\u0301" * 30 + "b" + "\u0301" * 30) is None
    found = find_stacked("ab" + "\u0301" * 31)
    assert found is not None
    assert found.index == 32


@given(st.text(max_size=60))
def test_tidying_twice_changes_nothing(text: str) -> None:
    assert one_line(one_line(text)) == one_line(text)
    assert display(display(text)) == display(text)

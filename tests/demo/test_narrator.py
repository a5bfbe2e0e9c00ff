"""The storyteller is plain to read, and holds the story to its word."""

import shlex

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.demo.narrator import ExpectationFailed, Narrator


def _told(lines: list[str]) -> str:
    return click.unstyle("\n".join(lines))


def test_counts_what_held_and_says_it() -> None:
    lines: list[str] = []
    tell = Narrator(lines.append)
    tell.expect("Anna has one mail", 1, 1)
    tell.require("the mail has a link", found=True)
    assert tell.held == 2
    assert _told(lines) == "   ✓ Anna has one mail"


def test_names_what_failed() -> None:
    tell = Narrator(lambda _line: None)
    with pytest.raises(ExpectationFailed, match="Anna has one mail: wanted 1, found 2") as failed:
        tell.expect("Anna has one mail", 2, 1)
    assert failed.value.exit_code == 1
    assert tell.held == 0


def test_chapters_are_numbered() -> None:
    lines: list[str] = []
    tell = Narrator(lines.append)
    tell.chapter("One")
    tell.chapter("Two", "Words.")
    assert _told(lines) == "\n1  One\n\n2  Two\n   Words."


def test_a_letter_keeps_its_empty_lines() -> None:
    lines: list[str] = []
    Narrator(lines.append).letter("Hej\n\n  Anna\n")
    assert [line.rstrip() for line in lines[0].splitlines()] == ["   │ Hej", "   │", "   │   Anna"]


@given(st.lists(st.text("ab-'\" $\\Å/", min_size=1, max_size=30), min_size=1, max_size=20))
def test_a_shown_command_can_be_typed(words: list[str]) -> None:
    lines: list[str] = []
    Narrator(lines.append).command(words)
    joined = _told(lines).replace("\\\n", "")  # no word holds a line's end
    assert shlex.split(joined.strip().removeprefix("$ ")) == words

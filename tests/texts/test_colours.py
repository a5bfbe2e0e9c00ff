"""Accent colours stay readable whatever a newsroom chose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.core.errors import MailerError
from mailer.texts.colours import READABLE, ink_for, readable_on

_COLOURS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


def _contrast(one: str, other: str) -> float:
    """WCAG 2.2's ratio, written from its definition."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
        return sum(
            weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True)
        )

    light, dark = sorted([luminance(one), luminance(other)], reverse=True)
    return (light + 0.05) / (dark + 0.05)


@given(_COLOURS, st.sampled_from(["#ffffff", "#1b1f24"]))
def test_every_accent_becomes_readable(colour: str, paper: str) -> None:
    assert _contrast(readable_on(colour, paper), paper) >= READABLE


@given(_COLOURS, st.sampled_from(["#ffffff", "#1b1f24"]))
def test_ink_reads_on_every_button(colour: str, paper: str) -> None:
    button = readable_on(colour, paper)
    assert _contrast(ink_for(button), button) >= 3


def test_a_readable_colour_is_left_alone() -> None:
    assert readable_on("#0b4f8a", "#ffffff") == "#0b4f8a"
    assert readable_on("#0B4F8A", "#ffffff") == "#0b4f8a"
    assert readable_on("#ffff00", "#ffffff") != "#ffff00"


@pytest.mark.parametrize("colour", ["red", "#fff", "#0b4f8", "#0b4f8a;x", "", "0b4f8a"])
def test_what_is_no_colour_is_refused(colour: str) -> None:
    with pytest.raises(MailerError, match="is not a colour"):
        readable_on(colour, "#ffffff")

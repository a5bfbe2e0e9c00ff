"""Makes a newsroom's accent colour readable on light and on dark paper (WCAG 2.2, 1.4.3)."""

import re

from mailer.core.errors import MailerError

READABLE = 4.5  # contrast ratio of ordinary text, level AA

_BLACK = (0, 0, 0)
_WHITE = (255, 255, 255)
_Colour = tuple[int, int, int]


def readable_on(colour: str, paper: str) -> str:
    """`colour`, mixed with as little black or white as makes text in it readable on `paper`.

    Args:
        colour: `#rrggbb`.
        paper: `#rrggbb`.

    Raises:
        MailerError: one of them is not a colour in that form.
    """
    ink, ground = _read(colour), _read(paper)
    target = _WHITE if _contrast(_WHITE, ground) > _contrast(_BLACK, ground) else _BLACK
    for share in range(0, 101, 2):
        mixed = _mix(ink, target, share / 100)
        if _contrast(mixed, ground) >= READABLE:
            return _written(mixed)
    return _written(target)


def ink_for(paper: str) -> str:
    """White or near-black: whichever reads better on `paper`."""
    ground = _read(paper)
    return "#ffffff" if _contrast(_WHITE, ground) >= READABLE else "#14171a"


def _read(colour: str) -> _Colour:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        raise MailerError(
            f"“{colour}” is not a colour", "write it as # and six hexadecimal digits, as #0b4f8a"
        )
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _written(colour: _Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _mix(one: _Colour, other: _Colour, share: float) -> _Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _contrast(one: _Colour, other: _Colour) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: _Colour) -> float:
    red, green, blue = (_linear(channel / 255) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)

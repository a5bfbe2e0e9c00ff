"""Encodes text as quoted-printable, with slots left open (RFC 2045 section 6.7).

    line ends       CRLF; CR LF, CR and LF in the text are all line ends
    lines           at most 76 characters with the soft break's "="; "=XX" is never split
    blanks          a space or tab at the end of a line is encoded
    line starts     "." and "From " are encoded, so that no server on the way changes them
    slots           stand alone on their line between soft breaks

So a value's length matters to nobody else; `encode_value` keeps it within the limits.
"""

import re

from mailer.mail.slots import MARK, hole

LINE = 76

_LITERAL = frozenset(b" \t") | frozenset(range(33, 127)) - frozenset(b"=")
_ENCODED = tuple(chr(byte) if byte in _LITERAL else f"={byte:02X}" for byte in range(256))
_BLANKS = {" ": "=20", "\t": "=09"}
_LINE_END = re.compile("\r\n|\r|\n")


def encode_part(text: str) -> bytes:
    """`text` encoded, its slot marks turned into NUL + name + NUL; ends in CRLF."""
    lines = _LINE_END.split(text)
    if lines[-1] == "":
        lines.pop()
    return b"".join(_line(line) + b"\r\n" for line in lines)


def encode_value(value: str) -> bytes:
    """A slot's value encoded, for a place that stands alone on its line."""
    return _wrapped(value).encode()


def _line(line: str) -> bytes:
    """One line of text as one or more encoded lines, without the last line end."""
    pieces = MARK.split(line)  # text, name, text, name, ... text
    parts = [_wrapped(pieces[0]).encode()]
    for name, after in zip(pieces[1::2], pieces[2::2], strict=True):
        if parts[-1]:
            parts.append(b"=\r\n")
        parts.append(hole(name))
        if after:
            parts += [b"=\r\n", _wrapped(after).encode()]
    return b"".join(parts)


def _wrapped(text: str) -> str:
    """Encode one line without slots, with soft breaks where it is long."""
    units = [_ENCODED[byte] for byte in text.encode()]
    if units and units[-1] in _BLANKS:
        units[-1] = _BLANKS[units[-1]]
    lines: list[list[str]] = [[]]
    room = LINE - 1  # the soft break takes one
    for place, unit in enumerate(units):
        if len(unit) > room:
            lines.append([])
            room = LINE - 1
        written = unit if lines[-1] else _at_start(units, place)
        lines[-1].append(written)
        room -= len(written)
    return "=\r\n".join("".join(line) for line in lines)


def _at_start(units: list[str], place: int) -> str:
    """The unit at `place`, which starts a line: encoded where servers would change that line."""
    if units[place] == ".":
        return "=2E"
    if units[place] == "F" and units[place : place + 5] == ["F", "r", "o", "m", " "]:
        return "=46"
    return units[place]

"""Turns the inside of a Markdown paragraph into runs: plain text in a style, and checked links."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from markdown_it.token import Token

from mailer.core.errors import DocumentFault
from mailer.core.release import Run
from mailer.sources.characters import composed, find_refused
from mailer.sources.fields import link
from mailer.sources.lines import Place

LINE_BREAK = "\n"

_BLANKS = re.compile(r"[ \t\r\n]+")
_SHIFTS = {
    "strong_open": ("bold", 1),
    "strong_close": ("bold", -1),
    "em_open": ("italic", 1),
    "em_close": ("italic", -1),
}


def read_runs(tokens: Sequence[Token], place: Place) -> tuple[Run, ...]:
    """The runs of one paragraph, heading or list item.

    Args:
        tokens: the children of an inline token.
        place: of the paragraph's first line.

    Returns:
        Runs without blanks at either end, a forced line break being a newline in a run's text; empty if
        there is nothing to see.

    Raises:
        DocumentFault: HTML, an image, a link that may not stand in a mail, a refused character.
    """
    state = _State(place)
    for token in tokens:
        _take(token, state)
    return joined(state.runs)


def joined(pieces: Sequence[Run]) -> tuple[Run, ...]:
    """Runs with single blanks between words, neighbours of one style made one, none at either end."""
    if len(pieces) == 1:  # most have no style inside
        text = pieces[0].text.strip()
        return (_saying(pieces[0], text),) if text else ()
    kept: list[Run] = []
    for piece in pieces:
        text = piece.text
        before = kept[-1].text[-1] if kept else LINE_BREAK
        if before in {" ", LINE_BREAK}:
            text = text.lstrip(" ") if kept else text.lstrip()
        if text.startswith(LINE_BREAK):
            _trim_end(kept, " ")
        if not text:
            continue
        if kept and _alike(kept[-1], piece):
            kept[-1] = _saying(piece, kept[-1].text + text)
        else:
            kept.append(_saying(piece, text))
    _trim_end(kept, None)
    return tuple(kept)


@dataclass(slots=True)
class _State:
    """Where we are in the paragraph, and in which style."""

    place: Place
    bold: int = 0
    italic: int = 0
    href: str | None = None
    runs: list[Run] = field(default_factory=list)

    def say(self, text: str) -> None:
        found = find_refused(text)
        if found is not None:
            raise self.place.fault(f"the text holds {found.name}", found.cure)
        self.runs.append(Run(text, self.bold > 0, self.italic > 0, self.href))

    def next_line(self) -> None:
        self.place = replace(self.place, line=self.place.line + 1)


def _take(token: Token, state: _State) -> None:
    if token.type in {"text", "text_special", "code_inline"}:
        state.say(_BLANKS.sub(" ", composed(token.content)))
    elif token.type == "softbreak":
        state.say(" ")
        state.next_line()
    elif token.type == "hardbreak":
        state.say(LINE_BREAK)
        state.next_line()
    elif token.type in _SHIFTS:
        style, step = _SHIFTS[token.type]
        setattr(state, style, getattr(state, style) + step)
    elif token.type == "link_open":
        state.href = link(str(token.attrGet("href") or ""), state.place)
    elif token.type == "link_close":
        state.href = None
    else:
        raise _refusal(token, state.place)


def _refusal(token: Token, place: Place) -> DocumentFault:
    if token.type == "image":
        return place.fault(
            "an image cannot be mailed", "write a link to it: [what it shows](https://...)"
        )
    return place.fault(
        f"HTML (“{token.content[:40]}”) cannot stand in a release",
        "write it in Markdown; for a line break end the line with a backslash, "
        "for the sign itself write \\<",
    )


def _alike(one: Run, other: Run) -> bool:
    return (one.bold, one.italic, one.href) == (other.bold, other.italic, other.href)


def _saying(run: Run, text: str) -> Run:
    return run if run.text == text else Run(text, run.bold, run.italic, run.href)


def _trim_end(runs: list[Run], blanks: str | None) -> None:
    while runs:
        text = runs[-1].text.rstrip(blanks)
        if text:
            runs[-1] = _saying(runs[-1], text)
            return
        runs.pop()

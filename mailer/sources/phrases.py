"""Knows the fixed phrases of a newsroom page, a row per language, and where its furniture begins.

The furniture is what the newsroom sets around every release: about the issuer, the subscription
box, the list of other releases. It begins with the about line, and it is known by two lines that
name the same issuer: `Information om Udenrigsministeriet` and later `Følg pressemeddelelser fra
Udenrigsministeriet`. A text that was cut off right after the about line counts too; a sentence that
happens to begin like one does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mailer.sources.lines import Line

_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Phrases:
    """How pages in one language say it.

    Attributes:
        about: begins the furniture; like `follow` and `more`, the issuer's name stands after it.
        follow: heads the subscription box.
        more: heads the list of other releases.
        closing: begins the sentence after the list.
        visit: the whole last line.
        contact: what the heading of the press contact begins with.
        not_contact: beginnings that only look like such a heading.
    """

    language: str
    about: str
    follow: tuple[str, ...]
    more: tuple[str, ...]
    closing: str
    visit: str
    contact: tuple[str, ...]
    not_contact: tuple[str, ...] = ()


PAGES = (
    Phrases(
        language="da",
        about="Information om ",
        follow=("Følg pressemeddelelser fra ",),
        more=("Flere pressemeddelelser fra ",),
        closing="I vores nyhedsrum kan du læse alle ",
        visit="Besøg vores nyhedsrum",
        contact=("For yderligere ", "Yderligere oplysninger", "Yderligere information", "Pressekontakt"),
        not_contact=("For yderligere at ",),
    ),
    Phrases(
        language="en",
        about="About ",
        follow=("Subscribe to releases from ", "Follow releases from "),
        more=("More releases from ", "Latest releases from "),
        closing="In our newsroom you can read all ",
        visit="Visit our newsroom",
        contact=("For further ", "For more information", "Further information", "Press contact",
                 "Media contact"),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Furniture:
    """Where a page's furniture begins: the index of the about line among the lines, and whom it names."""

    phrases: Phrases
    start: int
    issuer: str


def find_furniture(lines: Sequence[Line]) -> Furniture | None:
    """The furniture of a newsroom page; None if the text has none that can be trusted."""
    for phrases in PAGES:
        found = _anchored(lines, phrases) or _cut_off(lines, phrases)
        if found is not None:
            return found
    return None


def find_anchored(lines: Sequence[Line]) -> Furniture | None:
    """The furniture whose two lines name the same issuer: it can be nothing else."""
    found = (_anchored(lines, phrases) for phrases in PAGES)
    return next((furniture for furniture in found if furniture is not None), None)


def furniture_line(line: Line) -> str:
    """The phrase of the furniture that a line begins with; empty if with none."""
    key = _key(line.text)
    for phrases in PAGES:
        for phrase in (*phrases.follow, *phrases.more):
            if key.startswith(_key(phrase)):
                return phrase.strip()
        if closes(line, phrases):
            return line.text[:60]
    return ""


def begins_with(text: str, starts: Sequence[str]) -> bool:
    """Whether `text` begins with one of `starts`, whatever the case and the kind of blanks."""
    key = _key(text) + " "
    return any(key.startswith(_key(start)) for start in starts)


def closes(line: Line, phrases: Phrases) -> bool:
    """Whether a line is one of those that end a page, after the list of other releases."""
    key = _key(line.text)
    return key == _key(phrases.visit) or key.startswith(_key(phrases.closing))


def is_more_line(line: Line, phrases: Phrases) -> bool:
    """Whether a line heads the list of other releases."""
    return begins_with(line.text, phrases.more)


def _anchored(lines: Sequence[Line], phrases: Phrases) -> Furniture | None:
    """The last about line before the first line that follows up on the same issuer."""
    about: dict[str, int] = {}
    for index, line in enumerate(lines):
        if name := _named(line.text, (*phrases.follow, *phrases.more)):
            if name.casefold() in about:
                start = about[name.casefold()]
                return Furniture(phrases, start, _named(lines[start].text, (phrases.about,)))
        elif name := _named(line.text, (phrases.about,)):
            about[name.casefold()] = index
    return None


def _cut_off(lines: Sequence[Line], phrases: Phrases) -> Furniture | None:
    if not lines:
        return None
    name = _named(lines[-1].text, (phrases.about,))
    if not name or name.endswith((".", "!", "?", ":")):
        return None
    return Furniture(phrases, len(lines) - 1, name)


def _named(text: str, starts: Sequence[str]) -> str:
    """The issuer that `text` names after one of `starts`; empty if it names none."""
    if not any(text[:1].lower() == start[:1].lower() for start in starts):
        return ""  # nearly every line
    key = _key(text[: _LONGEST_NAME * 2])
    for start in starts:
        if key.startswith(_key(start)):
            name = " ".join(text.split())[len(_key(start)) :].strip()
            return name if len(name) <= _LONGEST_NAME else ""
    return ""


def _key(text: str) -> str:
    """For comparing: letters lower, blanks plain; a blank at the end of a phrase stays."""
    return " ".join(text.split()).lower() + (" " if text.endswith(" ") else "")

"""Says what changed between two editions, word by word, as a reader wants to read it.

1. Title, lead, body and contacts are compared part by part; the body block by block. Blocks that are the
   same in both are left out.
2. Blocks that took each other's place are paired by how much of them is alike; a block without a partner
   was deleted or added whole.
3. In a pair words are compared. Of what stayed a few words around each change remain; for the others
   stands a cut, once. Words that changed side by side are one deletion and one addition: a reader sees
   "deleted: 10 million, added: 12 million", not single letters.

Blanks are no words: a line that was set anew has not changed. Style and links are not compared: a link that
leads elsewhere under the same words changes nothing that is read.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from mailer.core.release import Edition

Part = Literal["title", "lead", "body", "contacts"]
Mark = Literal["same", "deleted", "added", "cut"]

AROUND = 6
"""Words of what stayed on either side of a change."""
_PAIRED = 0.3
# Where no blanks part words every sign is one: Chinese, Japanese; Thai and its like stay whole.
_UNPARTED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNPARTED}]|[^\s{_UNPARTED}]+")
_CLOSE = re.compile(rf"(?<=[{_UNPARTED}]) (?=\S)|(?<=\S) (?=[{_UNPARTED}])")
_MOST_WORDS = 3000  # longer stretches are not compared by the word: nobody would read that


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of words and what became of it; a cut has none, and stands for words that stayed."""

    mark: Mark
    text: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A title, lead, block or contact line that changed, as one passage."""

    part: Part
    spans: tuple[Span, ...]


def difference(before: Edition, after: Edition) -> tuple[Change, ...]:
    """What changed from one edition to the next, in reading order; empty where all words are the same."""
    found: list[Change] = []
    found += _changes("title", [before.title], [after.title])
    found += _changes("lead", [before.lead], [after.lead])
    bodies = ([block.text for block in edition.body] for edition in (before, after))
    found += _changes("body", *bodies)
    contacts = ([contact.text for contact in edition.contacts] for edition in (before, after))
    found += _changes("contacts", *contacts)
    return tuple(found)


def _changes(part: Part, before: Sequence[str], after: Sequence[str]) -> Iterator[Change]:
    old, new = ([words for text in texts if (words := _words(text))] for texts in (before, after))
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for what, first, last, start, end in matcher.get_opcodes():
        if what == "equal":
            continue
        for gone, come in _paired(old[first:last], new[start:end]):
            spans = tuple(_spans(gone, come))
            if spans:
                yield Change(part, spans)


Words = tuple[str, ...]


def _paired(old: Sequence[Words], new: Sequence[Words]) -> Iterator[tuple[Words, Words]]:
    """Blocks with what took their place, in reading order; with nothing for those deleted or added."""
    if len(old) == len(new) == 1:
        yield old[0], new[0]
        return
    rest = list(old)
    for come in new:
        place = next((at for at, gone in enumerate(rest) if _alike(gone, come) >= _PAIRED), None)
        if place is None:
            yield (), come
            continue
        for gone in rest[:place]:
            yield gone, ()
        yield rest[place], come
        del rest[: place + 1]
    for gone in rest:
        yield gone, ()


def _alike(one: Words, other: Words) -> float:
    if max(len(one), len(other)) > _MOST_WORDS:
        return float(one[:50] == other[:50])
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() >= _PAIRED else 0.0


def _spans(old: Words, new: Words) -> Iterator[Span]:
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    gone, come = old[head : len(old) - tail], new[head : len(new) - tail]
    if not gone and not come:
        return
    yield from _shortened(old[:head], first=True, last=False)
    yield from _inner(gone, come)
    yield from _shortened(old[len(old) - tail :], first=False, last=True)


def _inner(gone: Words, come: Words) -> Iterator[Span]:
    """What lies between the first change and the last."""
    if max(len(gone), len(come)) > _MOST_WORDS:
        yield from _replaced(gone, come)
        return
    waiting_gone: Words = ()
    waiting_come: Words = ()
    matcher = SequenceMatcher(None, gone, come, autojunk=False)
    for what, first, last, start, end in matcher.get_opcodes():
        if what == "equal" and (last - first > 1 or not (waiting_gone or waiting_come)):
            yield from _replaced(waiting_gone, waiting_come)
            waiting_gone = waiting_come = ()
            yield from _shortened(gone[first:last], first=False, last=False)
        else:  # one word between two changes reads better as part of them
            waiting_gone += gone[first:last]
            waiting_come += come[start:end]
    yield from _replaced(waiting_gone, waiting_come)


def _replaced(gone: Words, come: Words) -> Iterator[Span]:
    if gone:
        yield Span("deleted", _said(gone))
    if come:
        yield Span("added", _said(come))


def _shortened(words: Words, *, first: bool, last: bool) -> Iterator[Span]:
    """Words that stayed: all of a few, else those next to a change."""
    room = AROUND if first or last else 2 * AROUND
    if not words:
        return
    if len(words) <= room + 2:
        yield Span("same", _said(words))
        return
    if not first:
        yield Span("same", _said(words[:AROUND]))
    yield Span("cut")
    if not last:
        yield Span("same", _said(words[-AROUND:]))


def _common(one: Words, other: Words) -> int:
    """How many words two texts begin with alike."""
    count = 0
    for first, second in zip(one, other, strict=False):
        if first != second:
            break
        count += 1
    return count


def _words(text: str) -> Words:
    return tuple(_WORD.findall(text))


def _said(words: Words) -> str:
    return _CLOSE.sub("", " ".join(words))

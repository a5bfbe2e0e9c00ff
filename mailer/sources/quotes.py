"""Finds who is quoted and where: attributions, and quotes that run over several paragraphs.

    a quote begins    with a paragraph that opens with a quotation mark and ends with one whose last
                      mark closes it; paragraphs between have marks on both sides, in front or none
    an attribution    is a paragraph that ends in a colon right before a quote; it keeps its words
    without one       only a paragraph wholly in marks, or several that begin and end so, are quotes
    never closed      the paragraph after an attribution is a quote, and its index is reported

Danish sets U+201D on both sides, so one mark can open and close: which it does follows from
counting.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from mailer.core.release import Block

MAX_PARAGRAPHS = 40  # of one quote: beyond that a mark was forgotten

_CLOSERS = {"”": "”", "“": "”", "„": "“”", "»": "«", "«": "»", '"': '"'}
_AFTER_THE_MARK = ".,;!?… "


def mark_quotes(blocks: Sequence[Block]) -> tuple[tuple[Block, ...], tuple[int, ...]]:
    """Turn the paragraphs that are attributions and quotes into such blocks.

    Returns:
        The blocks, as many as before, and the indexes of quotes whose closing mark is missing.
    """
    kept = list(blocks)
    if not any(block.kind == "quote" or _opener(block) for block in kept):
        return tuple(kept), ()
    unclosed = []
    index = 0
    while index < len(kept):
        attributed = index > 0 and _introduces(kept[index - 1])
        end = _quote_end(kept, index, attributed=attributed)
        if end == index and attributed and _left_open(kept[index]):
            unclosed.append(index)
            end = index + 1
        for position in range(index, end):
            kept[position] = replace(kept[position], kind="quote")
        index = max(end, index + 1)
    for position, following in enumerate(kept[1:]):
        if following.kind == "quote" and _introduces(kept[position]):
            kept[position] = replace(kept[position], kind="attribution")
    return tuple(kept), tuple(unclosed)


def never_ending(lines: Iterable[int]) -> Iterator[str]:
    """The warnings about quotes whose closing mark is missing, by the lines on which they begin."""
    return (f"line {line}: a quote begins here that never ends" for line in lines)


def _introduces(block: Block) -> bool:
    return block.kind == "paragraph" and block.text.rstrip().endswith(":")


def _opener(block: Block) -> str:
    first = block.text[:1]
    return first if block.kind == "paragraph" and first in _CLOSERS else ""


def _left_open(block: Block) -> bool:
    opener = _opener(block)
    return bool(opener) and _marks_open(block.text, opener, 0) > 0


def _quote_end(blocks: Sequence[Block], start: int, *, attributed: bool) -> int:
    """The index after the quote that begins at `start`; `start` itself where none does."""
    opener = _opener(blocks[start])
    if not opener:
        return start
    first = blocks[start].text
    if not attributed and _interrupted(first, opener):
        return start
    depth = _marks_open(first, opener, 0)
    if depth == 0:
        return start + 1 if _ends_closed(first, opener) else start
    return _last_paragraph(blocks, start, opener, depth)


def _last_paragraph(blocks: Sequence[Block], start: int, opener: str, depth: int) -> int:
    reopened = True  # English repeats the opening mark at the start of each paragraph, or of none
    for index in range(start + 1, min(len(blocks), start + MAX_PARAGRAPHS)):
        block = blocks[index]
        if block.kind != "paragraph" or _introduces(block):
            return start
        text = block.text
        if text.startswith(opener):
            if not reopened:
                return start
            text = text[1:]
        else:
            reopened = False
        depth = _marks_open(text, opener, depth)
        if depth == 0:
            return index + 1 if _ends_closed(text, opener) else start
    return start


def _marks_open(text: str, opener: str, depth: int) -> int:
    """How many marks stand open after `text`, `depth` of them from before it."""
    closers = _CLOSERS[opener]
    if opener in closers:
        return (depth + text.count(opener)) % 2
    return max(0, depth + text.count(opener) - sum(text.count(mark) for mark in closers))


def _ends_closed(text: str, opener: str) -> bool:
    return text.rstrip(_AFTER_THE_MARK)[-1:] in tuple(_CLOSERS[opener])


def _interrupted(text: str, opener: str) -> bool:
    """Whether words outside the marks interrupt them, as in `”Ja,” siger hun. ”Nej.”`."""
    inside = text[1:].rstrip(_AFTER_THE_MARK)
    marks = set(_CLOSERS[opener]) | {opener}
    return any(mark in inside[:-1] for mark in marks)

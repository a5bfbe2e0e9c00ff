"""Turns a Markdown body into blocks, each with its line; what a mail cannot say is a fault.

Headings, paragraphs, nested lists, quotes, code and rules become blocks. HTML, images and tables
are refused. A paragraph that continues a list item stays in the item's block after an empty line.
Deep nesting and endless paragraphs are refused before the parser, which would drop the one in
silence and chew on the other for minutes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from mailer.core.errors import DocumentFault
from mailer.core.release import Block, Run
from mailer.sources.block_writer import ListItem
from mailer.sources.characters import composed, find_refused
from mailer.sources.inline import LINE_BREAK, read_runs
from mailer.sources.lines import Place, refuse_endless

MAX_PARAGRAPH = 10_000
MAX_NESTED = 8  # lists in each other

_PARSER_DEPTH = 40  # well beyond ours, since the parser drops in silence what lies deeper


@dataclass(frozen=True, slots=True)
class Placed:
    """A block and the line it begins on. Headings keep their depth in the document, 1-6."""

    block: Block
    line: int


def read_body(body: str, start: Place) -> tuple[list[Placed], list[str]]:
    """Read a Markdown body.

    Args:
        body: Markdown.
        start: where its first line stands in its file.

    Returns:
        The blocks in order, and warnings.

    Raises:
        DocumentFault: what cannot be mailed, at its line.
    """
    _refuse_endless(body, start)
    parser = MarkdownIt("commonmark", {"maxNesting": _PARSER_DEPTH}).enable("table")
    # Every link must reach our own check, which refuses aloud; the parser's leaves bad links as text.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    known: dict[str, Any] = {}
    walk = _Walk(start)
    for token in parser.parse(body, known):
        walk.take(token)
    refuse_endless(0, len(walk.placed), start)
    return walk.placed, list(_unused_definitions(known, walk.placed, start))


class _Walk:
    """One walk over the parser's tokens."""

    def __init__(self, start: Place) -> None:
        self._start = start
        self._heading = 0
        self._around: list[ListItem | None] = []  # open list items and, as None, quotes
        self._ordinals: list[int | None] = []  # next number of each open list; None for bullets
        self.placed: list[Placed] = []

    def take(self, token: Token) -> None:
        place = self._place(token)
        if token.level > 2 * MAX_NESTED + 1:  # a list and its item are a level each
            raise place.fault(
                f"lists or quotes are nested too deep here; {MAX_NESTED} lists are the most",
                "make them flatter",
            )
        if token.type == "inline":
            self._say(read_runs(token.children or [], place), place)
        elif token.type in {"fence", "code_block"}:
            self._add_code(token, place)
        elif token.type == "hr":
            self._add(Block("rule"), place)
        elif token.type in {"html_block", "table_open"}:
            raise _refusal(token, place)
        else:
            self._move(token)

    def _move(self, token: Token) -> None:
        match token.type:
            case "heading_open":
                self._heading = int(token.tag[1:])
            case "heading_close":
                self._heading = 0
            case "bullet_list_open":
                self._ordinals.append(None)
            case "ordered_list_open":
                self._ordinals.append(int(token.attrGet("start") or 0 if token.attrs else 1))
            case "bullet_list_close" | "ordered_list_close":
                self._ordinals.pop()
            case "list_item_open":
                self._around.append(self._next_item())
            case "blockquote_open":
                self._around.append(None)
            case "list_item_close" | "blockquote_close":
                self._around.pop()

    def _next_item(self) -> ListItem:
        ordinal = self._ordinals[-1]
        level = len(self._ordinals) - 1
        if ordinal is None:
            return ListItem("bullet", level, 0)
        self._ordinals[-1] = ordinal + 1
        return ListItem("number", level, ordinal)

    def _say(self, runs: tuple[Run, ...], place: Place) -> None:
        if not runs:
            return
        around = self._around[-1] if self._around else None
        if self._heading:
            self._add(Block("heading", runs, level=self._heading), place)
        elif around is not None:
            self._say_in_item(runs, around, place)
        else:
            self._add(Block("quote" if self._around else "paragraph", runs), place)

    def _say_in_item(self, runs: tuple[Run, ...], item: ListItem, place: Place) -> None:
        if item.index is None:
            item.index = len(self.placed)
            self._add(Block(item.kind, runs, level=item.level, ordinal=item.ordinal), place)
        elif item.index == len(self.placed) - 1:
            own = self.placed[-1]
            joined = (*own.block.runs, Run(LINE_BREAK * 2), *runs)
            self.placed[-1] = replace(own, block=replace(own.block, runs=joined))
        else:
            self._add(Block("paragraph", runs), place)

    def _add_code(self, token: Token, place: Place) -> None:
        text = composed(token.content).rstrip()
        found = find_refused(text)
        if found is not None:
            raise place.fault(f"the text holds {found.name}", found.cure)
        if text:
            self._add(Block("preformatted", (Run(text),)), place)

    def _add(self, block: Block, place: Place) -> None:
        self.placed.append(Placed(block, place.line))

    def _place(self, token: Token) -> Place:
        return replace(self._start, line=self._start.line + (token.map[0] if token.map else 0))


def _refusal(token: Token, place: Place) -> DocumentFault:
    if token.type == "table_open":
        return place.fault(
            "a table cannot be mailed legibly",
            "write it as a list, or link to a page that shows it",
        )
    return place.fault(
        "HTML cannot stand in a release",
        "write it in Markdown; delete comments; for the sign itself write \\<",
    )


def _refuse_endless(body: str, start: Place) -> None:
    refuse_endless(len(body), 0, start)
    length = 0
    for number, line in enumerate(body.split("\n")):
        length = length + len(line) + 1 if line.strip() else 0
        if length > MAX_PARAGRAPH:
            raise replace(start, line=start.line + number).fault(
                f"more than {MAX_PARAGRAPH:,} characters stand here without an empty line",
                "part the text into paragraphs by empty lines",
            )


def _unused_definitions(known: dict[str, Any], placed: list[Placed], start: Place) -> Iterator[str]:
    """Link definitions that no link uses: Markdown drops them, and the author may have meant a text."""
    used = {run.href for one in placed for run in one.block.runs}
    for label, definition in known.get("references", {}).items():
        if definition["href"] not in used:
            line = start.line + definition["map"][0]
            yield f"line {line}: no link uses the definition “[{label.lower()}]”; it is not mailed"

"""Collects words, in the style and the surroundings in which they are said, into blocks."""

import re
from dataclasses import dataclass, field, replace

from mailer.core.release import Block, BlockKind, Run
from mailer.sources.characters import composed
from mailer.sources.inline import LINE_BREAK, joined
from mailer.sources.lines import MAX_CHARACTERS, MAX_PARAGRAPHS
from mailer.sources.mending import WordsRefused, words

MAX_LEVEL = 8  # of lists in each other

_BLANKS = re.compile(r"[ \t\r\n]+")


@dataclass(slots=True)
class ListItem:
    """A list item that is open: what its block will be, and where that block is once it is there."""

    kind: BlockKind
    level: int
    ordinal: int
    index: int | None = None


@dataclass(slots=True)
class BlockWriter:
    """The blocks so far, the words of the one that is open, and what lies around them.

    Attributes:
        links: where the links that are open lead; None for one that leads nowhere we go.
        bold, italic: how many elements around make it so.
        heading: the depth of the heading that is open; 0 for none.
        kept_lines: how many elements around want blanks and lines kept as they are.
        plain: somebody looked over the whole text, and there is nothing in it to mend or refuse.
    """

    blocks: list[Block] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    links: list[str | None] = field(default_factory=list)
    bold: int = 0
    italic: int = 0
    heading: int = 0
    kept_lines: int = 0
    plain: bool = False
    _around: list[ListItem | None] = field(
        default_factory=list
    )  # open list items and, as None, quotes
    _ordinals: list[int | None] = field(default_factory=list)  # next number; None for bullets
    _characters: int = 0

    def say(self, text: str) -> None:
        """Words follow.

        Raises:
            WordsRefused: too many, or with what may stand nowhere in a release.
        """
        if not text:
            return
        self._characters += len(text)
        if self._characters > MAX_CHARACTERS or len(self.blocks) > MAX_PARAGRAPHS:
            raise WordsRefused(
                f"the text has more than {MAX_CHARACTERS:,} characters or {MAX_PARAGRAPHS:,} paragraphs",
                "check that this is the text of one release",
            )
        said = text if self.plain else composed(words(text, "the text"))
        if not self.kept_lines and ("\n" in said or "  " in said or "\t" in said or "\r" in said):
            said = _BLANKS.sub(" ", said)
        href = self.links[-1] if self.links else None
        self.runs.append(Run(said, self.bold > 0, self.italic > 0, href))

    def end_line(self) -> None:
        """A line ends; where the one before was empty, the paragraph does."""
        if self.kept_lines:
            self.runs.append(Run(LINE_BREAK))
            return
        while self.runs and not self.runs[-1].text.strip(" \xa0"):
            self.runs.pop()
        if self.runs and self.runs[-1].text.endswith(LINE_BREAK):
            self.end_block()
        elif self.runs:
            self.runs.append(Run(LINE_BREAK))

    def begin_list(self, first: int | None) -> None:
        """A list begins; `first` is its first number, None of one with bullets."""
        self._ordinals.append(first)

    def end_list(self) -> None:
        """The innermost list ends."""
        self._ordinals.pop()

    def begin_item(self) -> None:
        """An item of the innermost list begins."""
        level = min(max(len(self._ordinals) - 1, 0), MAX_LEVEL)
        ordinal = self._ordinals[-1] if self._ordinals else None
        if ordinal is None:
            self._around.append(ListItem("bullet", level, 0))
        else:
            self._ordinals[-1] = ordinal + 1
            self._around.append(ListItem("number", level, ordinal))

    def begin_quote(self) -> None:
        """What follows is somebody's words."""
        self._around.append(None)

    def end_around(self) -> None:
        """The innermost item or quote ends."""
        self._around.pop()

    def rule(self) -> None:
        """A line across."""
        self.end_block()
        self.blocks.append(Block("rule"))

    def end_block(self) -> None:
        """The words so far are a block, unless there are none."""
        said, self.runs = self.runs, []
        if not said:
            return
        if self.kept_lines:
            text = "".join(run.text for run in said).strip("\n").rstrip()
            if text.strip():
                self.blocks.append(Block("preformatted", (Run(text),)))
            return
        runs = joined(said)
        if not runs:
            return
        around = self._around[-1] if self._around else None
        if self.heading:
            plain = joined([replace(run, bold=False) for run in runs])
            self.blocks.append(Block("heading", plain, level=min(max(self.heading, 2), 4)))
        elif around is not None:
            self._end_item(runs, around)
        else:
            self.blocks.append(Block("quote" if self._around else "paragraph", runs))

    def _end_item(self, runs: tuple[Run, ...], item: ListItem) -> None:
        if item.index is None:
            item.index = len(self.blocks)
            self.blocks.append(Block(item.kind, runs, level=item.level, ordinal=item.ordinal))
        elif item.index == len(self.blocks) - 1:
            own = self.blocks[-1]
            self.blocks[-1] = replace(own, runs=(*own.runs, Run(LINE_BREAK * 2), *runs))
        else:
            self.blocks.append(Block("paragraph", runs))

"""Turns HTML into blocks: safe by construction, since only words, styles and checked links are taken over.

How the tree is read stands in `html_walk`. Mark-up that was escaped once too often is read once more, and a
text without any is read by its lines.
"""

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from mailer.core.release import Block, Picture, Run
from mailer.sources import mending
from mailer.sources.characters import composed, one_line
from mailer.sources.html_walk import Walk
from mailer.sources.inline import LINE_BREAK, joined
from mailer.sources.lines import MAX_CHARACTERS
from mailer.sources.mending import WordsRefused
from mailer.sources.quotes import mark_quotes

MAX_DEPTH = 400  # of elements in each other; the parser takes quadratic time for them

_MARKUP = re.compile(
    r"</(?:p|div|li|ul|ol|strong|em|b|i|a|span|h[1-6])>|<br ?/?>|<p[ >]", re.IGNORECASE
)
_NESTING = re.compile(
    r"<(/?)(?:div|section|article|span|blockquote|ul|ol|table|b|i|em|strong|font|a|u|form|center|main)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Written:
    """What a text says: blocks, the pictures that stood among them, and what to look at."""

    blocks: tuple[Block, ...] = ()
    pictures: tuple[Picture, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All words, on one line."""
        return " ".join(one_line(block.text) for block in self.blocks)


def read_html(html: str, base: str) -> Written:
    """Read a text in HTML; one without any mark-up is read by its lines.

    Args:
        html: a fragment or a whole page.
        base: where its relative links start; may be empty.

    Raises:
        WordsRefused: too long, nested too deep, or holding what may stand nowhere in a release.
    """
    if "<" not in html:
        plain = mending.unescaped(html)
        return read_html(plain, base) if _MARKUP.search(plain) else read_plain(html)
    refuse_endless(html)
    root = LexborHTMLParser(html).body
    if root is None:
        return Written()
    once = read_node(root, base)
    if once.blocks and once.blocks[0].text.startswith("<"):
        escaped = "\n".join(block.text for block in once.blocks)
        if not _MARKUP.search(escaped):
            return once
        refuse_endless(escaped)
        return read_node(LexborHTMLParser(escaped).body or root, base)
    return once


def as_html(text: str) -> str:
    """A text that its source says is HTML: without an empty line in it, its line ends are blanks."""
    return text if "<" in text or re.search(r"\n[ \t\r]*\n", text) else " ".join(text.split("\n"))


def read_node(root: LexborNode, base: str) -> Written:
    """Read what stands inside an element.

    Raises:
        WordsRefused: holding what may stand nowhere in a release, or more than one may have.
    """
    walk = Walk(base)
    walk.over(root)
    return settled(walk.writer.blocks, tuple(walk.pictures), tuple(walk.warnings))


def read_plain(text: str) -> Written:
    """Read a text without mark-up: paragraphs by empty lines or, where there are none, by lines.

    Raises:
        WordsRefused: too long, or holding what may stand nowhere in a release.
    """
    refuse_endless(text)
    tidy = text if mending.is_plain(text) else composed(mending.words(text, "the text"))
    clean = tidy.replace("\r\n", "\n").replace("\r", "\n").strip()
    parts = (
        re.split(r"\n[ \t]*\n\s*", clean) if re.search(r"\n[ \t]*\n", clean) else clean.split("\n")
    )
    said = (joined([Run(_lines(part))]) for part in parts)
    return settled([Block("paragraph", runs) for runs in said if runs])


def settled(
    blocks: list[Block], pictures: tuple[Picture, ...] = (), warnings: tuple[str, ...] = ()
) -> Written:
    """Blocks with their quotes found."""
    marked, unclosed = mark_quotes(blocks)
    doubts = (f"a quote begins at “{marked[at].text[:40]}...” that never ends" for at in unclosed)
    return Written(marked, pictures, (*warnings, *doubts))


def refuse_endless(html: str) -> None:
    """Refuse HTML that nobody would mail, before minutes are spent on it.

    Raises:
        WordsRefused: too long, or nested too deep.
    """
    if len(html) > 8 * MAX_CHARACTERS:
        raise WordsRefused(
            f"the text has {len(html):,} characters of mark-up; {8 * MAX_CHARACTERS:,} is the most",
            "check that this is the text of one release",
        )
    depth = 0
    for tag in _NESTING.finditer(html) if html.count("<") > MAX_DEPTH else ():
        depth += -1 if tag[1] else 1
        if depth > MAX_DEPTH:
            raise WordsRefused(
                f"more than {MAX_DEPTH} elements lie in each other", "make the text flatter"
            )


def _lines(part: str) -> str:
    """One paragraph: lines that were only wrapped are put together, others stay lines."""
    lines = [" ".join(line.split()) for line in part.split("\n")]
    wrapped = all(50 <= len(line) <= 80 for line in lines[:-1])
    return (" " if wrapped else LINE_BREAK).join(line for line in lines if line)

"""Sets a body as plain text for reading: wrapped, indented, with links where they stand.

    heading         underlined
    quote           indented by four columns
    list            "-" or "1." with a hanging indent
    preformatted    indented, its lines as they are
    link            words <address>; the address is never broken

Bold and italic leave no marks.
"""

import re
import textwrap
import unicodedata
from collections.abc import Sequence

from mailer.core.release import Block, Run
from mailer.texts.blocks import Group, grouped

WIDTH = 72
_INDENT = "    "


def plain_body(body: Sequence[Block]) -> str:
    """The body as text, groups parted by one empty line; no line end at the end."""
    return "\n\n".join(_group(group) for group in grouped(body)).lstrip("\n")


def wrap(text: str, indent: str = "", hanging: str | None = None) -> str:
    """`text` in lines of at most 72 columns where its words allow; line breaks in it are kept.

    Args:
        indent: what the first line starts with.
        hanging: what the lines after it start with; None means the same.
    """
    after = indent if hanging is None else hanging
    lines = (
        textwrap.fill(
            line,
            WIDTH,
            initial_indent=after if place else indent,
            subsequent_indent=after,
            break_long_words=False,
            break_on_hyphens=False,
            expand_tabs=False,
            replace_whitespace=False,
        )
        for place, line in enumerate(text.strip().split("\n"))
    )
    return "\n".join(lines)


def underlined(text: str, mark: str = "=") -> str:
    """`text`, with a line of `mark` under it as long as its longest line."""
    longest = max(columns(line) for line in text.split("\n"))
    return f"{text}\n{mark * min(longest, WIDTH)}"


def columns(text: str) -> int:
    """How many columns `text` takes in a fixed-width font: wide characters two, marks none."""
    wide = sum(unicodedata.east_asian_width(character) in {"W", "F"} for character in text)
    marks = sum(unicodedata.category(character) in {"Mn", "Me", "Cf"} for character in text)
    return len(text) + wide - marks


def _group(group: Group) -> str:
    match group.kind:
        case "list":
            return _list(group, "")
        case "heading":
            return "\n" + underlined(wrap(_words(group.blocks[0])), "-")
        case "quote":
            return "\n\n".join(wrap(_words(block), _INDENT) for block in group.blocks)
        case "preformatted":
            return textwrap.indent(group.blocks[0].text.strip("\n"), _INDENT)
        case "rule":
            return "* * *".center(WIDTH).rstrip()
        case _:
            return wrap(_words(group.blocks[0]))


def _list(group: Group, indent: str) -> str:
    lines: list[str] = []
    for item in group.items:
        mark = f"{indent}{item.block.ordinal}. " if group.ordered else f"{indent}- "
        hanging = " " * len(mark)
        lines.append(wrap(_words(item.block), mark, hanging))
        lines.extend(_list(inner, hanging) for inner in item.inner)
    return "\n".join(lines)


def _words(block: Block) -> str:
    return "".join(_run(run) for run in block.runs)


def _run(run: Run) -> str:
    """The run's words; a link's address after them, unless the words say it already."""
    if run.href is None:
        return run.text
    address = re.sub(r"^(mailto|tel):", "", run.href)
    if _bare(run.text) == _bare(address):
        return run.text
    words = run.text.rstrip()
    return f"{words} <{address}>{run.text[len(words) :]}"


def _bare(text: str) -> str:
    shorter = re.sub(r"^https?://", "", text.strip()).rstrip("/")
    return re.sub(r"[\s()]|(?<=\d)-", "", shorter) if re.match(r"^[+\d]", shorter) else shorter

"""Walks once over a tree of HTML and takes from it words, styles, checked links and pictures: nothing else.

Words of an element that shows nothing (scripts, styles, controls, hidden parts) are left out, whatever
handlers and styles the others carry. Pictures leave the text and are kept beside it, but for those of no
size, which count readers. A table is written row by row.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from selectolax.lexbor import LexborNode

from mailer.core.release import Picture
from mailer.sources import addresses, mending
from mailer.sources.block_writer import BlockWriter
from mailer.sources.characters import one_line

_DROPPED = frozenset((
    "script", "style", "template", "noscript", "iframe", "object", "embed", "applet", "svg", "math",
    "canvas", "audio", "video", "head", "title", "link", "meta", "base", "input", "button", "select",
    "option", "textarea", "label", "dialog", "map", "area", "frame", "frameset", "noframes", "param",
    "source", "track", "progress", "meter", "datalist", "nav",
))  # fmt: skip
_BLOCKS = frozenset((
    "p", "div", "section", "article", "main", "header", "footer", "aside", "address", "figure",
    "figcaption", "dl", "dt", "dd", "table", "thead", "tbody", "tfoot", "tr", "caption", "ul", "ol",
    "menu", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "details", "summary", "center",
    "fieldset", "legend", "form", "hgroup", "body", "body.head", "body.content", "block",
))  # fmt: skip
_BOLD, _ITALIC = frozenset({"b", "strong", "th"}), frozenset({"i", "em", "cite", "dfn", "var"})
_STYLED = _BOLD | _ITALIC
_RAISED = str.maketrans("0123456789+-=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ")
_LOWERED = str.maketrans("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")
_UNSEEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])", re.IGNORECASE
)


@dataclass(slots=True)
class Walk:
    """One walk over a tree.

    Args:
        base: where its relative links start; may be empty.
    """

    base: str
    pictures: list[Picture] = field(default_factory=list)
    warnings: dict[str, None] = field(default_factory=dict)
    writer: BlockWriter = field(default_factory=BlockWriter)
    _figures: list[int] = field(default_factory=list)

    def over(self, root: LexborNode) -> None:
        """Walk over everything inside `root`."""
        # To look over the whole text once is much quicker than to look at each piece.
        self.writer.plain = mending.is_plain(root.text())
        _go(root, self._enter, self._leave)
        self.writer.end_block()

    def _enter(self, node: LexborNode) -> bool:
        """Take a node in; whether to go on inside it."""
        tag = node.tag or ""
        if tag == "-text":
            self.writer.say(node.text_content or "")
            return False
        if tag[:1] in "-!" or tag in _DROPPED:
            return False
        said = node.attributes
        if said and _is_hidden(said):
            return False
        if tag in _BLOCKS:
            return self._enter_block(node, tag)
        if tag in _STYLED:
            self._style(tag, 1)
        entering = _ENTERING.get(tag)
        return entering is None or entering(self, node)

    def _enter_block(self, node: LexborNode, tag: str) -> bool:
        if tag == "figcaption" and self._figures and len(self.pictures) > self._figures[-1]:
            return self._caption(node)
        writer = self.writer
        writer.end_block()
        match tag:
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                writer.heading = int(tag[1])
            case "ul" | "menu":
                writer.begin_list(None)
            case "ol":
                writer.begin_list(_number(node.attributes.get("start")))
            case "li":
                writer.begin_item()
            case "blockquote":
                writer.begin_quote()
            case "pre":
                writer.kept_lines += 1
            case "figure":
                self._figures.append(len(self.pictures))
            case "table":
                self.warnings["a table is mailed row by row: look at it"] = None
        return True

    def _caption(self, node: LexborNode) -> bool:
        caption = one_line(mending.words(node.text(separator=" "), "a caption"))
        self.pictures[-1] = replace(self.pictures[-1], caption=caption)
        return False

    def _leave(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._leave_block(tag)
            return
        if tag in _STYLED:
            self._style(tag, -1)
        elif tag == "a":
            self.writer.links.pop()
        elif tag == "q":
            self.writer.say("”")

    def _leave_block(self, tag: str) -> None:
        writer = self.writer
        writer.end_block()
        match tag:
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                writer.heading = 0
            case "ul" | "menu" | "ol":
                writer.end_list()
            case "li" | "blockquote":
                writer.end_around()
            case "pre":
                writer.kept_lines -= 1
            case "figure":
                self._figures.pop()

    def _style(self, tag: str, step: int) -> None:
        if tag in _BOLD:
            self.writer.bold += step
        elif tag in _ITALIC:
            self.writer.italic += step

    def _link(self, node: LexborNode) -> bool:
        self.writer.links.append(addresses.resolved(node.attributes.get("href"), self.base))
        return True

    def _break(self, node: LexborNode) -> bool:
        self.writer.end_line()
        return False

    def _rule(self, node: LexborNode) -> bool:
        self.writer.rule()
        return False

    def _quoted(self, node: LexborNode) -> bool:
        self.writer.say("“")
        return True

    def _cell(self, node: LexborNode) -> bool:
        self.writer.say(" | " if self.writer.runs else "")
        return True

    def _small(self, node: LexborNode) -> bool:
        """Digits set high or low keep their meaning (10⁶, CO₂); other words stay as they are."""
        signs = _RAISED if node.tag == "sup" else _LOWERED
        text = node.text().strip()
        if not text or any(ord(sign) not in signs for sign in text):
            return True
        self.writer.say(text.translate(signs))
        return False

    def _picture(self, node: LexborNode) -> bool:
        said = node.attributes
        url = addresses.page(said.get("src"), self.base)
        width, height = _pixels(said.get("width")), _pixels(said.get("height"))
        of_no_size = min(99 if width is None else width, 99 if height is None else height) <= 2
        if url is not None and not of_no_size:
            alt = one_line(mending.words(said.get("alt") or "", "a picture's text"))
            self.pictures.append(Picture(url, alt=alt, width=width, height=height))
        return False


_ENTERING: dict[str, Callable[[Walk, LexborNode], bool]] = {
    "a": Walk._link,
    "br": Walk._break,
    "hr": Walk._rule,
    "img": Walk._picture,
    "q": Walk._quoted,
    "td": Walk._cell,
    "th": Walk._cell,
    "sup": Walk._small,
    "sub": Walk._small,
}


def _go(
    root: LexborNode, enter: Callable[[LexborNode], bool], leave: Callable[[str], None]
) -> None:
    """Go over all nodes inside `root` in reading order; without recursion, so that depth does not matter."""
    node, depth = root.first_child, 0
    while node is not None:
        inside = enter(node)
        child = node.first_child if inside else None
        if child is not None:
            node, depth = child, depth + 1
            continue
        if inside:
            leave(node.tag or "")
        while node.next is None:
            if depth == 0:
                return
            parent = node.parent
            assert parent is not None  # we came down through it
            node, depth = parent, depth - 1
            leave(node.tag or "")
        node = node.next


def _is_hidden(attributes: Mapping[str, str | None]) -> bool:
    if "hidden" in attributes:
        return True
    style = attributes.get("style")
    return style is not None and bool(_UNSEEN.search(style))


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 6 else 1


def _pixels(text: str | None) -> int | None:
    digits = (text or "").strip().removesuffix("px")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else None

"""Tells by its first signs whether a text is JSON, XML, HTML or none of them."""

import re
from typing import Literal

Shape = Literal["xml", "html", "json", "text"]

_HTML = frozenset((
    "html", "head", "body", "main", "article", "section", "div", "p", "h1", "h2", "title", "meta", "span",
    "header", "center", "table", "ul", "ol", "blockquote", "a", "b", "strong", "em", "font", "script",
    "style",
))  # fmt: skip
_TAG = re.compile(r"<([A-Za-z_][\w:.-]*)")
_LIST = re.compile(r"\[\s*[\[{\"\]\d]")


def shape_of(text: str) -> Shape:
    """What a text is, by how it begins."""
    start = text[:200].lstrip()
    if start[:1] == "{" or _LIST.match(start):
        return "json"
    if not re.match(r"<[A-Za-z_?!]", start):
        return "text"
    name = first_element(text).lower()
    if name in _HTML or (not name and "<!doctype html" in start.lower()):
        return "html"
    return "xml"


def first_element(text: str) -> str:
    """The name of a mark-up's outermost element, with its prefix; empty if none begins."""
    at = 0
    for _ in range(100):
        at = text.find("<", at)
        if at < 0:
            return ""
        if text.startswith("<!--", at):
            at = text.find("-->", at) + 3
        elif text[at + 1 : at + 2] in {"?", "!"}:
            at = text.find(">", at) + 1
        else:
            found = _TAG.match(text, at)
            return found[1] if found else ""
        if at <= 2:  # it never ends
            return ""
    return ""

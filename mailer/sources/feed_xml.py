"""Makes the elements of a feed from its XML: the whole at once where it is well-formed, else item by item.

    at once          by expat, without a document type of its own: no entity is ever declared or fetched
    mended           HTML's named entities and lone ampersands, which XML does not have, are what they mean
    item by item     where elements do not close in order, or the feed breaks off: each item that is
                     well-formed by itself is read, the others are told

Names are written as `dc:date`, whatever prefix the feed has for a namespace.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from html.entities import html5
from xml.etree import ElementTree as ET

from mailer.core.errors import SourceFault

ITEMS = frozenset({"item", "entry"})

_SPACES = {
    "http://www.w3.org/2005/Atom": "atom",
    "http://purl.org/atom/ns#": "atom",  # Atom 0.3
    "http://purl.org/rss/1.0/": "",
    "http://my.netscape.com/rdf/simple/0.9/": "",
    "http://channel.netscape.com/rdf/simple/0.9/": "",
    "http://backend.userland.com/rss2": "",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/elements/1.0/": "dc",
    "http://purl.org/dc/terms/": "dc",
    "http://dublincore.org/documents/dcmi-namespace/": "dc",  # as a wire service writes it
    "http://purl.org/rss/1.0/modules/content/": "content",
    "http://search.yahoo.com/mrss/": "media",
    "http://search.yahoo.com/mrss": "media",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
    "http://www.w3.org/XML/1998/namespace": "xml",
    "http://www.w3.org/1999/xhtml": "",
}
# No element found, an unclosed token, half a character, an unclosed CDATA section: all at the very end.
_BROKE_OFF = {3, 5, 6, 20}
_LONGEST_OPENING = 10_000  # of a feed: it is read again with each item
_PREDEFINED = {"amp", "lt", "gt", "quot", "apos"}
_REFERENCE = re.compile(r"&(?:(#[0-9]{1,7}|#x[0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{0,31}));|&")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_ITEM = re.compile(r"<((?:[A-Za-z_][\w.-]{0,40}:)?(?:item|entry))(?=[\s>])")
_FIRST_ELEMENT = re.compile(r"<[A-Za-z_]")


@dataclass(frozen=True, slots=True)
class FeedXml:
    """The elements of a feed.

    Attributes:
        root: its outermost element.
        items: its items or entries, whole ones only.
        broken: the places of items that are not well-formed.
        cut: it broke off after them.
    """

    root: ET.Element
    items: list[ET.Element]
    broken: tuple[str, ...] = ()
    cut: bool = False


def read_xml(text: str) -> FeedXml:
    """The elements of a feed.

    Raises:
        SourceFault: it declares entities, or nothing in it is well-formed.
    """
    first = _FIRST_ELEMENT.search(text)
    prolog = text[: first.start()] if first else text
    if "<!ENTITY" in prolog or "[" in prolog.partition("<!DOCTYPE")[2]:
        raise SourceFault(
            "The feed declares entities of its own, as bombs do",
            "have its source give a plain feed",
        )
    body = text[first.start() :] if first else ""
    with suppress(ET.ParseError):
        return _whole(body)
    body = _mended(body)
    try:
        return _whole(body)
    except ET.ParseError as error:
        return _by_item(body, error)


def _whole(text: str) -> FeedXml:
    root = ET.fromstring(text)  # noqa: S314 - without a document type there is nothing to expand
    return FeedXml(root, [each for each in root.iter() if local(each.tag) in ITEMS])


def _by_item(text: str, problem: ET.ParseError) -> FeedXml:
    """Items each read within the tags that open and close the feed, whose prefixes they share."""
    opening, head, chunks, cut = _chunks(text)
    root = _parsed(opening, head) or _parsed(opening, "")
    items = [(f"item {number}", _parsed(opening, chunk)) for number, chunk in enumerate(chunks, 1)]
    whole = [found[0] for _, found in items if found is not None and len(found)]
    if root is None or not whole:
        if problem.code in _BROKE_OFF:
            raise SourceFault(
                "The feed is cut off before its first item is whole", "fetch it again"
            )
        line, column = problem.position
        raise SourceFault(
            f"The feed is not well-formed: {problem.msg.partition(':')[0]} at line {line}, column {column}",
            "have its source mend it",
        )
    return FeedXml(root, whole, tuple(place for place, found in items if found is None), cut)


def _chunks(text: str) -> tuple[str, str, list[str], bool]:
    """The feed's opening tag, what stands before its first item, each item, and whether it breaks off."""
    opening = text[: text.find(">") + 1].removesuffix("/>").removesuffix(">") + ">"
    starts = list(_ITEM.finditer(text))
    head = text[len(opening) : starts[0].start()] if starts else ""
    chunks: list[str] = []
    reach = 0
    for start in starts:
        if start.start() < reach:
            continue  # it lies in the one before
        closing = f"</{start[1]}>"
        end = text.find(closing, start.end())
        if end < 0:
            return opening, head, chunks, True
        reach = end + len(closing)
        chunks.append(text[start.start() : reach])
    return opening, head, chunks, "</" not in text[reach:]


def _parsed(opening: str, inside: str) -> ET.Element | None:
    if len(opening) > _LONGEST_OPENING:
        return None
    name = next(iter(opening[1:-1].split()), "")
    if "<channel" in inside and "</channel>" not in inside:
        inside += "</channel>"
    try:
        return ET.fromstring(f"{opening}{inside}</{name}>")  # noqa: S314 - as above
    except ET.ParseError:
        return None


def local(tag: object) -> str:
    """An element's name as we write it: `title`, `dc:date`, `atom:link`; `item` and `entry` always so."""
    if not isinstance(tag, str):
        return ""  # a comment
    known = _NAMES.get(tag)
    if known is None:
        known = _named(tag)
        if len(_NAMES) < 1000:
            _NAMES[tag] = known
    return known


_NAMES: dict[str, str] = {}
"""What was named before: a feed has few names, and many elements."""


def _named(tag: str) -> str:
    space, _, name = tag[1:].rpartition("}") if tag[:1] == "{" else ("", "", tag)
    prefix = _SPACES.get(space, "?" if space else "")
    return name if prefix in {"", "atom"} and (name in ITEMS or not prefix) else f"{prefix}:{name}"


def _mended(text: str) -> str:
    """XML out of nearly-XML; CDATA sections are taken as they are, but for signs that are never legal."""
    legal, kept, at = _ILLEGAL.sub("", text), [], 0
    while at < len(legal):
        begins = legal.find("<![CDATA[", at)
        begins = len(legal) if begins < 0 else begins
        ends = legal.find("]]>", begins)
        ends = len(legal) if ends < 0 else ends
        kept += [_REFERENCE.sub(_meant, legal[at:begins]), legal[begins:ends]]
        at = ends
    return "".join(kept)


def _meant(found: re.Match[str]) -> str:
    numbered, named = found[1], found[2]
    if numbered:
        code = int(numbered[2:], 16) if numbered[1] in "xX" else int(numbered[1:])
        legal = (
            code in {9, 10, 13}
            or 32 <= code < 0xD800
            or 0xE000 <= code < 0xFFFE
            or 0xFFFF < code < 0x110000
        )
        return found[0] if legal else ""
    if named in _PREDEFINED:
        return found[0]
    meaning = html5.get(f"{named};") if named else None
    return meaning.replace("&", "&amp;").replace("<", "&lt;") if meaning else f"&amp;{found[0][1:]}"

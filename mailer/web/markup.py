"""Writes XML from values, so that no text of a release can become mark-up or break a parser."""

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, tostring

# What XML 1.0 (section 2.2) cannot hold, not even as a reference.
_NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def root(name: str, attributes: Mapping[str, str]) -> Element:
    """An outermost element; names bear their prefixes, which its `xmlns:` attributes declare."""
    return Element(name, dict(attributes))


def put(
    parent: Element, name: str, text: str = "", attributes: Mapping[str, str] | None = None
) -> Element:
    """A new last child of `parent`."""
    child = SubElement(
        parent, name, {key: clean(value) for key, value in (attributes or {}).items()}
    )
    child.text = clean(text) or None
    return child


def written(outermost: Element) -> bytes:
    """The document in UTF-8."""
    return bytes(tostring(outermost, encoding="utf-8", xml_declaration=True))


def clean(text: str) -> str:
    """`text` without the characters that XML cannot hold."""
    return _NO_CHARACTER.sub("", text)

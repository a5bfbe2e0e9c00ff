"""Reads an article in IPTC NITF, as ninjs carries it: its headline, and its text as HTML."""

from typing import NamedTuple

from mailer.sources.html_body import read_html


class Nitf(NamedTuple):
    """What an article says; either may be empty."""

    headline: str
    html: str


def read_nitf(text: str) -> Nitf:
    """Read an article. Its paragraphs, lists and emphasis are those of HTML; other elements only hold them.

    Raises:
        WordsRefused: what stands in it may stand nowhere in a release.
    """
    return Nitf(read_html(_inside(text, "hl1"), "").text, _inside(text, "body.content"))


def _inside(text: str, tag: str) -> str:
    """What stands inside the first element of a name, as it stood; by searching, which is never slow."""
    start = text.find(f"<{tag}")
    begin = text.find(">", start) + 1
    end = text.find(f"</{tag}>", begin)
    return text[begin:end] if start >= 0 and begin > 0 and end >= 0 else ""

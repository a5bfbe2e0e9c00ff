"""Reads what a source gave us into documents, in whichever format: each whole, or refused with its reason.

The format is told by the content, never by the media type, which lies as often as not. A source whose
settings name a format is held to it: where a feed should be, a web page is an error, whatever its status.
"""

from collections.abc import Callable
from typing import Any

from mailer.core.errors import DocumentFault, SourceFault
from mailer.sources import json_values
from mailer.sources.decoding import text_of
from mailer.sources.document import is_markdown, read_document
from mailer.sources.feed import read_feed
from mailer.sources.found import Found, ReadingTerms, Refusal
from mailer.sources.govuk import is_govuk, read_govuk
from mailer.sources.json_feed import is_json_feed, read_json_feed
from mailer.sources.json_values import said
from mailer.sources.lines import split_lines
from mailer.sources.mending import shown
from mailer.sources.newsroom_json import is_newsroom_json, read_newsroom_json, refuse_near_newsroom
from mailer.sources.ninjs import is_ninjs, read_ninjs, refuse_schema
from mailer.sources.presseportal import is_presseportal, read_presseportal
from mailer.sources.shape import Shape, shape_of
from mailer.sources.webpage import read_webpage, title_of

__all__ = ["Found", "ReadingTerms", "Refusal", "SourceFault", "read"]


def read(payload: bytes, *, media_type: str, url: str, terms: ReadingTerms) -> Found:
    """Read all releases that a payload holds.

    Args:
        payload: the bytes, after any transfer coding; at most 5 MB.
        media_type: as the server said it, `text/html; charset=utf-8`; only its charset counts. May be empty.
        url: where the payload came from, which relative addresses start at; may be empty, or a file's name.
        terms: what the settings say of the source.

    Raises:
        SourceFault: nothing can be made of the payload as a whole: it is an error page or message in
            spite of its status, cut off, of a wrong encoding, a bomb, empty, or of no format we read.
    """
    text = text_of(payload, media_type)
    base = url if url[:4].lower() == "http" else ""
    found = _READERS[shape_of(text)](text, url, base, terms)
    if not _is_wanted(found.format, terms):
        raise SourceFault(
            f"This is of the format {found.format}; the source's settings say {terms.format}",
            "check the address, or change the format in the settings",
        )
    return found


def _is_wanted(found: str, terms: ReadingTerms) -> bool:
    alike = {"html": "webpage", "atom": "rss"}  # a feed may change its dialect
    return terms.format == "auto" or alike.get(found, found) == alike.get(
        terms.format, terms.format
    )


def _read_xml(text: str, url: str, base: str, terms: ReadingTerms) -> Found:
    return read_feed(text, base=base, terms=terms)


def _read_html(text: str, url: str, base: str, terms: ReadingTerms) -> Found:
    if terms.format not in {"auto", "webpage", "html"}:
        raise SourceFault(
            f"The source answered with a web page (“{title_of(text)}”), not {terms.format}",
            "look at its address in a browser; it may have moved, or refuse programs",
        )
    return read_webpage(text, url=base, terms=terms)


def _read_json(text: str, url: str, base: str, terms: ReadingTerms) -> Found:
    value = json_values.parse(text)
    for is_it, read_it in _JSON:
        if is_it(value):
            return read_it(value, base=base, terms=terms)
    refuse_schema(value)
    if not _error_said(value):
        refuse_near_newsroom(value)
    raise _no_release(value)


_JSON: tuple[tuple[Callable[[Any], bool], Callable[..., Found]], ...] = (
    (is_json_feed, read_json_feed),
    (is_govuk, read_govuk),
    (is_presseportal, read_presseportal),
    (is_ninjs, read_ninjs),
    (is_newsroom_json, read_newsroom_json),
)


def _no_release(value: Any) -> SourceFault:
    message = _error_said(value)
    if message:
        return SourceFault(
            f"The source answered with an error: {shown(message, 120)}",
            "check its address and key",
        )
    if not value:
        return SourceFault("The source gave JSON that says nothing", "check its address")
    keys = ", ".join(list(value)[:6]) if isinstance(value, dict) else type(value).__name__
    return SourceFault(
        f"This JSON is of no kind that we read: {shown(keys, 120)}",
        "see docs/formats.md for those that are",
    )


def _error_said(value: Any) -> str:
    message = said(value, "message", "error", "detail", "msg", "title", "error_description")
    return message or said(json_values.group(value, "error"), "message", "msg")


def _read_text(text: str, url: str, base: str, terms: ReadingTerms) -> Found:
    file = url or "-"
    try:
        found = read_document(text.encode(), file=file, default_language=terms.language)
    except DocumentFault as error:
        raise SourceFault(error.what, error.cure) from error
    kind = "markdown" if is_markdown(split_lines(text), file) else "newsroom_page"
    return Found(kind, (found,))


_READERS: dict[Shape, Callable[[str, str, str, ReadingTerms], Found]] = {
    "xml": _read_xml,
    "html": _read_html,
    "json": _read_json,
    "text": _read_text,
}

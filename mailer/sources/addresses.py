"""Makes whole, safe addresses of those in a source, or none: a link that cannot be trusted is no link."""

import re
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from mailer.core.errors import DocumentFault
from mailer.core.web_name import without_counters
from mailer.sources.fields import link
from mailer.sources.lines import Place

MAX_ADDRESS = 2000

_PLAIN = re.compile(
    r"https?://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?:/[A-Za-z0-9/._~+,;=:@!$'()*-]*)?"
    r"(?:[?#][A-Za-z0-9/._~+,;=:@!$'()*?&-]*)?"
)
_UNFILLED = re.compile(r"\{\{|\$\{|<%|\{%|%7B(?:%7B|%25)", re.IGNORECASE)  # of a template
_NOWHERE = Place("", 0)
_PATH = "/%:@!$&'()*+,;=~-._"
_QUERY = _PATH + "?"


def resolved(href: str | None, base: str) -> str | None:
    """A link as it may stand in a mail: absolute http, https, mailto or tel; None for any other.

    Args:
        href: as it stands in the source.
        base: where relative addresses start; may be empty.
    """
    said = (href or "").strip()
    if _PLAIN.fullmatch(said) and "/." not in said and len(said) <= MAX_ADDRESS:
        return without_counters(said) if "?" in said else said  # nearly every one
    if not said or said[0] == "#" or len(said) > MAX_ADDRESS or _UNFILLED.search(said):
        return None
    try:
        whole = urljoin(base, "".join(said.split("\n")).replace("\t", "").replace("\r", ""))
        if whole[:4].lower() == "http":
            whole = without_counters(_encoded(whole))
        return link(whole, _NOWHERE)
    except (
        DocumentFault,
        ValueError,
    ):  # ValueError: not an address at all, or no host of the world
        return None


def page(href: str | None, base: str) -> str | None:
    """A web address as `resolved` makes it; None for mailto and tel too."""
    found = resolved(href, base)
    return found if found is not None and found[:4].lower() == "http" else None


def _encoded(url: str) -> str:
    """An address in ASCII (RFC 3987 section 3.1): a host in its own letters, all else in percent signs."""
    if url.isascii() and " " not in url and '"' not in url:
        return url
    parts = urlsplit(url)
    host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode()
    return urlunsplit(
        (
            parts.scheme,
            host,
            quote(parts.path, safe=_PATH),
            quote(parts.query, safe=_QUERY),
            quote(parts.fragment, safe=_QUERY),
        )
    )

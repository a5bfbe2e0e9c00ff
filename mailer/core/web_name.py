"""Gives a page one name, however its address is spelled.

http or https, `www.`, a port that goes without saying, a slash at the end, the order of parameters, a
fragment and the parameters that only count readers do not make another page. The path's letters do.
"""

import hashlib
import re
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

MAX_NAME = 400
_TEMPLATE_SLUGS = ("skabelon", "template", "vorlage", "nyhedsside", "untitled", "lorem-ipsum", "mall-for",
                   "kladde", "placeholder", "ny-side", "new-page")  # fmt: skip

_COUNTERS = re.compile(
    r"utm_\w+|(?:fb|g|gb|dc|ms|tw|yc|li_fat_)cl?id|igshid|mc_[ce]id|_hs(?:enc|mi)|mkt_tok|wt\.mc_id|xtor|"
    r"at_(?:medium|campaign|custom\d)|cmpid|pk_\w+|mtm_\w+|piwik_\w+|s_cid|oly_\w+",
    re.IGNORECASE,
)


def web_name(url: str) -> str:
    """The name of the page at an address: `web:example.org/news/7`; empty if it is no web address."""
    if ":" not in url:
        return ""
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").removeprefix("www."), parts.port
    except ValueError:
        return ""
    if parts.scheme.lower() not in {"http", "https"} or not host:
        return ""
    where = host if port in {None, 80, 443} else f"{host}:{port}"
    query = urlencode(sorted(_telling(parts.query))) if parts.query else ""
    path = unquote(parts.path).rstrip("/")
    return short_name(f"web:{where}{path}" + (f"?{query}" if query else ""))


def template_slug(address: str) -> str:
    """How an address or its name ends, if a template left that behind; empty for any other.

    Every release that somebody forgot to name stands there in turn.
    """
    tail = address.partition("?")[0].rstrip("/").rpartition("/")[2].lower()
    return tail if any(word in tail for word in _TEMPLATE_SLUGS) else ""


def without_counters(url: str) -> str:
    """An address without the parameters that only count readers; all others stay as they were written."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    if not parts.query:
        return url
    kept = "&".join(
        pair for pair in parts.query.split("&") if not _COUNTERS.fullmatch(pair.partition("=")[0])
    )
    return url if kept == parts.query else urlunsplit(parts._replace(query=kept))


def short_name(name: str) -> str:
    """A name as it can be kept: one that is too long, or cannot be shown, by its digest."""
    if len(name) <= MAX_NAME and name.isprintable():
        return name
    return f"sha256:{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()}"


def _telling(query: str) -> list[tuple[str, str]]:
    return [
        pair
        for pair in parse_qsl(query[:2000], keep_blank_values=True)
        if not _COUNTERS.fullmatch(pair[0])
    ]

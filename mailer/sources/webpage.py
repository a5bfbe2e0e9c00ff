"""Reads the release that a web page shows: what the page says of it, and the text of its article.

    facts     JSON-LD of schema.org; else <meta>, <h1>, <time> and the page's language
    text      the article's own element; what stands before its title, and lists, controls and dates around
              it, are left out. JSON-LD's `articleBody` where no element holds it
    room      a newsroom's page, known by its furniture, as `newsroom_page` reads its text

A page without an article, or that says it is an error, is refused whatever its status was.
"""

import re
from dataclasses import replace
from datetime import UTC

from selectolax.lexbor import LexborHTMLParser, LexborNode

from mailer.core.dates import DateRefused, read_told
from mailer.core.errors import DocumentFault, SourceFault
from mailer.core.release import Block, Picture, ReleaseDocument
from mailer.sources import addresses, mending
from mailer.sources.entry import Entry, document
from mailer.sources.found import Found, ReadingTerms
from mailer.sources.html_body import Written, read_html, read_node, refuse_endless, settled
from mailer.sources.lines import Line
from mailer.sources.mending import WordsRefused
from mailer.sources.newsroom_page import read_page
from mailer.sources.phrases import find_anchored
from mailer.sources.schema_org import article_of

_ERROR = re.compile(
    r"\b(?:40[0-9]|50[0-9])\b.{0,3}(?:error|not found|fejl|fehler|forbidden|bad gateway)?|not found|"
    r"access denied|forbidden|just a moment|attention required|service unavailable|bad gateway|"
    r"(?:internal|server) error|siden (?:blev|kunne|findes) ikke|ikke fundet|nicht gefunden|sidan finns inte|"
    r"are you (?:a )?(?:human|robot)|log ?in\b|sign in\b|maintenance",
    re.IGNORECASE,
)
_HOLDERS = ('[itemprop="articleBody"]', "article", "main", '[role="main"]')
_AROUND = (
    "nav, aside, footer, form, [role=navigation], [role=complementary], [aria-hidden=true], "
    "[class*=breadcrumb], [class*=related], [class*=share], [class*=social], [class*=cookie], "
    "[class*=newsletter], [class*=byline], [class*=tags]"
)
_DATES = (
    'meta[property="article:published_time"]', 'meta[itemprop="datePublished"]', 'meta[name="date"]',
    'meta[name="dcterms.date"]', 'meta[name="DC.date.issued"]', 'meta[name="pubdate"]',
    'meta[name="publish-date"]', 'time[itemprop="datePublished"]', "time[pubdate]",
)  # fmt: skip
_FEW = 60  # characters: what the text of an article has at least that no JSON-LD vouches for


def read_webpage(text: str, *, url: str, terms: ReadingTerms) -> Found:
    """Read a page.

    Args:
        url: its address; empty for a file, whose whole body is the article where no element is.

    Raises:
        SourceFault: it shows no article, or an error, or cannot be read.
    """
    try:
        refuse_endless(text)
        page = LexborHTMLParser(text)
        base = addresses.page(_attribute(page, "base[href]", "href"), url) or url
        own = addresses.page(
            _attribute(page, "link[rel=canonical]", "href"), base
        ) or addresses.page(url, "")
        found = _document(page, own or "", base, terms)
    except WordsRefused as error:
        raise SourceFault(f"The page cannot be read: {error.what}", error.cure) from error
    return Found(
        "webpage",
        (found,),
        hub=addresses.page(_attribute(page, "link[rel=hub]", "href"), base),
        self_url=addresses.page(_attribute(page, "link[rel=self]", "href"), base),
    )


def title_of(text: str) -> str:
    """A page's title, for a fault that names it."""
    found = re.search(r"<title[^>]{0,200}>([^<]{0,300})", text[:100_000], re.IGNORECASE)
    return mending.shown(mending.unescaped(found[1]), 100) if found else "without a title"


def _document(page: LexborHTMLParser, own: str, base: str, terms: ReadingTerms) -> ReleaseDocument:
    entry = article_of(page, {own, base})
    holder = _holder(page, whole=not base)
    heading = _words(page.css_first("h1")) or _title(page)
    told = entry is not None
    if entry is None:
        if _ERROR.search(heading) or _ERROR.search(_title(page)):
            raise SourceFault(
                f"The page says “{mending.shown(heading, 80)}”: it is no release",
                "check its address",
            )
        entry = _meant(page, heading)
    entry = replace(
        entry,
        language=entry.language or _attribute(page, "html", "lang"),
        url=own or entry.url,
        whole=True,
    )
    written = _text(holder, base, {entry.title, heading}) if holder is not None else Written()
    if entry.body.strip() and not _holds(written, entry.body):
        return document(entry, base=base, terms=terms)
    if len(written.text) < (1 if told else _FEW):
        raise SourceFault("The page shows no article", "give the address of a release's own page")
    return document(_as_room(replace(entry, written=written)), base=base, terms=terms)


def _meant(page: LexborHTMLParser, heading: str) -> Entry:
    """What a page without JSON-LD says of its article."""
    dated = next((when for each in _DATES if (when := _moment(page.css_first(each)))), "")
    times = {each.mem_id: each for each in page.css("article time[datetime], main time[datetime]")}
    if not dated and len(times) == 1:
        dated = _moment(next(iter(times.values())))
    picture = _attribute(page, 'meta[property="og:image"]', "content")
    alt = _attribute(page, 'meta[property="og:image:alt"]', "content")
    return Entry(
        title=heading or _attribute(page, 'meta[property="og:title"]', "content"),
        lead=_attribute(page, 'meta[property="og:description"]', "content"),
        dated=dated,
        pictures=(Picture(picture, alt=alt),) if picture else (),
    )


def _holder(page: LexborHTMLParser, *, whole: bool) -> LexborNode | None:
    """The element that holds the article, without what stands around it; None where no one can be told."""
    for each in _HOLDERS:
        found = page.css(each)
        if len(found) == 1:
            break
    else:
        found = [page.body] if whole and page.body is not None else []
    if not found:
        return None
    for around in found[0].css(_AROUND):
        if around.mem_id != found[0].mem_id:
            around.decompose()
    return found[0]


def _text(holder: LexborNode, base: str, titles: set[str]) -> Written:
    """The text of an article, from its title on, without dates that stand alone."""
    read = read_node(holder, base)
    blocks = list(read.blocks)
    wanted = {" ".join(title.split()).casefold() for title in titles if title}
    start = next((at for at, each in enumerate(blocks) if _key(each) in wanted), None)
    kept = blocks if start is None else blocks[start + 1 :]
    return settled([each for each in kept if not _is_date(each.text)], read.pictures, read.warnings)


def _holds(written: Written, body: str) -> bool:
    """Whether the article's element holds what JSON-LD says its text is."""
    said = " ".join(read_html(body, "").text.split())[:_FEW] if body else ""
    return bool(written.blocks) and said.casefold() in " ".join(written.text.split()).casefold()


def _as_room(entry: Entry) -> Entry:
    """The entry of a newsroom's page, without its furniture, where that stands below the text."""
    assert entry.written is not None
    said = (entry.title, *(block.text for block in entry.written.blocks))
    lines = [Line(number, " ".join(text.split())) for number, text in enumerate(said, 1)]
    if find_anchored(lines) is None:
        return entry
    try:
        found = read_page(lines, file=entry.url or "the page")
    except DocumentFault as error:
        raise WordsRefused(error.what, error.cure) from error
    return replace(
        entry,
        lead=found.edition.lead,
        written=replace(entry.written, blocks=found.edition.body),
        contacts=found.edition.contacts,
        issuer=entry.issuer or found.issuer or "",
        warnings=(*entry.warnings, *found.warnings),
    )


def _moment(node: LexborNode | None) -> str:
    if node is None:
        return ""
    said = node.attributes
    return said.get("content") or said.get("datetime") or _words(node)


def _title(page: LexborHTMLParser) -> str:
    return _words(page.css_first("title"))


def _words(node: LexborNode | None) -> str:
    return " ".join(node.text().split()) if node is not None else ""


def _attribute(page: LexborHTMLParser, selector: str, name: str) -> str:
    node = page.css_first(selector)
    return (node.attributes.get(name) or "").strip() if node is not None else ""


def _key(block: Block) -> str:
    return " ".join(block.text.split()).casefold()


def _is_date(text: str) -> bool:
    try:
        read_told(text, zone=UTC)
    except DateRefused:
        return False
    return len(text) < _FEW

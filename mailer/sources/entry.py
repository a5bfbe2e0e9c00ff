"""Makes a document of one entry of a source, whatever its format, or refuses it with a reason.

title     mended; an entry without one is refused
lead      on one line; dropped where it was cut off, repeats the body's beginning, or is the title
body      blocks; where the entry has none, `detail_url` says where the whole stands, else the lead is it
date      through `core.dates`, in the source's zone where it names none; what had to be decided is a warning
names     the entry's identity, its addresses as `core.web_name` writes them, its platform's number
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from mailer.core.dates import DateRefused, Told, read_told
from mailer.core.errors import DocumentFault
from mailer.core.release import Block, Contact, Edition, File, Picture, ReleaseDocument, Run, Signal
from mailer.core.web_name import short_name, template_slug, web_name
from mailer.sources import addresses, mending
from mailer.sources.fields import language_tag
from mailer.sources.found import ReadingTerms
from mailer.sources.html_body import Written, read_html
from mailer.sources.lines import Place
from mailer.sources.mending import WordsRefused

MAX_PICTURES = 20
MAX_FILES = 50
MAX_CAPTION = 1_000

_NORWEGIAN = {"no": "nb"}  # the macro-language; who writes it in a feed means Bokmål
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,80}")
_MARKS = {
    "ambiguous": "that hour comes twice there; the later one is taken",
    "missing": "that hour does not exist there, the clocks change in it; the later reading is taken",
    "weekday": "its weekday is another day's; the date is taken",
    "day": "it names a day without a time; the day's first moment is taken",
}


_NO_NAMES = frozenset(
    ("0", "-1", "-", "#", "null", "none", "nil", "undefined", "nan", "n/a", "guid", "id")
)
"""What a program writes that has no name to give: it would name every release alike."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it stood in its source. All texts may be empty; addresses may be relative.

    Attributes:
        lead, body: HTML or plain text.
        written: the body, where its format has read it already; `body` does not count then.
        dated, embargo: as they stood.
        language, issuer: empty where the entry does not say.
        identity: the source's own name for it.
        names: further names of it, beside its address.
        url: where it stands on the web.
        detail_url: where the whole is, if that is not `url`.
        whole: the lead is all there is to it, and no page says more.
        announced: the lead is never all there is to it, whether or not a page can be found.
    """

    title: str = ""
    lead: str = ""
    body: str = ""
    language: str = ""
    issuer: str = ""
    kind: str = ""
    topics: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    dated: str = ""
    embargo: str = ""
    identity: str = ""
    names: tuple[str, ...] = ()
    url: str = ""
    detail_url: str = ""
    joint: str = ""
    signal: Signal = ""
    urgent: bool = False
    whole: bool = False
    announced: bool = False
    contacts: tuple[Contact, ...] = ()
    files: tuple[File, ...] = ()
    pictures: tuple[Picture, ...] = ()
    warnings: tuple[str, ...] = ()
    written: Written | None = None


def document(entry: Entry, *, base: str, terms: ReadingTerms) -> ReleaseDocument:
    """Make a document of an entry.

    Args:
        base: where its relative addresses start; may be empty.

    Raises:
        WordsRefused: what is wrong with it, and the cure.
    """
    url = addresses.page(entry.url, base)
    warnings = list(entry.warnings)
    edition, detail_url = _edition(entry, url, base, terms, warnings)
    told = _told(entry.dated, terms, warnings)
    identity, names = _names(entry, url, warnings)
    return ReleaseDocument(
        edition=edition,
        issuer=mending.label(entry.issuer, "the issuer") or None,
        identity=identity,
        kind=mending.label(entry.kind, "the kind", most=64),
        topics=mending.labels(entry.topics, "a topic"),
        canonical_url=url,
        warnings=tuple(dict.fromkeys(mending.shown(warning) for warning in warnings)),
        names=names,
        joint=entry.joint or None,
        embargo_until=_embargo(entry.embargo, terms, warnings),
        dated=None if told is None else told.at,
        dated_as=mending.shown(entry.dated, 100),
        signal=entry.signal,
        places=mending.labels(entry.places, "a place"),
        urgent=entry.urgent,
        detail_url=detail_url,
    )


def _edition(
    entry: Entry, url: str | None, base: str, terms: ReadingTerms, warnings: list[str]
) -> tuple[Edition, str | None]:
    title = mending.title(entry.title)
    start = url or base
    body = entry.written or (read_html(entry.body, start) if entry.body.strip() else Written())
    summary = read_html(entry.lead, start) if entry.lead.strip() else Written()
    if body.blocks and mending.is_excerpt(body.blocks[-1].text):
        body, summary = Written(), summary if summary.blocks else body
    elif terms.text == "feed" and not body.blocks and not mending.is_cut(summary.text):
        body, summary = summary, Written()
    detail_url = _detail(entry, url, base, body, terms)
    if terms.text == "page" and detail_url:
        body = Written()
    lead = _lead(summary.text, title, warnings)
    blocks = _after_title(body.blocks, title)
    if blocks:
        lead, blocks = _apart(lead, blocks)
    elif detail_url is None:
        if not lead or entry.announced:
            raise WordsRefused(
                "it has no text, or one that is cut off, and no address where the whole stands",
                "give it its text at its source",
            )
        lead, blocks = "", (Block("paragraph", (Run(lead),)),)
    warnings.extend(body.warnings if blocks else ())
    pictures = (*entry.pictures, *body.pictures, *summary.pictures)
    edition = Edition(
        language=_language(entry.language, terms, warnings),
        title=title,
        lead=lead,
        body=blocks,
        contacts=entry.contacts,
        files=_files(entry.files, start),
        pictures=_pictures(pictures, start),
    )
    return edition, None if blocks else detail_url


def _detail(
    entry: Entry, url: str | None, base: str, body: Written, terms: ReadingTerms
) -> str | None:
    if entry.whole or (body.blocks and terms.text != "page"):
        return None
    return addresses.page(entry.detail_url, base) or url


def _lead(text: str, title: str, warnings: list[str]) -> str:
    if mending.is_cut(text):
        warnings.append(f"its summary was cut off (“...{text[-30:]}”) and is left out")
        return ""
    return "" if text == title else text


def _after_title(blocks: tuple[Block, ...], title: str) -> tuple[Block, ...]:
    """A text often repeats its title on top."""
    if len(blocks) > 1 and mending.line(blocks[0].text, "the text").casefold() == title.casefold():
        return blocks[1:]
    return blocks


def _apart(lead: str, blocks: tuple[Block, ...]) -> tuple[str, tuple[Block, ...]]:
    """A lead and a body that do not say the same twice."""
    first = mending.line(blocks[0].text, "the text")
    if first == lead and len(blocks) > 1:
        return lead, blocks[1:]
    return ("" if first.startswith(lead) else lead), blocks


def _language(said: str, terms: ReadingTerms, warnings: list[str]) -> str:
    wanted = said.strip().replace("_", "-")
    if wanted:
        try:
            tag = language_tag(wanted, Place("", 0))
        except DocumentFault:
            warnings.append(f"“{wanted[:40]}” is no language tag; the source's own is taken")
        else:
            return _NORWEGIAN.get(tag, tag)
    return terms.language


def _told(said: str, terms: ReadingTerms, warnings: list[str]) -> Told | None:
    if not said.strip():
        return None
    try:
        told = read_told(said, zone=ZoneInfo(terms.zone))
    except DateRefused as error:
        warnings.append(f"its date cannot be read: {error.what}")
        return None
    warnings.extend(
        f"its date is “{told.raw.strip()}”: {_MARKS[m]}" for m in told.marks if m in _MARKS
    )
    return told


def _embargo(said: str, terms: ReadingTerms, warnings: list[str]) -> datetime | None:
    if not said.strip():
        return None
    told = _told(said, terms, warnings)
    if told is None:
        raise WordsRefused(
            f"its embargo “{said.strip()[:60]}” is no moment",
            "write it as 2025-09-12T20:49:28+02:00",
        )
    return told.at


def _names(
    entry: Entry, url: str | None, warnings: list[str]
) -> tuple[str | None, tuple[str, ...]]:
    said = entry.identity.strip()
    said = "" if said.casefold() in _NO_NAMES else said
    identity = short_name(said) if said else url and short_name(url)
    if slug := template_slug(url or ""):
        warnings.append(
            f"its address ends in “{slug[:60]}”, a template's name: it may change or serve again"
        )
    further = (
        *(web_name(name) or name for name in entry.names),
        web_name(said),
        url and web_name(url),
    )
    names = dict.fromkeys(short_name(name) for name in further if name)
    names.pop(identity or "", None)
    return identity, tuple(names)


def _files(files: tuple[File, ...], base: str) -> tuple[File, ...]:
    kept: dict[str, File] = {}
    for file in files[:MAX_FILES]:
        url = addresses.page(file.url, base)
        if url is not None:
            name = next(iter(mending.labels([file.name], "a file's name")), "")
            kind = file.media_type.strip().lower()
            kept.setdefault(
                url,
                replace(
                    file,
                    url=url,
                    name=name or url.rpartition("/")[2][:100],
                    media_type=kind if _MEDIA_TYPE.fullmatch(kind) else "",
                ),
            )
    return tuple(kept.values())


def _pictures(pictures: tuple[Picture, ...], base: str) -> tuple[Picture, ...]:
    kept: dict[str, Picture] = {}
    for picture in pictures[:MAX_PICTURES]:
        url = addresses.page(picture.url, base)
        if url is not None:
            alt, caption, credit = map(_caption, (picture.alt, picture.caption, picture.credit))
            kept.setdefault(url, replace(picture, url=url, alt=alt, caption=caption, credit=credit))
    return tuple(kept.values())


def _caption(text: str) -> str:
    """The words to a picture; none where they are damaged, since the release can do without."""
    try:
        plain = read_html(text, "").text if "<" in text else text
        return mending.line(plain, "a picture's text")[:MAX_CAPTION]
    except WordsRefused:
        return ""

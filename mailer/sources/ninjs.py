"""Reads IPTC ninjs 1.x, 2.x and 3.x: one item, a list of items, or {"items": [...]}.

Version 1 spells names in small letters and has patterns (`body_xhtml`, `body_text`); versions 2 and 3 spell
them in camel case and have `headlines`, `bodies` and `descriptions` by role. Their case does not matter.

    pubStatus       usable is read, withheld is refused, canceled is a withdrawal
    embargoed       nobody may read it before; one that cannot be read is a refusal
    body            of HTML, NITF or plain text the first that there is; an item without one is refused
    associations    pictures with caption and credit, videos and documents as files
"""

import re
from typing import Any, NamedTuple

from mailer.core.errors import SourceFault
from mailer.core.release import File, Picture, Signal
from mailer.sources.entry import Entry
from mailer.sources.found import Found, ReadingTerms
from mailer.sources.gathering import gathered
from mailer.sources.html_body import as_html
from mailer.sources.json_values import Values, groups, many, names, number, said
from mailer.sources.mending import WordsRefused, shown
from mailer.sources.nitf import read_nitf

_MOST_WIDE = 1600
_TELLING = {
    "headline",
    "headlines",
    "bodies",
    "pubstatus",
    "versioncreated",
    "body_xhtml",
    "body_html",
    "body_text",
}


def is_ninjs(value: Any) -> bool:
    """Whether a JSON value is ninjs: one item, or a list of them."""
    first = next(iter(_items(value)), None)
    if not isinstance(first, dict):
        return False
    keys = {key.lower() for key in first if isinstance(key, str)}
    return "uri" in keys and bool(keys & _TELLING)


def read_ninjs(value: Any, *, base: str, terms: ReadingTerms) -> Found:
    """Read one item, or a list."""
    return gathered("ninjs", _items(value), _entries, base=base, terms=terms)


def refuse_schema(value: Any) -> None:
    """Refuse what describes a format and holds no release.

    Raises:
        SourceFault: it is a JSON Schema.
    """
    if isinstance(value, dict) and (
        "$schema" in value and ("properties" in value or "$defs" in value)
    ):
        raise SourceFault(
            f"This is a JSON Schema (“{shown(said(value, 'title'), 60)}”), not a release",
            "give the releases that it describes",
        )


def _items(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return many(value, "items", "newsItems") or [value]


class _Said(NamedTuple):
    """What an item says: its headline, its summary, its body in HTML or plain text, and what to look at."""

    headline: str
    lead: str
    body: str
    warnings: tuple[str, ...]


def _entries(stood: Any) -> list[Entry]:
    item = _small(stood)
    status = _checked_status(item)
    words = _words(item)
    uri = said(item, "uri")
    return [
        Entry(
            title=words.headline,
            lead=words.lead,
            body=words.body,
            language=said(item, "language"),
            issuer=_issuer(item),
            kind=next(iter(names(many(item, "genre", "genres"), "name")), ""),
            topics=names(many(item, "subject", "subjects"), "name"),
            places=names(many(item, "place", "places"), "name"),
            dated=said(item, "firstcreated") or said(item, "versioncreated", "contentcreated"),
            embargo=said(item, "embargoed"),
            identity=uri,
            url=uri if uri.startswith("http") else "",
            signal="withdrawn" if status == "canceled" else _corrects(item),
            urgent=said(item, "urgency") in {"1", "2"},
            whole=True,
            files=tuple(_files(item)),
            pictures=tuple(_pictures(item)),
            warnings=words.warnings,
        )
    ]


def _checked_status(item: Values) -> str:
    status = said(item, "pubstatus").removeprefix("stat:").lower()
    if status == "withheld":
        raise WordsRefused(
            "it is withheld: it must not be published", "wait until its source lets it go"
        )
    kind = said(item, "type").lower()
    if kind in {"picture", "graphic", "video", "audio"}:
        raise WordsRefused(
            f"it is of the type “{kind}”, without a text of its own", "give the text it goes with"
        )
    return status


def _words(item: Values) -> _Said:
    headline, warnings = _of_role(item, "headline", ("main", "")), _notes(item)
    lead = _of_role(item, "description", ("text", "summary", "main", ""))
    html = _of_role(item, "body", ("html", "xhtml"), only=True)
    body = as_html(html) or _of_role(item, "body", ("nitf", "text", "main", ""))
    name = said(item, "title")
    if not html and "<nitf" in body[:500]:
        nitf = read_nitf(body)
        body = nitf.html
        if not headline and nitf.headline:
            # What else the item says may be about something else.
            headline, lead = nitf.headline, ""
            warnings += (f"it has no headline; that of its body is taken, not its name “{name}”",)
    if not body.strip():
        raise WordsRefused("it has a headline but no body", "have the source send the body too")
    return _Said(headline or name, lead, body, warnings)


def _small(item: Any) -> Values:
    """An item with the names of version 1: small letters."""
    if not isinstance(item, dict):
        return {}
    return {key.lower(): value for key, value in item.items() if isinstance(key, str)}


def _of_role(item: Values, part: str, roles: tuple[str, ...], *, only: bool = False) -> str:
    """A headline, body or description (`bodies`, `body_xhtml`), by the first role there is; else any."""
    plural = {"body": "bodies"}.get(part, f"{part}s")
    by_role = {
        said(each, "role").lower().removeprefix("role:"): said(each, "value")
        for each in reversed(groups(item, plural))
    }
    for key, value in item.items():
        if isinstance(value, str) and re.fullmatch(rf"{part}(?:_\w+)?", key):
            by_role.setdefault(key.removeprefix(part).lstrip("_"), value)
    found = [by_role[role] for role in roles if by_role.get(role, "").strip()]
    others = [] if only else [value for value in by_role.values() if value.strip()]
    return next(iter((*found, *others)), "")


def _issuer(item: Values) -> str:
    sources = names(many(item, "infosource", "infosources"), "name", "literal")
    return next(iter(sources), "") or said(item, "copyrightholder")


def _corrects(item: Values) -> Signal:
    note = said(item, "ednote").lower()
    return (
        "correction"
        if re.match(r"(?:correct|rettelse|korrektur|berichtigung|rättelse|korjaus)", note)
        else ""
    )


def _notes(item: Values) -> tuple[str, ...]:
    note = said(item, "ednote")
    return (f"its source notes: {note[:200]}",) if note else ()


def _associated(item: Values) -> list[tuple[str, Values]]:
    """What belongs to an item, with its name there: an object in version 1, a list after it."""
    found = item.get("associations")
    if isinstance(found, dict):
        return [(name, _small(each)) for name, each in found.items() if isinstance(each, dict)]
    return [(said(each, "name"), _small(each)) for each in groups(item, "associations")]


def _renditions(item: Values) -> list[Values]:
    found = item.get("renditions")
    every = (
        list(found.values())
        if isinstance(found, dict)
        else found
        if isinstance(found, list)
        else []
    )
    return [_small(each) for each in every if isinstance(each, dict) and said(each, "href")]


def _pictures(item: Values) -> list[Picture]:
    found = []
    for name, each in _associated(item):
        shown = [
            rendition
            for rendition in _renditions(each)
            if (said(rendition, "contenttype", "mimetype") or "image/").startswith("image/")
            and (number(rendition, "width") or 0) <= _MOST_WIDE
        ]
        if said(each, "type") not in {"picture", "graphic"} or "logo" in name.lower() or not shown:
            continue
        best = max(shown, key=lambda rendition: number(rendition, "width") or 0)
        found.append(
            Picture(
                url=said(best, "href"),
                alt=said(best, "alttext") or said(each, "alttext"),
                caption=_of_role(each, "description", ("caption", "text", "main", "")),
                credit=said(each, "creditline", "byline", "by", "copyrightholder"),
                width=number(best, "width"),
                height=number(best, "height"),
            )
        )
    return found


def _files(item: Values) -> list[File]:
    """Documents, and of each video or sound the smallest rendition."""
    return [
        _file(name, each, rendition)
        for name, each in _associated(item)
        for rendition in _chosen(each)
    ]


def _chosen(item: Values) -> list[Values]:
    kind = said(item, "type")
    wanted = {"video": "video/", "audio": "audio/"}.get(kind, "application/")
    fitting = [
        r for r in _renditions(item) if said(r, "contenttype", "mimetype").startswith(wanted)
    ]
    fitting.sort(key=lambda rendition: number(rendition, "sizeinbytes") or 0)
    return fitting if wanted == "application/" else fitting[:1]


def _file(name: str, item: Values, rendition: Values) -> File:
    return File(
        url=said(rendition, "href"),
        name=_of_role(item, "headline", ("main", "")) or said(item, "title") or name,
        media_type=said(rendition, "contenttype", "mimetype"),
        size=number(rendition, "sizeinbytes"),
    )

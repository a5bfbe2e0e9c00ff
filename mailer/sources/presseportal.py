"""Reads replies of the German press portal: lists of stories; what is said about companies is no release."""

from typing import Any

from mailer.core.errors import SourceFault
from mailer.core.release import File, Picture
from mailer.sources.entry import Entry
from mailer.sources.found import Found, ReadingTerms
from mailer.sources.gathering import gathered
from mailer.sources.json_values import Values, group, groups, many, names, number, said
from mailer.sources.mending import shown


def is_presseportal(value: Any) -> bool:
    """Whether a JSON value is a reply of the portal, of whichever kind."""
    return isinstance(value, dict) and "success" in value and bool(value.keys() & _PARTS)


def read_presseportal(value: Values, *, base: str, terms: ReadingTerms) -> Found:
    """Read a reply.

    Raises:
        SourceFault: the portal refused, or tells of something else than stories.
    """
    if said(value, "success") != "1":
        error = group(value, "error")
        raise SourceFault(
            f"The press portal refused: {shown(said(error, 'msg'), 80)} ({shown(said(error, 'code'), 20)})",
            "check the key and the address in the settings of the source",
        )
    stories = many(group(value, "content"), "story")
    if not stories and "story" not in group(value, "content"):
        kind = "a search's result" if "content" in value else "an entry about an issuer"
        raise SourceFault(
            f"The press portal gave {kind}, not a list of stories",
            "ask it for stories: its addresses begin with /api/article/",
        )
    return gathered("presseportal", stories, _entries, base=base, terms=terms)


_PARTS = {"error", "content", "company", "office", "request"}


def _entries(story: Any) -> list[Entry]:
    issuer = group(story, "company", "office")
    media = group(story, "media")
    body = said(story, "body")
    short = said(story, "short")
    return [
        Entry(
            title=said(story, "title"),
            lead="" if body else said(story, "teaser"),
            body=body,
            language=said(story, "language") or "de",  # reports of public services do not say it
            issuer=said(issuer, "name"),
            topics=(*names(many(group(story, "keywords"), "keyword")), *_departments(story)),
            places=_places(story),
            dated=said(story, "published"),
            identity=f"presseportal:{said(story, 'id')}" if said(story, "id") else "",
            names=(short,) if short else (),
            url=said(story, "url"),
            files=tuple(
                _file(file) for file in (*groups(media, "document"), *groups(media, "audio"))
            ),
            pictures=tuple(_picture(picture) for picture in groups(media, "image")),
        )
    ]


def _departments(story: Any) -> tuple[str, ...]:
    return tuple(name for name in (said(story, "ressort"),) if name)


def _places(story: Any) -> tuple[str, ...]:
    found = said(story, "location", "city")
    return (found,) if found else ()


def _file(file: Values) -> File:
    return File(
        url=said(file, "url"),
        name=said(file, "caption", "name"),
        media_type=said(file, "mime"),
        size=number(file, "size"),
    )


def _picture(picture: Values) -> Picture:
    return Picture(
        url=said(picture, "url"),
        caption=said(picture, "caption"),
        credit=said(picture, "copyright"),
    )

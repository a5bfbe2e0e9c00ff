"""Digests for tests: two newsrooms, releases made by hand."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from support.mails import AT, NEWSROOM, SITE, templates

from mailer.core.digest import Occasion
from mailer.core.newsroom import Newsroom
from mailer.mail.digests import Contents, Section, Told, prepare_digest
from mailer.mail.prepare import Prepared

CLIMATE = replace(NEWSROOM, key="kefm", name="Klimaministeriet", sender="presse@kefm.example")


def told(number: int = 1, **changes: Any) -> Told:
    """A release in Danish."""
    said = Told(
        title=f"Møde nummer {number} i Det Udenrigspolitiske Nævn",
        lead="På mødet skal Nævnet drøfte den seneste udvikling.",
        language="da",
        kind="Pressemeddelelse",
        page=f"/um/releases/{number}-moede",
        canonical_url=None,
        published_at=AT - timedelta(hours=number),
    )
    return replace(said, **changes)


def digest(
    *sections: tuple[Newsroom, tuple[Told, ...]],
    occasion: Occasion = Occasion.DAILY,
    language: str = "da",
    merged: bool = False,
    newsroom: Newsroom = NEWSROOM,
) -> Prepared:
    """A digest prepared; with two releases of one newsroom if nothing is said."""
    found = sections or ((NEWSROOM, (told(1), told(2))),)
    contents = Contents(
        newsroom, tuple(Section(*one) for one in found), occasion, language, merged=merged
    )
    return prepare_digest(templates(), contents, site=SITE, made_at=AT)

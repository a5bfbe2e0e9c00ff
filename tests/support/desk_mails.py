"""Mails of the press desk for tests: of each act, about the release of `support.mails`."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from support.mails import AT, DANISH, FACTS, NEWSROOM, SITE, templates

from mailer.core.delivery import Purpose
from mailer.core.release import Block, Edition, Run
from mailer.mail.desk import Act, Matter, prepare_matter
from mailer.mail.prepare import Prepared

UNTIL = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
CORRECTED = replace(
    DANISH,
    title=f"{DANISH.title} i dag",
    body=(
        *DANISH.body[:-1],
        Block("paragraph", (Run("På mødet vil cirka 40 lande være repræsenteret."),)),
    ),
)
ACTS: dict[Purpose, Act] = {
    Purpose.CORRECTION: "correction",
    Purpose.WITHDRAWAL: "withdrawal",
    Purpose.EARLY: "early",
    Purpose.EMBARGO: "moved",
}


def matter(act: Act, edition: Edition = CORRECTED, **changes: Any) -> Matter:
    """What a mail of an act says, with what is to be said differently."""
    embargo = UNTIL if act in {"early", "moved"} else None
    held = None if act == "early" else DANISH
    told = Matter(act, edition, FACTS, held=held, note="Et forkert tal.", embargo_until=embargo)
    return replace(told, **changes)


def desk_mail(act: Act, language: str = "da", **changes: Any) -> Prepared:
    """A mail of an act, prepared; in another language it is that language's words, and Danish text."""
    edition = changes.pop("edition", CORRECTED)
    told = matter(act, replace(edition, language=language), **changes)
    return prepare_matter(templates(), told, site=SITE, newsroom=NEWSROOM, made_at=AT)

"""Sorts what is due into digests by the message that each is, and prepares those messages.

Readers share one who are told of the same editions, of the same newsrooms, on the same occasion and with
the same words around them: there are few such combinations, however many readers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from mailer.core.digest import Occasion, Owed, Parcel, best_edition, parcels
from mailer.core.language import choose
from mailer.mail.digests import MOST_RELEASES, Contents, Section, Told, prepare_digest
from mailer.mail.prepare import Prepared
from mailer.services.office import Office
from mailer.store import digests
from mailer.store.database import Connection
from mailer.store.digest_texts import EditionRow, ReleaseTexts, texts_of

AGAIN = timedelta(hours=6)
PATIENT = timedelta(days=14)
"""So often, and so long, it is looked whether a release was translated for who reads no language it is in."""
_PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Key:
    """What readers share who get the same message.

    Attributes:
        newsroom: that it comes from.
        rooms: newsrooms with the numbers of the editions that are shown, in order.
    """

    newsroom: str
    merged: bool
    occasion: Occasion
    language: str
    rooms: tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """One reader's digest as it would be made now.

    Attributes:
        carrier: the subscription whose delivery it is.
        shown: what lies in it: subscription, release and the number of the edition that is shown.
    """

    key: Key
    carrier: int
    shown: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Portion:
    """What is due to some mailboxes, and what is to be let go of or looked at later.

    Attributes:
        later: by subscription when to look again.
        over: releases that are public no more.
        in_vain: subscriptions and releases that were never written in a language of their reader's.
    """

    digests: list[Digest]
    texts: Mapping[int, ReleaseTexts]
    later: dict[int, datetime]
    over: frozenset[int]
    in_vain: list[tuple[int, int]]

    def __bool__(self) -> bool:
        return bool(self.digests or self.later or self.over or self.in_vain)


def portion_of(office: Office, connection: Connection, now: datetime) -> Portion:
    """What waits for some mailboxes and is to be looked at, sorted."""
    waiting = digests.owed(connection, now, limit=office.limits.portion)
    texts = texts_of(connection, {one.release_id for one in waiting})
    over = frozenset(number for number, text in texts.items() if text.state != _PUBLISHED)
    public = [one for one in waiting if one.release_id not in over]
    wanted = [one for one in public if _edition(office, one, texts) is not None]
    due, later = parcels(wanted, zones=_zones_for(office, wanted), now=now)
    in_vain: list[tuple[int, int]] = []
    for one in public:
        if _edition(office, one, texts) is None:
            later.setdefault(one.subscription_id, now + AGAIN)
            in_vain += [(one.subscription_id, one.release_id)] if one.since <= now - PATIENT else []
    found = [_digest(office, parcel, texts) for parcel in due]
    return Portion(found, texts, later, over, in_vain)


def _digest(office: Office, parcel: Parcel, texts: Mapping[int, ReleaseTexts]) -> Digest:
    """What lies in a digest, the newest first; of very many the oldest, and the others in the next."""

    def age(one: Owed) -> tuple[datetime, int]:
        published = texts[one.release_id].published_at
        return published or one.since, one.release_id

    newest_first = sorted(sorted(parcel.owed, key=age)[:MOST_RELEASES], key=age, reverse=True)
    shown = [(one, text) for one in newest_first if (text := _edition(office, one, texts))]
    rooms = dict.fromkeys(one.newsroom for one in parcel.owed)
    newsroom = office.newsrooms.get(parcel.newsroom)
    key = Key(
        newsroom=parcel.newsroom,
        merged=parcel.merged,
        occasion=parcel.occasion,
        language=choose(parcel.languages, newsroom.languages if newsroom else parcel.languages),
        rooms=tuple(
            (room, told)
            for room in rooms
            if (told := tuple(text.id for one, text in shown if one.newsroom == room))
        ),
    )
    of_each = tuple((one.subscription_id, one.release_id, text.id) for one, text in shown)
    return Digest(key, parcel.carrier, of_each)


def _edition(office: Office, one: Owed, texts: Mapping[int, ReleaseTexts]) -> EditionRow | None:
    """The text that a reader is shown; None while there is none in a language that they read."""
    text, newsroom = texts[one.release_id], office.newsrooms.get(one.newsroom)
    fallback = newsroom.fallback if newsroom else "original"
    otherwise = {
        "original": (text.original,),
        "first": (*(newsroom.languages if newsroom else ()), text.original),
        "wait": (),
    }[fallback]
    return best_edition(one.choice.languages, text.editions, otherwise)


def prepared(
    office: Office, key: Key, texts: Mapping[int, ReleaseTexts], now: datetime
) -> Prepared:
    """The message of all digests of a key.

    Raises:
        MailerError: it cannot be made, or a newsroom has left the settings.
    """
    known = {
        edition.id: (text, edition) for text in texts.values() for edition in text.editions.values()
    }
    sections = [
        Section(office.newsroom(room), tuple(_told(*known[number]) for number in editions))
        for room, editions in key.rooms
    ]
    contents = Contents(
        newsroom=office.newsroom(key.newsroom),
        sections=tuple(sections),
        occasion=key.occasion,
        language=key.language,
        merged=key.merged,
    )
    return prepare_digest(office.templates, contents, site=office.site, made_at=now)


def _told(text: ReleaseTexts, edition: EditionRow) -> Told:
    return Told(
        title=edition.title,
        lead=edition.lead,
        language=edition.language,
        kind=text.kind,
        page=f"/{text.newsroom}/releases/{text.id}-{text.slug}",
        canonical_url=text.canonical_url,
        published_at=text.published_at,
    )


def _zones_for(office: Office, waiting: list[Owed]) -> dict[str, tzinfo]:
    """Of each newsroom, one that has left the settings included."""
    unknown: dict[str, tzinfo] = {one.newsroom: UTC for one in waiting}
    return unknown | zones_of(office)


def zones_of(office: Office) -> dict[str, tzinfo]:
    """The time zones of the newsrooms."""
    return {key: ZoneInfo(room.time_zone) for key, room in office.newsrooms.items()}

"""Sorts what is due into digests by the message that each is, and prepares those messages.

Readers share one who are told of the same editions, of the same newsrooms, on the same occasion and with
the same words around them: there are few such combinations, however many readers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from mailer.core.digest import Occasion, Owed, Parcel, in_order, parcels, texts_shown
from mailer.core.language import choose
from mailer.mail.digests import MOST_TEXTS, Contents, Section, Told, prepare_digest
from mailer.mail.prepare import Prepared
from mailer.services.office import Office
from mailer.store import digests
from mailer.store.database import Connection
from mailer.store.digest_contents import Shown
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
        rooms: newsrooms with their releases in order, each as the numbers of the editions that are shown.
    """

    newsroom: str
    merged: bool
    occasion: Occasion
    language: str
    rooms: tuple[tuple[str, tuple[tuple[int, ...], ...]], ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """One reader's digest as it would be made now.

    Attributes:
        carrier: the subscription whose delivery it is.
        shown: what lies in it.
    """

    key: Key
    carrier: int
    shown: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Portion:
    """What is due to some mailboxes, and what is to be let go of or looked at later.

    Attributes:
        later: by subscription when to look again.
        over: releases that are public no more.
        in_vain: subscriptions, releases and languages that wait: the release was never written in a language
            of its reader's, or they have it in all of theirs otherwise.
    """

    digests: list[Digest]
    texts: Mapping[int, ReleaseTexts]
    later: dict[int, datetime]
    over: frozenset[int]
    in_vain: list[tuple[int, int, str]]

    def __bool__(self) -> bool:
        return bool(self.digests or self.later or self.over or self.in_vain)


def portion_of(office: Office, connection: Connection, now: datetime) -> Portion:
    """What waits for some mailboxes and is to be looked at, sorted."""
    waiting = digests.owed(connection, now, limit=office.limits.portion)
    texts = texts_of(connection, {one.release_id for one in waiting})
    over = frozenset(number for number, text in texts.items() if text.state != _PUBLISHED)
    public = [one for one in waiting if one.release_id not in over]
    wanted = [one for one in public if _editions(office, one, texts)]
    due, later = parcels(wanted, zones=_zones_for(office, wanted), now=now)
    in_vain: list[tuple[int, int, str]] = []
    for one in public:
        if not _editions(office, one, texts):
            later.setdefault(one.subscription_id, now + AGAIN)
            if one.besides or one.since <= now - PATIENT:
                in_vain.append((one.subscription_id, one.release_id, one.language))
    found = [_digest(office, parcel, texts) for parcel in due]
    return Portion(found, texts, later, over, in_vain)


def _digest(office: Office, parcel: Parcel, texts: Mapping[int, ReleaseTexts]) -> Digest:
    """What lies in a digest, the newest first; of very many the oldest, and the others in the next."""

    def age(one: Owed) -> tuple[datetime, int]:
        published = texts[one.release_id].published_at
        return published or one.since, one.release_id

    told: list[tuple[Owed, tuple[EditionRow, ...]]] = []
    for one in sorted(parcel.owed, key=age):
        editions = _editions(office, one, texts)
        if told and sum(len(each) for _, each in told) + len(editions) > MOST_TEXTS:
            break
        told.append((one, editions))
    told.sort(key=lambda each: age(each[0]), reverse=True)
    newsroom = office.newsrooms.get(parcel.newsroom)
    key = Key(
        newsroom=parcel.newsroom,
        merged=parcel.merged,
        occasion=parcel.occasion,
        language=choose(parcel.languages, newsroom.languages if newsroom else parcel.languages),
        rooms=_rooms(parcel, told),
    )
    shown = tuple(
        Shown(
            one.subscription_id,
            one.release_id,
            one.language,
            tuple((text.id, text.language) for text in editions),
        )
        for one, editions in told
    )
    return Digest(key, parcel.carrier, shown)


def _rooms(
    parcel: Parcel, told: Sequence[tuple[Owed, tuple[EditionRow, ...]]]
) -> tuple[tuple[str, tuple[tuple[int, ...], ...]], ...]:
    """The newsrooms that have something to tell, and what: all texts of one release together."""
    releases: dict[tuple[str, int], dict[str, EditionRow]] = {}
    for one, editions in told:
        texts = releases.setdefault((one.newsroom, one.release_id), {})
        texts |= {text.language: text for text in editions}
    liked = {(one.newsroom, one.release_id): one.choice.languages for one, _ in told}
    rooms: dict[str, list[tuple[int, ...]]] = {one.newsroom: [] for one in parcel.owed}
    for of, texts in releases.items():
        rooms[of[0]].append(tuple(text.id for text in in_order(liked[of], texts)))
    return tuple((room, tuple(each)) for room, each in rooms.items() if each)


def _editions(
    office: Office, one: Owed, texts: Mapping[int, ReleaseTexts]
) -> tuple[EditionRow, ...]:
    """The texts that a reader is shown; none while there is none in a language that they read."""
    text, newsroom = texts[one.release_id], office.newsrooms.get(one.newsroom)
    fallback = newsroom.fallback if newsroom else "original"
    otherwise = {
        "original": (text.original,),
        "first": (*(newsroom.languages if newsroom else ()), text.original),
        "wait": (),
    }[fallback]
    return texts_shown(one, text.editions, otherwise)


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
        Section(
            office.newsroom(room),
            tuple(_told([known[number] for number in editions]) for editions in releases),
        )
        for room, releases in key.rooms
    ]
    contents = Contents(
        newsroom=office.newsroom(key.newsroom),
        sections=tuple(sections),
        occasion=key.occasion,
        language=key.language,
        merged=key.merged,
    )
    return prepare_digest(office.templates, contents, site=office.site, made_at=now)


def _told(shown: Sequence[tuple[ReleaseTexts, EditionRow]]) -> Told:
    """A release by the texts that are shown of it, one at least."""
    first, *further = (_text(*one) for one in shown)
    return replace(first, further=tuple(further))


def _text(text: ReleaseTexts, edition: EditionRow) -> Told:
    """Its page with us can be read in each language; where the issuer has it, in the first."""
    original = edition.language == text.original
    several = len(text.editions) > 1
    page = f"/{text.newsroom}/releases/{text.id}-{text.slug}"
    return Told(
        title=edition.title,
        lead=edition.lead,
        language=edition.language,
        kind=text.kind,
        page=f"{page}?lang={edition.language}" if several else page,
        canonical_url=text.canonical_url if original else None,
        published_at=text.published_at,
    )


def _zones_for(office: Office, waiting: list[Owed]) -> dict[str, tzinfo]:
    """Of each newsroom, one that has left the settings included."""
    unknown: dict[str, tzinfo] = {one.newsroom: UTC for one in waiting}
    return unknown | zones_of(office)


def zones_of(office: Office) -> dict[str, tzinfo]:
    """The time zones of the newsrooms."""
    return {key: ZoneInfo(room.time_zone) for key, room in office.newsrooms.items()}

"""What visitors may read: a newsroom's list, a release in the language they want, what feeds carry.

Everything here is public already: nothing that is held, approved or before its moment is ever found.
A release that was withdrawn after it was public says so, and gives none of its words.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mailer.core import language as languages
from mailer.core.errors import NotFound
from mailer.core.newsroom import Newsroom
from mailer.core.release import Edition
from mailer.services.office import Office
from mailer.store import amended, public
from mailer.store.amended import Note
from mailer.store.database import Connection
from mailer.store.public import Address, Heading, PublicRow

Label = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Headline:
    """A release in a list: its facts, and the heading in the reader's language or its own."""

    id: int
    newsroom: str
    slug: str
    kind: str
    published_at: datetime
    language: str
    title: str
    lead: str


@dataclass(frozen=True, slots=True)
class PublicRelease:
    """A release as visitors may see it.

    Attributes:
        languages: all it can be read in, that of its first text first.
        updated_at: when this edition was made, or the release published if that is later.
        corrected: whether the words were changed after the release was public.
        edition: the text in the language that fits the reader best.
        corrections: what the desk said of its changes, oldest first.
    """

    id: int
    newsroom: str
    slug: str
    kind: str
    canonical_url: str | None
    published_at: datetime
    updated_at: datetime
    corrected: bool
    languages: tuple[str, ...]
    edition: Edition
    corrections: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A release that was public and is no more; its words are not shown, nor its title.

    Attributes:
        withdrawn: when, and the desk's words; None where it was not the desk that said so.
    """

    id: int
    newsroom: str
    kind: str
    published_at: datetime
    withdrawn: Note | None = None


@dataclass(frozen=True, slots=True)
class Shelf:
    """One page of a newsroom's list.

    Attributes:
        kinds: the label of each kind there is, with the word that stands for it in links.
        kind: the label that the list was narrowed to; empty for all.
        pages: how many pages there are; one where there is nothing.
    """

    headlines: tuple[Headline, ...]
    kinds: Mapping[str, str]
    kind: str
    pages: int


def shelf(
    office: Office,
    newsroom: Newsroom,
    *,
    language: str,
    label: Label,
    kind: str | None = None,
    page: int = 1,
    size: int = 20,
) -> Shelf:
    """One page of what a newsroom has published, newest first.

    Args:
        language: of the reader, for headings where there are several.
        label: what a source's kind word is called; kinds of one label are one kind.
        kind: narrows the list to releases whose label is that of this word; None for all.

    Raises:
        NotFound: there is no such page, or no release of that kind.
    """
    with office.database.read() as connection:
        found = public.counts(connection, newsroom.key)
        words = [word for word in found if kind is None or label(word) == label(kind)]
        pages = max(1, -(-sum(found[word] for word in words) // size))
        if page > pages or (kind is not None and not words):
            raise NotFound(f"{newsroom.key} has no page {page} of “{kind}”")
        rows = public.newest(
            connection,
            newsroom.key,
            kinds=None if kind is None else words,
            limit=size,
            offset=(page - 1) * size,
        )
    return Shelf(
        headlines=tuple(_headline(row, (language, newsroom.language)) for row in rows),
        kinds=_kinds(found, label),
        kind="" if kind is None else label(kind),
        pages=pages,
    )


def release(
    office: Office, release_id: int, *, newsroom: Newsroom, wanted: Sequence[str]
) -> PublicRelease | Withdrawn:
    """One release of a newsroom, in the first language wanted that it has, else in its own.

    Raises:
        NotFound: there is none, or it never was public.
    """
    with office.database.read() as connection:
        row = public.read(connection, release_id)
        if row is None or row.newsroom != newsroom.key:
            raise NotFound(f"{newsroom.key} has no public release {release_id}")
        if row.withdrawn:
            return _withdrawn(connection, [row])[0]
        return _whole(connection, [(row, _chosen(row, wanted))])[0]


def others(
    office: Office, newsroom: Newsroom, *, but: int, language: str, count: int = 3
) -> tuple[Headline, ...]:
    """The newest releases of a newsroom beside one."""
    with office.database.read() as connection:
        rows = public.newest(connection, newsroom.key, but=but, limit=count)
    return tuple(_headline(row, (language, newsroom.language)) for row in rows)


def latest(
    office: Office, newsroom: Newsroom, *, language: str | None = None, count: int = 30
) -> list[PublicRelease | Withdrawn]:
    """The newest releases of a newsroom, whole; of those that the desk withdrew, that it did.

    Args:
        language: only those that can be read in it, and in it; None gives every release in the
            newsroom's own language, or its own where it has no such text.
    """
    wanted = (newsroom.language,) if language is None else (language,)
    with office.database.read() as connection:
        rows = public.latest(connection, newsroom.key, language=language, limit=count)
        told: dict[int, PublicRelease | Withdrawn] = {}
        for whole in _whole(connection, [(r, _chosen(r, wanted)) for r in rows if not r.withdrawn]):
            told[whole.id] = whole
        for gone in _withdrawn(connection, [row for row in rows if row.withdrawn]):
            if gone.withdrawn is not None:
                told[gone.id] = gone
    return [told[row.id] for row in rows if row.id in told]


def extent(office: Office) -> int:
    """How many releases the site shows, over all newsrooms that the settings know."""
    with office.database.read() as connection:
        return public.extent(connection, office.newsrooms)


def addresses(office: Office, *, limit: int, offset: int = 0) -> list[Address]:
    """The releases the site shows, in an order that new ones do not change."""
    with office.database.read() as connection:
        return public.addresses(connection, office.newsrooms, limit=limit, offset=offset)


def _kinds(found: Mapping[str, int], label: Label) -> dict[str, str]:
    """Labels in the order of how much there is of each; the word that most releases bear stands for it."""
    words = sorted((word for word in found), key=lambda word: (-found[word], word))
    kinds: dict[str, str] = {}
    for word in words:
        named = label(word)
        kinds[named] = kinds.get(named) or word
    return kinds


def _chosen(row: PublicRow, wanted: Sequence[str]) -> Heading:
    offered = {heading.language: heading for heading in row.headings}
    return offered[languages.choose(wanted, tuple(offered))]


def _headline(row: PublicRow, wanted: Sequence[str]) -> Headline:
    heading = _chosen(row, wanted)
    return Headline(
        id=row.id,
        newsroom=row.newsroom,
        slug=row.slug,
        kind=row.kind,
        published_at=row.published_at,
        language=heading.language,
        title=heading.title,
        lead=heading.lead,
    )


def _whole(
    connection: Connection, chosen: Sequence[tuple[PublicRow, Heading]]
) -> list[PublicRelease]:
    texts = public.texts(connection, [heading.edition_id for _, heading in chosen])
    changed = [row.id for row, heading in chosen if heading.version > 1]
    notes = amended.corrections(connection, changed) if changed else []
    return [
        PublicRelease(
            id=row.id,
            newsroom=row.newsroom,
            slug=row.slug,
            kind=row.kind,
            canonical_url=row.canonical_url,
            published_at=row.published_at,
            updated_at=max(row.published_at, heading.made_at),
            corrected=heading.version > 1 and heading.made_at > row.published_at,
            corrections=tuple(
                note
                for note in notes
                if note.release_id == row.id and note.language == heading.language
            ),
            languages=tuple(other.language for other in row.headings),
            edition=texts[heading.edition_id],
        )
        for row, heading in chosen
    ]


def _withdrawn(connection: Connection, rows: Sequence[PublicRow]) -> list[Withdrawn]:
    notes = amended.withdrawals(connection, [row.id for row in rows])
    return [
        Withdrawn(row.id, row.newsroom, row.kind, row.published_at, notes.get(row.id))
        for row in rows
    ]

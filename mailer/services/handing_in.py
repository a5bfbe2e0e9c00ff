"""Takes in what somebody hands to the desk, in whichever format: each release by itself, held until sent.

A payload is read in the language and the time zone of the newsroom that signs it, which only reading tells:
so it is read once to see whose it is, and once more where that newsroom's own are others.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mailer.core.errors import MailerError, NotAllowed
from mailer.core.identity import names_of, unlike
from mailer.core.newsroom import Newsroom
from mailer.core.release import ReleaseDocument
from mailer.core.source import Source
from mailer.services import press
from mailer.services.choosing import Items, items_of
from mailer.services.details import Pages
from mailer.services.office import Office
from mailer.services.press import NOTHING, Added, Beside
from mailer.sources.decoding import text_of
from mailer.sources.document import read_document
from mailer.sources.fields import language_tag
from mailer.sources.lines import Place
from mailer.sources.reading import ReadingTerms, Refusal, read
from mailer.sources.shape import shape_of
from mailer.store import identities


@dataclass(frozen=True, slots=True)
class Given:
    """What was handed in.

    Attributes:
        file: its name or address, for faults; `-` for standard input.
        media_type: as its server said it; empty for a file.
        web: on whose terms it was fetched, and its pages are; None for a file.
        known_as: the key of the source of the settings that it is; None for none.
    """

    payload: bytes
    file: str
    media_type: str = ""
    web: Source | None = None
    known_as: str | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """How it is to be taken in.

    Attributes:
        newsroom: whose it is; None lets each release say it.
        language: of every text, whatever they say.
        items: the numbers of those that are meant; empty for all of a file, and the only one of an address.
        beside: what comes with it, which then has to be one release.
        dry: nothing is stored.
    """

    newsroom: str | None = None
    language: str | None = None
    items: Sequence[int] = ()
    beside: Beside = field(default=NOTHING)
    dry: bool = False


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What became of a payload: the releases that were stored or known, and what could not become one."""

    releases: tuple[Added, ...]
    refusals: tuple[Refusal, ...] = ()


def hand_in(office: Office, given: Given, wish: Wish, *, who: str) -> HandedIn:
    """Read a payload, and store what it holds.

    Raises:
        DocumentFault, SourceFault: nothing can be made of it.
        NotFound, NotAllowed: what it holds is no newsroom's here, where it holds one release; or it holds
            several, and one has to be chosen.
    """
    items = _items(office, given, wish)
    documents = items.chosen(wish.items, one=given.web is not None)
    refusals = [] if wish.items else list(items.refusals)
    if wish.beside != NOTHING and len(documents) != 1:
        raise NotAllowed(
            f"{given.file} holds {len(documents)} releases",
            "what comes with one is added with it alone: choose it with --item",
        )
    tag = None if wish.language is None else language_tag(wish.language, Place(given.file, 1))
    added: list[Added] = []
    for document in documents:
        spoken = document
        if tag is not None:
            spoken = replace(document, edition=replace(document.edition, language=tag))
        try:
            added.append(_add(office, spoken, given, wish, who))
        except MailerError as error:
            if len(documents) == 1 and not refusals:
                raise
            refusals.append(Refusal(f"“{document.edition.title[:80]}”", error.what, error.cure))
    return HandedIn(tuple(added), tuple(refusals))


def _items(office: Office, given: Given, wish: Wish) -> Items:
    text = _beginning(given)
    if shape_of(text) == "text":
        if given.web is not None:  # whatever its server says it is encoded in
            given = replace(given, payload=text.encode())
        return Items(given.file, ((_read_text(office, given, wish),),))
    documents, refusals = _read(office, given, wish.newsroom)
    return items_of(given.file, documents, refusals)


def _beginning(given: Given) -> str:
    """How it begins, which says what it is; all of what came from the web."""
    if given.web is not None:
        return text_of(given.payload, given.media_type)
    return given.payload[:20_000].decode(errors="replace").removeprefix("\ufeff")


def _read_text(office: Office, given: Given, wish: Wish) -> ReleaseDocument:
    file, language = given.file, wish.language
    found = read_document(given.payload, file=file, language=language)
    room = press.newsroom_for(office, found, wish.newsroom)
    if room.language == found.edition.language:
        return replace(found, newsroom=room.key)
    # One that names no language is in its newsroom's, and may itself say whose it is.
    again = read_document(
        given.payload, file=file, language=language, default_language=room.language
    )
    return replace(again, newsroom=room.key)


def _read(
    office: Office, given: Given, newsroom: str | None
) -> tuple[Sequence[ReleaseDocument], Sequence[Refusal]]:
    """The documents, each read in the language and zone of the newsroom that signs it."""
    first = office.newsroom(newsroom) if newsroom else next(iter(office.newsrooms.values()))

    def reading(room: Newsroom) -> tuple[ReleaseDocument, ...]:
        return read(
            given.payload, media_type=given.media_type, url=given.file, terms=_terms(room, given)
        ).documents

    found = read(
        given.payload, media_type=given.media_type, url=given.file, terms=_terms(first, given)
    )
    readings = {first.key: found.documents}
    documents = []
    for index, document in enumerate(found.documents):
        room = _room(office, document, newsroom) or first
        if room.key not in readings:
            readings[room.key] = reading(room)
        again = readings[room.key]
        documents.append(again[index] if len(again) == len(found.documents) else document)
    return documents, found.refusals


def _room(office: Office, document: ReleaseDocument, newsroom: str | None) -> Newsroom | None:
    try:
        return press.newsroom_for(office, document, newsroom)
    except MailerError:
        return None  # it is refused when it is added, with all that is to be said about it


def _add(office: Office, document: ReleaseDocument, given: Given, wish: Wish, who: str) -> Added:
    if document.detail_url is not None:
        document = _whole(document, given)
    if document.signal == "withdrawn":
        raise NotAllowed(
            "Its source has withdrawn it",
            "those who have it are told by `mailer release withdraw ID`",
        )
    if document.signal == "correction":
        doubt = (
            "its source says that it corrects an earlier one: "
            "`release correct EARLIER --from ID` tells its readers"
        )
        document = replace(document, warnings=(*document.warnings, doubt))
    if given.known_as is not None:  # what its names are within that source
        names = names_of(document, source=given.known_as)
        document = replace(document, names=tuple(dict.fromkeys((*document.names, *names))))
    if given.web is not None:
        _check_likeness(office, document, wish)
    return press.add_document(
        office, document, newsroom=wish.newsroom, who=who, beside=wish.beside, dry=wish.dry
    )


def _whole(document: ReleaseDocument, given: Given) -> ReleaseDocument:
    """What is only announced, with the text of its page.

    Raises:
        NotAllowed: it is from a file, or its page cannot be read.
    """
    if given.web is None:
        raise NotAllowed(
            f"It only announces a release: the whole stands at {document.detail_url}",
            f"mailer release add {document.detail_url}",
        )
    pages = Pages(given.web)
    whole = asyncio.run(pages.whole(document))
    if whole is None:
        (refusal,) = pages.refusals
        raise NotAllowed(f"{refusal.place}: {refusal.what}", refusal.cure)
    return whole


def _check_likeness(office: Office, document: ReleaseDocument, wish: Wish) -> None:
    """An address shows another release next week; a file's name is what somebody wrote into it.

    Raises:
        NotAllowed: a release of quite other words is known under its names.
    """
    room = press.newsroom_for(office, document, wish.newsroom)
    with office.database.read() as connection:
        named = identities.named(connection, room.key, names_of(document))
        texts = [one.text for one in identities.versions(connection, named)]
    if texts and all(unlike(text, document.edition) for text in texts):
        raise NotAllowed(
            f"“{document.edition.title[:80]}” has the address or name of release {named[0]}, "
            "whose words are quite others",
            "save it and add the file with an id of its own, if it is another release",
        )


def _terms(room: Newsroom, given: Given) -> ReadingTerms:
    if given.web is not None and given.known_as is not None:
        return ReadingTerms(language=given.web.language, zone=given.web.zone)
    return ReadingTerms(language=room.language, zone=room.time_zone)

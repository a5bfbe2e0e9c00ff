"""Takes in what somebody hands to the desk, in whichever format: each release by itself, held until sent.

A payload is read in the language and the time zone of the newsroom that signs it, which only reading tells:
so it is read once to see whose it is, and once more where that newsroom's own are others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mailer.core.errors import MailerError, NotAllowed
from mailer.core.newsroom import Newsroom
from mailer.core.release import ReleaseDocument
from mailer.services import press
from mailer.services.office import Office
from mailer.services.press import NOTHING, Added, Beside
from mailer.sources.document import read_document
from mailer.sources.fields import language_tag
from mailer.sources.lines import Place
from mailer.sources.reading import ReadingTerms, Refusal, read
from mailer.sources.shape import shape_of


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What became of a payload: the releases that were stored or known, and what could not become one."""

    releases: tuple[Added, ...]
    refusals: tuple[Refusal, ...] = ()


def hand_in(
    office: Office,
    payload: bytes,
    *,
    file: str,
    newsroom: str | None,
    language: str | None,
    who: str,
    beside: Beside = NOTHING,
) -> HandedIn:
    """Read a payload, and store what it holds.

    Args:
        file: its name, for faults; `-` for standard input.
        newsroom: whose it is; None lets each release say it.
        language: of every text, whatever they say.
        beside: what comes with it, which then has to be one release.

    Raises:
        DocumentFault, SourceFault: nothing can be made of it.
        NotFound, NotAllowed: what it holds is no newsroom's here, where it holds one release.
    """
    start = payload[:20_000].decode(errors="replace").removeprefix("\ufeff")
    if shape_of(start) == "text":
        document, room = _read_text(office, payload, file, newsroom, language)
        added_text = press.add_document(office, document, newsroom=room.key, who=who, beside=beside)
        return HandedIn((added_text,))
    tag = None if language is None else language_tag(language, Place(file, 1))
    documents, refusals = _read(office, payload, file, newsroom)
    if beside != NOTHING and len(documents) != 1:
        raise NotAllowed(
            f"{file} holds {len(documents)} releases", "what comes with one is added with it alone"
        )
    added: list[Added] = []
    for document in documents:
        spoken = document
        if tag is not None:
            spoken = replace(document, edition=replace(document.edition, language=tag))
        try:
            added.append(_add(office, spoken, newsroom, who, beside))
        except MailerError as error:
            if len(documents) == 1 and not refusals:
                raise
            refusals.append(Refusal(f"“{document.edition.title[:80]}”", error.what, error.cure))
    return HandedIn(tuple(added), tuple(refusals))


def _read_text(
    office: Office, payload: bytes, file: str, newsroom: str | None, language: str | None
) -> tuple[ReleaseDocument, Newsroom]:
    found = read_document(payload, file=file, language=language)
    room = press.newsroom_for(office, found, newsroom)
    if room.language != found.edition.language:
        # One that names no language is in its newsroom's, and may itself say whose it is.
        found = read_document(payload, file=file, language=language, default_language=room.language)
    return found, room


def _read(
    office: Office, payload: bytes, file: str, newsroom: str | None
) -> tuple[Sequence[ReleaseDocument], list[Refusal]]:
    """The documents, each read in the language and zone of the newsroom that signs it."""
    first = office.newsroom(newsroom) if newsroom else next(iter(office.newsrooms.values()))
    found = read(payload, media_type="", url=file, terms=_terms(first))
    readings = {first.key: found}
    documents = []
    for index, document in enumerate(found.documents):
        room = _room(office, document, newsroom) or first
        if room.key not in readings:
            readings[room.key] = read(payload, media_type="", url=file, terms=_terms(room))
        again = readings[room.key].documents
        documents.append(again[index] if len(again) == len(found.documents) else document)
    return documents, list(found.refusals)


def _room(office: Office, document: ReleaseDocument, newsroom: str | None) -> Newsroom | None:
    try:
        return press.newsroom_for(office, document, newsroom)
    except MailerError:
        return None  # it is refused when it is added, with all that is to be said about it


def _add(
    office: Office, document: ReleaseDocument, newsroom: str | None, who: str, beside: Beside
) -> Added:
    if document.detail_url is not None:
        raise NotAllowed(
            f"It only announces a release: the whole stands at {document.detail_url}",
            "save that page and add it, or name the feed as a source in the settings",
        )
    if document.signal == "withdrawn":
        raise NotAllowed(
            "Its source has withdrawn it",
            "those who have it are told by `mailer release withdraw ID`",
        )
    if document.signal == "correction":
        doubt = (
            "its source says that it corrects an earlier one: `release correct` tells its readers"
        )
        document = replace(document, warnings=(*document.warnings, doubt))
    return press.add_document(office, document, newsroom=newsroom, who=who, beside=beside)


def _terms(room: Newsroom) -> ReadingTerms:
    return ReadingTerms(language=room.language, zone=room.time_zone)

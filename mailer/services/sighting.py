"""One document that a source shows: whose it is, what becomes of it, and that it is written, all in one go.

    whose    the release that ever had its very words; else the one of its names whose text is most like it;
             a name whose release has quite other words is no name of this one's
    decide   purely (`core.decision`), with the release's row locked, so that nothing moves meanwhile
    write    what was decided, the names it brings, and why; or nothing, if another dispatcher took over

Whatever is asked again gives the same again: what is written is what makes it known.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mailer.core.decision import Action, Decision, Known, Sighting, decide
from mailer.core.embargo import Heard
from mailer.core.identity import announced_name, names_of, text_name
from mailer.core.release import ReleaseDocument, fingerprint
from mailer.core.source import Source
from mailer.services import originals, source_embargo
from mailer.services.looks import Look
from mailer.services.office import Office
from mailer.services.whose import BY_WORDS, Owner, owner
from mailer.store import editions, identities, intake, mailings, wakeup
from mailer.store.database import Connection
from mailer.store.intake import Origin

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Judged:
    """A document, and what becomes of it.

    Attributes:
        release_id: whose it is; None for nobody's yet.
        reused: the release that wrongly bears its name; None for none.
        renamed: it is known by its words alone, for all its names are new.
        embargo: what its source's word on the embargo comes to; None for nothing new.
    """

    document: ReleaseDocument
    names: tuple[str, ...]
    decision: Decision
    release_id: int | None
    reused: int | None = None
    renamed: bool = False
    embargo: Heard | None = None

    @property
    def news(self) -> str:
        """What was written, or would be."""
        return _NEWS[self.decision.action]


_NEWS = {
    Action.PASS: "passed",
    Action.KEEP: "kept",
    Action.HOLD: "held",
    Action.SEND: "new",
    Action.KNOWN: "known",
    Action.EDIT: "edition",
}


def judge(
    office: Office,
    connection: Connection,
    look: Look,
    document: ReleaseDocument,
    *,
    lock: bool = False,
) -> Judged:
    """Whose a document is, and what becomes of it; nothing is written."""
    names = names_of(document, source=look.source.key)
    room = look.source.newsroom
    found, reused = owner(connection, room, document, names, lock=lock)
    now = office.clock()
    seen = Sighting(document, now, look.seeded, look.moved, reused)
    if found is None:
        seen = replace(seen, suspicion=originals.suspicion(connection, room, document, now))
        decision = decide(seen, None, look.source.terms)
        return Judged(document, names, decision, None, reused)
    seen = replace(seen, document=found.shown)
    if not found.same_text:
        suspicion = originals.new_signal(connection, found.row.id, found.shown)
        seen = replace(seen, suspicion=suspicion)
    return Judged(
        found.shown,
        names,
        decide(seen, _known(found), look.source.terms),
        found.row.id,
        renamed=found.by == BY_WORDS,
        embargo=source_embargo.heard_of(found.row, document, look.source, now),
    )


def announced(connection: Connection, look: Look, document: ReleaseDocument) -> int | None:
    """The settled release that this very announcement was seen of before: its page need not be read again."""
    known = identities.named(connection, look.source.newsroom, [announced_name(document)])
    waits = (
        intake.standing(connection, number, lock=False).state in {"approved", "held"}
        for number in known
    )
    return known[0] if known and not any(waits) else None


def nothing_new(
    connection: Connection, look: Look, documents: Sequence[ReleaseDocument]
) -> frozenset[int]:
    """Which of these documents, by place, hold nothing that is not known: asked for all at once.

    Each of their names is one and the same release's, whose newest text is theirs. All others are judged.
    """
    names = [names_of(document, source=look.source.key) for document in documents]
    whose = identities.by_name(
        connection, look.source.newsroom, [name for each in names for name in each]
    )
    releases: dict[int, int] = {
        place: next(iter(found[0]))
        for place, each in enumerate(names)
        if (found := [whose.get(name, frozenset()) for name in each])
        and len(found[0]) == 1
        and all(one == found[0] for one in found)
    }
    newest = identities.newest(connection, releases.values())
    embargoed = intake.under_embargo_said(connection, releases.values())
    return frozenset(
        place
        for place, number in releases.items()
        if _says_no_more(documents[place])
        and number not in embargoed
        and (number, fingerprint(documents[place].edition), documents[place].edition.contacts)
        in newest
    )


def _says_no_more(document: ReleaseDocument) -> bool:
    """It says nothing beside its text that could change what becomes of it."""
    moments = (document.publish_at, document.embargo_until)
    return document.detail_url is None and not document.signal and moments == (None, None)


def named(connection: Connection, look: Look, document: ReleaseDocument) -> bool:
    """Whether a release is known under any of a document's names."""
    names = names_of(document, source=look.source.key)
    return bool(identities.named(connection, look.source.newsroom, names))


def settle(
    office: Office, look: Look, document: ReleaseDocument, *, announcement: str | None = None
) -> Judged:
    """Judge a document and write what was decided.

    Args:
        announcement: the name of the announcement whose page it was read from.

    Raises:
        TurnOver: another dispatcher polls the source by now.
    """
    if document.embargo_until is not None:  # a later moment counts before any new words do
        with office.database.read() as connection:
            early = judge(office, connection, look, document)
        if early.embargo is not None and early.embargo.later and early.release_id is not None:
            source_embargo.follow(office, look, early.release_id, document)
    while True:
        with office.database.write() as connection:
            look.check(connection)
            judged = judge(office, connection, look, document, lock=True)
            if judged.decision.action is Action.PASS:
                return judged
            number = _write(office, connection, look, judged)
            if number is None:
                continue  # somebody stored it in this very moment: it is known now
            further = [] if announcement is None else [announcement]
            _name(connection, look, judged, number, further)
            if judged.decision.action is Action.SEND:
                wakeup.notify(connection)
        _tell(judged, number, look)
        if judged.embargo is not None:  # an earlier one, or none any more, after them
            source_embargo.follow(office, look, number, document)
        return replace(judged, release_id=number)


def unchanged(connection: Connection, look: Look, judged: Judged) -> bool:
    """Whether settling would write nothing at all."""
    action, document = judged.decision.action, judged.document
    if action is Action.PASS:
        return True
    if action is not Action.KNOWN or judged.decision.back_to_hold or judged.decision.noteworthy:
        return False
    if document.publish_at is not None or judged.embargo is not None:
        return False
    return not identities.unknown_names(connection, look.source.newsroom, judged.names)


def _known(found: Owner) -> Known:
    row = found.row
    return Known(
        release_id=row.id,
        state=row.state,
        approval=row.approval,
        made_at=row.made_at,
        publish_at=row.publish_at,
        by=found.by,
        same_text=found.same_text,
        signalled=row.signalled,
    )


def _write(office: Office, connection: Connection, look: Look, judged: Judged) -> int | None:
    now, source = office.clock(), look.source
    if judged.release_id is None:
        names = judged.names
        if judged.reused is not None:  # its own name would be another's
            names = (text_name(judged.document.edition), *names)
        origin = Origin(source.newsroom, source.key, names, source.terms.approval)
        return intake.add(connection, judged.document, judged.decision, origin=origin, now=now)
    document, number = judged.document, judged.release_id
    intake.postpone(connection, number, document)
    edits = judged.decision.action is Action.EDIT
    before = identities.versions(connection, [number]) if edits else []
    intake.edit(connection, number, document, judged.decision, source=source.key, now=now)
    if edits and all(one.text.language != document.edition.language for one in before):
        _translated(connection, source, number, document)
    return number


def _translated(
    connection: Connection, source: Source, number: int, document: ReleaseDocument
) -> None:
    """A further language of what was mailed is mailed by itself, with whose word its source asks for.

    Of what was kept for the pages alone none is.
    """
    if not any(one.kind == "first" for one in mailings.mailings(connection, number)):
        intake.mail_no_translation(connection, number, document.edition.language)
    elif source.terms.approval == "auto":
        editions.approve(connection, number)


def _name(
    connection: Connection, look: Look, judged: Judged, number: int, further: Sequence[str]
) -> None:
    names = [*judged.names, *further]
    identities.give_names(
        connection, look.source.newsroom, names, number, take=judged.reused is not None
    )


def _tell(judged: Judged, number: int, look: Look) -> None:
    if judged.decision.action is Action.KNOWN and not judged.decision.noteworthy:
        return
    log.log(
        logging.WARNING if judged.decision.noteworthy else logging.INFO,
        judged.news,
        extra={"release": number, "source": look.source.key, "reason": judged.decision.why},
    )

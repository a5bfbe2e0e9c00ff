"""What every change to a release that has left has in common: made in one transaction, settled soon after.

render      the messages that the change needs, for each mailing that has the old text and each edition
            that somebody may hold; no lock is held meanwhile
change      one transaction, with the release locked: it still stands as it was rendered, or all starts
            over; old messages are superseded, their mailings stopped, the notice is opened
settle      once every hand is empty (`services.aftermath`)
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from mailer.core.release import Edition
from mailer.mail.desk import Matter, prepare_matter
from mailer.mail.facts import ReleaseFacts
from mailer.mail.prepare import Prepared
from mailer.services import attachments, editions
from mailer.services.desk_record import named, noted
from mailer.services.kept import to_keep
from mailer.services.office import Office
from mailer.store import (
    amended,
    amendments,
    holders,
    mailings,
    messages,
    public,
    remaking,
    wakeup,
)
from mailer.store import editions as languages
from mailer.store.amended import Telling
from mailer.store.database import Connection
from mailer.store.editions import Text
from mailer.store.messages import NewPrepared
from mailer.store.releases import ReleaseRow


@dataclass(frozen=True, slots=True)
class Standing:
    """A release as it stands, and what of it may have left.

    Attributes:
        texts: the newest in each language.
        editions: the language of every edition, by its number.
        carried: its mailings with a message of any of its editions: number and kind.
        held: editions that somebody may hold, by their numbers.
        telling: by language, the correction of which not everybody has been told yet.
    """

    row: ReleaseRow
    texts: tuple[Text, ...]
    editions: Mapping[int, str]
    carried: tuple[tuple[int, str], ...]
    held: Mapping[int, Edition]
    telling: Mapping[str, Telling]

    def of_language(self, language: str) -> tuple[int, ...]:
        """The numbers of the editions in a language."""
        return tuple(number for number, spoken in self.editions.items() if spoken == language)

    def stands(self, connection: Connection) -> bool:
        """Whether it still is so; its caller has the release locked."""
        return _standing(connection, self.row.id) == self

    @property
    def has_left(self) -> bool:
        """Whether anybody has been sent any of it, or is about to be."""
        return bool(self.carried or self.held)


@dataclass(frozen=True, slots=True)
class Draft:
    """A prepared message that is not kept yet.

    Attributes:
        edition: the number of the edition that it is of; None for the one that the change makes.
    """

    prepared: Prepared
    edition: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a change comes to in the ledger.

    Attributes:
        changed: the numbers of the editions that it changes or takes back.
        successors: by kind of mailing and language, what takes the place of the old message; mailings of a
            kind without any are taken back.
        notices: by edition held, what its holders are told; empty where nobody is told.
        embargo_until: the new one; of a correction, the one that its notices name.
        note: why, for readers.
        act: what the record calls it, where that is not its kind.
    """

    kind: str
    changed: tuple[int, ...]
    successors: Mapping[tuple[str, str], Draft] = field(default_factory=dict)
    notices: Mapping[int, Draft] = field(default_factory=dict)
    embargo_until: datetime | None = None
    note: str = ""
    silent: bool = False
    act: str = ""


def standing(office: Office, release_id: int) -> Standing:
    """A release as it stands.

    Raises:
        NotFound: no such release.
    """
    with office.database.read() as connection:
        return _standing(connection, release_id)


def message(office: Office, of: Standing, matter: Matter) -> Prepared:
    """A mail of the desk about a release, prepared.

    Raises:
        MailerError: it cannot be.
    """
    return prepare_matter(
        office.templates,
        matter,
        site=office.site,
        newsroom=office.newsroom(of.row.newsroom),
        made_at=office.clock(),
    )


def facts_of(row: ReleaseRow) -> ReleaseFacts:
    """What a mail says of its release beside the text."""
    return ReleaseFacts(row.id, row.slug, row.kind, row.canonical_url, row.published_at)


def release_itself(office: Office, of: Standing, kind: str, text: Text) -> Prepared:
    """The release as a mailing of that kind carries it.

    Raises:
        MailerError: it cannot be prepared.
    """
    if kind != "early":
        return editions.prepare(office, of.row, text)
    carried = attachments.of(office, of.row.id, text.edition)
    facts = replace(
        facts_of(of.row), attachments=carried
    )  # its page shows none before it is public
    matter = Matter("early", text.edition, facts, embargo_until=of.row.embargo_until)
    return message(office, of, matter)


def amend(
    office: Office,
    of: Standing,
    plan: Plan,
    change: Callable[[Connection], int | None],
    *,
    who: str,
) -> int | None:
    """Make a change, if the release still stands as `of` says; otherwise None, and nothing is done.

    Args:
        change: makes it, in the transaction; the number of the edition it makes, or None.

    Returns:
        The number of the amendment.
    """
    now = office.clock()
    with office.database.write() as connection:
        mailings.take_turn(
            connection, alone=True
        )  # no digest is opened with the old text meanwhile
        amendments.lock(connection, of.row.id)
        if not of.stands(connection):
            return None
        mark = amendments.message_mark(connection)
        made = change(connection)
        _replace(office, connection, of, plan, made)
        mailing_id = _notice(office, connection, of, plan, made) if plan.notices else None
        number = amendments.add(
            connection,
            release_id=of.row.id,
            kind=plan.kind,
            edition_id=made,
            mailing_id=mailing_id,
            editions=list(plan.changed),
            message_mark=mark,
            note=plan.note,
            silent=plan.silent,
            who=who[:100],
            embargo_until=plan.embargo_until,
            made_at=now,
            settled_at=None if of.has_left else now,
        )
        told = {"note": plan.note, "amendment": number}
        noted(office, connection, who, f"release {plan.act or plan.kind}", of.row.id, told)
        wakeup.notify(connection)
    office.wake()
    return number


def _standing(connection: Connection, release_id: int) -> Standing:
    row = named(connection, release_id)
    numbers = amendments.editions_of(connection, release_id)
    carried = amendments.carrying(connection, release_id, list(numbers))
    held = holders.editions_held(connection, release_id, list(numbers))
    return Standing(
        row,
        languages.texts(connection, release_id),
        numbers,
        tuple((one.id, one.kind) for one in carried),
        public.texts(connection, held),
        amended.telling(connection, release_id),
    )


def _replace(
    office: Office, connection: Connection, of: Standing, plan: Plan, made: int | None
) -> None:
    """Stop every mailing with an old text; put a new one in its place, or take the mailing back.

    Digests with an old text are stopped: what has not left of them is made anew.
    """
    digests = remaking.showing(connection, of.row.id, plan.changed)
    amendments.stop(connection, digests)
    concerned = amendments.carrying(connection, of.row.id, plan.changed)
    kinds = {kind for kind, _ in plan.successors}
    kept = [one.id for one in concerned if one.kind in kinds and one.state != "cancelled"]
    amendments.stop(connection, kept)
    for one in concerned:
        if one.id in kept:
            _supersede(office, connection, of, plan, made, one)
    # A notice about the embargo alone: nothing else would say it.
    stays = {"embargo"} if plan.silent else set()
    gone = [one.id for one in concerned if one.kind not in kinds | stays]
    amendments.take_back(connection, gone, office.clock())


def _supersede(
    office: Office,
    connection: Connection,
    of: Standing,
    plan: Plan,
    made: int | None,
    mailing: amendments.Carrying,
) -> None:
    for (kind, language), draft in plan.successors.items():
        old = of.of_language(language)
        if kind == mailing.kind and amendments.carries(connection, mailing.id, old):
            kept = _kept(office, of, draft, mailing.id, made)
            by = messages.keep_prepared(connection, kept, office.clock())
            amendments.supersede(connection, mailing.id, old, by)


def _notice(
    office: Office, connection: Connection, of: Standing, plan: Plan, made: int | None
) -> int:
    """Open the mailing that tells of it, with its messages; its audience is not asked yet."""
    newsroom = office.newsroom(of.row.newsroom)
    mailing_id = amendments.open_mailing(
        connection,
        newsroom=newsroom.key,
        release_id=of.row.id,
        kind=amendments.NOTICES.get(plan.kind, "embargo"),
        unknown=newsroom.unknown,
        waits=True,
        now=office.clock(),
    )
    for held, draft in plan.notices.items():
        kept = _kept(office, of, draft, mailing_id, made, held)
        messages.keep_prepared(connection, kept, office.clock())
    return mailing_id


def _kept(
    office: Office,
    of: Standing,
    draft: Draft,
    mailing_id: int,
    made: int | None,
    held: int | None = None,
) -> NewPrepared:
    newsroom, edition = office.newsroom(of.row.newsroom), draft.edition or made
    kept = to_keep(draft.prepared, newsroom, mailing_id=mailing_id, edition_id=edition)
    told = (
        f"{edition}:{held}:{kept.digest}"  # the same words may come back, and are another message
    )
    digest = hashlib.sha256(told.encode()).hexdigest()
    return replace(kept, digest=digest, held_edition_id=held)

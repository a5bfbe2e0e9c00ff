"""Proves the promise from the records.

A mailing's arithmetic must add up, each number counted anew:

    audience when published = accepted + refused + unknown + expired + cancelled + still due + ended since

The audience is recomputed from the consent history alone, reader by reader; what is due must be
reachable; the progress counter must agree; nothing may have been opened before its time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mailer.core.errors import NotFound
from mailer.services.office import Office
from mailer.store import gathered, mailings, proofs, releases
from mailer.store.database import Connection
from mailer.store.gathered import Kept
from mailer.store.mailings import MailingRow
from mailer.store.portions import GATHERED

FINAL = ("accepted", "refused", "unknown", "ended", "expired", "cancelled")


@dataclass(frozen=True, slots=True)
class ProvenMailing:
    """One mailing's account.

    Attributes:
        language: of a translation.
        audience: by the consent history up to the moment it was frozen.
        states: deliveries by state; "due" are those still waiting.
        gaps: what does not add up, each named; empty when all is well.
        digests: for how many the release waits for their digest, went out in one, and so on.
    """

    mailing: int
    release: int | None
    title: str
    newsroom: str
    kind: str
    language: str | None
    state: str
    made_at: datetime
    audience: int
    states: dict[str, int]
    gaps: tuple[str, ...]
    digests: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proof:
    """The account of every mailing asked about."""

    mailings: tuple[ProvenMailing, ...]
    gaps: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether everything adds up."""
        return not self.gaps and not any(one.gaps for one in self.mailings)


def verify(office: Office, release_id: int | None = None) -> Proof:
    """Recompute the account of every mailing, or of one release's.

    Raises:
        NotFound: no such release.
    """
    with office.database.read() as connection:
        if release_id is not None and releases.read(connection, release_id) is None:
            raise NotFound(f"There is no release {release_id}", "see `mailer release list`")
        rows = mailings.mailings(connection, release_id)
        without = proofs.unmailed(connection, release_id)
        return Proof(
            mailings=tuple(_proven(connection, row) for row in rows),
            gaps=tuple(f"release {number} is published and was never mailed" for number in without),
        )


def _proven(connection: Connection, row: MailingRow) -> ProvenMailing:
    states = proofs.states(connection, row.id)
    history = proofs.audience(connection, row)
    if history.unwritten:
        states["due"] = states.get("due", 0) + history.unwritten
    found = releases.read(connection, row.release_id) if row.release_id is not None else None
    kept = gathered.kept(connection, row) if row.kind in GATHERED else Kept()
    return ProvenMailing(
        mailing=row.id,
        release=row.release_id,
        title=found.edition.title if found else "",
        newsroom=row.newsroom,
        kind=row.kind,
        language=row.language if row.kind == "translation" else None,
        state=row.state,
        made_at=row.made_at,
        audience=history.consented,
        states=states,
        gaps=(*_gaps(connection, row, states, history), *_digest_gaps(kept)),
        digests=_with_unnoted(kept),
    )


def _gaps(
    connection: Connection, row: MailingRow, states: dict[str, int], history: proofs.Audience
) -> Iterable[str]:
    owed = sum(states.values())
    settled = sum(states.get(state, 0) for state in FINAL)
    yield from _astray(history)
    if owed != row.audience:
        yield f"{owed} deliveries for an audience of {row.audience}"
    if owed != history.consented:
        yield f"{owed} deliveries, but {history.consented} had consented when it was published"
    if settled != row.settled:
        yield f"{settled} deliveries are settled, but {row.settled} are counted"
    over = row.state == "finished" or row.finished_at is not None
    if over and states.get("due"):
        yield f"{row.state} with {states['due']} deliveries still due"
    if states.get("cancelled") and (left := proofs.misnamed(connection, row.id)):
        yield f"cancelled, and may have left before: deliveries {_few(left)}"
    if stranded := proofs.stranded(connection, row.id):
        yield f"due and never handed out: deliveries {_few(stranded)}"
    if proofs.early(connection, row):
        yield "mailed before its publish time"


def _astray(history: proofs.Audience) -> Iterable[str]:
    if history.missing:
        yield f"consented and owed nothing: subscriptions {_few(history.missing)}"
    if history.unasked:
        yield f"owed without consent: deliveries {_few(history.unasked)}"
    if history.mistaken:
        yield f"of another language than was chosen: deliveries {_few(history.mistaken)}"


def _digest_gaps(kept: Kept) -> Iterable[str]:
    if kept.missing:
        yield f"to have it in a digest and not noted: subscriptions {_few(kept.missing)}"
    if kept.unasked:
        yield f"noted for a digest without being asked: subscriptions {_few(kept.unasked)}"
    if kept.adrift:
        yield f"in a digest that there is not: subscriptions {_few(kept.adrift)}"


def _with_unnoted(kept: Kept) -> dict[str, int]:
    states = dict(kept.states)
    if kept.unnoted:
        states["waiting"] = states.get("waiting", 0) + kept.unnoted
    return states


def _few(numbers: Iterable[int]) -> str:
    return ", ".join(str(number) for number in numbers)

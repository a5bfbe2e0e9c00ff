"""Lists the deliveries whose outcome nobody knows, and settles them by an operator's word.

They are named by their release, whatever was mailed of it, or by the number of a mailing: digests are no one
release's.
What the relay never answered is `unknown` where the newsroom's policy is to hold, and where a mailing was
cancelled. The relay's own log knows such a message by its Message-ID.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mailer.core.errors import NotAllowed, NotFound, TryLater
from mailer.mail.compose import Composer
from mailer.mail.prepare import Prepared
from mailer.services import press
from mailer.services.kept import as_prepared
from mailer.services.office import Office
from mailer.store import audit, doubts, mailings, messages, retries, standing, wakeup
from mailer.store.database import Connection
from mailer.store.doubts import Doubt
from mailer.store.mailings import MailingRow

Verdict = Literal["accepted", "refused", "resend"]

_STATES = {"accepted": "accepted", "refused": "refused", "resend": "due"}
_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(<[^>\r\n]+>)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A delivery whose outcome nobody knows, and its last attempt.

    Attributes:
        message_id: with its angle brackets, as the relay logs it.
        at: when it was tried, `relay` where (empty if the dispatcher died), `phase` how far it got.
    """

    delivery: int
    address: str
    message_id: str
    at: datetime
    relay: str
    phase: str
    attempts: int
    reply: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """What was settled.

    Attributes:
        release, mailing: what was named, of which one is None.
        already: deliveries that were so before.
    """

    release: int | None
    verdict: Verdict
    settled: tuple[int, ...]
    already: tuple[int, ...] = ()
    mailing: int | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """Whose deliveries an operator means: a release's, or a mailing's."""

    release: int | None = None
    mailing: int | None = None

    def __str__(self) -> str:
        """As it is called in a sentence."""
        return f"mailing {self.mailing}" if self.release is None else f"release {self.release}"

    @property
    def arguments(self) -> str:
        """As a command names it."""
        return f"--mailing {self.mailing}" if self.release is None else str(self.release)


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A mailing with deliveries whose outcome nobody knows.

    Attributes:
        title: of its release; empty for digests.
        unknown: how many there are.
    """

    mailing: int
    release: int | None
    newsroom: str
    kind: str
    title: str
    state: str
    unknown: int


def doubtful(office: Office) -> list[Doubtful]:
    """Every mailing with something unknown, oldest first."""
    with office.database.read() as connection:
        return [
            Doubtful(
                row.id,
                row.release_id,
                row.newsroom,
                row.kind,
                standing.title(connection, row.release_id),
                row.state,
                number,
            )
            for row in mailings.mailings(connection)
            if (number := retries.amiss(connection, row.id).get("unknown", 0))
        ]


def unknown(office: Office, of: int | Named) -> list[Unknown]:
    """What is unknown of a release or a mailing, in the order of its deliveries.

    Args:
        of: a number alone is a release's.

    Raises:
        NotFound: no such release or mailing.
    """
    with office.database.read() as connection:
        found = [
            one
            for row in _mailings(office, connection, _named(of))
            for one in doubts.doubts(connection, row.id)
        ]
        kept = {
            number: as_prepared(messages.read_prepared(connection, number))
            for number in {one.due.prepared_id for one in found}
        }
    composer = Composer(office.keys.tokens, office.keys.marks)  # unsigned: the field is the same
    return [_unknown(composer, kept[one.due.prepared_id], one) for one in found]


def settle(
    office: Office,
    of: int | Named,
    verdict: Verdict,
    *,
    who: str,
    deliveries: Sequence[int] = (),
    note: str = "",
) -> Settlement:
    """Say of unknown deliveries what became of them, in one transaction with its audit entries.

    Args:
        of: whose they are; a number alone is a release's.
        verdict: "resend" makes them due now.
        deliveries: these alone; none means all that are unknown of what is named.

    Raises:
        NotFound: no such release or mailing.
        NotAllowed: a delivery is none of its or not unknown, or there is nothing to resend, for the mailing
            was cancelled, or its text corrected or withdrawn since; then nothing is settled.
        TryLater: a dispatcher is writing to one of them.
    """
    named = _named(of)
    with office.database.write() as connection:
        rows = _mailings(office, connection, named)
        wanted, already = _wanted(connection, rows, named, verdict, deliveries)
        settled: list[int] = []
        for mailing_id, numbers in wanted.items():
            settled += doubts.settle(
                connection, mailing_id, numbers, state=_STATES[verdict], now=office.clock()
            )
        if len(settled) < sum(map(len, wanted.values())):
            raise TryLater("A dispatcher is writing to some of them", "try again in a moment")
        audit.note_each(
            connection,
            who=who,
            act=f"settle {verdict}",
            subjects=[f"delivery:{number}" for number in settled],
            detail=_detail(named, note),
            now=office.clock(),
        )
        wakeup.notify(connection)
    office.wake()
    return Settlement(named.release, verdict, tuple(settled), tuple(already), named.mailing)


def _named(of: int | Named) -> Named:
    return of if isinstance(of, Named) else Named(of)


def _mailings(office: Office, connection: Connection, named: Named) -> Sequence[MailingRow]:
    if named.release is not None:
        press.shown(office, named.release)
        return mailings.mailings(connection, named.release)
    row = mailings.read(connection, named.mailing or 0)
    if row is None:
        raise NotFound(
            f"There is no {named}", "`mailer settle` lists every mailing with something unknown"
        )
    return [row]


def _detail(named: Named, note: str) -> dict[str, object]:
    told = {"release": named.release, "mailing": named.mailing, "note": note or None}
    return {name: value for name, value in told.items() if value is not None}


def _wanted(
    connection: Connection,
    rows: Sequence[MailingRow],
    named: Named,
    verdict: Verdict,
    deliveries: Sequence[int],
) -> tuple[dict[int, list[int]], list[int]]:
    """What is to be settled, by mailing, and what is so already."""
    wanted: dict[int, list[int]] = {}
    states: dict[int, str] = {}
    for row in rows:
        if deliveries:
            of_mailing = doubts.states_of(connection, row.id, deliveries)
        else:
            of_mailing = {one.due.id: "unknown" for one in doubts.doubts(connection, row.id)}
        states |= of_mailing
        found = [number for number, state in of_mailing.items() if state == "unknown"]
        if found and verdict == "resend" and row.state == "cancelled":
            what = f"The mailing of {named}" if named.release is not None else f"Mailing {row.id}"
            raise NotAllowed(
                f"{what} was cancelled: nothing of it is sent any more",
                "settle these as accepted or refused",
            )
        if verdict == "resend" and (late := doubts.superseded(connection, row.id, found)):
            raise _overtaken(row, late)
        if found:
            wanted[row.id] = found
    _check(named, deliveries, states, _STATES[verdict])
    return wanted, sorted(number for number in states if states[number] == _STATES[verdict])


def _overtaken(row: MailingRow, late: Sequence[int]) -> NotAllowed:
    if row.kind == "digest":
        return NotAllowed(
            f"Something in these digests was withdrawn since: {_listed(late)}",
            "settle them as accepted, or as refused: `mailer retry --refused` then makes them anew",
        )
    return NotAllowed(
        f"Corrected since: {_listed(late)}; their readers were sent the correction",
        "settle these as accepted or refused",
    )


def _check(named: Named, deliveries: Sequence[int], states: dict[int, str], state: str) -> None:
    foreign = sorted(set(deliveries) - states.keys())
    if foreign:
        raise NotAllowed(
            f"{str(named).capitalize()} has no delivery {_listed(foreign)}",
            f"`mailer settle {named.arguments}` lists what is unknown of it",
        )
    known = {number: found for number, found in states.items() if found not in {"unknown", state}}
    if known:
        told = ", ".join(
            f"{number} {found}" for found, number in sorted(Counter(known.values()).items())
        )
        raise NotAllowed(
            f"Not unknown any more: {told} (deliveries {_listed(sorted(known))})",
            f"`mailer settle {named.arguments}` lists those that are",
        )


def _unknown(composer: Composer, prepared: Prepared, one: Doubt) -> Unknown:
    found = _MESSAGE_ID.search(composer.compose(prepared, one.due).content)
    return Unknown(
        delivery=one.due.id,
        address=one.due.mailbox,
        message_id=found[1].decode() if found else "",
        at=one.at,
        relay=one.relay,
        phase=one.phase,
        attempts=one.due.attempts,
        reply=one.reply,
    )


def _listed(numbers: Sequence[int], few: int = 10) -> str:
    shown = ", ".join(str(number) for number in numbers[:few])
    return f"{shown} and {len(numbers) - few} more" if len(numbers) > few else shown

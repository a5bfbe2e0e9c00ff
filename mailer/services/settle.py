"""Lists the deliveries whose outcome nobody knows, and settles them by an operator's word.

What the relay never answered is `unknown` where the newsroom's policy is to hold, and where a mailing was
cancelled. The relay's own log knows such a message by its Message-ID.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mailer.core.errors import NotAllowed, TryLater
from mailer.mail.compose import Composer
from mailer.mail.prepare import Prepared
from mailer.services import press
from mailer.services.kept import as_prepared
from mailer.services.office import Office
from mailer.store import audit, doubts, mailings, messages, wakeup
from mailer.store.database import Connection
from mailer.store.doubts import Doubt

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
        already: deliveries that were so before.
    """

    release: int
    verdict: Verdict
    settled: tuple[int, ...]
    already: tuple[int, ...] = ()


def unknown(office: Office, release_id: int) -> list[Unknown]:
    """What is unknown of a release, in the order of its deliveries.

    Raises:
        NotFound: no such release.
    """
    press.shown(office, release_id)
    with office.database.read() as connection:
        found = [
            one
            for row in mailings.mailings(connection, release_id)
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
    release_id: int,
    verdict: Verdict,
    *,
    who: str,
    deliveries: Sequence[int] = (),
    note: str = "",
) -> Settlement:
    """Say of unknown deliveries what became of them, in one transaction with its audit entries.

    Args:
        verdict: "resend" makes them due now.
        deliveries: these alone; none means all that are unknown of the release.

    Raises:
        NotFound: no such release.
        NotAllowed: a delivery is not the release's or not unknown, or there is nothing to resend, for
            the mailing was cancelled; then nothing is settled.
        TryLater: a dispatcher is writing to one of them.
    """
    press.shown(office, release_id)
    with office.database.write() as connection:
        wanted, already = _wanted(connection, release_id, verdict, deliveries)
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
            detail={"release": release_id} | ({"note": note} if note else {}),
            now=office.clock(),
        )
        wakeup.notify(connection)
    office.wake()
    return Settlement(release_id, verdict, tuple(settled), tuple(already))


def _wanted(
    connection: Connection, release_id: int, verdict: Verdict, deliveries: Sequence[int]
) -> tuple[dict[int, list[int]], list[int]]:
    """What is to be settled, by mailing, and what is so already."""
    wanted: dict[int, list[int]] = {}
    states: dict[int, str] = {}
    for row in mailings.mailings(connection, release_id):
        if deliveries:
            of_mailing = doubts.states_of(connection, row.id, deliveries)
        else:
            of_mailing = {one.due.id: "unknown" for one in doubts.doubts(connection, row.id)}
        states |= of_mailing
        found = [number for number, state in of_mailing.items() if state == "unknown"]
        if found and verdict == "resend" and row.state == "cancelled":
            raise NotAllowed(
                f"The mailing of release {release_id} was cancelled: nothing of it is sent any more",
                "settle these as accepted or refused",
            )
        if verdict == "resend" and (late := doubts.superseded(connection, row.id, found)):
            raise NotAllowed(
                f"Corrected since: {_listed(late)}; their readers were sent the correction",
                "settle these as accepted or refused",
            )
        if found:
            wanted[row.id] = found
    _check(release_id, deliveries, states, _STATES[verdict])
    return wanted, sorted(number for number in states if states[number] == _STATES[verdict])


def _check(release_id: int, deliveries: Sequence[int], states: dict[int, str], state: str) -> None:
    foreign = sorted(set(deliveries) - states.keys())
    if foreign:
        raise NotAllowed(
            f"Release {release_id} has no delivery {_listed(foreign)}",
            f"`mailer settle {release_id}` lists what is unknown of it",
        )
    known = {number: found for number, found in states.items() if found not in {"unknown", state}}
    if known:
        told = ", ".join(
            f"{number} {found}" for found, number in sorted(Counter(known.values()).items())
        )
        raise NotAllowed(
            f"Not unknown any more: {told} (deliveries {_listed(sorted(known))})",
            f"`mailer settle {release_id}` lists those that are",
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

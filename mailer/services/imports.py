"""Takes a list of people who consented elsewhere: batch by batch, so that it can stop and go on anywhere.

Each batch is one transaction. Whoever is active already stays as they are, so a second run of the same
list changes nothing, and one that was interrupted goes on where it stopped. Who left or must not be
mailed is refused, whatever the list says. No mail is sent.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from mailer.core.address import Address, has_hidden, parse_address
from mailer.core.consent import ImportAnswer, SubscriptionState
from mailer.core.errors import AddressRefused, NotAllowed
from mailer.core.language import choose
from mailer.core.newsroom import Newsroom
from mailer.core.token import keyed_hash
from mailer.services.office import Office
from mailer.services.people import offered
from mailer.sources.address_list import Listed
from mailer.store import imports
from mailer.store.imports import Incoming
from mailer.store.mailings import last_consent, take_turn

BATCH = 1000
"""Lines in a transaction: enough that a durable commit costs nothing, few enough to let others in."""

_REASONS = {
    ImportAnswer.ENDED: "left or was ended earlier: only a new sign-up can bring them back",
    ImportAnswer.SUPPRESSED: "is suppressed: must not be mailed",
    ImportAnswer.ERASED: "was erased on request: only a new sign-up can bring them back",
}


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that was not taken, and why."""

    line: int
    address: str
    reason: str


@dataclass(slots=True)
class Tally:
    """What became of the lines so far.

    Attributes:
        already: were active before this import.
        duplicates: name an address that this import took from an earlier line.
    """

    read: int = 0
    imported: int = 0
    already: int = 0
    duplicates: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """A committed batch: what it refused, and the tally up to and with it."""

    refused: tuple[Refused, ...]
    tally: Tally


@dataclass(frozen=True, slots=True)
class _Import:
    newsroom: Newsroom
    evidence: str
    language: str
    mark: int


@dataclass(slots=True)
class _Sorted:
    """A batch's lines, parted into those that name a mailbox and those that do not."""

    people: dict[str, Incoming] = field(default_factory=dict)
    named: list[tuple[Listed, str]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def import_people(
    office: Office,
    *,
    newsroom: Newsroom,
    people: Iterable[Listed],
    evidence: str,
    language: str | None = None,
) -> Iterator[Batch]:
    """Import a list; each batch is committed when it is handed out.

    Args:
        people: read as they are needed.
        evidence: where and when these people consented, in the operator's words; kept with each.
        language: of those whose line names none that the newsroom offers; None for the newsroom's own.

    Raises:
        NotAllowed: no evidence, or a language that the newsroom does not offer.
    """
    evidence = evidence.strip()
    if not evidence or has_hidden(evidence):
        raise NotAllowed(
            "An import needs evidence, in visible characters",
            "say where and when these people consented: --evidence 'Sign-up sheets, fair 2025'",
        )
    language = offered(newsroom, language)
    with office.database.read() as connection:
        mark = last_consent(connection)
    return _batches(office, _Import(newsroom, evidence, language, mark), people)


def _batches(office: Office, order: _Import, people: Iterable[Listed]) -> Iterator[Batch]:
    tally = Tally()
    lines = iter(people)
    while listed := list(islice(lines, BATCH)):
        sorted_out = _sort_out(office, order, listed)
        _take(office, order, sorted_out, tally)
        tally.read += len(listed)
        tally.refused += len(sorted_out.refused)
        refused = tuple(sorted(sorted_out.refused, key=lambda one: one.line))
        yield Batch(refused, replace(tally))


def _sort_out(office: Office, order: _Import, listed: list[Listed]) -> _Sorted:
    found = _Sorted()
    for one in listed:
        try:
            address = _mailbox(one, smtputf8=office.limits.signups.smtputf8)
        except AddressRefused as error:
            found.refused.append(Refused(one.line, one.address, error.what))
            continue
        found.named.append((one, address.lookup))
        if address.lookup not in found.people:
            wanted = [one.language, order.language] if one.language else [order.language]
            found.people[address.lookup] = Incoming(
                address,
                keyed_hash(office.keys.suppression, address.lookup),
                choose(wanted, order.newsroom.languages),
            )
    return found


def _mailbox(one: Listed, *, smtputf8: bool) -> Address:
    if one.fault:
        raise AddressRefused(one.fault, reason="line")
    if one.state in {SubscriptionState.PENDING, SubscriptionState.ENDED}:
        raise AddressRefused(f"The list says that it is {one.state}, not active", reason="state")
    return parse_address(one.address, smtputf8=smtputf8)


def _take(office: Office, order: _Import, found: _Sorted, tally: Tally) -> None:
    if not found.people:
        return
    with office.database.write() as connection:
        take_turn(connection, alone=False)
        done = imports.import_batch(
            connection,
            list(found.people.values()),
            newsroom=order.newsroom.key,
            evidence=order.evidence,
            mark=order.mark,
            now=office.clock(),
        )
    ours = set(done.repeated)
    for one, lookup in found.named:
        answer = done.answers[lookup]
        if answer in _REASONS:
            found.refused.append(Refused(one.line, one.address, _REASONS[answer]))
        elif lookup in ours:
            tally.duplicates += 1
        elif answer is ImportAnswer.ALREADY:
            tally.already += 1
        else:
            tally.imported += 1
            ours.add(lookup)

"""Judges what arrived against what the ledger says: nobody lost, every repeat on record before it began."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from blows import CONNECTIONS, Variant
from book import Book, seconds_of
from fast_sink import Arrival


@dataclass
class Verdict:
    """What came of a variant.

    Attributes:
        blows: how many were struck.
        doubts: attempts on record as unknown; `most` of them, and of repeats, after one blow.
        held: deliveries that wait for the operator's word.
    """

    variant: Variant
    readers: int
    seed: int
    blows: int = 0
    taken: int = 0
    lost: int = 0
    untrue: int = 0
    repeats: int = 0
    most_repeats: int = 0
    doubts: int = 0
    most_doubts: int = 0
    unrecorded: int = 0
    differing: int = 0
    held: list[int] = field(default_factory=list)
    seconds: float = 0
    violations: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Ledger:
    """What the ledger says in the end: each delivery's state, and since when it was in doubt."""

    states: dict[int, str]
    doubted: dict[int, list[float]]


def read_ledger(url: str) -> Ledger:
    """Ask the ledger."""
    book = Book(url)
    states = dict(
        book.run("SELECT id, state FROM delivery WHERE mailing_id IS NOT NULL").fetchall()
    )
    doubted: dict[int, list[float]] = {}
    for number, at in book.run(
        "SELECT delivery_id, at FROM attempt WHERE result = 'unknown' ORDER BY id"
    ).fetchall():
        doubted.setdefault(number, []).append(seconds_of(at))
    book.close()
    return Ledger(states, doubted)


def judge(
    verdict: Verdict, arrived: Sequence[Arrival], ledger: Ledger, blows: Sequence[float]
) -> None:
    """Count what arrived, and add to a verdict every violation.

    Args:
        arrived: what the sink took. Of two copies the first is the one that was begun first: a dispatcher may
            hang between its last look at the clock and the octets, which then end after those of the second.
        blows: when each was struck, in seconds since 1970.
    """
    copies: dict[int, list[Arrival]] = {}
    for one in sorted(arrived):
        copies.setdefault(one.delivery, []).append(one)
    again = {number: same for number, same in copies.items() if len(same) > 1}
    verdict.taken = len(copies)
    verdict.held = sorted(key for key, state in ledger.states.items() if state == "unknown")
    missing = ledger.states.keys() - copies.keys()
    verdict.lost = len(missing - set(verdict.held))
    verdict.untrue = sum(ledger.states[number] == "accepted" for number in missing)
    verdict.repeats = sum(len(same) - 1 for same in again.values())
    verdict.unrecorded = sum(
        not _on_record(same, ledger.doubted.get(number, [])) for number, same in again.items()
    )
    verdict.differing = sum(len({one.checksum for one in same}) > 1 for same in again.values())
    verdict.doubts = sum(map(len, ledger.doubted.values()))
    verdict.most_doubts = _most(blows, [at for times in ledger.doubted.values() for at in times])
    repeated = sorted(one.begun for same in again.values() for one in same[1:])
    verdict.most_repeats = _most(blows, repeated)
    verdict.violations += _violations(verdict, len(ledger.states))
    allowed = 0 if verdict.variant.unknown == "hold" else CONNECTIONS
    if not _within(blows, repeated, allowed):
        verdict.violations.append(
            f"too many: {verdict.repeats} repeats after {verdict.blows} blows, "
            f"{verdict.most_repeats} after one of them, where {allowed} may be"
        )


def _on_record(same: Sequence[Arrival], doubted: Sequence[float]) -> bool:
    """Whether before every further copy another doubt was on record."""
    return all(
        bisect_right(sorted(doubted), one.begun) >= number
        for number, one in enumerate(same)
        if number
    )


def _within(blows: Sequence[float], repeated: Sequence[float], allowed: int) -> bool:
    """Whether at no time there had been more repeats than the blows until then allow.

    What one blow cut may be repeated after the next: a dispatcher can be killed before it took over.
    """
    return all(
        count <= allowed * bisect_right(blows, at) for count, at in enumerate(repeated, start=1)
    )


def _most(blows: Sequence[float], times: Sequence[float]) -> int:
    """The most of some events that fell between one blow and the next."""
    counts = Counter(bisect_right(blows, at) for at in times)
    return max(counts.values(), default=0)


def _violations(verdict: Verdict, owed: int) -> list[str]:
    found = [
        f"{name}: {number}"
        for name, number in (
            ("lost", verdict.lost),
            ("untrue", verdict.untrue),
            ("unrecorded", verdict.unrecorded),
            ("differing", verdict.differing),
        )
        if number
    ]
    if owed < verdict.readers:
        found.append(f"lost: {verdict.readers - owed} were never owed anything")
    return found

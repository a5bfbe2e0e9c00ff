"""A source that moves or lifts an embargo: its release follows, and who holds an early copy is told once."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.desk import ACCEPTED, import_readers
from support.desk_hand import DeskHand, notices_to, told
from support.feeds import AUTO, feed_page, source_at
from support.mortal_clock import Killed, MortalClock
from support.offices import UM, Clock, make_office
from support.over_both import BOTH, database_of
from support.taking import having, poll, published, rows
from support.web_source import WebSource, page

from mailer.core.address import parse_address
from mailer.core.embargo import Heard, heard
from mailer.services import (
    accreditation,
    aftermath,
    approving,
    early,
    embargo,
    press,
    proof,
)
from mailer.services.accreditation import Grant
from mailer.services.office import Office
from mailer.store import amended

HOUR = timedelta(hours=1)


@pytest.fixture
def office(request: pytest.FixtureRequest, clock: Clock) -> Office:
    """An office with four readers, two of them accredited."""
    office = make_office(database_of(request), clock)
    import_readers(office, 4)
    for number in range(2):
        accreditation.accredit(
            office,
            parse_address(f"reader{number}@example.org"),
            newsroom=UM,
            grant=Grant("Avisen", clock() + timedelta(days=7)),
            who="desk",
        )
    return office


@pytest.fixture
def server() -> Iterator[WebSource]:
    with WebSource() as made:
        yield made


@pytest.fixture
def hand(office: Office, tmp_path: Path) -> DeskHand:
    return DeskHand(office, tmp_path)


def shows(server: WebSource, clock: Clock, until: datetime | None, words: str = "Ord.") -> None:
    """What the source says of its release now; of another one besides, so that it is read."""
    one: dict[str, Any] = {
        "uri": "urn:um:7",
        "headline": "Nyt fra ministeren",
        "language": "da",
        "versioncreated": "2026-03-02T08:00:00Z",
        "body_text": f"{words}\n\nMinisteren siger det vigtigste om sagen i morgen.",
        "version": str(clock()),
    }
    if until is not None:
        one["embargoed"] = until.isoformat()
    server.pages["/feed"] = page(json.dumps([one]).encode(), content_type="application/json")


def embargoed(office: Office, server: WebSource, clock: Clock, **changes: Any) -> Office:
    """Release 1 is under embargo for two hours by its source's word, and may go out then."""
    server.pages["/feed"] = feed_page([])
    source = source_at(server, **changes)
    office = having(office, replace(source, terms=replace(source.terms, issuers=())))
    poll(office)
    shows(server, clock, clock() + 2 * HOUR)
    poll(office)
    return office


def after(office: Office, clock: Clock) -> list[tuple[str, str]]:
    with office.database.read() as connection:
        return [(one.kind, one.who) for one in amended.of_release(connection, 1)]


@BOTH
def test_a_later_moment_counts_and_who_read_early_is_told_once(
    office: Office, server: WebSource, clock: Clock, hand: DeskHand
) -> None:
    office = embargoed(office, server, clock)
    assert early.send_early(office, 1, who="desk").audience == 2
    hand.send(ACCEPTED)  # one has left, and one waits
    later = clock() + 5 * HOUR
    shows(server, clock, later)
    for _ in range(3):
        poll(office)
        clock.move(minutes=1)
    hand.send_all()

    assert press.shown(office, 1).embargo_until == later
    assert after(office, clock) == [("moved", "source feed")]
    assert notices_to(office, "embargo") == {"reader0": 1}
    moved = [one.headers["Subject"] for _, one in hand.kept]
    assert len(moved) == 3
    assert sum("14.00 (13:00 UTC)" in subject for subject in moved) == 2, "notice and new copy"
    assert "its source moved it to 2026-03-02 13:00 UTC" in str(press.why(office, 1).decisions)
    clock.move(hours=4, minutes=50)
    assert published(office) == []
    clock.move(minutes=10)
    assert published(office) == [1]
    hand.send_all()
    assert told(hand, "Nyt fra ministeren") == {f"reader{n}" for n in range(4)}
    assert proof.verify(office).ok


@BOTH
def test_an_embargo_that_its_source_lifts_is_lifted_and_told(
    office: Office, server: WebSource, clock: Clock, hand: DeskHand
) -> None:
    office = embargoed(office, server, clock)
    early.send_early(office, 1, who="desk")
    hand.send_all()
    clock.move(minutes=30)
    shows(server, clock, None)
    poll(office)
    poll(office)
    hand.send_all()
    assert press.shown(office, 1).embargo_until is None
    assert after(office, clock) == [("lifted", "source feed")]
    assert notices_to(office, "embargo") == {"reader0": 1, "reader1": 1}
    assert published(office) == [1]
    hand.send_all()
    assert proof.verify(office).ok


def test_an_earlier_moment_counts_with_the_words_that_come_with_it(
    office: Office, server: WebSource, clock: Clock, hand: DeskHand
) -> None:
    office = embargoed(office, server, clock)
    early.send_early(office, 1, who="desk")
    hand.send_all()
    sooner = clock() + HOUR
    shows(server, clock, sooner, "Andre ord.")
    poll(office)
    hand.send_all()
    row = press.shown(office, 1)
    assert (row.embargo_until, row.version) == (sooner, 2)
    assert notices_to(office, "embargo") == {"reader0": 1, "reader1": 1}
    clock.move(hours=1)
    assert published(office) == [1]


@pytest.mark.parametrize("until", [None, HOUR], ids=["lifted", "sooner"])
def test_a_source_that_needs_the_desks_word_only_asks(
    office: Office, server: WebSource, clock: Clock, hand: DeskHand, until: timedelta | None
) -> None:
    office = embargoed(office, server, clock, terms=replace(AUTO, approval="hold"))
    was = press.shown(office, 1).embargo_until
    approving.approve(office, 1, who="anna")
    early.send_early(office, 1, who="desk")
    hand.send_all()
    for _ in range(3):
        shows(server, clock, None if until is None else clock.moment.replace(minute=0) + until)
        poll(office)
        clock.move(minutes=1)
    assert press.shown(office, 1).embargo_until == was
    assert after(office, clock) == []
    asked = [one for one in press.why(office, 1).decisions if "embargo 1" in str(one)]
    assert len(asked) == 1
    assert notices_to(office, "embargo") == {}
    embargo.lift(office, 1, who="anna")
    assert notices_to(office, "embargo") == {"reader0": 1, "reader1": 1}


def test_the_desks_word_stands_while_the_source_says_what_it_said(
    office: Office, server: WebSource, clock: Clock, hand: DeskHand
) -> None:
    """Lifted or moved by hand: a poll of the same words changes nothing of it."""
    office = embargoed(office, server, clock)
    said = press.shown(office, 1).embargo_until
    assert said is not None
    sooner = clock() + HOUR
    embargo.move(office, 1, sooner, who="anna")
    shows(server, clock, said, "Andre ord.")
    poll(office)
    assert press.shown(office, 1).embargo_until == sooner
    shows(server, clock, None, "Andre ord.")
    poll(office)
    assert press.shown(office, 1).embargo_until == sooner, "the embargo is the desk's"
    shows(server, clock, said + HOUR, "Andre ord.")
    poll(office)
    assert press.shown(office, 1).embargo_until == said + HOUR, "later is never too early"


@BOTH
def test_a_poll_that_is_killed_anywhere_is_done_over_and_nobody_is_told_twice(
    office: Office, server: WebSource, clock: Clock, hand: DeskHand
) -> None:
    """Killed as it asks what time it is: the first time, the second, and so on until it ends."""
    office = embargoed(office, server, clock)
    early.send_early(office, 1, who="desk")
    hand.send_all()
    later = clock() + 5 * HOUR
    shows(server, clock, later)
    lives, died = 0, 0
    while True:
        mortal = replace(office, clock=MortalClock(clock, lives))
        try:
            poll(mortal)
            break
        except Killed:
            lives, died = lives + 1, died + 1
    assert died > 5
    poll(office)
    aftermath.settle_due(office)
    hand.send_all()
    assert press.shown(office, 1).embargo_until == later
    assert after(office, clock) == [("moved", "source feed")]
    assert notices_to(office, "embargo") == {"reader0": 1, "reader1": 1}
    assert proof.verify(office).ok


def test_another_source_can_only_put_it_off(
    office: Office, server: WebSource, clock: Clock
) -> None:
    office = embargoed(office, server, clock)
    was = press.shown(office, 1).embargo_until
    other = replace(office.sources["feed"], key="other")
    office = having(office, office.sources["feed"], other)
    shows(server, clock, None)
    poll(office, "other")
    assert len(rows(office)) == 1
    assert press.shown(office, 1).embargo_until == was


NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
TEN, TWELVE = NOW + 2 * HOUR, NOW + 4 * HOUR


@pytest.mark.parametrize(
    ("said", "before", "until", "own", "trusted", "comes_to"),
    [
        (TEN, TEN, TWELVE, True, True, None),
        (None, None, TEN, True, True, None),
        (TWELVE, TEN, TEN, True, False, Heard(TWELVE, later=True)),
        (TWELVE, TEN, TEN, False, False, Heard(TWELVE, later=True)),
        (TEN, None, None, False, True, Heard(TEN, later=True)),
        (TEN, TWELVE, TWELVE, True, True, Heard(TEN)),
        (TEN, TWELVE, TWELVE, True, False, Heard(TWELVE, asks=True)),
        (TEN, TWELVE, TWELVE, False, True, None),
        (None, TWELVE, TWELVE, True, True, Heard(None)),
        (NOW - HOUR, TWELVE, TWELVE, True, True, Heard(None)),
        (None, TWELVE, TEN, True, True, Heard(TEN, asks=True)),
        (TEN, None, TEN, True, True, Heard(TEN)),
        (None, TEN, None, True, True, Heard(None)),
        (NOW - HOUR, None, None, True, True, Heard(None)),
    ],
)
def test_what_a_word_comes_to(
    said: datetime | None,
    before: datetime | None,
    until: datetime | None,
    own: bool,
    trusted: bool,
    comes_to: Heard | None,
) -> None:
    assert heard(said, before=before, until=until, own=own, trusted=trusted, now=NOW) == comes_to

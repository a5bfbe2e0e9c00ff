"""Nobody but accredited readers has a release before its embargo ends, and they hear what becomes of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from support.desk import ACCEPTED, DEFERRED, approve, import_readers, text
from support.desk_hand import DeskHand, corrected, notices_to, told
from support.offices import UM, Clock, make_office
from support.over_both import BOTH, database_of

from mailer.core.address import parse_address
from mailer.core.delivery import Outcome
from mailer.core.errors import NotAllowed, NotFound
from mailer.core.release import ReleaseDocument
from mailer.services import (
    accreditation,
    aftermath,
    corrections,
    early,
    embargo,
    outlived,
    people,
    press,
    proof,
    public,
    publish,
    scheduling,
)
from mailer.services.accreditation import Grant
from mailer.services.office import Office
from mailer.store import glance, progress
from mailer.store.tables import audit

HOUR = timedelta(hours=1)
EARLY = "KLAUSULERET til 2. marts 2026 kl. 11.00 (10:00 UTC): Nyt"


@pytest.fixture
def office(request: pytest.FixtureRequest, clock: Clock) -> Office:
    """An office over SQLite, or where a test says BOTH over each, with six readers."""
    office = make_office(database_of(request), clock)
    import_readers(office, 6)
    return office


@pytest.fixture
def hand(office: Office, tmp_path: Path) -> DeskHand:
    """A dispatcher that the test moves."""
    return DeskHand(office, tmp_path)


def accredit(office: Office, *numbers: int, hours: float = 24) -> None:
    for number in numbers:
        accreditation.accredit(
            office,
            parse_address(f"reader{number}@example.org"),
            newsroom=UM,
            grant=Grant("Avisen", office.clock() + timedelta(hours=hours)),
            who="desk",
        )


def under_embargo(office: Office, clock: Clock, hours: float = 2) -> int:
    """A release that may go out in two hours and not before."""
    number = approve(office, text("Nyt"))
    embargo.move(office, number, clock() + timedelta(hours=hours), who="desk")
    return number


def sent_early(office: Office, clock: Clock, hand: DeskHand, *outcomes: Outcome) -> int:
    """A release under embargo, and what became of its copies to two who are accredited."""
    accredit(office, 0, 1)
    number = under_embargo(office, clock)
    early.send_early(office, number, who="desk")
    hand.send(*outcomes)
    return number


def adds_up(office: Office) -> None:
    found = proof.verify(office)
    assert found.ok, found


def test_never_before_its_moment_and_at_once_after(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    number = under_embargo(office, clock)
    press.send(office, number, who="desk", urgent=True)
    clock.move(hours=2, microseconds=-1)
    assert publish.publish_due(office) == []
    with pytest.raises(NotFound):
        public.release(office, number, newsroom=UM, wanted=["da"])
    assert public.latest(office, UM) == []

    clock.move(microseconds=1)
    assert len(publish.publish_due(office)) == 1
    hand.send_all()
    assert told(hand, "Nyt") == {f"reader{n}" for n in range(6)}
    adds_up(office)


def test_a_glance_knows_the_end_of_an_embargo(office: Office, clock: Clock) -> None:
    sqlite_url = str(office.database.engine.url)
    under_embargo(office, clock)
    clock.move(hours=-8)  # before upkeep's own timers
    assert not glance.idle(sqlite_url, clock() + 10 * HOUR)
    with office.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM timer")
    assert glance.idle(sqlite_url, clock() + 10 * HOUR - timedelta(microseconds=1))


@BOTH
def test_early_copies_go_to_who_is_accredited_and_nobody_else(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    """Expired, revoked and suppressed ones get none; at publication everybody gets the release itself."""
    accredit(office, 0, 1, 2, 3)
    accredit(office, 4, hours=0.5)
    clock.move(hours=1)
    number = under_embargo(office, clock, hours=1)
    accreditation.revoke(office, parse_address("reader1@example.org"), newsroom=UM, who="desk")
    people.suppress(office, address=parse_address("reader2@example.org"), reason="complaint")

    sent = early.send_early(office, number, who="desk")
    assert sent.audience == 2
    hand.send_all()
    assert told(hand, EARLY) == {"reader0", "reader3"}
    accredit(office, 5)
    assert early.send_early(office, number, who="desk").audience == 1
    hand.send_all()
    assert told(hand, EARLY) == {"reader0", "reader3", "reader5"}
    adds_up(office)

    clock.move(hours=1)
    publish.publish_due(office)
    hand.send_all()
    assert told(hand, "Nyt") == {"reader0", "reader1", "reader3", "reader4", "reader5"}
    adds_up(office)


@BOTH
def test_who_holds_an_early_copy_is_told_when_it_moves(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    """A copy that has not left says the new time; who holds the old one hears of it in its thread."""
    accredit(office, 0, 1, 2)
    number = under_embargo(office, clock)
    early.send_early(office, number, who="desk")
    hand.send(ACCEPTED)
    on_wire = hand.begin(1)

    assert not embargo.move(office, number, clock() + 3 * HOUR, who="desk", patience=0).settled
    hand.end(on_wire, ACCEPTED)
    hand.let_go_of_stopped()
    assert aftermath.settle_due(office)
    hand.send_all()

    later = "2. marts 2026 kl. 12.00 (11:00 UTC): Nyt"
    assert told(hand, EARLY) == {"reader0", "reader1"}
    assert told(hand, f"KLAUSULERET til {later}") == {"reader2"}
    assert told(hand, f"KLAUSUL flyttet til {later}") == {"reader0", "reader1"}
    copies = {reader: wire.headers["Message-ID"] for reader, wire in hand.kept[:2]}
    threads = {
        r: w.headers["In-Reply-To"] for r, w in hand.kept if "flyttet" in w.headers["Subject"]
    }
    assert threads == copies
    clock.move(hours=2)
    assert publish.publish_due(office) == []
    adds_up(office)


def test_a_silent_correction_leaves_the_word_of_a_moved_embargo_alone(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    """Nothing else would say it."""
    accredit(office, 0, 1)
    number = under_embargo(office, clock)
    early.send_early(office, number, who="desk")
    hand.send_all()
    embargo.move(office, number, clock() + 3 * HOUR, who="desk", patience=0)
    corrections.correct(office, number, corrected(), note="", who="desk", silent=True, patience=0)
    hand.send_all()
    later = "2. marts 2026 kl. 12.00 (11:00 UTC): Nyt"
    assert told(hand, f"KLAUSUL flyttet til {later}") == {"reader0", "reader1"}
    adds_up(office)


@BOTH
def test_who_holds_an_early_copy_is_told_when_it_is_lifted(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    number = sent_early(office, clock, hand, ACCEPTED, DEFERRED)

    assert embargo.lift(office, number, who="desk").told == 1
    assert len(publish.publish_due(office)) == 1
    clock.move(minutes=10)
    hand.send_all()

    assert told(hand, "Klausul ophævet: Nyt") == {"reader0"}
    assert told(hand, EARLY) == {"reader0"}, "what had not left never does"
    assert told(hand, "Nyt") == {f"reader{n}" for n in range(6)}
    adds_up(office)


def test_who_holds_an_early_copy_is_told_when_it_is_killed(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    accredit(office, 0)
    number = under_embargo(office, clock)
    early.send_early(office, number, who="desk")
    hand.send_all()
    corrections.kill(office, number, reason="Aflyst.", who="desk")
    clock.move(hours=3)
    assert publish.publish_due(office) == []
    hand.send_all()
    assert told(hand, "Må ikke offentliggøres: Nyt") == {"reader0"}
    assert notices_to(office, "embargo") == {"reader0": 1}
    with pytest.raises(NotAllowed, match="withdrawn"):
        press.send(office, number, who="desk")
    with pytest.raises(NotFound):
        public.release(office, number, newsroom=UM, wanted=["da"])
    adds_up(office)


def test_a_correction_before_publication_goes_to_early_readers_alone(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    number = sent_early(office, clock, hand, ACCEPTED)
    corrections.correct(office, number, corrected("Nyt rettet"), note="", who="desk", patience=0)
    hand.let_go_of_stopped()
    aftermath.settle_due(office)
    hand.send_all()

    stamp = "KLAUSULERET til 2. marts 2026 kl. 11.00 (10:00 UTC): "
    assert told(hand, f"{stamp}Rettelse: Nyt rettet") == {"reader0"}
    assert told(hand, f"{stamp}Nyt rettet") == {"reader1"}
    clock.move(hours=2)
    publish.publish_due(office)
    hand.send_all()
    assert told(hand, "Nyt rettet") == {f"reader{n}" for n in range(6)}
    adds_up(office)


@BOTH
def test_a_correction_after_it_was_lifted_takes_back_what_still_names_it(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    number = sent_early(office, clock, hand, ACCEPTED, DEFERRED)
    embargo.lift(office, number, who="desk")
    corrections.correct(office, number, corrected("Nyt rettet"), note="", who="desk", patience=0)
    aftermath.settle_due(office)
    publish.publish_due(office)
    clock.move(minutes=10)
    hand.send_all()

    assert told(hand, EARLY) == {"reader0"}
    assert told(hand, "Rettelse: Nyt rettet") == {"reader0"}
    assert told(hand, "Nyt rettet") == {f"reader{n}" for n in range(6)}
    adds_up(office)


def test_breaking_it_is_on_record(office: Office, clock: Clock) -> None:
    number = under_embargo(office, clock)
    embargo.lift(office, number, who="lise", broken=True)
    assert len(publish.publish_due(office)) == 1
    with office.database.read() as connection:
        acts = connection.execute(select(audit.c.who, audit.c.act)).all()
    assert ("lise", "release embargo broken") in [tuple(row) for row in acts]
    with pytest.raises(NotAllowed, match="is published"):
        embargo.lift(office, number, who="desk")
    with pytest.raises(NotAllowed, match="is published"):
        embargo.move(office, number, clock() + HOUR, who="desk")


def test_what_cannot_be(office: Office, clock: Clock) -> None:
    number = approve(office, text("Nyt"))
    with pytest.raises(NotAllowed, match="in the future"):
        embargo.move(office, number, clock(), who="desk")
    with pytest.raises(NotAllowed, match="under no embargo"):
        embargo.lift(office, number, who="desk")
    with pytest.raises(NotAllowed, match="nothing to be early for"):
        early.send_early(office, number, who="desk")
    with pytest.raises(NotAllowed, match="has passed"):
        scheduling.schedule(office, number, clock(), who="desk")
    with pytest.raises(NotFound, match="is not accredited"):
        accreditation.revoke(office, parse_address("reader0@example.org"), newsroom=UM, who="desk")
    with pytest.raises(NotFound, match="does not subscribe"):
        accredit(office, 77)
    with pytest.raises(NotAllowed, match="names an outlet"):
        accreditation.accredit(
            office,
            parse_address("reader0@example.org"),
            newsroom=UM,
            grant=Grant(" ", clock() + HOUR),
            who="desk",
        )
    with pytest.raises(NotAllowed, match="ends in the future"):
        accredit(office, 0, hours=0)


def test_an_accreditation_replaces_the_one_before(office: Office, clock: Clock) -> None:
    accredit(office, 0)
    clock.move(minutes=1)
    accredit(office, 0, hours=48)
    (stands,) = accreditation.listed(office, "um")
    assert (stands.outlet, stands.approved_by, stands.active) == ("Avisen", "desk", True)
    assert stands.expires_at == clock() + 48 * HOUR
    assert len(accreditation.listed(office, over=True)) == 2


def test_late_after_an_outage(office: Office, clock: Clock) -> None:
    """Young enough it goes at once; else it waits for somebody's word, and that sends it."""
    young, old = approve(office, text("Ung")), approve(office, text("Gammel"))
    for number, hours in ((young, 3), (old, 2)):
        scheduling.schedule(office, number, clock() + hours * HOUR, who="desk")
    clock.move(hours=26, minutes=30)
    done = {one.release_id: one for one in publish.publish_due(office)}
    assert isinstance(done[young], publish.Published)
    held = done[old]
    assert isinstance(held, publish.Held)
    assert "24 hours ago" in held.reason
    press.send(office, old, who="desk")
    assert [type(one) for one in publish.publish_due(office)] == [publish.Published]


def test_a_document_brings_its_embargo(office: Office, clock: Clock) -> None:
    until = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    document = ReleaseDocument(replace(text("Nyt"), language="da"), embargo_until=until)
    added = press.add_document(office, document, newsroom="um", who="desk")
    press.send(office, added.id, who="desk")
    clock.moment = until - timedelta(seconds=1)
    assert publish.publish_due(office) == []
    clock.move(seconds=1)
    assert len(publish.publish_due(office)) == 1


@BOTH
@pytest.mark.parametrize("scheduled", [False, True])
def test_no_copy_names_an_embargo_that_is_over(
    office: Office, clock: Clock, hand: DeskHand, scheduled: bool
) -> None:
    """One was deferred, one is in hand, one was not begun; the release may be due only later."""
    accredit(office, 0, 1, 2)
    number = under_embargo(office, clock)
    if scheduled:
        scheduling.schedule(office, number, clock() + 3 * HOUR, who="desk")
    early.send_early(office, number, who="desk")
    hand.send(DEFERRED)
    in_hand = hand.take(1)
    assert len(in_hand) == 1
    clock.move(hours=2)
    assert hand.take(1) == []
    hand.let_go_of_stopped()
    hand.send_all()
    assert hand.kept == []

    clock.move(hours=1)
    assert len(publish.publish_due(office)) == 1
    hand.send_all()
    assert sorted(told(hand, "Nyt")) == [f"reader{n}" for n in range(6)]
    assert told(hand, EARLY) == set()
    adds_up(office)


@BOTH
def test_nor_does_a_notice_that_it_was_moved(office: Office, clock: Clock, hand: DeskHand) -> None:
    accredit(office, 0)
    number = under_embargo(office, clock)
    early.send_early(office, number, who="desk")
    hand.send_all()
    embargo.move(office, number, clock() + 4 * HOUR, who="desk")
    hand.send(DEFERRED)
    clock.move(hours=4)
    hand.send_all()
    assert len(hand.kept) == 1
    adds_up(office)


@BOTH
@pytest.mark.parametrize("scheduled", [False, True])
def test_a_correction_put_off_across_the_end_leaves_without_the_embargo(
    office: Office, clock: Clock, hand: DeskHand, scheduled: bool
) -> None:
    """One was deferred, one is in hand, one was not begun; the release may be public only later."""
    accredit(office, 0, 1, 2)
    number = under_embargo(office, clock)
    if scheduled:
        scheduling.schedule(office, number, clock() + 5 * HOUR, who="desk")
    early.send_early(office, number, who="desk")
    hand.send_all()
    corrections.correct(office, number, corrected("Nyt rettet"), note="", who="desk", patience=0)
    assert aftermath.settle_due(office)
    hand.send(DEFERRED)
    assert len(hand.take(1)) == 1
    clock.move(hours=2)
    hand.let_go_of_stopped()
    hand.worker.write()
    assert hand.take() == [], "not with these words"
    with office.database.read() as connection:
        assert progress.chores_due(connection, clock())
    outlived.make_anew(office)
    adds_up(office)
    hand.let_go_of_stopped()
    outlived.make_anew(office)
    hand.send_all()
    assert told(hand, "Rettelse: Nyt rettet") == {"reader0", "reader1", "reader2"}
    for _, mail in hand.kept[3:]:
        assert "KLAUSULERET" not in mail.text
        assert ("Læs den på nettet" in mail.text) is False, "it is not public yet"
    outlived.make_anew(office)
    assert len(hand.kept) == 6
    clock.move(hours=3)
    assert len(publish.publish_due(office)) == 1
    hand.send_all()
    assert told(hand, "Nyt rettet") == {f"reader{n}" for n in range(6)}
    adds_up(office)


def test_a_correction_after_the_embargo_and_before_publishing_names_none(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    accredit(office, 0)
    number = under_embargo(office, clock)
    scheduling.schedule(office, number, clock() + 5 * HOUR, who="desk")
    early.send_early(office, number, who="desk")
    hand.send_all()
    clock.move(hours=3)
    corrections.correct(office, number, corrected("Nyt rettet"), note="", who="desk", patience=0)
    aftermath.settle_due(office)
    hand.send_all()
    assert told(hand, "Rettelse: Nyt rettet") == {"reader0"}
    adds_up(office)

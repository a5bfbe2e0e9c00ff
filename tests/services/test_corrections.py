"""A correction reaches exactly those who hold the old text, and nobody is sent the old text any more."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import select, update
from support.desk import (
    ACCEPTED,
    DEFERRED,
    REFUSED,
    UNKNOWN,
    approve,
    import_readers,
    publish_one,
    race,
    text,
)
from support.desk_hand import (
    DeskHand,
    corrected,
    doubted_after,
    killed_amid,
    notices_to,
    told,
)
from support.offices import Clock, make_office
from support.over_both import BOTH, database_of

from mailer.core.address import parse_address
from mailer.core.errors import MailerError, NotAllowed, NotFound
from mailer.services import (
    aftermath,
    control,
    corrections,
    people,
    press,
    proof,
    publish,
    retry,
    settle,
)
from mailer.services.bookkeeper import Letter
from mailer.services.office import Limits, Office
from mailer.store import amended
from mailer.store.control import CORRECTING
from mailer.store.database import Database
from mailer.store.ledger_tables import delivery, mailing

NEW = "Nyt, rettet"
NOTICE = f"Rettelse: {NEW}"


@pytest.fixture
def office(request: pytest.FixtureRequest, clock: Clock) -> Office:
    """An office over SQLite, or where a test says BOTH over each."""
    return make_office(database_of(request), clock)


@pytest.fixture
def hand(office: Office, tmp_path: Path) -> DeskHand:
    """A dispatcher that the test moves, at an office with six readers."""
    import_readers(office, 6)
    return DeskHand(office, tmp_path)


def correct(
    office: Office, release: int = 1, title: str = NEW, **changes: object
) -> aftermath.Amended:
    named: dict[str, object] = {"note": "A wrong day.", "who": "desk", "patience": 0} | changes
    return corrections.correct(office, release, corrected(title), **named)  # type: ignore[arg-type] # as named


def corrected_with_one_on_the_wire(office: Office, hand: DeskHand) -> Sequence[Letter]:
    """A release is corrected of which one reader has a copy and another's is on the wire."""
    publish_one(office)
    hand.send(ACCEPTED)
    on_wire = hand.begin(1)
    correct(office)
    return on_wire


def withdraw(office: Office, release: int = 1) -> aftermath.Amended:
    return corrections.withdraw(office, release, reason="Not ours.", who="desk", patience=0)


def adds_up(office: Office) -> None:
    found = proof.verify(office)
    assert found.ok, found


@BOTH
def test_each_reader_gets_what_they_need_and_nothing_else(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    """One holds it, one may, one was refused, one is put off, one has it in hand, one was not begun."""
    published = publish_one(office)
    hand.send(ACCEPTED, UNKNOWN, REFUSED, DEFERRED)
    on_wire = hand.begin(1)

    change = correct(office, published.release_id)

    assert (change.settled, change.told) == (False, None)
    assert notices_to(office) == {}, "what is on the wire decides first"
    adds_up(office)

    hand.end(on_wire, ACCEPTED)
    hand.let_go_of_stopped()
    assert aftermath.settle_due(office)
    clock.move(minutes=10)
    hand.send_all()

    assert told(hand, NEW) == {"reader3", "reader5"}
    assert told(hand, NOTICE) == {"reader0", "reader1", "reader4"}
    assert notices_to(office) == {"reader0": 1, "reader1": 1, "reader4": 1}
    adds_up(office)


def test_a_notice_answers_the_copy_that_its_reader_holds(office: Office, hand: DeskHand) -> None:
    publish_one(office)
    hand.send_all()
    held = {reader: wire.headers["Message-ID"] for reader, wire in hand.kept}
    correct(office)
    hand.send_all()
    first = {reader: wire.headers for reader, wire in hand.kept[6:]}
    assert {reader: wire["In-Reply-To"] for reader, wire in first.items()} == held

    hand.kept.clear()
    correct(office, title="Nyt, rettet igen")
    hand.send_all()

    second = {reader: wire.headers["References"] for reader, wire in hand.kept}
    assert second == {reader: wire["Message-ID"] for reader, wire in first.items()}
    adds_up(office)


def test_each_is_told_what_changed_since_their_own_copy(office: Office, hand: DeskHand) -> None:
    """The first correction reached one of two; the second speaks to each of what they have."""
    publish_one(office)
    hand.send(ACCEPTED, ACCEPTED)
    correct(office, title="Anden titel")
    hand.let_go_of_stopped()
    assert aftermath.settle_due(office)
    hand.worker.take(1)
    while hand.worker.feed[0].due.mailing_id == 1:
        hand.end(hand.begin(1), ACCEPTED)
        hand.take(1)
    hand.send(ACCEPTED)
    before = len(hand.kept)

    correct(office, title="Tredje titel")
    hand.let_go_of_stopped()
    aftermath.settle_due(office)
    hand.send_all()

    changed = {reader: " ".join(wire.text.split()) for reader, wire in hand.kept[before:]}
    olds = {reader: re.search(r"\[slettet: (\w+)\]", words) for reader, words in changed.items()}
    notices = {reader: found[1] for reader, found in olds.items() if found}
    assert sorted(notices.values()).count("Nyt") == 1
    assert set(notices.values()) == {"Nyt", "Anden"}
    for reader in {reader for reader, _ in hand.kept}:
        mine = [wire.headers["Subject"] for name, wire in hand.kept if name == reader]
        assert len(mine) == len(set(mine)), "nothing twice"
        assert mine[-1].endswith("Tredje titel"), "everybody has the last text"
    adds_up(office)


def test_corrected_then_withdrawn_before_anything_left(office: Office, hand: DeskHand) -> None:
    publish_one(office)
    correct(office)
    withdraw(office)
    hand.send_all()
    assert hand.kept == []
    assert notices_to(office) == notices_to(office, "withdrawal") == {}
    adds_up(office)


@BOTH
def test_a_withdrawal_reaches_the_holders_and_ends_all_else(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    publish_one(office)
    hand.send(ACCEPTED, UNKNOWN, DEFERRED)
    correct(office)
    hand.let_go_of_stopped()

    withdraw(office)
    assert aftermath.settle_due(office)
    clock.move(hours=1)
    hand.send_all()

    assert told(hand, "Trukket tilbage: Nyt") == {"reader0", "reader1"}
    assert told(hand, NEW) == told(hand, NOTICE) == set()
    assert press.shown(office, 1).state == "withdrawn"
    for again in (correct, withdraw):
        with pytest.raises(NotAllowed, match="withdrawn"):
            again(office)
    adds_up(office)


def test_nobody_who_left_is_told(office: Office, hand: DeskHand) -> None:
    publish_one(office)
    hand.send_all()
    people.suppress(office, address=parse_address("reader0@example.org"), reason="complaint")
    correct(office)
    people.suppress(office, address=parse_address("reader1@example.org"), reason="complaint")
    hand.send_all()
    assert notices_to(office).keys() == {f"reader{number}" for number in range(1, 6)}
    assert told(hand, NOTICE) == {f"reader{number}" for number in range(2, 6)}
    adds_up(office)


def test_a_silent_correction_tells_nobody_and_stops_the_old_text(
    office: Office, hand: DeskHand
) -> None:
    publish_one(office)
    hand.send(ACCEPTED)
    correct(office, silent=True)
    hand.let_go_of_stopped()
    aftermath.settle_due(office)
    hand.send_all()
    assert told(hand, NEW) == {f"reader{number}" for number in range(1, 6)}
    assert told(hand, "Nyt") == {"reader0"}
    adds_up(office)


@BOTH
@pytest.mark.parametrize("reached", [0, 2])
def test_a_silent_correction_takes_nobodys_notice_away(
    office: Office, hand: DeskHand, reached: int
) -> None:
    """Who was told of the one before is told nothing; who was not gets one notice, with the last text."""
    publish_one(office)
    hand.send_all()
    correct(office, title="Nyt, halvt rettet", note="The day was wrong.")
    hand.send(*[ACCEPTED] * reached)
    correct(office, silent=True, note="A comma.")
    correct(office, title="Nyt, endeligt", silent=True)
    hand.let_go_of_stopped()
    assert aftermath.settle_due(office)
    hand.send_all()
    everybody = {f"reader{number}" for number in range(6)}
    before = told(hand, "Rettelse: Nyt, halvt rettet")
    assert len(before) == reached
    assert told(hand, "Rettelse: Nyt, endeligt") == everybody - before
    assert told(hand, NOTICE) == set()
    assert "The day was wrong." in hand.kept[-1][1].text
    sent = len(hand.kept)
    correct(office, silent=True)
    hand.let_go_of_stopped()
    assert aftermath.settle_due(office)
    hand.send_all()
    assert len(hand.kept) == sent, "all have been told: a silent one is silent again"
    adds_up(office)


def test_nobody_has_seen_it_so_it_is_just_another_text(office: Office, hand: DeskHand) -> None:
    number = approve(office, text("Nyt"))
    assert correct(office, number).kind == "edition"
    with office.database.read() as connection:
        (made,) = amended.of_release(connection, number)
    assert (made.silent, made.mailing_id) == (True, None)
    with pytest.raises(NotAllowed, match="says the same"):
        correct(office, number)


@pytest.mark.parametrize(
    ("edition", "fault"),
    [
        (replace(corrected(), language="en"), "has no text in “en”, only in da"),
        (text("Nyt"), "says the same already"),
        (replace(corrected(), title="Nyt \x02"), "hidden character"),
    ],
)
def test_what_cannot_correct_changes_nothing(
    sqlite_database: Database, edition: object, fault: str
) -> None:
    office = make_office(sqlite_database)
    import_readers(office, 2)
    publish_one(office)
    with pytest.raises(MailerError, match=fault):
        corrections.correct(office, 1, edition, note="", who="desk")  # type: ignore[arg-type] # of the table
    assert press.shown(office, 1).version == 1
    with pytest.raises(NotFound):
        correct(office, 99)
    adds_up(office)


@BOTH
def test_what_may_have_left_before_it_was_given_up_is_not_retried(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    """Its reader got the notice, which has the whole text."""
    publish_one(office)
    hand.take(6)
    on_wire = hand.begin(1)
    clock.move(hours=30)
    hand.end(on_wire, UNKNOWN)
    correct(office)
    hand.let_go_of_stopped()
    assert aftermath.settle_due(office)
    retry.retry(office, who="desk", kinds=["expired"])
    adds_up(office)
    hand.send_all()
    assert told(hand, NEW) == {f"reader{number}" for number in range(1, 6)}
    assert told(hand, NOTICE) == {"reader0"}
    adds_up(office)


def test_what_was_given_up_is_retried_in_the_new_text(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    """But not what may have left: its reader got the correction."""
    publish_one(office)
    hand.send(REFUSED, UNKNOWN)
    with office.database.write() as connection:
        connection.execute(update(mailing).values(unknown="hold"))
    hand.send(UNKNOWN)
    hand.send_all()
    correct(office)
    hand.send_all()
    hand.kept.clear()

    with pytest.raises(NotAllowed, match="Corrected since"):
        settle.settle(office, 1, "resend", who="desk")
    retry.retry(office, who="desk", release_id=1, kinds=["refused", "unknown"])
    hand.send_all()

    assert [(reader, wire.headers["Subject"]) for reader, wire in hand.kept] == [("reader0", NEW)]
    adds_up(office)


def test_a_withdrawn_release_is_not_retried(office: Office, hand: DeskHand) -> None:
    publish_one(office)
    hand.send(REFUSED)
    hand.send_all()
    withdraw(office)
    hand.send_all()
    hand.kept.clear()
    retry.retry(office, who="desk", release_id=1, kinds=["refused", "expired", "unknown"])
    hand.send_all()
    assert hand.kept == []
    adds_up(office)


def test_a_pause_outlasts_a_correction_and_a_resume_waits_for_it(
    office: Office, hand: DeskHand
) -> None:
    on_wire = corrected_with_one_on_the_wire(office, hand)
    control.resume(office, 1, who="other")
    control.pause(office, 1, who="other", reason="wait", patience=0)
    hand.end(on_wire, ACCEPTED)
    hand.let_go_of_stopped()
    assert aftermath.settle_due(office)
    assert hand.take() == []

    control.resume(office, 1, who="other")
    hand.send_all()

    assert told(hand, "Nyt") == {"reader0", "reader1"}
    assert told(hand, NOTICE) == {"reader0", "reader1"}
    assert told(hand, NEW) == {f"reader{number}" for number in range(2, 6)}
    adds_up(office)


@BOTH
def test_what_is_resumed_amid_a_correction_goes_on_by_itself(
    office: Office, hand: DeskHand
) -> None:
    on_wire = corrected_with_one_on_the_wire(office, hand)
    control.pause(office, 1, who="other", reason="wait", patience=0)
    answer = control.resume(office, 1, who="other")
    assert answer.changed
    assert {one.hold_reason for one in answer.mailings} == {CORRECTING}
    assert not control.resume(office, 1, who="other").changed, "it waits already"
    hand.end(on_wire, ACCEPTED)
    hand.let_go_of_stopped()
    assert aftermath.settle_due(office)

    hand.send_all()

    assert told(hand, NOTICE) == {"reader0", "reader1"}
    assert told(hand, NEW) == {f"reader{number}" for number in range(2, 6)}
    adds_up(office)


def test_what_has_no_row_yet_is_written_in_the_new_text(
    sqlite_database: Database, clock: Clock, tmp_path: Path
) -> None:
    office = make_office(sqlite_database, clock, limits=Limits(portion=2))
    import_readers(office, 7)
    hand = DeskHand(office, tmp_path)
    publish_one(office)
    hand.send(ACCEPTED)
    correct(office)
    hand.let_go_of_stopped()
    aftermath.settle_due(office)
    hand.send_all()
    assert told(hand, NEW) == {f"reader{number}" for number in range(1, 7)}
    assert told(hand, NOTICE) == {"reader0"}
    adds_up(office)


@BOTH
@pytest.mark.parametrize("journal", ["kept", "gone"])
def test_killed_amid_a_correction(
    office: Office, clock: Clock, hand: DeskHand, tmp_path: Path, journal: str
) -> None:
    """What was on the wire is in doubt: its reader gets the notice. All others get the new text."""
    publish_one(office)
    other = killed_amid(hand, lambda: correct(office), journal, tmp_path, clock)
    assert aftermath.settle_due(office)
    other.send_all()

    doubted = doubted_after(journal)
    assert told(other, NOTICE) == {"reader0"} | doubted
    assert told(other, NEW) == {f"reader{n}" for n in range(1, 6)} - doubted
    adds_up(office)


@BOTH
def test_two_operators_at_once(office: Office, hand: DeskHand) -> None:
    """Each correction is made on top of the other; who holds the first text is told of the last."""
    publish_one(office)
    hand.send(ACCEPTED, ACCEPTED)

    def by(title: str) -> Callable[[], aftermath.Amended]:
        return lambda: correct(office, title=title)

    race(by("Fra den ene"), by("Fra den anden"))
    hand.let_go_of_stopped()
    aftermath.settle_due(office)
    hand.send_all()

    last = press.shown(office, 1)
    assert last.version == 3
    assert told(hand, last.edition.title) == {f"reader{number}" for number in range(2, 6)}
    assert told(hand, f"Rettelse: {last.edition.title}") == {"reader0", "reader1"}
    adds_up(office)


@BOTH
@pytest.mark.parametrize("later", [0.0, 0.02])
def test_a_correction_races_with_publishing(office: Office, hand: DeskHand, later: float) -> None:
    """Begun while the release was not public yet, it may end when it is."""
    number = approve(office, text("Nyt"))
    begun = Event()

    def correct_it() -> list[object]:
        begun.wait(later)
        return [correct(office, number)]

    race(lambda: publish.publish_due(office), correct_it)
    publish.publish_due(office)
    aftermath.settle_due(office)
    hand.send_all()
    assert told(hand, NEW) == {f"reader{n}" for n in range(6)}
    with office.database.read() as connection:
        states = set(connection.scalars(select(delivery.c.state)))
    assert states == {"accepted"}
    adds_up(office)


def test_one_that_waits_is_overtaken_by_the_next(office: Office, hand: DeskHand) -> None:
    """Its notice was never for anybody; the account adds up at every step."""
    on_wire = corrected_with_one_on_the_wire(office, hand)
    adds_up(office)
    correct(office, title="Nyt, rettet igen")
    adds_up(office)
    hand.end(on_wire, ACCEPTED)
    hand.let_go_of_stopped()
    assert aftermath.settle_due(office)
    adds_up(office)
    hand.send_all()
    assert told(hand, "Rettelse: Nyt, rettet igen") == {"reader0", "reader1"}
    assert told(hand, NOTICE) == set()
    adds_up(office)


def test_a_notice_that_is_cancelled_while_it_waits_tells_nobody(
    office: Office, hand: DeskHand
) -> None:
    on_wire = corrected_with_one_on_the_wire(office, hand)
    control.cancel(office, 1, who="other", patience=0)
    hand.end(on_wire, ACCEPTED)
    hand.let_go_of_stopped()
    assert aftermath.settle_due(office)
    hand.send_all()
    assert told(hand, NOTICE) == told(hand, NEW) == set()
    adds_up(office)

"""Taking over by the journal: what the dead saw is recorded, what they began is in doubt, no more."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text, update
from support.desk import (
    ACCEPTED,
    DEFERRED,
    REFUSED,
    UNKNOWN,
    attempts,
    import_readers,
    progress_of,
    publish_one,
    row_of,
    states,
)
from support.dispatching import delivery_of, dispatcher, one_pass, over, until
from support.dispatching_by_hand import ByHand
from support.offices import Clock, make_office
from support.readers import sign_up
from support.routes import Still
from support.scripted_server import Gate, ScriptedServer

from mailer.core.delivery import Blame, Outcome, Phase, Result
from mailer.core.flight import head_line
from mailer.services import proof, retry
from mailer.services.journal import boot
from mailer.services.office import Office
from mailer.services.presence import own_time
from mailer.services.stock import LEAST_PER_LINE
from mailer.store import control
from mailer.store.database import Connection, Database
from mailer.store.ledger_tables import attempt, delivery, mailing

BUSY = Outcome(Result.DEFERRED, Phase.MAIL, 451, text="busy", blame=Blame.RELAY, relay="r")
OURS = Outcome(Result.REFUSED, Phase.CONTENT, 554, text="no", blame=Blame.SENDER, relay="r")


@pytest.fixture
def still() -> Still:
    """The machine's own clock, which nobody sets."""
    return Still()


@pytest.fixture
def one(office: Office, tmp_path: Path, still: Still) -> ByHand:
    """A dispatcher that something happens to."""
    return ByHand(office, tmp_path / "state", still)


@pytest.fixture
def two(office: Office, tmp_path: Path, still: Still) -> Iterator[ByHand]:
    """Another of the same machine."""
    desk = ByHand(office, tmp_path / "state", still)
    yield desk
    desk.leave()


def told(office: Office, mailing_id: int) -> list[tuple[object, ...]]:
    """What the ledger says of a mailing's deliveries, but for their numbers."""
    of = (delivery.c.mailing_id == mailing_id,)
    row = delivery.c
    tried = select(
        delivery.c.subscription_id,
        attempt.c.number,
        attempt.c.result,
        attempt.c.phase,
        attempt.c.code,
        attempt.c.enhanced,
        attempt.c.text,
        attempt.c.blame,
        attempt.c.relay,
    ).join_from(attempt, delivery)
    stands = select(
        row.subscription_id,
        row.state,
        row.attempts,
        row.due_at,
        row.settled_at,
        row.code,
        row.reply,
    )
    with office.database.read() as connection:
        return [
            *connection.execute(stands.where(*of).order_by(row.subscription_id)).all(),
            *connection.execute(tried.where(*of).order_by(row.subscription_id, attempt.c.id)).all(),
        ]


def set_policy(office: Office, policy: str) -> None:
    with office.database.write() as connection:
        connection.execute(update(mailing).values(unknown=policy))


@pytest.mark.parametrize("policy", ["resend", "hold"])
def test_outcomes_are_recorded_as_the_dead_would_have(
    office: Office, one: ByHand, two: ByHand, policy: str
) -> None:
    outcomes = [ACCEPTED, DEFERRED, REFUSED, UNKNOWN, BUSY, OURS]
    import_readers(office, len(outcomes))
    by_the_living = publish_one(office, title="Levende").mailing_id
    set_policy(office, policy)
    for letter, outcome in zip(two.take(), outcomes, strict=True):
        two.end(letter, outcome)
    two.write()
    by_the_dead = publish_one(office, title="Død").mailing_id
    set_policy(office, policy)
    for letter, outcome in zip(one.take(), outcomes, strict=True):
        if outcome.phase is Phase.CONTENT:
            one.begin(letter)
        one.end(letter, outcome)
    one.kill()
    two.books.take_over()
    assert told(office, by_the_dead) == told(office, by_the_living)
    assert progress_of(office, by_the_dead)[1:] == progress_of(office, by_the_living)[1:]
    assert two.books.tally == Counter({"accepted": 2, "deferred": 4, "refused": 4, "unknown": 2}), (
        "what the dead did is told by who found it"
    )
    assert proof.verify(office).ok


def test_only_what_was_begun_and_not_heard_of_is_in_doubt(
    office: Office, one: ByHand, two: ByHand
) -> None:
    import_readers(office, 6)
    publish_one(office)
    sign_up(office, "anna@example.org")
    notice, heard, begun, broken_off, *_ = letters = one.take(5)
    one.begin(notice, heard, begun, broken_off)
    one.end(heard, ACCEPTED)
    one.take_back(broken_off)
    one.kill()
    two.books.take_over()
    assert attempts(office) == [
        (begun.due.id, 1, "unknown"),
        (notice.due.id, 1, "unknown"),
    ]
    assert row_of(office, heard.due.id).state == "accepted"
    again = two.take()
    assert len(again) == len({letter.due.id for letter in again}) == 6
    assert heard.due.id not in {letter.due.id for letter in again}
    assert {
        letter.due.attempts for letter in again if letter.due.id in {notice.due.id, begun.due.id}
    } == {1}
    assert len(letters) == 5


@pytest.mark.parametrize("fate", ["gone", "of another start", "spoilt"])
def test_without_a_journal_that_vouches_all_that_was_handed_out_is_in_doubt(
    office: Office, one: ByHand, two: ByHand, fate: str
) -> None:
    import_readers(office, 6)
    publish_one(office)
    heard, begun, third = one.take(3)
    one.begin(heard, begun)
    one.end(heard, ACCEPTED)
    one.kill()
    path = one.presence.journal()
    lines = path.read_bytes()
    if fate == "gone":
        path.unlink()
    elif fate == "spoilt":
        path.write_bytes(lines.rstrip(b"\0") + b"?" * 512 + b"\n")
    else:
        path.write_bytes(lines.replace(head_line(boot()), head_line("yesterday")))
    two.books.take_over()
    doubted = {number for number, _, _ in attempts(office)}
    handed = {heard.due.id, begun.due.id, third.due.id}
    assert doubted == (handed if fate == "gone" else handed - {heard.due.id})
    assert states(office).get("accepted", 0) == (0 if fate == "gone" else 1)


@pytest.mark.parametrize("outcome", [DEFERRED, UNKNOWN, BUSY])
def test_an_outcome_counts_for_its_own_attempt_alone(
    office: Office, clock: Clock, one: ByHand, two: ByHand, outcome: Outcome
) -> None:
    """Tried, recorded, in hand once more as a retry, not begun, killed: nothing was tried again."""
    import_readers(office, 1)
    publish_one(office)
    (letter,) = one.take()
    one.begin(letter)
    one.end(letter, outcome)
    one.write()
    before = attempts(office)
    clock.move(minutes=10)
    (again,) = one.take()
    assert again.due.id == letter.due.id
    one.kill()
    two.books.take_over()
    assert attempts(office) == before
    assert [each.due for each in two.take()] == [again.due]


def test_what_an_operator_reopened_is_not_settled_by_an_old_outcome(
    office: Office, one: ByHand, two: ByHand
) -> None:
    import_readers(office, 1)
    done = publish_one(office)
    (letter,) = one.take()
    one.end(letter, REFUSED)
    one.write()
    retry.retry(office, who="desk", release_id=done.release_id, kinds=["refused"])
    assert len(one.take()) == 1
    one.kill()
    two.books.take_over()
    assert states(office) == {"due": 1}
    assert len(two.take()) == 1


def test_a_retry_s_own_outcome_counts(
    office: Office, clock: Clock, one: ByHand, two: ByHand
) -> None:
    import_readers(office, 1)
    publish_one(office)
    (letter,) = one.take()
    one.end(letter, DEFERRED)
    one.write()
    clock.move(minutes=10)
    (again,) = one.take()
    one.begin(again)
    one.end(again, ACCEPTED)
    one.kill()
    two.books.take_over()
    assert states(office) == {"accepted": 1}
    assert [result for _, _, result in attempts(office)] == ["deferred", "accepted"]


def test_what_the_ledger_knew_already_is_counted_once(
    office: Office, one: ByHand, two: ByHand
) -> None:
    import_readers(office, 4)
    publish_one(office)
    first, second, third, _ = one.take()
    one.begin(first, second)
    one.end(first, ACCEPTED)
    one.end(third, REFUSED)
    one.write()
    one.end(second, ACCEPTED)
    one.kill()
    two.books.take_over()
    assert two.books.tally == Counter(accepted=1)
    assert states(office) == {"accepted": 2, "refused": 1, "due": 1}


@pytest.mark.parametrize("policy", ["resend", "hold"])
def test_what_was_begun_of_a_cancelled_mailing_is_unknown(
    office: Office, one: ByHand, two: ByHand, policy: str
) -> None:
    import_readers(office, 5)
    publish_one(office)
    set_policy(office, policy)
    heard, deferred, begun, _ = one.take(4)
    one.begin(heard, begun)
    one.end(heard, ACCEPTED)
    one.end(deferred, DEFERRED)
    with office.database.write() as connection:
        control.cancel(connection, 1, office.clock())
    one.kill()
    two.books.take_over()
    assert states(office) == {"accepted": 1, "unknown": 1, "cancelled": 3}
    assert row_of(office, begun.due.id).state == "unknown"
    assert progress_of(office, 1) == ("cancelled", 5, 5)
    assert proof.verify(office).ok


def test_a_calendar_that_jumps_ends_no_living_dispatcher_s_lease(
    office: Office, clock: Clock, still: Still, one: ByHand, two: ByHand
) -> None:
    import_readers(office, 4)
    publish_one(office)
    sign_up(office, "anna@example.org")
    handed = {letter.due.id for letter in one.take()}
    clock.move(hours=1)
    still.move(59)
    two.books.take_over()
    assert two.take() == []
    assert attempts(office) == []
    assert one.tenure.holds
    still.move(2)
    two.books.take_over()
    assert {letter.due.id for letter in two.take()} == handed
    assert attempts(office) == [], "it had begun nothing"
    one.kill()


def test_a_stopped_dispatcher_is_taken_over_with_its_journal(
    office: Office, clock: Clock, still: Still, one: ByHand, two: ByHand
) -> None:
    """It wakes, and finds by its own clock that nothing of it is its own any more."""
    import_readers(office, 3)
    publish_one(office)
    heard, begun, waiting = one.take()
    one.begin(heard, begun)
    one.end(heard, ACCEPTED)
    clock.move(seconds=61)
    still.move(61)
    two.books.take_over()
    assert two.presence.dead() == [], "it lives"
    assert attempts(office) == [(begun.due.id, 1, "unknown")]
    assert {letter.due.id for letter in two.take()} == {begun.due.id, waiting.due.id}
    assert not one.tenure.holds
    one.end(begun, ACCEPTED)
    one.write()
    assert states(office) == {"accepted": 1, "due": 2}, "they are in another's hand"
    one.leave()
    assert two.presence.dead() == []


def test_a_dispatcher_of_another_machine_is_known_by_its_lease(
    office: Office, clock: Clock, tmp_path: Path, still: Still, two: ByHand
) -> None:
    """Its journal is not at hand: all it was handed may have left."""
    far = ByHand(office, tmp_path / "far away", still)
    import_readers(office, 4)
    publish_one(office)
    handed = {letter.due.id for letter in far.take(3)}
    far.kill()
    two.books.take_over()
    assert attempts(office) == []
    clock.move(seconds=61)
    two.books.take_over()
    assert {number for number, _, _ in attempts(office)} == handed


@pytest.mark.postgresql  # SQLite has one writer at a time
def test_a_journal_is_kept_until_all_its_dispatcher_held_is_taken_over(
    postgresql_database: Database, clock: Clock, tmp_path: Path, still: Still
) -> None:
    """Its server is still busy with what it wrote last, when it is found dead."""
    office = make_office(postgresql_database, clock)
    import_readers(office, 3)
    publish_one(office)
    one, two = (ByHand(office, tmp_path / "state", still) for _ in range(2))
    begun, *_ = one.take()
    one.begin(begun)
    one.kill()
    with office.database.engine.begin() as dying:
        dying.execute(text(f"SELECT id FROM delivery WHERE id = {begun.due.id} FOR UPDATE"))
        two.books.take_over()
        assert two.presence.dead() == [one.name]
    two.books.take_over()
    assert two.presence.dead() == []
    assert attempts(office) == [(begun.due.id, 1, "unknown")], "the others were never begun"
    two.leave()


class Held(Database):
    """A database whose writers wait while its door is shut."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.shut = False
        self.knocking = threading.Event()
        self.opened = threading.Event()

    @contextmanager
    def write(self, **terms: bool) -> Iterator[Connection]:
        """Once the door is open."""
        if self.shut:
            self.knocking.set()
            assert self.opened.wait(10)
        with super().write(**terms) as connection:
            yield connection


def test_a_renewal_that_comes_too_late_is_none(
    office: Office, clock: Clock, tmp_path: Path
) -> None:
    """The ledger is slow; when it has heard us, another machine has taken over and sends what we hold."""
    readers = LEAST_PER_LINE  # the hand is full: nothing but renewing is left to be written
    import_readers(office, readers)
    publish_one(office)
    held = Held(office.database.engine.url.render_as_string(hide_password=False))
    short = replace(
        office, database=held, limits=replace(office.limits, lease=timedelta(seconds=2))
    )
    gate = Gate()

    async def story(slow: ScriptedServer, quick: ScriptedServer) -> None:
        sends = frozenset({"send"})
        late = dispatcher(short, tmp_path / "here", over(slow, connections=1), steps=sends)
        running = asyncio.create_task(late.run())
        await gate.arrived()
        over_at = own_time() + 2
        held.shut = True
        assert await asyncio.to_thread(held.knocking.wait, 10), "it wants to renew"
        clock.move(seconds=3)
        assert (await one_pass(office, tmp_path / "there", over(quick))).accepted == readers
        await until(lambda: own_time() > over_at)
        held.shut = False
        held.opened.set()
        gate.open()
        await running

    with (
        ScriptedServer({".": [gate]}).running() as slow,
        ScriptedServer().running() as quick,
    ):
        asyncio.run(story(slow, quick))
        assert len(quick.messages) == readers
        twice = {delivery_of(message.content) for message in slow.messages}
    held.close()
    assert len(twice) == 1, "what was on the wire arrived there as well"
    assert states(office) == {"accepted": readers}
    assert proof.verify(office).ok

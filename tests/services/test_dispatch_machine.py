"""Any order of sign-ups, releases, crashes, takeovers and departures keeps the promise.

The relay of this model remembers what it really accepted, whatever the ledger was told. At every step:

    nobody is handed out for sending without consent at that moment
    nothing is in the hands of two dispatchers whose leases both stand
    no delivery is accepted a second time unless a doubt about it was on record before
    the proof adds up

and when all has been worked off, every reader of every frozen audience has come to an end.

`MAILER_TEST_STEPS=10000` runs so many steps instead of the usual few.
"""

import itertools
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import exists, func, select, update
from support.desk import ACCEPTED, DEFERRED, REFUSED, UNKNOWN, came_of, import_readers
from support.desk import text as edition
from support.offices import KEFM, START, UM, Clock, make_office
from support.readers import PAGE, confirm_token, leave_token, sign_up
from support.takeovers import take_over_all

from mailer.core.address import parse_address
from mailer.core.consent import ENDS, GRANTS
from mailer.core.delivery import Blame, Due, Outcome, Phase, Purpose, Result
from mailer.core.release import ReleaseDocument
from mailer.services import people, press, proof, publish, signup
from mailer.store import ledger, outcomes, progress, takeover
from mailer.store.database import Connection, Database
from mailer.store.ledger import Lease
from mailer.store.ledger_tables import attempt, delivery, mailing, metadata
from mailer.store.tables import consent, request, subscription

STEPS = int(os.environ.get("MAILER_TEST_STEPS", "600"))
STEPS_IN_A_STORY = 40
LEASE = timedelta(seconds=60)
BUSY = Outcome(Result.DEFERRED, Phase.MAIL, 451, text="busy", blame=Blame.RELAY, relay="r")
NAMES = [f"person{number}@example.org" for number in range(4)]
ROOMS = {room.key: room for room in (UM, KEFM)}

picks = st.integers(0, 255)
rooms = st.sampled_from(sorted(ROOMS))


@dataclass
class Worker:
    """A dispatcher: what it holds, has on the wire, and has not written down yet."""

    name: str
    lease_ends: datetime = START
    held: list[Due] = field(default_factory=list)
    on_wire: list[Due] = field(default_factory=list)
    told: list[tuple[Due, Outcome]] = field(default_factory=list)

    def numbers(self) -> set[int]:
        """All it answers for."""
        return {due.id for due in [*self.held, *self.on_wire, *(due for due, _ in self.told)]}


class Promise(RuleBasedStateMachine):
    """Stories of a press office, its readers, some dispatchers and one relay."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.office = make_office(self.database, self.clock)
        with self.database.write() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())
        self.fresh = itertools.count()
        self.workers: list[Worker] = []
        self.dead: list[str] = []
        self.kept_by_relay: Counter[int] = Counter()

    # The readers and the desk.

    @rule(name=st.sampled_from(NAMES), room=rooms)
    def somebody_signs_up(self, name: str, room: str) -> None:
        sign_up(self.office, name, newsroom=ROOMS[room])

    @rule(pick=picks)
    def somebody_confirms(self, pick: int) -> None:
        if number := self.one_of(request.c.id, pick):
            signup.confirm(self.office, token=confirm_token(self.office, number), origin=PAGE)

    @rule(pick=picks)
    def somebody_leaves(self, pick: int) -> None:
        if number := self.one_of(subscription.c.id, pick):
            signup.leave(self.office, token=leave_token(self.office, number), origin=PAGE)

    @rule(room=rooms)
    def a_list_is_imported(self, room: str) -> None:
        prefix = f"list{next(self.fresh)}-"
        import_readers(self.office, 4, newsroom=ROOMS[room], prefix=prefix)

    @rule(name=st.sampled_from(NAMES))
    def an_address_is_suppressed(self, name: str) -> None:
        people.suppress(self.office, address=parse_address(name), reason="complaint")

    @rule(room=rooms, later=st.booleans())
    def a_release_is_let_go(self, room: str, later: bool) -> None:
        moment = self.clock() + timedelta(minutes=2) if later else None
        document = ReleaseDocument(edition(f"Nyt {next(self.fresh)}"), publish_at=moment)
        added = press.add_document(self.office, document, newsroom=room, who="desk")
        press.send(self.office, added.id, who="desk")
        publish.publish_due(self.office)

    @rule(pick=picks, policy=st.sampled_from(["resend", "hold"]))
    def a_policy_changes(self, pick: int, policy: str) -> None:
        if number := self.one_of(mailing.c.id, pick):
            with self.database.write() as connection:
                chosen = update(mailing).where(mailing.c.id == number)
                connection.execute(chosen.values(unknown=policy))

    @rule(minutes=st.sampled_from([0.5, 2, 10, 5000]))
    def time_passes(self, minutes: float) -> None:
        self.clock.move(minutes=minutes)
        publish.publish_due(self.office)
        signup.expire_requests(self.office)

    # The dispatchers and the relay.

    @precondition(lambda self: len(self.workers) < 3)
    @rule()
    def a_dispatcher_starts(self) -> None:
        self.workers.append(Worker(f"worker-{next(self.fresh)}"))

    @precondition(lambda self: self.workers)
    @rule(pick=picks, want=st.integers(1, 6))
    def a_dispatcher_takes(self, pick: int, want: int) -> None:
        if worker := self.worker(pick, lambda one: self.may_begin(one) or not one.numbers()):
            self.take(worker, want)

    @rule(pick=picks, count=st.integers(1, 3))
    def letters_go_on_the_wire(self, pick: int, count: int) -> None:
        if worker := self.worker(pick, lambda one: bool(one.held) and self.may_begin(one)):
            worker.on_wire += worker.held[:count]
            del worker.held[:count]

    @rule(
        pick=picks,
        answer=st.sampled_from([ACCEPTED, ACCEPTED, DEFERRED, REFUSED, BUSY, UNKNOWN]),
        arrived=st.booleans(),
    )
    def the_relay_answers(self, pick: int, answer: Outcome, arrived: bool) -> None:
        if worker := self.worker(pick, lambda one: bool(one.on_wire)):
            self.answer(worker, answer, arrived=arrived)

    @rule(pick=picks)
    def outcomes_are_written(self, pick: int) -> None:
        if worker := self.worker(pick, lambda one: bool(one.told)):
            self.write(worker)

    @rule(pick=picks)
    def the_same_outcomes_are_written_twice(self, pick: int) -> None:
        if worker := self.worker(pick, lambda one: bool(one.told)):
            told = list(worker.told)
            self.write(worker)
            worker.told = told
            self.write(worker)

    @rule(pick=picks)
    def a_lease_is_renewed(self, pick: int) -> None:
        if worker := self.worker(pick, self.may_begin):
            with self.database.write() as connection:
                takeover.renew(connection, self.lease(worker))
            worker.lease_ends = self.clock() + LEASE

    @rule(pick=picks)
    def a_dispatcher_stops(self, pick: int) -> None:
        if worker := self.worker(pick, lambda one: True):
            self.stop(worker)

    @rule(pick=picks, arrived=st.booleans())
    def a_dispatcher_is_killed(self, pick: int, arrived: bool) -> None:
        if worker := self.worker(pick, lambda one: True):
            while worker.on_wire:
                self.answer(worker, UNKNOWN, arrived=arrived)
            self.workers.remove(worker)
            self.dead.append(worker.name)

    @rule(pick=picks)
    def a_dispatcher_takes_over(self, pick: int) -> None:
        if worker := self.worker(pick, lambda one: True):
            self.take_over(worker)

    # What they do.

    def one_of(self, column: object, pick: int) -> int | None:
        """Some number of a table."""
        with self.database.read() as connection:
            found = list(connection.scalars(select(column).order_by(column)))  # type: ignore[call-overload] # a column of numbers
        return found[pick % len(found)] if found else None

    def worker(self, pick: int, fit: Callable[[Worker], bool]) -> Worker | None:
        """Some worker that fits."""
        fitting = [one for one in self.workers if fit(one)]
        return fitting[pick % len(fitting)] if fitting else None

    def lease(self, worker: Worker) -> Lease:
        return Lease(worker.name, self.clock(), self.clock() + LEASE)

    def may_begin(self, worker: Worker) -> bool:
        return self.clock() < worker.lease_ends

    def take(self, worker: Worker, want: int) -> int:
        if not worker.held and not worker.on_wire:
            worker.lease_ends = self.clock() + LEASE
        with self.database.write() as connection:
            handed = ledger.take(connection, self.lease(worker), want)
            self.check_consent(connection, handed)
        numbers = {due.id for due in handed}
        for other in self.workers:
            assert other is worker or not self.may_begin(other) or not numbers & other.numbers()
        worker.held += handed
        return len(handed)

    def check_consent(self, connection: Connection, handed: Sequence[Due]) -> None:
        """By the history of consent alone, not by what the ledger asks."""
        for due in handed:
            if due.purpose is Purpose.CONFIRM:
                row = connection.execute(select(request).where(request.c.id == due.cause_id)).one()
                assert row.state == "open"
                assert row.expires_at > self.clock()
                continue
            said = connection.scalar(
                select(consent.c.act)
                .where(
                    consent.c.subscription_id == due.subscription_id,
                    consent.c.act.in_([*GRANTS, *ENDS]),
                )
                .order_by(consent.c.id.desc())
                .limit(1)
            )
            assert said in GRANTS, (
                f"delivery {due.id} was handed out: the reader's last word is {said}"
            )

    def answer(self, worker: Worker, answer: Outcome, *, arrived: bool) -> None:
        due = worker.on_wire.pop(0)
        worker.told.append((due, answer))
        if answer is ACCEPTED or (answer is UNKNOWN and arrived):
            assert not self.kept_by_relay[due.id] or self.is_doubted(due.id)
            self.kept_by_relay[due.id] += 1

    def is_doubted(self, number: int) -> bool:
        doubt = exists().where(attempt.c.delivery_id == number, attempt.c.result == "unknown")
        with self.database.read() as connection:
            return bool(connection.scalar(select(doubt)))

    def write(self, worker: Worker) -> None:
        recorded = [came_of(due, outcome, self.office) for due, outcome in worker.told]
        with self.database.write() as connection:
            outcomes.record(connection, self.lease(worker), recorded)
            progress.tidy(connection, worker.name, self.clock())
        worker.told = []

    def stop(self, worker: Worker) -> None:
        while worker.on_wire:
            self.answer(worker, ACCEPTED, arrived=True)
        self.write(worker)
        with self.database.write() as connection:
            takeover.give_back(connection, self.lease(worker))
            progress.tidy(connection, worker.name, self.clock())
        self.workers.remove(worker)

    def take_over(self, worker: Worker) -> None:
        with self.database.write() as connection:
            take_over_all(connection, self.lease(worker), self.dead)

    # The promise.

    @invariant()
    def the_proof_adds_up(self) -> None:
        found = proof.verify(self.office)
        assert found.ok, found

    def teardown(self) -> None:
        """Work everything off; then nobody may be left."""
        for worker in list(self.workers):
            self.stop(worker)
        last = Worker("the-last")
        self.workers = [last]
        for _ in range(8):
            self.time_passes(10)
            self.take_over(last)
            while self.take(last, 50):
                worker_held, last.held = last.held, []
                last.on_wire += worker_held
                while last.on_wire:
                    self.answer(last, ACCEPTED, arrived=True)
                self.write(last)
            self.write(last)
        self.the_proof_adds_up()
        with self.database.read() as connection:
            rows = connection.execute(select(delivery.c.id, delivery.c.state)).all()
            assert {row.state for row in rows} <= {"accepted", "refused", "unknown", "ended"}
            for row in rows:
                if row.state == "accepted":
                    assert self.kept_by_relay[row.id]
                else:
                    assert not self.kept_by_relay[row.id] or self.is_doubted(row.id)
            unfinished = select(func.count()).where(mailing.c.state != "finished")
            assert connection.scalar(unfinished.select_from(mailing)) == 0


def told(database: Database, steps: int) -> None:
    """Tell stories of about so many steps."""
    Promise.database = database
    run_state_machine_as_test(
        Promise,
        settings=settings(
            max_examples=max(1, steps // STEPS_IN_A_STORY),
            stateful_step_count=STEPS_IN_A_STORY,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )


@pytest.mark.timeout(0 if STEPS > 1000 else 120)
def test_the_promise_on_sqlite(sqlite_database: Database) -> None:
    told(sqlite_database, STEPS)


@pytest.mark.postgresql
@pytest.mark.timeout(0 if STEPS > 1000 else 120)
def test_the_promise_on_postgresql(postgresql_database: Database) -> None:
    told(postgresql_database, STEPS // 3)

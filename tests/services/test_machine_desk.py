"""Any order of sending, correcting, withdrawing, embargo moves and crashes keeps the desk's promise.

Books, journals and tenures are real; the relay of this model remembers what it really took. At every step:

    nobody but who holds an early copy has a word of a release before its moment
    whatever is handed out says the newest text there is, and nothing of what was taken back
    nothing reaches a reader twice unless a doubt about it was on record before
    the proof adds up

and when all has been worked off, for every reader who stayed: of a release that stands they have the newest
text, once, or its correction; of one that was withdrawn they were told, if and only if they hold any of it.

`MAILER_TEST_STEPS=10000` runs so many steps instead of the usual few.
"""

import itertools
import os
import tempfile
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import exists, select
from support.all_rows import take_out
from support.desk import ACCEPTED, DEFERRED, REFUSED, UNKNOWN, approve, import_readers, text
from support.dispatching_by_hand import ByHand
from support.offices import UM, Clock, make_office

from mailer.core.address import parse_address
from mailer.core.delivery import Outcome
from mailer.core.embargo import has_come
from mailer.core.errors import NotAllowed
from mailer.services import (
    accreditation,
    aftermath,
    corrections,
    early,
    embargo,
    people,
    press,
    proof,
    publish,
    retry,
)
from mailer.services.accreditation import Grant
from mailer.services.bookkeeper import Letter
from mailer.services.office import Limits
from mailer.store.database import Database
from mailer.store.ledger_tables import attempt, delivery, mailing, prepared
from mailer.store.tables import release, subscription

STEPS = int(os.environ.get("MAILER_TEST_STEPS", "40"))
READERS = 5
ANSWERS = [ACCEPTED, ACCEPTED, ACCEPTED, DEFERRED, REFUSED, UNKNOWN]

picks = st.integers(0, 255)


class Desk(RuleBasedStateMachine):
    """Stories of a press desk, its readers, a dispatcher that dies now and then, and one relay."""

    database: Database
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.office = make_office(self.database, self.clock, limits=Limits(portion=2))
        take_out(self.database)
        self.folder = tempfile.TemporaryDirectory()
        self.fresh = itertools.count(1)
        self.left: set[int] = set()
        self.refused: set[int] = set()
        self.arrived: dict[tuple[int, int], list[Letter]] = defaultdict(list)
        self.copies: Counter[int] = Counter()
        self.worker = self.begins()

    def begins(self) -> ByHand:
        return ByHand(self.office, Path(self.folder.name) / "state", lambda: 0.0)

    @initialize()
    def the_office_opens(self) -> None:
        import_readers(self.office, READERS)
        for number in (0, 1):
            accreditation.accredit(
                self.office,
                parse_address(f"reader{number}@example.org"),
                newsroom=UM,
                grant=Grant("Avisen", self.clock() + timedelta(days=900)),
                who="desk",
            )
        self.a_release_is_let_go(0)
        publish.publish_due(self.office)

    # What the desk does.

    @rule(hours=st.sampled_from([0, 0, 2]))
    def a_release_is_let_go(self, hours: int) -> None:
        number = approve(self.office, text(f"Titel {next(self.fresh)}", f"Ord {next(self.fresh)}"))
        if hours:
            embargo.move(self.office, number, self.clock() + timedelta(hours=hours), who="desk")

    @rule(
        pick=picks, act=st.sampled_from(["correct", "correct", "withdraw", "move", "lift", "early"])
    )
    def the_desk_acts(self, pick: int, act: str) -> None:
        with self.database.read() as connection:
            numbers = list(connection.scalars(select(release.c.id).order_by(release.c.id)))
        number = numbers[pick % len(numbers)]
        until = self.clock() + timedelta(hours=1 + pick % 3)
        try:
            if act == "correct":
                edition = text(f"Titel {number}", f"Ord {next(self.fresh)}")
                corrections.correct(self.office, number, edition, note="", who="desk", patience=0)
            elif act == "withdraw":
                corrections.withdraw(self.office, number, reason="", who="desk", patience=0)
            elif act == "move":
                embargo.move(self.office, number, until, who="desk", patience=0)
            elif act == "lift":
                embargo.lift(self.office, number, who="desk", patience=0)
            else:
                early.send_early(self.office, number, who="desk")
        except NotAllowed:
            return  # a door that is shut to this release, as it stands

    @rule(number=st.integers(0, READERS - 1))
    def a_reader_leaves(self, number: int) -> None:
        if number > 1:  # who is accredited stays
            address = parse_address(f"reader{number}@example.org")
            people.suppress(self.office, address=address, reason="complaint")
            self.left.add(number + 1)

    @rule(pick=picks)
    def somebody_retries(self, pick: int) -> None:
        with self.database.read() as connection:
            numbers = list(connection.scalars(select(release.c.id).order_by(release.c.id)))
        kinds = ["deferred", "refused", "expired", "unknown"]
        try:
            retry.retry(
                self.office, who="desk", release_id=numbers[pick % len(numbers)], kinds=kinds
            )
        except NotAllowed:
            return

    # What the dispatcher does.

    @rule(hours=st.sampled_from([0, 0.2, 1, 2.5]))
    def time_passes(self, hours: float) -> None:
        self.clock.move(hours=hours)
        publish.publish_due(self.office)
        aftermath.settle_due(self.office)

    @rule(want=st.integers(0, 4))
    def it_takes(self, want: int) -> None:
        for letter in self.worker.take(want):
            self.check_handed_out(letter)

    @rule(count=st.integers(1, 3))
    def it_begins(self, count: int) -> None:
        for letter in self.worker.feed[:count]:
            self.worker.enter(letter)
            self.worker.begin(letter)

    @rule(answer=st.sampled_from(ANSWERS), took=st.booleans())
    def it_hears(self, answer: Outcome, took: bool) -> None:
        for letter in self.worker.leaving[:1]:
            self.hears(letter, answer, took=took)

    @rule(took=st.booleans())
    def it_is_killed(self, took: bool) -> None:
        for letter in self.worker.leaving:
            if took:
                self.arrive(letter)
        self.worker.kill("kept")
        self.worker = self.begins()
        self.worker.books.take_over()

    def hears(self, letter: Letter, answer: Outcome, *, took: bool) -> None:
        if answer is ACCEPTED or (answer is UNKNOWN and took):
            self.arrive(letter)
        if answer is REFUSED:
            self.refused.add(letter.due.id)
        self.worker.end(letter, answer)

    def check_handed_out(self, letter: Letter) -> None:
        with self.database.read() as connection:
            row = connection.execute(
                select(
                    mailing.c.release_id,
                    mailing.c.kind,
                    prepared.c.edition_id,
                    prepared.c.held_edition_id,
                )
                .join(prepared, prepared.c.mailing_id == mailing.c.id)
                .where(prepared.c.id == letter.due.prepared_id)
            ).one()
            state = connection.scalar(select(release.c.state).where(release.c.id == row.release_id))
        found = press.shown(self.office, row.release_id)
        if row.kind in {"first", "correction", "early"}:
            assert row.edition_id == found.edition_id, "an old text was handed out"
            assert state != "withdrawn"
        if row.kind == "first":
            moments = {"publish_at": found.publish_at, "embargo_until": found.embargo_until}
            assert found.published_at is not None
            assert has_come(found.published_at, **moments), "before its moment"
        assert letter.due.subscription_id not in self.left

    def arrive(self, letter: Letter) -> None:
        number = letter.due.id
        assert not self.copies[number] or self.is_doubted(number), f"{number} came twice"
        self.copies[number] += 1
        with self.database.read() as connection:
            of = connection.scalar(
                select(mailing.c.release_id).where(mailing.c.id == letter.due.mailing_id)
            )
        assert of is not None
        self.arrived[letter.due.subscription_id, of].append(letter)

    def is_doubted(self, number: int) -> bool:
        doubt = exists().where(attempt.c.delivery_id == number, attempt.c.result == "unknown")
        with self.database.read() as connection:
            return bool(connection.scalar(select(doubt)))

    # The promise.

    @invariant()
    def the_proof_adds_up(self) -> None:
        Desk.steps += 1
        found = proof.verify(self.office)
        assert found.ok, found

    def teardown(self) -> None:
        try:
            self.work_off()
            self.everybody_has_what_they_should()
        finally:
            self.worker.leave()
            self.folder.cleanup()

    def work_off(self) -> None:
        for letter in list(self.worker.leaving):
            self.hears(letter, ACCEPTED, took=True)
        for _ in range(8):
            self.worker.write()
            self.time_passes(3)
            while letters := self.worker.feed or self.worker.take(20):
                for letter in list(letters):
                    if letter not in self.worker.feed:
                        continue
                    self.worker.enter(letter)
                    self.worker.begin(letter)
                    self.hears(letter, ACCEPTED, took=True)
                self.worker.write()
        self.the_proof_adds_up()

    def everybody_has_what_they_should(self) -> None:
        with self.database.read() as connection:
            mailed = connection.execute(
                select(
                    delivery.c.id, delivery.c.subscription_id, mailing.c.kind, mailing.c.release_id
                )
                .join(mailing)
                .where(delivery.c.state == "accepted")
            ).all()
            kinds = {
                row.id: row.kind for row in connection.execute(select(mailing.c.id, mailing.c.kind))
            }
            numbers = connection.scalars(select(release.c.id)).all()
            readers = connection.scalars(select(subscription.c.id)).all()
        first = {(row.subscription_id, row.release_id) for row in mailed if row.kind == "first"}
        for reader, number in itertools.product(set(readers) - self.left, numbers):
            found = press.shown(self.office, number)
            got = self.arrived[reader, number]
            held = [
                one
                for one in got
                if kinds[one.due.mailing_id or 0] in {"first", "early", "correction"}
            ]
            notices = [
                one for one in got if kinds[one.due.mailing_id or 0] in {"withdrawal", "embargo"}
            ]
            if found.state == "withdrawn":
                told = {one.prepared.purpose for one in notices}
                assert bool(told) is bool(held) or self.missed(reader, number), (reader, number)
            elif found.state == "published" and not self.missed(reader, number):
                assert held, (reader, number, first)
                newest = self.editions([one.due.prepared_id for one in held])
                assert found.edition_id in newest, "they have the last text"

    def missed(self, reader: int, number: int) -> bool:
        """A relay refused them something of it, or nobody knows what became of it: that is on record."""
        query = (
            select(delivery.c.id)
            .join(mailing)
            .where(
                delivery.c.subscription_id == reader,
                mailing.c.release_id == number,
                delivery.c.state.in_(["refused", "unknown", "expired"]),
            )
        )
        with self.database.read() as connection:
            lost = set(connection.scalars(query))
        return bool(lost)

    def editions(self, messages: list[int]) -> set[int | None]:
        with self.database.read() as connection:
            query = select(prepared.c.edition_id).where(prepared.c.id.in_(messages))
            return set(connection.scalars(query))


def told(database: Database, steps: int) -> None:
    """Tell stories until so many steps were taken."""
    Desk.database = database
    Desk.steps = 0
    while Desk.steps < steps:
        run_state_machine_as_test(
            Desk,
            settings=settings(
                max_examples=2,
                stateful_step_count=20,
                suppress_health_check=list(HealthCheck),
            ),
        )


@pytest.mark.timeout(0 if STEPS > 1000 else 120)
def test_the_desk_on_sqlite(sqlite_database: Database) -> None:
    told(sqlite_database, STEPS)


@pytest.mark.postgresql
@pytest.mark.timeout(0 if STEPS > 1000 else 120)
def test_the_desk_on_postgresql(postgresql_database: Database) -> None:
    told(postgresql_database, STEPS // 3)

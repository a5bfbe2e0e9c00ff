"""Any order of sign-ups, releases, crashes, takeovers and second thoughts keeps the promise.

Books, journals, signs of life and tenures are real; the relay of this model remembers what it really
took, whatever the ledger was told. At every step:

    nobody is handed out for sending without consent at that moment
    nothing is in the hands of two dispatchers whose leases both stand
    nothing reaches the relay a second time unless a doubt about it was on record before
    with the journal at hand only what was begun and not heard of is ever in doubt
    what is cancelled never reached the relay
    the proof adds up

and when all has been worked off, every delivery that was not cancelled has come to an end.

`MAILER_TEST_STEPS=10000` runs so many steps instead of the usual few.
"""

import itertools
import os
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import exists, func, select, update
from support.all_rows import take_out
from support.desk import ACCEPTED, DEFERRED, REFUSED, UNKNOWN, import_readers
from support.desk import text as edition
from support.dispatching_by_hand import ByHand
from support.offices import KEFM, UM, Clock, make_office
from support.readers import PAGE, confirm_token, leave_token, sign_up
from support.routes import Still

from mailer.core.address import parse_address
from mailer.core.consent import ENDS, GRANTS, Act
from mailer.core.delivery import Blame, Outcome, Phase, Purpose, Result
from mailer.core.release import ReleaseDocument
from mailer.services import (
    confirmation,
    leaving,
    people,
    press,
    proof,
    publish,
    retry,
    settle,
    waiting,
)
from mailer.services.bookkeeper import Letter
from mailer.services.office import Limits
from mailer.store import control, progress
from mailer.store.database import Connection, Database
from mailer.store.ledger_tables import attempt, chunk, delivery, mailing
from mailer.store.tables import consent, request, subscription

STEPS = int(os.environ.get("MAILER_TEST_STEPS", "120"))
BUSY = Outcome(Result.DEFERRED, Phase.MAIL, 451, text="busy", blame=Blame.RELAY, relay="r")
PORTION = 5  # so that an audience takes several
NAMES = [f"person{number}@example.org" for number in range(4)]
ROOMS = {room.key: room for room in (UM, KEFM)}
FINAL = {"accepted", "refused", "unknown", "ended", "expired"}

ANSWERS = [ACCEPTED, ACCEPTED, ACCEPTED, DEFERRED, REFUSED, BUSY, UNKNOWN]
KINDS = ("deferred", "refused", "expired", "unknown")
READERS_DO = ["sign up", "confirm", "leave", "complain"]
DESKS_DO = ["import", "release", "urgent release", "later release"]
OPERATORS_DO = ["pause", "resume", "cancel", "hold unknowns", "resend them", "retry", "settle"]
MOVES = ["turn", "turn unseen", "enter", "begin", "break off", "put off", "keep lease"]
MOVES += ["hear", "hear nothing", "stop"]
MINUTES = [0.3, 0.5, 0.8, 2, 10, 5000]
JUMPS = [-2, -0.02, 0.02, 1, 30]  # hours
PAUSES = [10, 45, 75]  # seconds
JOURNALS = ["kept", "kept", "kept", "gone", "cut"]

picks = st.integers(0, 255)
rooms = st.sampled_from(sorted(ROOMS))
flags = st.booleans()


class Promise(RuleBasedStateMachine):
    """Stories of a press office, its readers and operators, some dispatchers and one relay."""

    database: Database
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.still = Still()
        self.office = make_office(self.database, self.clock, limits=Limits(portion=PORTION))
        take_out(self.database)
        self.fresh = itertools.count()
        self.folder = tempfile.TemporaryDirectory()
        self.places: dict[ByHand, str] = {}
        self.living: list[ByHand] = []
        self.hanging: list[ByHand] = []
        self.dead: dict[str, tuple[ByHand, str]] = {}
        self.taken_by_relay: Counter[int] = Counter()
        self.story: list[str] = []
        self.heard: Counter[tuple[int, str]] = Counter()

    @initialize(
        machines=st.integers(1, 2),
        dispatchers=st.integers(1, 3),
        seed=st.integers(0, 2**32),
        length=st.integers(0, 120),
    )
    def a_day_begins(self, machines: int, dispatchers: int, seed: int, length: int) -> None:
        """What several machines share is the database's clock, which does not jump."""
        self.machines = ["here", "there"][:machines]
        import_readers(self.office, 16)
        for _ in range(2):
            self.the_desk_acts(UM.key, "release")
        for place in range(dispatchers):
            self.a_dispatcher_starts(place)
        self.a_busy_day(seed, length)

    # The world around it.

    @rule(name=st.sampled_from(NAMES), room=rooms, pick=picks, act=st.sampled_from(READERS_DO))
    def a_reader_acts(self, name: str, room: str, pick: int, act: str) -> None:
        if act == "sign up":
            sign_up(self.office, name, newsroom=ROOMS[room])
        elif act == "complain":
            people.suppress(self.office, address=parse_address(name), reason="complaint")
        elif act == "confirm" and (number := self.one_of(request.c.id, pick)):
            confirmation.confirm(self.office, token=confirm_token(self.office, number), origin=PAGE)
        elif act == "leave" and (number := self.one_of(subscription.c.id, pick)):
            leaving.leave(self.office, token=leave_token(self.office, number), origin=PAGE)

    @rule(room=rooms, act=st.sampled_from(DESKS_DO))
    def the_desk_acts(self, room: str, act: str) -> None:
        if act == "import":
            prefix = f"list{next(self.fresh)}-"
            import_readers(self.office, 4, newsroom=ROOMS[room], prefix=prefix)
            return
        moment = self.clock() + timedelta(minutes=2) if "later" in act else None
        document = ReleaseDocument(edition(f"Nyt {next(self.fresh)}"), publish_at=moment)
        added = press.add_document(self.office, document, newsroom=room, who="desk")
        press.send(self.office, added.id, who="desk", urgent="urgent" in act)
        publish.publish_due(self.office)

    @rule(pick=picks, act=st.sampled_from(OPERATORS_DO))
    def an_operator_acts(self, pick: int, act: str) -> None:
        if act == "settle":
            self.settle(pick)
        elif act == "retry":
            kinds = [kind for bit, kind in enumerate(KINDS) if pick >> bit & 1]
            retry.retry(self.office, who="desk", kinds=kinds)
        elif number := self.one_of(mailing.c.id, pick):
            with self.database.write() as connection:
                if act == "pause":
                    control.pause(connection, number, "a second thought")
                elif act == "resume":
                    control.resume(connection, number, self.clock())
                elif act == "cancel":
                    control.cancel(connection, number, self.clock())
                else:
                    chosen = update(mailing).where(mailing.c.id == number)
                    connection.execute(chosen.values(unknown=act.partition(" ")[0]))

    @rule(minutes=st.sampled_from(MINUTES))
    def time_passes(self, minutes: float) -> None:
        self.still.move(minutes * 60)
        self.clock.move(minutes=minutes)
        publish.publish_due(self.office)
        waiting.expire_requests(self.office)

    @precondition(lambda self: len(self.machines) == 1)
    @rule(hours=st.sampled_from(JUMPS), pick=picks)
    def the_calendar_jumps(self, hours: float, pick: int) -> None:
        """Nobody's lease ends of that, whoever looks."""
        self.clock.move(hours=hours)
        if self.living:
            self.take_over(self.worker(pick))
            self.turn(self.worker(pick), 6, 2)

    # The dispatchers at work.

    @precondition(lambda self: len(self.living) + len(self.hanging) < 4)
    @rule(pick=picks)
    def a_dispatcher_starts(self, pick: int) -> None:
        place = self.machines[pick % len(self.machines)]
        folder = Path(self.folder.name) / place
        worker = ByHand(self.office, folder, self.still, anew_after=(500, 4 << 20)[pick % 2])
        self.places[worker] = place
        self.living.append(worker)

    @precondition(lambda self: self.living)
    @rule(
        pick=picks,
        move=st.sampled_from(MOVES),
        count=st.integers(1, 4),
        answer=st.sampled_from(ANSWERS),
    )
    def a_dispatcher_moves(self, pick: int, move: str, count: int, answer: Outcome) -> None:
        """Or the relay it speaks to, or its ledger; as far as it can."""
        worker = self.worker(pick)
        if move.startswith("turn"):
            self.turn(worker, count * 2, count // 2, seen=move == "turn")
        elif move == "keep lease":
            worker.keep_lease()
        elif move == "stop":
            self.stop(worker)
        elif move.startswith("hear"):
            self.hear(worker, count, answer, move)
        else:
            self.send(worker, count, move)

    @precondition(lambda self: self.living)
    @rule(pick=picks)
    def a_dispatcher_looks_for_what_is_lost(self, pick: int) -> None:
        self.take_over(self.worker(pick))

    # What goes wrong with them.

    @precondition(lambda self: self.living or self.hanging)
    @rule(
        pick=picks,
        arrived=flags,
        journal=st.sampled_from(JOURNALS),
        found=flags,
    )
    def a_dispatcher_is_killed(self, pick: int, arrived: bool, journal: str, found: bool) -> None:
        worker = self.worker(pick, [*self.living, *self.hanging])
        for letter in worker.leaving:
            if arrived:
                self.arrive(letter)
        worker.kill(journal)
        (self.living if worker in self.living else self.hanging).remove(worker)
        self.dead[worker.name] = (worker, journal)
        if found and self.living:
            self.take_over(self.worker(pick))

    @precondition(lambda self: self.living)
    @rule(pick=picks)
    def a_dispatcher_hangs(self, pick: int) -> None:
        worker = self.worker(pick)
        self.living.remove(worker)
        self.hanging.append(worker)

    @precondition(lambda self: self.hanging)
    @rule(pick=picks)
    def a_dispatcher_wakes(self, pick: int) -> None:
        worker = self.worker(pick, self.hanging)
        self.hanging.remove(worker)
        self.living.append(worker)

    @precondition(lambda self: len(self.living) > 1)
    @rule(pick=picks, seconds=st.sampled_from(PAUSES), renewing=flags)
    def a_dispatcher_hangs_for_a_while(self, pick: int, seconds: float, renewing: bool) -> None:
        """Another may take its work over; then it wakes with all that it held.

        Args:
            renewing: it is the ledger that was slow to hear that it lives.
        """
        worker, other, *_ = self.living[pick % len(self.living) :] + self.living

        def meanwhile() -> None:
            self.living.remove(worker)
            self.hanging.append(worker)
            self.time_passes(seconds / 60)
            self.take_over(other)
            self.turn(other, 6, 2)
            self.hanging.remove(worker)
            self.living.append(worker)

        if renewing:
            worker.keep_lease(meanwhile)
        else:
            meanwhile()

    # All of it, as it comes.

    @rule(seed=st.integers(0, 2**32), length=st.integers(1, 40))
    def a_busy_day(self, seed: int, length: int) -> None:
        """Many steps by weighted dice, for it takes several in a row to come to where it matters."""
        dice = random.Random(seed)
        for _ in range(length):
            self.happens(dice)
            self.the_proof_adds_up()
            self.what_is_cancelled_never_reached_the_relay()
            self.nothing_is_on_record_that_did_not_happen()
            self.nothing_is_in_two_hands()

    def happens(self, dice: random.Random) -> None:
        chances: dict[Callable[[random.Random], None], int] = {
            self.works: 80 if self.living else 0,
            self.fails: 12 if self.living else 0,
            self.looks_around: 8 if self.living else 0,
            self.starts: 6 if len(self.living) + len(self.hanging) < 4 else 0,
            self.wakes: 6 if self.hanging else 0,
            self.goes_on: 12,
            self.changes: 14,
        }
        (what,) = dice.choices(list(chances), list(chances.values()))
        self.story.append(what.__name__)
        what(dice)

    def works(self, dice: random.Random) -> None:
        (move,) = dice.choices(MOVES, [12, 1, 12, 12, 2, 2, 6, 12, 2, 1])
        self.say(move)
        self.a_dispatcher_moves(dice.getrandbits(8), move, dice.randint(1, 4), dice.choice(ANSWERS))

    def fails(self, dice: random.Random) -> None:
        how = dice.choice(["killed", "killed", "hangs", "hangs for a while", "is slow to renew"])
        pick = dice.getrandbits(8)
        self.say(how)
        if how == "killed":
            journal = dice.choice(JOURNALS)
            self.a_dispatcher_is_killed(pick, dice.random() < 0.5, journal, dice.random() < 0.5)
        elif how == "hangs":
            self.a_dispatcher_hangs(pick)
        elif len(self.living) > 1:
            renewing = how == "is slow to renew"
            self.a_dispatcher_hangs_for_a_while(pick, dice.choice(PAUSES), renewing)
            for move in dice.choices(MOVES, k=3):  # it is the last of the living as it wakes
                if self.living:
                    self.say(move)
                    last = len(self.living) - 1
                    self.a_dispatcher_moves(last, move, dice.randint(1, 4), dice.choice(ANSWERS))

    def looks_around(self, dice: random.Random) -> None:
        self.a_dispatcher_looks_for_what_is_lost(dice.getrandbits(8))

    def starts(self, dice: random.Random) -> None:
        self.a_dispatcher_starts(dice.getrandbits(8))

    def wakes(self, dice: random.Random) -> None:
        self.a_dispatcher_wakes(dice.getrandbits(8))

    def goes_on(self, dice: random.Random) -> None:
        if len(self.machines) == 1 and dice.random() < 0.2:
            self.the_calendar_jumps(dice.choice(JUMPS), dice.getrandbits(8))
        else:
            (minutes,) = dice.choices(MINUTES, [6, 5, 4, 3, 2, 1])
            self.say(f"{minutes} minutes")
            self.time_passes(minutes)

    def changes(self, dice: random.Random) -> None:
        pick, room = dice.getrandbits(8), dice.choice(sorted(ROOMS))
        whose = dice.choice(["reader", "desk", "operator", "operator"])
        if whose == "reader":
            self.a_reader_acts(dice.choice(NAMES), room, pick, dice.choice(READERS_DO))
        elif whose == "desk":
            self.the_desk_acts(room, dice.choice(DESKS_DO))
        else:
            (act,) = dice.choices(OPERATORS_DO, [2, 3, 1, 2, 2, 3, 2])
            self.say(act)
            self.an_operator_acts(pick, act)

    def say(self, words: str) -> None:
        self.story[-1:] = [f"{self.story[-1]}: {words}"] if self.story else []

    # What they do.

    def one_of(self, column: object, pick: int, *where: object) -> int | None:
        """Some number of a table."""
        with self.database.read() as connection:
            found = list(connection.scalars(select(column).where(*where).order_by(column)))  # type: ignore[call-overload] # a column of numbers
        return found[pick % len(found)] if found else None

    def worker(self, pick: int, among: Sequence[ByHand] = ()) -> ByHand:
        """Some dispatcher of these, or of those that do not hang."""
        found = among or self.living
        return found[pick % len(found)]

    def send(self, worker: ByHand, count: int, move: str) -> None:
        if move == "enter" and worker.tenure.holds:
            for letter in worker.feed[:count]:
                worker.enter(letter)
        elif move == "begin":
            worker.begin(*worker.entered[:count])
        elif move == "break off" and worker.entered:
            worker.take_back(worker.entered[0])
        elif move == "put off" and worker.feed:
            worker.let_go(worker.feed[-1], timedelta(seconds=30 * (count - 1)))

    def hear(self, worker: ByHand, count: int, answer: Outcome, move: str) -> None:
        for letter in worker.leaving[:count]:
            self.answer(worker, letter, answer, arrived=move != "hear nothing")
        if worker.entered and not worker.leaving and answer in {DEFERRED, REFUSED, BUSY}:
            self.end(worker, worker.entered[0], answer)

    def settle(self, pick: int) -> None:
        """By the relay's own log."""
        number = self.one_of(delivery.c.id, pick, delivery.c.state == "unknown")
        if number is None:
            return
        with self.database.read() as connection:
            of = select(mailing.c.release_id, mailing.c.state).join(delivery)
            row = connection.execute(of.where(delivery.c.id == number)).one()
        verdict: settle.Verdict = "accepted" if self.taken_by_relay[number] else "refused"
        if pick % 2 and row.state != "cancelled":
            verdict = "resend"
        settle.settle(self.office, row.release_id, verdict, who="desk", deliveries=[number])

    def turn(self, worker: ByHand, want: int, notices: int, *, seen: bool = True) -> int:
        letters = worker.take(want, notices=notices, seen=seen)
        with self.database.read() as connection:
            for letter in letters:
                self.check_consent(connection, letter)
        self.nothing_is_in_two_hands()
        return len(letters)

    def check_consent(self, connection: Connection, letter: Letter) -> None:
        """By the history of consent alone, not by what the ledger asks."""
        due = letter.due
        if due.purpose is Purpose.CONFIRM:
            row = connection.execute(select(request).where(request.c.id == due.cause_id)).one()
            assert row.state == "open"
            assert row.expires_at > self.clock()
            return
        said = connection.scalar(
            select(consent.c.act)
            .where(
                consent.c.subscription_id == due.subscription_id,
                consent.c.act.in_([*GRANTS, *ENDS]),
            )
            .order_by(consent.c.id.desc())
            .limit(1)
        )
        wanted = (Act.LEFT, Act.ENDED) if due.purpose is Purpose.LEFT else GRANTS
        assert said in wanted, f"delivery {due.id} was handed out: the reader's last word is {said}"

    def answer(
        self,
        worker: ByHand,
        letter: Letter,
        answer: Outcome,
        *,
        arrived: bool = True,
    ) -> None:
        if answer is ACCEPTED or (answer is UNKNOWN and arrived):
            self.arrive(letter)
        self.end(worker, letter, answer)

    def end(self, worker: ByHand, letter: Letter, answer: Outcome) -> None:
        self.heard[letter.due.id, answer.result] += 1
        worker.end(letter, answer)

    def arrive(self, letter: Letter) -> None:
        """The relay takes a copy."""
        number = letter.due.id
        assert not self.taken_by_relay[number] or self.is_doubted(number), f"{number} came twice"
        self.taken_by_relay[number] += 1

    def is_doubted(self, number: int) -> bool:
        doubt = exists().where(attempt.c.delivery_id == number, attempt.c.result == "unknown")
        with self.database.read() as connection:
            return bool(connection.scalar(select(doubt)))

    def stop(self, worker: ByHand) -> None:
        """Finish what is on the wire, break off what is not, and give back the rest."""
        for letter in list(worker.entered):
            worker.take_back(letter)
        for letter in list(worker.leaving):
            self.answer(worker, letter, ACCEPTED)
        worker.leave()
        self.living.remove(worker)

    def take_over(self, worker: ByHand) -> None:
        """Look for what is lost; only what a journal that is at hand says may be in doubt is so."""
        holders = self.holders()
        with self.database.read() as connection:
            before = connection.scalar(select(func.max(attempt.c.id))) or 0
        worker.books.take_over()
        doubted = select(attempt.c.delivery_id).where(attempt.c.id > before, attempt.c.relay == "")
        with self.database.read() as connection:
            for number in connection.scalars(doubted):
                holder = self.vouched(holders[number], by=worker)
                assert holder is None or number in holder.doubtful, f"{number} was never begun"

    def holders(self) -> dict[int, str]:
        """Who was handed what, as the ledger has it."""
        handed = select(delivery.c.id, chunk.c.worker).join(
            chunk, delivery.c.id.between(chunk.c.lo, chunk.c.mark)
        )
        with self.database.read() as connection:
            found = {row.id: row.worker for row in connection.execute(handed)}
            claimed = select(delivery.c.id, delivery.c.worker).where(delivery.c.worker.is_not(None))
            return found | {row.id: row.worker for row in connection.execute(claimed)}

    def vouched(self, name: str, *, by: ByHand) -> ByHand | None:
        """The dispatcher of that name, if its journal is at hand and of this start of its machine."""
        for one in [*self.living, *self.hanging]:
            if one.name == name:
                return one if self.places[one] == self.places[by] else None
        one, journal = self.dead[name]
        return one if journal == "kept" and self.places[one] == self.places[by] else None

    # The promise.

    @invariant()
    def the_proof_adds_up(self) -> None:
        Promise.steps += 1
        found = proof.verify(self.office)
        assert found.ok, found

    @invariant()
    def what_is_cancelled_never_reached_the_relay(self) -> None:
        cancelled = select(delivery.c.id).where(delivery.c.state == "cancelled")
        with self.database.read() as connection:
            for number in connection.scalars(cancelled):
                assert not self.taken_by_relay[number]

    @invariant()
    def nothing_is_on_record_that_did_not_happen(self) -> None:
        """But for doubts, of which there may be more than reasons."""
        of = attempt.c.delivery_id, attempt.c.result
        query = select(*of, func.count().label("times")).group_by(*of)
        with self.database.read() as connection:
            for row in connection.execute(query.where(attempt.c.result != "unknown")):
                assert row.times <= self.heard[row.delivery_id, row.result]

    @invariant()
    def nothing_is_in_two_hands(self) -> None:
        held: set[int] = set()
        for one in [*self.living, *self.hanging]:
            assert one.hand.size == len(one.feed) + len(one.entered) + len(one.leaving)
            if one.tenure.holds:
                assert not held & one.in_hand
                held |= one.in_hand

    def teardown(self) -> None:
        """Work everything off; then nobody may be left."""
        if hasattr(self, "machines"):
            self.living += self.hanging
            self.hanging = []
            for worker in list(self.living):
                self.stop(worker)
            self.a_dispatcher_starts(0)
            self.work_off()
            self.check_the_end({*FINAL, "cancelled", "due"})
            self.let_all_go_on()
            self.work_off()
            self.check_the_end({*FINAL, "cancelled"})
            self.stop(self.living[0])
        self.folder.cleanup()

    def work_off(self) -> None:
        """Until nothing is due any more, ever, but what is held."""
        (last,) = self.living
        for _ in range(12):
            self.time_passes(12 * 60)
            self.take_over(last)
            last.keep_lease()
            while self.turn(last, 50, 50):
                for letter in list(last.feed):
                    last.enter(letter)
                    last.begin(letter)
                    self.answer(last, letter, ACCEPTED)
            last.write()
            last.books.give_back()
            with self.database.read() as connection:
                if not progress.due_later(connection):
                    break

    def let_all_go_on(self) -> None:
        with self.database.write() as connection:
            held = select(mailing.c.id).where(mailing.c.state == "held")
            for number in list(connection.scalars(held)):
                control.resume(connection, number, self.clock())

    def check_the_end(self, allowed: set[str]) -> None:
        self.the_proof_adds_up()
        with self.database.read() as connection:
            query = select(delivery.c.id, delivery.c.state, mailing.c.state.label("mailing"))
            rows = connection.execute(query.outerjoin_from(delivery, mailing)).all()
            over = connection.scalars(
                select(mailing.c.id).where(
                    mailing.c.state != "held", mailing.c.finished_at.is_(None)
                )
            ).all()
        assert not over, "they have no end"
        for row in rows:
            assert row.state in allowed
            assert row.state != "due" or row.mailing == "held"
            if row.state == "accepted":
                assert self.taken_by_relay[row.id]
            else:
                assert not self.taken_by_relay[row.id] or self.is_doubted(row.id)


def told(database: Database, steps: int) -> None:
    """Tell stories until so many steps were taken."""
    Promise.database = database
    Promise.steps = 0
    while Promise.steps < steps:
        run_state_machine_as_test(
            Promise,
            settings=settings(
                max_examples=2,
                stateful_step_count=6,
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

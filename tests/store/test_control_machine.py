"""Whatever dispatchers and operators do: the account adds up, and nothing that left is called cancelled."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support.desk import ACCEPTED, DEFERRED, REFUSED, UNKNOWN, import_readers, publish_one
from support.offices import Clock, make_office
from support.properties import ONE_FIXTURE
from support.workers import cut_finely, die, give_back, record, take

from mailer.core.delivery import Due
from mailer.services import proof
from mailer.services.office import Office
from mailer.store import control, mailings, retries
from mailer.store.database import Database

READERS = 12
OUTCOMES = (ACCEPTED, DEFERRED, REFUSED, UNKNOWN)
OPERATORS = ("pause", "resume", "cancel", "sweep", "retry")
STEPS = st.one_of(
    st.tuples(st.just("take"), st.integers(1, 5)),
    st.tuples(st.just("record"), st.integers(0, len(OUTCOMES) - 1)),
    st.tuples(st.sampled_from(["give back", "die", "later", *OPERATORS]), st.just(0)),
)


class Play:
    """One dispatcher and one operator at one mailing."""

    def __init__(self, office: Office, clock: Clock) -> None:
        self.office, self.clock = office, clock
        self.hand: list[Due] = []
        self.sent: set[int] = set()

    def step(self, act: str, number: int) -> None:
        """Do it, then see that the account adds up."""
        over = self.state == "cancelled"
        if act == "take":
            handed = take(self.office, number)
            assert not handed or self.state == "open"
            self.hand += handed
        elif act == "record" and self.hand:
            due, outcome = self.hand.pop(0), OUTCOMES[number]
            self.sent |= {due.id} if outcome in {ACCEPTED, UNKNOWN} else set()
            record(self.office, [due], outcome)
        elif act == "give back":
            give_back(self.office)
            self.hand.clear()
        elif act == "die":
            die(self.office)
            self.sent |= {due.id for due in self.hand}
            self.hand.clear()
        elif act == "later":
            self.clock.move(minutes=6)
        elif act in OPERATORS:
            self.operate(act)
        assert not over or self.state == "cancelled", "for good"
        found = proof.verify(self.office)
        assert found.ok, found

    def operate(self, act: str) -> None:
        """One operator's act."""
        now = self.office.clock()
        with self.office.database.write() as connection:
            if act == "pause":
                control.pause(connection, 1, "play")
            elif act == "resume":
                control.resume(connection, 1, now)
            elif act == "cancel":
                control.cancel(connection, 1, now)
            elif act == "sweep":
                control.sweep(connection, now)
            else:
                retries.reopen(connection, 1, retries.KINDS, now)

    @property
    def state(self) -> str:
        """The mailing's."""
        with self.office.database.read() as connection:
            (row,) = mailings.mailings(connection)
        return row.state

    def end(self) -> None:
        """Give back, cancel, sweep: then everything is settled, and called by its name."""
        for act in ("give back", "cancel", "sweep"):
            self.step(act, 0)
        with self.office.database.read() as connection:
            (row,) = mailings.mailings(connection)
            cancelled = set(
                connection.exec_driver_sql(
                    "SELECT id FROM delivery WHERE state = 'cancelled'"
                ).scalars()
            )
        assert row.state in {"cancelled", "finished"}
        assert (row.settled, row.finished_at is None) == (READERS, False)
        assert not cancelled & self.sent


@given(steps=st.lists(STEPS, max_size=25), size=st.integers(1, READERS))
@settings(ONE_FIXTURE, max_examples=12)
def test_the_account_adds_up_after_every_step(
    migrated_sqlite: Path, steps: list[tuple[str, int]], size: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mailer.sqlite"
        shutil.copyfile(migrated_sqlite, path)
        database, clock = Database(f"sqlite:///{path}"), Clock()
        try:
            office = make_office(database, clock)
            import_readers(office, READERS)
            publish_one(office)
            cut_finely(office, 1, size=size)
            play = Play(office, clock)
            for act, number in steps:
                play.step(act, number)
            play.end()
        finally:
            database.close()

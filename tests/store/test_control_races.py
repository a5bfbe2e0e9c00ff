"""Operators and dispatchers at once, on both databases: every letter has one fate, and it is the true one."""

import random
import threading
from dataclasses import dataclass, field

from sqlalchemy import select
from support.desk import (
    ACCEPTED,
    DEFERRED,
    REFUSED,
    import_readers,
    progress_of,
    publish_one,
    race,
    states,
)
from support.workers import cut_finely, give_back, record, take

from mailer.core.delivery import Outcome
from mailer.services import proof
from mailer.services.office import Office
from mailer.store import control, mailings, retries
from mailer.store.ledger_tables import delivery

READERS = 400
FATES = (ACCEPTED, ACCEPTED, ACCEPTED, DEFERRED, REFUSED)


@dataclass
class Worker:
    """A dispatcher that sends most of what it is handed, gives back the rest, and remembers."""

    office: Office
    name: str
    over: threading.Event
    told: dict[int, Outcome] = field(default_factory=dict)
    late: list[int] = field(default_factory=list)

    def work(self) -> None:
        """Until told that it is over; one more look then, which must find nothing."""
        chance = random.Random(self.name)
        while not self.over.is_set():
            handed = take(self.office, 12, self.name)
            sent = handed[: chance.randint(len(handed) // 2, len(handed))]
            for outcome in FATES:
                some = [due for due in sent if chance.choice(FATES) is outcome]
                sent = [due for due in sent if due not in some]
                record(self.office, some, outcome, worker=self.name)
                self.told |= {due.id: outcome for due in some}
            give_back(self.office, self.name)
        self.late = [due.id for due in take(self.office, 12, self.name)]


def fates(office: Office) -> dict[int, str]:
    with office.database.read() as connection:
        rows = connection.execute(select(delivery.c.id, delivery.c.state))
        return {row.id: row.state for row in rows}


def settled(office: Office, share: float) -> bool:
    with office.database.read() as connection:
        (row,) = mailings.mailings(connection)
    return row.settled >= share * row.audience or row.state == "finished"


def operate(office: Office, act: str) -> bool:
    with office.database.write() as connection:
        if act == "pause":
            return control.pause(connection, 1, "race")
        if act == "resume":
            return control.resume(connection, 1, office.clock())
        if act == "retry":
            return bool(retries.reopen(connection, 1, retries.KINDS, office.clock()))
        return control.cancel(connection, 1, office.clock())


def sweep(office: Office) -> int:
    with office.database.write() as connection:
        return control.sweep(connection, office.clock())


def test_cancelling_under_way_is_exact(office: Office) -> None:
    import_readers(office, READERS)
    publish_one(office)
    cut_finely(office, 1, size=9)
    over = threading.Event()
    workers = [Worker(office, name, over) for name in ("one", "two", "three")]

    def operator() -> None:
        try:
            while not settled(office, 0.3):
                for act in ("resume", "pause", "resume", "retry", "pause"):
                    operate(office, act)
            # Paused, lest it is over before anybody can cancel it; what was handed out goes on.
            cancel = [lambda: operate(office, "cancel")] * 2
            assert race(lambda: operate(office, "resume"), *cancel)[1:].count(True) == 1
        finally:
            over.set()

    race(*[worker.work for worker in workers], operator)
    while sweep(office):
        pass

    found = fates(office)
    assert [worker.late for worker in workers] == [[]] * 3
    assert set(found.values()) <= {"accepted", "refused", "cancelled"}
    told: dict[int, set[str]] = {}
    for worker in workers:
        for number, outcome in worker.told.items():
            told.setdefault(number, set()).add(outcome.result.value)
    accepted = {number for number, results in told.items() if "accepted" in results}
    assert {number for number, state in found.items() if state == "accepted"} == accepted
    assert len(found) == READERS
    assert "cancelled" in found.values()
    assert progress_of(office, 1) == ("cancelled", READERS, READERS)
    assert proof.verify(office).ok


def test_pausing_while_it_finishes_loses_nothing(office: Office) -> None:
    """Whoever wins, a mailing of which all is settled is finished once it is resumed."""
    import_readers(office, 30)
    publish_one(office)
    cut_finely(office, 1, size=7)

    def send() -> None:
        while not settled(office, 1):
            handed = take(office, 7)
            record(office, handed)
        give_back(office)

    def operator() -> None:
        while not settled(office, 1):
            operate(office, "pause")
            operate(office, "resume")

    race(send, operator, operator)
    operate(office, "resume")
    assert states(office) == {"accepted": 30}
    assert progress_of(office, 1) == ("finished", 30, 30)
    assert proof.verify(office).ok


def test_two_operators_and_a_retry_agree_on_the_count(office: Office) -> None:
    import_readers(office, 40)
    publish_one(office)
    record(office, take(office, 40), REFUSED)
    assert progress_of(office, 1) == ("finished", 40, 40)
    race(*[lambda: operate(office, "retry")] * 3)
    assert progress_of(office, 1) == ("open", 0, 40)
    race(lambda: operate(office, "cancel"), lambda: operate(office, "retry"))
    while sweep(office):
        pass
    assert states(office) == {"cancelled": 40}
    assert progress_of(office, 1) == ("cancelled", 40, 40)
    assert proof.verify(office).ok

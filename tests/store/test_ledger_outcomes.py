"""Recording: each outcome in its row, its attempt and its counter; a worker that lost its lease is fenced."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import text
from support.desk import (
    ACCEPTED,
    DEFERRED,
    REFUSED,
    UNKNOWN,
    attempts,
    came_of,
    chunks,
    import_readers,
    lease,
    progress_of,
    publish_one,
    race,
    row_of,
    states,
)
from support.offices import Clock
from support.readers import sign_up
from support.takeovers import take_over_all

from mailer.core.delivery import Blame, Due, Outcome, Phase, Result
from mailer.services.office import Office
from mailer.store import glance, ledger, outcomes, progress, takeover
from mailer.store.outcomes import Recorded

OURS = Outcome(Result.REFUSED, Phase.MAIL, 550, "5.7.1", "log in first", Blame.SENDER, "r")
BUSY = Outcome(Result.DEFERRED, Phase.MAIL, 451, "4.3.2", "busy", Blame.RELAY, "r")


def take(office: Office, want: int = 10, worker: str = "one") -> list[Due]:
    with office.database.write() as connection:
        return ledger.take(connection, lease(office, worker), want)


def record(office: Office, *recorded: Recorded, worker: str = "one") -> None:
    with office.database.write() as connection:
        outcomes.record(connection, lease(office, worker), recorded)


def taken_over(office: Office, *dead: str, by: str = "two") -> int:
    with office.database.write() as connection:
        return take_over_all(connection, lease(office, by), dead)


def hold_unknowns(office: Office) -> None:
    with office.database.write() as connection:
        connection.execute(text("UPDATE mailing SET unknown = 'hold'"))


@pytest.fixture
def due(office: Office) -> Due:
    """The one delivery of mailing 1, in the hand of worker one."""
    import_readers(office, 1)
    publish_one(office)
    (due,) = take(office)
    return due


@dataclass(frozen=True)
class Case:
    """An outcome under a policy, and what must be written of it."""

    outcome: Outcome
    policy: str
    state: str
    again_after: int | None
    counted: int = 1
    on_record: bool = True


CASES = [
    Case(ACCEPTED, "resend", "accepted", None, on_record=False),
    Case(REFUSED, "resend", "refused", None),
    Case(DEFERRED, "resend", "due", 5),
    Case(UNKNOWN, "resend", "due", 5),
    Case(UNKNOWN, "hold", "unknown", None),
    Case(BUSY, "resend", "due", 1, counted=0),
    Case(OURS, "hold", "due", 1, counted=0),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.outcome.result}-{case.state}")
def test_what_is_written(office: Office, case: Case) -> None:
    import_readers(office, 1)
    done = publish_one(office)
    if case.policy == "hold":
        hold_unknowns(office)
    (due,) = take(office)
    record(office, came_of(due, case.outcome, office))
    row, now = row_of(office, due.id), office.clock()
    final = case.again_after is None
    again = None if case.again_after is None else now + timedelta(minutes=case.again_after)
    assert (row.state, row.attempts, row.due_at) == (case.state, case.counted, again)
    assert (row.worker, row.lease_until) == (None, None)
    assert row.settled_at == (now if final else None)
    assert (row.code, row.reply) == (case.outcome.code, case.outcome.text)
    assert attempts(office) == ([(due.id, 1, case.outcome.result)] if case.on_record else [])
    assert progress_of(office, done.mailing_id) == ("open", int(final), 1)


def test_an_attempt_keeps_all_that_was_said(office: Office, due: Due) -> None:
    record(office, came_of(due, REFUSED, office))
    with office.database.read() as connection:
        row = connection.execute(text("SELECT * FROM attempt")).one()
    assert (row.relay, row.phase, row.code, row.enhanced, row.text, row.blame) == (
        "r",
        "rcpt",
        550,
        "5.1.1",
        "no such user",
        "reader",
    )


def test_the_longest_reply_fits(office: Office, due: Due) -> None:
    wordy = Outcome(Result.REFUSED, Phase.RCPT, 550, "5.123.123", "ø" * 500, relay="r" * 100)
    record(office, came_of(due, wordy, office))
    assert row_of(office, due.id).reply == "ø" * 200


def test_a_delivery_that_expired_is_settled(office: Office, due: Due) -> None:
    record(office, came_of(due, DEFERRED, office, expired=True))
    assert states(office) == {"expired": 1}
    assert progress_of(office, 1) == ("open", 1, 1)


def test_acceptance_after_a_retry_is_on_record_too(office: Office, clock: Clock, due: Due) -> None:
    record(office, came_of(due, DEFERRED, office))
    clock.move(minutes=5)
    (again,) = take(office)
    assert (again.id, again.attempts, again.alone) == (due.id, 1, True)
    record(office, came_of(again, ACCEPTED, office))
    assert attempts(office) == [(due.id, 1, "deferred"), (due.id, 2, "accepted")]
    assert progress_of(office, 1)[1] == 1


def test_a_retry_waits_for_its_time(office: Office, clock: Clock, due: Due) -> None:
    record(office, came_of(due, DEFERRED, office))
    clock.move(minutes=4, seconds=59)
    assert take(office) == []
    clock.move(seconds=1)
    assert len(take(office)) == 1


@pytest.mark.parametrize("outcome", [ACCEPTED, DEFERRED, REFUSED, UNKNOWN, BUSY])
def test_written_twice_is_written_once(office: Office, due: Due, outcome: Outcome) -> None:
    """A turn whose commit was not seen is written again."""
    record(office, came_of(due, outcome, office))
    once = row_of(office, due.id), attempts(office), progress_of(office, 1)
    record(office, came_of(due, outcome, office))
    assert (row_of(office, due.id), attempts(office), progress_of(office, 1)) == once


def test_a_notice_moves_no_mailing(office: Office) -> None:
    sign_up(office, "anna@example.org")
    (due,) = take(office)
    record(office, came_of(due, ACCEPTED, office))
    assert states(office) == {"accepted": 1}


@pytest.mark.parametrize("late", [DEFERRED, REFUSED, UNKNOWN, BUSY])
def test_a_worker_that_lost_its_lease_changes_nothing(
    office: Office, due: Due, late: Outcome
) -> None:
    assert taken_over(office, "one") == 1
    before = row_of(office, due.id), attempts(office), progress_of(office, 1)
    record(office, came_of(due, late, office))
    assert (row_of(office, due.id), attempts(office), progress_of(office, 1)) == before


def test_late_acceptance_is_believed_while_nobody_holds_the_row(office: Office, due: Due) -> None:
    taken_over(office, "one")
    record(office, came_of(due, ACCEPTED, office))
    assert states(office) == {"accepted": 1}
    assert attempts(office) == [(due.id, 1, "unknown"), (due.id, 2, "accepted")]
    assert progress_of(office, 1) == ("open", 1, 1)
    assert take(office, worker="two") == [], "it is not sent again"


def test_late_acceptance_of_what_is_held_as_unknown_is_counted_once(office: Office) -> None:
    import_readers(office, 2)
    publish_one(office)
    hold_unknowns(office)
    due, other = take(office)
    assert taken_over(office, "one") == 2
    assert progress_of(office, 1) == ("open", 2, 2)
    record(office, came_of(due, ACCEPTED, office))
    assert states(office) == {"accepted": 1, "unknown": 1}
    assert progress_of(office, 1) == ("open", 2, 2)
    assert row_of(office, other.id).state == "unknown"


def test_what_another_worker_holds_is_his_to_tell(office: Office, due: Due) -> None:
    taken_over(office, "one")
    (again,) = take(office, worker="two")
    record(office, came_of(due, ACCEPTED, office), worker="one")
    assert row_of(office, due.id).worker == "two"
    record(office, came_of(again, REFUSED, office), worker="two")
    assert states(office) == {"refused": 1}


def test_late_acceptance_beats_a_refusal_of_the_second_copy(office: Office, due: Due) -> None:
    """The reader has the mail, whatever became of the copy."""
    taken_over(office, "one")
    (again,) = take(office, worker="two")
    record(office, came_of(again, REFUSED, office), worker="two")
    record(office, came_of(due, ACCEPTED, office), worker="one")
    assert states(office) == {"accepted": 1}
    assert progress_of(office, 1)[1] == 1


def test_a_worker_whose_lease_has_passed_still_tells_of_what_nobody_took(
    office: Office, clock: Clock, due: Due
) -> None:
    clock.move(hours=1)
    record(office, came_of(due, REFUSED, office))
    assert states(office) == {"refused": 1}


def test_outcomes_of_many_workers_at_once_add_up(office: Office) -> None:
    import_readers(office, 60)
    publish_one(office, title="Den ene")
    publish_one(office, title="Den anden")

    def work(worker: str) -> None:
        while handed := take(office, 7, worker):
            record(office, *(came_of(due, ACCEPTED, office) for due in handed), worker=worker)
            with office.database.write() as connection:
                progress.tidy(connection, worker, office.clock())

    race(lambda: work("one"), lambda: work("two"), lambda: work("three"))
    with office.database.write() as connection:
        progress.tidy(connection, "one", office.clock())
    assert states(office) == {"accepted": 120}
    assert [progress_of(office, number) for number in (1, 2)] == [("finished", 60, 60)] * 2
    assert {chunk.state for chunk in chunks(office)} == {"done"}


def test_tidy_closes_what_is_done_and_nothing_else(office: Office, clock: Clock) -> None:
    import_readers(office, 2)
    publish_one(office)

    def tidied() -> int:
        with office.database.write() as connection:
            return progress.tidy(connection, "one", office.clock())

    first, second = take(office)
    record(office, came_of(first, ACCEPTED, office))
    assert tidied() == 0
    assert chunks(office)[0].state == "leased"
    record(office, came_of(second, DEFERRED, office))
    assert tidied() == 0
    assert chunks(office)[0].state == "done", "a retry goes alone"
    assert progress_of(office, 1) == ("open", 1, 2)
    clock.move(minutes=5)
    (again,) = take(office)
    record(office, came_of(again, ACCEPTED, office))
    assert tidied() == 1
    assert progress_of(office, 1) == ("finished", 2, 2)


def test_what_is_due_later_is_counted_row_by_row(office: Office) -> None:
    import_readers(office, 9)
    publish_one(office)
    sign_up(office, "anna@example.org")
    handed = take(office, 6)
    notice, first, second, *_ = handed
    record(office, came_of(first, ACCEPTED, office), came_of(second, DEFERRED, office))
    with office.database.write() as connection:
        takeover.give_back(connection, lease(office))
        assert progress.due_later(connection) == 9, "the notice, the retry, seven of nine"
    url = office.database.engine.url.render_as_string(hide_password=False)
    assert glance.due_later(url) == 9, "the bare driver counts alike"
    assert notice.purpose == "confirm"

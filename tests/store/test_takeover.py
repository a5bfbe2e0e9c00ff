"""Leases end well: what was not begun is due again, what may have left is on record first."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import text
from support.desk import (
    ACCEPTED,
    DEFERRED,
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
from support.offices import Clock, make_office
from support.readers import sign_up

from mailer.core.delivery import Due
from mailer.services import proof
from mailer.services.office import Office
from mailer.store import control, ledger, outcomes, progress, proofs, takeover
from mailer.store.database import Database
from mailer.store.outcomes import Recorded


def take(office: Office, want: int = 10, worker: str = "one") -> list[Due]:
    with office.database.write() as connection:
        return ledger.take(connection, lease(office, worker), want)


def record(office: Office, *recorded: Recorded, worker: str = "one") -> None:
    with office.database.write() as connection:
        outcomes.record(connection, lease(office, worker), recorded)


def give_back(office: Office, worker: str = "one") -> None:
    with office.database.write() as connection:
        takeover.give_back(connection, lease(office, worker))


def take_over(office: Office, *dead: str, by: str = "two") -> int:
    """Take over, if a look finds anything; the look must never miss what taking over finds."""
    return sum(
        take_over_from(office, worker, dead=worker in dead, by=by)
        for worker in lost(office, *dead, by=by) | set(dead)
    )


def lost(office: Office, *dead: str, by: str = "two") -> set[str]:
    with office.database.read() as connection:
        return set(takeover.lost(connection, lease(office, by), dead))


def take_over_from(
    office: Office,
    worker: str,
    *,
    dead: bool = True,
    begun: Sequence[int] | None = None,
    by: str = "two",
) -> int:
    """Take over from one; a look must never miss where something is found."""
    found = worker in lost(office, *[worker] * dead, by=by)
    with office.database.write() as connection:
        doubtful = takeover.take_over(connection, lease(office, by), worker, dead=dead, begun=begun)
    assert found or not doubtful
    return doubtful


def drain(office: Office, worker: str = "two") -> list[int]:
    """Have everything that is due accepted."""
    sent: list[int] = []
    while handed := take(office, 100, worker):
        record(office, *(came_of(due, ACCEPTED, office) for due in handed), worker=worker)
        sent += [due.id for due in handed]
    with office.database.write() as connection:
        progress.tidy(connection, worker, office.clock())
    return sent


def test_what_was_not_begun_is_given_back_and_nothing_else(office: Office) -> None:
    import_readers(office, 6)
    publish_one(office)
    sign_up(office, "anna@example.org")
    notice, a, b, c, d = take(office, 5)
    record(office, came_of(a, ACCEPTED, office), came_of(c, DEFERRED, office))
    give_back(office)
    (chunk,) = chunks(office)
    assert (chunk.state, chunk.worker, chunk.lease_until) == ("open", None, None)
    assert chunk.mark == b.id - 1
    assert row_of(office, notice.id).worker is None
    assert attempts(office) == [(c.id, 1, "deferred")], "nothing is in doubt"
    with office.database.read() as connection:
        assert proofs.stranded(connection, 1) == []
    sent = drain(office)
    assert sorted(sent) == sorted({notice.id, b.id, d.id, d.id + 1, d.id + 2})
    assert states(office) == {"accepted": 6, "due": 1}


def test_a_whole_chunk_that_was_done_is_given_back_done(office: Office) -> None:
    import_readers(office, 2)
    publish_one(office)
    record(office, *(came_of(due, ACCEPTED, office) for due in take(office)))
    give_back(office)
    with office.database.write() as connection:
        assert progress.tidy(connection, "another", office.clock()) == 1
    assert progress_of(office, 1) == ("finished", 2, 2)


def test_giving_back_leaves_others_alone(office: Office) -> None:
    import_readers(office, 501)
    publish_one(office)
    take(office, 1, "one")
    take(office, 1, "two")
    give_back(office, "one")
    assert [(chunk.state, chunk.worker) for chunk in chunks(office)] == [
        ("open", None),
        ("leased", "two"),
    ]


@pytest.mark.parametrize("known_dead", [True, False])
@pytest.mark.parametrize("policy", ["resend", "hold"])
def test_what_a_dead_worker_may_have_sent_is_on_record_first(
    office: Office, clock: Clock, policy: str, known_dead: bool
) -> None:
    import_readers(office, 6)
    publish_one(office)
    with office.database.write() as connection:
        connection.execute(text(f"UPDATE mailing SET unknown = '{policy}'"))
    sent, deferred, third, fourth = take(office, 4)
    record(office, came_of(sent, ACCEPTED, office), came_of(deferred, DEFERRED, office))
    if not known_dead:
        clock.move(seconds=61)
    assert take_over(office, *["one"] * known_dead) == 2
    doubted = [(third.id, 1, "unknown"), (fourth.id, 1, "unknown")]
    assert attempts(office) == [(deferred.id, 1, "deferred"), *doubted]
    expected = "due" if policy == "resend" else "unknown"
    for due in (third, fourth):
        row = row_of(office, due.id)
        assert (row.state, row.attempts, row.worker) == (expected, 1, None)
        assert row.due_at == (office.clock() if policy == "resend" else None)
        assert row.settled_at == (None if policy == "resend" else office.clock())
    assert progress_of(office, 1)[1] == (1 if policy == "resend" else 3)
    clock.move(minutes=5)
    drain(office)
    held = {} if policy == "resend" else {"unknown": 2}
    assert states(office) == {"accepted": 6 - len(held) * 2, **held}
    assert progress_of(office, 1) == ("finished", 6, 6)
    assert proof.verify(office).ok


def test_a_notice_in_a_dead_hand_is_due_again(office: Office) -> None:
    sign_up(office, "anna@example.org")
    (due,) = take(office)
    assert take(office, worker="two") == [], "it is in one's hand"
    assert take_over(office, "one") == 1
    (again,) = take(office, worker="two")
    assert (again.id, again.attempts, again.made_at) == (due.id, 1, due.made_at)
    assert attempts(office) == [(due.id, 1, "unknown")]


def test_the_living_keep_what_they_hold(office: Office, clock: Clock) -> None:
    import_readers(office, 2)
    publish_one(office)
    sign_up(office, "anna@example.org")
    assert len(take(office, 2)) == 2
    clock.move(seconds=59)
    assert take_over(office, "somebody-else") == 0
    with office.database.write() as connection:
        takeover.renew(connection, lease(office))
    clock.move(seconds=59)
    assert take_over(office) == 0
    assert chunks(office)[0].lease_until == office.clock() + timedelta(seconds=1)
    clock.move(seconds=2)
    assert take_over(office) == 2


def test_nobody_takes_over_from_himself(office: Office, clock: Clock) -> None:
    import_readers(office, 2)
    publish_one(office)
    sign_up(office, "anna@example.org")
    assert len(take(office, 2)) == 2
    clock.move(hours=1)
    assert take_over(office, "one", by="one") == 0


def test_what_was_never_handed_out_is_in_no_doubt(office: Office) -> None:
    import_readers(office, 5)
    publish_one(office)
    (first,) = take(office, 1)
    record(office, came_of(first, ACCEPTED, office))
    assert take_over(office, "one") == 0
    assert chunks(office)[0].state == "open"
    assert len(drain(office)) == 4
    assert attempts(office) == []


@pytest.mark.postgresql  # SQLite has one writer: nobody can look while another writes
def test_a_row_that_its_dying_worker_still_writes_to_is_not_stranded(
    postgresql_database: Database, clock: Clock
) -> None:
    """Its transaction ends one way or the other after we looked: then the chunk is looked at again."""
    office = make_office(postgresql_database, clock)
    import_readers(office, 3)
    publish_one(office)
    first, *_ = take(office, 3)
    with office.database.engine.connect() as dying:
        dying.execute(text(f"SELECT id FROM delivery WHERE id = {first.id} FOR UPDATE"))
        assert take_over(office, "one") == 2
        dying.rollback()
    assert take_over(office, "one") == 1
    assert sorted(drain(office)) == [first.id, first.id + 1, first.id + 2]
    assert proof.verify(office).ok


def test_two_that_take_over_at_once_doubt_each_delivery_once(office: Office) -> None:
    import_readers(office, 30)
    publish_one(office)
    sign_up(office, "anna@example.org")
    take(office, 31)
    doubts = race(*(lambda name=name: take_over(office, "one", by=name) for name in "abc"))
    assert sum(doubts) == 31
    assert len(attempts(office)) == 31
    assert len(drain(office)) == 31


def test_with_the_journal_at_hand_only_what_was_begun_is_in_doubt(office: Office) -> None:
    import_readers(office, 6)
    publish_one(office)
    sign_up(office, "anna@example.org")
    sign_up(office, "bent@example.org")
    first, other, sent, begun, third, *_ = take(office, 6)
    record(office, came_of(sent, ACCEPTED, office))
    assert take_over_from(office, "one", begun=[first.id, begun.id, 999]) == 2
    assert attempts(office) == [(begun.id, 1, "unknown"), (first.id, 1, "unknown")]
    for due in (other, third):
        row = row_of(office, due.id)
        assert (row.state, row.attempts, row.worker, row.lease_until) == ("due", 0, None, None)
    (chunk,) = chunks(office)
    assert (chunk.state, chunk.worker, chunk.mark) == ("open", None, third.id - 1)
    again = drain(office)
    assert sorted(again) == sorted({*range(sent.id, sent.id + 6), first.id, other.id} - {sent.id})
    assert len(again) == len(set(again))
    assert proof.verify(office).ok


def test_with_an_empty_journal_nothing_is_in_doubt(office: Office) -> None:
    import_readers(office, 4)
    publish_one(office)
    sign_up(office, "anna@example.org")
    handed = take(office, 3)
    assert take_over_from(office, "one", begun=[]) == 0
    assert attempts(office) == []
    assert lost(office, "one") == set()
    assert sorted(due.id for due in take(office, 3, "two")) == sorted(due.id for due in handed)


def test_a_retry_in_a_dead_hand_is_free_again_as_it_was(office: Office, clock: Clock) -> None:
    import_readers(office, 2)
    publish_one(office)
    record(office, *(came_of(due, DEFERRED, office) for due in take(office)))
    clock.move(minutes=5)
    begun, waiting = take(office)
    assert take_over_from(office, "one", begun=[begun.id]) == 1
    row = row_of(office, waiting.id)
    assert (row.state, row.attempts, row.due_at, row.worker) == ("due", 1, clock(), None)
    assert attempts(office, waiting.id) == [(waiting.id, 1, "deferred")]
    assert attempts(office, begun.id)[1:] == [(begun.id, 2, "unknown")]
    assert sorted(drain(office)) == [begun.id, waiting.id]


@pytest.mark.parametrize("tried_before", [False, True])
def test_what_is_held_as_unknown_waits_for_no_moment(
    office: Office, clock: Clock, tried_before: bool
) -> None:
    import_readers(office, 1)
    publish_one(office)
    if tried_before:
        record(office, *(came_of(due, DEFERRED, office) for due in take(office)))
        clock.move(minutes=5)
    (due,) = take(office)
    with office.database.write() as connection:
        connection.execute(text("UPDATE mailing SET unknown = 'hold'"))
    assert take_over_from(office, "one") == 1
    row = row_of(office, due.id)
    assert (row.state, row.due_at, row.worker, row.settled_at) == ("unknown", None, None, clock())
    assert progress_of(office, 1)[1:] == (1, 1)


@pytest.mark.parametrize("begun", [False, True])
def test_of_a_cancelled_mailing_what_may_have_left_is_unknown_and_the_rest_cancelled(
    office: Office, begun: bool
) -> None:
    import_readers(office, 4)
    publish_one(office)
    sent, second, third = take(office, 3)
    record(office, came_of(sent, ACCEPTED, office))
    with office.database.write() as connection:
        assert control.cancel(connection, 1, office.clock())
    assert states(office) == {"accepted": 1, "due": 2, "cancelled": 1}
    assert take_over_from(office, "one", begun=[second.id] if begun else None) == (
        1 if begun else 2
    )
    with office.database.write() as connection:
        control.sweep(connection, office.clock())
    last = {"unknown": 1, "cancelled": 2} if begun else {"unknown": 2, "cancelled": 1}
    assert states(office) == {"accepted": 1, **last}
    assert row_of(office, second.id).state == "unknown"
    assert (row_of(office, third.id).state == "cancelled") is begun
    assert progress_of(office, 1) == ("cancelled", 4, 4)
    assert proof.verify(office).ok


def test_a_lease_that_still_runs_is_left_when_another_of_the_same_worker_has_ended(
    office: Office, clock: Clock
) -> None:
    import_readers(office, 501)
    publish_one(office)
    early = take(office, 500)
    clock.move(seconds=40)
    (late,) = take(office, 1)
    clock.move(seconds=30)
    assert take_over_from(office, "one", dead=False, begun=[early[0].id, late.id]) == 1
    assert [(chunk.state, chunk.worker) for chunk in chunks(office)] == [
        ("open", None),
        ("leased", "one"),
    ]
    assert row_of(office, late.id).state == "due"
    assert attempts(office) == [(early[0].id, 1, "unknown")]


def put_off(office: Office, *deliveries: int, minutes: float = 1, worker: str = "one") -> None:
    with office.database.write() as connection:
        until = office.clock() + timedelta(minutes=minutes)
        takeover.put_off(connection, lease(office, worker), deliveries, until)


def test_what_is_put_off_comes_back_in_time_and_counts_no_try(office: Office, clock: Clock) -> None:
    import_readers(office, 4)
    publish_one(office)
    sign_up(office, "anna@example.org")
    notice, first, second = take(office, 3)
    put_off(office, notice.id, second.id)
    record(office, came_of(first, ACCEPTED, office))
    assert attempts(office) == []
    assert len(take(office)) == 2, "the rest of the mailing does not wait for it"
    clock.move(minutes=1)
    again = take(office)
    assert {due.id for due in again} == {notice.id, second.id}
    assert {due.attempts for due in again} == {0}
    assert {due.alone for due in again} == {True}


def test_nobody_puts_off_what_another_has_taken_over(office: Office, clock: Clock) -> None:
    """A worker that hung lets go of its letters as it wakes; they are another's by now."""
    import_readers(office, 3)
    publish_one(office)
    sign_up(office, "anna@example.org")
    hung = take(office, 4)
    assert take_over_from(office, "one", begun=[]) == 0
    ours = take(office, 4, "two")
    assert {due.id for due in ours} == {due.id for due in hung}
    put_off(office, *(due.id for due in hung), minutes=0)
    clock.move(minutes=1)
    assert take(office, 9, "three") == [], "they are all in two's hand"
    record(office, *(came_of(due, ACCEPTED, office) for due in ours), worker="two")
    assert states(office) == {"accepted": 4}


def test_nobody_puts_off_what_has_its_outcome(office: Office, clock: Clock) -> None:
    import_readers(office, 1)
    publish_one(office)
    (due,) = take(office)
    record(office, came_of(due, ACCEPTED, office))
    put_off(office, due.id)
    assert states(office) == {"accepted": 1}


def test_a_worker_that_hung_does_not_speak_for_what_another_has_in_hand(office: Office) -> None:
    """It was refused at RCPT: no content was ever begun, so nothing was in doubt when it was taken over."""
    import_readers(office, 1)
    publish_one(office)
    (due,) = take(office)
    assert take_over_from(office, "one", begun=[]) == 0
    (again,) = take(office, worker="two")
    record(office, came_of(due, DEFERRED, office))
    assert attempts(office) == []
    assert take(office, worker="three") == [], "it is in two's hand"
    record(office, came_of(again, ACCEPTED, office), worker="two")
    assert states(office) == {"accepted": 1}


@pytest.mark.postgresql  # SQLite has one writer at a time
def test_a_dying_commit_goes_before_taking_over(
    postgresql_database: Database, clock: Clock
) -> None:
    """What its server still writes for a dead worker is waited for, or left to the next look."""
    office = make_office(postgresql_database, clock)
    import_readers(office, 2)
    publish_one(office)
    first, second = take(office)
    with office.database.engine.begin() as dying:
        outcomes.record(dying, lease(office), [came_of(first, DEFERRED, office)])
        assert take_over_from(office, "one", begun=[]) == 0
        assert lost(office, "one") == {"one"}, "and is looked at again"
    assert take_over_from(office, "one", begun=[]) == 0
    assert lost(office, "one") == set()
    assert attempts(office) == [(first.id, 1, "deferred")]
    assert [due.id for due in take(office, worker="two")] == [second.id]

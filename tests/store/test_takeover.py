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
from mailer.store import ledger, outcomes, progress, proofs, takeover
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
        doubtful = takeover.take_over(
            connection, lease(office, by), worker, dead=dead, begun=begun
        )
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
@pytest.mark.postgresql
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

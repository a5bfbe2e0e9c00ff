"""The statements that are written for speed say what the slow ways say, on both databases."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update
from support.desk import ACCEPTED, came_of, import_readers, lease, publish_one
from support.offices import START
from support.properties import ONE_FIXTURE

from mailer.core.delivery import Blame, Due, Outcome, Phase, Result
from mailer.services.office import Office
from mailer.store import claims, ledger, outcomes
from mailer.store.database import Connection
from mailer.store.ledger_tables import attempt, chunk, delivery, mailing
from mailer.store.progress import SETTLED
from mailer.store.tables import subscriber, subscription, suppression
from mailer.store.window import Window, read_window, settle_accepted

READERS = 8
MAILING = 1
quickly = settings(ONE_FIXTURE, max_examples=40)


@dataclass(frozen=True)
class Standing:
    """How one delivery and its reader may stand, likely or not."""

    state: str = "due"
    due_in: int | None = None
    worker: str | None = None
    attempts: int = 0
    subscription: str = "active"
    suppressed: bool = False


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """The usual, more often than not."""
    return st.sampled_from([usual] * len(others) * 2 + list(others))


standings = st.lists(
    st.builds(
        Standing,
        state=mostly("due", "accepted", "refused", "unknown", "ended", "expired", "cancelled"),
        due_in=mostly(None, -60, 60),
        worker=mostly(None, "one", "two"),
        attempts=mostly(0, 1, 2),
        subscription=mostly("active", "pending", "ended"),
        suppressed=mostly(False, True),
    ),
    min_size=READERS,
    max_size=READERS,
)


@contextmanager
def undone(office: Office) -> Iterator[Connection]:
    """A writing transaction that leaves no trace."""
    with office.database.engine.connect() as connection:
        connection.info["writing"] = True
        try:
            yield connection
        finally:
            connection.rollback()
            connection.info["writing"] = False


def handed_out(office: Office) -> list[Due]:
    """A mailing's deliveries, all in the hand of worker one; made once for a test."""
    with office.database.read() as connection:
        made = connection.scalar(select(mailing.c.id))
    if made is None:
        import_readers(office, READERS)
        assert publish_one(office).mailing_id == MAILING
        with office.database.write() as connection:
            ledger.take(connection, lease(office), 100)
    with office.database.read() as connection:
        numbers = list(connection.scalars(select(delivery.c.id).order_by(delivery.c.id)))
        found = sorted(claims.owed(connection, numbers), key=lambda due: due.id)
        first = found[0].id
        return [due._replace(attempts=0, alone=False, chunk=first) for due in found]


def stand(connection: Connection, dues: Sequence[Due], standing: Sequence[Standing]) -> None:
    """Have the ledger say so."""
    for due, one in zip(dues, standing, strict=True):
        due_at = None if one.due_in is None else START + timedelta(seconds=one.due_in)
        values = {
            "state": one.state,
            "due_at": due_at,
            "worker": one.worker,
            "attempts": one.attempts,
            "settled_at": None if one.state == "due" else START,
        }
        connection.execute(update(delivery).where(delivery.c.id == due.id).values(values))
        of = subscription.c.id == due.subscription_id
        connection.execute(update(subscription).where(of).values(state=one.subscription))
        if one.suppressed:
            hashed = connection.scalar(select(subscriber.c.hash).join(subscription).where(of))
            row = {"hash": hashed, "reason": "complaint", "made_at": START}
            connection.execute(insert(suppression).values(row))


@quickly
@given(
    standings,
    st.integers(0, READERS - 1),
    st.integers(0, READERS - 1),
    mostly(START, START - timedelta(days=1)),
)
def test_a_window_is_read_as_consent_is_asked_of_anything_else(
    office: Office, standing: list[Standing], first: int, last: int, made_at: datetime
) -> None:
    dues = handed_out(office)
    with undone(office) as connection:
        stand(connection, dues, standing)
        window = Window(MAILING, made_at, dues[0].id, dues[first].id, dues[last].id, "hold")
        mailable, ended = read_window(connection, window)
        within = slice(first, max(first, last + 1))
        first_tries = [
            due.id
            for due, one in zip(dues[within], standing[within], strict=True)
            if one.state == "due" and one.due_in is None
        ]
        assert sorted([*(due.id for due in mailable), *ended]) == first_tries
        kept, gone = asked_one_by_one(office, connection, first_tries)
    assert [due._replace(unknown="resend", chunk=None) for due in mailable] == kept
    assert {due.unknown for due in mailable} <= {"hold"}, "as the window says"
    assert ended == gone


def asked_one_by_one(
    office: Office, connection: Connection, numbers: Sequence[int]
) -> tuple[list[Due], list[int]]:
    """What comes of these deliveries if each is claimed by itself: handed out, and ended."""
    chosen = delivery.c.id.in_(numbers)
    connection.execute(update(delivery).values(due_at=None))
    alone = {"due_at": START, "worker": None, "attempts": 0}
    connection.execute(update(delivery).where(chosen).values(alone))
    kept = claims.claim(connection, lease(office), 1, 100) or []
    ended = select(delivery.c.id).where(chosen, delivery.c.state == "ended")
    gone = connection.scalars(ended.order_by(delivery.c.id))
    return [due._replace(alone=False) for due in kept], list(gone)


def after(
    office: Office,
    standing: Sequence[Standing],
    holder: str | None,
    told: Sequence[tuple[int, Outcome]],
    *,
    poisoned: bool,
) -> tuple[object, ...]:
    """All that the ledger says once outcomes are recorded; poisoned, none of them goes the fast way."""
    dues = handed_out(office)
    recorded = [came_of(dues[place], outcome, office) for place, outcome in told]
    with undone(office) as connection:
        stand(connection, dues, standing)
        held = {"state": "leased" if holder else "open", "worker": holder}
        connection.execute(update(chunk).values(held))
        connection.execute(update(delivery).where(delivery.c.id == dues[-1].id).values(KNOWN))
        if poisoned:
            recorded.append(came_of(dues[-1], ACCEPTED, office))
        outcomes.record(connection, lease(office), recorded)
        return (
            connection.execute(select(delivery).order_by(delivery.c.id)).all(),
            connection.execute(
                select(*(column for column in attempt.c if column is not attempt.c.id)).order_by(
                    attempt.c.delivery_id, attempt.c.number
                )
            ).all(),
            connection.execute(select(mailing.c.id, SETTLED)).all(),
        )


KNOWN = {"state": "accepted", "due_at": None, "worker": None, "attempts": 1, "settled_at": START}
"""What is accepted already is no news, and no first try."""

words = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), max_size=300)
acceptances = st.builds(
    Outcome,
    st.just(Result.ACCEPTED),
    st.just(Phase.CONTENT),
    st.integers(200, 299),
    st.sampled_from(["", "2.0.0", "2.123.123"]),
    words,
    st.sampled_from(Blame),
    st.sampled_from(["", "main"]),
)
told = st.lists(
    st.tuples(st.integers(0, READERS - 2), acceptances), unique_by=lambda one: one[0], max_size=8
)
first_tries = st.lists(
    st.builds(Standing, subscription=mostly("active", "ended")), min_size=8, max_size=8
)


@quickly
@given(st.one_of(first_tries, standings), st.sampled_from(["one", "two", None]), told)
def test_acceptances_are_written_as_any_other_outcome(
    office: Office, standing: list[Standing], holder: str | None, told: list[tuple[int, Outcome]]
) -> None:
    fast = after(office, standing, holder, told, poisoned=False)
    assert fast == after(office, standing, holder, told, poisoned=True)


@pytest.mark.parametrize(("holder", "counted"), [("one", (3, 0)), ("two", (0, 3)), (None, (0, 3))])
def test_a_chunk_counts_what_its_own_worker_was_told(
    office: Office, holder: str | None, counted: tuple[int, int]
) -> None:
    """Of somebody else's chunk the mailing counts it: that row may be locked."""
    dues = handed_out(office)
    with undone(office) as connection:
        held = {"state": "leased" if holder else "open", "worker": holder}
        connection.execute(update(chunk).values(held))
        recorded = [came_of(due, ACCEPTED, office) for due in dues[:3]]
        outcomes.record(connection, lease(office), recorded)
        counters = select(chunk.c.accepted, mailing.c.settled_otherwise, SETTLED).join(mailing)
        assert connection.execute(counters).one() == (*counted, 3)
        outcomes.record(connection, lease(office), recorded)  # its commit was not seen
        assert connection.execute(counters).one() == (*counted, 3)


@quickly
@given(standings, st.sets(st.integers(0, READERS - 1), min_size=1))
def test_the_fast_way_writes_first_tries_and_nothing_else(
    office: Office, standing: list[Standing], places: set[int]
) -> None:
    dues = handed_out(office)
    with undone(office) as connection:
        stand(connection, dues, standing)
        before = connection.execute(select(delivery).order_by(delivery.c.id)).all()
        told = {dues[place].id: f"kept as {place}" for place in places}
        done = settle_accepted(connection, told, 250, START)
        now = connection.execute(select(delivery).order_by(delivery.c.id)).all()
    plain = {"state": "due", "due_at": None, "worker": None, "attempts": 0}
    firsts = {
        place
        for place in places
        if all(getattr(before[place], name) == value for name, value in plain.items())
    }
    assert done == len(firsts)
    for place, (was, found) in enumerate(zip(before, now, strict=True)):
        if place in firsts:
            written = (found.state, found.attempts, found.settled_at, found.code, found.reply)
            assert written == ("accepted", 1, START, 250, f"kept as {place}")
        else:
            assert found == was

"""Endings that several find at once: nobody waits for another, and nothing that is due again is over."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from support.desk import (
    ACCEPTED,
    REFUSED,
    came_of,
    chunks,
    import_readers,
    lease,
    progress_of,
    publish_one,
    states,
)
from support.dispatching import dispatch, over
from support.offices import Clock, make_office
from support.postgres import until_waited_for
from support.scripted_server import ScriptedServer
from support.workers import cut_finely, record, take

from mailer.core.delivery import Due
from mailer.services import proof
from mailer.services.office import Office
from mailer.store import glance, outcomes, progress, retries
from mailer.store.database import Connection, Database


@pytest.fixture
def postgresql(postgresql_database: Database, clock: Clock) -> Office:
    return make_office(postgresql_database, clock)


@contextmanager
def recording(office: Office, worker: str, dues: list[Due]) -> Iterator[Connection]:
    """A turn of a worker to whom all was accepted, and which is not committed yet."""
    with office.database.write() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        told = [came_of(due, ACCEPTED, office) for due in dues]
        outcomes.record(connection, lease(office, worker), told)
        progress.tidy(connection, worker, office.clock())
        yield connection


def two_at_work(office: Office, readers: int = 2) -> tuple[list[Due], list[Due]]:
    """A mailing in two chunks, each in the hand of a worker."""
    import_readers(office, readers)
    publish_one(office)
    cut_finely(office, 1, size=readers // 2)
    return take(office, readers // 2, "one"), take(office, readers // 2, "two")


def test_workers_count_without_waiting_for_one_another(postgresql: Office) -> None:
    one, two = two_at_work(postgresql, 8)
    with recording(postgresql, "one", one[:3]), recording(postgresql, "two", two[:2]):
        assert progress_of(postgresql, 1) == ("open", 0, 8)
    assert [row.accepted for row in chunks(postgresql)] == [3, 2]
    assert progress_of(postgresql, 1) == ("open", 5, 8)


def test_a_mailing_that_ends_in_two_hands_at_once_is_finished_by_the_next_who_looks(
    postgresql: Office, tmp_path: Path
) -> None:
    """Neither sees that the other is ready."""
    one, two = two_at_work(postgresql)
    with recording(postgresql, "one", one), recording(postgresql, "two", two):
        pass
    assert [row.state for row in chunks(postgresql)] == ["done", "done"]
    assert progress_of(postgresql, 1) == ("open", 2, 2)
    url = postgresql.database.engine.url.render_as_string(hide_password=False)
    assert not glance.idle(url, postgresql.clock())
    with ScriptedServer().running() as server:
        assert dispatch(postgresql, tmp_path, over(server)).accepted == 0
    assert progress_of(postgresql, 1) == ("finished", 2, 2)
    assert glance.idle(url, postgresql.clock())


def test_what_is_made_due_again_meanwhile_keeps_a_mailing_open(postgresql: Office) -> None:
    """Who finishes it waits for who reopens a part of it, and looks again."""
    one, two = two_at_work(postgresql)
    record(postgresql, one, REFUSED, worker="one")
    with ThreadPoolExecutor(1) as pool:
        with postgresql.database.write() as connection:
            again = retries.reopen(connection, 1, ["refused"], postgresql.clock())
            last = pool.submit(record, postgresql, two, worker="two")
            until_waited_for(connection)
        last.result(10)
    assert again == {"refused": 1}
    assert progress_of(postgresql, 1) == ("open", 1, 2)
    record(postgresql, take(postgresql))
    assert progress_of(postgresql, 1) == ("finished", 2, 2)
    assert states(postgresql) == {"accepted": 2}
    assert proof.verify(postgresql).ok

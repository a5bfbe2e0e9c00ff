"""Visitors who come at the same moment share a transaction, on both databases, and nothing else."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import Connection, event, func, select, text
from sqlalchemy.exc import IntegrityError
from support.desk import import_readers
from support.offices import UM, make_office
from support.readers import PAGE, WORDING, leave_token, notices

from mailer.core.address import parse_address
from mailer.core.consent import Reply
from mailer.core.errors import TryLater
from mailer.core.limits import SignupTerms
from mailer.services import gate, leaving, signup
from mailer.services.office import Office
from mailer.services.together import Together, each_its_own
from mailer.services.wishes import Wish
from mailer.store.database import Database
from mailer.store.mailings import take_turn
from mailer.store.tables import consent, request, subscriber, subscription

NAMES = tuple(f"anna{number}@example.org" for number in range(20))


def wish(address: str) -> Wish:
    return signup.wish(
        newsroom=UM, address=parse_address(address), language="da", wording=WORDING, origin=PAGE
    )


def asked(office: Office) -> list[str]:
    with office.database.read() as connection:
        return list(connection.scalars(select(consent.c.address).order_by(consent.c.id)))


def requests(office: Office) -> int:
    with office.database.read() as connection:
        return connection.execute(select(func.count(request.c.id))).scalar_one()


@contextmanager
def locked(url: str) -> Iterator[threading.Event]:
    """Another process's turn at the database, until the event is set or the block ends."""
    other, held, over = Database(url), threading.Event(), threading.Event()

    def hold() -> None:
        with other.write() as connection:
            take_turn(connection, alone=True)
            held.set()
            over.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    try:
        yield over
    finally:
        over.set()
        holder.join()
        other.close()


def url_of(office: Office) -> str:
    return office.database.engine.url.render_as_string(hide_password=False)


def hasty(office: Office) -> Office:
    """The same office, which waits for nobody for long."""
    return make_office(Database(url_of(office), busy_seconds=0.3))


async def all_of(served: Together[Wish, Reply], wishes: Sequence[Wish]) -> list[object]:
    return await asyncio.gather(*map(served.do, wishes), return_exceptions=True)


def test_who_comes_while_the_database_is_busy_is_served_by_one_commit(office: Office) -> None:
    served = Together(partial(signup.take, office))
    commits: list[object] = []

    def committed(connection: Connection) -> None:
        if connection.info.get("writing"):
            commits.append(connection)

    async def come(over: threading.Event) -> list[object]:
        event.listen(office.database.engine, "commit", committed)
        first = asyncio.create_task(served.do(wish(NAMES[0])))
        await asyncio.sleep(0.1)  # it is at the database, which is locked
        rest = asyncio.create_task(all_of(served, [wish(name) for name in NAMES[1:]]))
        await asyncio.sleep(0.1)
        over.set()
        return [await first, *await rest]

    with locked(url_of(office)) as over:
        assert asyncio.run(come(over)) == [Reply.CONFIRM] * len(NAMES)
    event.remove(office.database.engine, "commit", committed)

    assert sorted(asked(office)) == sorted(NAMES)
    assert [purpose for purpose, *_ in notices(office)] == ["confirm"] * len(NAMES)
    assert len(commits) == 4, "two times they were counted, and taken"


def test_a_fault_in_one_costs_the_others_nothing(office: Office) -> None:
    good, poisoned, last = (wish(name) for name in NAMES[:3])
    object.__setattr__(poisoned, "attempt", good.attempt)  # no two pages have one number

    replies = signup.take(office, [good, poisoned, last])

    assert (replies[0], replies[2]) == (Reply.CONFIRM, Reply.CONFIRM)
    assert isinstance(replies[1], IntegrityError)
    assert asked(office) == [NAMES[0], NAMES[2]]


def test_each_of_one_mailbox_is_answered_as_if_it_came_after_the_other(office: Office) -> None:
    spellings = ["anna@example.org", "Anna@example.org", "anna+press@example.org"]

    together = signup.take(office, [wish(one) for one in spellings])

    assert together == [Reply.CONFIRM, Reply.SILENCE, Reply.CONFIRM]
    with office.database.read() as connection:
        kept = connection.execute(
            select(subscriber.c.mailbox, request.c.state)
            .join_from(request, subscription)
            .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
            .order_by(request.c.id)
        ).all()
    assert [tuple(row) for row in kept] == [
        (spellings[0], "open"),
        (spellings[0], "answered"),
        (spellings[2], "open"),
    ]


def test_a_hundred_presses_at_once_are_one_leaving(office: Office) -> None:
    import_readers(office, 2)
    served = Together(partial(leaving.take, office))
    press = leaving.press(office, token=leave_token(office, 1), origin=PAGE)

    async def come() -> list[object]:
        return await asyncio.gather(*(served.do(press) for _ in range(100)))

    views = asyncio.run(come())

    assert views == [leaving.read_leave(office, token=leave_token(office, 1))] * 100
    with office.database.read() as connection:
        left = connection.execute(select(consent.c.ip).where(consent.c.act == "left")).all()
    assert [tuple(row) for row in left] == [(PAGE.ip,)]
    assert [purpose for purpose, *_ in notices(office)] == ["left"]


def test_a_database_that_stays_busy_is_told_to_all_who_wait_and_nothing_is_done(
    office: Office,
) -> None:
    impatient = hasty(office)
    served = Together(partial(signup.take, impatient))
    with locked(url_of(office)):
        said = asyncio.run(all_of(served, [wish(name) for name in NAMES]))
    assert [type(one) for one in said] == [TryLater] * len(NAMES)
    assert asked(office) == []

    assert asyncio.run(all_of(served, [wish(NAMES[0])])) == [Reply.CONFIRM]
    impatient.database.close()


def test_who_is_asked_to_come_back_has_used_up_nothing(office: Office) -> None:
    impatient = hasty(office)
    limits = replace(impatient.limits, signups=SignupTerms(address_a_day=1, surge=2))
    strict = replace(impatient, limits=limits)
    for _ in range(3):
        with locked(url_of(office)), pytest.raises(TryLater):
            signup.take(strict, [wish(name) for name in NAMES[:2]])
    assert signup.take(strict, [wish(name) for name in NAMES[:2]]) == [Reply.CONFIRM] * 2
    assert not gate.under_attack(strict)
    assert signup.take(strict, [wish(NAMES[0])]) == [Reply.SILENCE]
    impatient.database.close()


def test_who_hangs_up_is_served_and_keeps_nobody_from_being_served(office: Office) -> None:
    served = Together(partial(signup.take, office))

    async def come(over: threading.Event) -> list[object]:
        tasks = [asyncio.create_task(served.do(wish(name))) for name in NAMES[:3]]
        await asyncio.sleep(0.1)
        tasks[0].cancel()
        tasks[1].cancel()
        over.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    with locked(url_of(office)) as over:
        said = asyncio.run(come(over))

    assert [type(one) for one in said[:2]] == [asyncio.CancelledError] * 2
    assert said[2] is Reply.CONFIRM
    assert sorted(asked(office)) == sorted(NAMES[:3])


def test_a_loop_that_ends_while_visitors_wait_leaves_nothing_half_done(office: Office) -> None:
    served = Together(partial(signup.take, office))

    async def come_and_end() -> None:
        waiting = [asyncio.ensure_future(served.do(wish(name))) for name in NAMES[:5]]
        await asyncio.sleep(0.1)
        assert not any(one.done() for one in waiting)

    with locked(url_of(office)):
        asyncio.run(come_and_end())
    # Who comes next, in another loop, is served after them.
    assert asyncio.run(all_of(served, [wish(NAMES[5])])) == [Reply.CONFIRM]

    assert sorted(asked(office)) == sorted(NAMES[:6])


def test_more_than_can_be_served_are_asked_to_come_back(office: Office) -> None:
    served = Together(partial(signup.take, office), most_waiting=2)

    async def come(over: threading.Event) -> list[object]:
        first = asyncio.create_task(served.do(wish(NAMES[0])))
        await asyncio.sleep(0.1)  # it is being served
        rest = asyncio.create_task(all_of(served, [wish(name) for name in NAMES[1:5]]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        over.set()
        return [await first, *await rest]

    with locked(url_of(office)) as over:
        said = asyncio.run(come(over))

    assert [type(one) for one in said] == [Reply] * 3 + [TryLater] * 2


_DIES = """
import os, sys
from sqlalchemy import event
from support.offices import make_office
from mailer.services import signup
from mailer.store.database import Database
from test_together import NAMES, wish

office = make_office(Database(sys.argv[1]))
wishes = [wish(name) for name in NAMES]
if sys.argv[2] == "before":
    event.listen(office.database.engine, "commit", lambda _: os._exit(9))
signup.take(office, wishes)
os._exit(9)
"""


@pytest.mark.parametrize(("moment", "kept"), [("before", 0), ("after", len(NAMES))])
def test_a_process_that_dies_leaves_all_who_came_together_or_none(
    office: Office, moment: str, kept: int
) -> None:
    paths = "import sys; sys.path[:0] = ['tests', 'tests/services']\n"
    died = subprocess.run(
        [sys.executable, "-c", paths + _DIES, url_of(office), moment], check=False, timeout=60
    )

    assert died.returncode == 9
    assert len(asked(office)) == requests(office) == kept
    assert len(notices(office)) == kept


def test_a_fault_of_everybodys_is_not_tried_again() -> None:
    tries: list[Sequence[int]] = []

    def busy(some: Sequence[int]) -> Sequence[int]:
        tries.append(some)
        raise TryLater("busy")

    with pytest.raises(TryLater):
        each_its_own([1, 2, 3], busy)
    assert tries == [[1, 2, 3]]


@pytest.mark.postgresql
def test_a_batch_that_another_transaction_crosses_is_done_anew(
    postgresql_database: Database,
) -> None:
    """Somebody else has the second row and then wants the first: the server undoes the batch, once."""
    office = make_office(postgresql_database)
    import_readers(office, 2)
    with office.database.read() as connection:
        first, second = connection.scalars(select(subscription.c.id).order_by(subscription.c.id))
    presses = [
        leaving.press(office, token=leave_token(office, number), origin=PAGE)
        for number in (first, second)
    ]
    given: list[object] = []
    batch = threading.Thread(target=lambda: given.extend(leaving.take(office, presses)))
    with office.database.write() as connection:
        connection.exec_driver_sql(
            "SET LOCAL deadlock_timeout = '1min'"
        )  # it is never we who give way
        lock = select(subscription.c.id).with_for_update()
        connection.execute(lock.where(subscription.c.id == second))
        batch.start()
        blocked = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        while not connection.scalar(blocked):
            time.sleep(0.01)
        connection.execute(lock.where(subscription.c.id == first))
    batch.join()
    assert [getattr(view, "state", view) for view in given] == ["ended", "ended"]
    with office.database.read() as connection:
        left = select(func.count(consent.c.id)).where(consent.c.act == "left")
        assert connection.scalar(left) == 2

"""Notices first, then urgent mailings, then all others alike; and nobody waits for a slow domain."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from itertools import accumulate
from pathlib import Path

import pytest
from sqlalchemy import func, select
from support.desk import attempts, import_readers, mailbox_of, progress_of, publish_one, row_of
from support.desk import text as edition
from support.dispatching import (
    delivery_of,
    dispatch,
    dispatcher,
    fates,
    import_all,
    one_pass,
    over,
    recipients,
    until,
)
from support.offices import UM, Clock, make_office
from support.readers import sign_up
from support.scripted_server import Act, Fault, Gate, Script, ScriptedServer, Step

from mailer.core.release import ReleaseDocument
from mailer.services import press, proof, publish
from mailer.services.office import Office
from mailer.services.stock import MOST_PER_LINE
from mailer.store.database import Database
from mailer.store.ledger_tables import chunk, delivery


@pytest.fixture
def small(sqlite_database: Database, clock: Clock) -> Office:
    """An office for what no database can change."""
    return make_office(sqlite_database, clock)


def publish_urgent(office: Office, title: str = "Rettelse nu") -> None:
    """Publish one release that overtakes others."""
    added = press.add_document(office, ReleaseDocument(edition(title)), newsroom=UM.key, who="desk")
    press.send(office, added.id, who="desk", urgent=True)
    assert publish.publish_due(office)


def mailings(office: Office, server: ScriptedServer) -> list[int | None]:
    """Which mailing each message was of, in the order they were kept; None for a notice."""
    with office.database.read() as connection:
        rows = connection.execute(
            delivery.select().with_only_columns(delivery.c.id, delivery.c.mailing_id)
        )
        found = {row[0]: row[1] for row in rows}
    return [found[delivery_of(message.content)] for message in server.messages]


def lead(order: Sequence[int | None], one: int, other: int) -> int:
    """By how many messages one mailing was ahead of another at most, at any moment while both went."""
    last = min(_last(order, one), _last(order, other))
    steps = [(kind == one) - (kind == other) for kind in order[: last + 1]]
    return max(map(abs, accumulate(steps)))


def _last(order: Sequence[int | None], kind: int) -> int:
    return max(place for place, each in enumerate(order) if each == kind)


WINDOW = MOST_PER_LINE + 2
"""Letters that may be in hand over one line, and the two on its wire."""


# Notices.


def notices_handed(office: Office) -> int:
    query = select(func.count()).where(delivery.c.mailing_id.is_(None), delivery.c.worker != "")
    with office.database.read() as connection:
        return int(connection.scalar(query) or 0)


def handed(office: Office) -> int:
    """How many letters were ever handed out, by the ledger."""
    query = select(func.sum(chunk.c.mark - chunk.c.lo + 1))
    with office.database.read() as connection:
        return int(connection.scalar(query) or 0) + notices_handed(office)


def test_a_confirmation_overtakes_a_mailing_that_is_under_way(
    office: Office, tmp_path: Path
) -> None:
    """Nobody wakes the dispatcher: it looks by itself, however slow its relay is."""
    names = import_readers(office, 60)
    publish_one(office)
    gate = Gate()

    async def story() -> None:
        script: Script = {".": [*[None] * 20, gate]}
        async with ScriptedServer(script) as server:
            running = dispatcher(office, tmp_path, over(server, connections=1))
            passing = asyncio.create_task(running.run())
            await gate.arrived()
            await asyncio.to_thread(sign_up, office, "anna@example.org")
            await until(lambda: notices_handed(office) == 1)
            await until(lambda: running.progress().in_hand == handed(office) - 20)
            gate.open()
            assert (await passing).accepted == 61
            order = [message.recipient for message in server.messages]
            assert 20 <= order.index("anna@example.org") <= 22, "behind what was on the wire"
            assert Counter(order) == Counter([*names, "anna@example.org"])

    asyncio.run(story())
    assert attempts(office) == []


def test_a_confirmation_waits_for_no_mailing_that_cannot_go_on(
    small: Office, tmp_path: Path
) -> None:
    """All that is in hand is laid aside for its domain's sake: there is room for a notice."""
    import_readers(small, 60)
    publish_one(small)

    async def story() -> None:
        script: Script = {"RCPT @example.org": "450 4.7.1 slow down"}
        async with ScriptedServer(script) as server:
            watch = dispatcher(small, tmp_path, over(server), watch=True, poll_seconds=0.02)
            running = asyncio.create_task(watch.run())
            await until(lambda: watch.progress().deferred)
            for number in range(3):
                sign_up(small, f"anna{number}@avis.example")
            await until(lambda: len(server.messages) == 3)
            watch.stop()
            await running

    asyncio.run(story())


# Mailings.


def test_two_mailings_go_side_by_side(office: Office, tmp_path: Path) -> None:
    names = import_readers(office, 130)
    publish_one(office, title="Den ene")
    publish_one(office, title="Den anden")
    with ScriptedServer().running() as server:
        assert dispatch(office, tmp_path, over(server, connections=1)).accepted == 260
        assert recipients(server) == dict.fromkeys(names, 2)
        assert lead(mailings(office, server), 1, 2) <= 8


def test_a_mailing_that_comes_later_shares_from_then_on(small: Office, tmp_path: Path) -> None:
    """What was in hand goes first, a window's worth; then both go side by side to the end of one."""
    import_readers(small, 440)
    publish_one(small, title="Den lange")

    async def story() -> list[int | None]:
        act = Act(lambda: publish_one(small, title="Den nye"))
        async with ScriptedServer({".": [*[None] * 20, act]}) as server:
            await one_pass(small, tmp_path, over(server, connections=1))
            return mailings(small, server)

    order = asyncio.run(story())
    assert Counter(order) == {1: 440, 2: 440}
    first = order.index(2)
    assert 20 <= first <= 20 + WINDOW, "no more than was in hand"
    assert lead(order[first:], 1, 2) <= 16


def test_an_urgent_mailing_goes_first(office: Office, tmp_path: Path) -> None:
    import_readers(office, 60)
    publish_one(office, title="Den ene")
    publish_one(office, title="Den anden")
    publish_urgent(office)
    with ScriptedServer().running() as server:
        assert dispatch(office, tmp_path, over(server, connections=1)).accepted == 180
        order = mailings(office, server)
    assert order[:60] == [3] * 60
    assert lead(order[60:], 1, 2) <= 8


def test_an_urgent_mailing_overtakes_one_that_is_under_way(small: Office, tmp_path: Path) -> None:
    import_readers(small, 440)
    publish_one(small, title="Den lange")

    async def story() -> list[int | None]:
        act = Act(lambda: publish_urgent(small))
        async with ScriptedServer({".": [*[None] * 20, act]}) as server:
            await one_pass(small, tmp_path, over(server, connections=1))
            return mailings(small, server)

    order = asyncio.run(story())
    first = order.index(2)
    assert 20 <= first <= 20 + WINDOW, "no more than was in hand"
    assert order[first : first + 200].count(2) >= 195, "and then nothing else"
    assert Counter(order) == {1: 440, 2: 440}


# Retries.


def test_retries_and_first_tries_both_move(office: Office, tmp_path: Path, clock: Clock) -> None:
    """Two hundred were put off, two hundred were never tried: neither waits for the others."""
    names = import_readers(office, 400)
    publish_one(office)
    script: Script = {
        "RCPT": [*["450 4.2.2 mailbox full"] * 200, Fault.DROP],
        "CONNECT": [None, Fault.DROP],
    }
    with ScriptedServer(script).running() as server:
        first = dispatch(office, tmp_path, over(server, connections=1))
    assert (first.accepted, first.deferred) == (0, 201)
    clock.move(minutes=1)
    with ScriptedServer().running() as server:
        assert dispatch(office, tmp_path, over(server, connections=1)).accepted == 400
        order = [delivery_of(message.content) for message in server.messages]
        assert recipients(server) == dict.fromkeys(names, 1)
    retried = [number <= 201 for number in order[:256]]
    assert 40 <= sum(retried) <= 128, "some, and not the most"
    assert progress_of(office, 1) == ("finished", 400, 400)


def test_retries_of_one_mailing_do_not_hold_up_another(
    small: Office, tmp_path: Path, clock: Clock
) -> None:
    import_readers(small, 100)
    publish_one(small, title="Den ene")
    with ScriptedServer({"RCPT": "450 4.2.2 mailbox full"}).running() as server:
        assert dispatch(small, tmp_path, over(server)).deferred == 100
    clock.move(minutes=1)
    publish_one(small, title="Den anden")
    with ScriptedServer().running() as server:
        assert dispatch(small, tmp_path, over(server, connections=1)).accepted == 200
        assert lead(mailings(small, server), 1, 2) <= 8


# Domains.


def mixed(count: int) -> list[str]:
    """Readers of whom every tenth lives at each of two slow domains."""
    slow = {3: "slow.example", 7: "busy.example"}
    return [f"reader{number}@{slow.get(number % 10, 'example.org')}" for number in range(count)]


def test_slow_domains_delay_no_other(small: Office, tmp_path: Path, clock: Clock) -> None:
    names = mixed(200)
    import_all(small, names)
    publish_one(small)
    script: dict[str, Step | list[Step]] = {
        "RCPT @slow.example": "450 4.7.1 you send too much",
        "RCPT @busy.example": "421 4.7.0 too many messages, try later",
    }
    others = [name for name in names if name.endswith("@example.org")]
    with ScriptedServer(script).running() as server:
        relay = over(server, connections=4)
        summary = dispatch(small, tmp_path, relay)
        assert recipients(server) == dict.fromkeys(others, 1)
        assert (summary.accepted, summary.due) == (160, 40)
        assert summary.deferred <= 16, "what was on the wire when they lost their patience"
        assert len({number for number, _, _ in attempts(small)}) == summary.deferred
        for number in range(1, 201):
            row, kept = row_of(small, number), mailbox_of(small, number) in others
            assert row.attempts == kept, "a domain's impatience is nobody's attempt"
            assert (row.state, row.worker) == ("accepted" if kept else "due", None)
            if not kept:
                assert timedelta(seconds=25) <= row.due_at - clock() <= timedelta(minutes=2)
    with ScriptedServer().running() as server:
        clock.move(minutes=5)
        again = dispatch(small, tmp_path, over(server, connections=4))
        assert (again.accepted, again.due) == (40, 0)
        assert recipients(server) == dict.fromkeys(set(names) - set(others), 1)
    assert set(fates(small).values()) == {"accepted"}
    assert proof.verify(small).ok


def test_a_domain_that_has_our_only_line_closed_delays_no_other(
    small: Office, tmp_path: Path
) -> None:
    names = mixed(100)
    import_all(small, names)
    publish_one(small)
    script: Script = {"RCPT @busy.example": "421 4.7.0 too many messages, try later"}
    with ScriptedServer(script).running() as server:
        summary = dispatch(small, tmp_path, over(server, connections=1))
        assert (summary.accepted, summary.due, summary.faults) == (90, 10, ())
        assert server.connections == 2


def test_a_domain_that_recovers_gets_its_mail(small: Office, tmp_path: Path, clock: Clock) -> None:
    """One reader hears no; the next run finds the domain well and writes to all of them."""
    names = [f"reader{number}@slow.example" for number in range(20)]
    import_all(small, names)
    publish_one(small)
    script: Script = {"RCPT @slow.example": ["450 4.7.1 you send too much"]}
    with ScriptedServer(script).running() as server:
        first = dispatch(small, tmp_path, over(server, connections=1))
        assert first.deferred == 1
        assert first.accepted + first.due == 20
        clock.move(minutes=2)
        assert dispatch(small, tmp_path, over(server, connections=1)).due == 0
        assert recipients(server) == dict.fromkeys(names, 1)
    assert attempts(small) == [(1, 1, "deferred")]

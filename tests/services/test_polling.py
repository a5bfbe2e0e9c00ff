"""A dispatcher polls beside its sending: finds go out in the same pass, a hanging server holds up none."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.desk import publish_one
from support.dispatching import dispatch, dispatcher, import_all, over, recipients, until
from support.feeds import AUTO, feed_page, item, source_at
from support.offices import Clock, make_office
from support.scripted_server import ScriptedServer
from support.taking import having, poll
from support.web_source import WebSource, silent

from mailer.services import roster
from mailer.services.dispatch import Summary
from mailer.services.office import Office
from mailer.store.database import Database


@pytest.fixture
def server() -> Iterator[WebSource]:
    with WebSource() as made:
        yield made


@pytest.fixture
def office(sqlite_database: Database, clock: Clock, server: WebSource) -> Office:
    """With a reader, and a source that was looked at once and is due again."""
    server.pages["/feed"] = feed_page([item(1)])
    made = make_office(sqlite_database, clock)
    import_all(made, ["anna@example.org"])
    at_once = replace(AUTO, hold_time=timedelta(0), hold_at_most=timedelta(0))
    made = having(made, source_at(server, terms=at_once))
    poll(made)
    clock.move(minutes=10)
    return made


def test_what_a_pass_finds_it_mails(
    office: Office, server: WebSource, tmp_path: Path, clock: Clock
) -> None:
    server.pages["/feed"] = feed_page([item(2, at=clock()), item(1)])
    with ScriptedServer().running() as relay:
        summary = dispatch(office, tmp_path, over(relay))
    assert (summary.published, summary.accepted) == (1, 1)
    assert recipients(relay) == {"anna@example.org": 1}


def test_a_pass_that_is_not_to_poll_does_not(
    office: Office, server: WebSource, tmp_path: Path
) -> None:
    asked = len(server.requests)
    with ScriptedServer().running() as relay:
        steps = frozenset({"publish", "send"})

        async def one_pass() -> None:
            await dispatcher(office, tmp_path, over(relay), steps=steps).run()

        asyncio.run(one_pass())
    assert len(server.requests) == asked


def test_a_server_that_hangs_holds_up_no_mail_and_no_stop(
    office: Office, server: WebSource, tmp_path: Path, clock: Clock
) -> None:
    gate = threading.Event()
    server.pages["/feed"] = silent(gate)
    publish_one(office)

    async def watch(relay: ScriptedServer) -> Summary:
        running = dispatcher(office, tmp_path, over(relay), watch=True, poll_seconds=0.05)
        work = asyncio.create_task(running.run())
        await until(lambda: recipients(relay) == {"anna@example.org": 1})
        await until(lambda: len(server.requests) == 2)
        assert not work.done()
        running.stop()
        async with asyncio.timeout(5):
            return await work

    with ScriptedServer().running() as relay:
        summary = asyncio.run(watch(relay))
    gate.set()
    assert summary.accepted == 1
    (row,) = roster.listed(office)
    assert (row.failures, row.next_at) == (0, clock()), "whoever comes next may take it at once"

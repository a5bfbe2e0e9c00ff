"""A hundred presses at once, and a database that somebody holds: one transition, or none and a word why."""

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import httpx2
import pytest
from sqlalchemy import select, text
from support.all_rows import everything
from support.offices import Clock, make_office
from support.readers import acts, confirm_token, leave_token, make_active, notices, sign_up
from support.waiting_mail import not_me_token, page_of, right_code

from mailer.services.office import Office
from mailer.store.database import Database
from mailer.store.tables import request, subscription, suppression
from mailer.web.app import create_app

READER = "reader@example.org"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
Press = tuple[str, str]
"""A path, and what is posted to it."""


@pytest.fixture
def office(database: Database, clock: Clock) -> Office:
    """What is decided between presses is decided by the database, so that both kinds are asked."""
    return make_office(database, clock)


def pressed(office: Office, presses: Sequence[Press]) -> list[httpx2.Response]:
    """The answers to presses that are all sent at the same moment."""

    async def press(browser: httpx2.AsyncClient, one: Press) -> httpx2.Response:
        return await browser.post(one[0], content=one[1], headers=FORM)

    async def all_at_once() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(create_app(office))
        async with httpx2.AsyncClient(
            transport=transport, base_url="https://news.example", timeout=60
        ) as browser:
            waiting: list[Awaitable[httpx2.Response]] = [press(browser, one) for one in presses]
            return list(await asyncio.gather(*waiting))

    return asyncio.run(all_at_once())


def states(office: Office) -> list[str]:
    with office.database.read() as connection:
        return list(connection.scalars(select(subscription.c.state).order_by(subscription.c.id)))


def test_a_hundred_presses_of_a_link_are_one_confirmation(office: Office) -> None:
    sign_up(office, READER)
    link = f"/confirm/{confirm_token(office)}"
    answers = pressed(office, [(link, "")] * 100)
    assert {(one.status_code, one.headers["location"]) for one in answers} == {
        (303, "/um/confirmed?lang=da")
    }
    assert acts(office, READER) == ["asked", "confirmed"]
    assert [purpose for purpose, *_ in notices(office)] == ["confirm", "welcome"]


def test_a_hundred_codes_are_five_tries_and_one_confirmation(office: Office) -> None:
    page = page_of(office, READER)
    answers = pressed(office, [(f"/um/check-mail/{page}", f"code={right_code(office)}")] * 100)
    assert sorted({one.status_code for one in answers}) == [303, 429]
    assert [one.status_code for one in answers].count(303) == 5
    assert acts(office, READER) == ["asked", "confirmed"]


def test_a_hundred_presses_of_not_me_are_one_suppression(office: Office) -> None:
    sign_up(office, READER)
    answers = pressed(office, [(f"/not-me/{not_me_token(office)}", "")] * 100)
    assert {one.status_code for one in answers} == {200}
    assert acts(office, READER) == ["asked", "suppressed"]


def test_a_hundred_wishes_for_a_fresh_mail_are_one_mail(office: Office, clock: Clock) -> None:
    sign_up(office, READER)
    link = f"/confirm/{confirm_token(office)}/again"
    clock.move(hours=73)
    answers = pressed(office, [(link, "")] * 100)
    assert {one.status_code for one in answers} == {303}
    assert [purpose for purpose, *_ in notices(office)] == ["confirm", "confirm"]


def test_every_kind_of_press_at_once_leaves_one_whole_story(office: Office) -> None:
    page = page_of(office, READER)
    kinds = [
        (f"/confirm/{confirm_token(office)}", ""),
        (f"/um/check-mail/{page}", f"code={right_code(office)}"),
        (f"/not-me/{not_me_token(office)}", ""),
        (f"/leave/{leave_token(office)}", ""),
    ]
    answers = pressed(office, kinds * 25)
    assert {one.status_code for one in answers} <= {200, 303, 410, 422, 429}
    (state,) = states(office)
    decisive = [act for act in acts(office, READER) if act != "asked"]
    assert all(before != after for before, after in pairwise(decisive))
    assert state == "ended" or decisive[-1] == "confirmed"
    with office.database.read() as connection:
        refused = connection.scalar(select(suppression.c.reason)) == "not_me"
    assert not (state == "active" and refused)


@contextmanager
def held(database: Database) -> Iterator[None]:
    """Somebody else writes: the file on SQLite, every sign-up's turn and row on PostgreSQL."""
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(7237001)"))
            connection.execute(select(request).with_for_update())
        yield


@pytest.fixture
def hasty(database: Database) -> Iterator[Database]:
    """The same database, for somebody who waits a twentieth of a second."""
    url = database.engine.url.render_as_string(hide_password=False)
    found = Database(url, busy_seconds=0.05)
    yield found
    found.close()


def every_press(office: Office, clock: Clock) -> list[Press]:
    """One press of each kind, on links that would all do something."""
    sign_up(office, "late@example.org")
    late = confirm_token(office)
    clock.move(hours=73)
    make_active(office, "active@example.org")
    sign_up(office, READER)
    confirm, refuse = confirm_token(office), not_me_token(office)
    page = page_of(office, "coder@example.org")
    return [
        (f"/confirm/{confirm}", ""),
        (f"/confirm/{late}/again", ""),
        (f"/not-me/{refuse}", ""),
        (f"/not-me/{refuse}/undo", ""),
        (f"/um/check-mail/{page}", f"code={right_code(office)}"),
        (f"/leave/{leave_token(office, 2)}", ""),
    ]


def test_a_database_that_is_held_asks_for_patience_and_nothing_is_half_done(
    database: Database, clock: Clock, hasty: Database
) -> None:
    patient = make_office(database, clock)
    presses = every_press(patient, clock)
    before = everything(database)
    with held(database):
        answers = pressed(make_office(hasty, clock), presses)
    assert {(one.status_code, one.headers["retry-after"]) for one in answers} == {(503, "30")}
    assert everything(database) == before

    again = pressed(make_office(hasty, clock), presses[:1])
    assert again[0].status_code == 303


def test_who_waits_a_moment_for_a_database_that_is_held_is_served(
    database: Database, clock: Clock
) -> None:
    office = make_office(database, clock)
    sign_up(office, READER)
    link = f"/confirm/{confirm_token(office)}"

    async def press_meanwhile() -> httpx2.Response:
        transport = httpx2.ASGITransport(create_app(office))
        async with httpx2.AsyncClient(transport=transport, base_url="https://news.example") as one:
            with held(database):
                pressing = asyncio.create_task(one.post(link, timeout=30))
                done, _ = await asyncio.wait({pressing}, timeout=0.2)
                assert not done
            return await pressing

    assert asyncio.run(press_meanwhile()).status_code == 303
    assert acts(office, READER) == ["asked", "confirmed"]

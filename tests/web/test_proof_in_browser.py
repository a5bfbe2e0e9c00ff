"""In a real browser: our script does its work and signs up; a box on another site leads to one click."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from support.browsing import seen_by_a_browser, served
from support.offices import UM, Clock, make_office

from mailer.core.limits import SignupTerms
from mailer.core.newsroom import Site
from mailer.services.office import Limits, Office
from mailer.store.database import Database
from mailer.store.gate_tables import held_notice
from mailer.store.tables import request
from mailer.web.embed import snippet

pytestmark = seen_by_a_browser


@pytest.fixture
def office(sqlite_database: Database, clock: Clock) -> Office:
    """Work is always asked for, and who does none is held."""
    terms = SignupTerms(
        surge=50, unproved=1, proof="always", effort=3000, form_min_age=timedelta(0)
    )
    site = Site("http://127.0.0.1")
    return make_office(sqlite_database, clock, site=site, limits=Limits(signups=terms))


def count(office: Office) -> tuple[int, int]:
    """Sign-ups, and how many mails of them are held."""
    with office.database.read() as connection:
        asked = connection.scalars(select(request.c.id)).all()
        held = connection.scalars(select(held_notice.c.delivery_id)).all()
    return len(asked), len(held)


def sign_up(page: Page, address: str, reader: str) -> None:
    page.goto(f"{address}/um?lang=en")
    page.get_by_label("Your e-mail address").fill(reader)
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your mail")


def test_a_browser_does_its_work_and_one_without_scripts_is_held(
    browser: Browser, office: Office
) -> None:
    complaints: list[str] = []
    with served(office) as address:
        with browser.new_context(locale="en-GB") as context:
            page = context.new_page()
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            for number in range(3):
                sign_up(page, address, f"reader{number}@example.org")
        assert count(office) == (3, 0)
        with browser.new_context(java_script_enabled=False) as context:
            page = context.new_page()
            for number in range(3):
                sign_up(page, address, f"without{number}@example.org")
    assert count(office) == (6, 2)
    assert complaints == []


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def another_site(folder: Path, box: str) -> Iterator[str]:
    """A ministry's own site, which has the box on its page."""
    page = f"<!doctype html><html lang=en><title>Ministry</title><body>{box}"
    (folder / "index.html").write_text(page, "utf-8")
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(_Quiet, directory=str(folder))
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_box_on_another_site_takes_two_presses(
    browser: Browser, office: Office, tmp_path: Path, scripts: bool
) -> None:
    terms = replace(office.limits.signups, proof="off")
    office = replace(office, limits=Limits(signups=terms))
    with served(office) as address, browser.new_context(java_script_enabled=scripts) as context:
        box = snippet(office.templates, Site(address), UM, "en")
        with another_site(tmp_path, box) as theirs:
            page = context.new_page()
            page.goto(theirs)
            page.get_by_label("Your e-mail address").fill("anna@example.org")
            page.get_by_role("button", name="Subscribe").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("One more click")
            expect(page.get_by_label("Your e-mail address")).to_have_value("anna@example.org")
            expect(page.get_by_label("Leave this field empty")).to_be_hidden()
            assert count(office) == (0, 0)
            page.get_by_role("button", name="Subscribe").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Check your mail")
        assert not context.cookies()
    assert count(office) == (1, 0)

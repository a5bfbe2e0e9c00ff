"""A real browser with scripts on, as scanners use them, and a reader without: what a browser alone shows."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from support.all_rows import everything
from support.browsing import seen_by_a_browser, served
from support.offices import Clock, make_office
from support.waiting_mail import newest_request, right_code, wrong_code

from mailer.core.newsroom import Site
from mailer.core.token import LinkPurpose
from mailer.services.office import Office
from mailer.store.database import Database
from mailer.store.tables import consent

READER = "reader@example.org"

pytestmark = seen_by_a_browser


@pytest.fixture
def office(sqlite_database: Database, clock: Clock) -> Office:
    return make_office(sqlite_database, clock, site=Site("http://127.0.0.1"))


@pytest.fixture
def address(office: Office) -> Iterator[str]:
    with served(office) as found:
        yield found


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    contexts = []

    def open_page(**wishes: Any) -> Page:
        context = browser.new_context(**{"locale": "en-GB", **wishes})
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


def acts(office: Office) -> list[str]:
    with office.database.read() as connection:
        return list(connection.scalars(select(consent.c.act).order_by(consent.c.id)))


def sign_up(page: Page, office: Office, clock: Clock, address: str) -> None:
    page.goto(f"{address}/um?lang=en")
    clock.move(seconds=10)  # as long as people look at a form
    page.get_by_label("Your e-mail address").fill(READER)
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your mail")


def links(office: Office) -> dict[str, str]:
    """The links of the newest confirmation mail."""
    number, at = newest_request(office), office.clock()
    sign = office.keys.tokens.sign
    return {
        "confirm": f"/confirm/{sign(LinkPurpose.CONFIRM, number, at)}",
        "not me": f"/not-me/{sign(LinkPurpose.NOT_ME, number, at)}",
    }


@pytest.mark.parametrize("late", [False, True])
def test_a_scanner_that_runs_scripts_changes_nothing_and_spoils_nothing(
    office: Office, address: str, opened: Callable[..., Page], clock: Clock, late: bool
) -> None:
    reader = opened(java_script_enabled=False)
    sign_up(reader, office, clock, address)
    waiting, found = reader.url, links(office)
    clock.move(hours=73 * late)
    before = everything(office.database)
    scanner = opened()
    sent: list[str] = []
    scanner.on("request", lambda request: sent.append(request.method))
    for path in (found["confirm"], found["not me"], waiting.removeprefix(address)):
        scanner.goto(address + path, wait_until="networkidle")
        assert scanner.locator("script, iframe, [onload], [onclick], [autoplay]").count() == 0
        scanner.evaluate("window.dispatchEvent(new Event('pagehide'))")
        for link in scanner.locator("a[href]").all():
            target = link.get_attribute("href") or ""
            if target.startswith("/") and "lang=da" in target:
                scanner.request.get(address + target)
    assert set(sent) == {"GET"}
    assert everything(office.database) == before

    reader.goto(address + found["confirm"])
    if late:
        reader.get_by_role("button", name="Send me a new mail").click()
        expect(reader.get_by_role("heading", level=1)).to_have_text("Check your mail")
        return
    reader.get_by_role("button", name="Confirm subscription").click()
    expect(reader.get_by_role("heading", level=1)).to_have_text("You are subscribed")
    assert acts(office) == ["asked", "confirmed"]


def test_a_reader_types_the_code_by_keyboard_and_is_told_of_a_slip(
    office: Office, address: str, opened: Callable[..., Page], clock: Clock
) -> None:
    page = opened(java_script_enabled=False)
    sign_up(page, office, clock, address)
    field = page.get_by_label("The six digits in the message")
    field.focus()
    page.keyboard.type(wrong_code(office, newest_request(office)))
    page.keyboard.press("Enter")
    field = page.get_by_label("The six digits in the message")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(
        re.compile("^Error: .*4 tries are left.*30 minutes")
    )
    code = right_code(office)
    page.keyboard.type(f"{code[:3]} {code[3:]}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("You are subscribed")
    assert acts(office) == ["asked", "confirmed"]


def test_it_was_not_me_and_back_again_by_one_press_each(
    office: Office, address: str, opened: Callable[..., Page], clock: Clock
) -> None:
    page = opened(java_script_enabled=False, viewport={"width": 320, "height": 640})
    sign_up(page, office, clock, address)
    page.goto(address + links(office)["not me"])
    page.get_by_role("button", name="It was not me").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("We will not write to you again")
    main = page.locator("main").bounding_box()
    assert main is not None
    assert main["x"] + main["width"] <= 320
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Taken back")
    assert acts(office) == ["asked", "suppressed", "ended"]

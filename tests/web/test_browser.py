"""A visitor with a real browser, without scripts and without a mouse: sign up, confirm, leave."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect
from sqlalchemy import select
from support.browsing import seen_by_a_browser, served
from support.offices import Clock, make_office

from mailer.core.newsroom import Site
from mailer.core.token import LinkPurpose
from mailer.services.office import Office
from mailer.store.database import Database
from mailer.store.tables import consent

READER = "reader@example.org"
SIZES = ({"width": 320, "height": 640}, {"width": 1200, "height": 800})

pytestmark = seen_by_a_browser


@pytest.fixture
def office(sqlite_database: Database, clock: Clock) -> Office:
    return make_office(sqlite_database, clock, site=Site("http://127.0.0.1"))


@pytest.fixture
def address(office: Office) -> Iterator[str]:
    with served(office) as found:
        yield found


@pytest.fixture
def look(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page without scripts; whatever the browser complains about fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []
    parts: list[tuple[str, bool, bool]] = []

    def open_page(**wishes: Any) -> Page:
        context = browser.new_context(java_script_enabled=False, **{"locale": "en-GB", **wishes})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("requestfailed", lambda request: complaints.append(request.url))
        page.on("response", lambda answer: parts.append((answer.url, answer.ok, is_page(answer))))
        return page

    yield open_page
    cookies = [cookie for context in contexts for cookie in context.cookies()]
    for context in contexts:
        context.close()
    assert not [words for words in complaints if "responded with a status of 4" not in words]
    assert not [address for address, good, page in parts if not good and not page]
    assert not cookies


def is_page(answer: Response) -> bool:
    return answer.request.resource_type == "document"


def press_until(page: Page, name: str) -> None:
    """Tab to what bears that name; it must be reachable and show that it has the focus."""
    for _ in range(30):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if focused.count() and name in (focused.inner_text() or focused.get_attribute("id") or ""):
            assert focused.bounding_box() is not None
            return
    pytest.fail(f"{name} cannot be reached by keyboard")


def acts(office: Office) -> list[str]:
    with office.database.read() as connection:
        return list(connection.scalars(select(consent.c.act).order_by(consent.c.id)))


def test_a_visitor_signs_up_confirms_and_leaves_by_keyboard(
    office: Office, address: str, look: Callable[..., Page], clock: Clock
) -> None:
    page = look()
    page.goto(f"{address}/um")
    press_until(page, "email")
    page.keyboard.type(READER)
    clock.move(seconds=5)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"^{address}/um/check-mail/[\w.-]+\?lang=en$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your mail")

    token = office.keys.tokens.sign(LinkPurpose.CONFIRM, 1, office.clock())
    page.goto(f"{address}/confirm/{token}")
    assert acts(office) == ["asked"]
    press_until(page, "Confirm subscription")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("You are subscribed")
    assert acts(office) == ["asked", "confirmed"]

    page.goto(f"{address}/leave/{office.keys.tokens.sign(LinkPurpose.LEAVE, 1, office.clock())}")
    press_until(page, "Unsubscribe")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("You are unsubscribed")
    assert acts(office) == ["asked", "confirmed", "left"]


def test_a_slip_of_the_pen_is_shown_beside_the_field(
    address: str, look: Callable[..., Page]
) -> None:
    page = look()
    page.goto(f"{address}/um?lang=da")
    page.get_by_label("Din e-mailadresse").fill("reader@example")
    page.get_by_role("button", name="Abonner").click()
    field = page.get_by_label("Din e-mailadresse")
    expect(field).to_have_value("reader@example")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("^Fejl: .*navn@eksempel.*Ja tak, "))


def test_the_first_tab_skips_to_the_content(address: str, look: Callable[..., Page]) -> None:
    page = look()
    page.goto(f"{address}/um")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    assert (page.locator(":focus").bounding_box() or {"width": 0})["width"] > 24


@pytest.mark.parametrize("size", SIZES, ids=["narrow", "wide"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_their_window_and_can_be_hit(
    office: Office,
    address: str,
    look: Callable[..., Page],
    publish: Callable[..., int],
    size: dict[str, int],
    scheme: str,
) -> None:
    publish("Statsministeriets udenrigspolitiske sikkerhedsanliggender og x" * 2)
    page = look(viewport=size, color_scheme=scheme)
    for path in ("/", "/um", "/um/releases/1", "/um/check-mail", "/confirm/x"):
        page.goto(address + path)
        main = page.locator("main").bounding_box()
        assert main is not None
        assert main["x"] >= 0
        assert main["x"] + main["width"] <= size["width"]
        for target in page.locator("button, input:visible, nav a, .foot a").all():
            box = target.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= 24
            assert box["x"] + box["width"] <= size["width"]

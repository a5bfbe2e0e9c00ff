"""Every page in a real browser: axe finds nothing, nothing is refused or fetched from afar.

Two languages stand for all: the source, and one that is translated and written from the right.
MAILER_TEST_LANGUAGES=all looks at each, which takes two cores ten minutes.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request
from support.browsing import seen_by_a_browser, served
from support.offices import Clock
from support.page_list import PAGES, Furnished, PageSample, furnished

from mailer.core.newsroom import Site
from mailer.store.database import Database
from mailer.texts.catalogue import languages

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
ALL = os.environ.get("MAILER_TEST_LANGUAGES") == "all"
LANGUAGES = languages() if ALL else ("en", "ar")
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_WIDTH = "document.documentElement.scrollWidth"
_RUN = """async (options) => {
  const found = await axe.run(document, {...options, resultTypes: ["violations"]});
  return found.violations.flatMap(
    (rule) => rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 120)}`));
}"""

pytestmark = seen_by_a_browser


@pytest.fixture(scope="module")
def full(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    """One full day for all languages: looking changes nothing that a page shows."""
    path = tmp_path_factory.mktemp("full") / "mailer.sqlite"
    shutil.copyfile(migrated_sqlite, path)
    database = Database(f"sqlite:///{path}")
    yield furnished(database, Clock(), Site("http://127.0.0.1"))
    database.close()


@pytest.fixture(scope="module")
def address(full: Furnished) -> Iterator[str]:
    with served(full.office) as found:
        yield found


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Page]:
    """One window for all: to open one costs as much as a page."""
    context = browser.new_context(locale="en-GB")
    yield context.new_page()
    context.close()


@pytest.fixture
def page(window: Page, address: str) -> Iterator[Page]:
    """A page whose complaints, and whatever it asks of others, fail the test."""
    complaints: list[str] = []

    def console(message: ConsoleMessage) -> None:
        complaints.append(message.text)

    def error(found: Error) -> None:
        complaints.append(str(found))

    def asked(request: Request) -> None:
        if not request.url.startswith((address, "data:", "about:")):
            complaints.append(request.url)

    window.set_viewport_size({"width": 1280, "height": 900})
    window.emulate_media(color_scheme="light")
    window.on("console", console)
    window.on("pageerror", error)
    window.on("request", asked)
    yield window
    window.goto("about:blank")
    window.remove_listener("console", console)
    window.remove_listener("pageerror", error)
    window.remove_listener("request", asked)
    assert not [words for words in complaints if "responded with a status of 4" not in words]


def opened(page: Page, address: str, sample: PageSample, full: Furnished, language: str) -> None:
    """Go there as a visitor would, and press the button where the page is behind one."""
    path = full.place(sample)
    answer = page.goto(f"{address}{path}{'&' if '?' in path else '?'}lang={language}")
    if sample.typed is not None:
        for field, words in sample.typed.items():
            page.fill(f"main form >> nth=0 >> [name={field}]", words)
        with page.expect_navigation() as pressed:
            page.click("main form >> nth=0 >> button")
        answer = pressed.value
    assert answer is not None
    assert answer.status == sample.status, sample.name


def violations(page: Page, options: dict[str, Any]) -> list[str]:
    page.evaluate(f"window.axe === undefined && (() => {{ {AXE} }})()")
    return list(page.evaluate(_RUN, options))


@pytest.mark.parametrize("sample", PAGES, ids=lambda sample: sample.name)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_is_accessible_in_light_and_dark_wide_and_narrow(
    page: Page, address: str, full: Furnished, language: str, sample: PageSample
) -> None:
    opened(page, address, sample, full, language)
    coloured = (
        language == LANGUAGES[0] or ALL
    )  # colours, the dearest rule, are alike in all languages
    rules = {"color-contrast": {"enabled": coloured}}
    assert not violations(page, {"runOnly": list(RULES), "rules": rules})
    if coloured:
        page.emulate_media(color_scheme="dark")
        assert not violations(page, {"runOnly": ["color-contrast"]})  # all that colours can change
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate(_WIDTH) <= 320, "no scrolling to both sides (WCAG 2.2, 1.4.10)"
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate(_WIDTH) <= 340, "nor with letters twice as large (1.4.4)"


def test_axe_would_find_something(page: Page, address: str) -> None:
    """A check that cannot fail is none."""
    page.goto(f"{address}/tides?lang=en")
    page.evaluate("document.querySelector('label').remove()")
    page.evaluate("document.querySelector('#consent').className = 'faint'")
    page.evaluate("document.querySelector('.faint').setAttribute('lang', 'no such')")
    found = violations(page, {"runOnly": list(RULES)})
    assert {words.partition(":")[0] for words in found} >= {"label", "valid-lang"}


def test_data_for_machines_is_neither_run_nor_refused(
    page: Page, address: str, full: Furnished
) -> None:
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation', (e) => console.log(e.blockedURI))"
    )
    page.goto(f"{address}/tides/releases/{full.releases['whole']}")
    data = page.locator('script[type="application/ld+json"]')
    assert data.evaluate("(node) => JSON.parse(node.textContent)['@type']") == "NewsArticle"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_logo_is_drawn_with_its_own_colours(
    page: Page, address: str, scheme: str, look_at: Callable[[Page, str], None]
) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] # one of the words it takes
    page.goto(f"{address}/tides")
    look_at(page, ".logo")


@pytest.fixture
def look_at() -> Callable[[Page, str], None]:
    """Whether a picture was loaded and has its size."""

    def look(page: Page, selector: str) -> None:
        picture = page.locator(selector)
        assert picture.evaluate("(node) => node.complete && node.naturalWidth > 0")
        box = picture.bounding_box()
        assert box is not None
        assert box["height"] >= 40

    return look

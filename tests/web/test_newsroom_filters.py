"""A newsroom's list by kind, page by page, and what machines read of it."""

import re
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient
from support.desk import text
from support.offices import UM, Clock

from mailer.core.release import Edition, ReleaseDocument
from mailer.services import press
from mailer.services.office import Office
from mailer.services.publish import publish_due

Shelve = Callable[..., None]


@pytest.fixture
def shelve(office: Office, clock: Clock) -> Shelve:
    """Publish so many releases of a kind."""

    def make(kind: str, count: int = 1, edition: Edition | None = None) -> None:
        for number in range(count):
            document = ReleaseDocument(
                edition or text(f"{kind} {number}"), kind=kind, identity=f"{kind}-{number}"
            )
            added = press.add_document(office, document, newsroom="um", who="test")
            press.send(office, added.id, who="test")
            clock.move(hours=1)
        publish_due(office)

    return make


def filters(page: str) -> dict[str, str]:
    nav = re.findall(r'<nav class="filters".*?</nav>', page, re.DOTALL)
    links = re.findall(r'<a href="([^"]+)"( aria-current="true")?>(?:<bdi>)?([^<]+)', "".join(nav))
    return {label: href + ("*" if current else "") for href, current, label in links}


def test_kinds_are_links_and_one_of_them_is_where_we_are(site: TestClient, shelve: Shelve) -> None:
    shelve("Nyhed")
    shelve("Pressemeddelelse", 2)
    shelve("", 1)
    shelve("Rock & rul", 1)
    assert filters(site.get("/um").text) == {
        "Alle": "/um*",
        "Pressemeddelelse": "/um?kind=Pressemeddelelse",
        "Nyhed": "/um?kind=Nyhed",
        "Rock &amp; rul": "/um?kind=Rock+%26+rul",
    }
    narrowed = site.get("/um?kind=Pressemeddelelse&lang=en").text
    assert narrowed.count("<h3>") == 3
    assert filters(narrowed)["Press release"] == "/um?kind=Pressemeddelelse&amp;lang=en*"
    assert "<title>Press release – Press releases from Udenrigsministeriet</title>" in narrowed
    assert site.get("/um?kind=Rock+%26+rul").text.count("<h3>") == 1


def test_one_kind_needs_no_filter(site: TestClient, shelve: Shelve) -> None:
    shelve("Nyhed", 2)
    assert filters(site.get("/um").text) == {}


@pytest.mark.parametrize("kind", ["Vejr", "x" * 65, "a\0b", "%", "' OR 1=1 --"])
def test_a_kind_that_is_none_is_not_found(site: TestClient, shelve: Shelve, kind: str) -> None:
    shelve("Nyhed")
    assert site.get("/um", params={"kind": kind}).status_code == 404


def test_paging_keeps_the_kind(site: TestClient, shelve: Shelve) -> None:
    shelve("Nyhed", 21)
    shelve("Tale")
    first = site.get("/um?kind=Nyhed").text
    assert '<a rel="next" href="/um?kind=Nyhed&amp;page=2">' in first
    assert "Side 1 af 2" in first
    second = site.get("/um?kind=Nyhed&page=2").text
    assert '<a rel="prev" href="/um?kind=Nyhed">' in second
    assert second.count("<h3>") == 1
    assert '<link rel="canonical" href="https://news.example/um?kind=Nyhed&amp;page=2">' in second
    assert site.get("/um?kind=Tale&page=2").status_code == 404


def test_the_list_names_its_feeds_and_its_languages(site: TestClient) -> None:
    page = site.get("/um?lang=en").text
    found = re.findall(r'<link rel="alternate" type="([^"]+)" href="([^"]+)"', page)
    assert found == [
        ("application/atom+xml", "/um/feed.atom?lang=en"),
        ("application/rss+xml", "/um/feed.rss?lang=en"),
        ("application/feed+json", "/um/feed.json?lang=en"),
    ]
    assert all(site.get(address).status_code == 200 for _, address in found)
    assert '<link rel="canonical" href="https://news.example/um?lang=en">' in page
    assert '<link rel="alternate" hreflang="x-default" href="https://news.example/um">' in page
    assert '<meta property="og:type" content="website">' in page
    assert f'<meta property="og:site_name" content="{UM.name}">' in page


def test_a_long_lead_ends_at_a_word(site: TestClient, shelve: Shelve) -> None:
    shelve("Nyhed", edition=Edition("da", "Lang", "ord " * 200, text().body))
    (lead,) = re.findall(r'<p class="lead">([^<]+)</p>', site.get("/um").text)
    assert lead.endswith("ord…")
    assert 300 < len(lead) <= 361

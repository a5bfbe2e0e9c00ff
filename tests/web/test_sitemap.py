"""What robots are told: every public address with its languages, in files small enough, and nothing else."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from sqlalchemy import update
from starlette.requests import Request
from starlette.testclient import TestClient
from support.offices import Clock

from mailer.core.newsroom import Site
from mailer.core.release import Block, Edition, ReleaseDocument, Run
from mailer.services import press
from mailer.services.office import Office
from mailer.store.tables import release
from mailer.web.headers import TOKEN_DOORS
from mailer.web.pages import Pages
from mailer.web.sitemap import SitemapPages

Publish = Callable[..., int]
Visit = Callable[[Office], TestClient]
NAMES = {
    "map": "http://www.sitemaps.org/schemas/sitemap/0.9",
    "xhtml": "http://www.w3.org/1999/xhtml",
}
HOME = "https://news.example"
PATH = f"{HOME}/um/releases/1-aftale-om-oestersoeen"


def urls(document: bytes) -> dict[str, tuple[str | None, dict[str, str]]]:
    """Each address with its last change and its languages."""
    top = ElementTree.fromstring(document)
    assert top.tag == f"{{{NAMES['map']}}}urlset"
    return {
        str(url.findtext("map:loc", None, NAMES)): (
            url.findtext("map:lastmod", None, NAMES),
            {
                link.attrib["hreflang"]: link.attrib["href"]
                for link in url.findall("xhtml:link", NAMES)
            },
        )
        for url in top
    }


def files(document: bytes) -> list[str]:
    top = ElementTree.fromstring(document)
    assert top.tag == f"{{{NAMES['map']}}}sitemapindex"
    return [str(part.findtext("map:loc", None, NAMES)) for part in top]


def ask(pages: SitemapPages, number: str) -> bytes:
    """One of the files, from pages whose files are small."""
    request = Request(
        {"type": "http", "method": "GET", "headers": [], "path_params": {"number": number}}
    )
    return bytes(asyncio.run(pages.part(request)).body)


def test_every_public_address_is_there_and_no_other(
    site: TestClient, office: Office, publish: Publish, clock: Clock
) -> None:
    number = publish()
    publish("Hemmelig", send=False)
    publish("Trukket tilbage")
    with office.database.write() as connection:
        connection.execute(update(release).where(release.c.id == 3).values(state="withdrawn"))
    clock.move(hours=1)
    english = Edition("en", "Agreement", "", (Block("paragraph", (Run("x"),)),))
    document = ReleaseDocument(english, identity=press.shown(office, number).identity)
    press.add_document(office, document, newsroom="um", who="test")
    found = urls(site.get("/sitemap.xml").content)
    room = {tag: f"{HOME}/um?lang={tag}" for tag in ("da", "en")} | {"x-default": f"{HOME}/um"}
    text = {tag: f"{PATH}?lang={tag}" for tag in ("da", "en")} | {"x-default": PATH}
    assert found == {
        f"{HOME}/": (None, {}),
        f"{HOME}/um?lang=da": (None, room),
        f"{HOME}/um?lang=en": (None, room),
        f"{HOME}/kefm": (None, {}),
        f"{PATH}?lang=da": ("2026-03-02T08:00:00Z", text),
        f"{PATH}?lang=en": ("2026-03-02T09:00:00Z", text),
    }
    assert all(site.get(address).status_code == 200 for address in found)


def test_a_release_of_a_newsroom_that_is_no_more_is_not_told(
    office: Office, visit: Visit, publish: Publish
) -> None:
    publish()
    kefm = {"kefm": office.newsrooms["kefm"]}
    assert list(urls(visit(replace(office, newsrooms=kefm)).get("/sitemap.xml").content)) == [
        f"{HOME}/kefm"
    ]


def test_many_releases_are_told_in_several_files(office: Office, publish: Publish) -> None:
    for number in range(5):
        publish(f"Nummer {number}")
    small = SitemapPages(Pages(office), size=2)
    request = Request({"type": "http", "method": "GET", "headers": []})
    whole = bytes(asyncio.run(small.sitemap(request)).body)
    assert files(whole) == [f"{HOME}/sitemap-{number}.xml" for number in (1, 2, 3)]
    parts = [urls(ask(small, number)) for number in "123"]
    releases = [address for part in parts for address in part if "releases" in address]
    assert len(releases) == len(set(releases)) == 5
    assert [sum("releases" in address for address in part) for part in parts] == [2, 2, 1]
    assert f"{HOME}/kefm" in parts[0]
    assert not any(f"{HOME}/kefm" in part for part in parts[1:])


@pytest.mark.parametrize("number", ["0", "1", "2", "x", "-1", "01", "9" * 5000, "1.5", ""])
def test_a_file_that_is_none_is_not_found(site: TestClient, publish: Publish, number: str) -> None:
    publish()
    assert site.get(f"/sitemap-{number}.xml").status_code == 404


def test_who_has_it_gets_nothing_again(site: TestClient, publish: Publish) -> None:
    first = site.get("/sitemap.xml")
    assert first.headers["content-type"] == "application/xml"
    asked = {"If-None-Match": first.headers["etag"]}
    assert site.get("/sitemap.xml", headers=asked).status_code == 304
    publish()
    assert site.get("/sitemap.xml", headers=asked).status_code == 200


def test_robots_are_led_to_it_and_away_from_links_in_mails(
    site: TestClient, office: Office, visit: Visit
) -> None:
    lines = site.get("/robots.txt").text.splitlines()
    assert lines[0] == "User-agent: *"
    assert lines[-1] == f"Sitemap: {HOME}/sitemap.xml"
    assert {f"Disallow: {door}" for door in TOKEN_DOORS} <= set(lines)
    below = visit(replace(office, site=Site("https://example.org/press")))
    told = below.get("/robots.txt").text
    assert "Disallow: /press/confirm/" in told
    assert told.endswith("Sitemap: https://example.org/press/sitemap.xml\n")

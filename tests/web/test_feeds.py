"""Feeds in three forms, read back by somebody else's parser: lasting names, whole texts, 304 when known."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from starlette.testclient import TestClient
from support.offices import UM, Clock

from mailer.core.newsroom import Site
from mailer.core.release import Block, Contact, Edition, ReleaseDocument, Run
from mailer.services import press
from mailer.services.office import Office
from mailer.store.tables import release
from mailer.texts.templates import Templates
from mailer.web.atom import atom
from mailer.web.json_feed import json_feed
from mailer.web.rss import rss
from mailer.web.syndication import Entry, Feed

Publish = Callable[..., int]
Visit = Callable[[Office], TestClient]
FORMS = ("atom", "rss", "json")
NAME = "tag:um.example,2026-03-02:um/releases/1"
PATH = "https://news.example/um/releases/1-aftale-om-oestersoeen"
ENGLISH = Edition("en", "Agreement", "It holds.", (Block("paragraph", (Run("From today."),)),))


def translate(office: Office, number: int, edition: Edition) -> None:
    identity = press.shown(office, number).identity
    document = ReleaseDocument(edition, identity=identity)
    assert press.add_document(office, document, newsroom="um", who="test").id == number


def parsed(site: TestClient, form: str, query: str = "") -> Any:
    answer = site.get(f"/um/feed.{form}{query}")
    assert answer.status_code == 200
    if form == "json":
        return answer.json()
    found = feedparser.parse(answer.content, response_headers=dict(answer.headers))
    assert not found.bozo, found.get("bozo_exception")
    assert found.version == {"atom": "atom10", "rss": "rss20"}[form]
    return found


def names(site: TestClient, form: str, query: str = "") -> list[str]:
    found = parsed(site, form, query)
    return [item["id"] for item in (found["items"] if form == "json" else found.entries)]


def test_atom_says_all_that_a_reader_wants(site: TestClient, publish: Publish) -> None:
    publish()
    found = parsed(site, "atom")
    assert (found.feed.title, found.feed.language) == ("Pressemeddelelser fra " + UM.name, "da")
    assert found.feed.id == "tag:um.example,2026-01-01:um"
    assert {link.rel: link.href for link in found.feed.links} == {
        "self": "https://news.example/um/feed.atom",
        "alternate": "https://news.example/um",
    }
    assert (found.feed.author, found.feed.updated) == (UM.name, "2026-03-02T08:00:00Z")
    (entry,) = found.entries
    assert (entry.id, entry.link, entry.title) == (NAME, PATH, "Aftale om Østersøen")
    assert entry.published == entry.updated == "2026-03-02T08:00:00Z"
    assert entry.summary == "Ministeren har i dag indgået en aftale."
    assert (entry.content[0].type, entry.content[0].language) == ("text/html", "da")
    assert "<p>Aftalen gælder fra i dag.</p>" in entry.content[0].value
    assert '<a dir="auto" href="mailto:presse@um.example">' in entry.content[0].value
    assert [tag.term for tag in entry.tags] == ["Nyhed"]


def test_rss_says_the_same(site: TestClient, publish: Publish) -> None:
    publish()
    found = parsed(site, "rss")
    assert (found.feed.title, found.feed.language) == ("Pressemeddelelser fra " + UM.name, "da")
    assert found.feed.link == "https://news.example/um"
    (own,) = [link for link in found.feed.links if link.rel == "self"]
    assert own.href == "https://news.example/um/feed.rss"
    assert own.type == "application/rss+xml"
    (entry,) = found.entries
    assert (entry.id, entry.link, entry.title) == (NAME, PATH, "Aftale om Østersøen")
    assert not entry.guidislink
    assert entry.published == "Mon, 02 Mar 2026 08:00:00 GMT"
    assert entry.updated == "2026-03-02T08:00:00Z"
    assert entry.summary == "Ministeren har i dag indgået en aftale."
    assert "<p>Aftalen gælder fra i dag.</p>" in entry.content[0].value


def test_json_says_the_same(site: TestClient, publish: Publish) -> None:
    publish()
    found = parsed(site, "json")
    (item,) = found.pop("items")
    content = item.pop("content_html")
    assert found == {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Pressemeddelelser fra " + UM.name,
        "home_page_url": "https://news.example/um",
        "feed_url": "https://news.example/um/feed.json",
        "language": "da",
        "authors": [{"name": UM.name, "url": "https://news.example/um"}],
    }
    assert item == {
        "id": NAME,
        "url": PATH,
        "title": "Aftale om Østersøen",
        "summary": "Ministeren har i dag indgået en aftale.",
        "date_published": "2026-03-02T08:00:00Z",
        "date_modified": "2026-03-02T08:00:00Z",
        "language": "da",
        "tags": ["Nyhed"],
    }
    assert "<p>Aftalen gælder fra i dag.</p>" in content


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("atom", "application/atom+xml; charset=utf-8"),
        ("rss", "application/rss+xml; charset=utf-8"),
        ("json", "application/feed+json"),
    ],
)
def test_an_empty_feed_is_whole_too(site: TestClient, form: str, kind: str) -> None:
    answer = site.get(f"/um/feed.{form}")
    assert answer.headers["content-type"] == kind
    assert names(site, form) == []
    assert "last-modified" not in answer.headers
    if form == "atom":
        top = ElementTree.fromstring(answer.content)
        for needed in ("id", "title", "updated"):  # RFC 4287 section 4.1.1
            assert top.findtext(f"{{http://www.w3.org/2005/Atom}}{needed}")


@pytest.mark.parametrize("form", FORMS)
def test_a_name_outlives_title_words_and_address(
    site: TestClient, office: Office, visit: Visit, publish: Publish, clock: Clock, form: str
) -> None:
    number = publish()
    before = names(site, form)
    clock.move(days=3)
    translate(office, number, replace(ENGLISH, language="da", title="Helt andre ord"))
    translate(office, number, ENGLISH)
    moved = visit(replace(office, site=Site("https://elsewhere.example/press")))
    assert before == names(site, form) == names(moved, form) == [NAME]
    changed = parsed(site, form)
    entry = (changed["items"] if form == "json" else changed.entries)[0]
    assert entry["title"] == "Helt andre ord"
    assert entry["date_modified" if form == "json" else "updated"] == "2026-03-05T08:00:00Z"


@pytest.mark.parametrize("form", FORMS)
def test_a_feed_of_one_language_has_that_language_alone(
    site: TestClient, office: Office, publish: Publish, form: str
) -> None:
    translate(office, publish(), ENGLISH)
    publish("Kun dansk")
    assert names(site, form, "?lang=en") == [f"{NAME}/en"]
    assert len(names(site, form, "?lang=da")) == len(names(site, form)) == 2
    text = site.get(f"/um/feed.{form}?lang=EN").text
    assert "Press releases from" in text
    assert f"https://news.example/um/feed.{form}?lang=en" in text
    assert f"{PATH}?lang=en" in text
    header = site.get(f"/um/feed.{form}", headers={"Accept-Language": "en"})
    assert header.text == site.get(f"/um/feed.{form}").text
    assert site.get(f"/um/feed.{form}?lang=de").status_code == 404


@pytest.mark.parametrize("form", FORMS)
def test_who_has_it_gets_nothing_again(
    site: TestClient, office: Office, publish: Publish, clock: Clock, form: str
) -> None:
    publish()
    address = f"/um/feed.{form}"
    first = site.get(address)
    tag, date = first.headers["etag"], first.headers["last-modified"]
    assert date == "Mon, 02 Mar 2026 08:00:00 GMT"
    assert first.headers["cache-control"] == "public, max-age=300"
    assert first.headers["access-control-allow-origin"] == "*"
    assert "vary" not in first.headers
    for asked in (
        {"If-None-Match": tag},
        {"If-None-Match": f'"other", W/{tag}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": date},
        {"If-None-Match": tag, "If-Modified-Since": "Sun, 01 Mar 2026 08:00:00 GMT"},
    ):
        again = site.get(address, headers=asked)
        assert (again.status_code, again.content) == (304, b""), asked
        assert (again.headers["etag"], again.headers["last-modified"]) == (tag, date)
    clock.move(hours=1)
    publish("En til")
    for asked in (
        {"If-None-Match": tag},
        {"If-None-Match": '"other"', "If-Modified-Since": "Mon, 02 Mar 2026 09:00:00 GMT"},
        {"If-Modified-Since": date},
        {"If-Modified-Since": "not a date"},
    ):
        assert site.get(address, headers=asked).status_code == 200, asked
    later = site.get(address)
    with office.database.write() as connection:
        connection.execute(update(release).where(release.c.id == 2).values(state="withdrawn"))
    for asked in (
        {"If-None-Match": later.headers["etag"]},
        {"If-Modified-Since": later.headers["last-modified"]},
    ):
        assert site.get(address, headers=asked).status_code == 200, "withdrawn is a change too"


@pytest.mark.parametrize("form", FORMS)
def test_head_tells_the_same(site: TestClient, publish: Publish, form: str) -> None:
    publish()
    told = [dict(site.request(method, f"/um/feed.{form}").headers) for method in ("GET", "HEAD")]
    assert told[0] == told[1]


@pytest.mark.parametrize(
    "path", ["/um/feed.xml", "/um/feed.", "/nobody/feed.atom", "/um/feed.Atom"]
)
def test_a_feed_that_is_none_is_not_found(site: TestClient, path: str) -> None:
    assert site.get(path).status_code == 404


@pytest.mark.parametrize("form", FORMS)
def test_nothing_that_a_release_says_becomes_markup(
    site: TestClient, publish: Publish, form: str
) -> None:
    evil = '<script>alert(1)</script>]]>"&amp;<img src=x onerror=y>'
    publish(
        evil,
        lead=evil,
        body=(Block("paragraph", (Run(evil, href='https://a.example/?a&b"'),)),),
        contacts=(Contact(evil),),
    )
    found = parsed(site, form)
    if form == "json":
        entry, content = found["items"][0], found["items"][0]["content_html"]
    else:
        entry, content = found.entries[0], ElementTree.fromstring(site.get(f"/um/feed.{form}").text)
        content = next(
            part.text
            for part in content.iter()
            if part.tag.rpartition("}")[2] in {"content", "encoded"}
        )
    assert "<script" not in content
    assert "<img" not in content
    assert content.count("&lt;script&gt;") == 3
    assert form != "json" or entry["title"] == evil


@pytest.mark.parametrize("form", FORMS)
def test_every_link_in_a_feed_is_whole(site: TestClient, publish: Publish, form: str) -> None:
    publish(body=(Block("paragraph", (Run("x", href="https://a.example/b"),)),))
    text = site.get(f"/um/feed.{form}").text.replace("&lt;", "<").replace('\\"', '"')
    links = re.findall(r'(?:href|url)"?[=:] ?"([^"]+)"', text)
    assert len(links) >= 3
    assert all(re.match("https://|mailto:|tel:", link) for link in links)


@pytest.mark.parametrize("form", FORMS)
def test_a_feed_is_thirty_long(site: TestClient, publish: Publish, form: str) -> None:
    for number in range(32):
        publish(f"Nummer {number}")
    found = names(site, form)
    assert len(found) == len(set(found)) == 30
    assert found[0] == "tag:um.example,2026-03-02:um/releases/32"


def test_a_release_from_elsewhere_says_where(
    site: TestClient, office: Office, publish: Publish
) -> None:
    publish()
    with office.database.write() as connection:
        connection.execute(update(release).values(canonical_url="https://um.example/1"))
    assert parsed(site, "json")["items"][0]["external_url"] == "https://um.example/1"
    links = {link.rel: link.href for link in parsed(site, "atom").entries[0].links}
    assert links == {"alternate": PATH, "via": "https://um.example/1"}


def test_an_operators_template_makes_the_content(
    office: Office, visit: Visit, publish: Publish, tmp_path: Any
) -> None:
    publish()
    (tmp_path / "web").mkdir()
    (tmp_path / "web/_feed_entry.html").write_text("<p>{{ edition.title }}!</p>")
    site = visit(replace(office, templates=Templates(tmp_path)))
    assert parsed(site, "json")["items"][0]["content_html"] == "<p>Aftale om Østersøen!</p>"


WORDS = st.text(st.characters(codec="utf-8"), max_size=40)


@given(WORDS, WORDS, WORDS)
def test_no_text_breaks_a_feed(title: str, lead: str, content: str) -> None:
    moment = datetime(2026, 3, 2, tzinfo=UTC)
    entry = Entry(
        "tag:a.example,2026:x/1", "https://a.example/1", "", "da", title, title, lead, content,
        moment, moment,
    )  # fmt: skip
    own = {form: f"https://a.example/{form}" for form in FORMS}
    feed = Feed("tag:a.example,2026:x", lead, title, "da", "https://a.example", own, "", (entry,))
    for document in (atom(feed), rss(feed)):
        ElementTree.fromstring(document)
    assert json.loads(json_feed(feed))["items"][0].get("title", "") == title

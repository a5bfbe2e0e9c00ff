"""A release's page: in each of its languages, with what machines read, or a calm word that it is gone."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, update
from starlette.testclient import TestClient
from support.desk import text
from support.offices import UM, Clock

from mailer.core.release import Block, Edition, ReleaseDocument, Run
from mailer.services import press
from mailer.services.office import Office
from mailer.store.tables import release
from mailer.web.head import as_data
from mailer.web.paths import linked

Publish = Callable[..., int]
Visit = Callable[[Office], TestClient]
PATH = "/um/releases/1-aftale-om-oestersoeen"
ENGLISH = Edition("en", "Agreement", "It holds.", (Block("paragraph", (Run("From today."),)),))


def translate(office: Office, number: int, edition: Edition) -> None:
    identity = press.shown(office, number).identity
    document = ReleaseDocument(edition, identity=identity)
    assert press.add_document(office, document, newsroom="um", who="test").id == number


def data(page: str) -> Any:
    (found,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
    return json.loads(found)


def properties(page: str) -> dict[str, str]:
    return dict(re.findall(r'<meta property="([^"]+)" content="([^"]*)">', page))


def alternates(page: str) -> dict[str, str]:
    found = re.findall(r'<link rel="alternate" hreflang="([^"]+)" href="([^"]+)">', page)
    return {tag: address.removeprefix("https://news.example") for tag, address in found}


@pytest.mark.parametrize(
    ("query", "header", "title"),
    [
        ("", "", "Aftale om Østersøen"),
        ("", "en", "Agreement"),
        ("", "de", "Aftale om Østersøen"),
        ("?lang=en", "da", "Agreement"),
        ("?lang=da", "en", "Aftale om Østersøen"),
    ],
)
def test_a_link_chooses_the_text_then_the_browser(
    site: TestClient, office: Office, publish: Publish, query: str, header: str, title: str
) -> None:
    translate(office, publish(), ENGLISH)
    page = site.get(PATH + query, headers={"Accept-Language": header}).text
    assert f"<h1>{title}</h1>" in page


def test_a_text_in_a_language_that_the_newsroom_has_no_words_for_is_there(
    site: TestClient, office: Office, publish: Publish
) -> None:
    translate(office, publish(), replace(ENGLISH, language="fo", title="Avtala"))
    page = site.get(f"{PATH}?lang=fo", headers={"Accept-Language": "da"})
    assert "<h1>Avtala</h1>" in page.text
    assert '<article class="release" lang="fo" dir="ltr">' in page.text
    assert '<html lang="da"' in page.text
    wrong = site.get("/um/releases/1-x?lang=fo")
    assert wrong.headers["location"] == f"{PATH}?lang=fo"


def test_each_language_has_an_address_and_names_the_others(
    site: TestClient, office: Office, publish: Publish
) -> None:
    translate(office, publish(), ENGLISH)
    page = site.get(f"{PATH}?lang=en").text
    assert f'<link rel="canonical" href="https://news.example{PATH}?lang=en">' in page
    assert alternates(page) == {
        "da": f"{PATH}?lang=da",
        "en": f"{PATH}?lang=en",
        "x-default": PATH,
    }
    links = re.findall(r'<p class="editions".*?</p>', page, re.DOTALL)
    assert re.findall(r'href="([^"]+)" lang="(\w+)"', links[0]) == [(f"{PATH}?lang=da", "da")]


def test_a_release_of_one_language_has_one_address(site: TestClient, publish: Publish) -> None:
    publish()
    for query in ("", "?lang=en", "?lang=da"):
        page = site.get(PATH + query).text
        assert f'<link rel="canonical" href="https://news.example{PATH}">' in page
        assert alternates(page) == {}
        assert "editions" not in page


def test_a_change_is_told_with_its_time(
    site: TestClient, office: Office, publish: Publish, clock: Clock
) -> None:
    number = publish()
    assert "Ændret" not in site.get(PATH).text
    clock.move(hours=3)
    translate(office, number, replace(ENGLISH, language="da", title="Rettet aftale"))
    page = site.get(PATH).text
    assert re.search(r"Ændret: <time [^>]*>2\. marts 2026 kl\. 12\.00</time>", page)
    assert data(page)["dateModified"] == "2026-03-02T11:00:00Z"
    assert data(page)["datePublished"] == "2026-03-02T08:00:00Z"


def test_machines_read_the_same_release(site: TestClient, office: Office, publish: Publish) -> None:
    translate(office, publish(), ENGLISH)
    page = site.get(f"{PATH}?lang=en").text
    address = f"https://news.example{PATH}?lang=en"
    issuer = {
        "@type": "Organization",
        "name": "Udenrigsministeriet",
        "url": "https://news.example/um",
    }
    assert data(page) == {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "@id": address,
        "mainEntityOfPage": address,
        "url": address,
        "headline": "Agreement",
        "description": "It holds.",
        "articleSection": "News",
        "articleBody": "From today.",
        "inLanguage": "en",
        "datePublished": "2026-03-02T08:00:00Z",
        "dateModified": "2026-03-02T08:00:00Z",
        "isAccessibleForFree": True,
        "author": issuer,
        "publisher": issuer,
    }
    assert properties(page) == {
        "og:type": "article",
        "og:title": "Agreement",
        "og:description": "It holds.",
        "og:site_name": "Udenrigsministeriet",
        "og:url": address,
        "og:locale": "en_GB",
        "og:locale:alternate": "da_DK",
        "article:published_time": "2026-03-02T08:00:00Z",
        "article:modified_time": "2026-03-02T08:00:00Z",
        "article:section": "News",
    }
    assert '<meta name="description" content="It holds.">' in page


@given(st.text())
def test_no_text_ends_the_element_that_data_stands_in(words: str) -> None:
    for said in (words, f"</script><!--{words}", f"{words}<script>&"):
        written = as_data({"headline": said})
        assert not set("<>&\u2028\u2029") & set(written)
        assert json.loads(written) == {"headline": said}


@pytest.mark.parametrize("slug", ["aftale-om-oestersoeen", "x", ""])
def test_a_withdrawn_release_is_gone_with_a_calm_word(
    site: TestClient, office: Office, publish: Publish, slug: str
) -> None:
    publish()
    publish("En anden")
    with office.database.write() as connection:
        connection.execute(update(release).where(release.c.id == 1).values(state="withdrawn"))
    answer = site.get(f"/um/releases/1-{slug}?lang=en")
    assert answer.status_code == 410
    assert "This press release was withdrawn" in answer.text
    assert "published it on 2 March 2026" in answer.text
    assert "pressevagten@um.example" in answer.text
    assert "Østersøen" not in answer.text
    assert "En anden" in answer.text
    assert '<meta name="robots" content="noindex">' in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "Østersøen" not in site.get("/um").text


def test_what_is_told_of_the_issuer_stands_below_in_the_languages_there_are(
    office: Office, visit: Visit, publish: Publish
) -> None:
    publish()
    publish("English", language="en")
    words = "Vi er <ministeriet>.\nTo linjer.\n\nLæs mere: https://um.example/om."
    room = replace(UM, boilerplate=(("da", words),))
    site = visit(replace(office, newsrooms={"um": room}))
    page = site.get(PATH).text
    about = page[page.index('<section class="about"') : page.index("</article>")]
    assert "Om Udenrigsministeriet</h2>" in about
    assert "<p>Vi er &lt;ministeriet&gt;.\nTo linjer.</p>" in about
    assert '<a href="https://um.example/om">https://um.example/om</a>.</p>' in about
    assert 'class="about"' not in site.get("/um/releases/2-english").text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("", ""),
        ("no address", "no address"),
        ("http://a.example", "[http://a.example]"),
        ("(see https://a.example/b?c=d, then)", "(see [https://a.example/b?c=d], then)"),
        ("javascript:alert(1) https://", "javascript:alert(1) https://"),
    ],
)
def test_web_addresses_in_settings_become_links(said: str, shown: str) -> None:
    runs = linked(said)
    assert "".join(f"[{run.text}]" if run.href else run.text for run in runs) == shown
    assert all(run.href in {None, run.text} for run in runs)


def test_the_latest_others_lead_on(site: TestClient, publish: Publish, clock: Clock) -> None:
    for title in ("En", "To", "Tre", "Fire", "Fem"):
        publish(title)
        clock.move(hours=1)
    page = site.get("/um/releases/4-fire").text
    others = page[page.index('<section class="others"') :]
    assert re.findall(r'<h3 [^>]*><a href="([^"]+)"', others) == [
        "/um/releases/5-fem",
        "/um/releases/3-tre",
        "/um/releases/2-to",
    ]


@pytest.mark.parametrize("path", ["/um", "/um?kind=Nyhed", PATH, "/um/feed.atom", "/sitemap.xml"])
def test_a_page_takes_a_handful_of_statements(
    office: Office, site: TestClient, publish: Publish, path: str
) -> None:
    publish()
    for number in range(25):
        publish(f"Nummer {number}")
    translate(office, 1, replace(text("x"), language="en"))
    said: list[str] = []

    def listen(*told: Any) -> None:
        said.append(told[2])

    event.listen(office.database.engine, "before_cursor_execute", listen)
    assert site.get(path).status_code == 200
    event.remove(office.database.engine, "before_cursor_execute", listen)
    assert 2 <= len([words for words in said if words.startswith("SELECT")]) <= 5

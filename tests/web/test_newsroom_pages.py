"""What anybody may read: the releases, each on its page, in the reader's language, at one address."""

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from support.offices import KEFM, UM, Clock, make_office

from mailer.core.newsroom import Site
from mailer.core.release import Block, Contact, Run
from mailer.services.office import Office
from mailer.store.database import Database
from mailer.texts.templates import Templates
from mailer.web.paths import contact_runs

Publish = Callable[..., int]
Visit = Callable[[Office], TestClient]
SCRIPTS = ['<script type="application/ld+json">']  # a data block, which no browser runs
PAGES = ["/", "/um", "/um?lang=en", "/um/check-mail", "/um/confirmed", "/um/releases/1", "/nothing"]


def test_the_front_page_lists_the_newsrooms(site: TestClient) -> None:
    page = site.get("/", headers={"Accept-Language": "en"})
    assert re.findall(r'<li><a href="(/\w+)">([^<]+)</a>', page.text)[:2] == [
        ("/kefm", KEFM.name),
        ("/um", UM.name),
    ]


def test_a_newsroom_lists_what_it_published_newest_first(
    site: TestClient, publish: Publish, clock: Clock
) -> None:
    publish("Den første")
    clock.move(days=1)
    publish("Den anden", lead="")
    publish("Den tilbageholdte", send=False)
    publish("Another ministry's", newsroom="kefm", language="en")
    page = site.get("/um").text
    assert re.findall(r"<h3><a href=\"([^\"]+)\">([^<]+)<", page) == [
        ("/um/releases/2-den-anden", "Den anden"),
        ("/um/releases/1-den-foerste", "Den første"),
    ]
    assert re.findall(r"<time [^>]*>([^<]+)<", page) == ["3. marts 2026", "2. marts 2026"]
    assert page.count('<bdi class="kind" lang="da">Nyhed</bdi>') == 2
    assert page.count("Ministeren har i dag indgået en aftale.") == 1


def test_a_day_is_the_newsrooms_own(site: TestClient, publish: Publish, clock: Clock) -> None:
    clock.move(hours=15, minutes=30)  # 23:30 UTC is past midnight in Copenhagen
    publish()
    assert ">3. marts 2026</time>" in site.get("/um").text
    assert (
        ">3. marts 2026 kl. 00.30</time>" in site.get("/um/releases/1-aftale-om-oestersoeen").text
    )


def test_an_empty_newsroom_says_so(site: TestClient) -> None:
    assert "No press release has been published here yet." in site.get("/um?lang=en").text


def test_older_releases_are_a_page_further(site: TestClient, publish: Publish) -> None:
    for number in range(21):
        publish(f"Nummer {number}")
    first, second = site.get("/um?lang=en"), site.get("/um?lang=en&page=2")
    assert first.text.count("<h3>") == 20
    assert '<a rel="next" href="/um?page=2&amp;lang=en">' in first.text
    assert 'rel="prev"' not in first.text
    assert second.text.count("<h3>") == 1
    assert '<a rel="prev" href="/um?lang=en">' in second.text
    assert 'rel="next"' not in second.text
    assert '<a href="/um?page=2&amp;lang=da"' in second.text


@pytest.mark.parametrize("page", ["0", "-1", "abc", "2", "99999", "1" * 5000, "", "1.0", "١"])
def test_a_page_that_is_none_is_not_found(site: TestClient, page: str) -> None:
    assert site.get("/um", params={"page": page}).status_code == 404


def test_a_release_is_shown_whole(site: TestClient, publish: Publish) -> None:
    publish(
        "Alt i én",
        language="en",
        body=(
            Block("heading", (Run("A heading"),), level=2),
            Block(
                "paragraph", (Run("Bold", bold=True), Run(" link", href="https://a.example/?b&c"))
            ),
            Block("attribution", (Run("The minister says:"),)),
            Block("quote", (Run("”First."),)),
            Block("quote", (Run("Last.”"),)),
            Block("bullet", (Run("one"),)),
            Block("bullet", (Run("inner"),), level=1),
            Block("number", (Run("third"),), ordinal=3),
            Block("preformatted", (Run("a  b"),)),
            Block("rule"),
        ),
        contacts=(Contact("Jane, tel 41532639", phone="41532639"),),
    )
    page = site.get("/um/releases/1-alt-i-en").text
    article = page[page.index("<article") : page.index("</article>")]
    assert article.startswith('<article class="release" lang="en" dir="ltr">')
    shown = re.sub(r">\s+<", "><", article)
    for part in (
        '<p class="lead">Ministeren har i dag indgået en aftale.</p>',
        "<h2>A heading</h2>",
        '<p><strong>Bold</strong><a href="https://a.example/?b&amp;c"> link</a></p>',
        '<p class="attribution">The minister says:</p><blockquote><p>”First.</p>',
        "<p>Last.”</p></blockquote>",
        "<ul><li>one<ul><li>inner</li></ul></li></ul>",
        '<ol start="3"><li>third</li></ol>',
        '<pre tabindex="0">a  b</pre>',
        "<hr>",
        '<li>Jane, tel <a href="tel:41532639" dir="auto">41532639</a></li>',
    ):
        assert part in shown


def test_nothing_that_a_release_says_becomes_markup(site: TestClient, publish: Publish) -> None:
    evil = '<script>alert(1)</script>"><img src=x>{{ 7 * 7 }}'
    publish(
        evil,
        lead=evil,
        body=(Block("paragraph", (Run(evil, href='https://a.example/"><script>'),)),),
        contacts=(Contact(evil),),
    )
    for address in ("/um", site.get("/um/releases/1").headers["location"]):
        page = site.get(address).text
        assert re.findall("<script[^>]*>", page) == SCRIPTS[: address.count("releases")]
        assert "<img" not in page
        assert "49" not in re.sub(r"\?v=\w+", "", page)


def test_a_release_has_one_address(site: TestClient, publish: Publish) -> None:
    publish()
    right = "/um/releases/1-aftale-om-oestersoeen"
    assert site.get(right).status_code == 200
    for wrong in ("1", "1-", "1-aftale", "01-aftale-om-oestersoeen-", "1-%0d%0aX: y"):
        answer = site.get(f"/um/releases/{wrong}")
        assert (answer.status_code, answer.headers["location"]) == (301, right)
    kept = site.get("/um/releases/1-x?lang=en&utm=1")
    assert kept.headers["location"] == f"{right}?lang=en"


def test_what_is_not_public_is_not_found(site: TestClient, publish: Publish) -> None:
    publish("Tilbageholdt", send=False)
    publish("Offentlig")
    for path in (
        "/um/releases/1-tilbageholdt",
        "/kefm/releases/2-offentlig",
        "/um/releases/99-x",
        "/um/releases/0-x",
        "/um/releases/" + "9" * 18,
        "/um/releases/" + "9" * 5000,
        "/um/releases/-1",
        "/um/releases/x",
        "/um/releases/",
        "/nobody/releases/2-offentlig",
    ):
        assert site.get(path).status_code == 404, path


def test_a_release_from_elsewhere_names_its_source(site: TestClient, publish: Publish) -> None:
    publish()
    page = site.get("/um/releases/1-aftale-om-oestersoeen").text
    assert '<link rel="canonical" href="https://news.example/um/releases/1-' in page
    assert "hos afsenderen" not in page


@pytest.mark.parametrize(
    ("contact", "said"),
    [
        (Contact("Anybody"), "Anybody"),
        (
            Contact(
                "Jane +45 41 86 94 20 j@a.example", phone="+45 41 86 94 20", email="j@a.example"
            ),
            "Jane [+45 41 86 94 20|tel:+4541869420] [j@a.example|mailto:j@a.example]",
        ),
        (Contact("Jane", email="j@a.example"), "Jane\n[j@a.example|mailto:j@a.example]"),
        (Contact("a.b axb", email="a.b"), "[a.b|mailto:a.b] axb"),
    ],
)
def test_a_contact_is_its_line_with_links(contact: Contact, said: str) -> None:
    runs = contact_runs(contact)
    assert "".join(f"[{run.text}|{run.href}]" if run.href else run.text for run in runs) == said


@pytest.mark.parametrize(
    ("query", "header", "language"),
    [
        ("", "", "da"),
        ("", "en", "en"),
        ("", "en-GB,en;q=0.9", "en"),
        ("", "de, en;q=0.3, da;q=0.5", "da"),
        ("", "de", "da"),
        ("", "*;q=0.1, !!, ;;;=", "da"),
        ("?lang=en", "da", "en"),
        ("?lang=EN-gb", "da", "en"),
        ("?lang=de", "en", "en"),
        ("?lang=", "en", "en"),
        ("?lang=en&lang=da", "", "da"),
    ],
)
def test_a_link_chooses_the_language_then_the_browser_then_the_newsroom(
    site: TestClient, query: str, header: str, language: str
) -> None:
    page = site.get(f"/um{query}", headers={"Accept-Language": header})
    assert page.headers["content-language"] == language
    assert page.headers["vary"] == "Accept-Language"
    assert f'<html lang="{language}" dir="ltr">' in page.text
    assert f'lang="{language}" aria-current="true"' in re.sub(
        r' (dir|hreflang)="\w+"', "", page.text
    )


def test_a_chosen_language_is_kept_by_every_link(site: TestClient, publish: Publish) -> None:
    publish()
    page = site.get("/um?lang=en").text
    assert '"/um/releases/1-aftale-om-oestersoeen?lang=en"' in page
    assert 'action="/um/subscribe?lang=en"' in page
    assert 'href="/?lang=en"' in page
    assert "lang=" not in re.sub(
        r'<nav class="languages".*?</nav>|<form [^>]*>|<link rel="alternate" hreflang[^>]*>|lang="\w+"',
        "",
        site.get("/um").text,
        flags=re.S,
    )


def test_a_newsroom_of_one_language_offers_no_other(site: TestClient) -> None:
    page = site.get("/kefm?lang=da", headers={"Accept-Language": "da"})
    assert page.headers["content-language"] == "en"
    assert "hreflang" not in page.text


def test_a_language_written_from_the_right_is(visit: Visit, sqlite_database: Database) -> None:
    room = replace(KEFM, languages=("ar", "en"))
    page = visit(make_office(sqlite_database, newsrooms={"kefm": room})).get("/kefm")
    assert '<html lang="ar" dir="rtl">' in page.text


@pytest.mark.parametrize("path", PAGES)
def test_no_answer_repeats_the_host_that_was_asked(
    site: TestClient, publish: Publish, path: str
) -> None:
    publish()
    for host in ("evil.example", "[", "a b", "evil.example:99999"):
        answer = site.get(path, headers={"Host": host, "X-Forwarded-Host": host})
        assert answer.status_code < 500
        assert "evil" not in answer.text + repr(answer.headers)


def test_links_hold_under_a_path(visit: Visit, sqlite_database: Database) -> None:
    site = visit(make_office(sqlite_database, site=Site("https://example.org/press")))
    page = site.get("/um").text
    links = re.findall(r'(?:href|action)="(?!mailto:|#)([^"]+)"', page)
    assert links
    assert all(link.removeprefix("https://example.org").startswith("/press/") for link in links)
    answer = site.post("/um/subscribe", data={"email": "a@b.example"})
    assert answer.headers["location"].startswith("/press/um/check-mail")


@pytest.mark.parametrize("path", [*PAGES, "/static/site.css", "/healthz", "/robots.txt"])
def test_every_answer_is_guarded_and_sets_no_cookie(site: TestClient, path: str) -> None:
    answer = site.get(path)
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert "set-cookie" not in answer.headers


def test_a_site_on_this_machine_alone_does_not_demand_https(
    visit: Visit, sqlite_database: Database
) -> None:
    site = visit(make_office(sqlite_database, site=Site("http://127.0.0.1:8000")))
    assert "strict-transport-security" not in site.get("/um").headers


class Outline(HTMLParser):
    """What a screen reader and the policy care about."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def named(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in names]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_well_ordered_and_needs_nothing_from_elsewhere(
    site: TestClient, publish: Publish, path: str
) -> None:
    publish(body=(Block("heading", (Run("H"),), level=2), Block("paragraph", (Run("x"),))))
    page = site.get(path, follow_redirects=True)
    outline = Outline(page.text)
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert len(outline.named("main")) == len(outline.named("title")) == 1
    assert outline.named("a")[0]["href"] == "#main"
    assert not outline.named("iframe", "style", "img", "object", "base")
    assert all(found == {"type": "application/ld+json"} for found in outline.named("script"))
    assert not any("style" in attributes for _, attributes in outline.tags)
    assert not any(name.startswith("on") for _, found in outline.tags for name in found)
    identities = [found["id"] for _, found in outline.tags if "id" in found]
    assert len(identities) == len(set(identities))
    for field in [found for found in outline.named("input") if found["type"] != "hidden"]:
        assert {"for": field["id"]} in outline.named("label")
        assert all(part in identities for part in (field.get("aria-describedby") or "").split())
    sheets = [
        found["href"] or "" for found in outline.named("link") if found["rel"] == "stylesheet"
    ]
    assert all(site.get(sheet).headers["content-type"].startswith("text/css") for sheet in sheets)
    assert sheets[0].startswith("/static/site.css?v=")


def test_a_newsrooms_colour_is_made_readable(visit: Visit, sqlite_database: Database) -> None:
    room = replace(UM, accent="#ffee00")
    site = visit(make_office(sqlite_database, newsrooms={"um": room}))
    sheet = site.get("/um/theme.css").text
    light, dark = re.findall(r"--accent: (#[0-9a-f]{6})", sheet)
    assert light != "#ffee00"
    assert dark == "#ffee00"
    assert site.get("/um/theme.css").headers["cache-control"].endswith("immutable")


def test_an_operators_files_win(visit: Visit, sqlite_database: Database, tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web/site.css").write_text("body { color: teal }")
    (tmp_path / "web/confirmed.html").write_text("{{ newsroom.name }}: {{ language }}")
    before = visit(make_office(sqlite_database))
    site = visit(make_office(sqlite_database, templates=Templates(tmp_path)))
    assert site.get("/static/site.css").text == "body { color: teal }"
    assert site.get("/um/confirmed").text == "Udenrigsministeriet: da"
    sheets = [re.findall(r"site\.css\?v=\w+", one.get("/um").text) for one in (before, site)]
    assert sheets[0] != sheets[1]


def test_a_slash_too_many_leads_to_the_page(site: TestClient) -> None:
    answer = site.get("/um/?lang=en")
    assert (answer.status_code, answer.headers["location"]) == (301, "/um?lang=en")
    assert site.get("/nobody/").status_code == 404

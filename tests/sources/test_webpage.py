"""A web page becomes the release it shows: what it says of it, and the text of its article."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from mailer.core.errors import SourceFault
from mailer.core.release import ReleaseDocument
from mailer.sources.found import Found
from mailer.sources.reading import ReadingTerms, read

URL = "https://ministry.example/news/7"
LONG = (
    "The tide tables of next year are out, and they are longer than ever before, says the ministry."
)
STORY = {
    "@context": "https://schema.org",
    "@type": "NewsArticle",
    "headline": "Tides",
    "description": "A short lead.",
    "datePublished": "2026-10-01T09:00:00+02:00",
    "inLanguage": "en",
    "publisher": {"@type": "Organization", "name": "Ministry of Tides"},
    "image": [{"@type": "ImageObject", "url": "/a.jpg", "caption": "The sea", "creditText": "Bo"}],
    "keywords": "sea, moon",
    "url": URL,
}


def page(main: str, *stories: Any, head: str = "", lang: str = "en") -> str:
    scripts = "".join(
        f'<script type="application/ld+json">{json.dumps(story)}</script>' for story in stories
    )
    top = f"<head><title>Tides | Ministry</title>{head}{scripts}</head>"
    return f'<!doctype html><html lang="{lang}">{top}<body>{main}</body></html>'


ARTICLE = f"""
<header><nav><a href="/">Home</a></nav></header>
<main><p>News</p><article><div class="breadcrumb">Home / News</div>
<time datetime="2026-10-01">1 October</time>
<h1>Tides</h1><p class="byline">By the press office</p><p>1.10.2026 09:00</p>
<p>{LONG} <a href="/tables">See them</a>.</p><p>The minister says:</p><p>“They are long.”</p>
<div class="share-buttons">Share on X</div><aside>Related: <a href="/6">Winds</a></aside></article></main>
<footer>About us</footer><script>track()</script>
"""


def reading(html: str, *, url: str = URL) -> Found:
    terms = ReadingTerms(language="da", zone="Europe/Copenhagen")
    return read(html.encode(), media_type="text/html", url=url, terms=terms)


def shown(html: str, *, url: str = URL) -> ReleaseDocument:
    (document,) = reading(html, url=url).documents
    return document


def test_json_ld_says_what_it_is_and_the_article_says_the_rest() -> None:
    document = shown(page(ARTICLE, STORY))
    assert (document.edition.title, document.edition.lead) == ("Tides", "A short lead.")
    assert (document.issuer, document.edition.language) == ("Ministry of Tides", "en")
    assert document.dated == datetime(2026, 10, 1, 7, tzinfo=UTC)
    assert document.topics == ("sea", "moon")
    assert [(block.kind, block.text[:20]) for block in document.edition.body] == [
        ("paragraph", LONG[:20]),
        ("attribution", "The minister says:"),
        ("quote", "“They are long.”"),
    ]
    assert document.edition.body[0].runs[1].href == "https://ministry.example/tables"
    assert document.edition.pictures[0].url == "https://ministry.example/a.jpg"
    assert document.edition.pictures[0].credit == "Bo"
    assert document.canonical_url == URL
    assert document.detail_url is None


@pytest.mark.parametrize(
    "stories",
    [
        [{"@graph": [{"@type": "WebPage", "name": "x"}, STORY]}],
        [[{"@type": "Organization", "name": "x"}, STORY]],
        [{**STORY, "@type": ["Article", "PressRelease"]}],
        [{"@type": "WebPage", "mainEntity": STORY}],
        ["not an object", {"@type": "BreadcrumbList", "name": "x"}, STORY],
        [{**STORY, "headline": "Winds", "url": "https://ministry.example/news/6"}, STORY],
    ],
)
def test_the_story_is_found_wherever_it_stands(stories: list[Any]) -> None:
    assert shown(page(ARTICLE, *stories)).dated == datetime(2026, 10, 1, 7, tzinfo=UTC)


def test_a_page_of_several_stories_none_of_them_its_own_is_refused() -> None:
    others = [{**STORY, "headline": name, "url": f"https://a.example/{name}"} for name in "ab"]
    with pytest.raises(SourceFault, match="shows 2 articles"):
        reading(page(ARTICLE, *others))


def test_the_text_is_that_of_json_ld_where_no_element_holds_it() -> None:
    story = {**STORY, "articleBody": "First paragraph of the text.\n\nSecond paragraph."}
    for main in ("<div>Please allow cookies</div>", f"<main><p>{LONG}</p></main>"):
        body = shown(page(main, story)).edition.body
        assert [block.text for block in body] == [
            "First paragraph of the text.",
            "Second paragraph.",
        ]


def test_without_json_ld_the_page_itself_is_read() -> None:
    head = (
        '<link rel="canonical" href="/news/seven"><meta property="og:image" content="/a.jpg">'
        '<meta property="og:image:alt" content="The sea"><meta property="og:description" content="Lead.">'
        '<meta property="article:published_time" content="2026-10-01T09:00">'
        '<link rel="hub" href="https://hub.example/"><link rel="self" href="/news/7">'
    )
    found = reading(page(ARTICLE, head=head, lang="en-GB"))
    (document,) = found.documents
    assert (found.hub, found.self_url) == ("https://hub.example/", URL)
    assert document.canonical_url == "https://ministry.example/news/seven"
    assert document.edition.title == "Tides"
    assert document.edition.lead == "Lead."
    assert document.edition.language == "en-GB"
    assert document.dated == datetime(2026, 10, 1, 7, tzinfo=UTC)
    assert document.edition.pictures[0].alt == "The sea"
    assert document.issuer is None


def test_one_time_in_the_article_is_its_date_and_a_day_is_doubted() -> None:
    document = shown(page(ARTICLE))
    assert document.dated == datetime(2026, 9, 30, 22, tzinfo=UTC)
    assert "a day without a time" in document.warnings[0]
    two = ARTICLE.replace("</article>", '<time datetime="2026-10-02">x</time></article>')
    assert shown(page(two)).dated is None


@pytest.mark.parametrize(
    ("main", "what"),
    [
        ("<main><h1>404 Not Found</h1><p>" + LONG + "</p></main>", "404 Not Found"),
        ("<main><h1>Siden blev ikke fundet</h1><p>" + LONG + "</p></main>", "ikke fundet"),
        ("<main><h1>Just a moment...</h1><p>" + LONG + "</p></main>", "Just a moment"),
        ("<main><h1>Access denied</h1><p>" + LONG + "</p></main>", "Access denied"),
        ("<main><h1>Tides</h1><p>Soon.</p></main>", "shows no article"),
        ("<div><h1>Tides</h1><p>" + LONG + "</p></div>", "no article"),
        ("<article><p>One.</p></article><article><p>Two.</p></article>", "no article"),
        ("", "no article"),
    ],
)
def test_an_error_page_or_one_without_an_article_is_refused(main: str, what: str) -> None:
    with pytest.raises(SourceFault) as caught:
        reading(page(main))
    assert what in caught.value.what


def test_a_file_needs_no_element_around_its_article() -> None:
    document = shown(f"<h1>Tidevand</h1><p>{LONG}</p><p>Slut.</p>", url="statement.html")
    assert document.edition.title == "Tidevand"
    assert [block.text for block in document.edition.body] == [LONG, "Slut."]
    assert (document.edition.language, document.identity, document.dated) == ("da", None, None)


def test_a_newsrooms_page_ends_where_its_furniture_begins() -> None:
    main = f"""<main><h1>Tidevand</h1><p>Kort sagt.</p><p>{LONG}</p><p>For yderligere oplysninger:</p>
    <p>Presserådgiver Ada Lund, tlf.: 41532639</p><h2>Information om Tidevandsministeriet</h2>
    <h2>Følg pressemeddelelser fra Tidevandsministeriet</h2><p>Skriv dig op her.</p>
    <h2>Flere pressemeddelelser fra Tidevandsministeriet</h2>
    <p>En anden12.9.2025 20:49:28 CEST | Pressemeddelelse</p><p>Dens tekst.</p></main>"""
    document = shown(page(main, lang="da"))
    assert document.issuer == "Tidevandsministeriet"
    assert document.edition.lead == "Kort sagt."
    assert [block.text for block in document.edition.body] == [LONG]
    assert document.edition.contacts[-1].phone == "41532639"
    assert document.dated is None


def test_the_list_of_others_does_not_change_the_text() -> None:
    other = ARTICLE.replace("Winds", "Storms").replace("Share on X", "Share 17 times")
    assert shown(page(ARTICLE, STORY)).edition == shown(page(other, STORY)).edition


def test_a_short_release_that_json_ld_vouches_for_is_whole() -> None:
    document = shown(page("<main><h1>Tides</h1><p>Out at nine.</p></main>", STORY))
    assert [block.text for block in document.edition.body] == ["Out at nine."]

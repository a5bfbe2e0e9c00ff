"""An address handed to the desk: fetched with every care, one of several chosen, known to sources later."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.desk import import_readers
from support.feeds import AUTO, feed_page, item, rss, source_at
from support.offices import Clock, make_office
from support.over_both import BOTH, database_of
from support.taking import having, poll, published, rows
from support.web_source import Asked, WebSource, endless, page

from mailer.core.errors import MailerError, NotAllowed, SourceFault
from mailer.core.source import Source
from mailer.services import press
from mailer.services.fetching import fetch_given, is_address
from mailer.services.handing_in import HandedIn, Wish, hand_in
from mailer.services.office import Office

GOVUK = Path(__file__).parent.parent / "sources" / "govuk"

ARTICLE = {
    "@context": "https://schema.org",
    "@type": "NewsArticle",
    "headline": "Ministeren åbner kontor",
    "datePublished": "2026-03-02T08:00:00+01:00",
    "inLanguage": "da",
}
STORY = (
    "<p>Kontoret åbner på mandag i Nairobi med fem ansatte og en kok.</p><p>Ministeren klipper "
    "snoren klokken ni foran det gamle rådhus ved havnen.</p>"
)


@pytest.fixture
def server() -> Iterator[WebSource]:
    with WebSource() as made:
        yield made


@pytest.fixture
def office(request: pytest.FixtureRequest, clock: Clock, server: WebSource) -> Office:
    """An office with a reader, and a source at the server, which lies in our own net."""
    office = make_office(database_of(request), clock)
    import_readers(office, 1)
    return having(office, source_at(server))


def add(office: Office, url: str, wish: Wish | None = None) -> HandedIn:
    wish = wish or Wish("um")
    return hand_in(office, fetch_given(office, url, newsroom="um"), wish, who="anna")


def refused(office: Office, url: str, wish: Wish | None = None) -> MailerError:
    with pytest.raises(MailerError) as caught:
        add(office, url, wish)
    assert caught.value.cure
    assert rows(office) == []
    return caught.value


def web_page(
    canonical: str = "", title: str = "Ministeren åbner kontor", story: str = STORY
) -> bytes:
    link = f'<link rel="canonical" href="{canonical}">' if canonical else ""
    told = json.dumps({**ARTICLE, "headline": title})
    return page(
        f"<!doctype html><html lang=da><head><title>Nyt</title>{link}"
        f'<script type="application/ld+json">{told}</script></head><body><article>'
        f"<h1>{title}</h1>{story}</article></body></html>".encode(),
        content_type="text/html",
    )


@BOTH
def test_a_source_that_brings_it_later_knows_it(
    office: Office, server: WebSource, clock: Clock
) -> None:
    server.pages["/feed"] = feed_page([item(2, at=clock())])
    (added,) = add(office, server.url()).releases
    assert (added.news, added.state) == ("new", "held")
    press.send(office, added.id, who="anna")
    assert published(office) == [added.id]
    server.pages["/feed"] = feed_page([item(3), item(2)])
    poll(office)
    clock.move(minutes=5)
    server.pages["/feed"] = feed_page([item(4, at=clock()), item(3), item(2)])
    assert poll(office).counts == {"new": 1, "known": 2}
    clock.move(minutes=30)
    assert len(published(office)) == 1
    assert len(rows(office)) == 3


@pytest.mark.parametrize(
    "changed",
    [{"link": ""}, {"guid": ""}, {"link": "", "body": item(2).body + " Nyt."}],
    ids=["by guid", "by link", "by guid with other words"],
)
def test_a_guid_that_is_good_within_its_source_alone_is_kept_as_that(
    office: Office, server: WebSource, clock: Clock, changed: dict[str, Any]
) -> None:
    one = item(2, guid="17", at=clock())
    server.pages["/feed"] = feed_page([one])
    (added,) = add(office, server.url()).releases
    press.send(office, added.id, who="anna")
    assert published(office) == [added.id]
    server.pages["/feed"] = feed_page([replace(one, **changed)])
    poll(office)
    assert [row.id for row in rows(office)] == [added.id]


def test_a_page_with_json_ld_is_known_by_its_canonical_address(
    office: Office, server: WebSource, clock: Clock
) -> None:
    server.pages["/nyt"] = web_page("https://um.example/nyheder/7")
    (added,) = add(office, server.url("/nyt")).releases
    row = press.shown(office, added.id)
    assert (row.edition.title, row.canonical_url) == (
        "Ministeren åbner kontor",
        "https://um.example/nyheder/7",
    )
    assert row.edition.body[0].text.startswith("Kontoret åbner på mandag")
    assert press.why(office, added.id).names == ["web:um.example/nyheder/7"]
    again = add(office, server.url("/nyt")).releases
    assert [(one.id, one.news) for one in again] == [(added.id, "known")]


def test_a_page_at_no_other_address_is_known_by_the_one_that_it_was_found_at(
    office: Office, server: WebSource
) -> None:
    server.pages["/short"] = page(status=302, location="/nyt")
    server.pages["/nyt"] = web_page()
    (added,) = add(office, server.url("/short")).releases
    assert press.shown(office, added.id).canonical_url == server.url("/nyt")


def test_an_address_that_shows_another_release_next_week_changes_none(
    office: Office, server: WebSource
) -> None:
    server.pages["/nyt"] = web_page()
    (added,) = add(office, server.url("/nyt")).releases
    before = press.shown(office, added.id)
    server.pages["/nyt"] = web_page(
        title="Fire lande enes om fiskeri",
        story="<p>Aftalen gælder sild, torsk og makrel nord for Skagen.</p><p>Kvoterne fordeles efter "
        "sommerferien, oplyser Bruxelles i dag uden videre begrundelse.</p>",
    )
    with pytest.raises(NotAllowed, match="name of release 1, whose words are quite others"):
        add(office, server.url("/nyt"))
    assert press.shown(office, added.id) == before


def test_a_govuk_item_is_one_release(office: Office, server: WebSource) -> None:
    server.pages["/api"] = page(
        (GOVUK / "news_article_press_release.json").read_bytes(), content_type="application/json"
    )
    with pytest.raises(NotAllowed, match="is signed by") as caught:
        add(office, server.url("/api"))
    assert "issuers" in caught.value.cure
    room = replace(office.newsrooms["um"], issuers=(caught.value.what.split("“")[1].split("”")[0],))
    office = replace(office, newsrooms={"um": room})
    (added,) = add(office, server.url("/api")).releases
    assert press.why(office, added.id).names[0].startswith("govuk:")


def test_of_several_none_is_taken_silently(office: Office, server: WebSource, clock: Clock) -> None:
    items = [item(number, at=clock() - timedelta(days=number)) for number in range(1, 41)]
    broken = b"<item><guid>x</guid></item></channel>"
    server.pages["/feed"] = page(rss(items).replace(b"</channel>", broken))
    found = refused(office, server.url())
    assert "holds 40 releases:" in found.what
    assert f"    1  2026-03-01  da  {item(1).title}" in found.what
    assert "... and 10 more" in found.what
    assert "it has no title" in found.what
    assert found.cure == "say which with --item NUMBER, once for each"
    found = refused(office, server.url(), Wish("um", items=(41,)))
    assert "holds 40 releases; there is no item 41" in found.what
    done = add(office, server.url(), Wish("um", items=(3, 1, 3)))
    assert [one.title for one in done.releases] == [item(3).title, item(1).title]
    assert done.refusals == ()


def test_one_that_stands_beside_what_is_none_is_not_taken_silently(
    office: Office, server: WebSource
) -> None:
    broken = b"<item><guid>x</guid></item></channel>"
    server.pages["/feed"] = page(rss([item(1)]).replace(b"</channel>", broken))
    assert "holds 1 release:" in refused(office, server.url()).what
    assert len(add(office, server.url(), Wish("um", items=(1,))).releases) == 1


def test_two_languages_of_one_release_are_one_item(office: Office, server: WebSource) -> None:
    both = [
        {"uri": "urn:x:1", "language": tag, "headline": title, "body_text": f"{title} og mere."}
        for tag, title in (("da", "Dansk"), ("en", "English"))
    ]
    server.pages["/feed"] = page(json.dumps(both).encode())
    done = add(office, server.url())
    assert [(one.id, one.news) for one in done.releases] == [(1, "new"), (1, "edition")]


def test_what_is_only_announced_has_its_page_read(office: Office, server: WebSource) -> None:
    announced = item(2, body="", summary="Det vigtigste..", link=server.url("/nyt"))
    server.pages["/feed"] = feed_page([announced, item(1)])
    server.pages["/nyt"] = web_page()
    (added,) = add(office, server.url(), Wish("um", items=(1,))).releases
    row = press.shown(office, added.id)
    assert "foran det gamle rådhus" in row.edition.body[1].text
    assert len(server.asked("/nyt")) == 1, "of those that were chosen"
    server.pages["/nyt"] = page(status=404)
    with pytest.raises(NotAllowed, match="404"):
        add(office, server.url(), Wish("um", items=(1,)))


def test_a_dry_run_stores_nothing(office: Office, server: WebSource) -> None:
    server.pages["/feed"] = feed_page([item(2)])
    (would,) = add(office, server.url(), Wish("um", dry=True)).releases
    assert (would.news, would.title) == ("new", item(2).title)
    assert rows(office) == []
    (added,) = add(office, server.url()).releases
    (would,) = add(office, server.url(), Wish("um", dry=True)).releases
    assert (would.news, would.id) == ("known", added.id)
    server.pages["/feed"] = feed_page([item(2, title="Et nyt kontor, nummer 2, åbner")])
    (would,) = add(office, server.url(), Wish("um", dry=True)).releases
    assert would.news == "edition"
    assert press.shown(office, added.id).version == 1


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (page(b"gone", status=404), "answered 404"),
        (page(b"down", status=503), "answered 503"),
        (page(b"<html><head><title>404 Not found</title></head></html>"), "it is no release"),
        (page(b'{"error": "Key expired"}'), "answered with an error: Key expired"),
        (page(b""), "gave nothing"),
        (page(b"x", content_length="100000"), "broke off its answer"),
        (endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536), "larger than 5 MB"),
        (page(status=302, location="http://169.254.169.254/latest"), "it is not fetched"),
        (page(status=302, location="file:///etc/passwd"), "not a web address"),
        (page(rss([])), "holds no release"),
    ],
    ids=["404", "503", "page", "json", "empty", "short", "large", "metadata", "file", "none"],
)
def test_bad_answers_are_refused_with_a_cure_that_an_operator_can_follow(
    office: Office, server: WebSource, answer: bytes, what: str
) -> None:
    server.pages["/feed"] = answer
    if what == "holds no release":
        assert add(office, server.url()) == HandedIn(())
        return
    found = refused(office, server.url())
    assert what in found.what
    assert "asked again" not in found.cure, "nothing asks again by itself"


def test_more_than_three_redirects_lead_nowhere(office: Office, server: WebSource) -> None:
    def on(asked: Asked) -> bytes:
        number = int(asked.path.removeprefix("/r"))
        return page(status=302, location=f"/r{number + 1}")

    for number in range(6):
        server.pages[f"/r{number}"] = on
    assert "more than 3 times" in refused(office, server.url("/r0")).what
    assert len(server.requests) == 4


def test_no_other_address_leads_into_our_own_net_or_is_told_a_secret(
    office: Office, server: WebSource
) -> None:
    with WebSource() as other:
        other.pages["/feed"] = feed_page([item(1)])
        with pytest.raises(SourceFault, match="this machine itself: it is not fetched"):
            add(office, other.url())
        secret = replace(source_at(server), authorization=lambda: "Bearer secret")
        office = having(office, secret)
        server.pages["/feed"] = page(status=302, location=other.url())
        add(office, server.url())
        assert [one.headers.get("authorization") for one in server.requests] == ["Bearer secret"]
        assert "authorization" not in other.requests[0].headers


def test_which_words_are_addresses() -> None:
    assert is_address("https://a.example/x")
    assert is_address("HTTP://a.example")
    for word in ("-", "release.md", "ftp://a.example/x", "https", "/https://x"):
        assert not is_address(word)


def test_a_source_of_the_settings_is_read_on_its_own_terms(
    office: Office, server: WebSource
) -> None:
    source: Source = replace(source_at(server), zone="America/New_York", terms=AUTO)
    office = having(office, source)
    server.pages["/feed"] = feed_page([item(2, at=None, dated_as="1 Mar 2026 09:00")])
    (added,) = add(office, server.url()).releases
    row = press.shown(office, added.id)
    assert row.dated is not None
    assert row.dated.hour == 14

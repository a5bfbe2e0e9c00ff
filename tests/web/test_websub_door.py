"""A hub is asked, asks back, and sends: what we meant is said back, what is signed goes through intake."""

import hmac
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient
from support.feeds import feed_page, item, rss, source_at
from support.offices import Clock
from support.taking import due, having, poll, published, rows
from support.visitors import Visitor
from support.web_source import Asked, WebSource, page

from mailer.services import roster
from mailer.services.office import Office
from mailer.services.roster import Listing

TOPIC = "https://um.example/feed.xml"


@pytest.fixture
def server() -> Iterator[WebSource]:
    with WebSource() as made:
        yield made


@pytest.fixture
def asking(office: Office, server: WebSource) -> Office:
    """An office that asked a hub."""
    head = (
        f'<atom:link rel="hub" href="{server.url("/hub")}"/><atom:link rel="self" href="{TOPIC}"/>'
    )
    server.pages["/feed"] = page(rss([item(1)], head=head), content_type="application/rss+xml")
    server.pages["/hub"] = page(status=202)
    office = having(office, source_at(server, websub=True))
    poll(office)
    return office


def asked(server: WebSource) -> dict[str, str]:
    """What the hub was asked for last."""
    return {
        name: values[0] for name, values in parse_qs(server.asked("/hub")[-1].body.decode()).items()
    }


def standing(office: Office) -> Listing:
    return roster.listed(office)[0]


def confirm(site: TestClient, server: WebSource, **changes: str) -> Any:
    query = {
        "hub.mode": "subscribe",
        "hub.topic": TOPIC,
        "hub.challenge": "abc <b>",
        "hub.lease_seconds": "864000",
    }
    path = urlsplit(asked(server)["hub.callback"]).path
    return site.get(
        path, params={**query, **{f"hub.{name}": value for name, value in changes.items()}}
    )


def push(
    site: TestClient,
    server: WebSource,
    body: bytes,
    *,
    method: str = "sha256",
    secret: str | None = None,
) -> Any:
    told = asked(server)
    digest = hmac.new((secret or told["hub.secret"]).encode(), body, method).hexdigest()
    headers = {"X-Hub-Signature": f"{method}={digest}", "Content-Type": "application/rss+xml"}
    return site.post(urlsplit(told["hub.callback"]).path, content=body, headers=headers)


def test_the_hub_is_asked_for_the_topic_and_told_where(asking: Office, server: WebSource) -> None:
    told = asked(server)
    assert told["hub.mode"] == "subscribe"
    assert told["hub.topic"] == TOPIC
    assert told["hub.callback"].startswith("https://news.example/websub/feed/")
    assert len(told["hub.secret"]) == 40
    assert told["hub.secret"] not in told["hub.callback"]
    assert standing(asking).hub_state == "asked"


def test_what_was_meant_is_said_back_for_as_long_as_it_is_granted(
    asking: Office, server: WebSource, clock: Clock
) -> None:
    site = Visitor(asking)
    for _ in range(2):
        answer = confirm(site, server)
        assert (answer.status_code, answer.text) == (200, "abc <b>")
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["cache-control"] == "no-store"
    assert (standing(asking).hub_state, standing(asking).hub_until) == (
        "active",
        clock() + timedelta(days=10),
    )
    poll(asking)
    assert len(server.asked("/hub")) == 1
    clock.move(days=5)
    poll(asking)
    assert len(server.asked("/hub")) == 2, "half of its time has gone"
    assert standing(asking).hub_state == "active"


@pytest.mark.parametrize(
    "changes",
    [
        {"topic": "https://other.example/"},
        {"mode": "unsubscribe"},
        {"mode": "publish"},
        {"challenge": ""},
    ],
)
def test_what_nobody_meant_is_not(
    asking: Office, server: WebSource, changes: dict[str, str]
) -> None:
    assert confirm(Visitor(asking), server, **changes).status_code == 404
    assert standing(asking).hub_state == "asked"


def test_addresses_are_not_to_be_guessed(asking: Office, server: WebSource) -> None:
    site = Visitor(asking)
    path = urlsplit(asked(server)["hub.callback"]).path
    for wrong in (path[:-1], f"{path}0", "/websub/feed/x", path.replace("feed", "other")):
        assert site.get(wrong, params={"hub.mode": "denied", "hub.topic": TOPIC}).status_code == 404
        assert site.post(wrong, content=b"x").status_code == 404
    off = having(asking, replace(asking.sources["feed"], websub=False))
    assert confirm(Visitor(off), server).status_code == 404


def test_a_refusal_is_shown_and_asked_about_a_day_later(
    asking: Office, server: WebSource, clock: Clock
) -> None:
    assert confirm(Visitor(asking), server, mode="denied", reason="not for you").status_code == 200
    assert (standing(asking).hub_state, standing(asking).hub_fault) == ("denied", "not for you")
    clock.move(hours=23)
    poll(asking)
    assert len(server.asked("/hub")) == 1
    clock.move(hours=1)
    server.pages["/hub"] = page(status=500)
    poll(asking)
    assert "500" in (standing(asking).hub_fault or "")


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
def test_news_goes_through_the_same_intake(
    asking: Office, server: WebSource, clock: Clock, method: str
) -> None:
    site = Visitor(asking)
    confirm(site, server)
    woken = clock.woken
    news = rss([item(2, at=clock())])
    for _ in range(2):
        assert push(site, server, news, method=method).status_code == 202
    assert clock.woken > woken
    assert len(rows(asking)) == 1, "a web request reads no feed"
    (done,) = due(asking)
    assert done.counts["new"] == 1
    assert due(asking) == []
    clock.move(minutes=10)
    assert published(asking) == [rows(asking)[-1].id]


def test_news_is_taken_in_though_the_feed_itself_is_away(
    asking: Office, server: WebSource, clock: Clock
) -> None:
    site = Visitor(asking)
    confirm(site, server)
    server.pages["/feed"] = page(status=503)
    push(site, server, rss([item(2, at=clock())]))
    (done,) = due(asking)
    assert (done.outcome, done.counts) == ("failed", {"new": 1})


def test_what_is_not_signed_well_is_passed_over_without_a_word(
    asking: Office, server: WebSource
) -> None:
    site = Visitor(asking)
    confirm(site, server)
    path = urlsplit(asked(server)["hub.callback"]).path
    assert push(site, server, rss([item(2)]), secret="another").status_code == 202
    assert site.post(path, content=rss([item(2)])).status_code == 202
    assert site.post(path, content=b"x" * (5 * 1024 * 1024 + 1)).status_code == 413
    assert push(site, server, b"no feed at all").status_code == 202
    assert [one.counts for one in due(asking)] == [{}]
    assert len(rows(asking)) == 1


def test_a_hub_that_the_server_names_wins(office: Office, server: WebSource) -> None:
    link = f'<{server.url("/own-hub")}>; rel="hub", <{server.url("/feed")}>; rel="self"'
    server.pages["/feed"] = feed_page([item(1)], link=link)
    calls: list[Asked] = []

    def answer(one: Asked) -> bytes:
        calls.append(one)
        return page(status=202)

    server.pages["/own-hub"] = answer
    poll(having(office, source_at(server, websub=True)))
    assert parse_qs(calls[0].body.decode())["hub.topic"] == [server.url("/feed")]
    poll(having(office, source_at(server, key="quiet")), "quiet")
    assert len(calls) == 1, "who does not want it is not told of it"

"""A source is polled, read, decided and stored: what is news is mailed once, and nothing else is."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from support.desk import import_readers
from support.feeds import AUTO, feed_page, item, rss, source_at
from support.offices import START, UM, Clock, make_office
from support.taking import due, having, poll, published, rows, seeded, states
from support.web_source import Asked, WebSource, page

from mailer.core.errors import NotFound
from mailer.services import polling, press, proof, roster
from mailer.services.office import Office
from mailer.store.database import Database
from mailer.store.release_tables import edition


@pytest.fixture
def office(sqlite_database: Database, clock: Clock) -> Office:
    """What both databases do alike is in `test_intake_rows`."""
    return make_office(sqlite_database, clock)


@pytest.fixture
def server() -> Iterator[WebSource]:
    with WebSource() as made:
        yield made


def test_the_first_poll_mails_nothing_and_the_next_what_is_news(
    office: Office, server: WebSource, clock: Clock
) -> None:
    import_readers(office, 2)
    office = seeded(office, server)
    assert published(office) == []
    (old,) = rows(office)
    assert (old.state, old.published_at, old.source) == ("published", item(1).at, "feed")
    assert proof.verify(office).ok, "nobody was to be mailed it"

    clock.move(minutes=10)
    server.pages["/feed"] = feed_page([item(2, at=clock()), item(1)])
    done = poll(office)

    assert (done.outcome, done.counts) == ("read", {"new": 1, "known": 1})
    assert published(office) == [], "its text has not stood for long enough"
    clock.move(minutes=10)
    assert len(published(office)) == 1
    assert poll(office).outcome == "unchanged"
    assert published(office) == []


def test_why_is_on_record(office: Office, server: WebSource, clock: Clock) -> None:
    office = seeded(office, server)
    clock.move(minutes=10)
    server.pages["/feed"] = feed_page([item(2, at=clock())])
    poll(office)
    _, made = rows(office)
    told = press.why(office, made.id)
    (decision,) = told.decisions
    assert (decision["action"], decision["by"]) == ("send", "source feed")
    assert decision["reasons"][-1]["rule"] == "hold time"
    assert told.names == ["web:um.example?p=2", "web:um.example/nyheder/2-kontor"]


def test_six_versions_in_seventeen_minutes_are_one_mail_with_the_last_text(
    office: Office, server: WebSource, clock: Clock
) -> None:
    import_readers(office, 1)
    office = seeded(office, server)
    for version in range(6):
        clock.move(minutes=3)
        server.pages["/feed"] = feed_page([item(2, title=f"Udgave {version}", at=clock()), item(1)])
        poll(office)
        assert published(office) == []
    clock.move(minutes=9)
    assert published(office) == []
    clock.move(minutes=1)
    assert len(published(office)) == 1
    made = rows(office)[-1]
    assert (made.edition.title, made.version) == ("Udgave 5", 6)
    clock.move(minutes=3)
    server.pages["/feed"] = feed_page([item(2, title="Udgave 6"), item(1)])
    assert poll(office).counts == {"edition": 1, "known": 1}
    assert published(office) == [], "edits after it was mailed are silent"
    assert rows(office)[-1].edition.title == "Udgave 6"


def test_changes_without_end_put_a_mail_off_for_an_hour(
    office: Office, server: WebSource, clock: Clock
) -> None:
    office = seeded(office, server)
    gone: list[str] = []
    for version in range(13):
        server.pages["/feed"] = feed_page([item(2, title=f"Udgave {version}")])
        poll(office)
        clock.move(minutes=6)
        gone += [press.shown(office, number).edition.title for number in published(office)]
    assert gone == ["Udgave 9"], "an hour after it was first seen"


def test_what_is_about_to_be_mailed_is_looked_at_once_more(
    office: Office, server: WebSource, clock: Clock
) -> None:
    office = seeded(office, server)
    server.pages["/feed"] = feed_page([item(2)], etag='"1"')
    done = poll(office)
    assert done.next_at == clock() + timedelta(minutes=8.5), "90 s before it goes"
    clock.moment = done.next_at
    assert poll(office).next_at == clock() + timedelta(minutes=10)
    assert "if-none-match" not in server.requests[-1].headers, "its page may have changed"


@pytest.mark.parametrize(
    ("again", "what"),
    [
        ({"guid": "other"}, "another guid"),
        ({"guid": "other", "link": "https://new.example/9"}, "a move"),
        ({"link": "http://www.um.example/nyheder/1-kontor/?utm_source=x"}, "a spelling"),
        ({"at": START + timedelta(hours=5)}, "another date"),
        ({"guid": "", "link": ""}, "no names"),
        ({"title": "Rettet overskrift"}, "an edit"),
    ],
)
def test_the_same_release_by_another_name_is_the_same(
    office: Office, server: WebSource, clock: Clock, again: dict[str, Any], what: str
) -> None:
    office = seeded(office, server)
    clock.move(minutes=10)
    server.pages["/feed"] = feed_page([item(1, **again)])
    poll(office)
    assert len(rows(office)) == 1, what
    server.pages["/feed"] = feed_page([item(1, **{**again, "body": item(1).body + " Og kaffe."})])
    poll(office)
    assert len(rows(office)) == (2 if what == "no names" else 1), "its new names are its own since"


def test_equal_titles_and_near_twins_are_releases_of_their_own(
    office: Office, server: WebSource, clock: Clock
) -> None:
    office = seeded(office, server)
    twins = [
        item(2, title="Møde i Nævnet", body="Mødet er på tirsdag.", at=clock()),
        item(3, title="Møde i Nævnet", body="Mødet er på onsdag.", at=clock()),
    ]
    server.pages["/feed"] = feed_page([*twins, item(1)])
    assert poll(office).counts == {"new": 2, "known": 1}
    clock.move(minutes=10)
    assert len(published(office)) == 2


@pytest.mark.parametrize(
    ("given", "terms", "state", "words"),
    [
        ({"at": None}, {}, "held", "none"),
        ({"at": None, "dated_as": "engang i marts"}, {}, "held", "engang i marts"),
        ({"at": START + timedelta(days=2)}, {}, "held", "yet to come"),
        ({"at": START - timedelta(hours=49)}, {}, "published", None),
        (
            {"title": "Rettelse: Ministeren åbner kontor nummer 1"},
            {},
            "held",
            "probably of release",
        ),
        ({}, {"approval": "hold"}, "held", "an operator's word"),
    ],
)
def test_what_is_in_doubt_is_held_with_its_reason(
    office: Office,
    server: WebSource,
    given: dict[str, Any],
    terms: dict[str, Any],
    state: str,
    words: str | None,
) -> None:
    office = seeded(office, server, terms=replace(AUTO, **terms))
    server.pages["/feed"] = feed_page([item(2, **given)])
    assert poll(office).fault is None
    made = rows(office)[-1]
    assert made.state == state
    assert words is None or words in (made.hold_reason or "")
    assert published(office) == []


def test_what_another_signs_or_is_of_another_kind_is_not_stored(
    office: Office, server: WebSource
) -> None:
    office = seeded(office, server)
    ours = item(3, publisher="udenrigsministeriet")
    server.pages["/feed"] = feed_page([item(2, publisher="Klimaministeriet"), ours])
    assert poll(office).counts == {"passed": 1, "new": 1}
    office = having(office, source_at(server, terms=replace(AUTO, issuer_required=True)))
    server.pages["/feed"] = feed_page([item(4), item(5, publisher=UM.name)])
    assert poll(office).counts == {"held": 1, "new": 1}
    assert "who signs it" in (rows(office)[-1].hold_reason or rows(office)[-2].hold_reason or "")


def test_a_source_that_moved_is_looked_at_twice(
    office: Office, server: WebSource, clock: Clock
) -> None:
    office = seeded(office, server)
    server.pages["/elsewhere"] = feed_page([item(1, guid="x", link="https://n.example/1"), item(2)])
    office = having(office, source_at(server, "/elsewhere"))
    assert poll(office).counts == {"known": 1, "held": 1}
    assert "source moved" in (rows(office)[-1].hold_reason or "")
    server.pages["/elsewhere"] = feed_page([item(3)])
    assert poll(office).counts == {"new": 1}


def test_a_source_fails_in_words_ever_more_rarely_and_touches_no_other(
    office: Office, server: WebSource, clock: Clock
) -> None:
    good, bad = source_at(server, key="good"), source_at(server, "/bad", key="bad")
    office = having(office, good, bad)
    server.pages["/feed"], server.pages["/bad"] = feed_page([item(1)]), page(b"<html>oops</html>")
    assert {one.source: one.outcome for one in due(office)} == {"good": "read", "bad": "failed"}
    waits = []
    for _ in range(7):
        row = roster.listed(office)[1]
        assert (row.state, row.failing_since) == ("failing", START)
        assert row.fault
        assert row.cure
        assert row.next_at is not None
        waits.append((row.next_at - clock()) / timedelta(minutes=1))
        clock.moment = row.next_at
        due(office)
    assert waits == [20, 40, 80, 160, 320, 360, 360]
    server.pages["/bad"] = page(status=429, retry_after=str(9 * 3600))
    done = poll(office, "bad")
    assert done.next_at == clock() + timedelta(hours=9)
    assert "429" in (done.fault or "")
    server.pages["/bad"] = feed_page([item(2)])
    assert poll(office, "bad").counts == {"kept": 1}
    assert roster.listed(office)[1].state == "well"


def test_what_has_not_changed_costs_nothing(
    office: Office, server: WebSource, clock: Clock
) -> None:
    def answer(asked: Asked) -> bytes:
        same = asked.headers.get("if-none-match") == '"1"'
        return page(status=304) if same else feed_page([item(1)], etag='"1"')

    server.pages["/feed"] = answer
    office = having(office, source_at(server))
    assert [poll(office).outcome for _ in range(2)] == ["read", "unchanged"]
    server.pages["/feed"] = feed_page([item(1)])
    assert poll(office).outcome == "unchanged", "the same bytes"
    office = having(office, source_at(server, terms=replace(AUTO, kinds=("Nyhed",))))
    assert poll(office).outcome == "read", "other settings"


def test_an_item_that_vanishes_and_comes_back_means_nothing(
    office: Office, server: WebSource, clock: Clock
) -> None:
    office = seeded(office, server)
    for items in ([item(2)], [], [item(2)], [item(1)], [item(2), item(1)]):
        server.pages["/feed"] = feed_page(items)
        poll(office)
        clock.move(minutes=10)
    assert published(office) == [rows(office)[-1].id]
    assert states(office) == {item(1).title: "published", item(2).title: "published"}


def announced(server: WebSource, number: int, **changes: Any) -> Any:
    """An item that is only announced; its page is on the same server."""
    return item(
        number, body="", summary=f"Kort om {number}.", link=server.url(f"/{number}"), **changes
    )


def detail(words: str) -> bytes:
    body = (
        f"<article><h1>T</h1><p>{words}</p><p>Mere om sagen kan læses her på siden.</p></article>"
    )
    return page(
        f"<!doctype html><html><body>{body}</body></html>".encode(),
        status=200,
        content_type="text/html",
    )


def test_a_page_is_read_for_what_is_only_announced(
    office: Office, server: WebSource, clock: Clock
) -> None:
    office = having(office, source_at(server))
    server.pages["/feed"] = feed_page([announced(server, 1)])
    assert poll(office).counts == {"kept": 1}
    assert server.asked("/1")
    server.pages["/feed"] = feed_page([announced(server, 2), announced(server, 1)])
    missing = poll(office)
    assert missing.counts == {"known": 1}
    assert "404" in missing.refusals[0]["what"]
    assert len(rows(office)) == 1, "it is never mailed without its text"
    server.pages["/2"] = detail("Hele teksten om kontor nummer 2 i Accra står på denne side.")
    clock.move(minutes=10)
    server.pages["/feed"] = feed_page([announced(server, 2), announced(server, 1)], etag='"2"')
    poll(office)
    made = rows(office)[-1]
    assert "Hele teksten" in " ".join(block.text for block in made.edition.body)
    asked = len(server.asked("/2"))
    server.pages["/2"] = detail("Hele den rettede tekst om kontor nummer 2 i Accra står på siden.")
    clock.move(minutes=5)
    poll(office)
    assert "rettede" in rows(office)[-1].edition.body[0].text, "it waits: its page may change"
    clock.move(minutes=15)
    assert published(office) == [made.id]
    asked = len(server.asked("/2"))
    server.pages["/feed"] = feed_page([announced(server, 2), announced(server, 1), item(3)])
    poll(office)
    assert len(server.asked("/2")) == asked, "it was mailed, and is announced as before"


def test_pages_are_few_in_one_poll(office: Office, server: WebSource, clock: Clock) -> None:
    office = seeded(office, server)
    for number in range(2, 27):
        server.pages[f"/{number}"] = detail(item(number).body)
    server.pages["/feed"] = feed_page([announced(server, number) for number in range(2, 27)])
    first = poll(office)
    assert first.counts == {"new": 20}
    assert first.next_at == clock() + timedelta(minutes=1)
    clock.move(minutes=1)
    counts = poll(office).counts
    assert counts["new"] == 5


def test_sources_come_and_go_with_the_settings(
    office: Office, server: WebSource, clock: Clock
) -> None:
    assert not polling.due(office)
    office = seeded(office, server)
    assert not polling.due(office)
    clock.move(minutes=10)
    assert polling.due(office)
    without = having(office)
    assert polling.due(without)
    assert due(without) == []
    assert not polling.due(without)
    assert polling.due(office), "it is back"
    with pytest.raises(NotFound, match="feed"):
        poll(office, "other")


def test_a_correction_by_its_source_is_proposed(
    office: Office, server: WebSource, clock: Clock
) -> None:
    office = seeded(office, server)
    server.pages["/feed"] = feed_page([item(1, title="RETTELSE: " + item(1).title)])
    assert poll(office).counts == {"edition": 1}
    (row,) = rows(office)
    assert press.why(office, row.id).decisions[-1]["reasons"][-1]["rule"] == "signal"
    assert poll(office).outcome == "unchanged"


def test_every_text_is_kept(office: Office, server: WebSource) -> None:
    office = seeded(office, server)
    server.pages["/feed"] = page(rss([item(1, body="Ny tekst om kontor nummer 1 i Hanoi.")]))
    poll(office)
    with office.database.read() as connection:
        bodies = connection.scalars(select(edition.c.body).order_by(edition.c.id)).all()
    assert len(bodies) == 2

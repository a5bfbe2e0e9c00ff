"""What intake writes, on both databases: races are decided once, and a word is for one text."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update
from support.desk import race
from support.feeds import AUTO, feed_page, item
from support.offices import Clock
from support.taking import due, poll, published, rows, seeded
from support.web_source import Asked, WebSource

from mailer.services import approving, press
from mailer.services.office import Office
from mailer.store import sources
from mailer.store.release_tables import release


@pytest.fixture
def server() -> Iterator[WebSource]:
    with WebSource() as made:
        yield made


def test_an_operators_word_lets_a_text_go_and_no_later_one(
    office: Office, server: WebSource, clock: Clock
) -> None:
    office = seeded(office, server, terms=replace(AUTO, approval="hold"))
    later = clock() + timedelta(hours=1)
    server.pages["/feed"] = feed_page([item(2)])
    poll(office)
    made = rows(office)[-1]
    with office.database.write() as connection:
        connection.execute(update(release).where(release.c.id == made.id).values(publish_at=later))
    assert approving.approve(office, made.id, who="anna").state == "approved"
    server.pages["/feed"] = feed_page([item(2, title="Noget andet om kontor nummer 2")])
    poll(office)
    row = press.shown(office, made.id)
    assert (row.state, row.hold_reason) == (
        "held", "its text changed after it was approved; it waits for an operator's word again",
    )  # fmt: skip
    assert approving.approve(office, made.id, who="anna").state == "approved"
    clock.move(hours=1)
    assert published(office) == [made.id]


def test_two_words_are_two_operators_for_one_text(
    office: Office, server: WebSource, clock: Clock
) -> None:
    office = seeded(office, server, terms=replace(AUTO, approval="two"))
    server.pages["/feed"] = feed_page([item(2)])
    poll(office)
    number = rows(office)[-1].id
    assert approving.approve(office, number, who="anna").state == "held"
    assert approving.approve(office, number, who="anna").state == "held", "she is one"
    assert press.send(office, number, who="anna").state == "held", "by another command too"
    server.pages["/feed"] = feed_page([item(2, title="Ministeren åbner kontor nummer to")])
    poll(office)
    assert approving.approve(office, number, who="bent").state == "held", "she saw another text"
    assert approving.approve(office, number, who="anna").state == "approved"
    assert press.why(office, number).approved_by == ["anna", "bent"]
    held = approving.hold(office, number, who="anna", reason="not yet")
    assert (held.state, held.hold_reason) == ("held", "not yet")
    assert approving.approve(office, number, who="bent").state == "held", "from the start again"


def test_dispatchers_that_poll_at_once_poll_once(
    office: Office, server: WebSource, clock: Clock
) -> None:
    office = seeded(office, server)
    clock.move(minutes=10)
    server.pages["/feed"] = feed_page([item(2, at=clock())])
    done = race(*[lambda: due(office)] * 3)
    assert sorted(len(one) for one in done) == [0, 0, 1]
    assert len(server.asked("/feed")) == 2


def test_who_was_taken_over_writes_nothing(office: Office, server: WebSource, clock: Clock) -> None:
    office = seeded(office, server)

    def slow(_asked: Asked) -> bytes:  # meanwhile another one takes it over
        with office.database.write() as connection:
            sources.claim(connection, "feed", now=clock(), until=clock(), by_hand=True)
        return feed_page([item(2)])

    server.pages["/feed"] = slow
    assert poll(office).outcome == "taken over"
    assert len(rows(office)) == 1


def test_a_guid_that_serves_again_is_held_and_keeps_both_apart(
    office: Office, server: WebSource, clock: Clock
) -> None:
    office = seeded(office, server)
    other = item(
        1,
        title="Regeringen fremlægger ny klimaplan",
        body="Planen rummer fjorten initiativer om havvind, skovrejsning og brint.",
        at=clock(),
    )
    server.pages["/feed"] = feed_page([other])
    assert poll(office).counts == {"held": 1}
    first, second = rows(office)
    assert (
        second.hold_reason
        == f"it bears the name of release {first.id}, whose words are quite others"
    )
    server.pages["/feed"] = feed_page([replace(other, title="Regeringen fremlægger klimaplan")])
    assert poll(office).counts == {"edition": 1}
    assert [row.version for row in rows(office)] == [1, 2]
    server.pages["/feed"] = feed_page([item(1)])
    assert poll(office).counts == {"known": 1}
    assert len(rows(office)) == 2

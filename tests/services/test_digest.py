"""Digests: each release in one of them, at the reader's hour, none where nothing happened."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from support.desk import race, text
from support.digesting import (
    choose,
    dispatched,
    publish_now,
    readers,
    send,
    states,
    titles,
    waiting,
    with_digests,
)
from support.offices import KEFM, START, UM, Clock, make_office

from mailer.core.address import parse_address
from mailer.core.choice import Choice, wants, wants_in_digest
from mailer.core.release import ReleaseDocument
from mailer.mail.digests import MOST_TEXTS
from mailer.services import people, press, proof, publish
from mailer.services.office import Office
from mailer.store import awaiting, editions
from mailer.store.database import Database
from mailer.store.digest_tables import digest_due
from mailer.store.ledger_tables import delivery, prepared
from mailer.store.tables import release, subscriber, subscription

ANNA, BO = "reader0@example.org", "reader1@example.org"


@pytest.fixture
def desk(office: Office) -> Office:
    """START is a Monday, 9 o'clock where the newsrooms are."""
    return with_digests(office)


def test_a_daily_digest_has_what_was_published_since(desk: Office, clock: Clock) -> None:
    readers(desk, 2)
    choose(desk, ANNA, frequency="daily")
    publish_now(desk, "Den første")
    clock.move(hours=1)
    publish_now(desk, "Den anden")
    assert dispatched(desk) == [(BO, ("Den anden",)), (BO, ("Den første",))]
    clock.moment = START + timedelta(hours=22, minutes=59, seconds=59)
    assert dispatched(desk) == []
    clock.move(seconds=1)  # 8 o'clock
    assert dispatched(desk) == [(ANNA, ("Den anden", "Den første"))]
    clock.move(days=3)
    assert dispatched(desk) == [], "nothing happened"
    assert proof.verify(desk).ok


def test_weekly_on_its_day_and_late_after_an_outage_in_one(desk: Office, clock: Clock) -> None:
    readers(desk, 2)
    choose(desk, ANNA, frequency="weekly", weekday=2, hour=17)
    choose(desk, BO, frequency="daily")
    for day in range(4):  # Monday to Thursday
        publish_now(desk, f"Dag {day}")
        clock.move(days=1)
    mails = dispatched(desk)
    assert titles(mails, ANNA) == [("Dag 2", "Dag 1", "Dag 0")], (
        "Wednesday at five; Thursday's waits"
    )
    assert titles(mails, BO) == [("Dag 3", "Dag 2", "Dag 1", "Dag 0")], "one, not four"
    clock.move(days=6)
    assert dispatched(desk) == [(ANNA, ("Dag 3",))]
    assert proof.verify(desk).ok


def test_what_is_urgent_goes_at_once_to_those_who_agreed(desk: Office, clock: Clock) -> None:
    readers(desk, 2)
    choose(desk, ANNA, frequency="daily")
    choose(desk, BO, frequency="daily", urgent_at_once=False)
    publish_now(desk, "Det haster", urgent=True)
    assert dispatched(desk) == [(ANNA, ("Det haster",))]
    clock.move(days=1)
    assert dispatched(desk) == [(BO, ("Det haster",))]
    assert proof.verify(desk).ok


def test_whoever_changes_to_at_once_gets_the_rest_at_once(desk: Office, clock: Clock) -> None:
    readers(desk, 1)
    choose(desk, ANNA, frequency="weekly")
    publish_now(desk, "Venter")
    send(desk)
    choose(desk, ANNA, frequency="at_once")
    publish_now(desk, "Straks")
    assert sorted(dispatched(desk)) == [(ANNA, ("Straks",)), (ANNA, ("Venter",))]
    clock.move(days=8)
    assert dispatched(desk) == []
    assert proof.verify(desk).ok


def test_another_hour_reckons_from_the_change(desk: Office, clock: Clock) -> None:
    readers(desk, 1)
    choose(desk, ANNA, frequency="weekly")
    publish_now(desk, "Ventede")
    send(desk)
    clock.move(days=2)
    choose(desk, ANNA, frequency="daily", hour=7)
    send(desk)
    assert list(waiting(desk).values()) == [datetime(2026, 3, 5, 6, tzinfo=UTC)]
    choose(desk, ANNA, topics=None, languages=("da",))
    assert dispatched(desk) == []
    clock.move(hours=22)
    assert dispatched(desk) == [(ANNA, ("Ventede",))]


def test_a_break_wants_nothing_and_what_waited_comes_after_it(desk: Office, clock: Clock) -> None:
    readers(desk, 1)
    choose(desk, ANNA, frequency="daily")
    publish_now(desk, "Før pausen")
    choose(desk, ANNA, paused_until=START + timedelta(days=3))
    publish_now(desk, "I pausen")
    clock.move(days=2)
    assert dispatched(desk) == []
    clock.move(days=1, hours=23)  # the next morning at eight
    assert dispatched(desk) == [(ANNA, ("Før pausen",))]
    assert proof.verify(desk).ok


def test_who_leaves_gets_nothing_more_and_starts_anew(desk: Office, clock: Clock) -> None:
    readers(desk, 2)
    for each in (ANNA, BO):
        choose(desk, each, frequency="daily")
    publish_now(desk, "Før")
    send(desk)
    people.end(desk, address=parse_address(ANNA), reason="asked us to", who="desk")
    clock.move(days=1)
    assert dispatched(desk) == [(BO, ("Før",))]
    assert states(desk) == {"ended": 1, "taken": 1}
    assert proof.verify(desk).ok


def test_leaving_before_anybody_was_noted_counts(desk: Office, clock: Clock) -> None:
    """The audience is frozen as it is published; who gets it is noted later, by the history."""
    readers(desk, 3)
    for each in (ANNA, BO):
        choose(desk, each, frequency="daily")
    publish_now(desk, "Nyt")
    people.end(desk, address=parse_address(ANNA), reason="asked us to", who="desk")
    choose(desk, BO, frequency="at_once")
    choose(desk, "reader2@example.org", frequency="daily")
    before = {one.mailing: one.digests for one in proof.verify(desk).mailings}
    assert list(before.values()) == [{"waiting": 2}], "two of them had digests then"
    assert dispatched(desk) == [(BO, ("Nyt",)), ("reader2@example.org", ("Nyt",))]
    assert states(desk) == {"ended": 1, "taken": 1}
    assert proof.verify(desk).ok


def test_withdrawn_ones_leave_and_corrected_ones_show_the_newest_text(
    desk: Office, clock: Clock
) -> None:
    readers(desk, 1)
    choose(desk, ANNA, frequency="daily")
    gone, mended = publish_now(desk, "Forkert"), publish_now(desk, "Fejl i titlen")
    send(desk)
    with desk.database.write() as connection:
        connection.execute(update(release).where(release.c.id == gone).values(state="withdrawn"))
        editions.add_edition(connection, mended, text("Rettet titel"), desk.clock())
    clock.move(days=1)
    assert dispatched(desk) == [(ANNA, ("Rettet titel",))]
    assert states(desk) == {"withdrawn": 1, "taken": 1}
    assert proof.verify(desk).ok


def test_nothing_left_is_no_digest(desk: Office, clock: Clock) -> None:
    readers(desk, 1)
    choose(desk, ANNA, frequency="daily")
    gone = publish_now(desk, "Forkert")
    with desk.database.write() as connection:
        connection.execute(update(release).where(release.c.id == gone).values(state="withdrawn"))
    clock.move(days=1)
    assert dispatched(desk) == []


def test_merged_digests_come_as_one_mail(desk: Office, clock: Clock) -> None:
    readers(desk, 2)
    readers(desk, 2, newsroom=KEFM)
    for room in (UM, KEFM):
        choose(desk, ANNA, newsroom=room, frequency="daily", merged=True)
        choose(desk, BO, newsroom=room, frequency="daily")
    publish_now(desk, "Fra UM")
    publish_now(desk, "Fra KEFM", newsroom=KEFM)
    clock.move(days=1)
    mails = dispatched(desk)
    assert titles(mails, ANNA) == [("Fra UM", "Fra KEFM")]
    assert sorted(titles(mails, BO)) == [("Fra KEFM",), ("Fra UM",)]
    assert proof.verify(desk).ok


def test_what_another_carried_waits_again_if_that_one_left(desk: Office, clock: Clock) -> None:
    """Whoever leaves one newsroom while the mail for both waits to be sent still gets the other's."""
    readers(desk, 1)
    readers(desk, 1, newsroom=KEFM)
    for room in (UM, KEFM):
        choose(desk, ANNA, newsroom=room, frequency="daily", merged=True)
    publish_now(desk, "Fra UM")
    publish_now(desk, "Fra KEFM", newsroom=KEFM)
    clock.move(days=1)
    send(desk)
    reason = {"reason": "asked us to", "who": "desk", "newsroom_key": "um"}
    people.end(desk, address=parse_address(ANNA), **reason)
    assert dispatched(desk) == []
    assert dispatched(desk) == [(ANNA, ("Fra KEFM",))]
    clock.move(days=1)
    assert dispatched(desk) == []
    assert proof.verify(desk).ok


def test_one_message_for_all_who_get_the_same(desk: Office, clock: Clock) -> None:
    desk = replace(desk, limits=replace(desk.limits, portion=3))
    everybody = readers(desk, 8)
    for number, each in enumerate(everybody):
        choose(desk, each, frequency="daily" if number % 2 else "weekly", weekday=1)
    publish_now(desk, "Nyt")
    clock.move(days=1)
    mails = dispatched(desk)
    assert sorted(mailbox for mailbox, _ in mails) == sorted(everybody)
    with desk.database.read() as connection:
        kept = connection.execute(
            select(prepared.c.mailing_id, func.count())
            .where(prepared.c.purpose == "digest")
            .group_by(prepared.c.mailing_id)
        ).all()
    assert all(number <= 2 for _, number in kept), "once a day and once a week"
    assert proof.verify(desk).ok


def test_a_digest_that_cannot_be_made_is_put_off_and_others_go(desk: Office, clock: Clock) -> None:
    readers(desk, 1)
    readers(desk, 1, newsroom=KEFM)
    choose(desk, ANNA, frequency="daily")
    choose(desk, ANNA, newsroom=KEFM, frequency="daily")
    publish_now(desk, "Fra UM")
    publish_now(desk, "Fra KEFM", newsroom=KEFM)
    send(desk)
    clock.move(days=1)
    short_of_one = replace(desk, newsrooms={KEFM.key: desk.newsrooms[KEFM.key]})
    assert any("um" in fault for fault in send(short_of_one).faults)
    assert send(short_of_one).faults == [], "not at every look"
    assert dispatched(desk) == [(ANNA, ("Fra KEFM",))]
    clock.move(hours=1)
    assert dispatched(desk) == [(ANNA, ("Fra UM",))]


def test_of_very_many_the_rest_comes_in_another(sqlite_database: Database, clock: Clock) -> None:
    desk = with_digests(make_office(sqlite_database, clock))
    readers(desk, 1)
    choose(desk, ANNA, frequency="daily")
    every = {publish_now(desk, f"Nummer {number}") for number in range(MOST_TEXTS + 1)}
    clock.move(days=1)
    mails = titles(dispatched(desk), ANNA)
    assert sorted(map(len, mails)) == [1, MOST_TEXTS]
    assert {title for mail in mails for title in mail} == {
        f"Nummer {number}" for number in range(len(every))
    }


def test_two_dispatchers_open_it_once(desk: Office, clock: Clock) -> None:
    everybody = readers(desk, 5)
    for each in everybody:
        choose(desk, each, frequency="daily")
    publish_now(desk, "Nyt")
    clock.move(days=1)
    race(lambda: send(desk), lambda: send(desk), lambda: send(desk))
    assert dispatched(desk) == [(each, ("Nyt",)) for each in everybody]


def test_a_release_of_two_newsrooms_comes_once(desk: Office, clock: Clock) -> None:
    readers(desk, 2)
    readers(desk, 2, newsroom=KEFM)
    for each in (ANNA, BO):
        choose(desk, each, frequency="daily")
    choose(desk, ANNA, newsroom=KEFM, frequency="weekly")
    for room in (UM, KEFM):
        document = ReleaseDocument(text("Fælles"), joint="samme")
        added = press.add_document(desk, document, newsroom=room.key, who="desk")
        press.send(desk, added.id, who="desk")
        publish.publish_due(desk)
        send(desk)
    assert dispatched(desk) == [], "it waits for the digest that was the first to have it"
    clock.move(days=9)
    assert dispatched(desk) == [(ANNA, ("Fælles",)), (BO, ("Fælles",))]
    assert proof.verify(desk).ok


@pytest.mark.parametrize("urgent", [False, True])
def test_the_history_says_what_the_definitions_say(desk: Office, urgent: bool) -> None:
    """At once, in a digest or not at all: of every choice, by SQL as by `core.choice`."""
    every: list[dict[str, Any]] = [
        {"frequency": frequency, "urgent_at_once": agreed, "paused_until": until}
        for frequency in ("at_once", "daily", "weekly")
        for agreed in (True, False)
        for until in (None, START, START + timedelta(microseconds=1))
    ]
    mailboxes = readers(desk, len(every))
    for mailbox, changes in zip(mailboxes, every, strict=True):
        choose(desk, mailbox, **changes)
    publish_now(desk, "Nyt", urgent=urgent)
    send(desk)
    terms: dict[str, Any] = {"topics": (), "at": START, "urgent": urgent}
    chosen = {
        mailbox: replace(Choice(("da",)), **changes)
        for mailbox, changes in zip(mailboxes, every, strict=True)
    }
    for table, wanted in ((delivery, wants), (digest_due, wants_in_digest)):
        query = (
            select(subscriber.c.mailbox)
            .join(subscription, subscription.c.subscriber_id == subscriber.c.id)
            .join(table, table.c.subscription_id == subscription.c.id)
        )
        with desk.database.read() as connection:
            found = set(connection.scalars(query))
        assert found == {mailbox for mailbox, one in chosen.items() if wanted(one, **terms)}
    assert proof.verify(desk).ok


def test_what_waits_goes_along_to_the_subscription_that_goes_on(
    sqlite_database: Database, clock: Clock
) -> None:
    """But for what that one had already; the one that ends has nothing left."""
    desk = with_digests(make_office(sqlite_database, clock))
    readers(desk, 2)
    choose(desk, ANNA, frequency="weekly")
    publish_now(desk, "Bo har den")
    choose(desk, BO, frequency="daily", paused_until=START + timedelta(hours=1))
    publish_now(desk, "Bo holdt pause")
    assert dispatched(desk) == [(BO, ("Bo har den",))]
    numbers = {one.mailbox: one.id for one in people.list_people(desk)}
    with desk.database.write() as connection:
        awaiting.pass_on(connection, numbers[ANNA], numbers[BO], clock())
        awaiting.end(connection, [numbers[ANNA]], clock())
    clock.move(days=9)
    assert dispatched(desk) == [(BO, ("Bo holdt pause",))]
    assert states(desk) == {"ended": 2, "taken": 1}
    assert proof.verify(desk).ok

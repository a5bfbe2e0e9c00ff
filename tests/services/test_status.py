"""The status names what is due, held, under way, failing and amiss, and how fast it goes."""

from datetime import timedelta

from support.desk import (
    DEFERRED,
    REFUSED,
    UNKNOWN,
    approve,
    came_of,
    import_readers,
    lease,
    publish_one,
)
from support.desk import text as edition
from support.offices import START, Clock
from support.readers import sign_up
from support.workers import record, take

from mailer.core.release import ReleaseDocument
from mailer.services import control, press, publish
from mailer.services.office import Office
from mailer.services.standing import Amiss, UnderWay, status
from mailer.store import health, outcomes
from mailer.store.health import RelayHealth


def under_way(office: Office) -> UnderWay:
    (one,) = status(office).open
    return one


def hold_unknowns(office: Office) -> None:
    with office.database.write() as connection:
        connection.exec_driver_sql("UPDATE mailing SET unknown = 'hold'")


def test_what_is_due_held_and_under_way(office: Office, clock: Clock) -> None:
    import_readers(office, 2)
    sign_up(office, "anna@example.org")
    publish_one(office)
    document = ReleaseDocument(edition("Venter"))
    added = press.add_document(office, document, newsroom="um", who="desk")
    long = approve(office, edition("For lang", "Meget lang tekst. " * 8000))
    publish.publish_due(office)
    clock.move(minutes=1)
    found = status(office)
    assert found.newsrooms == {
        "kefm": {"subscriptions": {}, "releases": {}},
        "um": {
            "subscriptions": {"active": 2, "pending": 1},
            "releases": {"held": 2, "published": 1},
        },
    }
    assert found.waiting == {"notices": 1, "releases": 2, "retries": 0, "oldest": START}
    assert [(one.mailing, one.state, one.settled, one.audience) for one in found.open] == [
        (1, "open", 0, 2)
    ]
    assert {one.release: one.title for one in found.held} == {
        added.id: "Venter",
        long: "For lang",
    }
    reasons = {one.release: one.reason for one in found.held}
    assert "too long" in (reasons[long] or "")
    assert reasons[added.id] == press.AWAITS_WORD
    assert (found.amiss, found.relays) == ((), ())


def test_a_mailing_tells_its_rate_and_when_it_will_be_done(office: Office, clock: Clock) -> None:
    import_readers(office, 8)
    publish_one(office)
    fresh = under_way(office)
    assert (fresh.percent, fresh.begun_at, fresh.rate, fresh.seconds_left) == (0, None, None, None)
    clock.move(seconds=30)
    handed = take(office, 5)
    assert (under_way(office).begun_at, under_way(office).rate) == (clock(), None)
    record(office, handed[:2])
    record(office, handed[2:3], REFUSED)
    record(office, handed[3:], DEFERRED)
    clock.move(seconds=6)
    one = under_way(office)
    assert (one.settled, one.percent, one.rate, one.seconds_left) == (3, 37, 0.5, 10.0)
    assert (one.deferred, one.refused, one.expired, one.unknown) == (2, 1, 0, 0)
    assert (one.title, one.newsroom, one.urgent) == ("Nyt", "um", False)
    control.pause(office, 1, who="kim", reason="stop", patience=0)
    held = under_way(office)
    assert (held.state, held.hold_reason) == ("held", "paused by kim: stop")
    assert (held.rate, held.seconds_left) == (None, None)


def test_a_cancelled_mailing_is_under_way_until_all_came_back(office: Office) -> None:
    import_readers(office, 3)
    publish_one(office)
    handed = take(office, 2)
    control.cancel(office, 1, who="kim", patience=0)
    assert (under_way(office).state, under_way(office).settled) == ("cancelled", 1)
    record(office, handed)
    control.cancel(office, 1, who="kim", patience=0)
    assert status(office).open == ()


def test_what_waits_for_a_word_is_named_for_a_month(office: Office, clock: Clock) -> None:
    import_readers(office, 3)
    publish_one(office)
    hold_unknowns(office)
    handed = take(office)
    record(office, handed[:2], UNKNOWN)
    with office.database.write() as connection:
        expired = [came_of(handed[2], DEFERRED, office, expired=True)]
        outcomes.record(connection, lease(office), expired)
    assert status(office).amiss == (Amiss(1, 1, "Nyt", "open", expired=1, unknown=2),)
    record(office, [])
    found = status(office)
    assert (found.open, len(found.amiss)) == ((), 1)
    clock.move(days=30)
    assert len(status(office).amiss) == 1
    clock.move(seconds=1)
    assert status(office).amiss == ()


def test_a_relay_that_fails_is_named(office: Office) -> None:
    since = office.clock() - timedelta(minutes=5)
    found = [
        RelayHealth("main", "post1", since, "nobody answers", office.clock()),
        RelayHealth("main", "post2", None, None, office.clock()),
    ]
    with office.database.write() as connection:
        health.note(connection, found)
    assert status(office).relays == tuple(found)

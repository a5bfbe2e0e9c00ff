"""When a digest is due, whatever the clocks do; what lies in it, and in which text."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.core.choice import Choice
from mailer.core.digest import (
    Occasion,
    Owed,
    due_at,
    in_order,
    next_digest,
    parcels,
    texts_shown,
)

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
DAILY = Choice(("da",), frequency="daily")
AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)  # a Monday, 9 o'clock in Copenhagen


def moment(text: str, zone: ZoneInfo = COPENHAGEN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("zone", "hour", "after", "due"),
    [
        # An ordinary day; the very moment is over, a microsecond before it is not.
        ("Europe/Copenhagen", 8, "2026-03-02T07:00Z", "2026-03-03T07:00Z"),
        ("Europe/Copenhagen", 8, "2026-03-02T06:59:59.999999Z", "2026-03-02T07:00Z"),
        ("Europe/Copenhagen", 0, "2026-03-02T22:59Z", "2026-03-02T23:00Z"),
        # 29 March: two o'clock is skipped, and kept at three; 25 October: it comes twice, and once is enough.
        ("Europe/Copenhagen", 2, "2026-03-28T12:00Z", "2026-03-29T01:00Z"),
        ("Europe/Copenhagen", 2, "2026-10-24T12:00Z", "2026-10-25T00:00Z"),
        ("Europe/Copenhagen", 2, "2026-10-25T00:00Z", "2026-10-26T01:00Z"),
        ("Europe/Copenhagen", 8, "2026-03-28T12:00Z", "2026-03-29T06:00Z"),
        # Half an hour is skipped; midnight is; a whole day was.
        ("Australia/Lord_Howe", 2, "2026-10-03T00:00Z", "2026-10-03T15:30Z"),
        ("Africa/Cairo", 0, "2026-04-23T12:00Z", "2026-04-23T22:00Z"),
        ("Pacific/Apia", 8, "2011-12-29T20:00Z", "2011-12-30T10:00Z"),
    ],
)
def test_the_next_hour_that_there_is(zone: str, hour: int, after: str, due: str) -> None:
    found = next_digest(
        replace(DAILY, hour=hour), zone=ZoneInfo(zone), after=datetime.fromisoformat(after)
    )
    assert found == datetime.fromisoformat(due)


@given(
    after=st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),
    zone=st.sampled_from(
        ["Europe/Copenhagen", "America/Havana", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]
    ).map(ZoneInfo),
    hour=st.integers(0, 23),
    weekday=st.integers(0, 6),
    frequency=st.sampled_from(["daily", "weekly"]),
)
@settings(max_examples=150)
def test_once_a_day_or_a_week_at_that_hour(
    after: datetime, zone: ZoneInfo, hour: int, weekday: int, frequency: str
) -> None:
    choice = Choice(("da",), frequency=frequency, hour=hour, weekday=weekday)
    found = next_digest(choice, zone=zone, after=after)
    assert found > after
    longest = timedelta(days=1 if frequency == "daily" else 7, hours=2)
    assert found - after <= longest
    local = found.astimezone(zone)
    assert local.hour == hour or (local - timedelta(hours=1)).hour == hour, "or it was skipped"
    assert frequency == "daily" or local.weekday() == weekday
    later = next_digest(choice, zone=zone, after=found)
    assert (later.astimezone(zone).date() - local.date()).days == (1 if frequency == "daily" else 7)


def owed(number: int = 1, **changes: object) -> Owed:
    one = Owed(1, 1, "um", DAILY, number, AT)
    return replace(one, **changes)  # type: ignore[arg-type] # the fields of `Owed`


def test_at_once_is_due_as_it_is_and_a_break_puts_it_off() -> None:
    at_once = replace(DAILY, frequency="at_once")
    until = moment("2026-03-05T00:00")
    assert due_at(owed(choice=at_once), zone=COPENHAGEN) == AT
    assert due_at(owed(choice=replace(at_once, paused_until=until)), zone=COPENHAGEN) == until
    paused = owed(choice=replace(DAILY, paused_until=until))
    assert due_at(paused, zone=COPENHAGEN) == moment("2026-03-05T08:00")
    over = owed(choice=replace(DAILY, paused_until=AT - timedelta(days=9)))
    assert due_at(over, zone=COPENHAGEN) == moment("2026-03-03T08:00")
    assert due_at(owed(catch_up=True), zone=COPENHAGEN) == AT


def test_what_is_due_is_parted_from_what_is_not() -> None:
    zones = {"um": COPENHAGEN, "kefm": ZoneInfo("Asia/Tokyo")}
    waiting = [
        owed(1),
        owed(2, since=AT - timedelta(days=2)),
        owed(3, subscription_id=2, subscriber_id=2, newsroom="kefm"),
    ]
    now = AT + timedelta(hours=1)
    found, later = parcels(waiting, zones=zones, now=now)
    assert [(one.carrier, [each.release_id for each in one.owed]) for one in found] == [(1, [2])]
    assert later == {1: moment("2026-03-03T08:00"), 2: moment("2026-03-03T08:00", zones["kefm"])}
    assert found[0].occasion is Occasion.DAILY


def test_who_wants_them_merged_has_one_and_all_others_one_each() -> None:
    merged = replace(DAILY, merged=True)
    weekly = replace(merged, frequency="weekly")
    waiting = [
        owed(1, subscription_id=4, choice=weekly),
        owed(2, subscription_id=3, newsroom="kefm", choice=merged),
        owed(3, subscription_id=5, subscriber_id=2, choice=weekly),
        owed(4, subscription_id=6, subscriber_id=2, newsroom="kefm", catch_up=True, choice=merged),
    ]
    zones = {"um": COPENHAGEN, "kefm": COPENHAGEN}
    found, later = parcels(waiting, zones=zones, now=AT + timedelta(days=9))
    told = {
        one.carrier: ([each.release_id for each in one.owed], one.occasion, one.merged)
        for one in found
    }
    assert told == {
        3: ([2, 1], Occasion.DAILY, True),
        5: ([3], Occasion.WEEKLY, True),
        6: ([4], Occasion.LATEST, False),
    }
    assert later == {}


EDITIONS = {"da": "da", "en-GB": "en-GB", "en-US": "en-US", "kl": "kl"}


def shown(wanted: tuple[str, ...], otherwise: tuple[str, ...] = (), **owed: Any) -> tuple[str, ...]:
    every = owed.pop("every_language", False)
    choice = replace(DAILY, languages=wanted, every_language=every)
    return texts_shown(Owed(1, 1, "um", choice, 1, AT, **owed), EDITIONS, otherwise)


@pytest.mark.parametrize(
    ("wanted", "otherwise", "found"),
    [
        (("en", "da"), ("da",), ("en-GB",)),
        (("EN-us",), (), ("en-US",)),
        (("da-DK",), ("en-GB",), ("da",)),
        (("fr",), ("en", "da"), ("en-GB",)),
        (("fr",), ("de",), ()),
        (("fr",), (), ()),
    ],
)
def test_the_first_language_that_there_is(
    wanted: tuple[str, ...], otherwise: tuple[str, ...], found: tuple[str, ...]
) -> None:
    assert shown(wanted, otherwise) == found


@pytest.mark.parametrize(
    ("wanted", "besides", "found"),
    [
        (("kl", "da"), set(), ("kl", "da")),
        (("en-US", "fr", "da"), set(), ("en-US", "en-GB", "da")),
        (("kl", "da"), {"kl"}, ("da",)),
        (("kl", "da"), {"kl", "da"}, ()),
        (("fr",), set(), ("en-GB",)),  # what stands in, and that alone
        (("fr",), {"da"}, ()),  # who has something needs no other in its place
    ],
)
def test_every_language_but_those_that_come_otherwise(
    wanted: tuple[str, ...], besides: set[str], found: tuple[str, ...]
) -> None:
    terms = {"besides": frozenset(besides), "every_language": True}
    assert shown(wanted, ("en", "da"), **terms) == found
    one = {"besides": frozenset(besides)}
    assert shown(wanted, ("en", "da"), **one) == found[:1], "the best of what is left"


def test_one_language_that_waits_is_that_one() -> None:
    assert shown(("da",), ("da",), language="kl", every_language=True) == ("kl",)
    assert shown(("da",), ("da",), language="fr") == ()


def test_texts_are_told_in_the_order_in_which_their_reader_likes_them() -> None:
    assert in_order(("kl", "en"), EDITIONS) == ("kl", "en-GB", "en-US", "da")

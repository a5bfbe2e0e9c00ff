"""A language that comes late, and readers of digests: the next one of who has nothing, no release twice."""

from dataclasses import replace
from datetime import timedelta

import pytest
from support.digesting import choose, dispatched, titles
from support.late_languages import (
    ANNA,
    BO,
    CARLA,
    DAY,
    DORA,
    adds_up,
    comes,
    daily,
    office_of,
    readers,
)
from support.offices import START, Clock, make_office
from support.over_both import BOTH, database_of

from mailer.core.choice import Choice
from mailer.services.office import Office


@pytest.fixture
def office(request: pytest.FixtureRequest, clock: Clock) -> Office:
    """An office over SQLite, or where a test says BOTH over each."""
    return make_office(database_of(request), clock)


@BOTH
def test_what_waits_is_shown_in_the_language_liked_best(office: Office, clock: Clock) -> None:
    office = office_of(office)
    readers(office, daily("kl", "da"), daily("da", "kl"), daily("en"), Choice(("kl", "da")))
    comes(office, ("da", "Dansk"))
    clock.move(hours=5)
    comes(office, ("kl", "Kalaallisut"))
    assert dispatched(office) == [(DORA, ("Dansk",))]
    clock.moment = START + DAY
    assert dispatched(office) == [
        (ANNA, ("Kalaallisut",)),
        (BO, ("Dansk",)),
        (CARLA, ("Dansk",)),
    ]
    clock.move(days=9)
    assert dispatched(office) == []
    adds_up(office)


@BOTH
def test_who_has_it_in_one_language_is_not_sent_another(office: Office, clock: Clock) -> None:
    """However they have mail since: Anna had a digest, Bo had it at once, Carla had and has digests."""
    office = office_of(office)
    readers(office, daily("kl", "da"), Choice(("kl", "da")), daily("kl"), daily("kl"))
    comes(office, ("da", "Dansk"))
    clock.move(days=1)
    assert len(dispatched(office)) == 4
    choose(office, ANNA, frequency="at_once")
    choose(office, BO, frequency="daily")
    comes(office, ("kl", "Kalaallisut"))
    assert dispatched(office) == []
    clock.move(days=9)
    assert dispatched(office) == []
    adds_up(office)


@BOTH
def test_who_has_nothing_yet_gets_it_in_the_next_digest(office: Office, clock: Clock) -> None:
    """They were away when it was published; of two who come since the one gets it who wants that language."""
    office = office_of(office)
    away = START + timedelta(hours=1)
    readers(
        office,
        replace(daily("kl"), paused_until=away),
        replace(daily("en"), paused_until=away),
        replace(Choice(("kl",)), paused_until=away),
        daily("da"),
    )
    comes(office, ("da", "Dansk"))
    clock.move(days=1)
    assert dispatched(office) == [(DORA, ("Dansk",))]
    clock.move(hours=2)
    comes(office, ("kl", "Kalaallisut"))
    assert dispatched(office) == [(CARLA, ("Kalaallisut",))], "at once, as she has every release"
    clock.moment = START + 2 * DAY
    assert dispatched(office) == [(ANNA, ("Kalaallisut",))]
    clock.move(days=9)
    assert dispatched(office) == []
    adds_up(office)


@BOTH
@pytest.mark.parametrize("days", [3, 17])
def test_who_waits_for_a_language_has_it_in_the_digest_after_it_came(
    office: Office, clock: Clock, days: int
) -> None:
    """Also where it came when nobody waited any more."""
    office = office_of(office, "wait")
    readers(
        office, daily("kl"), daily("kl", "da"), Choice(("kl",), frequency="weekly"), daily("en")
    )
    comes(office, ("da", "Dansk"))
    mails = []
    for _ in range(2 * days):
        clock.move(hours=12)
        mails += dispatched(office)
    assert mails == [(BO, ("Dansk",))]
    clock.move(hours=2)
    comes(office, ("kl", "Kalaallisut"))
    assert dispatched(office) == [], "not at once"
    clock.move(days=1)
    assert dispatched(office) == [(ANNA, ("Kalaallisut",))]
    clock.move(days=7)
    assert dispatched(office) == [(CARLA, ("Kalaallisut",))]
    adds_up(office)


def test_who_left_meanwhile_has_nothing_of_it(office: Office, clock: Clock) -> None:
    office = office_of(office)
    readers(office, replace(daily("kl"), paused_until=START + timedelta(hours=1)))
    comes(office, ("da", "Dansk"))
    clock.move(hours=2)
    comes(office, ("kl", "Kalaallisut"))
    choose(office, ANNA, frequency="at_once")
    assert titles(dispatched(office), ANNA) == [("Kalaallisut",)], "what waits comes at once then"
    adds_up(office)

"""Who wants every language finds each of theirs in exactly one digest, whatever changes or is merged."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.choosing import choose_by_number
from support.desk import ACCEPTED, UNKNOWN, import_readers
from support.desk_hand import DeskHand
from support.digesting import choose, dispatched, send, states
from support.late_languages import (
    ANNA,
    BO,
    CARLA,
    DAY,
    DORA,
    adds_up,
    comes,
    daily,
    each,
    goes_out,
    is_let_go,
    office_of,
    readers,
    written,
)
from support.moving import move
from support.offices import START, Clock, make_office
from support.over_both import BOTH, database_of

from mailer.mail.digests import MOST_TEXTS
from mailer.services import aftermath, corrections
from mailer.services.office import Office
from mailer.store import awaiting, takeout


@pytest.fixture
def office(request: pytest.FixtureRequest, clock: Clock) -> Office:
    """An office over SQLite, or where a test says BOTH over each, in three languages and with digests."""
    return office_of(make_office(database_of(request), clock))


@BOTH
def test_who_wants_every_language_finds_each_in_one_digest(office: Office, clock: Clock) -> None:
    """The one liked best first, whether they were noted before the others were mailed or after."""
    readers(office, each("kl", "da"), each("en"), daily("kl", "da"), each("da", "en", "kl"))
    comes(office, ("da", "Dansk"), ("en", "English"), ("kl", "Kalaallisut"))
    clock.move(days=1)
    assert dispatched(office) == [
        (ANNA, ("Kalaallisut", "Dansk")),
        (BO, ("English",)),
        (CARLA, ("Kalaallisut",)),
        (DORA, ("Dansk", "English", "Kalaallisut")),
    ]
    clock.move(days=9)
    assert dispatched(office) == []
    adds_up(office)


@BOTH
def test_a_translation_that_comes_after_the_digest_is_in_the_next(
    office: Office, clock: Clock
) -> None:
    """For who wants each; Dora has hers at once by then."""
    readers(office, each("da", "kl"), each("en", frequency="weekly"), daily("da", "kl"), each("kl"))
    comes(office, ("da", "Dansk"))
    clock.move(days=1)
    had = [(ANNA, ("Dansk",)), (CARLA, ("Dansk",)), (DORA, ("Dansk",))]
    assert dispatched(office) == had, "Dora reads no Danish, and has the original"
    choose(office, DORA, frequency="at_once")
    comes(office, ("kl", "Kalaallisut"))
    assert dispatched(office) == [(DORA, ("Kalaallisut",))]
    adds_up(office)
    clock.move(days=1)
    assert dispatched(office) == [(ANNA, ("Kalaallisut",))]
    comes(office, ("en", "English"))
    clock.move(days=9)
    assert dispatched(office) == [(BO, ("English",))], "she waited for it in vain, and no Danish"
    clock.move(days=9)
    assert dispatched(office) == []
    adds_up(office)


@BOTH
def test_what_comes_while_it_waits_is_in_the_same_digest(office: Office, clock: Clock) -> None:
    readers(office, each("da", "kl"), each("kl", "da"), daily("da", "kl"))
    comes(office, ("da", "Dansk"))
    clock.move(hours=2)
    comes(office, ("kl", "Kalaallisut"))
    clock.moment = START + DAY
    assert dispatched(office) == [
        (ANNA, ("Dansk", "Kalaallisut")),
        (BO, ("Kalaallisut", "Dansk")),
        (CARLA, ("Dansk",)),
    ]
    clock.move(days=9)
    assert dispatched(office) == []
    adds_up(office)


@BOTH
@pytest.mark.parametrize("change", ["at_once", "weekly", "no longer each", "another language"])
def test_each_comes_once_whatever_its_reader_changes(
    office: Office, clock: Clock, change: str
) -> None:
    """Between the release and its digest, and between that and the translation."""
    readers(office, each("da", "kl"), daily("da", "kl"), each("da", "kl", frequency="at_once"))
    changes: dict[str, dict[str, Any]] = {
        "at_once": {"frequency": "at_once"},
        "weekly": {"frequency": "weekly"},
        "no longer each": {"every_language": False},
        "another language": {"languages": ("kl", "en", "da")},
    }
    comes(office, ("da", "Dansk"))
    choose(office, ANNA, **changes[change])
    choose(office, BO, every_language=True)
    choose(office, CARLA, frequency="daily")
    clock.move(hours=1)
    comes(office, ("kl", "Kalaallisut"))
    choose(office, ANNA, frequency="daily", every_language=True)
    choose(office, CARLA, frequency="weekly")
    found: list[tuple[str, tuple[str, ...]]] = []
    for _ in range(20):
        found += dispatched(office)
        clock.move(hours=12)
    came = {
        mailbox: sorted(title for reader, each in found if reader == mailbox for title in each)
        for mailbox in (ANNA, BO, CARLA)
    }
    assert came == {name: ["Dansk", "Kalaallisut"] for name in (ANNA, BO, CARLA)}
    adds_up(office)


@BOTH
def test_who_waits_for_a_language_and_wants_each_has_that_one_alone(
    office: Office, clock: Clock
) -> None:
    office = office_of(office, "wait")
    readers(office, each("kl"), each("kl", "en"))
    comes(office, ("da", "Dansk"))
    clock.move(days=3)
    assert dispatched(office) == []
    comes(office, ("kl", "Kalaallisut"))
    clock.move(days=1)
    assert dispatched(office) == [(ANNA, ("Kalaallisut",)), (BO, ("Kalaallisut",))]
    comes(office, ("en", "English"))
    clock.move(days=17)
    assert dispatched(office) == [(BO, ("English",))]
    clock.move(days=17)
    assert dispatched(office) == []
    adds_up(office)


def test_a_fresh_reader_is_caught_up_with_in_the_language_of_the_sign_up(
    office: Office, clock: Clock
) -> None:
    """And in every language where they want each by the time the digest is made."""
    readers(office, daily("da"))
    number = comes(office, ("da", "Dansk"), ("en", "English"))
    import_readers(office, 1, prefix="fresh")
    with office.database.write() as connection:
        awaiting.catch_up(connection, 2, [number], clock())
        choose_by_number(connection, 2, each("en", "da"))
        assert awaiting.catch_up(connection, 2, [number], clock()) == 0
    assert dispatched(office) == [("fresh0@example.org", ("English", "Dansk"))]
    with office.database.write() as connection:
        assert awaiting.catch_up(connection, 2, [number], clock()) == 0
        shown = [(one["language"], one["state"]) for one in takeout.digests(connection, 2)]
    assert shown == [("da", "taken"), ("en", "taken")]
    adds_up(office)


@pytest.fixture
def hand(office: Office, tmp_path: Path) -> DeskHand:
    return DeskHand(office, tmp_path)


def mails(hand: DeskHand) -> dict[str, list[tuple[str, ...]]]:
    """What each reader's digests tell of, and the subjects of their notices."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for reader, mail in hand.kept:
        subject = mail.headers["Subject"]
        notice = subject.startswith(("Rettelse", "Trukket", "Correction", "Withdrawn"))
        lines = mail.text.splitlines()
        told = tuple(one for one, line in pairwise(lines) if line == "-" * len(one) != "")
        found.setdefault(reader, []).append((subject,) if notice else told)
    return found


def settle(office: Office, hand: DeskHand) -> None:
    hand.let_go_of_stopped()
    assert aftermath.settle_due(office)
    send(office)


@BOTH
def test_one_language_is_corrected_and_the_other_is_not_told_again(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    """Anna holds both, Bo may, Carla's was not begun; Dora has English alone."""
    readers(office, each("en", "da"), each("da", "en"), each("da", "en"), each("en"))
    number = comes(office, ("da", "Dansk"), ("en", "English"))
    clock.move(days=1)
    assert send(office).digests == 4
    hand.send(ACCEPTED, UNKNOWN)
    new = written("da", "Dansk, rettet")
    corrections.correct(office, number, new, note="A wrong day.", who="desk", patience=0)
    settle(office, hand)
    adds_up(office)
    clock.move(minutes=10)
    hand.send_all()
    notice = ("Rettelse: Dansk, rettet",)
    assert mails(hand) == {
        "reader0": [("English", "Dansk"), notice],
        "reader1": [notice, ("Dansk", "English")],  # the same mail once more
        "reader2": [("Dansk, rettet", "English")],
        "reader3": [("English",)],
    }
    clock.move(days=9)
    send(office)
    assert hand.take() == []
    adds_up(office)


@BOTH
def test_what_is_withdrawn_is_withdrawn_in_each(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    """A notice for each who holds it in any; a translation that waits waits no longer."""
    readers(office, each("en", "da"), each("da", "kl"))
    number = comes(office, ("da", "Dansk"), ("en", "English"))
    clock.move(days=1)
    assert send(office).digests == 2
    hand.send(ACCEPTED, ACCEPTED)
    comes(office, ("kl", "Kalaallisut"))
    corrections.withdraw(office, number, reason="Not ours.", who="desk", patience=0)
    settle(office, hand)
    clock.move(days=2)
    send(office)
    hand.send_all()
    found = mails(hand)
    assert [len(each) for each in found.values()] == [2, 2]
    assert all("Trukket" in each[1][0] or "Withdrawn" in each[1][0] for each in found.values())
    assert states(office) == {"taken": 3, "withdrawn": 1}
    adds_up(office)


@BOTH
@pytest.mark.parametrize("both_each", [False, True])
def test_of_two_that_become_one_each_language_goes_on(
    office: Office, clock: Clock, both_each: bool
) -> None:
    """Anna waits for what Bo has in Danish, and Bo for Greenlandic."""
    readers(office, daily("da", "en") if not both_each else each("da", "en"), each("da", "kl"))
    choose(office, ANNA, frequency="weekly")
    comes(office, ("da", "Dansk"), ("en", "English"))
    clock.move(days=1)
    assert dispatched(office) == [(BO, ("Dansk",))]
    comes(office, ("kl", "Kalaallisut"))
    assert move(office, ANNA, BO).state == "confirmed"
    clock.move(days=9)
    found = dispatched(office)
    assert [reader for reader, _ in found] == [BO]
    assert sorted(found[0][1]) == ["English", "Kalaallisut"], "Danish they hold"
    clock.move(days=9)
    assert dispatched(office) == []
    adds_up(office)


def test_very_many_texts_make_two_digests_and_none_comes_twice(
    office: Office, clock: Clock
) -> None:
    office = replace(office, limits=replace(office.limits, portion=100))
    readers(office, each("da", "en"))
    count = MOST_TEXTS // 2 + 3
    for number in range(count):
        of = f"id-{number}"
        is_let_go(office, ("da", f"Nr. {number}"), ("en", f"No. {number}"), identity=of)
    goes_out(office)
    clock.move(days=1)
    told = [titles for _, titles in dispatched(office)]
    assert sorted(len(each) for each in told) == [6, MOST_TEXTS]
    found = [title for each in told for title in each]
    assert len(set(found)) == len(found) == 2 * count
    adds_up(office)

"""A release in a digest that is under way is corrected or withdrawn: what has not left is made anew, once."""

import email
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from support.desk import ACCEPTED, DEFERRED, REFUSED, UNKNOWN, approve, progress_of, race, text
from support.desk_hand import DeskHand, corrected, doubted_after, killed_amid, notices_to
from support.digesting import choose, publish_now, readers, send, states, with_digests
from support.mortal import Killed, Mortal
from support.offices import KEFM, UM, Clock, make_office
from support.over_both import BOTH, database_of
from support.workers import cut_finely

from mailer.core.address import parse_address
from mailer.core.errors import NotAllowed
from mailer.services import (
    aftermath,
    corrections,
    digest_desk,
    embargo,
    people,
    proof,
    publish,
    retry,
    settle,
)
from mailer.services.office import Office
from mailer.store import awaiting, remaking
from mailer.store.digest_tables import digest_due
from mailer.store.ledger_tables import mailing

FIRST, OTHER, NEW = "Nyt", "Andet", "Nyt, rettet"
NOTICE, GONE = f"Rettelse: {NEW}", f"Trukket tilbage: {FIRST}"


@pytest.fixture
def office(request: pytest.FixtureRequest, clock: Clock) -> Office:
    """An office over SQLite, or where a test says BOTH over each; its newsrooms offer digests."""
    return with_digests(make_office(database_of(request), clock))


@pytest.fixture
def hand(office: Office, tmp_path: Path) -> DeskHand:
    """A dispatcher at an office with six readers of daily digests."""
    for each in readers(office, 6):
        choose(office, each, frequency="daily")
    return DeskHand(office, tmp_path)


def opened(office: Office, clock: Clock, *titles: str) -> list[int]:
    """Releases with these titles in digests that are opened, and of which nothing has left."""
    numbers = [publish_now(office, title) for title in titles]
    clock.move(days=1)
    assert send(office).digests == 6
    return numbers


def correct(office: Office, release: int = 1, title: str = NEW) -> aftermath.Amended:
    return corrections.correct(
        office, release, corrected(title), note="A wrong day.", who="desk", patience=0
    )


def withdraw(office: Office, release: int = 1) -> aftermath.Amended:
    return corrections.withdraw(office, release, reason="Not ours.", who="desk", patience=0)


def settled(office: Office, hand: DeskHand) -> None:
    hand.let_go_of_stopped()
    assert aftermath.settle_due(office)
    send(office)


def shown(hand: DeskHand) -> dict[str, list[tuple[str, ...]]]:
    """What each reader's digests tell of, mail by mail; notices by their subject."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for reader, mail in hand.kept:
        subject = mail.headers["Subject"]
        lines = mail.text.splitlines()
        told = tuple(one for one in (FIRST, OTHER, "Tredje", NEW) if one in lines)
        is_notice = subject.startswith(("Rettelse", "Trukket"))
        found.setdefault(reader, []).append((subject,) if is_notice else told)
    return found


def adds_up(office: Office) -> None:
    found = proof.verify(office)
    assert found.ok, [one.gaps for one in found.mailings if one.gaps]


@BOTH
def test_what_has_not_left_goes_out_corrected_and_holders_are_told(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    """One holds it, one may, one was refused, one is put off, one has it in hand, one was not begun."""
    opened(office, clock, FIRST, OTHER)
    hand.send(ACCEPTED, UNKNOWN, REFUSED, DEFERRED)
    on_wire = hand.begin(1)

    change = correct(office)

    assert (change.settled, change.told) == (False, None)
    assert hand.take() == [], "nothing more of it leaves"
    adds_up(office)
    hand.end(on_wire, ACCEPTED)
    settled(office, hand)
    adds_up(office)
    clock.move(minutes=10)
    hand.send_all()

    old, new = (FIRST, OTHER), (OTHER, NEW)
    assert shown(hand) == {
        "reader0": [old, (NOTICE,)],
        "reader1": [(NOTICE,), old],  # the same mail once more: its Date says which came first
        "reader3": [new],
        "reader4": [old, (NOTICE,)],
        "reader5": [new],
    }
    assert notices_to(office) == {"reader0": 1, "reader1": 1, "reader4": 1}
    adds_up(office)


@BOTH
def test_what_has_not_left_goes_out_without_what_was_withdrawn(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    """What may have left does not leave again with it, and the rest of that comes by itself."""
    opened(office, clock, FIRST, OTHER)
    hand.send(ACCEPTED, UNKNOWN, DEFERRED)
    withdraw(office)
    settled(office, hand)
    adds_up(office)
    clock.move(minutes=10)
    hand.send_all()

    assert shown(hand) == {
        "reader0": [(FIRST, OTHER), (GONE,)],
        "reader1": [(GONE,), (OTHER,)],
        **{f"reader{number}": [(OTHER,)] for number in range(2, 6)},
    }
    adds_up(office)


@BOTH
def test_where_nothing_is_left_there_is_no_digest(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    opened(office, clock, FIRST)
    hand.send(ACCEPTED)
    withdraw(office)
    settled(office, hand)
    clock.move(days=9)
    send(office)
    hand.send_all()
    assert shown(hand) == {"reader0": [(FIRST,), (GONE,)]}
    assert states(office) == {"taken": 1, "withdrawn": 5}
    adds_up(office)


def test_the_notice_answers_the_digest_that_showed_it(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    opened(office, clock, FIRST, OTHER)
    hand.send(ACCEPTED)
    correct(office)
    settled(office, hand)
    hand.send_all()
    (one, notice) = (mail.headers for reader, mail in hand.kept if reader == "reader0")
    assert notice["In-Reply-To"] == one["Message-ID"]


@BOTH
def test_what_may_have_left_is_sent_again_byte_by_byte(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    opened(office, clock, FIRST, OTHER)
    before = hand.begin(1)
    (first,) = (hand.message(letter) for letter in before)
    hand.end(before, UNKNOWN)
    correct(office)
    settled(office, hand)
    clock.move(minutes=10)
    again = next(one for one in hand.take() if one.due.id == before[0].due.id)
    assert hand.message(again) == first
    assert email.message_from_bytes(first)["Message-ID"]


@BOTH
def test_what_is_held_as_unknown_waits_for_the_operators_word(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    opened(office, clock, FIRST, OTHER)
    with office.database.write() as connection:
        connection.execute(update(mailing).values(unknown="hold"))
    hand.send(UNKNOWN, UNKNOWN, UNKNOWN)
    correct(office)
    settled(office, hand)
    hand.send_all()
    assert notices_to(office).keys() == {"reader0", "reader1", "reader2"}
    of = settle.Named(mailing=3)  # two releases were mailed before it
    settle.settle(office, of, "accepted", who="desk", deliveries=[1])
    settle.settle(office, of, "resend", who="desk", deliveries=[2])
    settle.settle(office, of, "refused", who="desk", deliveries=[3])
    hand.send_all()
    assert shown(hand)["reader1"] == [(NOTICE,), (FIRST, OTHER)], "as on record"
    assert shown(hand)["reader2"] == [(NOTICE,)]
    retry.retry(office, who="desk", kinds=["refused", "unknown"])
    send(office)
    hand.send_all()
    assert shown(hand)["reader2"] == [(NOTICE,), (OTHER,)], "they have the correction already"
    adds_up(office)


@BOTH
def test_nothing_with_a_withdrawn_release_is_sent_by_the_operators_word(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    opened(office, clock, FIRST, OTHER)
    with office.database.write() as connection:
        connection.execute(update(mailing).values(unknown="hold"))
    hand.send(UNKNOWN, REFUSED)
    withdraw(office)
    settled(office, hand)
    hand.send_all()
    hand.kept.clear()
    with pytest.raises(NotAllowed, match="withdrawn since"):
        settle.settle(office, settle.Named(mailing=3), "resend", who="desk")
    retry.retry(office, who="desk", kinds=["refused", "unknown"])
    send(office)
    hand.send_all()
    assert shown(hand) == {"reader1": [(OTHER,)]}
    again = retry.retry(office, who="desk", kinds=["refused", "unknown"])
    assert (again.total, hand.take()) == (0, [])
    adds_up(office)


@BOTH
@pytest.mark.parametrize("journal", ["kept", "gone"])
def test_killed_amid_a_correction(
    office: Office, clock: Clock, hand: DeskHand, tmp_path: Path, journal: str
) -> None:
    opened(office, clock, FIRST, OTHER)
    other = killed_amid(hand, lambda: correct(office), journal, tmp_path, clock)
    settled(office, other)
    other.send_all()

    doubted = doubted_after(journal)
    assert shown(other) == {
        "reader0": [(NOTICE,)],
        **{reader: [(NOTICE,), (FIRST, OTHER)] for reader in doubted},
        **{f"reader{n}": [(OTHER, NEW)] for n in range(1, 6) if f"reader{n}" not in doubted},
    }
    adds_up(office)


@pytest.mark.parametrize("spared", range(3))
def test_killed_at_any_step_of_a_correction(
    sqlite_url: str, clock: Clock, tmp_path: Path, spared: int
) -> None:
    """Of the change, of its settling and of the new digests: each is there whole, or not at all."""
    database = Mortal(sqlite_url)
    office = with_digests(make_office(database, clock))
    for each in readers(office, 6):
        choose(office, each, frequency="daily")
    hand = DeskHand(office, tmp_path)
    opened(office, clock, FIRST, OTHER)
    hand.send(ACCEPTED)
    hand.let_go_of_stopped()
    database.spared, database.deaths = spared, 1

    def change() -> None:
        correct(office)
        send(office)

    with pytest.raises(Killed):
        change()
    adds_up(office)

    if not spared:
        correct(office)
    settled(office, hand)
    hand.send_all()

    new = {f"reader{number}": [(OTHER, NEW)] for number in range(1, 6)}
    assert shown(hand) == {"reader0": [(FIRST, OTHER), (NOTICE,)]} | new
    adds_up(office)
    database.close()


@BOTH
def test_two_releases_of_one_digest_are_changed_at_once(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    """What is stopped for both goes on when both are settled, whatever an operator says meanwhile."""
    opened(office, clock, FIRST, OTHER)
    hand.send(ACCEPTED)
    on_wire = hand.begin(1)
    race(lambda: correct(office), lambda: correct(office, 2, "Tredje"))
    digest_desk.resume(office, 3, who="desk")
    assert hand.take() == []
    hand.end(on_wire, ACCEPTED)
    settled(office, hand)
    hand.send_all()
    told = {reader: Counter(mails) for reader, mails in shown(hand).items()}
    both = Counter([(FIRST, OTHER), (NOTICE,), ("Rettelse: Tredje",)])
    new = {f"reader{number}": Counter([("Tredje", NEW)]) for number in range(2, 6)}
    assert told == {"reader0": both, "reader1": both} | new
    adds_up(office)


@BOTH
@pytest.mark.parametrize("again", range(3))
def test_a_correction_races_with_the_opening(
    office: Office, clock: Clock, hand: DeskHand, again: int
) -> None:
    """Whoever is first: nobody is sent the old text."""
    publish_now(office, FIRST)
    clock.move(days=1)

    def open_them() -> list[object]:
        return [send(office)]

    def change() -> list[object]:
        return [correct(office)]

    race(*((open_them, change) if again % 2 else (change, open_them)))
    settled(office, hand)
    hand.send_all()
    assert shown(hand) == {f"reader{number}": [(NEW,)] for number in range(6)}
    assert notices_to(office) == {}
    adds_up(office)


def test_a_pause_outlasts_it_and_what_is_over_stays_over(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    opened(office, clock, FIRST, OTHER)
    hand.send(ACCEPTED)
    digest_desk.pause(office, 3, who="other", patience=0)
    correct(office)
    settled(office, hand)
    hand.send_all()
    assert progress_of(office, 3)[0] == "held", "somebody else's word"
    assert set(shown(hand)) == {f"reader{number}" for number in range(6)}
    digest_desk.resume(office, 3, who="other")
    assert hand.take() == []
    adds_up(office)


def test_of_a_cancelled_digest_nothing_comes_back(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    opened(office, clock, FIRST, OTHER)
    hand.send(ACCEPTED)
    on_wire = hand.begin(1)
    digest_desk.cancel(office, 3, who="desk", patience=0)
    correct(office)
    hand.end(on_wire, ACCEPTED)
    settled(office, hand)
    hand.send_all()
    old = [(FIRST, OTHER), (NOTICE,)]
    assert shown(hand) == {"reader0": old, "reader1": old}
    adds_up(office)


def test_more_than_one_look_where_there_are_very_many(
    office: Office, clock: Clock, hand: DeskHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(office, clock, FIRST, OTHER)
    cut_finely(office, 3)
    monkeypatch.setattr(remaking, "CHUNKS_AT_ONCE", 2)
    hand.send(ACCEPTED)
    assert not correct(office).settled
    assert not aftermath.settle_due(office)
    assert aftermath.settle_due(office)
    send(office)
    hand.send_all()
    new = {f"reader{number}": [(OTHER, NEW)] for number in range(1, 6)}
    assert shown(hand) == {"reader0": [(FIRST, OTHER), (NOTICE,)]} | new
    adds_up(office)


@BOTH
def test_a_digest_of_two_newsrooms_is_made_anew_as_a_whole(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    readers(office, 2, newsroom=KEFM)
    for number in range(2):
        for room in (UM, KEFM):
            choose(
                office,
                f"reader{number}@example.org",
                newsroom=room,
                frequency="daily",
                merged=True,
            )
    publish_now(office, OTHER)
    gone = publish_now(office, FIRST, newsroom=KEFM)
    clock.move(days=1)
    send(office)
    hand.send(*[ACCEPTED] * 5)  # reader1's waits
    withdraw(office, gone)
    people.end(
        office,
        address=parse_address("reader1@example.org"),
        reason="asked us to",
        who="desk",
        newsroom_key="kefm",
    )
    settled(office, hand)
    hand.send_all()
    assert shown(hand) == {
        "reader0": [(FIRST, OTHER), (GONE,)],
        **{f"reader{number}": [(OTHER,)] for number in range(1, 6)},
    }
    adds_up(office)


@BOTH
def test_what_catches_up_is_made_anew_too(office: Office, clock: Clock, hand: DeskHand) -> None:
    first, other = (publish_now(office, title) for title in (FIRST, OTHER))
    with office.database.write() as connection:
        for number in (1, 2):
            connection.execute(digest_due.delete().where(digest_due.c.subscription_id == number))
            awaiting.catch_up(connection, number, [first, other], clock())
    assert send(office).digests == 2
    withdraw(office, first)
    correct(office, other, "Tredje")
    settled(office, hand)
    hand.send_all()
    assert shown(hand) == {"reader0": [("Tredje",)], "reader1": [("Tredje",)]}


def test_who_left_meanwhile_has_nothing_made_anew(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    opened(office, clock, FIRST, OTHER)
    people.end(office, address=parse_address("reader0@example.org"), reason="asked us", who="desk")
    correct(office)
    settled(office, hand)
    hand.send_all()
    assert set(shown(hand)) == {f"reader{number}" for number in range(1, 6)}
    assert states(office) == {"taken": 10, "ended": 2}
    adds_up(office)


def test_what_is_public_comes_under_no_embargo_any_more(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    """It lies in digests because it is public; only withdrawing takes it out of them."""
    opened(office, clock, FIRST)
    with pytest.raises(NotAllowed, match="no meaning any more"):
        embargo.move(office, 1, clock() + timedelta(days=1), who="desk")
    hand.send_all()
    assert shown(hand) == {f"reader{number}": [(FIRST,)] for number in range(6)}


@BOTH
def test_an_embargo_that_is_moved_keeps_a_release_out_of_digests(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    number = approve(office, text(FIRST))
    embargo.move(office, number, clock() + timedelta(hours=1), who="desk")
    publish_now(office, OTHER)
    clock.move(minutes=59)
    embargo.move(office, number, clock() + timedelta(days=2), who="desk")
    clock.move(days=1)
    publish.publish_due(office)
    send(office)
    hand.send_all()
    assert shown(hand) == {f"reader{each}": [(OTHER,)] for each in range(6)}
    clock.move(days=2)
    publish.publish_due(office)
    clock.move(days=1)
    send(office)
    hand.send_all()
    assert shown(hand) == {f"reader{each}": [(OTHER,), (FIRST,)] for each in range(6)}
    adds_up(office)

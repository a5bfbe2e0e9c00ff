"""Two subscriptions become one: its reader hears of what either was sent, once, and is sent nothing again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from support.choosing import open_link
from support.desk import ACCEPTED, DEFERRED, UNKNOWN, publish_one, race
from support.desk_hand import DeskHand, Mail, corrected
from support.digesting import choose, publish_now, send, with_digests
from support.moving import ask, confirm, move
from support.offices import UM, Clock, make_office
from support.over_both import BOTH, database_of
from support.readers import make_active

from mailer.core.delivery import Outcome
from mailer.core.errors import TryLater
from mailer.core.release import ReleaseDocument
from mailer.services import aftermath, corrections, press, proof, publish, translations
from mailer.services.office import Office
from mailer.store.ledger_tables import mailing

OLD, NEW, THIRD = "old@example.org", "new@example.org", "third@example.org"
TITLE, RIGHT = "Nyt", "Nyt, rettet"
NOTICE = f"Rettelse: {RIGHT}"


@pytest.fixture
def office(request: pytest.FixtureRequest, clock: Clock) -> Office:
    """An office over SQLite, or where a test says BOTH over each; its newsrooms offer digests."""
    return with_digests(make_office(database_of(request), clock))


@pytest.fixture
def hand(office: Office, tmp_path: Path) -> DeskHand:
    return DeskHand(office, tmp_path)


def subscribed(office: Office, clock: Clock, hand: DeskHand, *mailboxes: str) -> None:
    """Mailboxes that subscribe one after the other; their notices are sent."""
    for each in mailboxes:
        make_active(office, each)
        clock.move(hours=1)
    hand.send_all()


def moved(office: Office, hand: DeskHand, old: str = OLD, new: str = NEW) -> None:
    assert move(office, old, new).state == "confirmed"
    hand.let_go_of_stopped()


def correct(office: Office, title: str = RIGHT) -> None:
    corrections.correct(office, 1, corrected(title), note="", who="desk", patience=0)


def translated(office: Office) -> None:
    """A late language of the first release goes out."""
    document = ReleaseDocument(replace(corrected("News"), language="en"))
    press.add_document(
        office, document, newsroom=UM.key, who="desk", beside=press.Beside(translates=1)
    )
    press.send(office, 1, who="desk")
    publish.publish_due(office)
    translations.publish_due(office)


def settled(office: Office, hand: DeskHand) -> None:
    hand.let_go_of_stopped()
    assert aftermath.settle_due(office)
    send(office)
    hand.send_all()


def got(hand: DeskHand, *subjects: str) -> list[tuple[str, str]]:
    """Who was sent mails of these subjects, in the order they were sent."""
    found = [(reader, mail.headers["Subject"]) for reader, mail in hand.kept]
    return [one for one in found if one[1] in subjects]


def told(hand: DeskHand) -> list[tuple[str, str]]:
    """Who was sent mails that tell of the first release, by its title."""
    return [
        (reader, mail.headers["Subject"])
        for reader, mail in hand.kept
        if TITLE in mail.text.splitlines()
    ]


def adds_up(office: Office) -> None:
    found = proof.verify(office)
    assert found.ok, [one.gaps for one in found.mailings if one.gaps]


def each_came_to(hand: DeskHand, outcomes: Sequence[Outcome]) -> None:
    """Letters to subscriptions in the order of their numbers, ended so."""
    for letter, outcome in zip(list(hand.begin(len(outcomes))), outcomes, strict=True):
        hand.end([letter], outcome)
    hand.let_go_of_stopped()


@BOTH
@pytest.mark.parametrize("first", [OLD, NEW])
def test_the_notice_comes_once_and_answers_the_copy_of_that_mailbox(
    office: Office, clock: Clock, hand: DeskHand, first: str
) -> None:
    """Whichever of the two goes on."""
    subscribed(office, clock, hand, first, NEW if first == OLD else OLD)
    publish_one(office, title=TITLE)
    hand.send_all()
    copies = {reader: mail.headers["Message-ID"] for reader, mail in hand.kept}
    moved(office, hand)
    correct(office)
    settled(office, hand)
    assert got(hand, NOTICE) == [("new", NOTICE)]
    assert hand.kept[-1][1].headers["In-Reply-To"] == copies["new"]
    adds_up(office)


@BOTH
@pytest.mark.parametrize("had", [OLD, NEW])
def test_a_copy_that_one_alone_has_is_heard_of(
    office: Office, clock: Clock, hand: DeskHand, had: str
) -> None:
    """That one was away when it was published, the other not; the elder, which has none, goes on."""
    lacks = NEW if had == OLD else OLD
    subscribed(office, clock, hand, lacks, had)
    choose(office, lacks, paused_until=clock() + timedelta(minutes=1))
    publish_one(office, title=TITLE)
    hand.send_all()
    clock.move(hours=1)
    moved(office, hand)
    correct(office)
    settled(office, hand)
    assert got(hand, TITLE, NOTICE) == [(had.partition("@")[0], TITLE), ("new", NOTICE)]
    correct(office, "Tredje")
    settled(office, hand)
    assert got(hand, "Rettelse: Tredje") == [("new", "Rettelse: Tredje")]
    corrections.withdraw(office, 1, reason="", who="desk", patience=0)
    settled(office, hand)
    assert got(hand, "Trukket tilbage: Tredje") == [("new", "Trukket tilbage: Tredje")]
    adds_up(office)


@BOTH
def test_who_has_moved_hears_of_their_own_copies_alone(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    """Not of those that anybody else was sent, by themselves or in a digest."""
    subscribed(office, clock, hand, THIRD, OLD)
    choose(office, OLD, paused_until=clock() + timedelta(minutes=1))
    publish_one(office, title=TITLE)
    hand.send_all()
    clock.move(hours=1)
    moved(office, hand)
    correct(office)
    settled(office, hand)
    assert got(hand, TITLE, NOTICE) == [("third", TITLE), ("third", NOTICE)]
    choose(office, THIRD, frequency="daily")
    choose(office, NEW, paused_until=clock() + timedelta(minutes=1))
    number = publish_now(office, "Andet")
    clock.move(hours=24)
    settled(office, hand)
    corrections.correct(office, number, corrected("Andet, rettet"), note="", who="desk", patience=0)
    settled(office, hand)
    assert got(hand, "Rettelse: Andet, rettet") == [("third", "Rettelse: Andet, rettet")]
    adds_up(office)


@BOTH
def test_what_is_still_to_be_written_for_the_one_does_not_come_by_the_other_too(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    """It waits for the elder's digest; the mailing has not come as far as the other, who has it at once."""
    subscribed(office, clock, hand, THIRD, OLD, NEW)
    choose(office, OLD, frequency="daily")
    publish_now(replace(office, limits=replace(office.limits, portion=1)), TITLE)
    send(office)
    moved(office, hand)
    for _ in range(2):
        settled(office, hand)
        clock.move(hours=24)
    assert told(hand) == [("third", TITLE), ("new", TITLE)]
    adds_up(office)


@BOTH
def test_what_was_inherited_is_inherited_further_and_the_past_stays(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    """A notice that was frozen before a merger was for whom it was for."""
    subscribed(office, clock, hand, THIRD, NEW, OLD)
    for each in (THIRD, NEW):
        choose(office, each, paused_until=clock() + timedelta(minutes=1))
    publish_one(office, title=TITLE)
    hand.send_all()
    clock.move(hours=1)
    correct(office)
    settled(office, hand)
    moved(office, hand)
    adds_up(office)
    correct(office, "Tredje")
    settled(office, hand)
    moved(office, hand, NEW, THIRD)
    adds_up(office)
    correct(office, "Fjerde")
    settled(office, hand)
    notices = [f"Rettelse: {title}" for title in (RIGHT, "Tredje", "Fjerde")]
    assert got(hand, *notices) == [*zip(("old", "new", "third"), notices, strict=True)]
    adds_up(office)


@BOTH
@pytest.mark.parametrize("policy", ["resend", "hold"])
@pytest.mark.parametrize("outcome", [ACCEPTED, UNKNOWN])
def test_what_the_mailbox_has_is_not_sent_again_by_the_other(
    office: Office, clock: Clock, hand: DeskHand, outcome: Outcome, policy: str
) -> None:
    """The elder goes on: its own copy waits, and the new mailbox has one, or may have and keeps it."""
    subscribed(office, clock, hand, OLD, NEW)
    publish_one(office, title=TITLE)
    with office.database.write() as connection:
        connection.execute(update(mailing).values(unknown=policy))
    hand.take(2)
    each_came_to(hand, [DEFERRED, outcome])
    moved(office, hand)
    clock.move(hours=3)
    hand.send_all()
    once = outcome is ACCEPTED or policy == "resend"
    assert got(hand, TITLE) == ([("new", TITLE)] if once else [])
    correct(office)
    settled(office, hand)
    assert got(hand, NOTICE) == [("new", NOTICE)]
    adds_up(office)


@BOTH
@pytest.mark.parametrize("outcomes", [(UNKNOWN, UNKNOWN), (UNKNOWN, DEFERRED), (DEFERRED, UNKNOWN)])
def test_of_letters_in_doubt_one_is_sent_again_as_itself(
    office: Office, clock: Clock, hand: DeskHand, outcomes: tuple[Outcome, Outcome]
) -> None:
    """Neither is let go of for the other alone, and what may be there already is what comes."""
    subscribed(office, clock, hand, OLD, NEW)
    publish_one(office, title=TITLE)
    letters = hand.take(2)
    doubtful = [
        Mail.read(hand.message(letter)).headers["Message-ID"]
        for letter, outcome in zip(letters, outcomes, strict=True)
        if outcome is UNKNOWN
    ]
    each_came_to(hand, outcomes)
    moved(office, hand)
    clock.move(hours=3)
    hand.send_all()
    assert got(hand, TITLE) == [("new", TITLE)]
    assert hand.kept[-1][1].headers["Message-ID"] in doubtful
    adds_up(office)


@BOTH
def test_one_release_by_itself_and_in_a_digest(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    """The one that goes on has digests, the other had it at once."""
    subscribed(office, clock, hand, OLD, NEW)
    choose(office, OLD, frequency="daily")
    publish_now(office, TITLE)
    send(office)
    hand.send_all()
    moved(office, hand)
    clock.move(days=9)
    send(office)
    hand.send_all()
    assert told(hand) == [("new", TITLE)]
    adds_up(office)


@BOTH
@pytest.mark.parametrize("both", [True, False])
def test_a_digest_that_is_opened_goes_along(
    office: Office, clock: Clock, hand: DeskHand, both: bool
) -> None:
    """The one that ends would take along what the other does not have."""
    subscribed(office, clock, hand, NEW, OLD)
    choose(office, OLD, frequency="daily")
    choose(office, NEW, frequency="daily", paused_until=clock() + timedelta(hours=2))
    publish_now(office, TITLE)
    send(office)
    if both:
        choose(office, NEW, paused_until=None)
        publish_now(office, "Til begge")
    clock.move(days=1)
    assert send(office).digests == 1 + both
    moved(office, hand)
    clock.move(days=1)
    send(office)
    hand.send_all()
    assert len(told(hand)) == 1
    assert told(hand)[0][0] == "new"
    clock.move(days=9)
    send(office)
    hand.send_all()
    found = [mail for _, mail in hand.kept if "Til begge" in mail.text.splitlines()]
    assert len(found) == both, "once, whoever's digest it lay in"
    adds_up(office)


@BOTH
def test_a_digest_that_showed_it_is_a_copy_to_be_heard_of(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    subscribed(office, clock, hand, OLD, NEW)
    choose(office, OLD, paused_until=clock() + timedelta(hours=2))
    choose(office, NEW, frequency="daily")
    publish_now(office, TITLE)
    clock.move(days=1)
    send(office)
    hand.send_all()
    copy = hand.kept[-1][1].headers["Message-ID"]
    moved(office, hand)
    correct(office)
    settled(office, hand)
    assert got(hand, NOTICE) == [("new", NOTICE)]
    assert hand.kept[-1][1].headers["In-Reply-To"] == copy
    adds_up(office)


@BOTH
def test_a_late_translation_is_not_sent_to_who_inherited_the_release(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    subscribed(office, clock, hand, OLD, NEW)
    choose(office, OLD, paused_until=clock() + timedelta(minutes=1), languages=("en", "da"))
    choose(office, NEW, languages=("en", "da"))
    publish_one(office, title=TITLE)
    hand.send_all()
    clock.move(hours=1)
    moved(office, hand)
    translated(office)
    hand.send_all()
    assert got(hand, TITLE, "News") == [("new", TITLE)]
    adds_up(office)


@BOTH
def test_nor_does_it_wait_for_the_digest_of_who_inherited_one_with_it(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    subscribed(office, clock, hand, OLD, NEW)
    for each in (OLD, NEW):
        choose(office, each, frequency="daily", languages=("en", "da"))
    choose(office, OLD, paused_until=clock() + timedelta(minutes=1))
    publish_now(office, TITLE)
    clock.move(hours=24)
    settled(office, hand)
    moved(office, hand)
    translated(office)
    before = len(hand.kept)
    clock.move(hours=24)
    settled(office, hand)
    assert [reader for reader, _ in told(hand)] == ["new"]
    assert [mail for _, mail in hand.kept[before:] if "News" in mail.text] == []
    adds_up(office)


def test_the_press_waits_for_what_is_on_its_way(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    subscribed(office, clock, hand, OLD, NEW)
    publish_one(office, title=TITLE)
    ask(office, open_link(office, OLD), NEW)
    hand.send_all()
    publish_now(office, "Andet")
    on_wire = hand.begin(1)
    with pytest.raises(TryLater, match="on its way"):
        confirm(office)
    hand.end(on_wire, ACCEPTED)
    hand.let_go_of_stopped()
    assert confirm(office).state == "confirmed"
    hand.send_all()
    assert len(got(hand, "Andet")) == 1
    adds_up(office)


@BOTH
@pytest.mark.parametrize("again", range(2))
def test_merging_races_with_a_correction(
    office: Office, clock: Clock, hand: DeskHand, again: int
) -> None:
    subscribed(office, clock, hand, OLD, NEW)
    publish_one(office, title=TITLE)
    hand.send_all()
    ask(office, open_link(office, OLD), NEW)

    def merge() -> list[object]:
        return [confirm(office)]

    def change() -> list[object]:
        correct(office)
        return []

    race(*((merge, change) if again else (change, merge)))
    settled(office, hand)
    told_to = got(hand, NOTICE)
    assert ("new", NOTICE) in told_to
    assert len(told_to) == len(set(told_to)) <= 2
    adds_up(office)


@BOTH
@pytest.mark.parametrize("digest", [False, True])
def test_what_is_sent_to_who_comes_back_to_the_old_address_is_theirs_alone(
    office: Office, clock: Clock, hand: DeskHand, digest: bool
) -> None:
    """The new mailbox, in a break just then, has no copy of it: no correction is told there."""
    subscribed(office, clock, hand, NEW, OLD)
    moved(office, hand)
    subscribed(office, clock, hand, OLD)
    choose(office, NEW, paused_until=clock() + timedelta(minutes=1))
    choose(office, OLD, paused_until=None, frequency="daily" if digest else "at_once")
    publish_now(office, TITLE)
    clock.move(days=1)
    send(office)
    hand.send_all()
    correct(office)
    settled(office, hand)
    assert [reader for reader, _ in told(hand)] == ["old"]
    assert got(hand, NOTICE) == [("old", NOTICE)]
    adds_up(office)


@BOTH
def test_a_late_language_is_not_withheld_for_what_they_were_sent(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    subscribed(office, clock, hand, NEW, OLD)
    moved(office, hand)
    subscribed(office, clock, hand, OLD)
    choose(office, NEW, paused_until=clock() + timedelta(minutes=1), languages=("en", "da"))
    publish_one(office, title=TITLE)
    hand.send_all()
    clock.move(hours=1)
    translated(office)
    hand.send_all()
    assert got(hand, TITLE, "News") == [("old", TITLE), ("new", "News")]
    adds_up(office)


@BOTH
def test_what_went_along_with_a_reader_stays_theirs(
    office: Office, clock: Clock, hand: DeskHand
) -> None:
    """The mailbox that they left has another reader later, who is owed it too."""
    subscribed(office, clock, hand, NEW, OLD, THIRD)
    choose(office, OLD, frequency="daily")
    choose(office, THIRD, frequency="daily")
    publish_now(office, TITLE)
    send(office)
    hand.send_all()
    assert got(hand, TITLE) == [("new", TITLE)]
    moved(office, hand, OLD, NEW)
    moved(office, hand, THIRD, OLD)
    clock.move(days=1)
    send(office)
    hand.send_all()
    assert told(hand) == [("new", TITLE), ("old", TITLE)]
    correct(office)
    settled(office, hand)
    assert got(hand, NOTICE) == [("new", NOTICE), ("old", NOTICE)]
    adds_up(office)


@BOTH
@pytest.mark.parametrize("every", [False, True])
def test_what_was_inherited_is_not_sent_by_a_third(
    office: Office, clock: Clock, hand: DeskHand, every: bool
) -> None:
    """It waited for the digests of two who become one with its holder, one after the other."""
    subscribed(office, clock, hand, THIRD, OLD, NEW)
    choose(office, OLD, frequency="daily", every_language=every)
    choose(office, THIRD, frequency="weekly")
    publish_now(office, TITLE)
    send(office)
    hand.send_all()
    moved(office, hand, OLD, NEW)
    hand.send_all()
    clock.move(hours=1)
    moved(office, hand, THIRD, NEW)
    clock.move(days=9)
    send(office)
    hand.send_all()
    assert told(hand) == [("new", TITLE)]
    adds_up(office)


@BOTH
def test_a_notice_that_is_still_to_be_written_is_not_lost(
    office: Office, clock: Clock, tmp_path: Path
) -> None:
    """The elder waits for a digest with the release; the other holds it, and their notice has no row yet."""
    office = replace(office, limits=replace(office.limits, portion=1))
    hand = DeskHand(office, tmp_path)
    subscribed(office, clock, hand, THIRD, OLD, NEW)
    choose(office, OLD, frequency="daily")
    publish_now(office, TITLE)
    send(office)
    hand.send_all()
    correct(office)
    moved(office, hand)
    settled(office, hand)
    assert sorted(got(hand, NOTICE)) == [("new", NOTICE), ("third", NOTICE)]
    adds_up(office)

"""A held release becomes the correction or withdrawal of the one it is about, once, with all its names."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from support.desk import import_readers
from support.desk_hand import DeskHand, notices_to, told
from support.feeds import AUTO, Item, feed_page, item
from support.mortal_clock import Killed, MortalClock
from support.offices import Clock, make_office
from support.over_both import BOTH, database_of
from support.taking import poll, published, rows, seeded, states
from support.web_source import WebSource

from mailer.core.errors import MailerError, NotAllowed, NotFound
from mailer.core.release import File, ReleaseDocument
from mailer.services import (
    aftermath,
    approving,
    becoming,
    corrections,
    embargo,
    enclosing,
    press,
    proof,
)
from mailer.services.aftermath import Amended
from mailer.services.becoming import Becoming
from mailer.services.office import Office
from mailer.store import editions, kept_files
from mailer.store.kept_files import KeptFile
from mailer.store.tables import audit

TITLE = item(2).title
RIGHT = item(2).body.replace("mandag", "tirsdag")


@pytest.fixture
def office(request: pytest.FixtureRequest, clock: Clock) -> Office:
    """An office with three readers."""
    office = make_office(database_of(request), clock)
    import_readers(office, 3)
    return office


@pytest.fixture
def server() -> Iterator[WebSource]:
    with WebSource() as made:
        yield made


@pytest.fixture
def hand(office: Office, tmp_path: Path) -> DeskHand:
    return DeskHand(office, tmp_path)


def notice(title: str = f"Rettelse: {TITLE}", body: str = RIGHT) -> Item:
    """What its source shows besides."""
    return item(9, title=title, body=body)


def shows(server: WebSource, *items: Item) -> None:
    server.pages["/feed"] = feed_page(list(items))


def held_one(office: Office, server: WebSource, clock: Clock, shown: Item) -> Office:
    """Release 2 is public, and release 3 says that it corrects it."""
    office = seeded(office, server)
    shows(server, item(2, at=clock()), item(1))
    poll(office)
    clock.move(minutes=15)
    assert published(office) == [2]
    shows(server, shown, item(2), item(1))
    assert poll(office).counts == {"held": 1, "known": 2}
    return office


def correct(office: Office, who: str = "anna") -> Amended:
    return correct_by(office, becoming.correction(office, 3, of=2, language=None, who=who))


def correct_by(office: Office, one: Becoming) -> Amended:
    """As the command does it."""
    text, note = enclosing.go_along(office, one.of, one.corrected), "Dagen var forkert."
    return corrections.correct_by(office, one, text, note=note)


@BOTH
def test_one_command_makes_it_the_correction_and_its_source_may_go_on(
    office: Office, server: WebSource, clock: Clock, hand: DeskHand
) -> None:
    office = held_one(office, server, clock, notice())
    hand.send_all()
    why = press.why(office, 3)
    assert why.corrects is not None
    assert why.corrects.id == 2

    done = correct(office)
    hand.send_all()
    assert (done.kind, done.told, done.title) == ("correction", 3, TITLE)
    assert notices_to(office) == {f"reader{n}": 1 for n in range(3)}
    row = press.shown(office, 3)
    assert (row.state, row.became) == ("withdrawn", 2)
    assert row.hold_reason == "became the correction of release 2"
    assert "web:um.example?p=9" in press.why(office, 2).names
    assert press.why(office, 3).names == ["release 3"]
    assert press.why(office, 3).corrects is None
    with office.database.read() as connection:
        acts = connection.execute(select(audit.c.who, audit.c.act, audit.c.subject)).all()
    assert ("anna", "release became correction", "release:3") in acts
    assert ("anna", "release correction", "release:2") in acts

    text = press.shown(office, 2).edition
    for shown in (
        [notice(), item(2), item(1), item(4)],  # both still there, as they were
        [item(2), notice(), item(4)],
        [notice(), item(4)],
        [replace(notice(), guid="moved", link="https://nyt.um.example/9"), item(2), item(4)],
    ):
        clock.move(minutes=5)
        shows(server, *shown)
        poll(office)
        assert press.shown(office, 2).edition == text, "the old text, or the marker, came back"
    assert len(rows(office)) == 4
    clock.move(minutes=30)
    assert published(office) == [4]
    hand.send_all()
    assert told(hand, item(4).title) == {f"reader{n}" for n in range(3)}
    assert proof.verify(office).ok


def test_what_its_source_changes_of_it_later_is_a_silent_edit_without_the_marker(
    office: Office, server: WebSource, clock: Clock, hand: DeskHand
) -> None:
    office = held_one(office, server, clock, notice())
    hand.send_all()
    correct(office)
    edited = notice(body=RIGHT.replace("ansatte", "medarbejdere"))
    shows(server, edited, item(2), item(1))
    assert poll(office).counts == {"edition": 1, "known": 2}
    row = press.shown(office, 2)
    assert row.edition.title == TITLE
    assert "medarbejdere" in row.edition.body[0].text
    hand.send_all()
    assert notices_to(office) == {f"reader{n}": 1 for n in range(3)}
    shows(server, edited, item(2), item(1), item(4))
    assert poll(office).counts["known"] == 3
    assert proof.verify(office).ok


@BOTH
def test_a_notice_of_withdrawal_takes_the_other_one_back(
    office: Office, server: WebSource, clock: Clock, hand: DeskHand
) -> None:
    office = held_one(office, server, clock, notice(f"Tilbagetrukket: {TITLE}"))
    hand.send_all()
    by = becoming.withdrawal(office, 3, of=2, who="anna")
    done = corrections.withdraw(office, 2, reason="Fejl.", who="anna", by=by)
    hand.send_all()
    assert (done.kind, done.told) == ("withdrawal", 3)
    assert press.shown(office, 3).hold_reason == "became the withdrawal of release 2"
    shows(server, notice(f"Tilbagetrukket: {TITLE}"), item(2), item(4))
    poll(office)
    clock.move(minutes=30)
    assert published(office) == [4]
    assert states(office)[TITLE] == "withdrawn"
    assert proof.verify(office).ok


@BOTH
def test_of_two_operators_one_does_it_and_the_other_hears_of_it(
    office: Office, server: WebSource, clock: Clock, hand: DeskHand
) -> None:
    """Both have read it; they say so in the same moment, one that it corrects, one that it may go out."""
    office = held_one(office, server, clock, notice())
    hand.send_all()
    ready = threading.Barrier(3)
    came: list[object] = []

    def tries(act: Callable[[], object]) -> None:
        ready.wait(30)
        try:
            came.append(act())
        except MailerError as error:
            came.append(error)

    both = [becoming.correction(office, 3, of=2, language=None, who=who) for who in ("a", "b")]
    acts: list[Callable[[], object]] = [
        lambda: correct_by(office, both[0]),
        lambda: correct_by(office, both[1]),
        lambda: becoming.withdrawal(office, 3, of=2, who="c"),
    ]
    threads = [threading.Thread(target=tries, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    hand.send_all()
    refused = [one for one in came if isinstance(one, NotAllowed)]
    assert refused
    assert {one.what for one in refused} == {"Release 3 became the correction of release 2 already"}
    assert all("release show 2" in one.cure for one in refused)
    assert sum(isinstance(one, Amended) for one in came) == 1
    assert notices_to(office) == {f"reader{n}": 1 for n in range(3)}
    with pytest.raises(NotAllowed, match="withdrawn"):
        approving.approve(office, 3, who="d")
    assert proof.verify(office).ok


@BOTH
def test_killed_anywhere_it_is_done_whole_or_not_at_all(
    office: Office, server: WebSource, clock: Clock, hand: DeskHand
) -> None:
    """Killed as it asks what time it is: the first time, the second, and so on until it ends."""
    office = held_one(office, server, clock, notice())
    hand.send_all()
    before, died = press.shown(office, 2), 0
    while True:
        mortal = replace(office, clock=MortalClock(clock, died))
        try:
            correct(mortal)
            break
        except Killed:
            died += 1
        held, original = press.shown(office, 3), press.shown(office, 2)
        if held.became is not None:
            assert original.edition.title == TITLE
            assert original.version == 2
            break
        assert (held.state, original) == ("held", before)
    assert died > 3
    aftermath.settle_due(office)
    hand.send_all()
    assert press.shown(office, 3).became == 2
    assert notices_to(office) == {f"reader{n}": 1 for n in range(3)}
    assert proof.verify(office).ok


def test_who_approves_it_first_has_made_it_a_release_of_its_own(
    office: Office, server: WebSource, clock: Clock
) -> None:
    office = held_one(office, server, clock, notice())
    one = becoming.correction(office, 3, of=2, language=None, who="anna")
    before = press.shown(office, 2)
    approving.approve(office, 3, who="bo")
    with pytest.raises(NotAllowed, match="is approved, not held") as caught:
        correct_by(office, one)
    assert caught.value.cure == "stop it first: mailer release hold 3"
    assert press.shown(office, 2) == before, "nothing of it was done"
    clock.move(minutes=30)
    assert published(office) == [3]


def test_a_text_that_changed_since_it_was_read_is_read_again(
    office: Office, server: WebSource, clock: Clock
) -> None:
    office = held_one(office, server, clock, notice())
    one = becoming.correction(office, 3, of=2, language=None, who="anna")
    shows(server, notice(body=RIGHT + " Igen."), item(2))
    poll(office)
    before = press.shown(office, 2)
    with pytest.raises(NotAllowed, match="changed in this very moment"):
        correct_by(office, one)
    assert press.shown(office, 2) == before
    assert correct(office).kind == "correction"


def test_what_cannot_be(office: Office, server: WebSource, clock: Clock) -> None:
    office = held_one(office, server, clock, notice())

    def refused(held: int, of: int, language: str | None = None) -> str:
        with pytest.raises((NotAllowed, NotFound)) as caught:
            becoming.correction(office, held, of=of, language=language, who="anna")
        assert caught.value.cure
        return caught.value.what

    assert refused(3, 3) == "Release 3 cannot be about itself"
    assert refused(3, 77) == "There is no release 77"
    assert refused(77, 2) == "There is no release 77"
    assert refused(1, 2) == "Release 1 is published, not held"
    assert refused(3, 2, "fr") == "Release 3 has no text in “fr”, only in da"
    other = press.add_document(
        office, ReleaseDocument(press.shown(office, 2).edition), newsroom="kefm", who="anna"
    )
    assert "of the newsroom “um”" in refused(3, other.id)
    embargo.move(office, 3, clock() + timedelta(hours=2), who="anna")
    assert "Release 3 is under embargo until 2026-03-02" in refused(3, 2)


def test_a_correction_in_two_languages_waits_for_both(
    office: Office, server: WebSource, clock: Clock, hand: DeskHand
) -> None:
    office = held_one(office, server, clock, notice())
    for number, title in ((2, "An office"), (3, "Correction: An office")):
        row = press.shown(office, number)
        english = replace(row.edition, language="en", title=title)
        beside = press.Beside(translates=number)
        press.add_document(
            office, ReleaseDocument(english), newsroom="um", who="anna", beside=beside
        )
    hand.send_all()
    with pytest.raises(NotAllowed, match="texts in da, en") as caught:
        correct(office)
    assert "--language" in caught.value.cure
    one = becoming.correction(office, 3, of=2, language="da", who="anna")
    correct_by(office, one)
    row = press.shown(office, 3)
    assert (row.state, row.hold_reason) == ("held", "corrected release 2; its text in en waits")
    hand.send_all()
    assert correct(office).title == TITLE
    assert press.shown(office, 3).became == 2
    shows(server, notice(), item(2), item(4))
    assert poll(office).counts == {"new": 1, "known": 2}


def test_its_files_travel_with_the_corrected_release(
    office: Office, server: WebSource, clock: Clock, hand: DeskHand
) -> None:
    office = held_one(office, server, clock, notice())
    hand.send_all()
    file = KeptFile("https://um.example/tal.csv", "tal.csv", "text/csv", b"a;b\n")
    row = press.shown(office, 3)
    with office.database.write() as connection:
        kept_files.keep(connection, 3, file, clock())
        carried = File("tal.csv", file.url, "text/csv", attach=True)
        editions.add_edition(connection, 3, replace(row.edition, files=(carried,)), office.clock())
    correct(office)
    with office.database.read() as connection:
        assert kept_files.content(connection, 2, file.url) == b"a;b\n"


def test_what_its_source_corrected_in_place_is_told_to_who_has_the_old_text(
    office: Office, server: WebSource, clock: Clock, hand: DeskHand
) -> None:
    office = seeded(office, server)
    shows(server, item(2, at=clock()), item(1))
    poll(office)
    clock.move(minutes=15)
    assert published(office) == [2]
    hand.send_all()
    with pytest.raises(NotAllowed, match="No title of release 2 says that it is a correction"):
        becoming.own_text(office, 2, language=None)
    marked = item(2, title=f"Rettelse: {TITLE}", body=RIGHT)
    shows(server, marked, item(1))
    assert poll(office).counts == {"edition": 1, "known": 1}
    assert notices_to(office) == {}
    text = becoming.own_text(office, 2, language=None)
    assert text.title == TITLE
    done = corrections.correct(office, 2, text, note="Dagen var forkert.", who="anna")
    assert done.told == 3
    for shown in ([marked, item(4)], [item(2), item(4)], [marked]):
        shows(server, *shown)
        poll(office)
        assert press.shown(office, 2).edition == text
    hand.send_all()
    assert notices_to(office) == {f"reader{n}": 1 for n in range(3)}
    assert proof.verify(office).ok


def test_an_original_that_nobody_has_seen_just_has_another_text(
    office: Office, server: WebSource, clock: Clock
) -> None:
    office = seeded(office, server, terms=replace(AUTO, approval="hold"))
    shows(server, item(2, at=clock()))
    poll(office)
    shows(server, notice(), item(2))
    poll(office)
    done = correct(office)
    assert (done.kind, done.state, done.told) == ("edition", "held", None)
    assert press.shown(office, 3).became == 2
    shows(server, notice(), item(2), item(4))
    poll(office)
    assert "tirsdag" in press.shown(office, 2).edition.body[0].text

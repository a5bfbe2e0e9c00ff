"""What visitors may read: in their language where there is one, by kind, and nothing before its time."""

from dataclasses import replace

import pytest
from sqlalchemy import update
from support.desk import text
from support.offices import KEFM, START, UM, Clock, make_office

from mailer.core.errors import NotFound
from mailer.core.release import Edition, ReleaseDocument
from mailer.services import press, public
from mailer.services.office import Office
from mailer.services.public import PublicRelease, Withdrawn
from mailer.services.publish import publish_due
from mailer.store.database import Database
from mailer.store.tables import release
from mailer.texts.kinds import kind_label


@pytest.fixture
def office(sqlite_database: Database, clock: Clock) -> Office:
    """What the databases answer is tested with the store."""
    return make_office(sqlite_database, clock)


def add(office: Office, edition: Edition, *, kind: str = "Nyhed", send: bool = True) -> int:
    document = ReleaseDocument(edition, kind=kind, identity=f"{edition.title} {kind}")
    number = press.add_document(office, document, newsroom="um", who="desk").id
    if send:
        press.send(office, number, who="desk")
        publish_due(office)
    return number


def translate(office: Office, number: int, edition: Edition) -> None:
    identity = press.shown(office, number).identity
    document = ReleaseDocument(edition, identity=identity)
    assert press.add_document(office, document, newsroom="um", who="desk").id == number


def shelf(office: Office, **wishes: object) -> public.Shelf:
    wanted = {"language": "da", "label": lambda word: kind_label(word, "da"), **wishes}
    return public.shelf(office, UM, **wanted)  # type: ignore[arg-type] # the wishes of one test


def english(title: str = "Meeting") -> Edition:
    return replace(text(title), language="en")


def test_visitors_see_what_is_published_and_nothing_else(office: Office) -> None:
    shown, hidden = add(office, text()), add(office, text("Hemmeligt"), send=False)
    assert [one.id for one in shelf(office).headlines] == [shown]
    assert public.release(office, shown, newsroom=UM, wanted=[]) == PublicRelease(
        id=shown,
        newsroom="um",
        slug="moede-i-naevnet",
        kind="Nyhed",
        canonical_url=None,
        published_at=START,
        updated_at=START,
        corrected=False,
        languages=("da",),
        edition=text(),
    )
    for number, newsroom in ((hidden, UM), (99, UM), (shown, KEFM)):
        with pytest.raises(NotFound):
            public.release(office, number, newsroom=newsroom, wanted=[])


def test_what_was_withdrawn_says_so_and_no_more(office: Office) -> None:
    number = add(office, text())
    with office.database.write() as connection:
        connection.execute(update(release).values(state="withdrawn"))
    found = public.release(office, number, newsroom=UM, wanted=[])
    assert found == Withdrawn(number, "um", "Nyhed", START)
    assert shelf(office).headlines == ()
    assert public.latest(office, UM) == []
    assert public.addresses(office, limit=9) == []


@pytest.mark.parametrize(
    ("wanted", "title"),
    [
        ([], "Møde"),
        (["en"], "Meeting"),
        (["en-GB"], "Meeting"),
        (["de", "da"], "Møde"),
        (["x"], "Møde"),
    ],
)
def test_a_release_is_read_in_the_first_language_it_has(
    office: Office, wanted: list[str], title: str
) -> None:
    number = add(office, text("Møde"))
    translate(office, number, english())
    found = public.release(office, number, newsroom=UM, wanted=wanted)
    assert isinstance(found, PublicRelease)
    assert (found.edition.title, found.languages) == (title, ("da", "en"))


def test_a_change_after_publication_is_told_and_a_translation_is_none(
    office: Office, clock: Clock
) -> None:
    number = add(office, text("Møde"))
    clock.move(hours=1)
    translate(office, number, english())
    clock.move(hours=1)
    translate(office, number, text("Mødet er flyttet"))
    danish = public.release(office, number, newsroom=UM, wanted=["da"])
    translated = public.release(office, number, newsroom=UM, wanted=["en"])
    assert isinstance(danish, PublicRelease)
    assert isinstance(translated, PublicRelease)
    assert (danish.corrected, danish.updated_at) == (True, clock.moment)
    assert not translated.corrected
    assert translated.published_at < translated.updated_at < danish.updated_at


def test_kinds_that_are_called_alike_are_one(office: Office, clock: Clock) -> None:
    for place, kind in enumerate(("", "Pressemeddelelse", "press_release", "Nyhed", "Tale")):
        clock.move(hours=1)
        add(office, text(f"nummer {place}"), kind=kind)
    every = shelf(office)
    assert list(every.kinds) == ["Pressemeddelelse", "Nyhed", "Tale"]
    assert (every.kind, len(every.headlines)) == ("", 5)
    for word in ("", "Press release", every.kinds["Pressemeddelelse"]):
        narrowed = shelf(office, kind=word)
        assert narrowed.kind == "Pressemeddelelse"
        assert {one.kind for one in narrowed.headlines} == {"", "Pressemeddelelse", "press_release"}
    with pytest.raises(NotFound):
        shelf(office, kind="Weather")


def test_a_page_beyond_the_last_is_none(office: Office) -> None:
    assert (shelf(office).pages, shelf(office).headlines) == (1, ())
    for number in range(3):
        add(office, text(f"nummer {number}"))
    assert (shelf(office, size=2).pages, len(shelf(office, size=2, page=2).headlines)) == (2, 1)
    with pytest.raises(NotFound):
        shelf(office, size=2, page=3)


def test_the_others_are_the_newest_beside_this_one(office: Office, clock: Clock) -> None:
    numbers = []
    for place in range(5):
        clock.move(hours=1)
        numbers.append(add(office, text(f"nummer {place}")))
    found = public.others(office, UM, but=numbers[3], language="da")
    assert [one.id for one in found] == [numbers[4], numbers[2], numbers[1]]


def test_a_feed_of_one_language_has_what_can_be_read_in_it(office: Office) -> None:
    both, danish = add(office, text("Begge")), add(office, text("Kun dansk"))
    foreign = add(office, english("English alone"))
    translate(office, both, english("Both"))

    def titles(language: str | None) -> dict[int, str]:
        latest = public.latest(office, UM, language=language)
        return {one.id: one.edition.title for one in latest if isinstance(one, PublicRelease)}

    assert titles("en") == {both: "Both", foreign: "English alone"}
    assert titles("da") == {both: "Begge", danish: "Kun dansk"}
    assert titles(None) == {both: "Begge", danish: "Kun dansk", foreign: "English alone"}

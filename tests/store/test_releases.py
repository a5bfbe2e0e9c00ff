"""Releases keep their identity, their editions never change, and only the due are published."""

from datetime import timedelta
from functools import partial

from support.desk import race, text
from support.offices import START

from mailer.core.release import (
    Block,
    Contact,
    Edition,
    File,
    Picture,
    ReleaseDocument,
    Run,
)
from mailer.services.office import Office
from mailer.store import releases
from mailer.store.releases import ReleaseRow

RICH = Edition(
    "da",
    "Møde i Nævnet",
    "Det vigtigste først.",
    (
        Block("heading", (Run("Om mødet"),), level=2),
        Block("paragraph", (Run("Se ", bold=True), Run("her", href="https://um.example/"))),
        Block("number", (Run("Først"),), level=1, ordinal=3),
        Block("rule"),
    ),
    (Contact("Presserådgiver Kim, tlf. 41532639", name="Kim", phone="41532639"),),
    (File("https://um.example/a.pdf", "Rapport", "application/pdf", 1234, attach=True),),
    (Picture("https://um.example/a.jpg", "Mødet", "Mødet i dag", "Bo", width=640),),
)


def add(
    office: Office, identity: str = "one", edition: Edition = RICH, **more: object
) -> int | None:
    with office.database.write() as connection:
        return releases.add(
            connection,
            ReleaseDocument(edition, kind="Nyhed", topics=("isil",), **more),  # type: ignore[arg-type] # fields by name
            newsroom="um",
            identity=identity,
            hold_reason="waits",
            now=START,
        )


def read(office: Office, number: int | None) -> ReleaseRow:
    assert number is not None
    with office.database.read() as connection:
        row = releases.read(connection, number)
    assert row is not None
    return row


def test_a_release_is_read_back_as_it_was_told(office: Office) -> None:
    later = START + timedelta(days=1)
    row = read(office, add(office, publish_at=later, canonical_url="https://um.example/1"))
    assert row.edition == RICH
    assert (row.newsroom, row.identity, row.slug) == ("um", "one", "moede-i-naevnet")
    assert (row.kind, row.topics, row.version) == ("Nyhed", ("isil",), 1)
    assert (row.state, row.hold_reason, row.made_at) == ("held", "waits", START)
    assert (row.publish_at, row.published_at) == (later, None)
    assert row.canonical_url == "https://um.example/1"


def test_an_identity_is_taken_once(office: Office) -> None:
    assert add(office) is not None
    assert add(office) is None
    assert sorted(made is None for made in race(*[lambda: add(office, "two")] * 3)) == [
        False,
        True,
        True,
    ]


def test_a_release_is_found_under_every_name(office: Office) -> None:
    number = add(office)
    assert number is not None
    with office.database.write() as connection:
        releases.add_alias(connection, "um", "https://um.example/1", number)
        releases.add_alias(connection, "um", "https://um.example/1", number)
        assert releases.find(connection, "um", ["one"]) == number
        assert releases.find(connection, "um", ["other", "https://um.example/1"]) == number
        assert releases.find(connection, "kefm", ["one", "https://um.example/1"]) is None
        assert releases.find(connection, "um", []) is None


def test_other_words_are_the_next_edition_and_the_same_words_are_not(office: Office) -> None:
    number = add(office)
    assert number is not None
    with office.database.write() as connection:
        assert not releases.add_edition(connection, number, RICH, START)
        assert releases.add_edition(connection, number, text("Rettet"), START)
        assert releases.add_edition(connection, number, RICH, START)
    row = read(office, number)
    assert (row.version, row.edition) == (3, RICH)


def test_editions_that_come_at_once_become_versions_one_after_the_other(office: Office) -> None:
    number = add(office)
    assert number is not None

    def correct(title: str) -> bool:
        with office.database.write() as connection:
            return releases.add_edition(connection, number, text(title), START)

    assert race(*(partial(correct, title) for title in ("A", "B", "C"))) == [True] * 3
    assert read(office, number).version == 4


def approve(office: Office, number: int | None) -> bool:
    assert number is not None
    with office.database.write() as connection:
        return releases.approve(connection, number)


def test_only_the_approved_whose_moment_has_come_are_due(office: Office) -> None:
    held = add(office, "held")
    at_once = add(office, "at once")
    past = add(office, "past", publish_at=START - timedelta(days=1))
    now = add(office, "now", publish_at=START)
    future = add(office, "future", publish_at=START + timedelta(microseconds=1))
    for number in (at_once, past, now, future):
        assert approve(office, number)
    assert not approve(office, now), "it is approved already"
    with office.database.read() as connection:
        assert releases.due(connection, START) == [at_once, past, now]
    assert read(office, held).state == "held"


def publish(office: Office, row: ReleaseRow) -> bool:
    with office.database.write() as connection:
        return releases.publish(connection, row, START)


def test_a_release_is_published_once(office: Office) -> None:
    number = add(office)
    row = read(office, number)
    assert not publish(office, row), "it is held"
    approve(office, number)
    assert sorted(race(*[lambda: publish(office, row)] * 3)) == [False, False, True]
    again = read(office, number)
    assert (again.state, again.published_at) == ("published", START)
    with office.database.write() as connection:
        releases.hold(connection, row.id, "too late")
    assert read(office, number).state == "published"


def test_what_was_read_before_an_edition_came_is_not_published(office: Office) -> None:
    number = add(office)
    approve(office, number)
    stale = read(office, number)
    with office.database.write() as connection:
        releases.add_edition(connection, stale.id, text("Rettet"), START)
    assert not publish(office, stale)
    assert publish(office, read(office, number))


def test_a_moment_that_moved_is_obeyed(office: Office) -> None:
    number = add(office, publish_at=START + timedelta(seconds=1))
    approve(office, number)
    assert not publish(office, read(office, number))


def test_a_hold_keeps_its_reason_and_an_approval_takes_it_away(office: Office) -> None:
    number = add(office)
    approve(office, number)
    assert read(office, number).hold_reason is None
    with office.database.write() as connection:
        releases.hold(connection, read(office, number).id, "x" * 400)
    row = read(office, number)
    assert (row.state, row.hold_reason) == ("held", "x" * 300)


def test_lists_are_newest_first_and_show_the_public_only_what_is_public(office: Office) -> None:
    first, second = add(office, "first"), add(office, "second")
    approve(office, first)
    with office.database.write() as connection:
        assert releases.publish(connection, read(office, first), START + timedelta(hours=1))
    with office.database.read() as connection:
        assert [row.id for row in releases.listed(connection)] == [first, second]
        assert [row.id for row in releases.listed(connection, "um", published=True)] == [first]
        assert [row.id for row in releases.listed(connection, limit=1, offset=1)] == [second]
        assert releases.listed(connection, "kefm") == []
        assert releases.read(connection, 99) is None


def test_an_approval_is_taken_back_once_and_only_before_it_is_public(office: Office) -> None:
    number = add(office)
    assert number is not None

    def take_back() -> bool:
        with office.database.write() as connection:
            return releases.take_back(connection, number, "x" * 400)

    assert not take_back()
    assert read(office, number).hold_reason == "waits"
    with office.database.write() as connection:
        releases.approve(connection, number)
    assert sorted(race(*[take_back] * 2)) == [False, True]
    assert (read(office, number).state, read(office, number).hold_reason) == ("held", "x" * 300)
    with office.database.write() as connection:
        releases.approve(connection, number)
        assert releases.publish(connection, read(office, number), START)
    assert not take_back()
    assert read(office, number).state == "published"


def test_a_release_becomes_urgent_once(office: Office) -> None:
    number = add(office)
    assert number is not None
    with office.database.write() as connection:
        assert releases.hasten(connection, number)
        assert not releases.hasten(connection, number)
    assert read(office, number).urgent

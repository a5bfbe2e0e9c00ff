"""Public releases as both databases give them: published ones alone, and each language's newest text."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event, update
from support.desk import text
from support.offices import START

from mailer.core.release import ReleaseDocument
from mailer.store import public, releases
from mailer.store.database import Connection, Database
from mailer.store.tables import release

DAY = timedelta(days=1)


def add(
    connection: Connection,
    name: str,
    *,
    at: datetime | None = START,
    state: str = "published",
    kind: str = "Nyhed",
    newsroom: str = "um",
    language: str = "da",
) -> int:
    document = ReleaseDocument(replace(text(name), language=language), kind=kind)
    number = releases.add(
        connection, document, newsroom=newsroom, identity=name, hold_reason="", now=START
    )
    assert number is not None
    connection.execute(
        update(release).where(release.c.id == number).values(state=state, published_at=at)
    )
    return number


def titles(rows: list[public.PublicRow]) -> list[str]:
    return [row.headings[0].title for row in rows]


def test_only_what_is_published_is_found_newest_first(database: Database) -> None:
    with database.write() as connection:
        add(connection, "old", at=START - DAY)
        add(connection, "new", at=START + DAY)
        add(connection, "twin of new", at=START + DAY)
        for state in ("held", "approved"):
            add(connection, state, state=state, at=None)
        add(connection, "withdrawn", state="withdrawn")
        add(connection, "theirs", newsroom="kefm")
        found = public.newest(connection, "um", limit=10)
        assert titles(found) == ["twin of new", "new", "old"]
        assert titles(public.newest(connection, "um", limit=1, offset=1)) == ["new"]
        assert titles(public.newest(connection, "um", limit=9, but=found[0].id)) == ["new", "old"]
        assert public.counts(connection, "um") == {"Nyhed": 3}
        assert public.counts(connection, "nobody") == {}
        assert public.newest(connection, "nobody", limit=9) == []


def test_a_list_can_be_narrowed_by_kind_and_by_language(database: Database) -> None:
    with database.write() as connection:
        add(connection, "a", kind="")
        add(connection, "b", kind="Nyhed", language="en-GB")
        add(connection, "c", kind="Pressemeddelelse", language="EN")
        add(connection, "d", language="enm")
        assert titles(public.newest(connection, "um", limit=9, kinds=["", "Nyhed"])) == [
            "d", "b", "a",
        ]  # fmt: skip
        assert public.newest(connection, "um", limit=9, kinds=[]) == []
        assert titles(public.newest(connection, "um", limit=9, language="en")) == ["c", "b"]
        assert public.newest(connection, "um", limit=9, language="%") == []


def test_a_release_has_the_newest_heading_of_each_language_its_own_first(
    database: Database,
) -> None:
    with database.write() as connection:
        number = add(connection, "på dansk")
        english = replace(text("in English"), language="en")
        releases.add_edition(connection, number, english, START + DAY)
        releases.add_edition(connection, number, text("rettet"), START + 2 * DAY)
        row = public.read(connection, number)
        assert row is not None
        assert [(one.language, one.title, one.version) for one in row.headings] == [
            ("da", "rettet", 2),
            ("en", "in English", 1),
        ]
        whole = public.texts(connection, [one.edition_id for one in row.headings])
        assert [whole[one.edition_id] for one in row.headings] == [text("rettet"), english]
        (address,) = public.addresses(connection, ["um"], limit=9)
        assert address == public.Address(
            number, "um", "paa-dansk", (("da", START + 2 * DAY), ("en", START + DAY))
        )


@pytest.mark.parametrize(
    ("state", "at", "found"),
    [
        ("published", START, True),
        ("withdrawn", START, True),
        ("withdrawn", None, False),
        ("held", None, False),
        ("approved", None, False),
    ],
)
def test_only_what_was_public_can_be_read(
    database: Database, state: str, at: datetime | None, found: bool
) -> None:
    with database.write() as connection:
        number = add(connection, "x", state=state, at=at)
        row = public.read(connection, number)
        assert (row is not None) == found
        assert row is None or row.withdrawn == (state == "withdrawn")
        assert public.read(connection, number + 1) is None


def test_addresses_come_in_an_order_that_new_ones_do_not_change(database: Database) -> None:
    with database.write() as connection:
        numbers = [
            add(connection, name, at=START - place * DAY) for place, name in enumerate("abc")
        ]
        add(connection, "theirs", newsroom="kefm")
        add(connection, "held", state="held", at=None)
        assert public.extent(connection, ["um"]) == 3
        assert public.extent(connection, ["um", "kefm"]) == 4
        assert public.extent(connection, []) == 0
        first = public.addresses(connection, ["um"], limit=2)
        second = public.addresses(connection, ["um"], limit=2, offset=2)
        assert [address.id for address in (*first, *second)] == numbers
        assert first[1].changed == (("da", START),)  # stored after it was published


def test_a_list_takes_two_statements_however_long_it_is(database: Database) -> None:
    with database.write() as connection:
        for number in range(30):
            add(connection, f"number {number}")
    said: list[str] = []
    with database.read() as connection:
        event.listen(connection, "before_cursor_execute", lambda *told: said.append(told[2]))
        assert len(public.newest(connection, "um", limit=30)) == 30
    assert len([words for words in said if words.startswith("SELECT")]) == 2

"""Each reader gets the first of their languages there is; what comes late goes to who lacks it, once."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update
from support.choosing import choose_by_number
from support.desk import ACCEPTED, import_readers, text
from support.desk_hand import DeskHand, told
from support.offices import START, UM
from support.workers import give_back, record, take

from mailer.core.choice import Choice
from mailer.core.newsroom import Fallback, Topic
from mailer.core.release import Block, Edition, ReleaseDocument, Run
from mailer.services import (
    aftermath,
    control,
    corrections,
    digest,
    press,
    proof,
    publish,
    reached,
    translations,
)
from mailer.services.office import Office
from mailer.services.publish import Held, Published
from mailer.store import editions, progress
from mailer.store.ledger_tables import delivery, mailing, prepared

LANGUAGES = ("da", "en", "kl")


def office_of(office: Office, fallback: Fallback = "original", portion: int = 3) -> Office:
    """An office whose newsroom speaks three languages."""
    room = replace(
        UM,
        languages=LANGUAGES,
        fallback=fallback,
        topics=(
            Topic("climate", (("da", "Klima"),), ("CO2",)),
            Topic("trade", (("da", "Handel"),)),
        ),
    )
    return replace(
        office,
        newsrooms={**office.newsrooms, room.key: room},
        limits=replace(office.limits, portion=portion),
    )


def readers(office: Office, *each: Choice) -> None:
    """Readers with these choices, numbered from 1."""
    import_readers(office, len(each))
    with office.database.write() as connection:
        for number, choice in enumerate(each, 1):
            choose_by_number(connection, number, choice)


def edition(language: str, title: str) -> Edition:
    return Edition(language, title, "", (Block("paragraph", (Run(f"{title}."),)),))


def add(office: Office, *each: Edition, topics: tuple[str, ...] = ()) -> int:
    """Add editions of one release; its number."""
    numbers = {
        press.add_document(
            office,
            ReleaseDocument(one, identity="id-1", topics=topics),
            newsroom=UM.key,
            who="desk",
        ).id
        for one in each
    }
    (number,) = numbers
    return number


def go(office: Office, number: int) -> list[Published | Held]:
    """Let a release go, and everything that is due with it."""
    press.send(office, number, who="desk")
    done = [*publish.publish_due(office)]
    while True:
        opened = translations.publish_due(office)
        noted = digest.send_due(office)
        few = take(office, 50)
        record(office, few)
        done += opened
        if not (opened or few or noted.more):
            break
    give_back(office)
    return done


def owed(office: Office) -> dict[int, list[str]]:
    """The languages of the mails each reader is owed, in the order they were made."""
    query = (
        select(delivery.c.subscription_id, prepared.c.language)
        .join(prepared, prepared.c.id == delivery.c.prepared_id)
        .where(delivery.c.mailing_id.is_not(None))
        .order_by(delivery.c.id)
    )
    found: dict[int, list[str]] = {}
    with office.database.read() as connection:
        for row in connection.execute(query):
            found.setdefault(row.subscription_id, []).append(row.language)
    return found


def kinds(office: Office) -> list[tuple[str, str | None, int]]:
    """Every mailing: kind, language, audience."""
    query = select(mailing.c.kind, mailing.c.language, mailing.c.audience).order_by(mailing.c.id)
    with office.database.read() as connection:
        return [(row[0], row[1], row[2]) for row in connection.execute(query)]


WANTED = (
    Choice(("da",)),
    Choice(("en", "da")),
    Choice(("kl", "en")),
    Choice(("kl",)),
    Choice(("da", "kl"), every_language=True),
    Choice(("en-GB",), topics=("trade",)),
    Choice(("kl", "da"), every_language=True, frequency="daily"),
)


@pytest.mark.parametrize(
    ("fallback", "first", "late"),
    [
        (
            "original",
            {1: ["en"], 2: ["en"], 3: ["en"], 4: ["en"], 5: ["en"], 6: ["en"]},
            {5: ["en", "da", "kl"]},
        ),
        (
            "wait",
            {2: ["en"], 3: ["en"], 6: ["en"]},
            {1: ["da"], 4: ["kl"], 5: ["da", "kl"]},
        ),
    ],
)
def test_a_late_translation_goes_to_who_wants_it_and_lacks_it(
    office: Office, fallback: Fallback, first: dict[int, list[str]], late: dict[int, list[str]]
) -> None:
    office = office_of(office, fallback)
    readers(office, *WANTED)
    number = add(office, edition("en", "Budget"))
    go(office, number)
    assert owed(office) == first
    add(office, edition("da", "Budget på dansk"))
    assert not translations.publish_due(office), "it waits for a word"
    go(office, number)
    add(office, edition("kl", "Budget kalaallisut"))
    add(office, edition("kl", "Budget kalaallisut, ilanngussaq"))
    go(office, number)
    assert owed(office) == first | late
    found = proof.verify(office)
    assert found.ok, found
    assert [one[0] for one in kinds(office)] == ["first", "translation", "translation"]
    add(office, edition("kl", "Naqqinnera"))
    assert go(office, number) == [], "what is edited after that is silent"


def test_a_translation_that_is_resumed_amid_a_correction_of_another_language_goes_on(
    office: Office, tmp_path: Path
) -> None:
    """It has nothing to wait for but the others of its release."""
    office = office_of(office)
    readers(office, Choice(("en", "da"), every_language=True), Choice(("en",)))
    number = add(office, edition("en", "Budget"))
    press.send(office, number, who="desk")
    publish.publish_due(office)
    hand = DeskHand(office, tmp_path)
    on_wire = hand.begin(2)
    hand.end(on_wire[:1], ACCEPTED)
    add(office, edition("da", "Budget på dansk"))
    press.send(office, number, who="desk")
    translations.publish_due(office)
    corrections.correct(
        office, number, edition("en", "Budget, right"), note="", who="desk", patience=0
    )
    control.pause(office, number, who="desk", patience=0)
    control.resume(office, number, who="desk")
    hand.end(on_wire[1:], ACCEPTED)
    hand.worker.write()
    assert aftermath.settle_due(office)

    hand.send_all()

    assert len(told(hand, "Budget på dansk")) == 1
    assert len(told(hand, "Correction: Budget, right")) == 2
    assert proof.verify(office).ok
    assert {one.state for one in reached.standing(office, number).mailings} == {"finished"}


def test_all_languages_there_are_go_out_together(office: Office) -> None:
    office = office_of(office)
    readers(office, *WANTED)
    number = add(office, edition("kl", "Kl"), edition("en", "En"), edition("da", "Da"))
    go(office, number)
    assert owed(office) == {
        1: ["da"],
        2: ["en"],
        3: ["kl"],
        4: ["kl"],
        5: ["da", "kl"],
        6: ["en"],
    }
    found = proof.verify(office)
    assert found.ok, found
    assert kinds(office) == [
        ("first", "kl", 6),
        ("translation", "da", 0),  # who has digests wants it too, and finds it there
        ("translation", "kl", 1),
    ]


def test_nobody_asks_for_every_language_and_one_mailing_is_all(office: Office) -> None:
    office = office_of(office)
    readers(office, Choice(("en",)), Choice(("fr",)))
    number = add(office, edition("kl", "Kl"), edition("en", "En"), edition("da", "Da"))
    go(office, number)
    assert kinds(office) == [("first", "kl", 2)]
    assert owed(office) == {1: ["en"], 2: ["kl"]}


def test_the_first_of_the_newsrooms_languages_stands_in(office: Office) -> None:
    office = office_of(office, "first")
    readers(office, Choice(("fr",)), Choice(("kl",)))
    go(office, add(office, edition("kl", "Kl"), edition("en", "En")))
    assert owed(office) == {1: ["en"], 2: ["kl"]}
    assert proof.verify(office).ok


def test_who_changes_languages_later_changes_nothing_that_was_frozen(office: Office) -> None:
    office = office_of(office, portion=1)
    readers(office, *(Choice(("da",)) for _ in range(4)))
    number = add(office, edition("da", "Da"), edition("en", "En"))
    press.send(office, number, who="desk")
    publish.publish_due(office)
    with office.database.write() as connection:
        for reader in (3, 4):
            choice = Choice(("en",))
            choose_by_number(connection, reader, choice)
    while few := take(office, 1):
        record(office, few)
    give_back(office)
    assert set(map(tuple, owed(office).values())) == {("da",)}
    assert proof.verify(office).ok
    with office.database.write() as connection:
        connection.execute(
            update(delivery)
            .where(delivery.c.subscription_id == 2)
            .values(
                prepared_id=select(prepared.c.id)
                .where(prepared.c.language == "en")
                .scalar_subquery()
            )
        )
    (gap,) = proof.verify(office).mailings[0].gaps
    assert "another language" in gap


def test_a_translation_waits_until_the_first_is_written(office: Office) -> None:
    office = office_of(office, portion=1)
    readers(office, Choice(("da",)), Choice(("da", "en"), every_language=True))
    number = add(office, edition("da", "Da"))
    press.send(office, number, who="desk")
    publish.publish_due(office)
    add(office, edition("en", "En"))
    press.send(office, number, who="desk")
    assert translations.publish_due(office) == []
    while few := take(office, 1):
        record(office, few)
    (done,) = translations.publish_due(office)
    assert isinstance(done, Published)
    assert done.audience == 1
    assert proof.verify(office).ok


def test_a_translation_that_cannot_be_mailed_is_held_with_the_reason(office: Office) -> None:
    office = office_of(office)
    readers(office, Choice(("en",)))
    number = add(office, edition("da", "Da"))
    go(office, number)
    long = Edition("en", "Too long", "", (Block("paragraph", (Run("word " * 30_000),)),))
    add(office, long)
    (held,) = go(office, number)
    assert isinstance(held, Held)
    with office.database.read() as connection:
        (waiting,) = editions.expected(connection, number)
    assert (waiting.language, waiting.state) == ("en", "held")
    assert "too long" in (waiting.reason or "")


def test_topics_are_told_by_the_words_of_the_source(office: Office) -> None:
    office = office_of(office)
    readers(office, Choice(("da",), topics=("climate",)), Choice(("da",), topics=("trade",)))
    go(office, add(office, text("CO2"), topics=("co2", "Ukendt")))
    assert owed(office) == {1: ["da"]}


def test_a_look_sees_a_translation_that_may_go_and_no_other(office: Office) -> None:
    office = office_of(office)
    readers(office, Choice(("da",)))
    number = add(office, edition("da", "Da"))
    go(office, number)
    add(office, edition("en", "En"))

    def due() -> bool:
        with office.database.read() as connection:
            assert bool(editions.due(connection)) is progress.anything_due(connection, START)
            return bool(editions.due(connection))

    assert not due()
    press.send(office, number, who="desk")
    assert due()
    translations.publish_due(office)
    assert not due()

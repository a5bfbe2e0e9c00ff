"""SQL asks for whom a release is as `core.choice.wants` says it, of the history and of the present alike."""

import itertools
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select
from support.choosing import choose_by_number
from support.desk import import_readers, progress_of, publish_one, text
from support.offices import START, UM
from support.workers import give_back, record, take

from mailer.core.choice import Choice, wants, wants_in_digest
from mailer.core.mapping import Matter
from mailer.core.newsroom import Topic
from mailer.core.release import ReleaseDocument
from mailer.services import press, proof, publish
from mailer.services.office import Office
from mailer.services.publish import Published
from mailer.store import mailings, wanting
from mailer.store.mailings import MailingRow, NewMailing
from mailer.store.tables import subscription

TOPICS = ("climate", "climate-2", "trade")
PAUSES = (
    None,
    START - timedelta(days=1),
    START,
    START + timedelta(microseconds=1),
    START + timedelta(days=1),
)


def choose(office: Office, number: int, choice: Choice | None) -> None:
    """What a subscription chose, on record and as it stands."""
    with office.database.write() as connection:
        if choice is None:
            return
        choose_by_number(connection, number, choice)


MATTERS = (
    Matter(),
    Matter(topics=("climate",)),
    Matter(topics=("trade", "climate-2"), kinds=("speech",)),
    Matter(topics=("nothing-chosen",), places=("north",)),
)


def opened(office: Office, matter: Matter, *, urgent: bool = False) -> MailingRow:
    """A mailing about this, with nobody in its audience yet."""
    document = ReleaseDocument(text(f"Om {matter} {urgent}"))
    added = press.add_document(office, document, newsroom=UM.key, who="desk")
    new = NewMailing(UM, added.id, "first", "da", urgent=urgent, matter=matter)
    with office.database.write() as connection:
        number = mailings.open_mailing(connection, new, START)
        assert number is not None
        row = mailings.read(connection, number)
    assert row is not None
    return row


def test_the_history_and_the_present_say_what_the_definition_says(office: Office) -> None:
    every = [
        None,
        *(
            Choice(("da",), topics=some, paused_until=until)
            for some, until in itertools.product(
                [None, (), ("climate",), ("climate-2", "trade"), TOPICS], PAUSES
            )
        ),
        *(
            Choice(("en",), topics=some, kinds=kinds, places=places)
            for some, kinds, places in itertools.product(
                [None, ("climate",)], [None, ("speech",), ("news",)], [None, ("north",), ("south",)]
            )
        ),
        Choice(("da",), frequency="daily"),
        Choice(("da",), frequency="weekly", urgent_at_once=False),
        Choice(("da",), frequency="daily", topics=("trade",)),
    ]
    import_readers(office, len(every))
    for number, choice in enumerate(every, 1):
        choose(office, number, choice)
    for matter, urgent in itertools.product(MATTERS, (False, True)):
        of = opened(office, matter, urgent=urgent)
        asked = {"topics": matter.topics, "kinds": matter.kinds, "places": matter.places}
        at_once, digest = (
            [
                number
                for number, one in enumerate(every, 1)
                if definition(one, at=START, urgent=urgent, **asked)
            ]
            for definition in (wants, wants_in_digest)
        )
        with office.database.read() as connection:
            ways: dict[wanting.Way, list[int]] = {"at_once": at_once, "digest": digest}
            for way, numbers in ways.items():
                found = select(subscription.c.id).where(
                    wanting.consented(subscription.c.id, of.consent_mark),
                    wanting.wanted(connection, subscription.c.id, of, way=way),
                )
                assert sorted(connection.scalars(found)) == numbers, (matter, urgent, way)
            assert wanting.counted(connection, of) == len(at_once)


def test_a_release_reaches_whom_it_interests_and_the_proof_adds_up(office: Office) -> None:
    """Whoever changes their mind after publishing waits for the next one, though no row is written yet."""
    room = replace(
        UM, topics=(Topic("climate", (("da", "Klima"),)), Topic("trade", (("da", "Handel"),)))
    )
    office = replace(
        office,
        newsrooms={**office.newsrooms, UM.key: room},
        limits=replace(office.limits, portion=2),
    )
    import_readers(office, 8)
    later = START + timedelta(days=1)
    choose(office, 2, Choice(("da",), topics=("trade",)))
    choose(office, 4, Choice(("da",), topics=("climate", "trade")))
    choose(office, 5, Choice(("da",), paused_until=later))
    document = ReleaseDocument(text(), topics=("climate", "of-no-newsroom"))
    added = press.add_document(office, document, newsroom=UM.key, who="desk")
    press.send(office, added.id, who="desk")
    (done,) = publish.publish_due(office)
    assert isinstance(done, Published)
    assert done.audience == 6
    choose(office, 7, Choice(("da",), topics=("trade",)))
    choose(office, 5, Choice(("da",)))
    reached = []
    while handed := take(office, 3):
        record(office, handed)
        reached += [due.subscription_id for due in handed if due.mailing_id]
    give_back(office)
    assert reached == [1, 3, 4, 6, 7, 8]
    assert progress_of(office, done.mailing_id) == ("finished", 6, 6)
    assert proof.verify(office).ok
    publish_one(office, title="En til, uden emner")
    assert proof.verify(office).mailings[-1].audience == 8

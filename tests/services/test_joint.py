"""A release that several newsrooms publish as one reaches who subscribes to both of them once."""

from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import select, update
from support.desk import import_readers, text
from support.offices import KEFM, UM, Clock
from support.taking import published

from mailer.core.newsroom import Newsroom
from mailer.core.release import ReleaseDocument
from mailer.services import press, proof
from mailer.services.office import Limits, Office
from mailer.store import joint
from mailer.store.ledger_tables import delivery, mailing
from mailer.store.tables import subscriber, subscription


def add(office: Office, room: Newsroom, *, together: str | None = "um-kefm-1") -> int:
    document = ReleaseDocument(text(f"Fælles fra {room.key}"), identity=room.key, joint=together)
    added = press.add_document(office, document, newsroom=room.key, who="desk")
    press.send(office, added.id, who="desk")
    return added.id


def owed(office: Office) -> Counter[str]:
    with office.database.read() as connection:
        mailboxes = connection.scalars(
            select(subscriber.c.mailbox).join(subscription).join(delivery)
        )
        return Counter(mailboxes)


def both(office: Office) -> None:
    """Three readers of each newsroom, two of them of both."""
    import_readers(office, 3, newsroom=UM)
    import_readers(office, 2, newsroom=KEFM)
    import_readers(office, 1, newsroom=KEFM, prefix="climate")


def test_readers_of_both_get_it_once(office: Office) -> None:
    both(office)
    add(office, UM)
    add(office, KEFM)
    assert len(published(office)) == 2
    assert set(owed(office).values()) == {1}
    assert len(owed(office)) == 4
    assert proof.verify(office).ok
    other = ReleaseDocument(text("Kun vores"), joint="another", identity="x")
    added = press.add_document(office, other, newsroom=KEFM.key, who="desk")
    press.send(office, added.id, who="desk")
    published(office)
    assert owed(office)["reader0@example.org"] == 2, "another joint release is another"


def test_whoever_is_first_writes_all_its_rows_before_the_second_opens(office: Office) -> None:
    office = replace(office, limits=replace(Limits(), portion=1))
    both(office)
    first = add(office, KEFM)
    assert published(office) == [first]
    second = add(office, UM)
    with office.database.read() as connection:
        assert len(joint.unwritten(connection, second)) == 1
    assert published(office) == [second]
    with office.database.read() as connection:
        assert joint.unwritten(connection, second) == []
        left = connection.scalar(select(mailing.c.unwritten).where(mailing.c.release_id == first))
    assert left == 0


def test_a_paused_first_holds_the_second_back(office: Office) -> None:
    office = replace(office, limits=replace(Limits(), portion=1))
    both(office)
    first = add(office, UM)
    published(office)
    with office.database.write() as connection:
        connection.execute(update(mailing).values(state="held", hold_reason="a wrong figure"))
    second = add(office, KEFM)
    assert published(office) == []
    assert press.shown(office, second).state == "approved"
    with office.database.write() as connection:
        connection.execute(update(mailing).values(state="open"))
    assert published(office) == [second]
    assert first != second


@pytest.mark.parametrize(("state", "copies"), [("cancelled", 2), ("ended", 2), ("accepted", 1)])
def test_whose_copy_never_left_gets_the_other(
    office: Office, clock: Clock, state: str, copies: int
) -> None:
    both(office)
    add(office, UM)
    published(office)
    with office.database.write() as connection:
        connection.execute(update(delivery).values(state=state, settled_at=clock()))
    clock.move(minutes=1)
    add(office, KEFM)
    published(office)
    assert owed(office)["reader0@example.org"] == copies

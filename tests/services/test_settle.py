"""What no relay answered for is listed so that its log can be asked, and settled by an operator's word."""

import re

import pytest
from sqlalchemy import select
from support.desk import UNKNOWN, import_readers, progress_of, publish_one, states
from support.digesting import choose, publish_now, send, with_digests
from support.offices import Clock
from support.workers import record, take

from mailer.core.address import parse_address
from mailer.core.errors import NotAllowed, NotFound
from mailer.services import control, digest_desk, proof, settle
from mailer.services.office import Office
from mailer.services.preview import preview
from mailer.services.settle import Named, Settlement
from mailer.store.tables import audit


@pytest.fixture
def doubtful(office: Office) -> Office:
    """Release 1 to four readers: one accepted, three unknown, all settled."""
    import_readers(office, 4)
    publish_one(office)
    with office.database.write() as connection:
        connection.exec_driver_sql("UPDATE mailing SET unknown = 'hold'")
    handed = take(office)
    record(office, handed[:1])
    record(office, handed[1:], UNKNOWN)
    assert progress_of(office, 1) == ("finished", 4, 4)
    return office


def notes(office: Office) -> list[tuple[str, str, object]]:
    with office.database.read() as connection:
        rows = connection.execute(
            select(audit.c.act, audit.c.subject, audit.c.detail)
            .where(audit.c.act.like("settle%"))
            .order_by(audit.c.id)
        )
        return [(row.act, row.subject, row.detail) for row in rows]


def test_each_is_listed_with_what_the_relays_log_knows_it_by(doubtful: Office) -> None:
    found = settle.unknown(doubtful, 1)
    assert [one.delivery for one in found] == [2, 3, 4]
    first = found[0]
    assert (first.address, first.relay, first.phase) == ("reader1@example.org", "r", "content")
    assert (first.at, first.attempts, first.reply) == (doubtful.clock(), 1, "no reply")
    sent = preview(doubtful, 1, parse_address("reader1@example.org")).content
    told = re.search(rb"^Message-ID: (<.*>)\r$", sent, re.MULTILINE)
    assert told is not None
    assert first.message_id == told[1].decode()


def test_all_are_settled_at_once(doubtful: Office) -> None:
    done = settle.settle(doubtful, 1, "accepted", who="kim", note="in the log")
    assert done == Settlement(1, "accepted", (2, 3, 4))
    assert states(doubtful) == {"accepted": 4}
    assert progress_of(doubtful, 1) == ("finished", 4, 4)
    told = {"release": 1, "note": "in the log"}
    assert notes(doubtful) == [
        ("settle accepted", f"delivery:{number}", told) for number in (2, 3, 4)
    ]
    assert settle.settle(doubtful, 1, "refused", who="kim") == Settlement(1, "refused", ())
    assert settle.unknown(doubtful, 1) == []
    assert proof.verify(doubtful).ok


def test_one_can_be_refused_and_another_sent_again(doubtful: Office) -> None:
    assert settle.settle(doubtful, 1, "refused", who="kim", deliveries=[2]).settled == (2,)
    assert settle.settle(doubtful, 1, "resend", who="kim", deliveries=[3]).settled == (3,)
    assert progress_of(doubtful, 1) == ("open", 3, 4)
    (again,) = take(doubtful)
    assert (again.id, again.attempts) == (3, 1)
    record(doubtful, [again])
    assert states(doubtful) == {"accepted": 2, "refused": 1, "unknown": 1}
    assert progress_of(doubtful, 1) == ("finished", 4, 4)
    assert proof.verify(doubtful).ok


def test_to_settle_again_as_it_was_changes_nothing(doubtful: Office) -> None:
    settle.settle(doubtful, 1, "refused", who="kim", deliveries=[2])
    again = settle.settle(doubtful, 1, "refused", who="anna", deliveries=[2, 3])
    assert (again.settled, again.already) == ((3,), (2,))
    assert len(notes(doubtful)) == 2


@pytest.mark.parametrize(
    ("deliveries", "words"), [([2, 1], "1 accepted"), ([2, 99], "no delivery 99")]
)
def test_nothing_is_settled_where_one_is_wrong(
    doubtful: Office, deliveries: list[int], words: str
) -> None:
    with pytest.raises(NotAllowed, match=words):
        settle.settle(doubtful, 1, "refused", who="kim", deliveries=deliveries)
    assert states(doubtful) == {"accepted": 1, "unknown": 3}
    assert notes(doubtful) == []


def test_nothing_of_a_cancelled_mailing_is_sent_again(office: Office) -> None:
    import_readers(office, 2)
    publish_one(office)
    record(office, take(office, 1), UNKNOWN)
    control.cancel(office, 1, who="kim", patience=0)
    assert states(office) == {"unknown": 1, "cancelled": 1}
    with pytest.raises(NotAllowed, match="was cancelled"):
        settle.settle(office, 1, "resend", who="kim")
    assert settle.settle(office, 1, "accepted", who="kim").settled == (1,)
    assert proof.verify(office).ok


def test_digests_are_settled_by_the_number_of_their_mailing(office: Office, clock: Clock) -> None:
    office = with_digests(office)
    for each in import_readers(office, 3):
        choose(office, each, frequency="daily")
    publish_now(office, "Nyt")
    clock.move(days=1)
    send(office)
    with office.database.write() as connection:
        connection.exec_driver_sql("UPDATE mailing SET unknown = 'hold'")
    record(office, take(office), UNKNOWN)
    digests = Named(mailing=2)
    (one,) = settle.doubtful(office)
    assert (one.mailing, one.release, one.kind, one.unknown) == (2, None, "digest", 3)
    assert settle.unknown(office, 1) == [], "they are no one release's"
    assert [each.delivery for each in settle.unknown(office, digests)] == [1, 2, 3]
    assert all(each.message_id for each in settle.unknown(office, digests))

    done = settle.settle(office, digests, "accepted", who="kim", deliveries=[1], note="in the log")
    assert done == Settlement(None, "accepted", (1,), mailing=2)
    assert notes(office) == [
        ("settle accepted", "delivery:1", {"mailing": 2, "note": "in the log"})
    ]
    with pytest.raises(NotAllowed, match="Mailing 2 has no delivery 9"):
        settle.settle(office, digests, "refused", who="kim", deliveries=[9])
    assert settle.settle(office, digests, "resend", who="kim").settled == (2, 3)
    record(office, take(office))
    assert states(office) == {"accepted": 3}
    assert settle.doubtful(office) == []
    assert proof.verify(office).ok


def test_nothing_of_cancelled_digests_is_sent_again(office: Office, clock: Clock) -> None:
    office = with_digests(office)
    for each in import_readers(office, 2):
        choose(office, each, frequency="daily")
    publish_now(office, "Nyt")
    clock.move(days=1)
    send(office)
    record(office, take(office, 1), UNKNOWN)
    digest_desk.cancel(office, 2, who="kim", patience=0)
    with pytest.raises(NotAllowed, match="Mailing 2 was cancelled"):
        settle.settle(office, Named(mailing=2), "resend", who="kim")
    assert settle.settle(office, Named(mailing=2), "refused", who="kim").settled == (1,)
    assert proof.verify(office).ok


def test_a_mailing_that_is_not_there_is_not_listed(office: Office) -> None:
    for act in (
        lambda: settle.unknown(office, Named(mailing=7)),
        lambda: settle.settle(office, Named(mailing=7), "accepted", who="kim"),
    ):
        with pytest.raises(NotFound, match="no mailing 7"):
            act()


def test_a_release_that_is_not_there_is_not_listed(office: Office) -> None:
    with pytest.raises(NotFound, match="release 7"):
        settle.unknown(office, 7)
    with pytest.raises(NotFound, match="release 7"):
        settle.settle(office, 7, "accepted", who="kim")

"""An audience is frozen whole, once, and cut into chunks that hold each delivery exactly once."""

from itertools import chain

import pytest
from sqlalchemy import delete, select
from support.desk import chunks, import_readers, mailbox_of, progress_of, publish_one, race
from support.offices import KEFM, START, UM
from support.readers import PAGE, leave_token, make_active, sign_up

from mailer.core.address import parse_address
from mailer.core.delivery import Purpose
from mailer.services import leaving, people, proof
from mailer.services.office import Office
from mailer.store import mailings, messages, portions
from mailer.store.ledger_tables import delivery, prepared
from mailer.store.mailings import NewMailing, NewNotice
from mailer.store.messages import NewPrepared
from mailer.store.portions import CHUNK


def deliveries(office: Office, mailing_id: int) -> list[int]:
    with office.database.read() as connection:
        return list(
            connection.scalars(
                select(delivery.c.id)
                .where(delivery.c.mailing_id == mailing_id)
                .order_by(delivery.c.id)
            )
        )


@pytest.mark.parametrize("count", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 203])
def test_chunks_hold_each_delivery_once(office: Office, count: int) -> None:
    import_readers(office, count)
    done = publish_one(office)
    with office.database.write() as connection:
        while portions.owe_more(connection, done.mailing_id):
            pass
    owed = deliveries(office, done.mailing_id)
    assert done.audience == len(owed) == count
    found = chunks(office)
    assert len(found) == -(-count // CHUNK)
    held = [[number for number in owed if chunk.lo <= number <= chunk.hi] for chunk in found]
    assert list(chain.from_iterable(held)) == owed
    assert all(0 < len(numbers) <= CHUNK for numbers in held)
    assert all(chunk.mark == chunk.lo - 1 and chunk.state == "open" for chunk in found)
    assert progress_of(office, done.mailing_id) == ("open" if count else "finished", 0, count)
    assert proof.verify(office).ok


def test_two_mailings_side_by_side_keep_to_their_own(office: Office) -> None:
    import_readers(office, 3)
    import_readers(office, 2, newsroom=KEFM)
    ours, theirs = publish_one(office), publish_one(office, newsroom=KEFM, title="News")
    assert (ours.audience, theirs.audience) == (3, 2)
    assert not set(deliveries(office, ours.mailing_id)) & set(deliveries(office, theirs.mailing_id))
    assert [chunk.mailing_id for chunk in chunks(office)] == [ours.mailing_id, theirs.mailing_id]


def test_only_who_is_active_at_that_newsroom_is_owed(office: Office) -> None:
    make_active(office, "active@example.org")
    make_active(office, "elsewhere@example.org", newsroom=KEFM)
    sign_up(office, "pending@example.org")
    make_active(office, "left@example.org")
    leaving.leave(office, token=leave_token(office, 4), origin=PAGE)
    make_active(office, "ended@example.org")
    people.end(
        office, address=parse_address("ended@example.org"), reason="asked by phone", who="desk"
    )
    make_active(office, "suppressed@example.org")
    people.suppress(office, address=parse_address("suppressed@example.org"), reason="complaint")
    done = publish_one(office)
    (owed,) = deliveries(office, done.mailing_id)
    assert mailbox_of(office, owed) == "active@example.org"


def test_who_confirms_later_gets_the_next_one(office: Office) -> None:
    make_active(office, "early@example.org")
    first = publish_one(office, title="Den første")
    make_active(office, "late@example.org")
    second = publish_one(office, title="Den anden")
    assert (first.audience, second.audience) == (1, 2)
    assert proof.verify(office).ok


def test_a_mailing_is_opened_once_for_a_release(office: Office) -> None:
    done = publish_one(office)
    with office.database.write() as connection:
        again = mailings.open_mailing(
            connection, NewMailing(UM, done.release_id, "first", "da"), START
        )
    assert again is None


def message(words: bytes = b"To:\0to\0\r\n\r\nHej\r\n") -> NewPrepared:
    return NewPrepared("um", Purpose.WELCOME, "da", "Hej", "b@um.example", words, words.hex()[:64])


def test_a_prepared_message_is_kept_once_and_read_back_as_it_was(office: Office) -> None:
    with office.database.write() as connection:
        first = messages.keep_prepared(connection, message(), START)
        again = messages.keep_prepared(connection, message(), START)
        other = messages.keep_prepared(connection, message(b"Bye\r\n"), START)
        assert first == again != other
        kept = messages.read_prepared(connection, first)
    assert kept.content == message().content
    assert (kept.purpose, kept.language, kept.subject) == (Purpose.WELCOME, "da", "Hej")


def test_many_at_once_keep_one_prepared_message(office: Office) -> None:
    def keep() -> int:
        with office.database.write() as connection:
            return messages.keep_prepared(connection, message(), START)

    assert len(set(race(*[keep] * 4))) == 1
    with office.database.read() as connection:
        assert len(connection.execute(select(prepared.c.id)).all()) == 1


def test_a_notice_is_owed_once_for_its_cause_however_many_ask_at_once(office: Office) -> None:
    sign_up(office, "anna@example.org")
    with office.database.write() as connection:
        prepared_id = connection.execute(select(prepared.c.id)).scalar_one()
        connection.execute(delete(delivery))

    def owe(cause: str) -> None:
        with office.database.write() as connection:
            notice = NewNotice(Purpose.CONFIRM, cause, 1, prepared_id, START)
            mailings.owe_notices(connection, [notice], START)

    race(*[lambda: owe("request:1")] * 3, lambda: owe("request:2"))
    with office.database.read() as connection:
        rows = connection.execute(select(delivery.c.cause, delivery.c.due_at)).all()
    assert sorted((row.cause, row.due_at) for row in rows) == [
        ("request:1", START),
        ("request:2", START),
    ]

"""Each question of a proof, answered from rows: right where all is well, and wrong exactly where it is."""

import pytest
from sqlalchemy import text
from support.desk import (
    approve,
    import_readers,
    publish_one,
)
from support.desk import text as edition
from support.offices import KEFM, START, Clock
from support.readers import PAGE, leave_token, make_active, sign_up

from mailer.services import leaving, publish
from mailer.services.office import Office
from mailer.store import mailings, proofs
from mailer.store.mailings import MailingRow
from mailer.store.proofs import Audience


def mailing_of(office: Office) -> MailingRow:
    with office.database.read() as connection:
        return mailings.mailings(connection)[-1]


def audience(office: Office) -> Audience:
    with office.database.read() as connection:
        return proofs.audience(connection, mailings.mailings(connection)[-1])


def change(office: Office, statement: str) -> None:
    with office.database.write() as connection:
        connection.execute(text(statement))


def test_the_audience_is_who_had_consented_when_it_was_frozen(office: Office) -> None:
    make_active(office, "stays@example.org")
    make_active(office, "left@example.org")
    leaving.leave(office, token=leave_token(office, 2), origin=PAGE)
    make_active(office, "back@example.org")
    leaving.leave(office, token=leave_token(office, 3), origin=PAGE)
    make_active(office, "back@example.org")
    sign_up(office, "pending@example.org")
    make_active(office, "elsewhere@example.org", newsroom=KEFM)
    import_readers(office, 2)
    publish_one(office)
    make_active(office, "late@example.org")
    leaving.leave(office, token=leave_token(office, 1), origin=PAGE)
    assert audience(office) == Audience(consented=4, unwritten=0, missing=[], unasked=[])


def test_a_reader_who_was_forgotten_is_named(office: Office) -> None:
    import_readers(office, 4)
    publish_one(office)
    change(office, "DELETE FROM delivery WHERE subscription_id IN (2, 3)")
    assert audience(office) == Audience(consented=4, unwritten=0, missing=[2, 3], unasked=[])


def test_mail_that_nobody_asked_for_is_named(office: Office) -> None:
    import_readers(office, 2)
    sign_up(office, "pending@example.org")
    publish_one(office)
    change(
        office,
        "INSERT INTO delivery (mailing_id, subscription_id, prepared_id, purpose, made_at)"
        " SELECT mailing_id, 3, prepared_id, purpose, made_at FROM delivery"
        " WHERE mailing_id = 1 AND subscription_id = 1",
    )
    found = audience(office)
    assert (found.consented, found.missing, len(found.unasked)) == (2, [], 1)


def test_only_the_first_few_are_named(office: Office) -> None:
    import_readers(office, 9)
    publish_one(office)
    change(office, "DELETE FROM delivery")
    assert audience(office).missing == [1, 2, 3, 4, 5]


STRANDING = [
    ("UPDATE chunk SET mark = hi", 3),
    ("UPDATE chunk SET mark = lo", 1),
    ("UPDATE chunk SET state = 'done'", 3),
    ("DELETE FROM chunk", 3),
    ("UPDATE chunk SET hi = hi - 1", 1),
    ("UPDATE chunk SET mark = hi, state = 'leased'", 0),
    ("UPDATE delivery SET state = 'accepted'", 0),
]


@pytest.mark.parametrize(("statement", "number"), STRANDING)
def test_what_nothing_will_hand_out_is_stranded(
    office: Office, statement: str, number: int
) -> None:
    import_readers(office, 3)
    publish_one(office)
    change(office, statement)
    with office.database.read() as connection:
        assert len(proofs.stranded(connection, 1)) == number


def test_a_published_release_without_a_mailing_is_named(office: Office) -> None:
    first = publish_one(office).release_id
    approve(office, edition("Endnu ikke ude"))
    with office.database.read() as connection:
        assert proofs.unmailed(connection) == []
    change(office, "UPDATE mailing SET release_id = NULL")
    with office.database.read() as connection:
        assert proofs.unmailed(connection) == [first]
        assert proofs.unmailed(connection, first) == [first]
        assert proofs.unmailed(connection, 99) == []


def test_a_mailing_before_its_time_is_early(office: Office, clock: Clock) -> None:
    approve(office, publish_at=START)
    approve(office, edition("Når som helst"))
    publish.publish_due(office)
    with office.database.read() as connection:
        rows = mailings.mailings(connection)
        assert [proofs.early(connection, row) for row in rows] == [False, False]
    clock.move(days=1)
    with office.database.write() as connection:
        later = office.clock()
        connection.execute(
            text("UPDATE release SET publish_at = :later"),
            {"later": later if not office.database.is_sqlite else later.replace(tzinfo=None)},
        )
        assert [proofs.early(connection, row) for row in rows] == [True, True]

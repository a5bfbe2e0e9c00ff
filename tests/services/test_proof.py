"""The proof adds up when all is well, and names what does not when it is not."""

from collections.abc import Iterable

import pytest
from sqlalchemy import text
from support.desk import (
    ACCEPTED,
    DEFERRED,
    REFUSED,
    UNKNOWN,
    came_of,
    import_readers,
    lease,
    publish_one,
)
from support.offices import Clock
from support.readers import PAGE, leave_token, quiet

from mailer.core.delivery import Outcome
from mailer.core.errors import NotFound
from mailer.services import leaving, proof
from mailer.services.office import Office
from mailer.store import ledger, outcomes, progress, takeover


def settle(office: Office, results: Iterable[Outcome]) -> None:
    with office.database.write() as connection:
        handed = ledger.take(connection, lease(office), 100)
        recorded = [
            came_of(due, result, office) for due, result in zip(handed, results, strict=False)
        ]
        outcomes.record(connection, lease(office), recorded)
        takeover.give_back(connection, lease(office))
        progress.tidy(connection, "one", office.clock())


def test_an_office_without_mailings_proves_nothing_wrong(office: Office) -> None:
    found = proof.verify(office)
    assert found.ok
    assert found.mailings == ()


def test_every_fate_of_a_delivery_adds_up(office: Office, clock: Clock) -> None:
    import_readers(office, 6)
    done = publish_one(office)
    with office.database.write() as connection:
        connection.execute(text("UPDATE mailing SET unknown = 'hold'"))
    leaving.leave(quiet(office), token=leave_token(office, 6), origin=PAGE)
    settle(office, [ACCEPTED, REFUSED, UNKNOWN, DEFERRED])
    found = proof.verify(office, done.release_id)
    assert found.ok
    (one,) = found.mailings
    assert (one.release, one.title, one.newsroom, one.kind) == (1, "Nyt", "um", "first")
    assert (one.audience, one.state) == (6, "open")
    assert one.states == {
        "accepted": 1,
        "refused": 1,
        "unknown": 1,
        "ended": 1,
        "due": 2,
    }
    clock.move(minutes=5)
    settle(office, [ACCEPTED, ACCEPTED])
    (one,) = proof.verify(office).mailings
    assert (one.state, one.gaps) == ("finished", ())
    assert sum(one.states.values()) == 6


GAPS = [
    ("DELETE FROM delivery WHERE id = 2", "consented and owed nothing: subscriptions 2"),
    ("DELETE FROM delivery WHERE id = 2", "2 deliveries for an audience of 3"),
    ("DELETE FROM consent WHERE subscription_id = 3", "owed without consent: deliveries 3"),
    ("UPDATE mailing SET settled_otherwise = 2", "0 deliveries are settled, but 2 are counted"),
    ("UPDATE chunk SET accepted = 1", "0 deliveries are settled, but 1 are counted"),
    ("UPDATE mailing SET state = 'finished'", "finished with 3 deliveries still due"),
    (
        "UPDATE mailing SET state = 'cancelled', finished_at = made_at",
        "cancelled with 3 deliveries",
    ),
    ("UPDATE chunk SET mark = hi", "due and never handed out: deliveries 1, 2, 3"),
    ("UPDATE release SET publish_at = '2036-03-02 08:00:00.000000'", "before its publish time"),
]


@pytest.mark.parametrize(("statement", "gap"), GAPS)
def test_what_does_not_add_up_is_named(office: Office, statement: str, gap: str) -> None:
    import_readers(office, 3)
    publish_one(office)
    assert proof.verify(office).ok
    with office.database.write() as connection:
        connection.execute(text(statement))
    found = proof.verify(office)
    assert not found.ok
    assert gap in "; ".join(found.mailings[0].gaps)


def test_what_may_have_left_must_not_be_called_cancelled(office: Office) -> None:
    import_readers(office, 4)
    publish_one(office)
    settle(office, [UNKNOWN, DEFERRED])
    with office.database.write() as connection:
        connection.execute(text("UPDATE delivery SET state = 'cancelled' WHERE id < 4"))
        connection.execute(text("UPDATE mailing SET settled_otherwise = 3"))
    (one,) = proof.verify(office).mailings
    assert one.gaps == ("cancelled, and may have left before: deliveries 1",)


def test_a_release_that_was_never_mailed_is_named(office: Office) -> None:
    publish_one(office)
    with office.database.write() as connection:
        connection.execute(text("UPDATE mailing SET release_id = NULL"))
    assert not proof.verify(office).ok
    assert proof.verify(office, 1).gaps == ("release 1 is published and was never mailed",)


def test_a_release_that_is_not_there_cannot_be_proven(office: Office) -> None:
    with pytest.raises(NotFound, match="release 7"):
        proof.verify(office, 7)


def test_only_the_release_that_is_asked_about(office: Office) -> None:
    publish_one(office, title="Den ene")
    second = publish_one(office, title="Den anden")
    (one,) = proof.verify(office, second.release_id).mailings
    assert one.title == "Den anden"

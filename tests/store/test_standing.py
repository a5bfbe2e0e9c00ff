"""How things stand, from counters and small indexes: the same as counting every row would say."""

from datetime import timedelta

from support.desk import (
    ACCEPTED,
    DEFERRED,
    approve,
    came_of,
    import_readers,
    lease,
    publish_one,
    text,
)
from support.offices import KEFM, START, Clock
from support.readers import sign_up
from support.workers import record, take

from mailer.core.release import ReleaseDocument
from mailer.services import press
from mailer.services.office import Office
from mailer.store import control, ledger, outcomes, proofs, standing
from mailer.store.standing import HeldRelease, Waiting


def waiting(office: Office) -> Waiting:
    with office.database.read() as connection:
        return standing.waiting(connection, office.clock())


def test_what_waits_is_counted_by_kind_and_since_when(office: Office, clock: Clock) -> None:
    assert waiting(office) == Waiting(0, 0, 0, None)
    import_readers(office, 3)
    publish_one(office)
    clock.move(minutes=1)
    sign_up(office, "anna@example.org")
    assert waiting(office) == Waiting(notices=1, releases=3, retries=0, oldest=START)
    with office.database.write() as connection:
        notice, first, second = ledger.take(connection, lease(office), 3)
        recorded = [
            came_of(notice, ACCEPTED, office),
            came_of(first, DEFERRED, office),
            came_of(second, ACCEPTED, office),
        ]
        outcomes.record(connection, lease(office), recorded)
    assert waiting(office) == Waiting(notices=0, releases=2, retries=1, oldest=START)


def test_a_retry_is_due_only_when_its_time_has_come(office: Office, clock: Clock) -> None:
    import_readers(office, 1)
    publish_one(office)
    record(office, take(office), DEFERRED)
    assert waiting(office) == Waiting(notices=0, releases=1, retries=1, oldest=None)
    clock.move(minutes=5)
    assert waiting(office).oldest == START + timedelta(minutes=5)


def test_a_cancelled_mailing_waits_until_all_came_back(office: Office) -> None:
    import_readers(office, 3)
    publish_one(office)
    handed = take(office, 2)
    with office.database.write() as connection:
        control.cancel(connection, 1, office.clock())
    assert waiting(office).releases == 2
    record(office, handed)
    with office.database.write() as connection:
        control.sweep(connection, office.clock())
    assert waiting(office) == Waiting(0, 0, 0, None)


def test_subscriptions_and_releases_are_counted_by_newsroom(office: Office) -> None:
    import_readers(office, 2)
    sign_up(office, "anna@example.org", newsroom=KEFM)
    publish_one(office)
    approve(office, newsroom=KEFM)
    with office.database.read() as connection:
        assert standing.subscriptions(connection) == {"um": {"active": 2}, "kefm": {"pending": 1}}
        assert standing.release_states(connection) == {
            "um": {"published": 1},
            "kefm": {"approved": 1},
        }
        assert proofs.states(connection, 1) == {"due": 2}


def test_a_held_release_bears_its_newest_title(office: Office) -> None:
    first = ReleaseDocument(text("Gammel"), identity="um-1")
    added = press.add_document(office, first, newsroom="um", who="desk")
    newer = ReleaseDocument(text("Ny"), identity="um-1")
    press.add_document(office, newer, newsroom="um", who="desk")
    approve(office, text("Sluppet"))
    with office.database.read() as connection:
        assert standing.held(connection) == [HeldRelease(added.id, "Ny", press.AWAITS_WORD)]
        assert standing.title(connection, added.id) == "Ny"
        assert standing.title(connection, 99) == ""
        assert standing.title(connection, None) == ""

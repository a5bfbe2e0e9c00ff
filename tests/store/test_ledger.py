"""Handing out: in the right order, each delivery once, and only with consent at that moment."""

from collections import Counter
from functools import partial

import pytest
from sqlalchemy import select, text
from support.desk import (
    ACCEPTED,
    DEFERRED,
    came_of,
    chunks,
    import_readers,
    lease,
    mailbox_of,
    progress_of,
    publish_one,
    race,
    row_of,
    states,
)
from support.offices import Clock
from support.readers import PAGE, confirm_token, leave_token, make_active, quiet, sign_up

from mailer.core.address import parse_address
from mailer.core.delivery import Due, Purpose
from mailer.services import confirmation, leaving, people
from mailer.services.office import Office
from mailer.store import claims, control, ledger, outcomes, progress
from mailer.store.ledger_tables import mailing


def take(office: Office, want: int = 100, worker: str = "one") -> list[Due]:
    with office.database.write() as connection:
        return ledger.take(connection, lease(office, worker), want)


def record(office: Office, *pairs: tuple[Due, object], worker: str = "one") -> None:
    with office.database.write() as connection:
        outcomes.record(
            connection,
            lease(office, worker),
            [came_of(due, outcome, office) for due, outcome in pairs],  # type: ignore[arg-type] # pairs are outcomes
        )


def test_nothing_due_is_nothing(office: Office) -> None:
    assert take(office) == []


def test_what_is_handed_out_is_all_that_sending_needs(office: Office) -> None:
    import_readers(office, 1)
    done = publish_one(office)
    (due,) = take(office)
    assert due == Due(
        id=due.id,
        purpose=Purpose.RELEASE,
        prepared_id=due.prepared_id,
        subscription_id=1,
        mailbox="reader0@example.org",
        made_at=office.clock(),
        attempts=0,
        mailing_id=done.mailing_id,
        cause="",
        unknown="resend",
        alone=False,
        chunk=due.id,
    )
    sign_up(office, "anna@example.org")
    (notice,) = take(office)
    assert (notice.purpose, notice.cause, notice.alone) == (Purpose.CONFIRM, "request:1", True)
    assert notice.mailing_id is None


def test_notices_go_before_retries_and_retries_before_releases(
    office: Office, clock: Clock
) -> None:
    import_readers(office, 3)
    publish_one(office, title="Ældre")
    (tried,) = take(office, 1)
    record(office, (tried, DEFERRED))
    clock.move(minutes=5)
    sign_up(office, "anna@example.org")
    handed = [due.id for due in take(office, 2)]
    notice, retry = handed
    assert row_of(office, notice).purpose == "confirm"
    assert retry == tried.id
    assert {due.purpose for due in take(office)} == {Purpose.RELEASE}


def test_windows_go_through_a_mailing_in_order_and_the_mark_goes_before(office: Office) -> None:
    import_readers(office, 5)
    publish_one(office)
    first = [due.id for due in take(office, 2)]
    (chunk,) = chunks(office)
    assert (chunk.state, chunk.worker, chunk.mark) == ("leased", "one", first[-1])
    second = [due.id for due in take(office, 2)]
    third = [due.id for due in take(office, 2)]
    assert [*first, *second, *third] == sorted({*first, *second, *third})
    assert (len(second), len(third)) == (2, 1)
    assert take(office, 2) == []


def test_a_window_reaches_over_chunks_and_mailings(office: Office) -> None:
    import_readers(office, 501)
    publish_one(office, title="Den ene")
    publish_one(office, title="Den anden")
    handed = take(office, 1002)
    assert len({due.id for due in handed}) == 1002
    assert [chunk.state for chunk in chunks(office)] == ["leased"] * 4


def test_a_chunk_in_another_hand_is_passed_over(office: Office) -> None:
    import_readers(office, 501)
    publish_one(office)
    ours = take(office, 1, "one")
    theirs = take(office, 2, "two")
    assert len(ours) == len(theirs) == 1, "the second worker has a chunk of its own, of one"
    assert {due.id for due in ours} & {due.id for due in theirs} == set()
    assert take(office, 9, "two") == []


def test_an_order_for_nothing_takes_nothing(office: Office) -> None:
    import_readers(office, 1)
    publish_one(office)
    sign_up(office, "anna@example.org")
    assert take(office, 0) == []
    assert [(chunk.state, chunk.mark < chunk.lo) for chunk in chunks(office)] == [("open", True)]


def leave(office: Office) -> None:
    leaving.leave(quiet(office), token=leave_token(office, 1), origin=PAGE)


def end(office: Office) -> None:
    people.end(office, address=parse_address("reader0@example.org"), reason="by phone", who="desk")


def suppress(office: Office) -> None:
    people.suppress(office, address=parse_address("reader0@example.org"), reason="complaint")


@pytest.mark.parametrize("depart", [leave, end, suppress])
@pytest.mark.parametrize("tried_before", [False, True])
def test_who_is_gone_when_it_is_handed_out_gets_nothing(
    office: Office, clock: Clock, depart: object, tried_before: bool
) -> None:
    import_readers(office, 2)
    done = publish_one(office)
    if tried_before:
        first, second = take(office)
        record(office, (first, DEFERRED), (second, DEFERRED))
        clock.move(minutes=5)
    assert callable(depart)
    depart(office)
    (left,) = take(office)
    assert left.mailbox == "reader1@example.org"
    gone = row_of(office, left.id - 1)
    assert (gone.state, gone.settled_at, gone.due_at) == ("ended", office.clock(), None)
    assert (gone.worker, gone.lease_until) == (None, None)
    assert progress_of(office, done.mailing_id) == ("open", 1, 2)
    record(office, (left, ACCEPTED))
    with office.database.write() as connection:
        assert progress.tidy(connection, "one", office.clock()) == 1
    assert progress_of(office, done.mailing_id) == ("finished", 2, 2)


def test_those_who_are_gone_do_not_hide_those_who_wait(office: Office) -> None:
    """However many notices are ended on the way, the ones behind them are handed out at once."""
    for number in range(4):
        sign_up(office, f"gone{number}@example.org")
        leaving.leave(quiet(office), token=leave_token(office, number + 1), origin=PAGE)
    sign_up(office, "anna@example.org")
    (due,) = take(office, 2)
    assert due.mailbox == "anna@example.org"
    assert states(office) == {"ended": 4, "due": 1}


def test_a_confirmation_is_sent_only_while_its_request_is_open(
    office: Office, clock: Clock
) -> None:
    sign_up(office, "anna@example.org")
    clock.move(hours=71)
    sign_up(office, "bent@example.org")
    sign_up(office, "carl@example.org")
    confirmation.confirm(office, token=confirm_token(office), origin=PAGE)
    clock.move(hours=1)
    handed = {due.mailbox: due.purpose for due in take(office)}
    assert handed == {
        "bent@example.org": Purpose.CONFIRM,
        "carl@example.org": Purpose.WELCOME,
    }


def test_a_welcome_is_not_sent_to_who_left_at_once(office: Office) -> None:
    make_active(office, "anna@example.org")
    leaving.leave(quiet(office), token=leave_token(office), origin=PAGE)
    assert take(office) == []
    assert states(office) == {"ended": 2}


def test_a_mailing_that_is_held_rests(office: Office, clock: Clock) -> None:
    import_readers(office, 3)
    publish_one(office)
    (tried,) = take(office, 1)
    record(office, (tried, DEFERRED))
    clock.move(minutes=5)
    with office.database.write() as connection:
        connection.execute(text("UPDATE mailing SET state = 'held'"))
    assert take(office) == []


@pytest.mark.parametrize("want", [3, 100])
def test_racing_workers_never_get_the_same_and_leave_nothing(office: Office, want: int) -> None:
    import_readers(office, 90)
    for number in range(3):
        publish_one(office, title=f"Nyt {number}")
    for number in range(10):
        sign_up(office, f"new{number}@example.org")

    def work(worker: str) -> list[int]:
        mine: list[int] = []
        while handed := take(office, want, worker):
            mine += [due.id for due in handed]
        return mine

    found = race(*(partial(work, worker) for worker in ("one", "two", "three", "four")))
    handed = [number for mine in found for number in mine]
    assert len(handed) == len(set(handed)) == 280


def test_the_owed_message_of_a_release_is_found_again(office: Office) -> None:
    import_readers(office, 2)
    done = publish_one(office)
    with office.database.read() as connection:
        owed = claims.owed_to(connection, done.release_id, 2)
        nothing = claims.owed_to(connection, done.release_id, 99)
    assert owed is not None
    assert mailbox_of(office, owed.id) == owed.mailbox == "reader1@example.org"
    assert nothing is None


def make_urgent(office: Office, mailing_id: int) -> None:
    with office.database.write() as connection:
        control.hasten(connection, mailing_id)


def shares(handed: list[Due]) -> dict[int | None, int]:
    """How many of each mailing; None for notices."""
    return Counter(due.mailing_id for due in handed)


def take_also(office: Office, want: int, notices: int) -> list[Due]:
    with office.database.write() as connection:
        return ledger.take(connection, lease(office), want, notices=notices)


def test_open_mailings_share_a_turn_evenly(office: Office) -> None:
    import_readers(office, 20)
    ids = [publish_one(office, title=f"Nyt {number}").mailing_id for number in range(3)]
    handed = take(office, 12)
    assert shares(handed) == dict.fromkeys(ids, 4)
    assert {due.mailing_id for due in handed[:3]} == set(ids), "each has one among the first"
    assert shares(take(office, 7)).keys() == set(ids), "a share that is not whole is rounded"


def test_what_one_mailing_leaves_goes_to_the_others(office: Office) -> None:
    import_readers(office, 3)
    small = publish_one(office, title="Før").mailing_id
    import_readers(office, 20, prefix="later")
    large = publish_one(office, title="Nu").mailing_id
    assert shares(take(office, 12)) == {small: 3, large: 9}
    assert shares(take(office, 12)) == {large: 12}


@pytest.mark.parametrize("want", range(1, 14))
def test_a_turn_is_never_larger_than_it_may_be_nor_smaller_than_need_be(
    office: Office, want: int
) -> None:
    for number, readers in enumerate((1, 5, 2)):
        import_readers(office, readers, prefix=f"of{number}-")
        publish_one(office, title=f"Nyt {number}")
    due = 1 + 6 + 8
    assert len(take(office, want)) == want
    assert len(take(office, 100)) == due - want


def test_urgent_mailings_go_before_all_others_and_share_among_themselves(office: Office) -> None:
    import_readers(office, 6)
    plain, urgent, other = (publish_one(office, title=f"Nyt {n}").mailing_id for n in range(3))
    make_urgent(office, urgent)
    make_urgent(office, other)
    assert shares(take(office, 8)) == {urgent: 4, other: 4}
    assert shares(take(office, 8)) == {urgent: 2, other: 2, plain: 4}


def test_notices_go_before_urgent_mailings(office: Office) -> None:
    import_readers(office, 6)
    urgent = publish_one(office).mailing_id
    make_urgent(office, urgent)
    sign_up(office, "anna@example.org")
    handed = take(office, 3)
    assert handed[0].mailing_id is None
    assert shares(handed) == {None: 1, urgent: 2}


def deferred(office: Office, clock: Clock, count: int) -> list[int]:
    """So many of a mailing were tried and are due again."""
    tried = take(office, count)
    record(office, *((due, DEFERRED) for due in tried))
    clock.move(minutes=5)
    return [due.id for due in tried]


def test_retries_get_a_quarter_of_a_mailing_s_share_while_first_tries_wait(
    office: Office, clock: Clock
) -> None:
    import_readers(office, 40)
    publish_one(office)
    waiting = set(deferred(office, clock, 20))
    for want, of_them in ((16, 4), (4, 1)):
        handed = take(office, want)
        assert len([due for due in handed if due.id in waiting]) == of_them
        assert len(handed) == want
    rest = take(office, 100)
    assert {due.id for due in rest} >= {number for number in waiting if row_is_free(office, number)}
    assert len(rest) == 20, "without first tries the retries have it all"


def row_is_free(office: Office, number: int) -> bool:
    return row_of(office, number).worker is None


def test_retries_of_one_mailing_take_nothing_from_another(office: Office, clock: Clock) -> None:
    import_readers(office, 20)
    old = publish_one(office, title="Ældre").mailing_id
    assert len(deferred(office, clock, 20)) == 20
    new = publish_one(office, title="Ny").mailing_id
    assert shares(take(office, 10)) == {old: 5, new: 5}


def test_notices_may_be_taken_beyond_what_is_wanted(office: Office) -> None:
    """So that a full hand does not keep a confirmation waiting."""
    import_readers(office, 6)
    mailing_id = publish_one(office).mailing_id
    for number in range(5):
        sign_up(office, f"new{number}@example.org")
    assert shares(take_also(office, 0, 2)) == {None: 2}
    assert shares(take_also(office, 2, 2)) == {None: 3, mailing_id: 1}, "never more than both"
    assert shares(take_also(office, 2, 2)) == {mailing_id: 2}, "no notices, no more than wanted"


def test_a_mailing_is_begun_with_its_first_window(office: Office, clock: Clock) -> None:
    import_readers(office, 4)
    publish_one(office)

    def begun_at() -> object:
        with office.database.read() as connection:
            return connection.scalar(select(mailing.c.begun_at))

    assert begun_at() is None
    take(office, 1)
    first = clock()
    clock.move(seconds=30)
    take(office, 1)
    assert begun_at() == first

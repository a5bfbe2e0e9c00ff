"""Retention: what is let go of and when, a batch at a time, with every proof as it was before."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from support.desk import ACCEPTED, DEFERRED, came_of, import_readers, lease, publish_one, race
from support.offices import UM, Clock
from support.readers import PAGE, leave_token, make_active, sign_up

from mailer.core.address import parse_address
from mailer.core.delivery import Outcome
from mailer.core.errors import NotFound
from mailer.core.retention import Retention, Rule
from mailer.services import imports, leaving, people, proof, retention
from mailer.services.evidence import evidence
from mailer.services.office import Office
from mailer.sources.address_list import Listed
from mailer.store import ledger, outcomes, progress, takeover, timers
from mailer.store.ledger_tables import attempt, delivery
from mailer.store.tables import audit, consent, subscriber

ANNA = "anna@example.org"


def went(office: Office) -> Mapping[Rule, int]:
    """Let go of all; what went, without the rules that had nothing."""
    foretold = retention.foretell(office)
    gone = retention.let_go(office)
    assert gone == foretold
    assert set(retention.foretell(office).values()) == {0}
    return {rule: count for rule, count in gone.items() if count}


def sent(office: Office, *results: Outcome) -> None:
    """Send what is due; the relay answers the first ones so, and takes the rest."""
    with office.database.write() as connection:
        taken = ledger.take(connection, lease(office), 5000, notices=100)
        answers = [*results, *[ACCEPTED] * len(taken)]
        recorded = [
            came_of(due, answer, office) for due, answer in zip(taken, answers, strict=False)
        ]
        outcomes.record(connection, lease(office), recorded)
        takeover.give_back(connection, lease(office))
        progress.tidy(connection, "one", office.clock())


def ring(office: Office) -> None:
    """Make the timer due."""
    with office.database.write() as connection:
        timers.put_off(connection, retention.TIMER, office.clock())


def column(office: Office, asked: Any) -> list[Any]:
    with office.database.read() as connection:
        return list(connection.scalars(select(asked).order_by(asked.table.c.id)))


def left(office: Office, number: int = 1) -> None:
    leaving.leave(office, token=leave_token(office, number), origin=PAGE)


def test_where_an_answer_came_from_goes_first(office: Office, clock: Clock) -> None:
    office = replace(office, retention=Retention(user_agent=timedelta(days=60)))
    make_active(office, ANNA)
    clock.move(days=30, seconds=-1)
    make_active(office, "berit@example.org")
    assert went(office) == {}
    clock.move(seconds=1)

    assert went(office) == {Rule.IP: 2}

    assert column(office, consent.c.ip) == [None, None, PAGE.ip, PAGE.ip]
    assert column(office, consent.c.user_agent) == [PAGE.user_agent] * 4
    clock.move(days=30)
    assert went(office) == {Rule.IP: 2, Rule.USER_AGENT: 2}
    assert column(office, consent.c.address) == [ANNA] * 2 + ["berit@example.org"] * 2


def test_what_relays_said_of_a_finished_mailing_goes_and_its_proof_stays(
    office: Office, clock: Clock
) -> None:
    import_readers(office, 5)
    publish_one(office)
    sent(office, DEFERRED)
    clock.move(minutes=5)
    sent(office)
    before = proof.verify(office)
    assert before.ok
    clock.move(days=89)
    assert went(office) == {}
    clock.move(days=1)

    assert went(office) == {Rule.REPLIES: 5}

    assert set(column(office, delivery.c.reply)) == {None}
    assert column(office, delivery.c.code) == [250] * 5
    assert set(column(office, attempt.c.text)) == {""}
    assert proof.verify(office) == before


def test_a_mailing_that_is_not_over_keeps_what_it_may_be_asked_about(
    office: Office, clock: Clock
) -> None:
    import_readers(office, 3)
    publish_one(office)
    sent(office, DEFERRED)
    clock.move(days=400)

    assert went(office) == {}

    assert column(office, attempt.c.text) == ["mailbox full"]


def test_a_mailing_that_went_on_is_looked_through_anew(office: Office, clock: Clock) -> None:
    import_readers(office, 2)
    publish_one(office)
    sent(office)
    clock.move(days=90)
    assert went(office) == {Rule.REPLIES: 2}
    clock.move(seconds=1)
    with office.database.write() as connection:
        connection.execute(text("UPDATE delivery SET reply = 'late words' WHERE id = 1"))
        connection.execute(
            text("UPDATE mailing SET finished_at = :now"),
            {"now": clock().strftime("%Y-%m-%d %H:%M:%S.%f")},
        )
    clock.move(days=89)
    assert went(office) == {}
    clock.move(days=1, seconds=1)

    assert went(office) == {Rule.REPLIES: 1}


def test_what_was_said_of_a_confirmation_stays_as_long_as_its_reader(
    office: Office, clock: Clock
) -> None:
    make_active(office, ANNA)
    sent(office)
    clock.move(days=700)
    retention.let_go(office)

    steps = evidence(office, address=parse_address(ANNA)).steps

    answers = [(step.code, step.words) for step in steps if step.kind == "answer"]
    assert (250, "kept") in answers


def test_who_has_left_long_ago_is_forgotten_but_for_a_hash(office: Office, clock: Clock) -> None:
    make_active(office, ANNA)
    import_readers(office, 1)
    publish_one(office)
    sent(office)
    left(office)
    sent(office)
    before = proof.verify(office)
    clock.move(days=729)
    retention.let_go(office)
    assert people.show(office, address=parse_address(ANNA)).mailbox == ANNA
    clock.move(days=1)

    assert went(office)[Rule.ENDED] == 1

    with pytest.raises(NotFound):
        people.show(office, address=parse_address(ANNA))
    assert _traces_of(office, "anna") == []
    assert proof.verify(office) == before
    assert before.ok
    (batch,) = imports.import_people(
        office, newsroom=UM, people=[Listed(1, ANNA)], evidence="An old list"
    )
    assert batch.tally.imported == 0
    clock.move(days=1)
    make_active(office, ANNA)
    assert people.show(office, address=parse_address(ANNA)).subscriptions[0].state == "active"


def _traces_of(office: Office, word: str) -> list[tuple[str, str]]:
    """Every place in the database where the word stands, in any table."""
    found = []
    with office.database.read() as connection:
        for table in consent.metadata.sorted_tables:
            for row in connection.execute(select(table)):
                shown = (
                    value.decode("latin-1") if isinstance(value, bytes) else value for value in row
                )
                found += [(table.name, str(value)) for value in shown if word in str(value).lower()]
    return found


def test_who_asks_again_or_stays_elsewhere_is_not_forgotten(office: Office, clock: Clock) -> None:
    import_readers(office, 3)
    for number in (1, 2):
        left(office, number)
    sent(office)
    clock.move(days=730)
    sign_up(office, "reader0@example.org")
    imported = imports.import_people(
        office,
        newsroom=office.newsroom("kefm"),
        people=[Listed(1, "reader1@example.org")],
        evidence="sheets",
    )
    assert [batch.tally.imported for batch in imported] == [1]

    assert Rule.ENDED not in went(office)

    for number in range(3):
        assert people.show(office, address=parse_address(f"reader{number}@example.org"))


def test_operators_acts_go_in_the_end(office: Office, clock: Clock) -> None:
    import_readers(office, 2)
    for number in range(2):
        address = parse_address(f"reader{number}@example.org")
        people.end(office, address=address, reason="Asked by phone", who="anna")
        clock.move(days=1)
    clock.move(days=728, seconds=1)
    office = replace(office, retention=Retention(ended=timedelta(days=9999)))

    assert went(office) == {Rule.AUDIT: 1}

    assert len(column(office, audit.c.id)) == 1


def test_a_sign_up_that_nobody_confirmed_goes_after_a_week(office: Office, clock: Clock) -> None:
    sign_up(office, ANNA)
    sent(office)
    clock.move(days=6)
    retention.let_go(office)
    assert people.show(office, address=parse_address(ANNA))
    clock.move(days=1, seconds=1)

    assert retention.foretell(office)[Rule.PENDING] == 1
    assert retention.let_go(office)[Rule.PENDING] == 1

    assert column(office, subscriber.c.id) == []


def test_batches_are_bounded_and_the_rest_follows(
    office: Office, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    import_readers(office, 1500)
    publish_one(office)
    sent(office)
    clock.move(days=90)
    ring(office)
    caplog.set_level(logging.INFO, "mailer")

    steps = []
    while True:
        gone = retention.keep_up(office, batches=1)
        if not any(gone.values()):
            break
        steps.append(gone[Rule.REPLIES])

    assert sum(steps) == 1500
    assert max(steps) <= retention.BATCH
    assert len(steps) == 2
    counted = [record.__dict__["count"] for record in caplog.records if record.msg == "retention"]
    assert sum(counted) == 1500
    assert proof.verify(office).ok


def test_the_timer_lets_one_process_work_and_then_rests(office: Office, clock: Clock) -> None:
    make_active(office, ANNA)
    clock.move(days=31)
    ring(office)

    gone = race(*[lambda: retention.keep_up(office)] * 6)

    assert sum(each.get(Rule.IP, 0) for each in gone) == 2
    assert set(column(office, consent.c.ip)) == {None}
    make_active(office, "berit@example.org")
    clock.move(days=40)
    assert retention.keep_up(office)[Rule.IP] == 2
    clock.move(hours=5, minutes=59)
    assert retention.keep_up(office) == {}


def test_who_dies_amid_it_is_followed_by_another(office: Office, clock: Clock) -> None:
    make_active(office, ANNA)
    clock.move(days=31)
    ring(office)
    with office.database.write() as connection:
        now = clock()
        assert timers.claim(connection, retention.TIMER, now, now + retention.IN_HAND)
    assert retention.keep_up(office) == {}
    clock.move(seconds=retention.IN_HAND.total_seconds())

    assert retention.keep_up(office)[Rule.IP] == 2


def test_consents_are_never_lost_by_retention(office: Office, clock: Clock) -> None:
    make_active(office, ANNA)
    left(office)
    sent(office)
    with office.database.read() as connection:
        before = connection.execute(
            select(consent.c.id, consent.c.act, consent.c.at, consent.c.wording).order_by(
                consent.c.id
            )
        ).all()
    clock.move(days=5000)
    retention.let_go(office)

    with office.database.read() as connection:
        after = connection.execute(
            select(consent.c.id, consent.c.act, consent.c.at, consent.c.wording).order_by(
                consent.c.id
            )
        ).all()
        addresses = connection.scalar(select(func.count()).where(consent.c.address != ""))
    assert after == before
    assert addresses == 0

"""An operator stops a mailing and is told exactly what was reached; again and again, with the same answer."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from support.desk import approve, import_readers, publish_one, race, states, text
from support.offices import START, Clock
from support.workers import die, give_back, record, take

from mailer.core.errors import NotAllowed, NotFound
from mailer.core.release import ReleaseDocument
from mailer.services import control, press, proof, publish, reached
from mailer.services.office import Office
from mailer.services.reached import Answer, Reached
from mailer.store import mailings
from mailer.store.tables import audit


@pytest.fixture
def under_way(office: Office) -> Iterator[Office]:
    """An office with release 1 on its way to nine readers; its account must add up at the end."""
    import_readers(office, 9)
    publish_one(office)
    yield office
    assert proof.verify(office).ok


def notes(office: Office) -> list[tuple[str, str, object]]:
    """What the audit holds of mailings that were stopped."""
    with office.database.read() as connection:
        rows = connection.execute(
            select(audit.c.who, audit.c.act, audit.c.detail)
            .where(audit.c.act.in_(["release pause", "release resume", "release cancel"]))
            .order_by(audit.c.id)
        )
        return [(row.who, row.act, row.detail) for row in rows]


def one(answer: Answer) -> Reached:
    (found,) = answer.mailings
    return found


def pause(office: Office, who: str = "kim", reason: str = "") -> Answer:
    return control.pause(office, 1, who=who, reason=reason, patience=0)


def cancel(office: Office, who: str = "kim", reason: str = "") -> Answer:
    return control.cancel(office, 1, who=who, reason=reason, patience=0)


def resume(office: Office) -> Answer:
    return control.resume(office, 1, who="kim")


def test_a_pause_tells_what_was_settled_and_why_it_is_held(under_way: Office) -> None:
    record(under_way, take(under_way, 4))
    give_back(under_way)
    answer = pause(under_way, reason="a wrong figure")
    assert (answer.release, answer.title, answer.state) == (1, "Nyt", "published")
    assert (answer.changed, answer.calm) == (True, True)
    assert one(answer) == Reached(1, "held", "paused by kim: a wrong figure", True, 9, 4)
    again = pause(under_way, who="anna")
    assert (again.changed, one(again).changed) == (False, False)
    assert one(again).hold_reason == "paused by kim: a wrong figure"
    assert notes(under_way) == [
        ("kim", "release pause", {"mailing": 1, "reason": "a wrong figure"})
    ]


def test_a_resumed_mailing_goes_on_and_dispatchers_are_woken(
    under_way: Office, clock: Clock
) -> None:
    pause(under_way)
    before = clock.woken
    assert one(resume(under_way)).state == "open"
    assert clock.woken == before + 1
    assert not resume(under_way).changed
    assert len(take(under_way)) == 9
    assert [note[1] for note in notes(under_way)] == ["release pause", "release resume"]


def test_a_cancelled_mailing_is_counted_by_fate(under_way: Office) -> None:
    record(under_way, take(under_way, 4))
    give_back(under_way)
    answer = cancel(under_way, reason="withdrawn")
    assert one(answer).states == {"accepted": 4, "cancelled": 5}
    assert (one(answer).settled, one(answer).in_hand, answer.calm) == (9, (), True)
    again = cancel(under_way)
    assert (again.changed, one(again).states) == (False, {"accepted": 4, "cancelled": 5})
    assert notes(under_way) == [("kim", "release cancel", {"mailing": 1, "reason": "withdrawn"})]
    for act in (pause, resume):
        with pytest.raises(NotAllowed, match="was cancelled"):
            act(under_way)


def test_letters_in_hand_are_told_when_patience_ends(under_way: Office) -> None:
    handed = take(under_way, 4)
    for answer in (pause(under_way), cancel(under_way)):
        assert not answer.calm
        (hand,) = one(answer).in_hand
        assert (hand.worker, hand.letters) == ("one", 4)
    record(under_way, handed)
    last = cancel(under_way)
    assert last.calm
    assert one(last).states == {"accepted": 4, "cancelled": 5}
    with under_way.database.read() as connection:
        assert mailings.mailings(connection)[0].finished_at == under_way.clock()


@pytest.mark.parametrize("act", ["pause", "cancel"])
def test_a_dispatcher_that_gives_back_is_waited_for(under_way: Office, act: str) -> None:
    handed = take(under_way, 4)

    def dispatcher() -> None:
        while reached.standing(under_way, 1).mailings[0].state == "open":
            pass
        record(under_way, handed[:1])
        give_back(under_way)

    def operator() -> Answer:
        stop = control.pause if act == "pause" else control.cancel
        return stop(under_way, 1, who="kim", patience=60)

    answer, _ = race(operator, dispatcher)
    assert isinstance(answer, Answer)
    assert answer.calm
    assert one(answer).in_hand == ()
    assert one(answer).settled == (1 if act == "pause" else 9)
    assert states(under_way).get("cancelled", 0) == (0 if act == "pause" else 8)


def test_what_a_dead_dispatcher_held_is_accounted_for_later(under_way: Office) -> None:
    take(under_way, 4)
    assert not cancel(under_way).calm
    die(under_way)
    answer = cancel(under_way)
    assert answer.calm
    assert one(answer).states == {"unknown": 4, "cancelled": 5}


def test_two_operators_at_once_make_one_act(under_way: Office) -> None:
    answers = race(*[lambda: pause(under_way, who="a"), lambda: pause(under_way, who="b")])
    assert sorted(answer.changed for answer in answers) == [False, True]
    answers = race(*[lambda: cancel(under_way)] * 3)
    assert sorted(answer.changed for answer in answers) == [False, False, True]
    assert [note[1] for note in notes(under_way)] == ["release pause", "release cancel"]


def test_a_finished_mailing_says_so(under_way: Office) -> None:
    record(under_way, take(under_way))
    for act in (pause, resume, cancel):
        with pytest.raises(NotAllowed, match="is finished: all 9 are settled"):
            act(under_way)
    assert notes(under_way) == []


@pytest.mark.parametrize(("act", "done"), [(pause, "paused"), (cancel, "cancelled")])
def test_a_release_that_is_not_public_yet_loses_its_approval(
    office: Office, clock: Clock, act: object, done: str
) -> None:
    import_readers(office, 2)
    approve(office, publish_at=START + timedelta(hours=1))
    stop = pause if act is pause else cancel
    answer = stop(office, reason="too early")
    assert (answer.state, answer.changed, answer.mailings) == ("held", True, ())
    assert answer.hold_reason == f"{done} by kim: too early"
    assert not stop(office, who="anna").changed
    clock.move(hours=2)
    assert publish.publish_due(office) == []
    with pytest.raises(NotAllowed, match="has no mailing yet"):
        resume(office)
    assert len(notes(office)) == 1
    press.send(office, 1, who="kim")
    assert len(publish.publish_due(office)) == 1


def test_a_release_that_was_never_let_go_is_held_already(office: Office) -> None:
    press.add_document(office, ReleaseDocument(text()), newsroom="um", who="desk")
    answer = pause(office)
    assert (answer.state, answer.hold_reason, answer.changed) == ("held", press.AWAITS_WORD, False)


def test_pausing_while_it_is_published_holds_one_or_the_other(office: Office) -> None:
    import_readers(office, 2)
    approve(office)
    race(lambda: publish.publish_due(office), lambda: pause(office))
    state = press.shown(office, 1).state
    assert state in {"held", "published"}
    assert take(office) == []
    found = reached.standing(office, 1).mailings
    assert [each.state for each in found] == (["held"] if state == "published" else [])


def test_what_is_not_there_cannot_be_stopped(office: Office) -> None:
    for act in (pause, resume, cancel):
        with pytest.raises(NotFound, match="release 1"):
            act(office)


def test_what_was_withdrawn_or_never_mailed_is_refused(office: Office) -> None:
    import_readers(office, 1)
    publish_one(office)
    with office.database.write() as connection:
        connection.exec_driver_sql("UPDATE mailing SET release_id = NULL")
    with pytest.raises(NotAllowed, match="never mailed"):
        pause(office)
    with office.database.write() as connection:
        connection.exec_driver_sql("UPDATE release SET state = 'withdrawn'")
    with pytest.raises(NotAllowed, match="withdrawn"):
        cancel(office)

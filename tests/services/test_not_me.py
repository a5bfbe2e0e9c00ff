"""“It was not me”, on both databases: silence at once, evidence kept, nothing taken from who subscribes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select
from support.offices import KEFM, Clock
from support.readers import (
    PAGE,
    acts,
    confirm_token,
    leave_token,
    make_active,
    notices,
    requests,
    sign_up,
)
from support.waiting_mail import all_accepted, newest_request, not_me_token

from mailer.core.address import parse_address
from mailer.core.consent import Reply
from mailer.core.errors import NotAllowed, TokenRefused
from mailer.services import confirmation, leaving, not_me, people, waiting
from mailer.services.not_me import Standing
from mailer.services.office import Office
from mailer.services.people import Person
from mailer.store.tables import audit

ANNA = "anna@example.org"


def person(office: Office) -> Person:
    return people.show(office, address=parse_address(ANNA))


def standing(office: Office) -> list[tuple[str, str, str | None]]:
    return [(row.newsroom, row.state, row.end_reason) for row in person(office).subscriptions]


def refuse(office: Office, token: str) -> Standing:
    return not_me.refuse(office, token=token, origin=PAGE).state


def test_one_press_takes_back_suppresses_and_keeps_the_evidence(office: Office) -> None:
    sign_up(office, ANNA)
    token, link = not_me_token(office), confirm_token(office)
    view = not_me.read(office, token=token)
    assert (view.state, view.newsroom_key, view.mailbox) == (Standing.OPEN, "um", ANNA)

    assert refuse(office, token) is Standing.DONE
    assert refuse(office, token) is Standing.DONE

    assert standing(office) == [("um", "ended", "not_me")]
    assert person(office).suppressed == "not_me"
    assert requests(office) == ["expired"]
    assert acts(office, ANNA) == ["asked", "suppressed"]
    assert person(office).evidence[1].evidence == "not_me"
    assert confirmation.confirm(office, token=link, origin=PAGE).state == "expired"


def test_reading_the_link_changes_nothing(office: Office) -> None:
    sign_up(office, ANNA)
    token = not_me_token(office)
    for _ in range(20):
        assert not_me.read(office, token=token).state is Standing.OPEN
    assert acts(office, ANNA) == ["asked"]
    assert person(office).suppressed is None


def test_a_stranger_who_asks_again_gets_silence_at_every_newsroom(
    office: Office, clock: Clock
) -> None:
    sign_up(office, ANNA)
    refuse(office, not_me_token(office))
    for newsroom in (None, KEFM):
        clock.move(days=30)
        reply = sign_up(office, ANNA, newsroom=newsroom) if newsroom else sign_up(office, ANNA)
        assert reply is Reply.SILENCE
    assert [purpose for purpose, *_ in notices(office)] == ["confirm"]
    with pytest.raises(NotAllowed, match="not_me"):
        people.add(office, newsroom=KEFM, address=parse_address(ANNA))


def test_everything_else_that_is_pending_ends_too(office: Office) -> None:
    sign_up(office, ANNA)
    sign_up(office, ANNA, newsroom=KEFM)
    refuse(office, not_me_token(office, 1))
    assert standing(office) == [("um", "ended", "not_me"), ("kefm", "ended", "not_me")]
    assert requests(office) == ["expired", "expired"]


def test_who_subscribes_elsewhere_goes_on_and_this_newsroom_is_silent(
    office: Office, clock: Clock
) -> None:
    make_active(office, ANNA, newsroom=KEFM)
    sign_up(office, ANNA)

    assert refuse(office, not_me_token(office)) is Standing.DONE

    assert person(office).suppressed is None
    assert standing(office) == [("kefm", "active", None), ("um", "ended", "not_me")]
    clock.move(days=30)
    assert sign_up(office, ANNA) is Reply.SILENCE
    assert sign_up(office, ANNA, newsroom=KEFM) is Reply.ALREADY


def test_an_active_subscription_is_not_touched_and_its_page_leads_to_leaving(
    office: Office,
) -> None:
    sign_up(office, ANNA)
    token = not_me_token(office)
    confirmation.confirm(office, token=confirm_token(office), origin=PAGE)
    before = standing(office)

    view = not_me.refuse(office, token=token, origin=PAGE)

    assert view.state is Standing.ACTIVE
    assert standing(office) == before
    assert person(office).suppressed is None
    left = leaving.leave(office, token=view.leave_token, origin=PAGE)
    assert left is not None
    assert left.state == "ended"


def test_the_same_link_takes_it_back_and_the_owner_can_come_in(
    office: Office, clock: Clock
) -> None:
    sign_up(office, ANNA)
    token = not_me_token(office)
    refuse(office, token)
    clock.move(days=1)

    assert not_me.undo(office, token=token, origin=PAGE).state is Standing.OPEN
    assert not_me.undo(office, token=token, origin=PAGE).state is Standing.OPEN

    assert person(office).suppressed is None
    assert standing(office) == [("um", "ended", "ended")]
    assert acts(office, ANNA) == ["asked", "suppressed", "ended"]
    assert person(office).evidence[2].evidence == not_me.UNDONE
    assert sign_up(office, ANNA) is Reply.CONFIRM
    confirmation.confirm(office, token=confirm_token(office), origin=PAGE)
    assert standing(office)[0][1] == "active"


def test_only_what_the_link_did_is_taken_back(office: Office) -> None:
    sign_up(office, ANNA)
    token = not_me_token(office)
    people.suppress(office, address=parse_address(ANNA), reason="complaint")
    refuse(office, token)

    not_me.undo(office, token=token, origin=PAGE)

    assert person(office).suppressed == "complaint"
    assert sign_up(office, ANNA) is Reply.SILENCE


def test_an_operator_takes_it_back_for_who_lost_the_mail(office: Office) -> None:
    sign_up(office, ANNA)
    refuse(office, not_me_token(office))
    address = parse_address(ANNA)
    for bad in ("", "  ", "because\u202e"):
        with pytest.raises(NotAllowed, match="reason"):
            not_me.lift_for(office, address=address, reason=bad, who="anna")
    seen = [
        not_me.lift_for(office, address=address, reason="Asked by phone", who="anna")
        for _ in range(2)
    ]
    assert seen == [True, False]
    assert person(office).suppressed is None
    assert person(office).evidence[2].evidence == "Asked by phone (anna)"
    with office.database.read() as connection:
        (act,) = connection.execute(select(audit)).all()
    assert (act.who, act.act, act.subject) == ("anna", "subscriber lift", "subscription:1")
    assert sign_up(office, ANNA) is Reply.CONFIRM


def test_a_complaint_is_not_lifted_by_it(office: Office) -> None:
    people.suppress(office, address=parse_address(ANNA), reason="complaint")
    address = parse_address(ANNA)
    assert not not_me.lift_for(office, address=address, reason="Asked by phone", who="anna")
    assert person(office).suppressed == "complaint"


def test_a_link_to_what_was_forgotten_says_so(office: Office, clock: Clock) -> None:
    sign_up(office, ANNA)
    token = not_me_token(office)
    all_accepted(office)
    for _ in range(3):
        clock.move(days=3)
        waiting.tend(office)
        all_accepted(office)
    for act in (not_me.refuse, not_me.undo):
        assert act(office, token=token, origin=PAGE).state is Standing.GONE
    assert not_me.read(office, token=token).state is Standing.GONE


def test_a_link_is_good_for_its_own_purpose_alone(office: Office) -> None:
    sign_up(office, ANNA)
    token = not_me_token(office)
    for bad in (confirm_token(office), leave_token(office), token[:-1], token + "A", ""):
        with pytest.raises(TokenRefused):
            refuse(office, bad)
        with pytest.raises(TokenRefused):
            not_me.undo(office, token=bad, origin=PAGE)
    with pytest.raises(TokenRefused):
        confirmation.confirm(office, token=token, origin=PAGE)
    assert requests(office) == ["open"]


def test_a_press_and_a_confirmation_at_once_never_leave_somebody_active_and_suppressed(
    office: Office,
) -> None:
    names = [f"reader{number}@example.org" for number in range(8)]
    numbers = []
    for name in names:
        sign_up(office, name)
        numbers.append(newest_request(office))
    gate = Barrier(2)

    def all_of(press: Callable[[int], object], order: list[int]) -> None:
        gate.wait()
        for number in order:
            press(number)

    def confirm(number: int) -> object:
        return confirmation.confirm(office, token=confirm_token(office, number), origin=PAGE)

    with ThreadPoolExecutor(2) as pool:
        for done in (
            pool.submit(all_of, confirm, numbers),
            pool.submit(
                all_of, lambda number: refuse(office, not_me_token(office, number)), numbers[::-1]
            ),
        ):
            done.result()
    for name in names:
        found = people.show(office, address=parse_address(name))
        active = found.subscriptions[0].state == "active"
        assert active is (found.suppressed is None)

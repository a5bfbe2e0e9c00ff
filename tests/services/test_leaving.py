"""Leaving and coming back, on both databases: granted always, undone once, proven each time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from support.desk import ACCEPTED, came_of, import_readers, lease, race
from support.offices import KEFM, UM, Clock
from support.readers import (
    PAGE,
    acts,
    confirm_token,
    last_departure,
    leave_token,
    make_active,
    notices,
    rejoin_token,
    sign_up,
)

from mailer.core.address import parse_address
from mailer.core.consent import SubscriptionState
from mailer.core.delivery import Due, Purpose
from mailer.core.errors import NotFound, TokenRefused
from mailer.core.newsroom import Newsroom
from mailer.core.token import LinkPurpose, Tokens
from mailer.mail.compose import Composer
from mailer.services import leaving, people, proof, rejoining
from mailer.services.kept import as_prepared
from mailer.services.leaving import LeaveView
from mailer.services.office import Office
from mailer.services.rejoining import RejoinView
from mailer.store import ledger, messages, moves, outcomes
from mailer.store.people import SubscriptionRow
from mailer.store.tables import consent, subscription, wording
from mailer.texts.wording import subscribe_wording

ANNA = "anna@example.org"


def leave(office: Office, number: int = 1) -> LeaveView:
    view = leaving.leave(office, token=leave_token(office, number), origin=PAGE)
    assert view is not None
    return view


def come_back(office: Office, token: str) -> RejoinView:
    return rejoining.rejoin(office, token=token, language="da", origin=PAGE)


def standing(office: Office, address: str = ANNA) -> SubscriptionRow:
    return people.show(office, address=parse_address(address)).subscriptions[0]


def purposes(office: Office) -> list[str]:
    return [purpose for purpose, *_ in notices(office)]


def handed_out(office: Office) -> Sequence[Due]:
    """What a dispatcher would send now; it is accepted."""
    with office.database.write() as connection:
        taken = ledger.take(connection, lease(office), 100, notices=100)
        recorded = [came_of(due, ACCEPTED, office) for due in taken]
        outcomes.record(connection, lease(office), recorded)
    return taken


@pytest.mark.parametrize("confirmed", [True, False])
def test_leaving_is_granted_from_any_state_and_only_once(office: Office, confirmed: bool) -> None:
    if confirmed:
        make_active(office, ANNA)
    else:
        sign_up(office, ANNA)
    generation = standing(office).generation

    views = [leave(office) for _ in range(2)]

    assert [view.state for view in views] == ["ended", "ended"]
    assert views[0] == views[1] == leaving.read_leave(office, token=leave_token(office))
    assert views[0].way_back is confirmed
    found = standing(office)
    assert (found.state, found.generation, found.end_reason) == ("ended", generation + 1, "left")
    assert acts(office, ANNA).count("left") == 1
    assert purposes(office).count("left") == confirmed


def test_a_link_works_for_ever_and_with_keys_that_were_replaced(
    office: Office, clock: Clock
) -> None:
    import_readers(office, 1)
    token = leave_token(office)
    clock.move(days=20 * 365)
    renewed = Tokens(["token-key-for-tests-0001", "another-key-for-tests-0002"])
    later = replace(office, keys=replace(office.keys, tokens=renewed))

    view = leaving.leave(later, token=token, origin=PAGE)

    assert view is not None
    assert view.state == "ended"
    assert leaving.leave(later, token=leave_token(later), origin=PAGE) == view


def test_a_link_whose_subscription_is_no_longer_kept_has_nothing_left_to_end(
    office: Office,
) -> None:
    token = leave_token(office, 77)

    assert leaving.read_leave(office, token=token) is None
    assert leaving.leave(office, token=token, origin=PAGE) is None


def test_a_link_to_what_was_merged_ends_what_goes_on_in_its_place(office: Office) -> None:
    import_readers(office, 2)
    leave(office, 1)
    with office.database.write() as connection:
        moves.merge(connection, 1, 2)

    assert leave(office, 1).state == "ended"

    assert standing(office, "reader1@example.org").state == "ended"
    assert acts(office, "reader1@example.org") == ["imported", "left"]


def test_the_last_mail_goes_out_although_its_reader_has_left(office: Office) -> None:
    import_readers(office, 1)
    leave(office)
    assert notices(office) == [
        ("left", f"consent:{last_departure(office)}", "reader0@example.org", "da")
    ]

    (due,) = handed_out(office)

    with office.database.read() as connection:
        prepared = as_prepared(messages.read_prepared(connection, due.prepared_id))
    message = Composer(office.keys.tokens, office.keys.marks).compose(prepared, due)
    assert due.purpose is Purpose.LEFT
    assert f"/rejoin/{rejoin_token(office)}" in message.content.decode().replace("=\r\n", "")
    assert b"List-Unsubscribe" not in message.content


def test_who_is_back_already_gets_no_last_mail(office: Office) -> None:
    import_readers(office, 1)
    leave(office)
    come_back(office, rejoin_token(office))

    assert [due.purpose for due in handed_out(office)] == ["welcome"]


def test_who_came_back_and_was_ended_by_an_operator_gets_no_last_mail(office: Office) -> None:
    """Its way back is closed, and it was not by the reader's own hand that the subscription ended."""
    import_readers(office, 1)
    leave(office)
    come_back(office, rejoin_token(office))
    reader = parse_address("reader0@example.org")
    people.end(office, address=reader, reason="Asked by phone", who="anna")

    assert handed_out(office) == []


def test_of_two_leavings_the_last_mail_is_about_the_second(office: Office) -> None:
    import_readers(office, 1)
    leave(office)
    come_back(office, rejoin_token(office))
    leave(office)

    (due,) = handed_out(office)

    assert (due.purpose, due.cause) == (Purpose.LEFT, f"consent:{last_departure(office)}")


def test_a_suppressed_address_gets_no_last_mail(office: Office) -> None:
    import_readers(office, 1)
    leave(office)
    people.suppress(office, address=parse_address("reader0@example.org"), reason="complaint")

    assert handed_out(office) == []


def test_nobody_else_ends_a_subscription_with_a_mail(office: Office) -> None:
    import_readers(office, 2)
    first, second = (parse_address(f"reader{number}@example.org") for number in range(2))

    people.end(office, address=first, reason="Asked by phone", who="anna")
    people.suppress(office, address=second, reason="complaint")
    leave(office, 1)

    assert notices(office) == []


@pytest.mark.parametrize("newsrooms", [{"um": replace(UM, farewell=False)}, {"kefm": KEFM}])
def test_a_newsroom_lets_go_without_a_word_if_it_wants_to_or_is_gone(
    office: Office, newsrooms: dict[str, Newsroom]
) -> None:
    import_readers(office, 1)
    office = replace(office, newsrooms=newsrooms)

    assert not leave(office).way_back

    assert notices(office) == []


def test_coming_back_brings_back_the_choice_and_is_evidence(office: Office, clock: Clock) -> None:
    make_active(office, ANNA)
    pause = clock() + timedelta(days=30)
    with office.database.write() as connection:
        connection.execute(
            update(subscription).values(
                languages=["en", "da"], topics=["climate"], paused_until=pause
            )
        )
    before = standing(office)
    leave(office)
    clock.move(days=6)

    view = rejoining.rejoin(
        office,
        token=office.keys.tokens.sign(LinkPurpose.REJOIN, last_departure(office), clock()),
        language="en",
        origin=PAGE,
    )

    assert (view.newsroom_key, view.mailbox, view.state) == ("um", ANNA, "active")
    found = standing(office)
    assert found.choice == before.choice
    assert (found.state, found.active_since) == (SubscriptionState.ACTIVE, clock())
    assert acts(office, ANNA) == ["asked", "confirmed", "left", "confirmed"]
    with office.database.read() as connection:
        last = connection.execute(
            select(consent.c.ip, consent.c.user_agent, wording.c.text)
            .join(wording, wording.c.hash == consent.c.wording)
            .order_by(consent.c.id.desc())
        ).first()
    assert last == (PAGE.ip, PAGE.user_agent, subscribe_wording(UM, "en"))
    assert purposes(office) == ["confirm", "welcome", "left", "welcome"]
    assert proof.verify(office).ok


def test_a_way_back_works_once(office: Office) -> None:
    import_readers(office, 1)
    leave(office)
    token = rejoin_token(office)

    assert rejoining.read_rejoin(office, token=token).state == "open"
    assert come_back(office, token) == come_back(office, token)
    leave(office)

    assert rejoining.read_rejoin(office, token=token).state == "expired"
    assert come_back(office, token).state == "expired"
    assert standing(office, "reader0@example.org").state == "ended"
    assert acts(office, "reader0@example.org") == ["imported", "left", "confirmed", "left"]


def test_a_way_back_closes_after_seven_days(office: Office, clock: Clock) -> None:
    import_readers(office, 1)
    leave(office)
    token = rejoin_token(office)
    clock.move(days=7)
    assert rejoining.read_rejoin(office, token=token).state == "open"
    assert leaving.read_leave(office, token=leave_token(office)) == replace(
        leave(office), way_back=True
    )
    clock.move(seconds=1)

    assert rejoining.read_rejoin(office, token=token).state == "expired"
    assert come_back(office, token).state == "expired"
    assert not leave(office).way_back
    assert acts(office, "reader0@example.org") == ["imported", "left"]


def test_what_happens_to_the_subscription_later_closes_the_way_back(office: Office) -> None:
    import_readers(office, 1)
    leave(office)
    token = rejoin_token(office)
    with office.database.write() as connection:
        connection.execute(update(subscription).values(generation=subscription.c.generation + 1))

    assert come_back(office, token).state == "expired"


def test_a_suppression_closes_the_way_back(office: Office) -> None:
    import_readers(office, 1)
    leave(office)
    token = rejoin_token(office)
    people.suppress(office, address=parse_address("reader0@example.org"), reason="complaint")

    assert come_back(office, token).state == "expired"
    assert standing(office, "reader0@example.org").state == "ended"


def test_without_a_last_mail_there_is_no_way_back(office: Office) -> None:
    import_readers(office, 1)
    silent = replace(office, newsrooms={"um": replace(UM, farewell=False)})
    leave(silent)

    assert come_back(office, rejoin_token(office)).state == "expired"


def test_a_way_back_is_good_for_its_own_purpose_alone(office: Office) -> None:
    make_active(office, ANNA)
    leave(office)
    token = rejoin_token(office)

    for bad in (leave_token(office), confirm_token(office), token[:-1] + "~", "", "x"):
        with pytest.raises(TokenRefused):
            come_back(office, bad)
    with pytest.raises(TokenRefused):
        leaving.leave(office, token=token, origin=PAGE)
    for entry in (1, 2, 77):  # asked, confirmed, not there
        named = office.keys.tokens.sign(LinkPurpose.REJOIN, entry, office.clock())
        with pytest.raises(NotFound):
            come_back(office, named)


def test_there_is_no_way_back_to_a_newsroom_that_is_gone(office: Office) -> None:
    import_readers(office, 1)
    leave(office)
    gone = replace(office, newsrooms={"kefm": KEFM})

    with pytest.raises(NotFound, match="um"):
        come_back(gone, rejoin_token(office))

    assert acts(office, "reader0@example.org") == ["imported", "left"]


def test_many_presses_at_once_bring_back_once(office: Office) -> None:
    import_readers(office, 1)
    leave(office)
    token = rejoin_token(office)

    views = race(*[lambda: [come_back(office, token) for _ in range(10)]] * 10)

    assert {view.state for some in views for view in some} == {"active"}
    assert acts(office, "reader0@example.org") == ["imported", "left", "confirmed"]
    assert purposes(office) == ["left", "welcome"]


def test_many_one_clicks_at_once_leave_once(office: Office) -> None:
    import_readers(office, 1)

    views = race(*[lambda: [leave(office) for _ in range(10)]] * 10)

    assert {view.state for some in views for view in some} == {"ended"}
    assert acts(office, "reader0@example.org") == ["imported", "left"]
    assert purposes(office) == ["left"]

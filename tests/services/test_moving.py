"""A change of address: nothing moves unconfirmed, nothing is lost or doubled, both mailboxes are told."""

from collections.abc import Callable

import pytest
from sqlalchemy import select, update
from support import moving as moves
from support.choosing import PAGE, open_link
from support.desk import ACCEPTED, came_of, lease, publish_one, race
from support.moving import confirm, move_number
from support.offices import KEFM, Clock
from support.readers import (
    acts,
    confirm_token,
    leave_token,
    make_active,
    notices,
    sign_up,
)

from mailer.core.address import parse_address
from mailer.core.choice import Choice
from mailer.core.delivery import Due
from mailer.core.errors import AddressRefused, LinkOver, NotAllowed, NotFound, TryLater
from mailer.services import choices, confirmation, leaving, moving, people, proof
from mailer.services.moving import MoveView
from mailer.services.office import Office
from mailer.store import ledger, outcomes
from mailer.store.ledger_tables import delivery
from mailer.store.tables import consent, subscriber, subscription

OLD, NEW = "anna@old.example", "anna@new.example"


def ask(office: Office, token: str, address: str = NEW) -> None:
    moves.ask(office, token, address)


def move(office: Office, address: str = NEW) -> MoveView:
    return moves.move(office, OLD, address)


def standing(office: Office, address: str) -> list[tuple[str, str]]:
    """Newsroom and state of each of a mailbox's subscriptions."""
    try:
        found = people.show(office, address=parse_address(address)).subscriptions
    except NotFound:
        return []
    return [(one.newsroom, one.state) for one in found]


def told(office: Office) -> list[tuple[str, str]]:
    """Purpose and mailbox of every notice about a change of address."""
    return [
        (purpose, mailbox)
        for purpose, _, mailbox, _ in notices(office)
        if purpose in {"move", "moving", "moved"}
    ]


def due(office: Office) -> list[Due]:
    """Every release that is handed out now."""
    with office.database.write() as connection:
        handed = ledger.take(connection, lease(office), 500)
    return [one for one in handed if one.mailing_id is not None]


def test_asking_moves_nothing_and_tells_both(office: Office) -> None:
    make_active(office, OLD)
    ask(office, open_link(office, OLD))
    assert told(office) == [("move", NEW), ("moving", OLD)]
    assert standing(office, OLD) == [("um", "active")]
    assert standing(office, NEW) == [("um", "pending")]
    assert acts(office, NEW) == ["asked"]
    view = moving.read(office, request_id=move_number(office))
    assert view is not None
    assert (view.mailbox, view.newsroom_keys, view.state) == (NEW, ("um",), "open")


def test_confirming_moves_everything_and_keeps_what_was_chosen(office: Office) -> None:
    make_active(office, OLD)
    make_active(office, OLD, newsroom=KEFM)
    token = open_link(office, OLD)
    link = choices.read(office, token=token)
    mark = choices.mark_of(link.subscriptions[0])
    chosen = Choice(("en", "da"))
    choices.change(office, token=token, newsroom_key="um", choice=chosen, mark=mark, origin=PAGE)
    ask(office, token)

    view = confirm(office)

    assert (view.state, set(view.newsroom_keys)) == ("confirmed", {"um", "kefm"})
    assert sorted(standing(office, NEW)) == [("kefm", "active"), ("um", "active")]
    assert standing(office, OLD) == [("um", "ended")]
    (um,) = [
        one
        for one in people.show(office, address=parse_address(NEW)).subscriptions
        if one.newsroom == "um"
    ]
    assert um.choice == chosen
    assert acts(office, NEW) == ["asked", "confirmed", "chosen", "confirmed"]
    assert told(office)[-1] == ("moved", OLD)
    with office.database.read() as connection:
        entry = connection.execute(
            select(consent).where(consent.c.subscription_id == um.id).order_by(consent.c.id.desc())
        ).first()
    assert entry is not None
    assert (entry.address, entry.request_id) == (NEW, move_number(office))
    assert entry.choice["languages"] == ["en", "da"]


def test_confirming_again_changes_nothing(office: Office) -> None:
    make_active(office, OLD)
    first = move(office)
    before = (acts(office, NEW), told(office))
    assert confirm(office) == first
    assert (acts(office, NEW), told(office)) == before


def test_racing_presses_move_once(office: Office) -> None:
    make_active(office, OLD)
    ask(office, open_link(office, OLD))
    views = race(*[lambda: confirm(office)] * 8)
    assert {view.state for view in views} == {"confirmed"}
    assert [purpose for purpose, _ in told(office)].count("moved") == 1
    assert acts(office, NEW) == ["asked", "confirmed", "confirmed"]


def test_links_to_choices_die_and_links_to_leave_live(office: Office) -> None:
    make_active(office, OLD)
    token = open_link(office, OLD)
    ask(office, token)
    confirm(office)
    with pytest.raises(LinkOver):
        choices.read(office, token=token)
    leaving.leave(office, token=leave_token(office, 1), origin=PAGE)
    assert standing(office, NEW) == [("um", "ended")]


def test_the_request_lapses_with_its_link(office: Office, clock: Clock) -> None:
    make_active(office, OLD)
    ask(office, open_link(office, OLD))
    clock.move(hours=72)
    assert confirm(office).state == "expired"
    assert standing(office, OLD) == [("um", "active")]


def test_a_wish_that_was_taken_back_is_not_mailed_any_more(office: Office) -> None:
    make_active(office, OLD)
    token = open_link(office, OLD)
    ask(office, token)
    assert moving.stay(office, token=token)
    with office.database.write() as connection:
        handed = ledger.take(connection, lease(office), 0, notices=50)
    assert "move" not in {one.purpose for one in handed}
    assert {"manage", "moving"} <= {one.purpose for one in handed}


def test_a_later_wish_replaces_an_earlier_one(office: Office) -> None:
    make_active(office, OLD)
    token = open_link(office, OLD)
    ask(office, token, "slip@new.example")
    first = move_number(office)
    ask(office, token)
    view = moving.confirm(office, request_id=first, origin=PAGE)
    assert view is not None
    assert view.state == "expired"
    assert confirm(office).state == "confirmed"
    assert standing(office, "slip@new.example") == [("um", "pending")]


def test_who_left_meanwhile_does_not_come_back_by_moving(office: Office) -> None:
    make_active(office, OLD)
    ask(office, open_link(office, OLD))
    leaving.leave(office, token=leave_token(office, 1), origin=PAGE)
    assert confirm(office).state == "expired"
    assert standing(office, OLD) == [("um", "ended")]
    assert standing(office, NEW) == [("um", "pending")]


def test_a_suppressed_address_is_never_written_to_nor_moved_to(office: Office) -> None:
    make_active(office, OLD)
    people.suppress(office, address=parse_address(NEW), reason="complaint")
    ask(office, open_link(office, OLD))
    assert told(office) == [("moving", OLD)], "the answer is the same, and no mail goes there"
    assert confirm(office).state == "expired"
    assert standing(office, OLD) == [("um", "active")]


def test_who_is_suppressed_before_confirming_stays_so(office: Office) -> None:
    make_active(office, OLD)
    ask(office, open_link(office, OLD))
    people.suppress(office, address=parse_address(NEW), reason="complaint")
    assert confirm(office).state == "expired"
    assert standing(office, OLD) == [("um", "active")]


def test_the_own_address_is_no_new_one_and_five_wishes_are_enough(office: Office) -> None:
    make_active(office, OLD)
    token = open_link(office, OLD)
    with pytest.raises(AddressRefused, match="the address there is"):
        ask(office, token, "ANNA@old.example")
    for number in range(moving.WISHES_A_DAY):
        ask(office, token, f"reader{number}@new.example")
    with pytest.raises(NotAllowed, match="too often"):
        ask(office, token)


def test_one_mail_to_the_same_new_address_within_the_interval(office: Office, clock: Clock) -> None:
    make_active(office, OLD)
    token = open_link(office, OLD)
    for _ in range(3):
        ask(office, token)
        clock.move(minutes=1)
    assert [purpose for purpose, _ in told(office)].count("move") == 1


def test_without_a_subscription_there_is_nothing_to_move(office: Office) -> None:
    make_active(office, OLD)
    leaving.leave(office, token=leave_token(office, 1), origin=PAGE)
    with pytest.raises(NotAllowed, match="no subscription"):
        ask(office, open_link(office, OLD))


def test_an_open_sign_up_of_the_new_address_brings_nothing_to_the_old(office: Office) -> None:
    """The two change places: a link that was mailed to the new mailbox must not wake the old one."""
    make_active(office, OLD)
    sign_up(office, NEW)
    token = confirm_token(office)
    move(office)
    assert confirmation.confirm(office, token=token, origin=PAGE).state == "expired"
    assert standing(office, OLD) == [("um", "ended")]
    assert standing(office, NEW) == [("um", "active")]


@pytest.fixture
def both(office: Office, clock: Clock) -> Callable[[], None]:
    """Both mailboxes subscribe already: the old one since an hour earlier."""

    def make() -> None:
        make_active(office, OLD)
        clock.move(hours=1)
        make_active(office, NEW)
        clock.move(hours=1)

    return make


def test_two_subscriptions_become_one(office: Office, both: Callable[[], None]) -> None:
    both()
    assert move(office).state == "confirmed"
    assert standing(office, NEW) == [("um", "active")]
    assert standing(office, OLD) == [("um", "ended")]
    publish_one(office)
    assert [one.mailbox for one in due(office)] == [NEW]


def test_a_release_under_way_to_both_comes_once(office: Office, both: Callable[[], None]) -> None:
    both()
    publish_one(office)
    move(office)
    assert [one.mailbox for one in due(office)] == [NEW]
    assert proof.verify(office).ok


def test_a_release_under_way_to_the_old_alone_comes_to_the_new(
    office: Office, clock: Clock
) -> None:
    make_active(office, OLD)
    publish_one(office)
    clock.move(hours=1)
    make_active(office, NEW)
    clock.move(hours=1)
    move(office)
    assert [one.mailbox for one in due(office)] == [NEW]
    assert proof.verify(office).ok


def test_a_release_under_way_to_the_new_alone_is_not_lost(office: Office, clock: Clock) -> None:
    make_active(office, NEW)
    publish_one(office)
    clock.move(hours=1)
    make_active(office, OLD)
    clock.move(hours=1)
    move(office)
    assert [one.mailbox for one in due(office)] == [NEW]
    assert standing(office, NEW) == [("um", "active")]
    assert proof.verify(office).ok


def test_where_neither_could_end_without_a_loss_the_press_waits(
    office: Office, clock: Clock
) -> None:
    """Each is owed what the other is not: one was away when the first was published, one for the second."""
    make_active(office, OLD)
    publish_one(office, title="One")
    leaving.leave(office, token=leave_token(office, 1), origin=PAGE)
    clock.move(hours=1)
    make_active(office, NEW)
    publish_one(office, title="Two")
    clock.move(hours=1)
    make_active(office, OLD)
    clock.move(hours=1)
    ask(office, open_link(office, OLD))
    with pytest.raises(TryLater, match="on their way to both"):
        confirm(office)
    assert standing(office, OLD) == standing(office, NEW) == [("um", "active")]
    with office.database.write() as connection:
        connection.execute(
            update(delivery).where(delivery.c.mailing_id.is_not(None)).values(state="accepted")
        )
    assert confirm(office).state == "confirmed"


@pytest.mark.parametrize("link_of", [1, 2])
def test_links_to_leave_of_both_end_the_one_that_goes_on(
    office: Office, both: Callable[[], None], link_of: int
) -> None:
    both()
    move(office)
    leaving.leave(office, token=leave_token(office, link_of), origin=PAGE)
    assert standing(office, NEW) == standing(office, OLD) == [("um", "ended")]


def test_what_is_under_way_goes_to_the_new_mailbox_and_the_count_adds_up(office: Office) -> None:
    make_active(office, OLD)
    make_active(office, "other@example.org")
    publish_one(office)
    move(office)
    handed = due(office)
    assert sorted(one.mailbox for one in handed) == [NEW, "other@example.org"]
    with office.database.write() as connection:
        outcomes.record(
            connection, lease(office), [came_of(one, ACCEPTED, office) for one in handed]
        )
    report = proof.verify(office)
    assert report.ok, report


def test_moving_there_and_back_again(office: Office, clock: Clock) -> None:
    make_active(office, OLD)
    move(office)
    clock.move(hours=1)
    token = open_link(office, NEW)
    ask(office, token, OLD)
    assert confirm(office).state == "confirmed"
    assert standing(office, OLD) == [("um", "active")]
    assert standing(office, NEW) == [("um", "ended")]
    leaving.leave(office, token=leave_token(office, 2), origin=PAGE)
    assert standing(office, OLD) == [("um", "ended")]
    assert proof.verify(office).ok


def test_the_evidence_stays_append_only(office: Office, both: Callable[[], None]) -> None:
    both()
    with office.database.read() as connection:
        before = connection.execute(select(consent).order_by(consent.c.id)).all()
    move(office)
    with office.database.read() as connection:
        after = connection.execute(select(consent).order_by(consent.c.id)).all()
    assert after[: len(before)] == before
    assert len(after) > len(before)


def test_one_mailbox_is_one_subscriber_and_has_one_subscription_a_newsroom(
    office: Office, both: Callable[[], None]
) -> None:
    both()
    make_active(office, OLD, newsroom=KEFM)
    move(office)
    with office.database.read() as connection:
        rows = connection.execute(
            select(subscriber.c.mailbox, subscription.c.newsroom, subscription.c.state)
            .join_from(subscription, subscriber)
            .order_by(subscription.c.id)
        ).all()
    assert sorted(tuple(row) for row in rows) == [
        (NEW, "kefm", "active"),
        (NEW, "um", "active"),
        (OLD, "um", "ended"),
    ]

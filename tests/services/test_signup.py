"""Sign-up with double opt-in, on both databases: what is asked, confirmed, left, and proven."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from support.offices import KEFM, UM, Clock
from support.readers import (
    PAGE,
    WORDING,
    acts,
    confirm_token,
    leave_token,
    make_active,
    notices,
    requests,
    sign_up,
)

from mailer.core.address import parse_address
from mailer.core.consent import Origin, Reply
from mailer.core.errors import NotFound, TokenRefused
from mailer.core.token import LinkPurpose
from mailer.services import confirmation, leaving, people, signup, waiting
from mailer.services.office import Office

ANNA = "Anna@Example.org"


def standing(office: Office, address: str = ANNA) -> list[tuple[str, str, tuple[str, ...], int]]:
    """Newsroom, state, languages and generation of each of a mailbox's subscriptions."""
    found = people.show(office, address=parse_address(address))
    return [(row.newsroom, row.state, row.languages, row.generation) for row in found.subscriptions]


def at_once(deeds: Sequence[Callable[[], object]]) -> None:
    """Do each deed in a thread of its own, all beginning at the same moment."""
    gate = Barrier(len(deeds))
    with ThreadPoolExecutor(len(deeds)) as pool:
        running = [pool.submit(_when_open, gate, deed) for deed in deeds]
    for one in running:
        one.result()


def _when_open(gate: Barrier, deed: Callable[[], object]) -> None:
    gate.wait()
    deed()


def test_a_sign_up_owes_one_confirmation_and_keeps_the_evidence(
    office: Office, clock: Clock
) -> None:
    signup.subscribe(
        office,
        newsroom=UM,
        address=parse_address(ANNA),
        language="en",
        wording=WORDING,
        origin=Origin(form="subscribe", ip="192.0.2.7", user_agent="x" * 600 + "\0"),
    )

    assert notices(office) == [("confirm", "request:1", "Anna@example.org", "en")]
    assert standing(office) == [("um", "pending", ("en",), 0)]
    assert clock.woken == 1
    (entry,) = people.show(office, address=parse_address(ANNA)).evidence
    assert (entry.act, entry.address, entry.form) == ("asked", ANNA, "subscribe")
    assert (entry.ip, entry.wording, entry.at) == ("192.0.2.7", WORDING, clock())
    assert entry.user_agent == "x" * 500


def test_confirming_activates_once_and_sends_one_receipt(office: Office, clock: Clock) -> None:
    sign_up(office, ANNA)
    token = confirm_token(office)
    assert confirmation.read_request(office, token=token).state == "open"
    clock.move(hours=1)

    first = confirmation.confirm(office, token=token, origin=PAGE)
    again = confirmation.confirm(office, token=token, origin=PAGE)

    assert first == again
    assert (first.newsroom_key, first.mailbox, first.language, first.state) == (
        "um",
        "Anna@example.org",
        "da",
        "confirmed",
    )
    assert standing(office) == [("um", "active", ("da",), 1)]
    assert acts(office, ANNA) == ["asked", "confirmed"]
    assert [purpose for purpose, *_ in notices(office)] == ["confirm", "welcome"]
    person = people.show(office, address=parse_address(ANNA))
    assert person.subscriptions[0].active_since == clock()
    assert person.evidence[1].wording == WORDING


def test_reading_links_changes_nothing(office: Office) -> None:
    sign_up(office, ANNA)
    token = confirm_token(office)

    for _ in range(3):
        assert confirmation.read_request(office, token=token).state == "open"
        found = leaving.read_leave(office, token=leave_token(office))
        assert found is not None
        assert found.state == "pending"

    assert acts(office, ANNA) == ["asked"]
    assert requests(office) == ["open"]


def test_a_strangers_sign_up_leaves_an_active_subscription_as_it_is(
    office: Office, clock: Clock
) -> None:
    make_active(office, ANNA)
    before = standing(office)
    clock.move(hours=1)

    assert sign_up(office, "anna@example.ORG", language="en") is Reply.ALREADY

    assert standing(office) == before
    assert requests(office) == ["confirmed", "answered"]
    assert notices(office)[-1] == ("already", "request:2", "Anna@example.org", "en")


def test_a_mailbox_gets_one_mail_within_the_interval(office: Office, clock: Clock) -> None:
    replies = []
    for _ in range(12):
        replies.append(sign_up(office, ANNA))
        clock.move(minutes=1)

    assert [number for number, reply in enumerate(replies) if reply is Reply.CONFIRM] == [0, 10]
    assert len(notices(office)) == 2
    assert acts(office, ANNA) == ["asked"] * 12


def test_who_has_answered_our_mail_is_answered_again_at_once(office: Office) -> None:
    make_active(office, ANNA)
    assert sign_up(office, ANNA) is Reply.ALREADY
    assert sign_up(office, ANNA) is Reply.SILENCE

    leaving.leave(office, token=leave_token(office), origin=PAGE)

    assert sign_up(office, ANNA) is Reply.CONFIRM
    assert sign_up(office, ANNA) is Reply.SILENCE


def test_newsrooms_are_subscribed_to_one_by_one(office: Office) -> None:
    assert sign_up(office, ANNA) is Reply.CONFIRM
    assert sign_up(office, ANNA, newsroom=KEFM, language="da") is Reply.CONFIRM
    confirmation.confirm(office, token=confirm_token(office, 2), origin=PAGE)

    assert standing(office) == [("um", "pending", ("da",), 0), ("kefm", "active", ("en",), 1)]


def test_a_suppressed_address_gets_an_entry_and_no_mail(office: Office) -> None:
    people.suppress(office, address=parse_address(ANNA), reason="complaint")

    assert sign_up(office, ANNA) is Reply.SILENCE

    assert notices(office) == []
    assert acts(office, ANNA) == ["asked"]
    assert requests(office) == ["answered"]


def test_who_was_suppressed_after_asking_cannot_confirm(office: Office) -> None:
    sign_up(office, ANNA)
    token = confirm_token(office)
    people.suppress(office, address=parse_address(ANNA), reason="complaint")

    assert confirmation.read_request(office, token=token).state == "expired"
    assert confirmation.confirm(office, token=token, origin=PAGE).state == "expired"

    assert standing(office) == [("um", "ended", ("da",), 1)]
    assert acts(office, ANNA) == ["asked", "suppressed"]


def test_a_request_expires_after_72_hours(office: Office, clock: Clock) -> None:
    sign_up(office, ANNA)
    token = confirm_token(office)
    clock.move(hours=72)
    assert confirmation.read_request(office, token=token).state == "expired"
    assert confirmation.confirm(office, token=token, origin=PAGE).state == "expired"
    assert requests(office) == ["open"]

    assert waiting.expire_requests(office) == 1
    assert waiting.expire_requests(office) == 0

    assert requests(office) == ["expired"]
    assert standing(office) == [("um", "pending", ("da",), 0)]


def test_an_old_link_that_was_used_still_says_confirmed(office: Office, clock: Clock) -> None:
    sign_up(office, ANNA)
    token = confirm_token(office)
    confirmation.confirm(office, token=token, origin=PAGE)
    clock.move(days=300)

    assert confirmation.confirm(office, token=token, origin=PAGE).state == "confirmed"


def test_a_second_request_confirmed_later_changes_the_language_alone(
    office: Office, clock: Clock
) -> None:
    sign_up(office, ANNA, language="da")
    first = confirm_token(office)
    clock.move(minutes=30)
    sign_up(office, ANNA, language="en")
    second = confirm_token(office)

    confirmation.confirm(office, token=second, origin=PAGE)
    assert standing(office) == [("um", "active", ("en",), 1)]
    assert confirmation.read_request(office, token=first).state == "open"
    confirmation.confirm(office, token=first, origin=PAGE)

    assert standing(office) == [("um", "active", ("da",), 1)]
    assert acts(office, ANNA) == ["asked", "asked", "confirmed", "confirmed"]
    assert [purpose for purpose, *_ in notices(office)].count("welcome") == 1


def test_a_link_confirms_what_it_asked_and_nothing_that_a_stranger_asked_later(
    office: Office, clock: Clock
) -> None:
    sign_up(office, ANNA, language="da")
    mine = confirm_token(office)
    clock.move(minutes=11)
    sign_up(office, ANNA, language="en")
    sign_up(office, ANNA, newsroom=KEFM, language="en")

    confirmation.confirm(office, token=mine, origin=PAGE)

    assert standing(office) == [("um", "active", ("da",), 1), ("kefm", "pending", ("en",), 0)]
    assert requests(office) == ["confirmed", "open", "open"]
    assert acts(office, ANNA, newsroom=KEFM) == ["asked"]


def test_who_left_is_not_brought_back_by_an_old_link(office: Office, clock: Clock) -> None:
    make_active(office, ANNA)
    used = confirm_token(office)
    clock.move(minutes=30)
    leaving.leave(office, token=leave_token(office), origin=PAGE)
    sign_up(office, ANNA)
    unused = confirm_token(office)
    leaving.leave(office, token=leave_token(office), origin=PAGE)

    for token in (used, unused):
        assert confirmation.confirm(office, token=token, origin=PAGE).state == "expired"

    assert standing(office)[0][1] == "ended"


def test_who_left_comes_back_by_a_new_confirmation(office: Office, clock: Clock) -> None:
    make_active(office, ANNA)
    leaving.leave(office, token=leave_token(office), origin=PAGE)
    clock.move(days=1)
    sign_up(office, ANNA, language="en")
    assert standing(office) == [("um", "ended", ("da",), 2)]

    confirmation.confirm(office, token=confirm_token(office), origin=PAGE)

    assert standing(office) == [("um", "active", ("en",), 3)]
    row = people.show(office, address=parse_address(ANNA)).subscriptions[0]
    assert (row.active_since, row.ended_at, row.end_reason) == (clock(), None, None)
    assert [purpose for purpose, *_ in notices(office)].count("welcome") == 2


def test_a_link_is_good_for_its_own_purpose_alone(office: Office) -> None:
    sign_up(office, ANNA)
    confirm, leave = confirm_token(office), leave_token(office)

    for bad in (leave, confirm[:-1] + "~", "", "x"):
        with pytest.raises(TokenRefused):
            confirmation.confirm(office, token=bad, origin=PAGE)
    for bad in (confirm, leave + "=", "x" * 5000):
        with pytest.raises(TokenRefused):
            leaving.leave(office, token=bad, origin=PAGE)


def test_a_link_to_what_is_no_longer_kept_says_so(office: Office) -> None:
    confirm = office.keys.tokens.sign(LinkPurpose.CONFIRM, 77, office.clock())

    with pytest.raises(NotFound):
        confirmation.confirm(office, token=confirm, origin=PAGE)


def test_a_hundred_presses_at_once_confirm_once(office: Office) -> None:
    sign_up(office, ANNA)
    token = confirm_token(office)
    seen: list[str] = []

    def press() -> None:
        seen.extend(confirmation.confirm(office, token=token, origin=PAGE).state for _ in range(10))

    at_once([press] * 10)

    assert seen == ["confirmed"] * 100
    assert standing(office) == [("um", "active", ("da",), 1)]
    assert acts(office, ANNA) == ["asked", "confirmed"]
    assert [purpose for purpose, *_ in notices(office)] == ["confirm", "welcome"]


def test_sign_ups_of_one_address_at_once_make_one_subscription_and_one_mail(
    office: Office, clock: Clock
) -> None:
    replies: list[Reply] = []
    for mails in (1, 2):
        replies.clear()
        at_once([lambda: replies.append(sign_up(office, ANNA))] * 10)

        assert sorted(replies) == [Reply.CONFIRM, *[Reply.SILENCE] * 9]
        assert standing(office) == [("um", "pending", ("da",), 0)]
        assert len(notices(office)) == mails
        assert len(requests(office)) == 10 * mails
        clock.move(minutes=11)


def test_a_suppression_wins_against_confirmations_at_once(office: Office) -> None:
    names = [f"reader{number}@example.org" for number in range(8)]
    tokens = []
    for name in names:
        sign_up(office, name)
        tokens.append(confirm_token(office))

    def confirm_all() -> None:
        for token in tokens:
            confirmation.confirm(office, token=token, origin=PAGE)

    def suppress_all() -> None:
        for name in reversed(names):
            people.suppress(office, address=parse_address(name), reason="complaint")

    at_once([confirm_all, suppress_all])

    assert {standing(office, name)[0][1] for name in names} == {"ended"}


def test_the_limit_is_the_operators(office: Office, clock: Clock) -> None:
    assert office.limits.signup_mail_interval == timedelta(minutes=10)
    sign_up(office, ANNA)
    clock.move(minutes=9, seconds=59)
    assert sign_up(office, ANNA) is Reply.SILENCE
    clock.move(seconds=1)
    assert sign_up(office, ANNA) is Reply.CONFIRM

"""What an operator knows of and does to subscriptions, on both databases."""

import pytest
from sqlalchemy import select
from support.offices import KEFM, UM, Clock
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

from mailer.core.address import parse_address
from mailer.core.consent import Reply, SubscriptionState
from mailer.core.errors import NotAllowed, NotFound
from mailer.services import confirmation, leaving, people
from mailer.services.office import Office
from mailer.store.tables import audit, suppression
from mailer.texts.wording import subscribe_wording

ANNA = parse_address("anna@example.org")


def test_adding_asks_the_reader_as_the_form_does(office: Office) -> None:
    assert people.add(office, newsroom=UM, address=ANNA, language="en") is Reply.CONFIRM

    assert notices(office) == [("confirm", "request:1", ANNA.mailbox, "en")]
    person = people.show(office, address=ANNA)
    assert person.subscriptions[0].state is SubscriptionState.PENDING
    assert (person.evidence[0].form, person.evidence[0].wording) == (
        "cli",
        subscribe_wording(UM, "en"),
    )


def test_adding_who_is_subscribed_or_was_asked_just_now(office: Office) -> None:
    make_active(office, ANNA.typed)

    assert people.add(office, newsroom=UM, address=ANNA) is Reply.ALREADY
    assert people.add(office, newsroom=UM, address=ANNA) is Reply.SILENCE


def test_adding_is_refused_where_no_mail_may_go(office: Office) -> None:
    people.suppress(office, address=ANNA, reason="complaint")

    with pytest.raises(NotAllowed, match="suppressed \\(complaint\\)"):
        people.add(office, newsroom=UM, address=ANNA)
    with pytest.raises(NotAllowed, match="does not write in “fr”"):
        people.add(office, newsroom=UM, address=parse_address("b@example.org"), language="fr")

    assert notices(office) == []


def test_lists_go_on_where_they_ended(office: Office) -> None:
    for number in range(5):
        sign_up(office, f"reader{number}@example.org", newsroom=(UM, KEFM)[number % 2])
    confirmation.confirm(office, token=confirm_token(office, 5), origin=PAGE)

    first = list(people.list_people(office, limit=3))
    rest = list(people.list_people(office, after=first[-1].id))

    assert [row.mailbox[6] for row in first + rest] == list("01234")
    assert [row.mailbox[6] for row in people.list_people(office, newsroom=KEFM)] == list("13")
    active = people.list_people(office, newsroom=UM, state=SubscriptionState.ACTIVE)
    assert [row.mailbox[6] for row in active] == ["4"]


def test_what_is_shown_is_everything_in_order(office: Office, clock: Clock) -> None:
    make_active(office, "Anna@example.org")
    clock.move(days=1)
    make_active(office, ANNA.typed, newsroom=KEFM)
    leaving.leave(office, token=leave_token(office), origin=PAGE)

    person = people.show(office, address=ANNA)

    assert person.mailbox == "Anna@example.org"
    assert [(row.newsroom, row.state) for row in person.subscriptions] == [
        ("um", "ended"),
        ("kefm", "active"),
    ]
    assert [(entry.newsroom, entry.act) for entry in person.evidence] == [
        ("um", "asked"),
        ("um", "confirmed"),
        ("kefm", "asked"),
        ("kefm", "confirmed"),
        ("um", "left"),
    ]


def test_of_an_unknown_address_nothing_is_shown_but_its_suppression(office: Office) -> None:
    with pytest.raises(NotFound):
        people.show(office, address=ANNA)

    people.suppress(office, address=ANNA, reason="dead")

    person = people.show(office, address=ANNA)
    assert (person.suppressed, person.known_since, person.subscriptions) == ("dead", None, ())


def test_ending_ends_everything_with_evidence_and_an_audit_row(
    office: Office, clock: Clock
) -> None:
    make_active(office, ANNA.typed)
    sign_up(office, ANNA.typed, newsroom=KEFM)
    open_link = confirm_token(office)
    clock.move(hours=1)

    ended = people.end(office, address=ANNA, reason=" Asked by phone ", who="bo")

    assert [row.newsroom for row in ended] == ["um", "kefm"]
    person = people.show(office, address=ANNA)
    assert {row.state for row in person.subscriptions} == {"ended"}
    assert {(row.end_reason, row.ended_at) for row in person.subscriptions} == {("ended", clock())}
    assert acts(office, ANNA.typed) == ["asked", "confirmed", "ended"]
    assert person.evidence[-1].evidence == "Asked by phone (bo)"
    assert confirmation.confirm(office, token=open_link, origin=PAGE).state == "expired"
    with office.database.read() as connection:
        rows = connection.execute(select(audit).order_by(audit.c.id)).all()
    assert [(row.who, row.act, row.subject, row.detail["newsroom"]) for row in rows] == [
        ("bo", "subscriber end", "subscription:1", "um"),
        ("bo", "subscriber end", "subscription:2", "kefm"),
    ]


def test_ending_one_newsroom_leaves_the_others_and_is_done_once(office: Office) -> None:
    make_active(office, ANNA.typed)
    make_active(office, ANNA.typed, newsroom=KEFM)

    for expected in (["kefm"], []):
        ended = people.end(office, address=ANNA, reason="x", who="bo", newsroom_key="kefm")
        assert [row.newsroom for row in ended] == expected

    assert [row.state for row in people.show(office, address=ANNA).subscriptions] == [
        "active",
        "ended",
    ]
    assert acts(office, ANNA.typed, newsroom=KEFM).count("ended") == 1


def test_ending_what_is_not_there_or_without_a_reason_is_refused(office: Office) -> None:
    with pytest.raises(NotFound, match="no subscription"):
        people.end(office, address=ANNA, reason="x", who="bo")
    make_active(office, ANNA.typed)
    with pytest.raises(NotFound, match="newsroom “kefm”"):
        people.end(office, address=ANNA, reason="x", who="bo", newsroom_key="kefm")
    for reason in ("", "  ", "a\x1b[2J"):
        with pytest.raises(NotAllowed, match="reason"):
            people.end(office, address=ANNA, reason=reason, who="bo")

    assert acts(office, ANNA.typed) == ["asked", "confirmed"]


def test_suppressing_ends_every_subscription_and_takes_requests_back(office: Office) -> None:
    make_active(office, ANNA.typed)
    sign_up(office, ANNA.typed, newsroom=KEFM)

    ended = people.suppress(office, address=ANNA, reason="complaint")
    again = people.suppress(office, address=ANNA, reason="complaint")

    assert [row.newsroom for row in ended] == ["um", "kefm"]
    assert again == []
    assert requests(office) == ["confirmed", "expired"]
    assert acts(office, ANNA.typed) == ["asked", "confirmed", "suppressed"]
    assert people.show(office, address=ANNA).suppressed == "complaint"


def test_a_suppression_is_kept_without_the_address(office: Office) -> None:
    people.suppress(office, address=parse_address("Anna@Example.ORG"), reason="complaint")

    with office.database.read() as connection:
        (row,) = connection.execute(select(suppression)).all()
    assert len(row.hash) == 64
    assert "anna" not in str(tuple(row)).lower()
    assert people.show(office, address=ANNA).suppressed == "complaint"

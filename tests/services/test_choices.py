"""Links to choices and what is chosen by them: who gets one, what it opens, what is kept of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from support.choosing import PAGE, ask_link, manage_token, open_link
from support.desk import import_readers, race
from support.offices import KEFM, UM, Clock, make_office
from support.readers import (
    acts,
    confirm_token,
    leave_token,
    make_active,
    notices,
    sign_up,
)

from mailer.core.address import parse_address
from mailer.core.choice import Choice, from_plain
from mailer.core.errors import LinkOver, NotAllowed, NotFound, TokenRefused
from mailer.core.newsroom import Topic
from mailer.core.token import LinkPurpose
from mailer.services import choices, confirmation, leaving, people
from mailer.services.choices import Done, Result
from mailer.services.office import Office
from mailer.store.database import Database
from mailer.store.tables import audit, consent, manage_link, subscription

ANNA = "anna@example.org"
DAY = timedelta(days=1)
TOPICS = (Topic("climate", (("da", "Klima"),)), Topic("trade", (("da", "Handel"),)))


@pytest.fixture
def office(database: Database, clock: Clock) -> Office:
    """An office whose first newsroom offers topics."""
    rooms = {"um": replace(UM, topics=TOPICS), "kefm": KEFM}
    return make_office(database, clock, newsrooms=rooms)


def mailed(office: Office) -> list[str]:
    """Whom links were mailed to."""
    return [mailbox for purpose, _, mailbox, _ in notices(office) if purpose == "manage"]


def mark(office: Office, token: str, key: str = "um") -> str:
    link = choices.read(office, token=token)
    return next(choices.mark_of(one) for one in link.subscriptions if one.newsroom == key)


def change(office: Office, token: str, choice: Choice, **changes: Any) -> Result:
    told: dict[str, Any] = {"newsroom_key": "um", "mark": mark(office, token), "origin": PAGE}
    return choices.change(office, token=token, choice=choice, **(told | changes))


def kept(office: Office) -> list[tuple[str, Choice | None]]:
    """The acts of all entries with the choice that each keeps."""
    with office.database.read() as connection:
        rows = connection.execute(select(consent.c.act, consent.c.choice).order_by(consent.c.id))
        return [(row.act, from_plain(row.choice) if row.choice else None) for row in rows]


def test_a_subscriber_gets_a_link_and_nobody_else_anything(office: Office) -> None:
    make_active(office, ANNA)
    sign_up(office, "pending@example.org")
    for address in (ANNA, "pending@example.org", "stranger@example.org"):
        ask_link(office, address)
    assert mailed(office) == [ANNA]
    with office.database.read() as connection:
        assert len(connection.execute(select(manage_link)).all()) == 1


def test_who_left_or_was_imported_gets_one_too_for_their_rights_remain(office: Office) -> None:
    (imported,) = import_readers(office, 1)
    make_active(office, ANNA)
    leaving.leave(office, token=leave_token(office, 2), origin=PAGE)
    for address in (imported, ANNA):
        ask_link(office, address)
    assert mailed(office) == [imported, ANNA]


def test_a_suppressed_address_gets_none_and_its_link_is_over(office: Office) -> None:
    make_active(office, ANNA)
    token = open_link(office, ANNA)
    people.suppress(office, address=parse_address(ANNA), reason="complaint")
    with pytest.raises(LinkOver):
        choices.read(office, token=token)
    ask_link(office, ANNA)
    assert mailed(office) == [ANNA]


def test_one_link_within_the_interval(office: Office, clock: Clock) -> None:
    make_active(office, ANNA)
    for _ in range(21):
        ask_link(office, ANNA)
        clock.move(minutes=1)
    assert len(mailed(office)) == 3, "at minutes 0, 10 and 20"


def test_the_mail_comes_from_a_newsroom_that_the_reader_knows(office: Office) -> None:
    make_active(office, ANNA, newsroom=KEFM)
    ask_link(office, ANNA, newsroom=UM, language="da")
    assert notices(office)[-1] == ("manage", "link:1", ANNA, "en")
    link = choices.read(office, token=manage_token(office))
    assert (link.newsroom_key, link.mailbox) == ("kefm", ANNA)


def test_a_link_is_good_for_a_day(office: Office, clock: Clock) -> None:
    make_active(office, ANNA)
    token = open_link(office, ANNA)
    clock.move(hours=23, minutes=59)
    assert choices.read(office, token=token).mailbox == ANNA
    clock.move(minutes=1)
    with pytest.raises(LinkOver):
        choices.read(office, token=token)
    clock.move(days=31)
    ask_link(office, ANNA)
    with pytest.raises(NotFound):
        choices.read(office, token=token)


def test_older_links_die_with_a_confirmation_or_an_ending(office: Office, clock: Clock) -> None:
    make_active(office, ANNA)
    first = open_link(office, ANNA)
    make_active(office, ANNA, newsroom=KEFM)
    with pytest.raises(LinkOver):
        choices.read(office, token=first)
    clock.move(hours=1)
    second = open_link(office, ANNA)
    leaving.leave(office, token=leave_token(office, 1), origin=PAGE)
    with pytest.raises(LinkOver):
        choices.read(office, token=second)


def test_what_a_stranger_asks_for_touches_no_link(office: Office) -> None:
    make_active(office, ANNA)
    token = open_link(office, ANNA)
    sign_up(office, ANNA)
    sign_up(office, ANNA, newsroom=KEFM)
    ask_link(office, ANNA)
    assert len(choices.read(office, token=token).subscriptions) == 2


def test_ending_by_a_link_kills_the_others_and_not_itself(office: Office, clock: Clock) -> None:
    make_active(office, ANNA)
    make_active(office, ANNA, newsroom=KEFM)
    other = open_link(office, ANNA)
    clock.move(hours=1)
    token = open_link(office, ANNA)
    done = choices.end(office, token=token, newsroom_key="um", origin=PAGE)
    assert (done.done, done.ended) == (Done.ENDED, ("um",))
    assert choices.end(office, token=token, newsroom_key="um", origin=PAGE).done is Done.SAME
    assert choices.end(office, token=token, newsroom_key=None, origin=PAGE).ended == ("kefm",)
    with pytest.raises(LinkOver):
        choices.read(office, token=other)
    assert acts(office, ANNA) == ["asked", "confirmed", "left"]


def test_a_choice_is_kept_with_every_grant_and_every_change(office: Office, clock: Clock) -> None:
    make_active(office, ANNA)
    token = open_link(office, ANNA)
    until = clock() + 5 * DAY
    first = Choice(("en", "da"), topics=("trade",), paused_until=until)
    done = change(office, token, first)
    assert (done.done, done.changed) == (
        Done.CHANGED,
        ("languages", "topics", "paused_until"),
    )
    second = replace(first, topics=None)
    assert change(office, token, second).changed == ("topics",)
    standing = people.show(office, address=parse_address(ANNA)).subscriptions[0]
    assert standing.choice == second
    assert kept(office) == [
        ("asked", None),
        ("confirmed", Choice(("da",))),
        ("chosen", first),
        ("chosen", second),
    ]


def test_who_comes_back_by_a_fresh_sign_up_begins_anew(office: Office, clock: Clock) -> None:
    make_active(office, ANNA)
    token = open_link(office, ANNA)
    change(office, token, Choice(("da",), topics=("trade",), paused_until=clock() + DAY))
    choices.end(office, token=token, newsroom_key="um", origin=PAGE)
    sign_up(office, ANNA)
    confirmation.confirm(office, token=confirm_token(office), origin=PAGE)
    standing = people.show(office, address=parse_address(ANNA)).subscriptions[0]
    assert standing.choice == Choice(("da",))
    assert kept(office)[-1] == ("confirmed", Choice(("da",)))


def test_racing_presses_change_once(office: Office) -> None:
    make_active(office, ANNA)
    token = open_link(office, ANNA)
    seen = mark(office, token)
    wishes = [Choice(("da",), topics=("trade",)), Choice(("da",), topics=("climate",))]
    done = race(*[lambda wish=wish: change(office, token, wish, mark=seen) for wish in wishes * 4])
    assert [one.done for one in done].count(Done.CHANGED) == 1
    assert {one.done for one in done} == {Done.CHANGED, Done.SAME, Done.STALE}
    assert [act for act, _ in kept(office)].count("chosen") == 1


def test_racing_presses_end_once(office: Office) -> None:
    make_active(office, ANNA)
    token = open_link(office, ANNA)
    done = race(*[lambda: choices.end(office, token=token, newsroom_key=None, origin=PAGE)] * 8)
    assert sorted(one.done for one in done) == [Done.ENDED] + [Done.SAME] * 7
    assert acts(office, ANNA).count("left") == 1


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (Choice(("fr",)), "does not offer the language “fr”"),
        (Choice(("da",), topics=("sport",)), "does not offer the topic “sport”"),
        (Choice(("da",), frequency="daily"), "does not offer the frequency “daily”"),
        (Choice(()), "needs a language"),
        (Choice(("da",), topics=()), "needs a language, and a topic"),
    ],
)
def test_what_is_not_offered_cannot_be_chosen(office: Office, choice: Choice, words: str) -> None:
    make_active(office, ANNA)
    token = open_link(office, ANNA)
    with pytest.raises(NotAllowed, match=words):
        change(office, token, choice)
    assert [act for act, _ in kept(office)] == ["asked", "confirmed"]


@pytest.mark.parametrize("purpose", [each for each in LinkPurpose if each != LinkPurpose.MANAGE])
def test_no_other_token_is_a_link_to_choices(office: Office, purpose: LinkPurpose) -> None:
    make_active(office, ANNA)
    open_link(office, ANNA)
    token = office.keys.tokens.sign(purpose, 1, office.clock())
    with pytest.raises(TokenRefused):
        choices.end(office, token=token, newsroom_key=None, origin=PAGE)


def test_an_operator_changes_a_choice_and_is_on_record(office: Office) -> None:
    make_active(office, ANNA)
    named: dict[str, Any] = {"address": parse_address(ANNA), "newsroom": office.newsroom("um")}
    standing = choices.standing_of(office, **named)
    wanted = replace(standing.choice, topics=("trade",))
    assert choices.change_for(office, **named, choice=wanted, who="root") == ("topics",)
    assert choices.change_for(office, **named, choice=wanted, who="root") == ()
    with office.database.read() as connection:
        (noted,) = connection.execute(select(audit)).all()
        entry = connection.execute(select(consent).where(consent.c.act == "chosen")).one()
    assert (noted.act, noted.who, noted.detail["changed"]) == (
        "subscriber change",
        "root",
        ["topics"],
    )
    assert (entry.form, entry.evidence) == ("cli", "by root")
    with pytest.raises(NotFound, match="no active subscription"):
        choices.standing_of(office, address=parse_address(ANNA), newsroom=KEFM)


def test_the_topics_are_null_in_the_database_where_all_are_wanted(office: Office) -> None:
    """Statements over many rows ask `IS NULL`, which the JSON word null is not."""
    make_active(office, ANNA)
    token = open_link(office, ANNA)
    change(office, token, Choice(("da",), topics=("trade",)))
    change(office, token, Choice(("da",)))
    with office.database.read() as connection:
        empty = select(subscription.c.id).where(subscription.c.topics.is_(None))
        assert connection.scalars(empty).all() == [1]
        none = select(consent.c.id).where(consent.c.act == "asked", consent.c.choice.is_(None))
        assert connection.scalars(none).all() == [1]

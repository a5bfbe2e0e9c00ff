"""Upkeep of sign-ups that wait, on both databases: one reminder, two mails in all, then forgotten."""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, insert, select, update
from support.desk import import_readers, publish_one
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
from support.waiting_mail import all_accepted, page_of, right_code, type_code

from mailer.core.address import parse_address
from mailer.core.consent import Reply
from mailer.core.errors import NotAllowed, NotFound
from mailer.core.token import keyed_hash
from mailer.services import codes, confirmation, leaving, people, proof, signup, waiting
from mailer.services.codes import Entry
from mailer.services.office import Office
from mailer.store import glance
from mailer.store.ledger_tables import attempt, delivery, metadata, returned
from mailer.store.tables import consent, lapsed, request, subscriber, subscription

ANNA = "anna@example.org"
PERSONAL = (subscriber, subscription, request, consent, delivery, attempt)


def purposes(office: Office) -> list[str]:
    return [purpose for purpose, *_ in notices(office)]


def pass_by(office: Office, clock: Clock, **step: float) -> None:
    """Time passes; what was due is accepted, and upkeep looks around."""
    all_accepted(office)
    clock.move(**step)
    waiting.tend(office)


def counts(office: Office) -> dict[str, int]:
    with office.database.read() as connection:
        return {
            table.name: int(connection.scalar(select(func.count()).select_from(table)) or 0)
            for table in PERSONAL
        }


# Reminders.


def test_who_has_not_confirmed_is_reminded_once_after_a_day(office: Office, clock: Clock) -> None:
    sign_up(office, ANNA, language="en")
    pass_by(office, clock, hours=23, minutes=59)
    assert purposes(office) == ["confirm"]
    pass_by(office, clock, minutes=1)
    assert notices(office)[1] == ("reminder", "request:1", ANNA, "en")
    woken = clock.woken
    for _ in range(5):
        pass_by(office, clock, hours=8)
    assert purposes(office) == ["confirm", "reminder"]
    assert clock.woken == woken


def test_the_reminders_link_confirms_the_same_request(office: Office, clock: Clock) -> None:
    sign_up(office, ANNA)
    pass_by(office, clock, hours=24)
    confirmation.confirm(office, token=confirm_token(office), origin=PAGE)
    assert acts(office, ANNA) == ["asked", "confirmed"]


@pytest.mark.parametrize("deed", ["confirm", "leave", "suppress"])
def test_who_has_answered_is_not_reminded(office: Office, clock: Clock, deed: str) -> None:
    sign_up(office, ANNA)
    if deed == "confirm":
        confirmation.confirm(office, token=confirm_token(office), origin=PAGE)
    elif deed == "leave":
        leaving.leave(office, token=leave_token(office), origin=PAGE)
    else:
        people.suppress(office, address=parse_address(ANNA), reason="complaint")
    pass_by(office, clock, hours=24)
    pass_by(office, clock, hours=24)
    assert "reminder" not in purposes(office)


def test_no_reminder_overtakes_a_first_mail_that_is_still_under_way(
    office: Office, clock: Clock
) -> None:
    sign_up(office, ANNA)
    clock.move(hours=24)
    waiting.tend(office)
    assert purposes(office) == ["confirm"]
    pass_by(office, clock, hours=1)
    assert purposes(office) == ["confirm", "reminder"]


def test_a_first_mail_that_was_refused_is_not_followed_by_another(
    office: Office, clock: Clock
) -> None:
    sign_up(office, ANNA)
    with office.database.write() as connection:
        connection.execute(update(delivery).values(state="refused", due_at=None))
    pass_by(office, clock, hours=24)
    assert purposes(office) == ["confirm"]


def test_nobody_is_reminded_where_the_settings_say_so(office: Office, clock: Clock) -> None:
    quiet = replace(office, limits=replace(office.limits, reminder_after=timedelta(0)))
    sign_up(quiet, ANNA)
    pass_by(quiet, clock, hours=48)
    assert purposes(office) == ["confirm"]


def test_a_newsroom_that_is_gone_reminds_nobody(office: Office, clock: Clock) -> None:
    sign_up(office, ANNA)
    pass_by(replace(office, newsrooms={KEFM.key: KEFM}), clock, hours=24)
    assert purposes(office) == ["confirm"]


def test_dispatchers_that_look_at_once_owe_one_reminder(office: Office, clock: Clock) -> None:
    for number in range(5):
        sign_up(office, f"reader{number}@example.org")
    all_accepted(office)
    clock.move(hours=24)
    gate = Barrier(6)

    def look(place: int) -> None:
        gate.wait()
        if place % 2:
            waiting.tend(office)
        else:
            sign_up(office, f"reader{place}@example.org")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(look, range(6)))
    waiting.tend(office)

    by_reader: dict[str, list[str]] = {}
    for purpose, _, mailbox, _ in notices(office):
        by_reader.setdefault(mailbox, []).append(purpose)
    assert all(len(mails) == 2 for mails in by_reader.values()), by_reader


# Two mails in all.


def test_two_mails_are_all_that_a_stranger_can_cause_until_they_are_forgotten(
    office: Office, clock: Clock
) -> None:
    for _ in range(6 * 24):
        sign_up(office, ANNA)
        pass_by(office, clock, hours=1)
    assert purposes(office) == ["confirm", "confirm"]
    for _ in range(2 * 24):
        sign_up(office, ANNA)
        pass_by(office, clock, hours=1)
    assert purposes(office) == ["confirm"], "forgotten after seven days, and asked anew: once"


def test_a_second_request_by_the_form_takes_the_reminders_place(
    office: Office, clock: Clock
) -> None:
    sign_up(office, ANNA)
    pass_by(office, clock, hours=1)
    assert sign_up(office, ANNA) is Reply.CONFIRM
    for _ in range(3):
        pass_by(office, clock, hours=23)
    assert purposes(office) == ["confirm", "confirm"]


def test_who_lost_both_mails_is_let_in_again_within_seven_days(
    office: Office, clock: Clock
) -> None:
    sign_up(office, ANNA)
    pass_by(office, clock, hours=24)
    assert sign_up(office, ANNA) is Reply.SILENCE
    for _ in range(6):
        pass_by(office, clock, hours=24)
    assert sign_up(office, ANNA) is Reply.CONFIRM
    confirmation.confirm(office, token=confirm_token(office), origin=PAGE)
    assert acts(office, ANNA) == ["asked", "confirmed"]


# A fresh mail for an expired link.


def renew(office: Office, token: str) -> str:
    return signup.renew(office, token=token, origin=PAGE)[1]


def test_the_reader_of_an_expired_link_gets_one_fresh_mail_for_it(
    office: Office, clock: Clock
) -> None:
    sign_up(office, ANNA, language="en")
    token = confirm_token(office)
    pass_by(office, clock, hours=24)
    pass_by(office, clock, hours=48)

    page, again = renew(office, token), renew(office, token)

    assert len(page) == len(again)
    assert purposes(office) == ["confirm", "reminder", "confirm"]
    assert notices(office)[2] == ("confirm", "request:2", ANNA, "en")
    assert requests(office) == ["expired", "open", "answered"]
    (first, fresh, _) = people.show(office, address=parse_address(ANNA)).evidence
    assert (fresh.wording, fresh.address) == (first.wording, ANNA)
    assert type_code(office, again, right_code(office, 2)).entry is Entry.RIGHT
    with pytest.raises(NotAllowed, match="not expired"):
        renew(office, confirm_token(office, 2))


def test_a_fresh_mail_is_not_reminded_of_and_its_own_link_is_worth_one_more(
    office: Office, clock: Clock
) -> None:
    sign_up(office, ANNA)
    token = confirm_token(office)
    pass_by(office, clock, hours=72)
    renew(office, token)
    fresh = confirm_token(office, 2)
    pass_by(office, clock, hours=36)
    pass_by(office, clock, hours=36)
    assert purposes(office) == ["confirm", "confirm"]
    renew(office, fresh)
    renew(office, token)
    renew(office, fresh)
    assert purposes(office) == ["confirm", "confirm", "confirm"]


def test_a_link_that_works_has_no_fresh_mail(office: Office) -> None:
    sign_up(office, ANNA)
    with pytest.raises(NotAllowed):
        renew(office, confirm_token(office))
    assert requests(office) == ["open"]


def test_a_suppressed_reader_gets_a_page_and_no_mail(office: Office, clock: Clock) -> None:
    sign_up(office, ANNA)
    token = confirm_token(office)
    people.suppress(office, address=parse_address(ANNA), reason="complaint")
    clock.move(hours=73)
    page = renew(office, token)
    assert codes.read_page(office, token=page).entry is Entry.OPEN
    assert purposes(office) == ["confirm"]


# Forgetting.


def test_what_was_never_confirmed_is_deleted_and_a_hash_is_left(
    office: Office, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    sign_up(office, ANNA)
    all_accepted(office)
    with office.database.write() as connection:
        number = connection.scalar(select(delivery.c.id))
        connection.execute(
            insert(attempt).values(
                delivery_id=number, number=1, at=clock(), relay="r", phase="rcpt", code=451,
                result="deferred", enhanced="", text="busy", blame="reader",
            )
        )  # fmt: skip
        connection.execute(
            insert(returned).values(
                delivery_id=number, digest="d", kind="bounce", verdict="soft", at=clock()
            )
        )
    for _ in range(6):
        pass_by(office, clock, days=1)
    assert counts(office)["subscriber"] == 1
    with caplog.at_level(logging.INFO, "mailer"):
        pass_by(office, clock, days=1)

    assert set(counts(office).values()) == {0}
    (told,) = [record for record in caplog.records if record.message == "forgotten"]
    facts = vars(told)
    assert (facts["subscribers"], facts["subscriptions"], facts["requests"]) == (1, 1, 1)
    assert (facts["consents"], facts["notices"], facts["hashes"]) == (1, 2, 0)
    with office.database.read() as connection:
        (row,) = connection.execute(select(lapsed)).all()
        everything = [
            str(value)
            for table in metadata.sorted_tables
            for each in connection.execute(select(table))
            for value in each
        ]
    assert row.hash == keyed_hash(office.keys.suppression, ANNA)
    assert not [value for value in everything if ANNA in value]


def test_a_forgotten_link_says_so(office: Office, clock: Clock) -> None:
    page = page_of(office, ANNA)
    token, code = confirm_token(office), right_code(office)
    for _ in range(8):
        pass_by(office, clock, days=1)
    for act in (
        lambda: confirmation.read_request(office, token=token),
        lambda: confirmation.confirm(office, token=token, origin=PAGE),
        lambda: signup.renew(office, token=token, origin=PAGE),
    ):
        with pytest.raises(NotFound):
            act()
    assert type_code(office, page, code).entry is Entry.LATE


def test_an_old_link_never_opens_what_a_stranger_asked_for_later(
    office: Office, clock: Clock
) -> None:
    sign_up(office, ANNA)
    token = confirm_token(office)
    for _ in range(8):
        pass_by(office, clock, days=1)
    assert counts(office)["request"] == 0
    sign_up(office, "jens@example.org")
    with pytest.raises(NotFound):
        confirmation.confirm(office, token=token, origin=PAGE)
    assert requests(office) == ["open"]


def test_who_was_forgotten_is_not_reminded_again_until_they_answer(
    office: Office, clock: Clock
) -> None:
    sign_up(office, ANNA)
    for _ in range(8):
        pass_by(office, clock, days=1)
    sign_up(office, ANNA)
    pass_by(office, clock, days=2)
    assert purposes(office) == ["confirm"]
    confirmation.confirm(office, token=confirm_token(office), origin=PAGE)
    with office.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(lapsed)) == 0


def test_the_hash_is_forgotten_too(office: Office, clock: Clock) -> None:
    sign_up(office, ANNA)
    for _ in range(8):
        pass_by(office, clock, days=1)
    pass_by(office, clock, days=88)
    with office.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(lapsed)) == 1
    pass_by(office, clock, days=1)
    with office.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(lapsed)) == 0


def test_whoever_decided_or_subscribes_elsewhere_is_kept(office: Office, clock: Clock) -> None:
    make_active(office, "active@example.org")
    sign_up(office, "left@example.org")
    leaving.leave(office, token=leave_token(office, 2), origin=PAGE)
    make_active(office, ANNA, newsroom=KEFM)
    sign_up(office, ANNA)
    for _ in range(9):
        pass_by(office, clock, days=1)
    assert acts(office, "active@example.org") == ["asked", "confirmed"]
    assert acts(office, "left@example.org") == ["asked", "left"]
    found = people.show(office, address=parse_address(ANNA))
    assert [row.newsroom for row in found.subscriptions] == ["kefm"]


def test_a_suppressed_address_that_is_asked_for_is_not_kept_as_a_person(
    office: Office, clock: Clock
) -> None:
    people.suppress(office, address=parse_address(ANNA), reason="complaint")
    for _ in range(9):
        sign_up(office, ANNA)
        pass_by(office, clock, days=1)
    found = people.show(office, address=parse_address(ANNA))
    assert found.suppressed == "complaint"
    assert len(found.evidence) <= 7
    pass_by(office, clock, days=8)
    assert counts(office)["subscriber"] == 0


def test_what_is_still_due_is_looked_at_again_tomorrow(office: Office, clock: Clock) -> None:
    sign_up(office, ANNA)
    clock.move(days=8)
    waiting.tend(office)
    waiting.tend(office)
    assert counts(office)["subscriber"] == 1
    pass_by(office, clock, days=1)
    assert counts(office)["subscriber"] == 0


def test_proofs_add_up_whoever_is_forgotten(office: Office, clock: Clock) -> None:
    """An audience is frozen at the number of a consent entry that is deleted later."""
    import_readers(office, 3)
    sign_up(office, ANNA)
    publish_one(office)
    for _ in range(8):
        pass_by(office, clock, days=1)
    assert counts(office)["subscriber"] == 3
    make_active(office, "new@example.org")
    assert proof.verify(office).ok
    publish_one(office, title="Endnu en aftale")
    assert proof.verify(office).ok


def test_a_confirmation_and_forgetting_at_once_leave_no_half_of_anybody(
    office: Office, clock: Clock
) -> None:
    names = [f"reader{number}@example.org" for number in range(12)]
    for name in names:
        sign_up(office, name)
    tokens = [confirm_token(office, number) for number in range(1, 13)]
    all_accepted(office)
    clock.move(days=7)
    with office.database.write() as connection:  # as if a clock had stood still for some
        connection.execute(update(request).values(expires_at=clock() + timedelta(hours=1)))
        connection.execute(update(request).values(state="open", tend_at=clock()))
    gate = Barrier(3)

    def press(token: str) -> str:
        try:
            return str(confirmation.confirm(office, token=token, origin=PAGE).state)
        except NotFound:
            return "gone"

    def confirm_all() -> list[str]:
        gate.wait()
        return [press(token) for token in tokens]

    def forget_all() -> None:
        gate.wait()
        for _ in range(4):
            with office.database.write() as connection:
                connection.execute(
                    update(request)
                    .where(request.c.state == "open", request.c.id % 3 == 0)
                    .values(state="expired", tend_at=clock())
                )
            waiting.tend(office)

    with ThreadPoolExecutor(3) as pool:
        forgetting = [pool.submit(forget_all) for _ in range(2)]
        seen = pool.submit(confirm_all).result()
        for one in forgetting:
            one.result()
    for name, state in zip(names, seen, strict=True):
        if state == "confirmed":
            assert acts(office, name) == ["asked", "confirmed"]
        else:
            with pytest.raises(NotFound):
                people.show(office, address=parse_address(name))


def test_many_are_forgotten_a_few_batches_at_a_time(office: Office, clock: Clock) -> None:
    for number in range(10):
        sign_up(office, f"reader{number}@example.org")
    all_accepted(office)
    with office.database.write() as connection:
        connection.execute(update(request).values(tend_at=clock() + timedelta(days=7)))
    clock.move(days=7)
    left = []
    while counts(office)["subscriber"]:
        waiting.tend(office, batch=3, batches=2)
        left.append(counts(office)["subscriber"])
    assert left == [4, 0]


def test_every_reference_to_what_is_forgotten_is_followed() -> None:
    """A new table that refers to people says itself what becomes of it, or is deleted here."""
    ours = {"attempt", "returned", "delivery", "consent", "request", "subscription"}
    for table in metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.column.table.name in {each.name for each in PERSONAL} and table.name not in ours:
                followed = key.ondelete in {"CASCADE", "SET NULL"}
                assert followed, f"{table.name} refers to {key.column}"


def test_an_idle_glance_sees_what_upkeep_has_to_do(office: Office, clock: Clock) -> None:
    if not office.database.is_sqlite:
        return
    url = str(office.database.engine.url)
    sign_up(office, ANNA)
    all_accepted(office)
    assert glance.idle(url, clock())
    clock.move(hours=24)
    assert not glance.idle(url, clock())
    pass_by(office, clock)
    all_accepted(office)
    assert glance.idle(url, clock())

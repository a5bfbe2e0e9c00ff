"""The evidence about a mailbox: each step in order, each text as it was shown, each mail as it was sent."""

import email
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from support.desk import ACCEPTED, DEFERRED, came_of, import_readers, lease, publish_one
from support.offices import KEFM, UM, Clock
from support.readers import PAGE, WORDING, confirm_token, leave_token, make_active, sign_up

from mailer.core.address import parse_address
from mailer.core.delivery import Due, Outcome
from mailer.core.errors import NotFound
from mailer.core.token import Marks
from mailer.mail.compose import Composer
from mailer.services import confirmation, leaving, people
from mailer.services.evidence import Evidence, evidence
from mailer.services.kept import as_prepared
from mailer.services.office import Office
from mailer.store import ledger, messages, outcomes, takeover

ANNA = "Anna@Example.org"
NOTICE = (("da", "Vi gemmer din adresse, så længe du abonnerer."), ("en", "We keep it."))


def about(office: Office, address: str = ANNA) -> Evidence:
    return evidence(office, address=parse_address(address))


def sent(office: Office, result: Outcome = ACCEPTED) -> Sequence[Due]:
    """Send what is due; the relay answers all of it like this."""
    with office.database.write() as connection:
        taken = ledger.take(connection, lease(office), 100, notices=100)
        recorded = [came_of(due, result, office) for due in taken]
        outcomes.record(connection, lease(office), recorded)
        takeover.give_back(connection, lease(office))
    return taken


def message_id(office: Office, due: Due) -> str:
    """As it stands in the mail."""
    with office.database.read() as connection:
        prepared = as_prepared(messages.read_prepared(connection, due.prepared_id))
    composed = Composer(office.keys.tokens, office.keys.marks).compose(prepared, due)
    return str(email.message_from_bytes(composed.content)["Message-ID"])


def test_a_life_is_told_in_the_order_it_happened(office: Office, clock: Clock) -> None:
    began = clock()
    sign_up(office, ANNA)
    clock.move(seconds=1)
    (confirm,) = sent(office, DEFERRED)
    clock.move(minutes=5)
    sent(office)
    clock.move(hours=1)
    confirmation.confirm(office, token=confirm_token(office), origin=PAGE)
    clock.move(days=1)
    leaving.leave(office, token=leave_token(office), origin=PAGE)

    found = about(office)

    told = [(step.kind, step.what) for step in found.steps]
    assert told == [
        ("consent", "asked"),
        ("mail", "confirm"),
        ("answer", "deferred"),
        ("answer", "accepted"),
        ("consent", "confirmed"),
        ("mail", "welcome"),
        ("consent", "left"),
        ("mail", "left"),
    ]
    asked, mail, deferred, accepted, confirmed = found.steps[:5]
    assert (asked.at, asked.address, asked.form) == (began, ANNA, PAGE.form)
    assert (asked.ip, asked.user_agent) == (PAGE.ip, PAGE.user_agent)
    assert found.texts[asked.wording or ""] == WORDING
    assert confirmed.wording == asked.wording
    assert (mail.mail, mail.message_ids) == (confirm.id, (message_id(office, confirm),))
    assert (deferred.relay, deferred.code, deferred.enhanced) == ("r", 450, "4.2.2")
    assert deferred.words == "mailbox full"
    assert (accepted.mail, accepted.code, accepted.words) == (confirm.id, 250, "kept")


def test_moments_are_told_in_the_newsrooms_zone_too(office: Office) -> None:
    sign_up(office, ANNA)
    (step, *_) = about(office).steps
    assert step.local == step.at
    assert step.at.utcoffset() == timedelta()
    assert step.local.utcoffset() == timedelta(hours=1)


def test_a_newsroom_that_is_gone_is_told_of_all_the_same(office: Office) -> None:
    sign_up(office, ANNA)
    (due,) = sent(office)

    found = about(replace(office, newsrooms={KEFM.key: KEFM}))

    assert [step.newsroom for step in found.steps] == ["um"] * 3
    assert found.steps[0].local.utcoffset() == timedelta()
    assert found.steps[1].message_ids == (message_id(office, due),)


def test_the_notice_is_kept_as_it_was_shown_whatever_it_says_later(office: Office) -> None:
    first = replace(office, newsrooms={"um": replace(UM, privacy_notice=NOTICE)})
    later = replace(office, newsrooms={"um": replace(UM, privacy_notice=(("da", "Nu andet."),))})
    linked = replace(office, newsrooms={"um": replace(UM, privacy_url="https://um.example/p")})

    for name, at in (("a", first), ("b", later), ("c", linked), ("d", office)):
        make_active(at, f"{name}@example.org", newsroom=at.newsroom("um"))

    for name, text in (
        ("a", NOTICE[0][1]),
        ("b", "Nu andet."),
        ("c", "https://um.example/p"),
    ):
        found = about(office, f"{name}@example.org")
        shown = {step.privacy for step in found.steps if step.kind == "consent"}
        assert {found.texts[number or ""] for number in shown} == {text}
    assert {step.privacy for step in about(office, "d@example.org").steps} == {None}


def test_a_message_id_is_told_for_each_key_that_may_have_made_it(office: Office) -> None:
    sign_up(office, ANNA)
    (due,) = sent(office)
    made = message_id(office, due)
    renewed = Marks(["marks-key-for-tests-0001", "another-marks-key-0002"])

    found = about(replace(office, keys=replace(office.keys, marks=renewed)))

    (mail,) = [step for step in found.steps if step.kind == "mail"]
    assert len(mail.message_ids) == 2
    assert made in mail.message_ids


def test_an_operators_words_are_told(office: Office) -> None:
    import_readers(office, 1)
    address = parse_address("reader0@example.org")
    people.end(office, address=address, reason="Asked by phone", who="anna")

    steps = about(office, "reader0@example.org").steps

    assert [(step.what, step.form, step.words) for step in steps] == [
        ("imported", "import", "sign-up sheets"),
        ("ended", "cli", "Asked by phone (anna)"),
    ]


def test_releases_are_no_evidence_of_consent(office: Office) -> None:
    import_readers(office, 1)
    publish_one(office)
    sent(office)

    assert [step.kind for step in about(office, "reader0@example.org").steps] == ["consent"]


def test_evidence_is_about_one_mailbox_at_all_newsrooms(office: Office) -> None:
    sign_up(office, ANNA)
    sign_up(office, ANNA, newsroom=KEFM)
    sign_up(office, "berit@example.org")

    found = about(office)

    assert {step.newsroom for step in found.steps} == {"um", "kefm"}
    assert {step.address for step in found.steps if step.kind == "consent"} == {ANNA}


def test_who_is_suppressed_and_otherwise_unknown_has_no_steps(office: Office) -> None:
    people.suppress(office, address=parse_address(ANNA), reason="complaint")

    found = about(office)

    assert (found.suppressed, found.steps, found.texts) == ("complaint", (), {})


def test_nothing_is_known_of_a_stranger(office: Office) -> None:
    with pytest.raises(NotFound):
        about(office)

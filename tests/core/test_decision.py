"""What becomes of a document, and why: each rule by itself, in order, and in words."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.desk import text
from support.offices import START

from mailer.core.decision import Action, Decision, Known, Sighting, decide, signs
from mailer.core.release import ReleaseDocument
from mailer.core.source import SendTerms

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NEWS = ReleaseDocument(text(), dated=START - HOUR, dated_as="an hour ago")
TERMS = SendTerms(approval="auto", issuers=("Udenrigsministeriet", "UM"), kinds=())
KNOWN = Known(
    7, "approved", "auto", START - 5 * MINUTE, START + 5 * MINUTE, "its name", same_text=False
)


def new(document: ReleaseDocument = NEWS, *, terms: SendTerms = TERMS, **seen: Any) -> Decision:
    return decide(Sighting(document, START, **seen), None, terms)


def again(
    known: Known, document: ReleaseDocument = NEWS, *, terms: SendTerms = TERMS, **seen: Any
) -> Decision:
    return decide(Sighting(document, START, **seen), known, terms)


def changed(**changes: Any) -> ReleaseDocument:
    return replace(NEWS, **changes)


def test_news_is_mailed_once_its_text_has_stood() -> None:
    found = new()
    assert (found.action, found.publish_at) == (Action.SEND, START + 10 * MINUTE)
    assert [reason.rule for reason in found.reasons] == [
        "issuer", "kind", "age", "date", "approval", "hold time",
    ]  # fmt: skip
    assert [reason.decided for reason in found.reasons] == [False] * 5 + [True]
    assert all(reason.words and not reason.words.endswith(".") for reason in found.reasons)


@pytest.mark.parametrize(
    ("document", "terms", "action", "words"),
    [
        (changed(issuer="Climate Ministry"), {}, Action.PASS, "signed by “Climate Ministry”"),
        (changed(issuer=" um "), {}, Action.SEND, ""),
        (NEWS, {"issuer_required": True}, Action.HOLD, "does not say who signs it"),
        (changed(issuer="UM"), {"issuer_required": True}, Action.SEND, ""),
        (changed(kind="Tale"), {"kinds": ("Nyhed",)}, Action.PASS, "“Tale” is not a kind"),
        (changed(kind="Nyhed"), {"kinds": ("Nyhed",)}, Action.SEND, ""),
        (changed(signal="withdrawn"), {}, Action.PASS, "withdrew it"),
        (changed(signal="correction"), {}, Action.HOLD, "correction"),
        (changed(dated=START - 49 * HOUR), {}, Action.KEEP, "the limit is 48 h"),
        (changed(dated=START - 47 * HOUR), {}, Action.SEND, ""),
        (changed(dated=START - 480 * HOUR), {}, Action.KEEP, "20 days ago"),
        (changed(dated=None, dated_as=""), {}, Action.HOLD, "it has none"),
        (changed(dated=None, dated_as="8.9."), {}, Action.HOLD, "“8.9.” cannot be relied on"),
        (changed(dated=None), {"arrival_dates": True}, Action.SEND, ""),
        (changed(dated=START + HOUR), {}, Action.HOLD, "yet to come"),
        (changed(dated=START + 10 * MINUTE), {}, Action.SEND, ""),
        (changed(dated=None, publish_at=START + HOUR), {}, Action.SEND, ""),
        (changed(dated=START - 49 * HOUR, embargo_until=START + HOUR), {}, Action.SEND, ""),
        (changed(warnings=("look at the table",)), {}, Action.SEND, ""),
        (NEWS, {"approval": "hold"}, Action.HOLD, "an operator's word"),
        (NEWS, {"approval": "two"}, Action.HOLD, "two operators"),
    ],
)  # fmt: skip
def test_each_rule_has_its_word(
    document: ReleaseDocument, terms: dict[str, Any], action: Action, words: str
) -> None:
    found = new(document, terms=replace(TERMS, **terms))
    assert found.action is action
    assert words in found.why


def test_what_the_reader_was_unsure_of_is_told_and_holds_nothing() -> None:
    found = new(changed(warnings=("a table", "a quote")))
    assert ("reading", "a table; a quote") in {(one.rule, one.words) for one in found.reasons}


@pytest.mark.parametrize("document", [NEWS, changed(dated=None), changed(dated=START - 480 * HOUR)])
@pytest.mark.parametrize("approval", ["auto", "hold", "two"])
def test_the_first_sight_of_a_source_mails_nothing(
    document: ReleaseDocument, approval: Any
) -> None:
    found = new(document, terms=replace(TERMS, approval=approval), seeded=False)
    assert found.action is Action.KEEP
    assert "first look" in found.why


def test_another_issuer_is_passed_by_on_first_sight_too() -> None:
    assert new(changed(issuer="Somebody"), seeded=False).action is Action.PASS


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({"name_of": 3}, "the name of release 3"),
        ({"moved": True}, "source moved"),
        ({"suspicion": "its title says “Rettelse”"}, "Rettelse"),
    ],
)
def test_doubts_hold(seen: dict[str, Any], words: str) -> None:
    found = new(**seen)
    assert found.action is Action.HOLD
    assert words in found.why
    assert new(changed(dated=START - 480 * HOUR), **seen).action is Action.KEEP, (
        "old news holds nobody up"
    )


def test_a_publish_time_is_kept_where_it_is_later() -> None:
    assert new(changed(publish_at=START + HOUR)).publish_at == START + HOUR
    assert new(changed(publish_at=START - HOUR)).publish_at == START + 10 * MINUTE
    assert new(changed(embargo_until=START + HOUR)).publish_at == START + 10 * MINUTE, (
        "kept besides"
    )


def test_the_same_text_is_nothing_new() -> None:
    for state in ("held", "approved", "published", "withdrawn"):
        found = again(replace(KNOWN, state=state, same_text=True))
        assert (found.action, found.publish_at, found.back_to_hold) == (Action.KNOWN, None, False)


@pytest.mark.parametrize("state", ["held", "published", "withdrawn"])
def test_another_text_of_what_does_not_wait_is_silent(state: str) -> None:
    found = again(replace(KNOWN, state=state))
    assert (found.action, found.publish_at, found.back_to_hold) == (Action.EDIT, None, False)


def test_another_text_puts_a_mail_off() -> None:
    found = again(KNOWN)
    assert (found.action, found.publish_at) == (Action.EDIT, START + 10 * MINUTE)


def test_changes_put_a_mail_off_for_so_long_and_no_longer() -> None:
    old = replace(KNOWN, made_at=START - 55 * MINUTE, publish_at=START + MINUTE)
    assert again(old).publish_at == START + 5 * MINUTE
    older = replace(old, made_at=START - 3 * HOUR)
    assert again(older).publish_at == START + MINUTE, "never sooner than was said"


def test_a_word_for_another_text_counts_no_more() -> None:
    for approval in ("hold", "two"):
        found = again(replace(KNOWN, approval=approval))
        assert (found.action, found.back_to_hold) == (Action.EDIT, True)
        assert "changed after it was approved" in found.why


def test_what_its_source_takes_back_before_it_is_mailed_is_held() -> None:
    found = again(replace(KNOWN, same_text=True), changed(signal="withdrawn"))
    assert (found.action, found.back_to_hold) == (Action.KNOWN, True)
    assert again(KNOWN, suspicion="its title says “Rettelse” since").back_to_hold


def test_a_signal_about_what_was_mailed_goes_on_record_once() -> None:
    mailed = replace(KNOWN, state="published", same_text=True)
    found = again(mailed, changed(signal="withdrawn"))
    assert (found.action, found.noteworthy) == (Action.KNOWN, True)
    assert "release withdraw" in found.why
    known = again(replace(mailed, signalled=True), changed(signal="withdrawn"))
    assert (known.action, known.noteworthy) == (Action.KNOWN, False)


@pytest.mark.parametrize(
    ("issuer", "signed"),
    [("um", True), (" U  M ", False), ("UDENRIGSMINISTERIET", True), ("", False)],
)
def test_who_signs(issuer: str, signed: bool) -> None:
    assert signs(issuer, TERMS.issuers) is signed


MOMENTS = st.none() | st.integers(-5000, 5000).map(lambda minutes: START + minutes * MINUTE)


@given(
    dated=MOMENTS, publish_at=MOMENTS, embargo=MOMENTS, seeded=st.booleans(),
    approval=st.sampled_from(["auto", "hold", "two"]),
    signal=st.sampled_from(["", "correction", "withdrawn"]),
    issuer=st.sampled_from([None, "UM", "Somebody"]),
)  # fmt: skip
def test_whatever_is_mailed_may_be_mailed(
    dated: datetime | None, publish_at: datetime | None, embargo: datetime | None, seeded: bool,
    approval: Any, signal: Any, issuer: str | None,
) -> None:  # fmt: skip
    document = ReleaseDocument(
        text(),
        dated=dated,
        publish_at=publish_at,
        embargo_until=embargo,
        signal=signal,
        issuer=issuer,
    )
    found = decide(
        Sighting(document, START, seeded=seeded), None, replace(TERMS, approval=approval)
    )
    assert sum(one.decided for one in found.reasons) == 1
    if found.action is not Action.SEND:
        return
    assert seeded
    assert approval == "auto"
    assert not signal
    assert issuer != "Somebody"
    assert found.publish_at is not None
    assert found.publish_at >= START + 10 * MINUTE
    assert publish_at is None or found.publish_at >= publish_at
    ahead = [one for one in (publish_at, embargo) if one is not None and one > START]
    assert dated is not None or publish_at is not None or embargo is not None
    assert ahead or dated is None or START - dated <= timedelta(hours=48)

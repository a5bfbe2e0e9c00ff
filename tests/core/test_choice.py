"""What a reader chose: the definition of whom a release is for, held against properties."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from mailer.core.choice import Choice, differences, from_plain, joined, to_plain, wants

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
KEYS = ("climate", "energy", "trade")

topics = st.lists(st.sampled_from(KEYS), unique=True, max_size=3).map(tuple)
moments = st.timedeltas(timedelta(days=-400), timedelta(days=400)).map(lambda step: AT + step)
choices = st.builds(
    Choice,
    languages=st.lists(st.sampled_from(["da", "en", "kl"]), unique=True, min_size=1).map(tuple),
    topics=st.none() | topics.filter(bool),
    paused_until=st.none() | moments,
    kinds=st.none() | topics.filter(bool),
    places=st.none() | topics.filter(bool),
    every_language=st.booleans(),
)


def test_the_last_word_in_examples() -> None:
    some = Choice(("da",), topics=("climate",))
    assert wants(None, topics=["trade"], at=AT)
    assert wants(Choice(("da",)), topics=["trade"], at=AT)
    assert wants(some, topics=["trade", "climate"], at=AT)
    assert not wants(some, topics=["trade"], at=AT)
    assert wants(some, topics=[], at=AT), "what has no topic is for everybody"
    assert not wants(Choice(("da",), frequency="weekly"), topics=[], at=AT)


def test_a_break_ends_at_its_very_moment() -> None:
    paused = Choice(("da",), paused_until=AT)
    assert not wants(paused, topics=[], at=AT - timedelta(microseconds=1))
    assert wants(paused, topics=[], at=AT)


@given(choices, topics, moments)
def test_wants_says_what_its_words_say(choice: Choice, of: tuple[str, ...], at: datetime) -> None:
    paused = choice.paused_until is not None and at < choice.paused_until
    asked = choice.topics is None or not of or any(topic in choice.topics for topic in of)
    assert wants(choice, topics=of, at=at) is (asked and not paused)


@given(choices, topics, moments)
def test_languages_leave_nobody_out(choice: Choice, of: tuple[str, ...], at: datetime) -> None:
    other = Choice(("fr",), choice.topics, choice.frequency, choice.paused_until)
    assert wants(choice, topics=of, at=at) == wants(other, topics=of, at=at)


@given(choices, topics, topics, moments)
def test_one_topic_more_never_takes_a_release_away(
    choice: Choice, of: tuple[str, ...], more: tuple[str, ...], at: datetime
) -> None:
    if choice.topics is not None:
        wider = Choice(
            choice.languages, (*choice.topics, *more), choice.frequency, choice.paused_until
        )
        assert wants(choice, topics=of, at=at) <= wants(wider, topics=of, at=at)


@given(choices, moments, st.sampled_from(["Europe/Copenhagen", "Pacific/Auckland", "UTC"]))
def test_a_choice_is_kept_whole(choice: Choice, until: datetime, zone: str) -> None:
    there = replace(choice, paused_until=until.astimezone(ZoneInfo(zone)))
    for one in (choice, there):
        kept = json.loads(json.dumps(to_plain(one)))
        assert from_plain(kept) == one
        assert differences(one, from_plain(kept)) == ()
        assert set(kept) == {field.name for field in fields(Choice)}


@given(choices, choices, topics, moments)
def test_two_that_become_one_lose_nothing(
    one: Choice, other: Choice, of: tuple[str, ...], at: datetime
) -> None:
    both = joined(one, other)
    either = wants(one, topics=of, at=at) or wants(other, topics=of, at=at)
    assert either <= wants(both, topics=of, at=at)
    assert both.languages[: len(one.languages)] == one.languages
    assert set(both.languages) == {*one.languages, *other.languages}


@given(choices, choices)
def test_differences_are_named_and_complete(one: Choice, other: Choice) -> None:
    changed = differences(one, other)
    assert bool(changed) is (one != other)
    assert set(changed) <= {field.name for field in fields(Choice)}

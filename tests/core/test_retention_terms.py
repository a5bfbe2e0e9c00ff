"""Retention: each rule has a time of its own, and lets go up to that long ago."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mailer.core.retention import Retention, Rule

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def test_every_rule_has_its_time_and_every_time_its_rule() -> None:
    assert {rule.value for rule in Rule} == set(Retention.__slots__)


@given(st.sampled_from(Rule), st.integers(0, 10_000))
def test_a_rule_lets_go_of_what_is_as_old_as_it_says(rule: Rule, days: int) -> None:
    kept = Retention(**{rule.value: timedelta(days=days)})
    assert kept.until(rule, NOW) == NOW - timedelta(days=days)

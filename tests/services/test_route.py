"""Relays share the work by order and weight; one that fails rests, and none waits for another in vain."""

import math
import random
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailer.core.errors import ServiceMissing
from mailer.mail.transport import Line
from mailer.services.route import ARREARS, RESTS, SLACK, Route, Routes


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = 1_000.0

    def __call__(self) -> float:
        return self.moment


@dataclass
class Nowhere:
    """A transport that is looked at and never connected to."""

    name: str = "r"
    connections: int = 8
    order: int = 0
    weight: int = 1
    messages_per_second: float = 0.0

    async def connect(self) -> Line:
        raise ServiceMissing("Nobody is there")


@dataclass
class Yard:
    """Some routes over one clock, and which of them have no idle line."""

    transports: list[Nowhere]
    clock: Clock = field(default_factory=Clock)
    busy: set[Route] = field(default_factory=set)

    def __post_init__(self) -> None:
        dice = random.Random(1)
        self.routes = [Route(each, self.clock, dice) for each in self.transports]
        self.all = Routes(self.routes)

    def may(self, route: Route) -> bool:
        return self.all.may_pull(route, self.clock(), lambda each: each not in self.busy)

    def may_all(self) -> list[bool]:
        return [self.may(route) for route in self.routes]

    def pull(self, number: int, order: random.Random) -> Counter[str]:
        """Messages handed out one by one, to the first that may of routes that ask in any order."""
        took: Counter[str] = Counter()
        for _ in range(number):
            asking = [route for route in self.routes if route not in self.busy]
            order.shuffle(asking)
            route = next(filter(self.may, asking))
            route.took(self.clock())
            took[route.transport.name] += 1
        return took


def yard(*weights: int, **more: float) -> Yard:
    """Routes of one order, called a, b, ..."""
    names = "abcdefgh"
    return Yard(
        [
            Nowhere(
                names[position], weight=weight, messages_per_second=more.get(names[position], 0)
            )
            for position, weight in enumerate(weights)
        ]
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


def route_of(clock: Clock, seed: int = 1, **terms: float) -> Route:
    return Route(Nowhere(**terms), clock, random.Random(seed))  # type: ignore[arg-type]  # numbers all


def test_a_route_is_its_transport_and_sound_at_first(clock: Clock) -> None:
    transport = Nowhere("main", connections=3, order=2, weight=5)
    route = Route(transport, clock)

    assert route.transport is transport
    assert (route.lines, route.order, route.weight) == (3, 2, 5)
    assert route.usable
    assert (route.fault, route.failing_since, route.resting(clock())) == ("", None, 0.0)


@given(seed=st.integers())
def test_each_failure_rests_longer_and_a_minute_is_the_most(seed: int) -> None:
    clock = Clock()
    route = route_of(clock, seed)
    began = clock()
    for position in range(8):
        route.failed(f"failure {position}")
        rest = route.resting(clock())
        plain = RESTS[min(position, 3)]
        assert plain * 0.8 <= rest <= plain * 1.2 + 1e-9
        assert not route.usable
        clock.moment += rest
        assert route.usable
    assert (route.fault, route.failing_since) == ("failure 7", began)


def test_dispatchers_that_lost_a_relay_together_do_not_come_back_together(clock: Clock) -> None:
    rests = set()
    for seed in range(20):
        route = route_of(clock, seed)
        route.failed("gone")
        rests.add(route.resting(clock()))
    assert len(rests) == 20


def test_what_fails_while_it_rests_was_begun_before(clock: Clock) -> None:
    route = route_of(clock)
    for line in range(8):
        route.failed(f"line {line} broke off")
    rest = route.resting(clock())
    assert rest <= 1.2
    assert route.fault == "line 7 broke off"
    clock.moment += rest
    route.failed("again")
    assert 4.0 <= route.resting(clock()) <= 6.0


def test_well_is_well(clock: Clock) -> None:
    route = route_of(clock)
    for _ in range(4):
        route.failed("gone")
        clock.moment += route.resting(clock())
    route.failed("gone")
    route.well()

    assert route.usable
    assert (route.fault, route.failing_since) == ("", None)
    route.failed("gone")
    assert route.resting(clock()) <= 1.2, "the next failure is a first one"


def test_who_refuses_us_is_not_asked_again(clock: Clock) -> None:
    route = route_of(clock)
    route.refuse("relay main: 535 login refused")
    route.failed("a line that was still open")
    route.well()
    clock.moment += 1e6

    assert not route.usable
    assert route.resting(clock()) == math.inf
    assert (route.fault, route.failing_since) == ("relay main: 535 login refused", 1_000.0)


def test_a_route_keeps_to_its_rate(clock: Clock) -> None:
    route = route_of(clock, messages_per_second=2)
    assert route.wait(clock()) == 0.0
    for _ in range(2):
        route.took(clock())
    assert route.wait(clock()) == pytest.approx(0.5)
    clock.moment += 0.5
    assert route.wait(clock()) == 0.0


def test_the_lowest_order_alone_pulls() -> None:
    both = Yard([Nowhere("spare", order=5), Nowhere("main", order=1), Nowhere("last", order=9)])
    spare, main, _ = both.routes
    assert both.may_all() == [False, True, False]

    main.failed("gone")
    assert both.may_all() == [True, False, False]
    spare.refuse("535 no")
    assert both.may_all() == [False, False, True]


def test_who_may_be_tried_again_keeps_nothing_from_others_until_it_is_well() -> None:
    both = Yard([Nowhere("main"), Nowhere("spare", order=1)])
    main, _ = both.routes
    main.failed("gone")
    both.clock.moment += 2.0
    assert both.may_all() == [True, True]
    main.well()
    assert both.may_all() == [True, False]


def test_a_trial_is_no_matter_of_shares() -> None:
    some = yard(1, 1)
    tried, other = some.routes
    some.busy.add(other)
    some.pull(500, random.Random(7))
    some.busy.clear()
    tried.failed("gone")
    some.clock.moment += 2.0
    assert some.may(other)
    assert some.may(tried), "else it would stay on trial until the other has caught up"


def test_order_is_no_matter_of_speed() -> None:
    both = Yard([Nowhere("main", messages_per_second=1), Nowhere("spare", order=1)])
    both.routes[0].took(both.clock())
    both.busy.add(both.routes[0])
    assert both.may_all() == [True, False]


WEIGHTS = st.lists(st.integers(1, 50), min_size=2, max_size=5)


@given(weights=WEIGHTS, seed=st.integers(0, 99))
@example(weights=[1, 21, 47], seed=0)  # one message of the first is 47 of the last
def test_shares_follow_the_weights(weights: list[int], seed: int) -> None:
    some, order = yard(*weights), random.Random(seed)
    for _ in range(20):
        some.pull(5, order)
        for one in some.routes:
            for other in some.routes:
                most = SLACK / one.weight + 1 / other.weight
                assert other.virtual - one.virtual <= most + 1e-9


def test_shares_of_many_messages_are_exact_to_a_few() -> None:
    assert yard(3, 1).pull(4_000, random.Random(2))["b"] == pytest.approx(1_000, abs=SLACK + 1)


@given(
    weights=WEIGHTS,
    steps=st.lists(
        st.tuples(
            st.sets(st.integers(0, 4)),
            st.sampled_from(["failed", "well", "pull", "pull", "pull"]),
            st.integers(0, 4),
            st.floats(0, 5),
        ),
        max_size=80,
    ),
    rated=st.sampled_from([0.0, 0.5, 3.0]),
)
def test_of_those_that_could_one_always_may(
    weights: list[int], steps: list[tuple[set[int], str, int, float]], rated: float
) -> None:
    some = yard(*weights, a=rated)
    for busy, what, which, seconds in steps:
        some.clock.moment += seconds
        some.busy = {some.routes[each] for each in busy if each < len(weights)}
        route = some.routes[which % len(weights)]
        if what == "failed":
            route.failed("gone")
        elif what == "well":
            route.well()
        able = [
            each
            for each in some.routes
            if each.usable and each not in some.busy and not each.wait(some.clock())
        ]
        pulling = [each for each in able if some.may(each)]
        assert bool(pulling) is bool(able)
        assert not any(some.may(each) for each in some.routes if not each.usable)
        if pulling:
            pulling[which % len(pulling)].took(some.clock())


def test_who_is_busy_holds_nobody_up() -> None:
    some = yard(1, 1)
    fast, slow = some.routes
    some.busy.add(slow)
    for _ in range(500):
        assert some.may(fast)
        fast.took(some.clock())


def test_who_is_at_its_rate_holds_nobody_up() -> None:
    some = yard(1, 1, b=1.0)
    fast, rated = some.routes
    rated.took(some.clock())
    for _ in range(500):
        assert some.may(fast)
        fast.took(some.clock())


def test_who_could_not_keep_up_has_little_to_make_up() -> None:
    some = yard(1, 1)
    fast, slow = some.routes
    some.busy.add(slow)
    some.pull(500, random.Random(3))
    some.busy.clear()
    assert not some.may(fast), "the other is behind and idle"

    assert some.pull(100, random.Random(3))["b"] <= 50 + ARREARS
    assert abs(fast.virtual - slow.virtual) <= SLACK + 1


@pytest.mark.parametrize("weights", [(1, 1), (2, 3)])
def test_who_comes_back_starts_with_the_others(weights: tuple[int, int]) -> None:
    some = yard(*weights)
    stayed, back = some.routes
    back.failed("gone")
    some.pull(500, random.Random(4))
    back.well()
    assert some.may_all() == [True, True]

    number = 20 * sum(weights)
    share = number * back.weight / sum(weights)
    assert some.pull(number, random.Random(4))["b"] == pytest.approx(share, abs=SLACK * 2 + 2)
    assert stayed.virtual == pytest.approx(back.virtual, abs=SLACK + 1)


def test_who_was_ahead_when_it_failed_has_nothing_to_wait_for() -> None:
    some = yard(1, 1)
    ahead, other = some.routes
    other.failed("gone")
    some.pull(500, random.Random(5))
    ahead.failed("gone")
    other.well()
    some.pull(5, random.Random(5))
    ahead.well()
    assert some.pull(40, random.Random(5))["a"] == pytest.approx(20, abs=SLACK + 1)


def test_all_that_fail_and_come_back_go_on_together() -> None:
    some = yard(1, 1)
    for route in some.routes:
        route.failed("gone")
    assert some.may_all() == [False, False]
    for route in some.routes:
        route.well()
    assert some.pull(40, random.Random(6))["a"] == pytest.approx(20, abs=SLACK + 1)


def test_one_route_alone_needs_only_to_be_usable() -> None:
    alone = yard(1)
    assert alone.may_all() == [True]
    alone.routes[0].failed("gone")
    assert alone.may_all() == [False]
    alone.clock.moment += 2
    assert alone.may_all() == [True]


def test_the_moment_of_the_next_try() -> None:
    some = yard(1, 1, 1)
    now = some.clock()
    assert some.all.usable_at(now) == now
    some.routes[0].refuse("535 no")
    some.routes[1].failed("gone")
    assert some.all.usable_at(now) == now
    some.routes[2].failed("gone")
    first = min(route.resting(now) for route in some.routes)
    assert some.all.usable_at(now) == now + first
    for route in some.routes:
        route.refuse("535 no")
    assert some.all.usable_at(now) is None


def test_relays_are_missing_while_none_is_sound_and_one_may_come_back() -> None:
    some = yard(1, 1)
    one, other = some.routes
    told = [some.all.missing]
    for happens in (one.failed, other.refuse, one.refuse):
        happens("gone")
        told.append(some.all.missing)
    assert told == [False, False, True, False], "the last is no matter of time"

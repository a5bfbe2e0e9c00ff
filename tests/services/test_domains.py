"""Domains are held to their limits and slowed when they ask for it, and none delays another."""

import math
from collections import Counter, deque
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.core.delivery import Outcome, Phase
from mailer.core.pace import DomainLimit
from mailer.core.reply import judge, lost
from mailer.services.domains import SLOWED, Domains

ACCEPTED = judge(Phase.CONTENT, 250, "2.0.0 queued")
THROTTLED = judge(Phase.RCPT, 450, "4.7.1 slow down")
CLOSING = judge(Phase.CONTENT, 421, "4.7.0 try again later")
NO_READER = judge(Phase.RCPT, 550, "5.1.1 no such mailbox")
LINK_LOST = lost(Phase.DATA, "the link died")
ANNA, BO = "anna@example.org", "bo@Example.ORG"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = 1_000.0

    def __call__(self) -> float:
        return self.moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


def sent(domains: Domains, mailbox: str, outcome: Outcome | None = ACCEPTED) -> bool:
    """Send one message that may begin; whether others may ask anew at its end."""
    assert domains.wait(mailbox) == 0.0
    domains.begun(mailbox)
    return domains.ended(mailbox, outcome)


def test_nothing_waits_where_nothing_is_limited(clock: Clock) -> None:
    domains = Domains({}, clock)
    for _ in range(1_000):
        assert domains.wait(ANNA) == 0.0
        domains.begun(ANNA)
    for _ in range(1_000):
        assert domains.ended(ANNA, ACCEPTED)
    assert domains.slowed() == {}


def test_at_most_so_many_are_on_their_way(clock: Clock) -> None:
    domains = Domains({"example.org": DomainLimit(connections=2)}, clock)
    domains.begun(ANNA)
    assert domains.wait(BO) == 0.0, "a domain is the same in any case"
    domains.begun(BO)

    assert domains.wait(ANNA) == math.inf
    assert domains.wait("carl@other.example") == 0.0
    assert domains.ended(BO, ACCEPTED), "who waits may ask anew"
    assert domains.wait(ANNA) == 0.0


@pytest.mark.parametrize("outcome", [None, ACCEPTED, NO_READER, LINK_LOST, THROTTLED])
def test_whatever_ends_a_message_makes_room(clock: Clock, outcome: Outcome | None) -> None:
    domains = Domains({"example.org": DomainLimit(connections=1)}, clock)
    domains.begun(ANNA)
    assert domains.wait(BO) == math.inf

    assert domains.ended(ANNA, outcome)
    assert domains.wait(BO) == (30.0 if outcome is THROTTLED else 0.0)


def test_at_most_so_many_a_minute(clock: Clock) -> None:
    domains = Domains({"example.org": DomainLimit(messages_per_minute=30)}, clock)
    sent(domains, ANNA)

    assert domains.wait(BO) == pytest.approx(2.0)
    clock.moment += 2.0
    sent(domains, BO, None)
    assert domains.wait(ANNA) == pytest.approx(2.0), "given back or not, it was begun"


def test_the_default_is_for_every_domain_that_is_not_named(clock: Clock) -> None:
    limits = {
        "*": DomainLimit(connections=1, messages_per_minute=60),
        "Example.org": DomainLimit(connections=2),
        "free.example": DomainLimit(),
    }
    domains = Domains(limits, clock)

    for mailbox in (ANNA, "carl@one.example", "dora@two.example", "eli@free.example"):
        assert domains.wait(mailbox) == 0.0
        domains.begun(mailbox)
    waits = [domains.wait(f"x@{name}.example") for name in ("one", "two", "three", "free")]

    assert waits == [math.inf, math.inf, 0.0, 0.0]
    assert domains.wait(ANNA) == 0.0
    domains.ended("carl@one.example", ACCEPTED)
    assert domains.wait("carl@one.example") == pytest.approx(1.0)


@pytest.mark.parametrize("sign", [THROTTLED, CLOSING])
def test_a_domain_that_throttles_is_paused_and_no_other(clock: Clock, sign: Outcome) -> None:
    domains = Domains({}, clock)
    sent(domains, ANNA, sign)

    assert domains.wait(BO) == 30.0
    assert domains.wait("carl@other.example") == 0.0
    assert domains.slowed() == {"example.org": 30.0}
    clock.moment += 29.0
    assert domains.slowed() == {"example.org": 1.0}
    clock.moment += 1.0
    assert domains.slowed() == {}
    assert domains.wait(BO) == 0.0


def test_after_the_pause_one_at_a_time(clock: Clock) -> None:
    domains = Domains({}, clock)
    sent(domains, ANNA, THROTTLED)
    clock.moment += 30.0
    domains.begun(ANNA)

    assert domains.wait(BO) == math.inf
    assert domains.ended(ANNA, NO_READER)
    assert domains.wait(BO) == 0.0


def test_many_signs_at_once_are_one(clock: Clock) -> None:
    domains = Domains({}, clock)
    for _ in range(8):
        domains.begun(ANNA)
    for _ in range(7):
        domains.ended(ANNA, THROTTLED)
    clock.moment += 30.0

    assert domains.wait(BO) == math.inf, "one that was begun before is still on its way"
    domains.ended(ANNA, THROTTLED)
    assert domains.wait(BO) == 60.0


def test_acceptances_set_it_free(clock: Clock) -> None:
    domains = Domains({}, clock)
    sent(domains, ANNA, THROTTLED)
    clock.moment += 30.0
    at_once = []
    for _ in range(61):
        begun = 0
        while begun < 100 and domains.wait(BO) == 0.0:
            domains.begun(BO)
            begun += 1
        at_once.append(begun)
        for _ in range(begun - 1):
            domains.ended(BO, NO_READER)
        assert domains.ended(BO, ACCEPTED)

    assert at_once == [n for n in (1, 2, 4, 8, 16, 32) for _ in range(10)] + [100]


def test_the_operators_limit_stands_while_a_domain_recovers(clock: Clock) -> None:
    domains = Domains({"example.org": DomainLimit(connections=3)}, clock)
    sent(domains, ANNA, THROTTLED)
    clock.moment += 30.0
    for _ in range(60):
        sent(domains, ANNA)
    for _ in range(3):
        domains.begun(ANNA)
    assert domains.wait(BO) == math.inf


def test_an_hour_later_it_is_free_unless_a_message_is_still_waited_for(clock: Clock) -> None:
    domains = Domains({}, clock)
    sent(domains, ANNA, THROTTLED)
    clock.moment += 30.0
    domains.begun(ANNA)
    clock.moment += 3_600.0
    assert domains.wait(BO) == math.inf
    assert domains.ended(ANNA, ACCEPTED)
    for _ in range(5):
        assert domains.wait(BO) == 0.0
        domains.begun(BO)


def remembered(domains: Domains) -> int:
    """How many things it holds, whatever it calls them."""
    return sum(len(held) for held in vars(domains).values() if isinstance(held, dict))


def test_memory_is_bounded_with_many_domains(clock: Clock) -> None:
    domains = Domains({"*": DomainLimit(connections=1, messages_per_minute=60)}, clock)
    for number in range(20_000):
        clock.moment += 0.01
        for mailbox in (f"reader@domain{number}.example", ANNA):
            domains.begun(mailbox)
            domains.ended(mailbox, ACCEPTED)
        if number % 1_000 == 0:
            assert remembered(domains) <= 102


def test_at_most_so_many_slowed_domains_are_remembered(clock: Clock) -> None:
    domains = Domains({}, clock)
    domains.begun("reader@domain0.example")
    domains.begun("reader@domain0.example")
    domains.ended("reader@domain0.example", THROTTLED)
    for number in range(1, SLOWED + 500):
        sent(domains, f"reader@domain{number}.example", THROTTLED)

    assert remembered(domains) == SLOWED + 1
    assert "domain0.example" in domains.slowed(), "a message of it is still on its way"
    assert domains.wait("reader@domain1.example") == 0.0
    assert domains.wait(f"reader@domain{SLOWED + 499}.example") == 30.0


def test_who_gave_a_sign_last_is_remembered_longest(clock: Clock) -> None:
    domains = Domains({}, clock)
    sent(domains, ANNA, THROTTLED)
    for number in range(SLOWED - 1):
        sent(domains, f"reader@domain{number}.example", THROTTLED)
    clock.moment += 30.0
    sent(domains, ANNA, THROTTLED)
    sent(domains, "reader@one.more.example", THROTTLED)

    assert domains.wait(ANNA) == 60.0
    assert remembered(domains) == SLOWED


def test_what_is_long_over_is_forgotten_with_the_next_sign(clock: Clock) -> None:
    domains = Domains({}, clock)
    for number in range(100):
        sent(domains, f"reader@domain{number}.example", THROTTLED)
    clock.moment += 3_700.0
    sent(domains, ANNA, THROTTLED)
    assert remembered(domains) == 1


class Desk:
    """Sends letters as a dispatcher does, and lays aside what may not begin; checks every limit.

    Args:
        at_once: letters of a domain that ask anew at an end; none need ask for the others.
    """

    def __init__(
        self, letters: list[str], limits: dict[str, DomainLimit], at_once: int = 99
    ) -> None:
        self.at_once = at_once
        self.clock = Clock()
        self.limits = limits
        self.domains = Domains(limits, self.clock)
        self.aside: dict[str, deque[str]] = {}
        self.ask_at: dict[str, float] = {}
        self.flying: list[str] = []
        self.begun: dict[str, list[float]] = {}
        for letter in letters:
            self.aside.setdefault(letter, deque()).append(letter)
            self.ask_at[letter] = self.clock.moment
        self.ask()

    def ask(self) -> None:
        """Begin what may begin, of every domain whose time has come."""
        for domain in [each for each in self.aside if self.ask_at[each] <= self.clock.moment]:
            self.ask_for(domain, len(self.aside[domain]))

    def ask_for(self, domain: str, letters: int) -> None:
        """Begin as many of a domain as may, of so many that ask."""
        for _ in range(min(letters, len(self.aside[domain]))):
            wait = self.domains.wait(f"reader@{domain}")
            self.ask_at[domain] = self.clock.moment + wait
            if wait:
                return
            self.domains.begun(f"reader@{domain}")
            self.flying.append(self.aside[domain].popleft())
            self.begun.setdefault(domain, []).append(self.clock.moment)
            most = self.limits.get(domain, self.limits.get("*", DomainLimit())).connections
            assert Counter(self.flying)[domain] <= (most or math.inf)
            self.ask_at[domain] = math.inf
        if not self.aside[domain]:
            del self.aside[domain], self.ask_at[domain]

    def end(self, position: int, outcome: Outcome | None) -> None:
        """One that is on its way ends; deferred and given back ones are laid aside again."""
        domain = self.flying.pop(position)
        if outcome not in {ACCEPTED, NO_READER}:
            self.aside.setdefault(domain, deque()).append(domain)
            self.ask_at.setdefault(domain, math.inf)
        if self.domains.ended(f"reader@{domain}", outcome) and domain in self.aside:
            self.ask_for(domain, self.at_once)
        self.ask()

    def sleep(self) -> None:
        """Until the first that was laid aside may ask anew."""
        moment = min(self.ask_at.values())
        assert moment < math.inf, "nothing is on its way, and everybody waits for its end"
        self.clock.moment = max(self.clock.moment, moment)
        self.ask()


def work_off(desk: Desk, fate: Callable[[], tuple[int, Outcome | None]]) -> None:
    """Until every letter has had its fate."""
    while desk.flying or desk.aside:
        if desk.flying:
            position, outcome = fate()
            desk.end(position % len(desk.flying), outcome)
        else:
            desk.sleep()


NAMES = st.sampled_from(["a.example", "b.example", "c.example"])
LIMITS = st.dictionaries(
    NAMES | st.just("*"),
    st.builds(DomainLimit, st.integers(0, 3), st.sampled_from([0.0, 0.5, 30.0, 600.0])),
)
FATES = st.lists(
    st.tuples(
        st.integers(0, 99),
        st.sampled_from([ACCEPTED, THROTTLED, CLOSING, NO_READER, LINK_LOST, None]),
    ),
    max_size=80,
)


@given(letters=st.lists(NAMES, max_size=60), limits=LIMITS, fates=FATES, at_once=st.integers(1, 3))
def test_every_letter_has_its_turn_within_every_limit(
    letters: list[str],
    limits: dict[str, DomainLimit],
    fates: list[tuple[int, Outcome | None]],
    at_once: int,
) -> None:
    desk = Desk(letters, limits, at_once)

    work_off(desk, lambda: fates.pop() if fates else (0, ACCEPTED))

    assert set(desk.begun) == set(letters)
    for domain, moments in desk.begun.items():
        limit = limits.get(domain, limits.get("*", DomainLimit()))
        per_second = limit.messages_per_minute / 60
        if per_second:
            for first, begin in enumerate(moments):
                most = max(1.0, per_second) + per_second * (moments[-1] - begin)
                assert len(moments) - first <= most + 1e-3


@pytest.mark.parametrize("at_once", [1, 2, 99])
def test_who_waited_while_a_domain_recovered_is_not_forgotten_once_it_is_free(at_once: int) -> None:
    desk = Desk(["a.example"] * 300, {}, at_once)
    assert len(desk.flying) == 300
    for _ in range(300):
        desk.end(0, THROTTLED)
    desk.sleep()

    work_off(desk, lambda: (0, ACCEPTED))

    assert len(desk.begun["a.example"]) == 600


@given(fates=st.lists(st.sampled_from([THROTTLED, CLOSING, LINK_LOST, ACCEPTED]), max_size=60))
def test_a_domain_in_trouble_delays_no_other(fates: list[Outcome]) -> None:
    desk = Desk(
        ["slow.example"] * 40 + ["well.example"] * 40, {"slow.example": DomainLimit(2, 6.0)}
    )
    assert desk.begun["well.example"] == [desk.clock.moment] * 40

    slow = [number for number, each in enumerate(desk.flying) if each == "slow.example"]
    assert slow == [0], "one at once, by its rate"
    for outcome in fates:
        if "slow.example" not in desk.flying:
            desk.sleep()
        if "slow.example" in desk.flying:
            desk.end(desk.flying.index("slow.example"), outcome)
        desk.aside.setdefault("well.example", deque()).append("well.example")
        desk.ask_at["well.example"] = desk.clock.moment
        desk.ask()
        assert desk.begun["well.example"][-1] == desk.clock.moment

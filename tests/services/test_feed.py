"""The feed: notices first, then first in, first out, past whatever has to wait; nobody waits for nothing."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime

import pytest
from support.routes import Still, route_to

from mailer.core.delivery import Blame, Due, Outcome, Phase, Purpose, Result
from mailer.core.pace import DomainLimit
from mailer.mail.prepare import Prepared
from mailer.services.aside import PATIENCE
from mailer.services.bookkeeper import Letter
from mailer.services.domains import Domains
from mailer.services.feed import Feed
from mailer.services.route import Route, Routes

AT = datetime(2026, 3, 2, tzinfo=UTC)
PREPARED = Prepared(Purpose.RELEASE, "da", "Nyt", "b@um.example", b"")


ACCEPTED = Outcome(Result.ACCEPTED, Phase.CONTENT, 250)
THROTTLED = Outcome(Result.DEFERRED, Phase.RCPT, 450, "4.7.1", blame=Blame.RELAY)


def letter(number: int, mailbox: str = "a@example.org", mailing: int | None = 1) -> Letter:
    return Letter(Due(number, Purpose.RELEASE, 1, 1, mailbox, AT, 0, mailing), PREPARED)


class Counter:
    """A feed with its routes and a clock that stands still unless it is moved."""

    def __init__(
        self, routes: Sequence[Route] = (), limits: Mapping[str, DomainLimit] | None = None
    ) -> None:
        self.clock = Still()
        self.ours = True
        self.routes = list(routes) or [route_to("r", self.clock)]
        self.feed = Feed(
            Routes(self.routes), Domains(limits or {}, self.clock), lambda: self.ours, self.clock
        )

    @property
    def route(self) -> Route:
        return self.routes[0]

    def take(self, route: int = 0) -> int | None:
        found = self.feed.take(self.routes[route])
        return None if found is None else found.due.id

    async def taken(self, patience: float | None = None, route: int = 0) -> int | None:
        """Wait for a letter and take it, as often as another was quicker."""
        while await self.feed.ready(self.routes[route], patience):
            if (found := self.take(route)) is not None:
                return found
        return None


def story(told: Callable[[Counter], Awaitable[None]], **terms: Mapping[str, DomainLimit]) -> None:
    async def run() -> None:
        await told(Counter(**terms))  # type: ignore[arg-type] # limits alone

    asyncio.run(run())


def test_letters_come_in_order_and_what_was_put_back_comes_first() -> None:
    async def told(at: Counter) -> None:
        at.feed.put([letter(1), letter(2), letter(3)])
        assert await at.taken() == 1
        at.feed.put_back(letter(1))
        assert [await at.taken() for _ in range(3)] == [1, 2, 3]
        assert len(at.feed) == 0

    story(told)


def test_notices_overtake_whatever_waits() -> None:
    async def told(at: Counter) -> None:
        at.feed.put([letter(1), letter(2), letter(3, mailing=None)])
        assert [at.take() for _ in range(3)] == [3, 1, 2]

    story(told)


def test_who_was_free_last_gets_the_next_one() -> None:
    async def told(at: Counter) -> None:
        early, late = (asyncio.create_task(at.taken()) for _ in range(2))
        await asyncio.sleep(0)
        at.feed.put([letter(1)])
        assert await late == 1
        assert not early.done()
        at.feed.put([letter(2)])
        assert await early == 2

    story(told)


def test_patience_ends() -> None:
    async def told(at: Counter) -> None:
        with pytest.raises(TimeoutError):
            await at.taken(0)
        at.feed.put([letter(1)])
        assert await at.taken(0) == 1, "who gave up is not called"

    story(told)


def test_one_letter_is_handed_to_one_of_many() -> None:
    async def told(at: Counter) -> None:
        takers = [asyncio.create_task(at.taken()) for _ in range(5)]
        await asyncio.sleep(0)
        for number in range(3):
            at.feed.put([letter(number)])
        at.feed.put([letter(3), letter(4)])
        assert {*await asyncio.gather(*takers)} == {0, 1, 2, 3, 4}

    story(told)


def test_a_closed_feed_lets_everybody_go_and_keeps_what_was_never_begun() -> None:
    async def told(at: Counter) -> None:
        takers = [asyncio.create_task(at.taken()) for _ in range(3)]
        await asyncio.sleep(0)
        at.feed.close()
        assert await asyncio.gather(*takers) == [None, None, None]
        at.feed.put([letter(1)])
        assert await at.taken() is None
        assert len(at.feed) == 1

    story(told)


def test_a_closing_feed_ends_a_pause() -> None:
    async def told(at: Counter) -> None:
        await at.feed.closing(0)
        paused = asyncio.create_task(at.feed.closing(3600))
        await asyncio.sleep(0)
        at.feed.close()
        await paused

    story(told)


def test_what_is_taken_out_is_not_handed_out() -> None:
    async def told(at: Counter) -> None:
        at.feed.put([letter(1), letter(2, mailing=2), letter(3), letter(4, mailing=None)])
        assert at.feed.withdraw({1}) == [letter(1), letter(3)]
        assert [at.take(), at.take(), at.take()] == [4, 2, None]
        at.feed.put([letter(5)])
        assert at.feed.clear() == [letter(5)]
        assert (at.take(), len(at.feed)) == (None, 0)

    story(told)


def test_what_comes_late_of_a_withdrawn_mailing_is_withheld_until_the_next_word() -> None:
    async def told(at: Counter) -> None:
        at.feed.put([letter(5), letter(1), letter(2, mailing=2)])
        assert at.take() == 5
        assert at.feed.withdraw({1}) == [letter(1)]
        at.feed.put([letter(3), letter(4, mailing=None)])
        at.feed.put_back(letter(5))
        assert (len(at.feed), at.take(), at.take(), at.take()) == (4, 4, 2, None)
        assert at.feed.withdraw({1, 2}) == [letter(5), letter(3)]
        at.feed.put([letter(6), letter(7, mailing=2)])
        assert at.feed.withdraw({2}) == [letter(7, mailing=2)]
        assert at.take() == 6, "its mailing goes on"
        at.feed.put([letter(8)])
        assert at.feed.withdraw(frozenset()) == []
        assert (at.take(), len(at.feed)) == (8, 0)

    story(told)


def test_a_taker_that_is_cancelled_takes_nothing_with_it() -> None:
    async def told(at: Counter) -> None:
        patient, cancelled = (asyncio.create_task(at.taken()) for _ in range(2))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.sleep(0)
        at.feed.put([letter(1)])
        assert await patient == 1

    story(told)


def test_a_call_that_is_cancelled_goes_to_another() -> None:
    async def told(at: Counter) -> None:
        patient, called = (asyncio.create_task(at.feed.ready(at.route)) for _ in range(2))
        await asyncio.sleep(0)
        at.feed.put([letter(1)])
        called.cancel()
        assert await patient
        assert at.take() == 1

    story(told)


def test_who_comes_too_late_waits_on() -> None:
    async def told(at: Counter) -> None:
        slow = asyncio.create_task(at.taken())
        await asyncio.sleep(0)
        at.feed.put([letter(1)])
        assert at.take() == 1, "a line that was speaking anyway"
        await asyncio.sleep(0)
        assert not slow.done()
        at.feed.put([letter(2)])
        assert await slow == 2

    story(told)


def test_what_is_not_ours_any_more_is_handed_to_nobody_until_it_is_again() -> None:
    async def told(at: Counter) -> None:
        at.ours = False
        at.feed.put([letter(1)])
        waiting = asyncio.create_task(at.taken())
        await asyncio.sleep(0)
        assert at.take() is None
        at.ours = True
        at.feed.reconsider()
        assert await waiting == 1

    story(told)


# Domains.


def test_a_domain_that_throttles_us_delays_no_other() -> None:
    async def told(at: Counter) -> None:
        slow = [letter(number, f"a{number}@slow.example") for number in range(4)]
        at.feed.put([*slow, letter(9), letter(10)])
        assert at.take() == 0
        at.feed.ended(slow[0], THROTTLED)
        assert [at.take(), at.take(), at.take()] == [9, 10, None]
        assert len(at.feed) == 3, "laid aside, not lost"
        assert at.feed.withdraw({1}) == slow[1:]

    story(told)


def test_a_domain_with_one_line_gets_one_letter_at_a_time() -> None:
    async def told(at: Counter) -> None:
        letters = {number: letter(number) for number in range(5)}
        at.feed.put(letters.values())
        for number in range(5):
            assert at.take() == number
            assert at.take() is None
            at.feed.ended(letters[number], ACCEPTED)
        assert (at.take(), len(at.feed)) == (None, 0)

    story(told, limits={"example.org": DomainLimit(connections=1)})


def test_a_letter_given_back_makes_room_for_its_domain() -> None:
    async def told(at: Counter) -> None:
        at.feed.put([letter(1), letter(2)])
        assert (at.take(), at.take()) == (1, None)
        at.feed.put_back(letter(1))
        assert at.take() == 1

    story(told, limits={"*": DomainLimit(connections=1)})


def test_what_is_laid_aside_beyond_the_room_for_it_is_let_go() -> None:
    async def told(at: Counter) -> None:
        many = [letter(number) for number in range(300)]
        at.feed.put([*many, letter(999, "b@elsewhere.example")])
        assert (at.take(), at.take()) == (0, 999)
        assert at.feed.excess(299) == []
        let_go = at.feed.excess(49)
        assert len(let_go) == 250
        assert len(at.feed) == 49
        waits = [wait for _, wait in let_go]
        assert waits == sorted(waits)
        assert waits[0] == PATIENCE
        assert waits[-1] == 3 * PATIENCE
        assert {one.due.id for one, _ in let_go} == set(range(50, 300)), "those that came last"

    story(told, limits={"example.org": DomainLimit(connections=1)})


def test_a_pause_that_is_over_brings_its_letters_back() -> None:
    """By a timer: the domain may have one message every tenth of a second."""

    async def told(at: Counter) -> None:
        loop = asyncio.get_running_loop()
        feed = Feed(
            Routes(at.routes),
            Domains({"example.org": DomainLimit(0, 600)}, loop.time),
            lambda: True,
        )
        feed.put([letter(number) for number in range(14)])
        found: list[int] = []
        async with asyncio.timeout(10):
            while len(found) < 14 and await feed.ready(at.route):
                if (one := feed.take(at.route)) is not None:
                    found.append(one.due.id)
                    feed.ended(one, ACCEPTED)
        assert found == list(range(14))

    story(told)


# Relays.


def two_relays(first: int, second: int) -> tuple[Still, list[Route]]:
    clock = Still()
    return clock, [
        route_to("one", clock, order=first, dice=random.Random(1)),
        route_to("two", clock, order=second, dice=random.Random(2)),
    ]


def test_the_second_relay_waits_until_the_first_fails() -> None:
    async def run() -> None:
        clock, routes = two_relays(1, 2)
        at = Counter(routes)
        at.clock = clock
        spare = asyncio.create_task(at.taken(route=1))
        await asyncio.sleep(0)
        at.feed.put([letter(1), letter(2)])
        await asyncio.sleep(0)
        assert not spare.done()
        assert at.take(0) == 1
        routes[0].failed("gone")
        at.feed.reconsider()
        assert await spare == 2

    asyncio.run(run())


def test_a_relay_that_rests_is_called_again_by_the_clock() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        route = route_to("r", loop.time, dice=random.Random(1))
        feed = Feed(Routes([route]), Domains({}), lambda: True, loop.time)
        feed.put([letter(1)])
        route.failed("gone for a second")
        async with asyncio.timeout(10):
            assert await feed.ready(route)
        assert feed.take(route) is not None

    asyncio.run(run())


def test_a_relay_takes_no_more_a_second_than_it_is_allowed() -> None:
    async def run() -> None:
        clock = Still()
        at = Counter([route_to("r", clock, messages_per_second=2)])
        at.feed = Feed(Routes(at.routes), Domains({}), lambda: True, clock)
        at.feed.put([letter(number) for number in range(6)])
        counts = []
        for _ in range(3):
            count = 0
            while at.take() is not None:
                count += 1
            counts.append(count)
            clock.move(1)
        assert counts == [2, 2, 2]

    asyncio.run(run())

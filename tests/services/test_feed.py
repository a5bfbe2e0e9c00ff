"""The feed: first in, first out; who was free last is called first; a closed feed hands out nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from mailer.core.delivery import Due, Purpose
from mailer.mail.prepare import Prepared
from mailer.services.bookkeeper import Letter
from mailer.services.feed import Feed

AT = datetime(2026, 3, 2, tzinfo=UTC)
PREPARED = Prepared(Purpose.RELEASE, "da", "Nyt", "b@um.example", b"")


def letter(number: int) -> Letter:
    return Letter(Due(number, Purpose.RELEASE, 1, 1, "a@example.org", AT, 0), PREPARED)


async def taken(feed: Feed, patience: float | None = None) -> Letter | None:
    """Wait for a letter and take it, as often as another was quicker."""
    while await feed.ready(patience):
        if (found := feed.take()) is not None:
            return found
    return None


def story(told: Callable[[Feed], Awaitable[None]]) -> None:
    async def run() -> None:
        await told(Feed())

    asyncio.run(run())


def test_letters_come_in_order_and_what_was_put_back_comes_first() -> None:
    async def told(feed: Feed) -> None:
        feed.put([letter(1), letter(2), letter(3)])
        first = await taken(feed)
        assert first == letter(1)
        feed.put_back(letter(1))
        assert [await taken(feed) for _ in range(3)] == [letter(1), letter(2), letter(3)]
        assert len(feed) == 0

    story(told)


def test_who_was_free_last_gets_the_next_one() -> None:
    async def told(feed: Feed) -> None:
        early, late = (asyncio.create_task(taken(feed)) for _ in range(2))
        await asyncio.sleep(0)
        feed.put([letter(1)])
        assert await late == letter(1)
        assert not early.done()
        feed.put([letter(2)])
        assert await early == letter(2)

    story(told)


def test_patience_ends() -> None:
    async def told(feed: Feed) -> None:
        with pytest.raises(TimeoutError):
            await taken(feed, 0)
        feed.put([letter(1)])
        assert await taken(feed, 0) == letter(1), "who gave up is not called"

    story(told)


def test_one_letter_is_handed_to_one_of_many() -> None:
    async def told(feed: Feed) -> None:
        takers = [asyncio.create_task(taken(feed)) for _ in range(5)]
        await asyncio.sleep(0)
        for number in range(3):
            feed.put([letter(number)])
        feed.put([letter(3), letter(4)])
        found = await asyncio.gather(*takers)
        assert sorted(one.due.id for one in found if one) == [0, 1, 2, 3, 4]

    story(told)


def test_a_closed_feed_lets_everybody_go_and_keeps_what_was_never_begun() -> None:
    async def told(feed: Feed) -> None:
        takers = [asyncio.create_task(taken(feed)) for _ in range(3)]
        await asyncio.sleep(0)
        feed.close()
        assert await asyncio.gather(*takers) == [None, None, None]
        feed.put([letter(1)])
        assert await taken(feed) is None
        assert len(feed) == 1

    story(told)


def test_what_is_forgotten_is_not_handed_out() -> None:
    async def told(feed: Feed) -> None:
        feed.put([letter(1)])
        feed.clear()
        feed.put([letter(2)])
        assert await taken(feed) == letter(2)

    story(told)


def test_a_taker_that_is_cancelled_takes_nothing_with_it() -> None:
    async def told(feed: Feed) -> None:
        patient, cancelled = (asyncio.create_task(taken(feed)) for _ in range(2))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.sleep(0)
        feed.put([letter(1)])
        assert await patient == letter(1)

    story(told)


def test_to_take_is_never_to_wait() -> None:
    async def told(feed: Feed) -> None:
        assert feed.take() is None
        feed.put([letter(1), letter(2)])
        assert feed.take() == letter(1)
        feed.close()
        assert feed.take() is None
        assert len(feed) == 1

    story(told)


def test_who_comes_too_late_waits_on() -> None:
    async def told(feed: Feed) -> None:
        slow = asyncio.create_task(taken(feed))
        await asyncio.sleep(0)
        feed.put([letter(1)])
        assert feed.take() == letter(1), "a line that was speaking anyway"
        await asyncio.sleep(0)
        assert not slow.done()
        feed.put([letter(2)])
        assert await slow == letter(2)

    story(told)


@pytest.mark.parametrize("how", ["passes on", "is cancelled"])
def test_a_call_that_leads_to_nothing_goes_to_another(how: str) -> None:
    async def told(feed: Feed) -> None:
        patient, called = (asyncio.create_task(feed.ready()) for _ in range(2))
        await asyncio.sleep(0)
        feed.put([letter(1)])
        if how == "passes on":
            assert await called
            feed.pass_on()
        else:
            called.cancel()
        assert await patient
        assert feed.take() == letter(1)

    story(told)


def test_nobody_is_called_for_nothing() -> None:
    async def told(feed: Feed) -> None:
        taker = asyncio.create_task(feed.ready())
        await asyncio.sleep(0)
        feed.pass_on()
        await asyncio.sleep(0)
        assert not taker.done()
        feed.close()
        assert not await taker

    story(told)

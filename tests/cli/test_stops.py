"""Stops: a signal asks once for a clean stop and twice for an end; a worker hears its parent alone."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress

import click
import pytest

from mailer.cli.stops import Leash, Stops, signals

Ask = Callable[[], object]


@pytest.fixture(autouse=True)
def handlers_as_found() -> Iterator[None]:
    """Signal handlers end with the loop; what was there before comes back."""
    found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in found.items():
        signal.signal(number, handler)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Where a worker reads, and where its parent writes."""
    ours, theirs = os.pipe()
    yield ours, theirs
    os.close(ours)
    with suppress(OSError):  # the test has closed it
        os.close(theirs)


def send(number: int) -> None:
    """As `kill` does."""
    os.kill(os.getpid(), number)


async def until_told(stops: Stops, *asks: Ask, count: int = 1) -> int:
    """Listen, ask, and wait for so many clean stops; how many there were."""
    told = 0
    enough = asyncio.Event()

    def gentle() -> None:
        nonlocal told
        told += 1
        if told >= count:
            enough.set()

    stops.listen(gentle)
    for ask in asks:
        ask()
        await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await enough.wait()
    return told


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_asks_for_a_clean_stop(number: int, code: int) -> None:
    with signals() as stops:
        assert asyncio.run(until_told(stops, lambda: send(number))) == 1
    assert stops.interrupted is (number == signal.SIGINT)
    assert stops.exit_code == code


def test_a_second_signal_ends_at_once() -> None:
    with pytest.raises(click.Abort), signals() as stops:
        asyncio.run(
            until_told(stops, lambda: send(signal.SIGTERM), lambda: send(signal.SIGTERM), count=2)
        )


def test_a_second_signal_calls_what_it_is_to_call() -> None:
    async def story() -> list[str]:
        heard: list[str] = []
        done = asyncio.Event()

        def hard() -> None:
            heard.append("hard")
            if heard.count("hard") == 2:
                done.set()

        Stops().listen(lambda: heard.append("gentle"), hard)
        for _ in range(3):
            send(signal.SIGTERM)
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await done.wait()
        return heard

    assert asyncio.run(story()) == ["gentle", "hard", "hard"]


def test_a_worker_stops_cleanly_however_often_it_is_signalled(pipe: tuple[int, int]) -> None:
    leash = Leash(pipe[0])
    with signals(leash) as stops:
        told = asyncio.run(
            until_told(
                stops,
                lambda: send(signal.SIGINT),
                lambda: send(signal.SIGTERM),
                lambda: os.write(pipe[1], Leash.STOP),
                count=3,
            )
        )
    assert told == 3
    assert not leash.interrupted, "its parent was"


def test_a_parent_that_is_gone_holds_nobody(pipe: tuple[int, int]) -> None:
    assert asyncio.run(until_told(Leash(pipe[0]), lambda: os.close(pipe[1]))) == 1


def test_a_parent_can_have_a_worker_end_at_once(pipe: tuple[int, int]) -> None:
    with pytest.raises(click.Abort), signals(Leash(pipe[0])) as stops:
        asyncio.run(until_told(stops, lambda: os.write(pipe[1], Leash.STOP + Leash.BREAK_OFF)))

"""Runs dispatcher and pages in an event loop until they are done or a signal stops them."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from mailer import wiring
from mailer.cli.main import INTERRUPTED
from mailer.services.dispatch import Dispatcher, Orders, Summary

if TYPE_CHECKING:
    from mailer.config.settings import Settings


async def dispatch(
    settings: "Settings", orders: Orders, max_seconds: float | None, stops: "Stops"
) -> Summary:
    """One pass or a watch, stopped by signals or after so many seconds."""
    with wiring.open_office(settings) as office:
        dispatcher = wiring.dispatcher(settings, office, orders)
        stops.listen(dispatcher.stop)
        if max_seconds is not None:
            asyncio.get_running_loop().call_later(max_seconds, dispatcher.stop)
        return await dispatcher.run()


async def run(settings: "Settings", place: tuple[str, int], stops: "Stops") -> None:
    """Pages and dispatcher side by side; when one ends, so does the other."""
    from mailer.web.app import create_app  # noqa: PLC0415 - dispatch needs no pages
    from mailer.web.server import serve as serving  # noqa: PLC0415 - as above

    loop = asyncio.get_running_loop()
    woken: list[Dispatcher] = []

    def wake() -> None:  # called from the threads that answer requests
        for dispatcher in woken:
            loop.call_soon_threadsafe(dispatcher.wake)

    orders = Orders(watch=True, poll_seconds=settings.dispatch.poll_seconds)
    with wiring.open_office(settings, wake=wake) as office:
        dispatcher = wiring.dispatcher(settings, office, orders)
        woken.append(dispatcher)
        stops.listen(dispatcher.stop)
        web = asyncio.create_task(
            serving(
                create_app(office),
                host=place[0],
                port=place[1],
                stop=dispatcher.stopping,
                started=lambda port: _announce(place[0], port),
            )
        )
        web.add_done_callback(lambda _ended: dispatcher.stop())
        try:
            await dispatcher.run()
        finally:
            dispatcher.stop()
            await web


async def serve(settings: "Settings", place: tuple[str, int], stops: "Stops") -> None:
    """The pages alone."""
    from mailer.web.app import create_app  # noqa: PLC0415 - dispatch needs no pages
    from mailer.web.server import serve as serving  # noqa: PLC0415 - as above

    stop = asyncio.Event()
    stops.listen(stop.set)
    with wiring.open_office(settings) as office:
        await serving(
            create_app(office),
            host=place[0],
            port=place[1],
            stop=stop,
            started=lambda port: _announce(place[0], port),
        )


def until_stopped(
    command: Callable[["Settings", tuple[str, int], "Stops"], Coroutine[Any, Any, None]],
    settings: "Settings",
    place: tuple[str, int],
) -> int:
    """Run `run` or `serve` until a signal ends it; the exit code."""
    with signals() as stops:
        asyncio.run(command(settings, place, stops))
    return stops.exit_code


class Stops:
    """What SIGTERM and Ctrl-C ask for: once a clean stop, twice an end at once."""

    def __init__(self) -> None:
        self._asked: list[int] = []
        self._gentle: Callable[[], None] = lambda: None
        self._task: asyncio.Task[Any] | None = None

    def listen(self, gentle: Callable[[], None]) -> None:
        """From now on, in the running task's loop, a signal calls `gentle`, and a second one cancels."""
        self._gentle = gentle
        self._task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._ask, number)

    def _ask(self, number: int) -> None:
        self._asked.append(number)
        if len(self._asked) == 1:
            self._gentle()
        elif self._task is not None:
            self._task.cancel()

    @property
    def interrupted(self) -> bool:
        """Whether somebody pressed Ctrl-C."""
        return signal.SIGINT in self._asked

    @property
    def exit_code(self) -> int:
        """Of a command that runs until it is stopped."""
        return INTERRUPTED if self.interrupted else 0


@contextmanager
def signals() -> Iterator[Stops]:
    """Stops for one command; being cancelled by the second signal is an interruption too."""
    stops = Stops()
    try:
        yield stops
    except asyncio.CancelledError as error:
        raise click.Abort from error


def _announce(host: str, port: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"Serving http://{shown}:{port}")

"""Runs dispatcher and pages in an event loop until they are done or a signal stops them."""

import asyncio
import contextlib
import gc
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from mailer import wiring
from mailer.cli import live
from mailer.cli.stops import Stops, signals
from mailer.core.errors import MailerError
from mailer.services.dispatch import Dispatcher, Orders, Progress, Summary
from mailer.services.office import Office
from mailer.store import progress

if TYPE_CHECKING:
    from mailer.config.settings import Settings

LOG_SECONDS = 60.0
LEFT_SECONDS = 2.0
_OBJECTS_UNSEEN = 20_000  # as many as a stock of letters is made of


@dataclass(frozen=True, slots=True)
class Teller:
    """Who is told how sending goes, and every how many seconds; it must return at once."""

    tell: Callable[[live.Sight], None]
    seconds: float


async def dispatch(
    settings: "Settings",
    orders: Orders,
    *,
    max_seconds: float | None,
    stops: Stops,
    tellers: Sequence[Teller] = (),
) -> Summary:
    """One pass or a watch, stopped by signals or after so many seconds."""
    with wiring.open_office(settings) as office:
        dispatcher = wiring.dispatcher(settings, office, orders)
        _spare_the_collector()
        stops.listen(dispatcher.stop)
        if max_seconds is not None:
            asyncio.get_running_loop().call_later(max_seconds, dispatcher.stop)
        async with _told(office, dispatcher, tellers):
            if not orders.watch:
                return await dispatcher.run()
            return await _watch(office, dispatcher)


async def run(settings: "Settings", place: tuple[str, int], stops: Stops) -> None:
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
        _spare_the_collector()
        woken.append(dispatcher)
        stops.listen(dispatcher.stop)
        web = asyncio.create_task(
            serving(
                create_app(office),
                host=place[0],
                port=place[1],
                stop=dispatcher.stopping,
                started=lambda port: announce(place[0], port),
            )
        )
        web.add_done_callback(lambda _ended: dispatcher.stop())
        try:
            async with _told(office, dispatcher, log_tellers()):
                await _watch(office, dispatcher)
        finally:
            dispatcher.stop()
            await web


async def serve(
    settings: "Settings", place: tuple[str, int], stops: Stops, *, shared: bool = False
) -> None:
    """The pages alone; as one of several workers they share the place, and it is the parent who is told."""
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
            started=lambda port: click.echo("{}") if shared else announce(place[0], port),
            shared=shared,
        )


def _spare_the_collector() -> None:
    """Have Python look for circles of garbage seldom, and never among what stays until the end.

    Letters come and go by the thousand and make no circles; looking through the program and all letters
    in hand every 700 objects took a tenth of what a message costs.
    """
    gc.freeze()
    gc.set_threshold(_OBJECTS_UNSEEN, 20, 20)


def until_stopped(
    command: Callable[["Settings", tuple[str, int], Stops], Coroutine[Any, Any, None]],
    settings: "Settings",
    place: tuple[str, int],
    led_by: Stops | None = None,
) -> int:
    """Run `run` or `serve` until a signal ends it; the exit code."""
    with signals(led_by) as stops:
        asyncio.run(command(settings, place, stops))
    return stops.exit_code


def log_tellers() -> list[Teller]:
    """The log, where a watch is to tell it of its progress."""
    heard = logging.getLogger(live.__name__).isEnabledFor(logging.INFO)
    return [Teller(live.MinuteLog(), LOG_SECONDS)] if heard else []


async def _watch(office: Office, dispatcher: Dispatcher) -> Summary:
    """Run a dispatcher that other processes on the same database can wake."""
    loop = asyncio.get_running_loop()
    with wiring.listener(office, partial(loop.call_soon_threadsafe, dispatcher.wake)):
        return await dispatcher.run()


@contextlib.asynccontextmanager
async def _told(
    office: Office, dispatcher: Dispatcher, tellers: Sequence[Teller]
) -> AsyncIterator[None]:
    """Tell them how sending goes, until the block is left."""
    left = _Left(office)

    async def keep_telling(teller: Teller) -> None:
        while True:
            await asyncio.sleep(teller.seconds)
            seen = dispatcher.progress()
            teller.tell(live.seen(seen, await left.after(seen)))

    work = [asyncio.create_task(keep_telling(teller)) for teller in tellers]
    try:
        yield
    finally:
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)


class _Left:
    """How many deliveries are left to settle: the database is asked now and then, ours are taken off."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._number: int | None = None
        self._settled = 0
        self._asked_at = -LEFT_SECONDS

    async def after(self, seen: Progress) -> int | None:
        """What is left after what was seen; None where the database did not say."""
        settled = seen.accepted + seen.refused
        if time.monotonic() - self._asked_at >= LEFT_SECONDS:
            asking = asyncio.ensure_future(asyncio.to_thread(self._ask))
            try:
                self._number = await asyncio.shield(asking)
            finally:
                await asyncio.wait([asking])  # the database is closed after us, not under us
            self._settled = settled
            self._asked_at = time.monotonic()
        if self._number is None:
            return None
        return max(self._number - (settled - self._settled), seen.in_hand)

    def _ask(self) -> int | None:
        try:
            with self._office.database.read() as connection:
                return progress.outstanding(connection)
        except MailerError:
            return None  # the dispatcher says what is wrong with the database


def announce(host: str, port: int) -> None:
    """Say where the pages are."""
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"Serving http://{shown}:{port}")

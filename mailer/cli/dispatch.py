"""The commands that keep running things: `dispatch` for cron, `run` and `serve` for one machine."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import show
from mailer.cli.main import INTERRUPTED

if TYPE_CHECKING:
    from mailer.config.settings import Settings
    from mailer.services.dispatch import Dispatcher, Summary

STEPS = ("publish", "send", "upkeep")


@click.command()
@click.option("--watch", is_flag=True, help="Go on when idle, until stopped.")
@click.option(
    "--only", type=click.Choice(STEPS), multiple=True, help="This step alone; may be repeated."
)
@click.option(
    "--max-seconds", type=click.FloatRange(min=0, min_open=True), help="Stop cleanly after so long."
)
@show.json_option
@click.pass_context
def dispatch(
    ctx: click.Context,
    watch: bool,
    only: tuple[str, ...],
    max_seconds: float | None,
    as_json: bool,
) -> None:
    """Work off everything that is due: publish, send, tidy up. Cron's one line; runs may overlap.

    Silent when there was nothing to do; one line when there was.

    \b
    Example:
      * * * * *  mailer --config /etc/mailer/config.toml dispatch --max-seconds 50

    \b
    Exit codes:
      0    done; nothing is left
      1    something is held or refused and waits for you
      2    wrong usage or settings, or the database needs `mailer db upgrade`
      69   a relay or the database is not there; nothing was lost
      75   work remains that a later run will finish
      130  interrupted, after a clean stop
    """
    settings = ctx.obj.settings()
    if not watch and _idle(settings):
        show.emit(_nothing(), as_json=as_json, text="")
        return
    from mailer.services.dispatch import Orders  # noqa: PLC0415 - an idle tick needs no database

    orders = Orders(
        watch=watch,
        poll_seconds=settings.dispatch.poll_seconds,
        steps=frozenset(only or STEPS),
    )
    with _signals() as stops:
        summary = asyncio.run(_dispatch(settings, orders, max_seconds, stops))
    for fault in summary.faults:
        show.complain(fault)
    line = _line(summary) if summary.worked else ""
    show.emit(_counts(summary), as_json=as_json, text=line)
    ctx.exit(_exit_code(summary, stops))


@click.command()
@click.option("--host", help="Where to listen.  [default: web.host]")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="0 takes a free one.  [default: web.port]"
)
@click.pass_context
def run(ctx: click.Context, host: str | None, port: int | None) -> None:
    """Serve the pages, send what is due and keep the timers, in one process: the one-machine default.

    A confirmation leaves within a second of its sign-up. Stop it with Ctrl-C or SIGTERM.

    \b
    Example:
      mailer run --port 8080

    \b
    Exit codes:
      0    stopped by SIGTERM
      2    wrong usage or settings
      69   nobody can listen there, or the database is not there
      130  stopped by Ctrl-C
    """
    settings = ctx.obj.settings()
    with _signals() as stops:
        asyncio.run(_run(settings, _place(settings, host, port), stops))
    ctx.exit(stops.exit_code)


@click.command()
@click.option("--host", help="Where to listen.  [default: web.host]")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="0 takes a free one.  [default: web.port]"
)
@click.pass_context
def serve(ctx: click.Context, host: str | None, port: int | None) -> None:
    """Serve the pages alone; `mailer dispatch` sends.

    \b
    Example:
      mailer serve --host 127.0.0.1 --port 8080

    \b
    Exit codes:
      0    stopped by SIGTERM
      2    wrong usage or settings
      69   nobody can listen there, or the database is not there
      130  stopped by Ctrl-C
    """
    settings = ctx.obj.settings()
    with _signals() as stops:
        asyncio.run(_serve(settings, _place(settings, host, port), stops))
    ctx.exit(stops.exit_code)


class _Stops:
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
def _signals() -> "Iterator[_Stops]":
    """Stops for one command; being cancelled by the second signal is an interruption too."""
    stops = _Stops()
    try:
        yield stops
    except asyncio.CancelledError as error:
        raise click.Abort from error


def _idle(settings: "Settings") -> bool:
    from mailer.store import glance  # noqa: PLC0415 - for this command alone

    return glance.idle(settings.database.url.reveal(), datetime.now(UTC))


async def _dispatch(
    settings: "Settings", orders: Any, max_seconds: float | None, stops: _Stops
) -> "Summary":
    from mailer import wiring  # noqa: PLC0415 - an idle tick needs no database

    with wiring.open_office(settings) as office:
        dispatcher = wiring.dispatcher(settings, office, orders)
        stops.listen(dispatcher.stop)
        if max_seconds is not None:
            asyncio.get_running_loop().call_later(max_seconds, dispatcher.stop)
        return await dispatcher.run()


async def _run(settings: "Settings", place: tuple[str, int], stops: _Stops) -> None:
    from mailer import wiring  # noqa: PLC0415 - help needs no database
    from mailer.services.dispatch import Orders  # noqa: PLC0415 - as above
    from mailer.web.app import create_app  # noqa: PLC0415 - as above
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


async def _serve(settings: "Settings", place: tuple[str, int], stops: _Stops) -> None:
    from mailer import wiring  # noqa: PLC0415 - help needs no database
    from mailer.web.app import create_app  # noqa: PLC0415 - as above
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


def _place(settings: "Settings", host: str | None, port: int | None) -> tuple[str, int]:
    return host or settings.web.host, settings.web.port if port is None else port


def _announce(host: str, port: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"Serving http://{shown}:{port}")


def _nothing() -> dict[str, int]:
    names = ("accepted", "deferred", "refused", "unknown", "expired", "published", "due")
    return dict.fromkeys(names, 0)


def _counts(summary: "Summary") -> dict[str, object]:
    return {name: getattr(summary, name) for name in _nothing()} | {"faults": list(summary.faults)}


def _line(summary: "Summary") -> str:
    parts = [
        f"{name} {number}"
        for name in ("published", "accepted", "deferred", "refused", "unknown", "expired")
        if (number := getattr(summary, name)) or name == "accepted"
    ]
    return f"{', '.join(parts)}; {summary.due} still due"


def _exit_code(summary: "Summary", stops: _Stops) -> int:
    if stops.interrupted:
        return INTERRUPTED
    if summary.missing:
        return 69
    if summary.faults:
        return 1
    return 75 if summary.worked and summary.due else 0

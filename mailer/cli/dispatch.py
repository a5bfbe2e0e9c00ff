"""The commands that keep running things: `dispatch` for cron, `run` and `serve` for one machine."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import show
from mailer.cli.answer import Answer, added_up
from mailer.cli.main import INTERRUPTED
from mailer.core.errors import MailerError

if TYPE_CHECKING:
    from mailer.cli.live import Sight
    from mailer.cli.stops import Stops
    from mailer.config.settings import Settings
    from mailer.services.dispatch import Summary

STEPS = ("poll", "publish", "send", "upkeep")
TELL_SECONDS = 0.5


@click.command()
@click.option("--watch", is_flag=True, help="Go on when idle, until stopped.")
@click.option(
    "--only", type=click.Choice(STEPS), multiple=True, help="This step alone; may be repeated."
)
@click.option(
    "--max-seconds", type=click.FloatRange(min=0, min_open=True), help="Stop cleanly after so long."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Dispatchers side by side, each with the relays' connections and limits for itself.",
)
@click.option(
    "--led",
    type=click.Choice(["silent", "telling"]),
    hidden=True,
    help="As one of several workers: standard input is the parent's leash.",
)
@show.json_option
@click.pass_context
def dispatch(
    ctx: click.Context,
    watch: bool,
    only: tuple[str, ...],
    max_seconds: float | None,
    workers: int,
    led: str | None,
    as_json: bool,
) -> None:
    """Work off everything that is due: poll sources, publish, send, tidy up. Cron's one line.

    Runs may overlap. Silent when there was nothing to do; one line when there was. On a terminal it shows
    how sending goes.

    \b
    Examples:
      * * * * *  mailer --config /etc/mailer/config.toml dispatch --max-seconds 50
      mailer dispatch --watch --workers 2

    \b
    Exit codes:
      0    done; nothing is left
      1    something is held or refused and waits for you
      2    wrong usage or settings, or the database needs `mailer db upgrade`
      69   a relay or the database is not there; nothing was lost
      70   a fault in this program
      75   work remains that a later run will finish
      130  interrupted, after a clean stop
    Several workers answer as one, with the first of 130, 70, 2, 69, 1, 75, 0.
    """
    settings = ctx.obj.settings()
    if not (watch or led) and _idle(settings):
        show.emit(_said(_nothing()), as_json=as_json, text="")
        return
    several = workers > 1
    answer = _by_workers(ctx, settings) if several else _alone(settings, ctx.params)
    for fault in () if led else answer.faults:
        show.complain(fault)
    line = _line(answer.counts) if answer.worked else ""
    show.emit(_said(answer.counts, answer.faults), as_json=as_json, text=line)
    ctx.exit(answer.code)


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
    from mailer.cli import running  # noqa: PLC0415 - help has nothing to wait for

    settings = ctx.obj.settings()
    ctx.exit(running.until_stopped(running.run, settings, _place(settings, host, port)))


@click.command()
@click.option("--host", help="Where to listen.  [default: web.host]")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="0 takes a free one.  [default: web.port]"
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that serve side by side on one port.",
)
@click.option("--led", is_flag=True, hidden=True, help="As one of them.")
@click.pass_context
def serve(ctx: click.Context, host: str | None, port: int | None, workers: int, led: bool) -> None:
    """Serve the pages alone; `mailer dispatch` sends.

    \b
    Examples:
      mailer serve --host 127.0.0.1 --port 8080
      mailer serve --workers 4

    \b
    Exit codes:
      0    stopped by SIGTERM
      2    wrong usage or settings, or the database needs `mailer db upgrade`
      69   nobody can listen there, or the database is not there
      70   a fault in this program
      130  stopped by Ctrl-C
    Several workers answer as one, with the first of 130, 70, 2, 69, 0.
    """
    from mailer.cli import running, serving  # noqa: PLC0415 - help has nothing to wait for

    settings = ctx.obj.settings()
    place = _place(settings, host, port)
    if led:
        ctx.exit(serving.as_worker(settings, place))
    if workers > 1:
        ctx.exit(serving.by_workers(ctx, place, workers))
    ctx.exit(running.until_stopped(running.serve, settings, place))


def _idle(settings: "Settings") -> bool:
    from mailer.store import glance  # noqa: PLC0415 - for this command alone

    sources = [section.key for section in settings.source]
    return glance.idle(settings.database.url.reveal(), datetime.now(UTC), sources=sources)


def _alone(settings: "Settings", wishes: Mapping[str, Any]) -> Answer:
    """One dispatcher in this process; as a worker it tells its parent what went wrong."""
    import asyncio  # noqa: PLC0415 - an idle tick has nothing to wait for

    from mailer.cli import live, running, stops, workers  # noqa: PLC0415 - as above
    from mailer.services.dispatch import Orders  # noqa: PLC0415 - as above

    led, watch = wishes["led"], wishes["watch"]
    orders = Orders(
        watch=watch,
        poll_seconds=settings.dispatch.poll_seconds,
        steps=frozenset(wishes["only"] or STEPS),
    )
    tellers = running.log_tellers() if watch else []
    with ExitStack() as stack, stops.signals(stops.Leash() if led else stops.Stops()) as asked:
        if led == "telling":
            tellers.append(running.Teller(workers.tell_parent, TELL_SECONDS))
        elif not (led or wishes["as_json"]) and live.on_terminal():
            tellers.append(running.Teller(stack.enter_context(live.terminal()), TELL_SECONDS))
        try:
            summary = asyncio.run(
                running.dispatch(
                    settings,
                    orders,
                    max_seconds=wishes["max_seconds"],
                    stops=asked,
                    tellers=tellers,
                )
            )
        except MailerError as error:
            if led is None:
                raise
            unsaid = {**_nothing(), "due": None}
            return Answer(unsaid, (str(error),), error.exit_code)
    return Answer(_counts(summary), summary.faults, _exit_code(summary, asked))


def _by_workers(ctx: click.Context, settings: "Settings") -> Answer:
    """Several dispatchers in processes of their own."""
    import asyncio  # noqa: PLC0415 - an idle tick has nothing to wait for

    from mailer.cli import live, stops, workers  # noqa: PLC0415 - as above

    wishes = ctx.params
    shown = not wishes["as_json"] and live.on_terminal()
    steps = [f"--only={step}" for step in wishes["only"]]
    told = ["--json", "--led", "telling" if shown else "silent"]
    orders = workers.Wishes(
        words=[*workers.begun_by(ctx), "dispatch", *["--watch"] * wishes["watch"], *steps, *told],
        number=wishes["workers"],
        loss="what it had in hand is taken over",
        max_seconds=wishes["max_seconds"],
        watch=wishes["watch"],
    )

    async def work(tell: "Callable[[Sight], None] | None") -> workers.Crew:
        crew = workers.Crew(orders, tell=tell)
        await crew.run(asked)
        return crew

    with ExitStack() as stack, stops.signals() as asked:
        crew = asyncio.run(work(stack.enter_context(live.terminal()) if shown else None))
    return added_up(
        crew.ended,
        killed=crew.killed,
        names=[name for name in _nothing() if name != "due"],
        interrupted=asked.interrupted,
        still_due=partial(_still_due, settings),
    )


def _still_due(settings: "Settings") -> int:
    from mailer.store import glance  # noqa: PLC0415 - for this command alone

    seen = glance.due_later(settings.database.url.reveal())
    if seen is not None:
        return seen
    from mailer.store import progress  # noqa: PLC0415 - where a glance does not do, or to hear why
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(settings) as office, office.database.read() as connection:
        return progress.due_later(connection)


def _place(settings: "Settings", host: str | None, port: int | None) -> tuple[str, int]:
    return host or settings.web.host, settings.web.port if port is None else port


def _nothing() -> dict[str, int]:
    names = ("accepted", "deferred", "refused", "unknown", "expired", "published", "due")
    return dict.fromkeys(names, 0)


def _counts(summary: "Summary") -> dict[str, int]:
    return {name: getattr(summary, name) for name in _nothing()}


def _said(counts: Mapping[str, int | None], faults: Sequence[str] = ()) -> dict[str, object]:
    return {**counts, "faults": list(faults)}


def _line(counts: Mapping[str, int | None]) -> str:
    parts = [
        f"{name} {counts[name]}"
        for name in ("published", "accepted", "deferred", "refused", "unknown", "expired")
        if counts[name] or name == "accepted"
    ]
    return f"{', '.join(parts)}; {counts['due']} still due"


def _exit_code(summary: "Summary", stops: "Stops") -> int:
    if stops.interrupted:
        return INTERRUPTED
    if summary.missing:
        return 69
    if summary.faults:
        return 1
    return 75 if summary.worked and summary.due else 0

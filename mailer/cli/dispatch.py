"""The commands that keep running things: `dispatch` for cron, `run` and `serve` for one machine."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from mailer.cli import show
from mailer.cli.main import INTERRUPTED

if TYPE_CHECKING:
    from mailer.cli.running import Stops
    from mailer.config.settings import Settings
    from mailer.services.dispatch import Summary

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
    import asyncio  # noqa: PLC0415 - an idle tick has nothing to wait for

    from mailer.cli import running  # noqa: PLC0415 - as above
    from mailer.services.dispatch import Orders  # noqa: PLC0415 - as above

    orders = Orders(
        watch=watch,
        poll_seconds=settings.dispatch.poll_seconds,
        steps=frozenset(only or STEPS),
    )
    with running.signals() as stops:
        summary = asyncio.run(running.dispatch(settings, orders, max_seconds, stops))
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
    from mailer.cli import running  # noqa: PLC0415 - help has nothing to wait for

    settings = ctx.obj.settings()
    ctx.exit(running.until_stopped(running.run, settings, _place(settings, host, port)))


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
    from mailer.cli import running  # noqa: PLC0415 - help has nothing to wait for

    settings = ctx.obj.settings()
    ctx.exit(running.until_stopped(running.serve, settings, _place(settings, host, port)))


def _idle(settings: "Settings") -> bool:
    from mailer.store import glance  # noqa: PLC0415 - for this command alone

    return glance.idle(settings.database.url.reveal(), datetime.now(UTC))


def _place(settings: "Settings", host: str | None, port: int | None) -> tuple[str, int]:
    return host or settings.web.host, settings.web.port if port is None else port


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


def _exit_code(summary: "Summary", stops: "Stops") -> int:
    if stops.interrupted:
        return INTERRUPTED
    if summary.missing:
        return 69
    if summary.faults:
        return 1
    return 75 if summary.worked and summary.due else 0

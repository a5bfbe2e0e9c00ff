"""Serves the pages by several processes of this machine on one port, as one command.

Each has a socket of its own and the kernel shares newcomers out; limits and sign-ups are in the database, so
that it does not matter who is served by whom. `cli.workers` leads them: one stop ends all, one that is
killed is replaced, and one that cannot serve ends all with its exit code.
"""

import asyncio
from typing import TYPE_CHECKING

import click

from mailer.cli import running, workers
from mailer.cli.answer import gravest
from mailer.cli.stops import Leash, Stops, signals

if TYPE_CHECKING:
    from mailer.config.settings import Settings


def by_workers(ctx: click.Context, place: tuple[str, int], number: int) -> int:
    """Serve by so many workers until a signal ends it; the exit code.

    Raises:
        ServiceMissing: nobody can listen there.
    """
    from mailer.web.server import reserved  # noqa: PLC0415 - help has nothing to wait for

    with signals() as stops, reserved(*place) as port:
        words = [*workers.begun_by(ctx), "serve", "--host", place[0], "--port", str(port), "--led"]
        crew = asyncio.run(_lead(words, (place[0], port), number, stops))
    return stops.exit_code or gravest(one.code for one in crew.ended)


def as_worker(settings: "Settings", place: tuple[str, int]) -> int:
    """Serve as one of several; the exit code."""

    async def serve(settings: "Settings", place: tuple[str, int], stops: Stops) -> None:
        await running.serve(settings, place, stops, shared=True)

    return running.until_stopped(serve, settings, place, Leash())


async def _lead(
    words: list[str], place: tuple[str, int], number: int, stops: Stops
) -> workers.Crew:
    """Lead them until all have ended; the place is said once all serve."""
    begun = iter(range(1, number + 1))

    def heard(_said: object) -> None:
        if next(begun, None) == number:
            running.announce(*place)

    loss = "who was being served has to ask again; another takes its place"
    orders = workers.Wishes(words, number, loss, watch=True)
    crew = workers.Crew(orders, said=heard)
    await crew.run(stops)
    return crew

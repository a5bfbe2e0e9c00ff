"""The commands about digests: what waits and what is under way; stop it, let it go on, end it."""

from typing import TYPE_CHECKING

import click

from mailer.cli import show
from mailer.cli.account import operator
from mailer.cli.given import confirm
from mailer.cli.main import Invocation

if TYPE_CHECKING:
    from mailer.services.digest_desk import Done, Overview

TRY_LATER = 75

_number = click.argument("number", metavar="MAILING", type=int)
_reason = click.option("--reason", default="", metavar="TEXT", help="Why, for those who ask later.")


@click.group()
def digest() -> None:
    """List digests; stop those that are under way, let them go on, or end them.

    \b
    Example:
      mailer digest list
      mailer digest pause 17

    \b
    Exit codes:
      0   done
      2   there is no such mailing, or it is over
    """


@digest.command("list")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="At most.")
@show.json_option
@click.pass_obj
def list_(invocation: Invocation, limit: int, as_json: bool) -> None:
    """List what waits for digests, and the newest that were sent.

    Those that came due at one moment are one mailing for each newsroom that they come from.

    \b
    Example:
      mailer digest list

    \b
    Exit codes:
      0   done
      69  the database is not there
    """
    from mailer.services import digest_desk  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(invocation.settings()) as office:
        found = digest_desk.overview(office, limit=limit)
    show.emit(found, as_json=as_json, text=_listing(found))


@digest.command()
@_number
@_reason
@show.json_option
@click.pass_context
def pause(ctx: click.Context, number: int, reason: str, as_json: bool) -> None:
    """Hold digests that are under way: within a second nothing more of them leaves.

    \b
    Example:
      mailer digest pause 17 --reason "a wrong figure in the second one"

    \b
    Exit codes:
      0   they are held, and nothing of them is in hand
      2   there is no such mailing, or it is over
      75  they are held, and a dispatcher still has letters of them
    """
    from mailer.services import digest_desk  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(ctx.obj.settings()) as office:
        done = digest_desk.pause(office, number, who=operator(), reason=reason)
    _tell(ctx, done, as_json=as_json)


@digest.command()
@_number
@show.json_option
@click.pass_context
def resume(ctx: click.Context, number: int, as_json: bool) -> None:
    """Let held digests go on, whoever or whatever held them.

    \b
    Example:
      mailer digest resume 17 && mailer dispatch

    \b
    Exit codes:
      0   they go on, or did already
      2   there is no such mailing, or it was cancelled
    """
    from mailer.services import digest_desk  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(ctx.obj.settings()) as office:
        done = digest_desk.resume(office, number, who=operator())
    _tell(ctx, done, as_json=as_json)


@digest.command()
@_number
@click.option(
    "--anew", is_flag=True, help="Make others of what was not sent, with its newest texts."
)
@click.option("--yes", is_flag=True, help="Do it without asking: it cannot be undone.")
@show.json_option
@click.pass_context
def cancel(ctx: click.Context, number: int, anew: bool, yes: bool, as_json: bool) -> None:
    """End digests that are under way: who has none yet gets none, now or later.

    With --anew what was not sent waits again: for daily and weekly readers until their next hour. To correct
    or withdraw a release needs none of this: the digests that show it are made anew by themselves.

    \b
    Example:
      mailer digest cancel 17 --yes
      mailer digest cancel 17 --anew --yes

    \b
    Exit codes:
      0   they are over, and nothing of them is in hand
      2   there is no such mailing, it is over, or it was not confirmed with --yes
      75  they are over, and a dispatcher still has letters of them
    """
    from mailer.services import digest_desk  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    if not yes:
        confirm(f"Cancel the digests of mailing {number}?", warning="This ends them for good")
    with open_office(ctx.obj.settings()) as office:
        done = digest_desk.cancel(office, number, who=operator(), anew=anew)
    _tell(ctx, done, as_json=as_json)


def _listing(found: "Overview") -> str:
    waits = found.waiting
    line = "Nothing waits for a digest."
    if waits.copies and waits.next_at is not None:
        line = (
            f"Waiting for digests: {waits.copies:,}, the next until {show.moment(waits.next_at)}."
        )
    if not found.mailings:
        return line
    headings = ["mailing", "newsroom", "state", "when", "readers", "settled"]
    rows = [
        [one.mailing, one.newsroom, one.state, one.made_at, one.audience, one.settled]
        for one in found.mailings
    ]
    return f"{line}\n\n{show.table(headings, rows)}"


def _tell(ctx: click.Context, done: "Done", *, as_json: bool) -> None:
    one = done.reached
    already = "" if one.changed else " already"
    words = {"open": "goes on", "held": "is paused"}.get(one.state, f"is {one.state}")
    text = f"Mailing {one.mailing} {words}{already}: {one.settled:,} of {one.audience:,} settled"
    show.emit(done, as_json=as_json, text=text)
    if not done.calm:
        show.complain("A dispatcher still holds letters of it\n  -> ask again in a moment")
        ctx.exit(TRY_LATER)

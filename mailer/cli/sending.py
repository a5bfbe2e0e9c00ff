"""The command that lets a release go: `release send`, at once, at a moment, or early to a few."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import show
from mailer.cli.account import operator
from mailer.cli.brief import brief
from mailer.cli.desk import moment_in, zone_option

if TYPE_CHECKING:
    from mailer.services.early import Early
    from mailer.store.releases import ReleaseRow


@click.command()
@click.argument("number", metavar="ID", type=int)
@click.option("--urgent", is_flag=True, help="Before every mailing that is not urgent.")
@click.option("--at", "moment", metavar="TIME", help='Not before, as "2026-12-01 10:00".')
@zone_option
@click.option(
    "--early", is_flag=True, help="Besides, now, to accredited readers: it is under embargo."
)
@click.option("--break-embargo", is_flag=True, help="Let it go before its embargo ends; on record.")
@show.json_option
@click.pass_context
def send(
    ctx: click.Context,
    /,
    number: int,
    urgent: bool,
    moment: str | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """Let a release go: it is published and mailed at its moment, or with the next dispatch, never before.

    \b
    Examples:
      mailer release send 1 && mailer dispatch
      mailer release send 1 --at "2026-12-01 10:00"
      mailer release send 1 --early

    \b
    Exit codes:
      0   approved, or published already
      2   there is no such release, it was withdrawn, or its early copy may not leave
      69  the database is not there
    """
    from mailer.services import (  # noqa: PLC0415 - help needs no database
        embargo,
        press,
        scheduling,
        translations,
    )
    from mailer.services.early import send_early  # noqa: PLC0415 - as above
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    early, break_embargo = asked["early"], asked["break_embargo"]
    if early and break_embargo:
        raise click.UsageError("Say --early or --break-embargo: an early copy needs its embargo.")
    sent = None
    with open_office(ctx.obj.settings()) as office:
        row = press.shown(office, number)
        if break_embargo and row.embargo_until is not None and row.state != "published":
            embargo.lift(office, number, who=operator(), broken=True)
        if moment is not None:
            at = moment_in(moment, asked["zone"], office.newsroom(row.newsroom))
            scheduling.schedule(office, number, at, who=operator())
        row = press.send(office, number, who=operator(), urgent=urgent)
        if early:
            sent = send_early(office, number, who=operator())
        spoken = translations.spoken(office, number)
        now = office.clock()
    coming = [one.language for one in spoken if one.waits == "approved"]
    told = {**brief(row), **({"early": sent} if sent else {})}
    text = _next_step(row, sent, now)
    if coming:
        text = f"Release {number} goes out in {', '.join(coming)} with the next dispatch, to who lacks it"
    show.emit({**told, "translations": coming}, as_json=as_json, text=text)


def _next_step(row: "ReleaseRow", sent: "Early | None", now: datetime) -> str:
    from mailer.core.embargo import moment_of  # noqa: PLC0415 - for this command alone

    title = row.edition.title
    if row.state == "published":
        return f"Release {row.id} is published already: {title}"
    if row.state == "held":
        return f"Release {row.id} is held: {row.hold_reason}"
    at = moment_of(row.publish_at, row.embargo_until)
    if at is None or at <= now:
        return f"Release {row.id} goes out with the next dispatch: {title}"
    line = f"Release {row.id} goes out at {show.moment(at)}: {title}"
    if row.embargo_until is not None and row.embargo_until > now:
        line += f"\nIt is under embargo until {show.moment(row.embargo_until)}."
    if sent is not None:
        line += f"\nEarly copies go to {sent.audience:,} accredited readers with the next dispatch."
    return line

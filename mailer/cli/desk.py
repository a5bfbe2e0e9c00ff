"""What the press desk does to a release that has left, or must not yet: `withdraw` and `embargo`."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from mailer.cli import show
from mailer.cli.account import operator
from mailer.cli.amended import became, from_option, number_argument, tell
from mailer.cli.given import confirm

if TYPE_CHECKING:
    from mailer.core.newsroom import Newsroom
    from mailer.store.amended import Amendment

zone_option = click.option(
    "--zone", metavar="ZONE", help="Where a time is told.  [default: the newsroom's]"
)


@click.command()
@number_argument
@from_option
@click.option("--reason", default="", metavar="TEXT", help="Why, for readers.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@show.json_option
@click.pass_context
def withdraw(
    ctx: click.Context, /, number: int, held: int | None, reason: str, **asked: bool
) -> None:
    """Take a release back for good, and tell whoever holds it.

    Within a second nothing more of it leaves; its page and the feeds say that it was withdrawn. Asks first.

    HELD is a release that a source brought and that says so (“Tilbagetrukket: ...”): it is closed, and
    nobody is mailed it.

    \b
    Example:
      mailer release withdraw 7 --reason "It was not ours to publish." --yes
      mailer release withdraw 7 --from 9 --reason "It was not ours to publish."

    \b
    Exit codes:
      0    withdrawn; those who hold it are being told
      2    there is no such release, it was withdrawn before, or HELD is not held any more
      69   the database is not there
      75   withdrawn; the notice waits until it is known what became of letters on the wire
      130  you said no
    """
    from mailer.services import becoming, press  # noqa: PLC0415 - help needs no database
    from mailer.services.corrections import withdraw as withdrawn  # noqa: PLC0415 - as above
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(ctx.obj.settings()) as office:
        row = press.shown(office, number)
        by = None
        if held is not None:
            by = becoming.withdrawal(office, held, of=number, who=operator())
        if not asked["yes"]:
            confirm(f"Withdraw release {number}, {show.visible(row.edition.title)}, for good?")
        found = withdrawn(office, number, reason=reason, who=operator(), by=by)
        closed = became(office, held)
    tell(ctx, found, as_json=asked["as_json"], by=closed)


@click.command()
@number_argument
@click.option("--until", metavar="TIME", help='As "2026-12-01 10:00"; nobody sees it before.')
@zone_option
@click.option("--lift", "lifted", is_flag=True, help="End it now.")
@click.option("--kill", "killed", is_flag=True, help="End it, and the release with it: for good.")
@click.option("--reason", default="", metavar="TEXT", help="Why, for those who hold an early copy.")
@show.json_option
@click.pass_context
def embargo(ctx: click.Context, /, number: int, reason: str, as_json: bool, **asked: Any) -> None:
    """Put a release under embargo, move, lift or kill it; whoever holds an early copy is told.

    Nobody but accredited readers gets it before, on no page and in no feed.

    \b
    Examples:
      mailer release embargo 7 --until "2026-12-01 10:00" --zone Europe/Copenhagen
      mailer release embargo 7 --lift

    \b
    Exit codes:
      0   done; those who hold an early copy are being told
      2   there is no such release, it is public already, or the time cannot be read or has passed
      69  the database is not there
      75  done; the notice waits until it is known what became of letters on the wire
    """
    from mailer.services import corrections, press  # noqa: PLC0415 - help needs no database
    from mailer.services import embargo as embargoes  # noqa: PLC0415 - as above
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    until, zone, lifted, killed = (asked[name] for name in ("until", "zone", "lifted", "killed"))
    if [until is not None, lifted, killed].count(True) != 1:
        raise click.UsageError("Say one of --until TIME, --lift and --kill.")
    with open_office(ctx.obj.settings()) as office:
        room = office.newsroom(press.shown(office, number).newsroom)
        if until is not None:
            at = moment_in(until, zone, room)
            found = embargoes.move(office, number, at, who=operator(), note=reason)
        elif lifted:
            found = embargoes.lift(office, number, who=operator(), note=reason)
        else:
            found = corrections.kill(office, number, reason=reason, who=operator())
    tell(ctx, found, as_json=as_json)


def history(changes: "Sequence[Amendment]") -> str:
    """What was changed of a release, for people; empty where nothing was."""
    lines = []
    for one in changes:
        silent = ", silently" if one.silent else ""
        waits = "" if one.settled_at else "; the notice waits for what is on the wire"
        note = f": {show.visible(one.note)}" if one.note else ""
        lines.append(f"[{one.kind}] {show.moment(one.made_at)} by {one.who}{silent}{note}{waits}")
    return "\n\n" + "\n".join(lines) if lines else ""


def moment_in(text: str, zone: str | None, room: "Newsroom") -> datetime:
    """A time as an operator writes it, told where `zone` says, or where the newsroom is.

    Raises:
        DateRefused: it is no time, or one that daylight saving skips or repeats there.
    """
    from mailer.core.dates import read_moment  # noqa: PLC0415 - for these commands alone

    try:
        where = ZoneInfo(zone or room.time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise click.UsageError(
            f"There is no time zone {zone!r}; write it as Europe/Copenhagen."
        ) from error
    return read_moment(text, zone=where)

"""Who may read what is under embargo: `subscriber accredit` and `subscriber accredited`."""

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from mailer.cli import show
from mailer.cli.account import operator
from mailer.cli.desk import moment_in

if TYPE_CHECKING:
    from mailer.core.newsroom import Newsroom
    from mailer.services.office import Office
    from mailer.store.accredited import Accredited


@click.command()
@click.argument("address")
@click.option("--newsroom", metavar="KEY", help="Which newsroom.  [default: the only one]")
@click.option("--outlet", default="", metavar="NAME", help="For whom they write.")
@click.option("--until", metavar="TIME", help="Until when: a day, as 2026-12-31, or a time.")
@click.option("--tier", default="press", show_default=True, metavar="WORD", help="Of which kind.")
@click.option("--revoke", "revoked", is_flag=True, help="Take it back.")
@show.json_option
@click.pass_context
def accredit(
    ctx: click.Context,
    /,
    address: str,
    newsroom: str | None,
    revoked: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Let a reader have early copies of what is under embargo, or take that back.

    Only a confirmed subscription can be accredited, on your word, which is kept, and for a time.

    \b
    Examples:
      mailer subscriber accredit lise@avisen.example --outlet Avisen --until 2026-12-31
      mailer subscriber accredit lise@avisen.example --revoke

    \b
    Exit codes:
      0   done
      2   nobody subscribes with that address, or it is not active; outlet or end are missing
      69  the database is not there
    """
    from mailer.core.address import parse_address  # noqa: PLC0415 - help needs no database
    from mailer.services import accreditation  # noqa: PLC0415 - as above
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    mailbox = parse_address(address, smtputf8=True)
    with open_office(ctx.obj.settings()) as office:
        room = _one_newsroom(office, newsroom)
        if revoked:
            found = accreditation.revoke(office, mailbox, newsroom=room, who=operator())
            text = f"{found.address} is accredited at {room.key} no more"
        else:
            if asked["until"] is None:
                raise click.UsageError("Say until when: --until 2026-12-31.")
            end = _end(asked["until"], room)
            grant = accreditation.Grant(asked["outlet"], end, asked["tier"])
            found = accreditation.accredit(
                office, mailbox, newsroom=room, grant=grant, who=operator()
            )
            text = (
                f"{found.address} is accredited at {room.key} for {show.visible(found.outlet)}"
                f" until {show.moment(found.expires_at)}"
            )
    show.emit(found, as_json=as_json, text=text)


@click.command()
@click.option("--newsroom", metavar="KEY", help="Of this newsroom alone.")
@click.option("--all", "over", is_flag=True, help="Those too whose accreditation was taken back.")
@show.json_option
@click.pass_context
def accredited(ctx: click.Context, newsroom: str | None, over: bool, as_json: bool) -> None:
    """List who may have early copies, for which outlet, on whose word, and until when.

    \b
    Example:
      mailer subscriber accredited --newsroom um

    \b
    Exit codes:
      0   done
      2   no such newsroom
      69  the database is not there
    """
    from mailer.services import accreditation  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(ctx.obj.settings()) as office:
        rows = accreditation.listed(office, newsroom, over=over)
        now = office.clock()
    listing = show.table(
        ["address", "newsroom", "outlet", "tier", "until", "approved by", "state"],
        [
            [
                row.address,
                row.newsroom,
                row.outlet,
                row.tier,
                row.expires_at,
                row.approved_by,
                _state(row, now),
            ]
            for row in rows
        ],
    )
    text = listing if rows else "Nobody is accredited."
    show.emit({"accredited": list(rows)}, as_json=as_json, text=text)


def _state(row: "Accredited", now: datetime) -> str:
    if row.revoked_at is not None:
        return "taken back"
    if row.expires_at <= now:
        return "expired"
    return "stands" if row.active else "does not subscribe any more"


def _end(text: str, room: "Newsroom") -> datetime:
    """The end of a day where the newsroom is, or a time."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - the zone comes next
    except ValueError:
        return moment_in(text, None, room)
    last = datetime.combine(day, time(23, 59, 59), ZoneInfo(room.time_zone))
    return last.astimezone(UTC)


def _one_newsroom(office: "Office", key: str | None) -> "Newsroom":
    if key is None and len(office.newsrooms) != 1:
        raise click.UsageError(f"Say which --newsroom: {', '.join(sorted(office.newsrooms))}")
    return office.newsroom(key or next(iter(office.newsrooms)))

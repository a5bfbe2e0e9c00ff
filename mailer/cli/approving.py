"""The commands by which operators give their word for a release, or hold it: `release approve` and `hold`."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from mailer.cli import show
from mailer.cli.account import operator
from mailer.cli.main import Invocation

if TYPE_CHECKING:
    from mailer.core.correction import Likely
    from mailer.services.press import Why
    from mailer.store.releases import ReleaseRow

_number = click.argument("number", metavar="ID", type=int)


@click.command()
@_number
@show.json_option
@click.pass_obj
def approve(invocation: Invocation, number: int, as_json: bool) -> None:
    """Give your word for a release as it now reads.

    Where its source asks for the word of two operators, two different accounts have to give it; a change
    of the text in between takes both back.

    \b
    Example:
      mailer release show 7 --why && mailer release approve 7

    \b
    Exit codes:
      0   approved, or waiting for another operator's word
      2   there is no such release, or it was withdrawn
      69  the database is not there
    """
    from mailer.services import approving  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(invocation.settings()) as office:
        row = approving.approve(office, number, who=operator())
    show.emit(_brief(row), as_json=as_json, text=_standing(row))


@click.command()
@_number
@click.option("--reason", default="", metavar="TEXT", help="Why, for those who ask later.")
@show.json_option
@click.pass_obj
def hold(invocation: Invocation, number: int, reason: str, as_json: bool) -> None:
    """Hold a release that is not public yet, until somebody approves it anew.

    \b
    Example:
      mailer release hold 7 --reason "the minister's office has not seen it"

    \b
    Exit codes:
      0   it is held
      2   there is no such release, or it is public already
      69  the database is not there
    """
    from mailer.services import approving  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(invocation.settings()) as office:
        row = approving.hold(office, number, who=operator(), reason=reason)
    show.emit(_brief(row), as_json=as_json, text=_standing(row))


def explained(row: "ReleaseRow", told: "Why") -> str:
    """What was decided about a release, for people."""
    facts = {
        "id": row.id,
        "title": row.edition.title,
        "state": row.state,
        "hold_reason": row.hold_reason,
        "publish_at": row.publish_at,
        "source": told.source,
        "dated": told.dated_as or told.dated,
        "approval": told.approval,
        "approved_by": told.approved_by,
    }
    lines = [show.pairs(facts)]
    for one in told.decisions:
        at = show.moment(datetime.fromisoformat(one["at"]))
        lines.extend(["", f"{at}  {one['by']}: {one['action']}"])
        lines.extend(
            f"  {'=>' if each['decided'] else '  '} {each['rule']}: {each['words']}"
            for each in one["reasons"]
        )
    if told.corrects is not None:
        lines.extend(["", *_corrects(row.id, told.corrects)])
    lines.extend(["", *(f"known as {name}" for name in told.names)])
    return "\n".join(lines)


def _corrects(number: int, likely: "Likely") -> list[str]:
    reasons = ", ".join(likely.reasons)
    return [
        f"It is probably about release {likely.id}, {likely.title} ({reasons}). If so:",
        f"  -> mailer release correct {likely.id} --from {number} --note TEXT",
        f"  -> mailer release withdraw {likely.id} --from {number}, if it takes it back",
        f"  -> mailer release approve {number}, if it is news of its own",
    ]


def _brief(row: "ReleaseRow") -> dict[str, object]:
    return {
        "id": row.id,
        "state": row.state,
        "hold_reason": row.hold_reason,
        "approval": row.approval,
        "publish_at": row.publish_at,
        "title": row.edition.title,
    }


def _standing(row: "ReleaseRow") -> str:
    if row.state == "held":
        return f"Release {row.id} is held: {row.hold_reason}"
    if row.state == "approved" and row.publish_at is not None:
        return f"Release {row.id} goes out, not before {show.moment(row.publish_at)}"
    if row.state == "approved":
        return f"Release {row.id} goes out with the next dispatch: {row.edition.title}"
    return f"Release {row.id} is {row.state} already: {row.edition.title}"

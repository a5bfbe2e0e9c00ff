"""The commands that stop a mailing, let it go on, or end it: `release pause`, `resume` and `cancel`."""

from typing import TYPE_CHECKING

import click

from mailer.cli import show
from mailer.cli.account import operator
from mailer.cli.given import confirm

if TYPE_CHECKING:
    from mailer.services.office import Office
    from mailer.services.reached import Answer, Reached

TRY_LATER = 75

_number = click.argument("number", metavar="ID", type=int)
_reason = click.option("--reason", default="", metavar="TEXT", help="Why, for those who ask later.")


@click.command()
@_number
@_reason
@show.json_option
@click.pass_context
def pause(ctx: click.Context, number: int, reason: str, as_json: bool) -> None:
    """Hold a release's mailing: within a second nothing more of it leaves.

    What is in a dispatcher's hand is finished or given back first; then it says what was reached. A
    release that is not public yet is held itself, and needs `release send` again.

    \b
    Example:
      mailer release pause 7 --reason "a wrong figure in the lead"

    \b
    Exit codes:
      0   it is held, and nothing of it is in hand
      2   there is no such release, or its mailing is over
      69  the database is not there
      75  it is held, and a dispatcher still has letters of it
    """
    from mailer.services import control  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(ctx.obj.settings()) as office:
        answer = control.pause(office, number, who=operator(), reason=reason)
    _tell(ctx, answer, as_json=as_json, unpublished="held; nothing of it goes out")


@click.command()
@_number
@show.json_option
@click.pass_context
def resume(ctx: click.Context, number: int, as_json: bool) -> None:
    """Let a held mailing go on, whoever or whatever held it.

    \b
    Example:
      mailer release resume 7 && mailer dispatch

    \b
    Exit codes:
      0   it goes on, or did already
      2   there is no such release, it is not public yet, or its mailing is over
      69  the database is not there
    """
    from mailer.services import control  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(ctx.obj.settings()) as office:
        answer = control.resume(office, number, who=operator())
    _tell(ctx, answer, as_json=as_json)


@click.command()
@_number
@_reason
@click.option("--yes", is_flag=True, help="Do not ask.")
@show.json_option
@click.pass_context
def cancel(ctx: click.Context, number: int, reason: str, yes: bool, as_json: bool) -> None:
    """End a release's mailing for good: who has not been sent it will not be.

    Asks first, and says what was reached. A release that is not public yet loses its approval.

    \b
    Example:
      mailer release cancel 7 --reason "withdrawn by the ministry" --yes

    \b
    Exit codes:
      0    it is cancelled, and nothing of it is in hand
      2    there is no such release, or everybody it was for has been settled
      69   the database is not there
      75   it is cancelled, and a dispatcher still has letters of it
      130  you said no
    """
    from mailer.services import control  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(ctx.obj.settings()) as office:
        if not yes:
            _confirm(office, number)
        answer = control.cancel(office, number, who=operator(), reason=reason)
    _tell(ctx, answer, as_json=as_json, unpublished="not approved any more; nothing of it goes out")


def _confirm(office: "Office", number: int) -> None:
    from mailer.services import reached  # noqa: PLC0415 - help needs no database

    answer = reached.standing(office, number)
    left = sum(one.audience - one.settled for one in answer.mailings)
    cost = f"{left:,} readers will not get it." if answer.mailings else "It loses its approval."
    title = show.visible(answer.title)
    question = f"Cancel release {number}, {title}? {cost}"
    confirm(question, warning="This ends the mailing for good")


def _tell(ctx: click.Context, answer: "Answer", *, as_json: bool, unpublished: str = "") -> None:
    lines = [_reached(answer, one) for one in answer.mailings]
    if not lines:
        again = "" if answer.changed else f" already ({answer.hold_reason})"
        lines = [f"Release {answer.release} is {answer.state}{again}: {unpublished}"]
    show.emit(answer, as_json=as_json, text="\n".join(lines))
    if not answer.calm:
        show.complain(_still_in_hand(answer))
        ctx.exit(TRY_LATER)


def _reached(answer: "Answer", one: "Reached") -> str:
    name = f"Release {answer.release}"
    settled = f"{one.settled:,} of {one.audience:,} settled"
    held = f"{_letters(one)} in hand"
    if one.state == "cancelled":
        counts = ", ".join(f"{number:,} {state}" for state, number in sorted(one.states.items()))
        return f"{name} is cancelled{_already(one)}: {counts}; {held}"
    if one.state == "held":
        return f"{name} is paused{_already(one)}: {settled}, {held}\n  {one.hold_reason}"
    if one.state == "finished":
        return f"{name} is finished: {settled}"
    return f"{name} goes on{_already(one)}: {settled}"


def _already(one: "Reached") -> str:
    return "" if one.changed else " already"


def _letters(one: "Reached") -> str:
    return f"{sum(hand.letters for hand in one.in_hand):,}" if one.in_hand else "none"


def _still_in_hand(answer: "Answer") -> str:
    hands = [hand for one in answer.mailings for hand in one.in_hand]
    until = [hand.until for hand in hands if hand.until is not None]
    who = ", ".join(sorted({hand.worker for hand in hands})) or "a dispatcher"
    lease = f", by leases that end at {max(until).astimezone():%H:%M:%S}" if until else ""
    return (
        f"{who} still holds letters of it{lease}\n"
        "  -> ask again in a moment; if it has died, the next `mailer dispatch` accounts for them"
    )

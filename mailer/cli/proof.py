"""The commands that tell how things stand and prove the promise: `status` and `verify`."""

from typing import TYPE_CHECKING

import click

from mailer.cli import show
from mailer.cli.main import Invocation

if TYPE_CHECKING:
    from mailer.services.proof import Proof, ProvenMailing, Status


@click.command()
@show.json_option
@click.pass_obj
def status(invocation: Invocation, as_json: bool) -> None:
    """Tell what is due, held, under way and done.

    \b
    Example:
      mailer status

    \b
    Exit codes:
      0   told
      2   wrong settings, or the database needs `mailer db upgrade`
      69  the database is not there
    """
    from mailer.services import proof  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(invocation.settings()) as office:
        found = proof.status(office)
    show.emit(found, as_json=as_json, text=_standing(found))


@click.command()
@click.argument("release", metavar="[RELEASE]", type=int, required=False)
@show.json_option
@click.pass_context
def verify(ctx: click.Context, release: int | None, as_json: bool) -> None:
    """Prove that everybody got what they asked for, or name every gap.

    The audience is recomputed from the consent history, and every delivery is counted anew:
    audience = accepted + refused + unknown + expired + cancelled + still due + ended since.

    \b
    Example:
      mailer verify && echo "all accounted for"

    \b
    Exit codes:
      0   everything adds up
      1   there is a gap, and it is named
      2   there is no such release, or wrong settings
      69  the database is not there
    """
    from mailer.services import proof  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(ctx.obj.settings()) as office:
        found = proof.verify(office, release)
    answer = {"ok": found.ok, "releases": list(found.mailings), "gaps": list(found.gaps)}
    show.emit(answer, as_json=as_json, text=_account(found))
    ctx.exit(0 if found.ok else 1)


_COLUMNS = ("accepted", "refused", "unknown", "expired", "cancelled", "due", "ended")


def _account(found: "Proof") -> str:
    if not found.mailings and not found.gaps:
        return "Nothing has been mailed yet; there is nothing to prove."
    listing = show.table(
        ["release", "audience", *_COLUMNS, "title"],
        [
            [one.release, one.audience, *(one.states.get(name, 0) for name in _COLUMNS), one.title]
            for one in found.mailings
        ],
    )
    gaps = [f"GAP  {gap}" for gap in found.gaps]
    gaps += [f"GAP  {_named(one)}: {gap}" for one in found.mailings for gap in one.gaps]
    return "\n".join([listing, "", *(gaps or ["Everything adds up."])])


def _named(one: "ProvenMailing") -> str:
    return f"release {one.release} (mailing {one.mailing})"


def _standing(found: "Status") -> str:
    rooms = show.table(
        ["newsroom", "active", "pending", "ended", "published", "approved", "held"],
        [
            [
                key,
                *(room["subscriptions"].get(name, 0) for name in ("active", "pending", "ended")),
                *(room["releases"].get(name, 0) for name in ("published", "approved", "held")),
            ]
            for key, room in found.newsrooms.items()
        ],
    )
    lines = [rooms, "", _waiting(found)]
    lines += [
        f"mailing {one['mailing']} of release {one['release']} is {one['state']}:"
        f" {one['settled']} of {one['audience']} settled"
        for one in found.open
    ]
    lines += [f"release {one['release']} is held: {one['reason']}" for one in found.held]
    return "\n".join(lines)


def _waiting(found: "Status") -> str:
    due = found.waiting
    if not (due["notices"] or due["releases"]):
        return "Nothing is due."
    line = f"Due: {due['notices']} notices, {due['releases']} releases"
    line += f", {due['retries']} of them retries" if due["retries"] else ""
    return line + (f"; the oldest since {show.moment(due['oldest'])}" if due["oldest"] else "")

"""The command that decides what became of messages that no relay answered for: `settle`."""

from typing import TYPE_CHECKING

import click

from mailer.cli import show
from mailer.cli.account import operator
from mailer.cli.main import Invocation

if TYPE_CHECKING:
    from mailer.services.office import Office
    from mailer.services.settle import Settlement, Unknown, Verdict

VERDICTS = ("accepted", "refused", "resend")


@click.command()
@click.argument("release", metavar="RELEASE", type=int)
@click.option("--as", "verdict", type=click.Choice(VERDICTS), help="What became of them.")
@click.option(
    "--delivery",
    "deliveries",
    metavar="N",
    type=int,
    multiple=True,
    help="This one alone; may be repeated.  [default: all that are unknown]",
)
@click.option("--note", default="", metavar="TEXT", help="How you know, for the audit.")
@show.json_option
@click.pass_obj
def settle(
    invocation: Invocation,
    release: int,
    verdict: "Verdict | None",
    deliveries: tuple[int, ...],
    note: str,
    as_json: bool,
) -> None:
    """Decide what became of messages whose reply was never seen, or list them.

    Without --as it lists them with their Message-ID, by which the relay's own log tells whether it took
    them. `resend` makes them due now, under the same Message-ID.

    \b
    Example:
      mailer settle 7
      mailer settle 7 --as accepted --note "all in the relay's log"
      mailer settle 7 --delivery 1205 --as resend

    \b
    Exit codes:
      0   settled, or listed
      2   there is no such release, a delivery is not unknown, or there is nothing to resend it by
      69  the database is not there
      75  a dispatcher is writing to one of them; nothing was settled
    """
    from mailer.services import settle as settling  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    if verdict is None and (deliveries or note):
        raise click.UsageError("Say what became of them: --as accepted, refused or resend.")
    with open_office(invocation.settings()) as office:
        if verdict is None:
            _list(office, release, as_json=as_json)
            return
        done = settling.settle(
            office, release, verdict, who=operator(), deliveries=deliveries, note=note
        )
    show.emit(done, as_json=as_json, text=_told(done))


def _list(office: "Office", release: int, *, as_json: bool) -> None:
    from mailer.services import settle as settling  # noqa: PLC0415 - help needs no database

    found = settling.unknown(office, release)
    answer = {"release": release, "unknown": found}
    show.emit(answer, as_json=as_json, text=_listing(release, found))


def _listing(release: int, found: "list[Unknown]") -> str:
    if not found:
        return f"Nothing of release {release} is unknown."
    headings = ["delivery", "address", "tried", "relay", "phase", "Message-ID"]
    rows = [
        [one.delivery, one.address, one.at, one.relay or None, one.phase, one.message_id]
        for one in found
    ]
    return "\n".join(
        [
            show.table(headings, rows),
            "",
            f"{len(found):,} unknown. When the relay's log has told what became of them:",
            f"  mailer settle {release} --as accepted|refused|resend",
        ]
    )


def _told(done: "Settlement") -> str:
    fate = {"accepted": "accepted", "refused": "refused", "resend": "due now"}[done.verdict]
    if not done.settled and not done.already:
        return f"Nothing of release {done.release} is unknown."
    again = f"; {len(done.already):,} were so already" if done.already else ""
    return f"Release {done.release}: {len(done.settled):,} settled as {fate}{again}"

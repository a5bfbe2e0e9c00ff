"""The command that decides what became of messages that no relay answered for: `settle`."""

from typing import TYPE_CHECKING, Any

import click

from mailer.cli import show
from mailer.cli.account import operator
from mailer.cli.main import Invocation

if TYPE_CHECKING:
    from mailer.services.office import Office
    from mailer.services.settle import Named, Settlement, Unknown

VERDICTS = ("accepted", "refused", "resend")


@click.command()
@click.argument("release", metavar="[RELEASE]", type=int, required=False)
@click.option("--mailing", metavar="N", type=int, help="Of a mailing instead: of digests, say.")
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
    /,
    release: int | None,
    mailing: int | None,
    as_json: bool,
    **said: Any,
) -> None:
    """Decide what became of messages whose reply was never seen, or list them.

    Alone it lists the mailings that have any. Of a release, or of one mailing, it lists them with their
    Message-ID, by which the relay's own log tells whether it took them. With --as it settles them:
    `resend` makes them due now, the same mail under the same Message-ID.

    What was corrected meanwhile is told to their readers in any case, as if they had it.

    \b
    Example:
      mailer settle
      mailer settle 7
      mailer settle 7 --as accepted --note "all in the relay's log"
      mailer settle --mailing 31 --delivery 1205 --as resend

    \b
    Exit codes:
      0   settled, or listed
      2   there is no such release or mailing, a delivery is not unknown, or may not be sent again
      69  the database is not there
      75  a dispatcher is writing to one of them; nothing was settled
    """
    from mailer.services import settle as settling  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    verdict, deliveries, note = (said[name] for name in ("verdict", "deliveries", "note"))
    if release is not None and mailing is not None:
        raise click.UsageError("Name a release or a mailing, not both.")
    if verdict is None and (deliveries or note):
        raise click.UsageError("Say what became of them: --as accepted, refused or resend.")
    named = settling.Named(release, mailing)
    if named == settling.Named():
        if verdict is not None:
            raise click.UsageError("Say whose: a release, or --mailing N.")
        with open_office(invocation.settings()) as office:
            _list_all(office, as_json=as_json)
        return
    with open_office(invocation.settings()) as office:
        if verdict is None:
            _list(office, named, as_json=as_json)
            return
        done = settling.settle(
            office, named, verdict, who=operator(), deliveries=deliveries, note=note
        )
    show.emit(done, as_json=as_json, text=_told(done, named))


def _list_all(office: "Office", *, as_json: bool) -> None:
    from mailer.services import settle as settling  # noqa: PLC0415 - help needs no database

    found = settling.doubtful(office)
    if not found:
        show.emit({"mailings": found}, as_json=as_json, text="Nothing is unknown.")
        return
    headings = ["mailing", "release", "newsroom", "kind", "unknown", "title"]
    rows = [
        [one.mailing, one.release, one.newsroom, one.kind, one.unknown, one.title or None]
        for one in found
    ]
    table = show.table(headings, rows)
    told = f"{table}\n\nWhich they are:\n  mailer settle RELEASE, or mailer settle --mailing N"
    show.emit({"mailings": found}, as_json=as_json, text=told)


def _list(office: "Office", named: "Named", *, as_json: bool) -> None:
    from mailer.services import settle as settling  # noqa: PLC0415 - help needs no database

    found = settling.unknown(office, named)
    answer = {"release": named.release, "mailing": named.mailing, "unknown": found}
    show.emit(answer, as_json=as_json, text=_listing(named, found))


def _listing(named: "Named", found: "list[Unknown]") -> str:
    if not found:
        return f"Nothing of {named} is unknown."
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
            f"  mailer settle {named.arguments} --as accepted|refused|resend",
        ]
    )


def _told(done: "Settlement", named: "Named") -> str:
    fate = {"accepted": "accepted", "refused": "refused", "resend": "due now"}[done.verdict]
    if not done.settled and not done.already:
        return f"Nothing of {named} is unknown."
    again = f"; {len(done.already):,} were so already" if done.already else ""
    return f"{str(named).capitalize()}: {len(done.settled):,} settled as {fate}{again}"

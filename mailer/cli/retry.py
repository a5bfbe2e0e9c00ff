"""The command that makes deliveries due again: `retry`."""

from typing import TYPE_CHECKING

import click

from mailer.cli import show
from mailer.cli.account import operator
from mailer.cli.main import Invocation

if TYPE_CHECKING:
    from mailer.services.retry import Retrial

KINDS = ("deferred", "refused", "expired", "unknown")


@click.command()
@click.argument("release", metavar="[RELEASE]", type=int, required=False)
@click.option("--deferred", is_flag=True, help="What waits to be tried again.  [default]")
@click.option("--refused", is_flag=True, help="What was refused for good.")
@click.option("--expired", is_flag=True, help="What was given up; each is tried once more.")
@click.option("--unknown", is_flag=True, help="What may have arrived: readers may get it twice.")
@click.option("--newsroom", metavar="KEY", help="Of this newsroom alone.")
@click.option("--dry-run", is_flag=True, help="Count, and change nothing.")
@show.json_option
@click.pass_obj
def retry(
    invocation: Invocation,
    /,
    release: int | None,
    newsroom: str | None,
    dry_run: bool,
    as_json: bool,
    **kinds: bool,
) -> None:
    """Make deliveries due now that wait for a later try, or were given up. The next dispatch sends them.

    Of one release, or of all and of notices that wait. What was accepted, ended or cancelled is never
    touched, and a cancelled mailing stays so.

    \b
    Example:
      mailer retry --dry-run
      mailer retry 7 --expired --refused

    \b
    Exit codes:
      0   done, or there was nothing to do
      2   there is no such release, it has not been mailed, or its mailing was cancelled
      69  the database is not there
    """
    from mailer.services import retry as retrying  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(invocation.settings()) as office:
        found = retrying.retry(
            office,
            who=operator(),
            release_id=release,
            kinds=[kind for kind in KINDS if kinds[kind]] or [retrying.DEFERRED],
            newsroom=newsroom,
            dry_run=dry_run,
        )
    answer = {"total": found.total, "notices": found.notices, "dry_run": dry_run}
    show.emit(
        answer | {"mailings": list(found.mailings)}, as_json=as_json, text=_told(found, release)
    )


def _told(found: "Retrial", release: int | None) -> str:
    if not found.total:
        return f"Nothing {'of it ' if release else ''}is to be tried again."
    rows = [
        [one.release, *(one.counts.get(kind, 0) for kind in KINDS), one.title]
        for one in found.mailings
    ]
    lines = [show.table(["release", *KINDS, "title"], rows)] if rows else []
    if found.notices:
        lines.append(f"notices that wait: {found.notices:,}")
    lines += [
        f"release {one.release} is held: mailer release resume {one.release}"
        for one in found.mailings
        if one.state == "held"
    ]
    verb = "would be due now" if found.dry_run else "due now"
    return "\n".join([*lines, f"{found.total:,} {verb}."])

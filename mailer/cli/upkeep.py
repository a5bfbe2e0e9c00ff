"""The command that lets go of what has been kept long enough: `upkeep`."""

from collections.abc import Mapping

import click

from mailer.cli import show
from mailer.cli.main import Invocation
from mailer.core.retention import Retention, Rule

_WORDS = {
    Rule.IP: "addresses in the net, from consents",
    Rule.USER_AGENT: "browsers, from consents",
    Rule.PENDING: "sign-ups that nobody confirmed",
    Rule.REPLIES: "relays' words about releases",
    Rule.ENDED: "readers who have left every newsroom",
    Rule.AUDIT: "operators' acts",
}


@click.command()
@click.option("--dry-run", is_flag=True, help="Tell what would go, and change nothing.")
@show.json_option
@click.pass_obj
def upkeep(invocation: Invocation, dry_run: bool, as_json: bool) -> None:
    """Let go of what has been kept long enough, or tell what would go.

    `mailer run` and `mailer dispatch` do so every few hours by themselves, as [retention] in the
    settings says; this does it at once and to the end. What proves a mailing stays: `mailer verify`
    tells the same before and after.

    \b
    Example:
      mailer upkeep --dry-run

    \b
    Exit codes:
      0   done, or told
      2   wrong settings, or the database needs `mailer db upgrade`
      69  the database is not there
    """
    from mailer.services import retention  # noqa: PLC0415 - SQLAlchemy takes half a second
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(invocation.settings()) as office:
        counts = retention.foretell(office) if dry_run else retention.let_go(office)
        kept = office.retention
    result = {"dry_run": dry_run, "gone": {rule.value: counts[rule] for rule in Rule}}
    show.emit(result, as_json=as_json, text=_table(counts, kept, dry_run=dry_run))


def _table(counts: Mapping[Rule, int], kept: Retention, *, dry_run: bool) -> str:
    rows = [(counts[rule], words, getattr(kept, rule)) for rule, words in _WORDS.items()]
    return show.table(("Would go" if dry_run else "Gone", "", "Kept for"), rows)

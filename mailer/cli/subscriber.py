"""The press office's hand on its readers: `subscriber add`, `import`, `list`, `show`, `end` and `export`."""

import sys
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from mailer.cli import accredited, choices, lifting, show
from mailer.cli.account import operator
from mailer.cli.main import Invocation
from mailer.cli.subscriptions import answered, table, told, waiting_table, write_csv, write_json
from mailer.core.address import parse_address
from mailer.core.consent import SubscriptionState

if TYPE_CHECKING:
    from mailer.core.newsroom import Newsroom
    from mailer.services.office import Office

STATES = [state.value for state in SubscriptionState]

newsroom_option = click.option(
    "--newsroom", metavar="KEY", help="Which newsroom.  [default: the only one]"
)


@click.group()
def subscriber() -> None:
    """Add, import, list and end subscriptions."""


_BY_REQUEST = (choices.change, choices.everything, choices.erase)
for command in (accredited.accredit, accredited.accredited, *_BY_REQUEST, lifting.lift):
    subscriber.add_command(command)


@subscriber.command()
@click.argument("address")
@newsroom_option
@click.option("--language", metavar="TAG", help="Such as da.  [default: the newsroom's own]")
@show.json_option
@click.pass_obj
def add(
    invocation: Invocation,
    address: str,
    newsroom: str | None,
    language: str | None,
    as_json: bool,
) -> None:
    """Ask ADDRESS whether it wants to subscribe.

    The reader gets the same confirmation mail as from the sign-up page, and is subscribed once they
    confirm. `mailer dispatch` or `mailer run` sends it.

    \b
    Example:
      mailer subscriber add anna@example.org --newsroom um

    \b
    Exit codes:
      0  a mail is due, or enough were sent before
      2  not an address, an unknown newsroom or language, or the address is suppressed
    """
    from mailer.services import people  # noqa: PLC0415 - SQLAlchemy takes half a second
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    settings = invocation.settings()
    read = parse_address(address, smtputf8=settings.signup_terms().smtputf8)
    with open_office(settings) as office:
        chosen = _one_newsroom(office, newsroom)
        answer = people.add(office, newsroom=chosen, address=read, language=language)
    result = {"address": read.mailbox, "newsroom": chosen.key, "answer": answer}
    show.emit(result, as_json=as_json, text=answered(answer, read.mailbox))


@subscriber.command("import")
@click.argument("file", type=click.File("rb"))
@newsroom_option
@click.option("--evidence", required=True, metavar="TEXT", help="Where and when they consented.")
@click.option(
    "--language", metavar="TAG", help="Of lines that name none.  [default: the newsroom's own]"
)
@click.option(
    "--refused", metavar="FILE", help="Write refused lines to this CSV file, not to the terminal."
)
@show.json_option
@click.pass_context
def import_(
    ctx: click.Context,
    file: BinaryIO,
    newsroom: str | None,
    evidence: str,
    language: str | None,
    refused: str | None,
    as_json: bool,
) -> None:
    """Import readers who consented elsewhere from a CSV file, or from standard input with -.

    The file is UTF-8, divided by commas, semicolons or tabs, with or without a line of headings; a
    column `language` is followed. The evidence is kept with each reader. No mail is sent. Who left
    earlier or is suppressed is refused. Run the same import again whenever you like: who is
    subscribed stays as they are, and an import that was stopped goes on.

    \b
    Example:
      mailer subscriber import readers.csv --newsroom um \\
        --evidence "Sign-up sheets of the press day, 3 March 2025"

    \b
    Exit codes:
      0    every line was taken or was there already
      1    some lines were refused, each with its reason; the others stand
      2    wrong usage, or a file that is no list of addresses
      130  interrupted; what was imported stands
    """
    from mailer.cli.import_report import ImportReport  # noqa: PLC0415 - for this command alone
    from mailer.services import imports  # noqa: PLC0415 - SQLAlchemy takes half a second
    from mailer.sources.address_list import read_addresses  # noqa: PLC0415 - as above
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    invocation = ctx.ensure_object(Invocation)
    report = ImportReport(file, refused)
    with open_office(invocation.settings()) as office, report:
        batches = imports.import_people(
            office,
            newsroom=_one_newsroom(office, newsroom),
            people=read_addresses(file, file=report.name),
            evidence=evidence,
            language=language,
        )
        report.follow(batches)
    show.emit(report.result(), as_json=as_json, text=report.summary())
    ctx.exit(report.exit_code())


@subscriber.command("list")
@click.option("--newsroom", metavar="KEY", help="Of this newsroom alone.")
@click.option("--state", type=click.Choice(STATES), help="In this state alone.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, help="100 if not said.")
@click.option("--after", type=click.IntRange(0), default=0, help="Go on after this number.")
@show.json_option
@click.pass_obj
def list_(
    invocation: Invocation,
    newsroom: str | None,
    state: str | None,
    limit: int,
    after: int,
    as_json: bool,
) -> None:
    """List subscriptions, oldest first.

    \b
    Example:
      mailer subscriber list --newsroom um --state active

    \b
    Exit codes:
      0  listed
      2  an unknown newsroom
    """
    from mailer.services import people  # noqa: PLC0415 - SQLAlchemy takes half a second
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(invocation.settings()) as office:
        found = list(
            people.list_people(
                office,
                newsroom=None if newsroom is None else office.newsroom(newsroom),
                state=None if state is None else SubscriptionState(state),
                after=after,
                limit=limit + 1,
            )
        )
    rows, more = found[:limit], len(found) > limit
    following = rows[-1].id if more else None
    result = {"subscriptions": [told(row) for row in rows], "next": following}
    text = table(rows) if rows else "No such subscription"
    if more:
        text += f"\n\nThere are more: --after {following}"
    show.emit(result, as_json=as_json, text=text)


@subscriber.command("show")
@click.argument("address")
@click.option("--evidence", is_flag=True, help="Tell everything that proves consent, in order.")
@click.option("--texts", is_flag=True, help="With --evidence, print all that was shown in full.")
@show.json_option
@click.pass_obj
def show_(invocation: Invocation, address: str, evidence: bool, texts: bool, as_json: bool) -> None:
    """Show what is kept about ADDRESS.

    \b
    Example:
      mailer subscriber show anna@example.org --evidence

    \b
    Exit codes:
      0  shown
      2  nothing is kept about it, or it is not an address
    """
    from mailer.cli import proven  # noqa: PLC0415 - for this command alone
    from mailer.services import people  # noqa: PLC0415 - SQLAlchemy takes half a second
    from mailer.services.evidence import evidence as evidence_about  # noqa: PLC0415 - as above
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    read = parse_address(address, smtputf8=True)
    with open_office(invocation.settings()) as office:
        person = people.show(office, address=read)
        proof = evidence_about(office, address=read) if evidence or texts else None
    result: dict[str, Any] = {
        "address": person.mailbox,
        "known_since": person.known_since,
        "suppressed": person.suppressed,
        "subscriptions": [told(row) for row in person.subscriptions],
        "waiting": person.waiting,
    }
    text = show.pairs({key: result[key] for key in ("address", "known_since", "suppressed")})
    if person.subscriptions:
        text += f"\n\n{table(person.subscriptions)}"
    if person.waiting:
        text += f"\n\n{waiting_table(person.waiting)}"
    if proof is not None:
        result |= proven.told(proof)
        text += proven.page(proof, texts=texts)
    show.emit(result, as_json=as_json, text=text)


@subscriber.command()
@click.argument("address")
@click.option("--newsroom", metavar="KEY", help="To this newsroom alone.  [default: to all]")
@click.option("--reason", required=True, metavar="TEXT", help="Why; kept as evidence.")
@show.json_option
@click.pass_obj
def end(
    invocation: Invocation, address: str, newsroom: str | None, reason: str, as_json: bool
) -> None:
    """End the subscriptions of ADDRESS; the reader is not told by mail.

    \b
    Example:
      mailer subscriber end anna@example.org --reason "Asked by phone"

    \b
    Exit codes:
      0  ended, now or earlier
      2  there is no such subscription
    """
    from mailer.services import people  # noqa: PLC0415 - SQLAlchemy takes half a second
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    read = parse_address(address, smtputf8=True)
    with open_office(invocation.settings()) as office:
        ended = people.end(
            office, address=read, newsroom_key=newsroom, reason=reason, who=operator()
        )
    rooms = [row.newsroom for row in ended]
    text = f"Ended: {read.mailbox} at {', '.join(rooms)}" if rooms else "Had ended before"
    show.emit({"address": read.mailbox, "ended": rooms}, as_json=as_json, text=text)


@subscriber.command()
@click.option("--newsroom", metavar="KEY", help="Of this newsroom alone.")
@click.option(
    "--state", type=click.Choice([*STATES, "all"]), default="active", help="Active if not said."
)
@show.json_option
@click.pass_obj
def export(invocation: Invocation, newsroom: str | None, state: str, as_json: bool) -> None:
    """Write subscriptions to standard output as CSV that `import` reads.

    \b
    Example:
      mailer subscriber export --newsroom um > readers.csv

    \b
    Exit codes:
      0  written
      2  an unknown newsroom
    """
    from mailer.services import people  # noqa: PLC0415 - SQLAlchemy takes half a second
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(invocation.settings()) as office:
        rows = people.list_people(
            office,
            newsroom=None if newsroom is None else office.newsroom(newsroom),
            state=None if state == "all" else SubscriptionState(state),
        )
        if as_json:
            write_json(rows, sys.stdout.buffer)
        else:
            write_csv(rows, sys.stdout.buffer)


def _one_newsroom(office: "Office", key: str | None) -> "Newsroom":
    if key is None and len(office.newsrooms) != 1:
        raise click.UsageError(f"Say which --newsroom: {', '.join(sorted(office.newsrooms))}")
    return office.newsroom(key or next(iter(office.newsrooms)))

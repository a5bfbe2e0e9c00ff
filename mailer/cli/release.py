"""The press desk's commands: releases in, looked at, and let go."""

import sys
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

import click

from mailer.cli import adding, approving, control, correcting, desk, sending, show
from mailer.cli.brief import brief
from mailer.cli.main import Invocation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailer.services.translations import Spoken
    from mailer.store.releases import ReleaseRow


@click.group()
def release() -> None:
    """Add, list, show, preview and send releases; stop what is under way.

    \b
    Example:
      mailer release add statement.md
      mailer release preview 1 --to editor@example.org
      mailer release send 1

    \b
    Exit codes:
      0   done
      2   the document cannot be read, or there is no such release
    """


@release.command("list")
@click.option("--newsroom", metavar="KEY", help="Of this newsroom alone.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="At most.")
@show.json_option
@click.pass_obj
def list_(invocation: Invocation, newsroom: str | None, limit: int, as_json: bool) -> None:
    """List releases, newest first.

    \b
    Example:
      mailer release list --newsroom um

    \b
    Exit codes:
      0   done
      2   no such newsroom
    """
    from mailer.services import press  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(invocation.settings()) as office:
        rows = press.listed(office, newsroom, limit=limit)
    listing = show.table(
        ["id", "newsroom", "state", "when", "language", "title"],
        [
            [row.id, row.newsroom, row.state, _when(row), row.edition.language, row.edition.title]
            for row in rows
        ],
    )
    text = listing if rows else "There are no releases yet. Add one: mailer release add FILE"
    show.emit({"releases": [brief(row) for row in rows]}, as_json=as_json, text=text)


@release.command("show")
@click.argument("number", metavar="ID", type=int)
@click.option("--why", is_flag=True, help="What was decided about it and why, instead.")
@show.json_option
@click.pass_obj
def show_(invocation: Invocation, number: int, why: bool, as_json: bool) -> None:
    """Show a release as it was understood: every block of its text, its contacts, its state.

    \b
    Example:
      mailer release show 1
      mailer release show 1 --why

    \b
    Exit codes:
      0   done
      2   there is no such release
    """
    from mailer.services import aftermath, press, translations  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(invocation.settings()) as office:
        row = press.shown(office, number)
        told = press.why(office, number)
        changes = aftermath.changes(office, number)
        spoken = translations.spoken(office, number)
    if why:
        answer = {**brief(row), **asdict(told)}
        show.emit(answer, as_json=as_json, text=approving.explained(row, told))
    else:
        answer = {**asdict(row), "languages": [asdict(each) for each in spoken], "changes": changes}
        text = _in_full(row, spoken) + desk.history(changes)
        show.emit(answer, as_json=as_json, text=text)


@release.command()
@click.argument("number", metavar="ID", type=int)
@click.option("--to", "address", required=True, metavar="ADDRESS", help="A subscriber's address.")
@click.pass_obj
def preview(invocation: Invocation, number: int, address: str) -> None:
    """Write the very bytes a subscriber gets, or got, to standard output.

    Before the release is published only the Date and the number in Message-ID and return path are
    not known yet.

    \b
    Example:
      mailer release preview 1 --to editor@example.org > preview.eml

    \b
    Exit codes:
      0   done
      2   there is no such release, or nobody subscribes with that address
    """
    from mailer.core.address import parse_address  # noqa: PLC0415 - help needs no database
    from mailer.services.preview import preview as previewed  # noqa: PLC0415 - as above
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(invocation.settings()) as office:
        message = previewed(office, number, parse_address(address, smtputf8=True))
    sys.stdout.buffer.write(message.content)


for _command in (
    adding.add,
    approving.approve,
    approving.hold,
    sending.send,
    correcting.correct,
    desk.withdraw,
    desk.embargo,
    control.pause,
    control.resume,
    control.cancel,
):
    release.add_command(_command)


def _when(row: "ReleaseRow") -> datetime | None:
    return row.published_at or row.publish_at


def _in_full(row: "ReleaseRow", spoken: "Sequence[Spoken]") -> str:
    edition = row.edition
    languages = [f"{one.language} ({one.waits})" if one.waits else one.language for one in spoken]
    facts = {
        **brief(row),
        "edition": row.version,
        "languages": languages,
        "topics": list(row.topics),
        "places": list(row.places),
        "issuer": row.issuer,
        "canonical_url": row.canonical_url,
        "lead": edition.lead,
    }
    blocks = [f"[{block.kind}] {block.text}" for block in edition.body]
    contacts = [f"[contact] {contact.text}" for contact in edition.contacts]
    files = [f"[file] {file.name} {file.url}" for file in edition.files]
    pictures = [f"[picture] {one.alt or one.caption} {one.url}" for one in edition.pictures]
    return "\n".join([show.pairs(facts), "", *blocks, *contacts, *files, *pictures])

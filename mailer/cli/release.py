"""The press desk's commands: releases in, looked at, and let go."""

import sys
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli import control, show
from mailer.cli.account import operator
from mailer.cli.main import Invocation

if TYPE_CHECKING:
    from mailer.services.press import Added
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


@release.command()
@click.argument("document", metavar="FILE|-", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--newsroom", metavar="KEY", help="Whose it is.  [default: as the document says]")
@click.option("--language", metavar="TAG", help="The text's language, whatever the document says.")
@show.json_option
@click.pass_obj
def add(
    invocation: Invocation,
    document: Path,
    newsroom: str | None,
    language: str | None,
    as_json: bool,
) -> None:
    """Store a release from a newsroom page's text or from Markdown; nothing is mailed yet.

    The same words added twice are one release. Other words under the same `id` or `canonical_url`
    are its next edition.

    \b
    Example:
      mailer release add newsroom-page.txt --newsroom um
      mailer release add - < statement.md

    \b
    Exit codes:
      0   stored, or known already
      2   the document cannot be read (the message names file, line and cure); nothing was stored
    """
    from mailer.services import press  # noqa: PLC0415 - help needs no database
    from mailer.sources.document import read_document  # noqa: PLC0415 - as above
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    settings = invocation.settings()
    read = partial(read_document, _content(document), file=str(document), language=language)
    with open_office(settings) as office:
        found = read()
        room = press.newsroom_for(office, found, newsroom)
        if room.language != found.edition.language:
            # One that names no language is in its newsroom's, and may itself say whose it is.
            found = read(default_language=room.language)
        added = press.add_document(office, found, newsroom=room.key, who=operator())
    for warning in added.warnings:
        show.complain(warning)
    show.emit(added, as_json=as_json, text=_said(added))


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
    show.emit({"releases": [_brief(row) for row in rows]}, as_json=as_json, text=text)


@release.command("show")
@click.argument("number", metavar="ID", type=int)
@show.json_option
@click.pass_obj
def show_(invocation: Invocation, number: int, as_json: bool) -> None:
    """Show a release as it was understood: every block of its text, its contacts, its state.

    \b
    Example:
      mailer release show 1

    \b
    Exit codes:
      0   done
      2   there is no such release
    """
    from mailer.services import press  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(invocation.settings()) as office:
        row = press.shown(office, number)
    show.emit(row, as_json=as_json, text=_in_full(row))


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


@release.command()
@click.argument("number", metavar="ID", type=int)
@click.option("--urgent", is_flag=True, help="Before every mailing that is not urgent.")
@show.json_option
@click.pass_obj
def send(invocation: Invocation, number: int, urgent: bool, as_json: bool) -> None:
    """Let a release go: the next dispatch publishes and mails it, but not before its publish time.

    \b
    Example:
      mailer release send 1 && mailer dispatch

    \b
    Exit codes:
      0   approved, or published already
      2   there is no such release, or it was withdrawn
    """
    from mailer.services import press  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(invocation.settings()) as office:
        row = press.send(office, number, who=operator(), urgent=urgent)
    show.emit(_brief(row), as_json=as_json, text=_next_step(row))


for _command in (control.pause, control.resume, control.cancel):
    release.add_command(_command)


def _content(document: Path) -> bytes:
    if str(document) == "-":
        return sys.stdin.buffer.read()
    try:
        return document.read_bytes()
    except OSError as error:
        raise click.UsageError(f"{document}: {error.strerror}") from error


def _said(added: "Added") -> str:
    news = {
        "new": "added",
        "edition": "has a new edition",
        "known": "was here already; nothing changed",
    }[added.news]
    line = f"Release {added.id} {news}: {added.title}"
    if added.state == "held":
        line += f"\nLet it go with: mailer release send {added.id}"
    return line


def _next_step(row: "ReleaseRow") -> str:
    if row.state == "published":
        return f"Release {row.id} is published already: {row.edition.title}"
    if row.publish_at is not None and row.publish_at > datetime.now(row.publish_at.tzinfo):
        return f"Release {row.id} goes out at {show.moment(row.publish_at)}: {row.edition.title}"
    return f"Release {row.id} goes out with the next dispatch: {row.edition.title}"


def _when(row: "ReleaseRow") -> datetime | None:
    return row.published_at or row.publish_at


def _brief(row: "ReleaseRow") -> dict[str, object]:
    return {
        "id": row.id,
        "newsroom": row.newsroom,
        "state": row.state,
        "hold_reason": row.hold_reason,
        "kind": row.kind,
        "language": row.edition.language,
        "title": row.edition.title,
        "urgent": row.urgent,
        "publish_at": row.publish_at,
        "published_at": row.published_at,
    }


def _in_full(row: "ReleaseRow") -> str:
    edition = row.edition
    facts = {
        **_brief(row),
        "edition": row.version,
        "topics": list(row.topics),
        "issuer": row.issuer,
        "canonical_url": row.canonical_url,
        "lead": edition.lead,
    }
    blocks = [f"[{block.kind}] {block.text}" for block in edition.body]
    contacts = [f"[contact] {contact.text}" for contact in edition.contacts]
    return "\n".join([show.pairs(facts), "", *blocks, *contacts])

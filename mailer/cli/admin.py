"""Makes a press office and keeps its database in order: `init` and `db`."""

import os
import shlex
from pathlib import Path
from typing import Any

import click

from mailer.cli import show
from mailer.cli.main import Invocation


@click.command()
@click.argument(
    "folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path)
)
@click.option(
    "--newsroom", default="press", show_default=True, metavar="KEY", help="Its key in addresses."
)
@click.option("--name", default="Press office", show_default=True, help="Its name in every mail.")
@click.option(
    "--language",
    "languages",
    multiple=True,
    metavar="TAG",
    help="Such as da; repeat for more, its own first.  [default: en]",
)
@click.option(
    "--time-zone", metavar="ZONE", help="Such as Europe/Copenhagen.  [default: this machine's]"
)
@click.option(
    "--base-url",
    default="http://127.0.0.1:8080",
    show_default=True,
    metavar="URL",
    help="Where readers find the pages.",
)
@click.option(
    "--relay",
    default="smtp://127.0.0.1:25",
    show_default=True,
    help="smtp://host:port, smtps://host:port, or a folder (in DIR) that keeps the mails.",
)
@click.option(
    "--sender",
    metavar="ADDRESS",
    help="What mails come from.  [default: press@ the base URL's host]",
)
@show.json_option
def init(folder: Path, as_json: bool, **wishes: Any) -> None:
    """Make a press office: settings, fresh keys, a database.

    Writes DIR/config.toml with every key explained, fresh keys in DIR/keys, and a database that is
    ready. It asks nothing and never overwrites: settings that are there stay, and so do keys. A
    relay's login goes into the settings afterwards, never on a command line.

    \b
    Example:
      mailer init press-office --newsroom um --name Udenrigsministeriet \\
        --language da --base-url https://presse.example.org \\
        --relay smtp://mail.example.org:587

    \b
    Exit codes:
      0   made
      2   settings are there already, an option is wrong, or DIR cannot be written
      69  the database cannot be reached
    """
    from mailer.config import founding, fresh_file  # noqa: PLC0415 - help needs no settings
    from mailer.store import migrate  # noqa: PLC0415 - SQLAlchemy and Alembic take half a second

    planned = founding.plan(folder, founding.Wishes(**wishes), os.environ)
    with fresh_file.privately():
        keys = founding.write_keys(planned)
        settings = planned.settings()
        _, revision = migrate.upgrade(settings.database.url.reveal())
        founding.write_settings(planned)
    made = {
        "config": str(planned.file),
        "keys": {str(path): "made" if fresh else "kept" for path, fresh in keys.items()},
        "database": {"url": str(settings.database.url), "revision": revision},
        "newsroom": wishes["newsroom"],
        "notes": _notes(settings.site.base_url, settings.newsroom[wishes["newsroom"]].sender),
        "next": _next(planned.file, wishes["newsroom"]),
    }
    show.emit(made, as_json=as_json, text=_told(made))


def _told(made: dict[str, Any]) -> str:
    rows = [
        (made["config"], "every setting, explained"),
        *(
            (path, f"a key, {how}; keep a copy in a safe place")
            for path, how in made["keys"].items()
        ),
        (made["database"]["url"], f"the database, at revision {made['database']['revision']}"),
    ]
    return "\n".join(
        [
            show.table(("Made", ""), rows),
            *(f"\n{note}" for note in made["notes"]),
            "\nNext:",
            *(f"  {command}" for command in made["next"]),
        ]
    )


def _notes(base_url: str, sender: str) -> list[str]:
    notes = []
    if base_url.startswith("http://"):
        notes.append(
            f"Links lead to {base_url}, which only this machine can open: good for trying it out.\n"
            "Before the first reader signs up, set base_url of [site] to the public https address."
        )
    if sender.endswith("@localhost"):
        notes.append(
            f"Mails come from {sender}, which no other server takes: set sender of the newsroom."
        )
    return notes


def _next(file: Path, newsroom: str) -> list[str]:
    mailer = f"mailer --config {shlex.quote(str(file))}"
    return [
        f"{mailer} run",
        f"{mailer} subscriber add you@example.org --newsroom {newsroom}",
        f"{mailer} release add FILE --newsroom {newsroom}",
    ]


@click.group()
def db() -> None:
    """Bring the database to this program's schema, or check it."""


@db.command()
@show.json_option
@click.pass_obj
def upgrade(invocation: Invocation, as_json: bool) -> None:
    """Bring the database to this program's schema; nothing to do is done at once.

    Stop `mailer run` and cron's `mailer dispatch` first, and keep a copy of the database.

    \b
    Example:
      mailer db upgrade

    \b
    Exit codes:
      0   the database is at head
      2   the settings are wrong
      69  the database cannot be reached
      75  another command holds the database; try again
    """
    from mailer.store import migrate  # noqa: PLC0415 - SQLAlchemy and Alembic take half a second

    before, after = migrate.upgrade(invocation.settings().database.url.reveal())
    if before == after:
        words = f"The database is at head already: revision {after}"
    else:
        words = f"Upgraded the database from {before or 'nothing'} to revision {after}"
    show.emit({"from": before, "to": after}, as_json=as_json, text=words)


@db.command()
@show.json_option
@click.pass_context
def check(ctx: click.Context, as_json: bool) -> None:
    """Compare the database with this program's schema; changes nothing.

    \b
    Example:
      mailer db check && systemctl start mailer

    \b
    Exit codes:
      0   the database is at head
      1   it differs, and every difference is named
      2   the settings are wrong
      69  the database cannot be reached
    """
    from mailer.store import migrate  # noqa: PLC0415 - SQLAlchemy and Alembic take half a second

    invocation = ctx.ensure_object(Invocation)
    faults = migrate.check(invocation.settings().database.url.reveal())
    text = "\n".join(faults) if faults else "The database is at head"
    show.emit({"ok": not faults, "faults": faults}, as_json=as_json, text=text)
    ctx.exit(1 if faults else 0)

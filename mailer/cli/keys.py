"""Makes the keys that sign mails: `keys`."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli import show
from mailer.cli.main import Invocation

if TYPE_CHECKING:
    from mailer.config.dkim_pair import Pair
    from mailer.core.dkim import Algorithm


@click.group()
def keys() -> None:
    """Make the keys that sign mails."""


@keys.command()
@click.option("--newsroom", metavar="KEY", help="Whose mails it signs.  [default: the only one]")
@click.option(
    "--selector",
    metavar="S",
    help="Names the key in the DNS.  [default: algorithm and month, such as rsa-202603]",
)
@click.option(
    "--algorithm",
    type=click.Choice(["rsa", "ed25519"]),
    default="rsa",
    show_default=True,
    help="Everybody verifies rsa; ed25519 signs faster and is for use beside it.",
)
@click.option(
    "--out",
    "folder",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the private key goes.  [default: keys, beside the settings]",
)
@show.json_option
@click.pass_obj
def dkim(
    invocation: Invocation,
    newsroom: str | None,
    selector: str | None,
    algorithm: "Algorithm",
    folder: Path | None,
    as_json: bool,
) -> None:
    """Make a DKIM key pair, and say what to publish and what to set.

    Writes the private key where only its owner can read it, and never over another. Nothing is signed
    with it until the settings name it: publish the record first.

    \b
    Example:
      mailer keys dkim --newsroom um
      mailer keys dkim --newsroom um --algorithm ed25519

    \b
    Exit codes:
      0  made
      2  the settings or an option are wrong, or there is such a key already
    """
    from mailer.config import dkim_pair  # noqa: PLC0415 - help needs no settings
    from mailer.config.read import settings_file  # noqa: PLC0415 - as above

    pair = dkim_pair.make_pair(
        invocation.settings(),
        dkim_pair.Wish(algorithm, newsroom, selector, folder),
        file=settings_file(invocation.config, os.environ),
        today=datetime.now(UTC).date(),
    )
    show.emit(pair, as_json=as_json, text=_told(pair))


def _told(pair: "Pair") -> str:
    from mailer.core.dkim import zone_entry  # noqa: PLC0415 - help needs none of it

    return "\n".join(
        [
            f"Made {pair.key}, the private key; keep a copy in a safe place.",
            f"\n1. Publish this record in the DNS of {pair.domain}. In a zone file:\n",
            zone_entry(pair.name, pair.record),
            f"\nIn a form that asks for a name and a text: {pair.name}, type TXT, and in one line\n",
            pair.record,
            f"\n2. When `dig TXT {pair.name}` answers with it, add to the end of the settings:\n",
            pair.settings,
        ]
    )

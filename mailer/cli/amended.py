"""What the desk's commands that change a release share: whom they name, and what they say of it."""

from typing import TYPE_CHECKING

import click

from mailer.cli import show

if TYPE_CHECKING:
    from mailer.services.aftermath import Amended
    from mailer.services.office import Office

TRY_LATER = 75

number_argument = click.argument("number", metavar="ID", type=int)
from_option = click.option(
    "--from",
    "held",
    metavar="HELD",
    type=int,
    help="The held release that says so; it is closed by it.",
)

_DONE = {
    "edition": "has a new edition; nobody had seen the one before",
    "correction": "is corrected",
    "withdrawal": "is withdrawn",
    "killed": "is withdrawn before anybody but accredited readers could see it",
    "moved": "is under embargo",
    "lifted": "is under embargo no more",
}


def became(office: "Office", held: int | None) -> str:
    """What became of a held release, as a sentence; empty for none."""
    from mailer.services import press  # noqa: PLC0415 - help needs no database

    return "" if held is None else f"Release {held} {press.shown(office, held).hold_reason}."


def tell(ctx: click.Context, found: "Amended", *, as_json: bool, by: str = "") -> None:
    """Say what was done, and that the rest of it comes later where that is so.

    Args:
        by: what became of the held release behind it.
    """
    line = f"Release {found.release} {_DONE[found.kind]}: {found.title}"
    line += f"\n{by}" if by else ""
    if found.told is not None:
        line += f"\n{found.told:,} who hold it are being told."
    show.emit(found, as_json=as_json, text=line)
    if not found.settled:
        show.complain(
            "A dispatcher still has letters of the old text on the wire\n"
            "  -> what becomes of them decides who is told; the next `mailer dispatch` sees to it"
        )
        ctx.exit(TRY_LATER)

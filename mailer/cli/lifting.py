"""Lets an address in again whose reader had said “it was not me”: `lift`."""

import click

from mailer.cli import show
from mailer.cli.account import operator
from mailer.cli.main import Invocation
from mailer.core.address import parse_address


@click.command()
@click.argument("address")
@click.option("--reason", required=True, metavar="TEXT", help="Why; kept as evidence.")
@show.json_option
@click.pass_obj
def lift(invocation: Invocation, address: str, reason: str, as_json: bool) -> None:
    """Let ADDRESS sign up again after its reader had said “it was not me”.

    Nothing is subscribed to by it, and no mail is sent. An address that is suppressed for another reason
    stays suppressed.

    \b
    Example:
      mailer subscriber lift anna@example.org --reason "Asked by phone"

    \b
    Exit codes:
      0  lifted, or there was nothing to lift
      2  no reason
    """
    from mailer.services import not_me  # noqa: PLC0415 - SQLAlchemy takes half a second
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    read = parse_address(address, smtputf8=True)
    with open_office(invocation.settings()) as office:
        lifted = not_me.lift_for(office, address=read, reason=reason, who=operator())
    text = f"{read.mailbox} can sign up again" if lifted else "Nothing was to lift"
    show.emit({"address": read.mailbox, "lifted": lifted}, as_json=as_json, text=text)

"""The press office's word about sign-ups: `signup held`, `release`, `drop`, and the box for other sites."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click

from mailer.cli import show
from mailer.cli.account import operator
from mailer.cli.given import confirm
from mailer.cli.main import Invocation

if TYPE_CHECKING:
    from mailer.services.held import Decided, HeldMails

_DOMAINS_SHOWN = 10

_domain = click.option("--domain", metavar="NAME", help="Those to readers of this domain alone.")


@click.group()
def signup() -> None:
    """Look at confirmations that were held, let them go or drop them; print the box for other sites."""


@signup.command()
@show.json_option
@click.pass_obj
def held(invocation: Invocation, as_json: bool) -> None:
    """Tell which confirmations are held, and whether sign-ups still explode.

    When more people sign up at once than `surge_signups` allows, it may be news or an attack. All are
    kept, their mails wait, and you decide.

    \b
    Example:
      mailer signup held

    \b
    Exit codes:
      0   told
      2   wrong settings, or the database needs `mailer db upgrade`
      69  the database is not there
    """
    from mailer.services import held as mails  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(invocation.settings()) as office:
        found = mails.held(office)
    show.emit(found, as_json=as_json, text="\n".join(_lines(found)))


@signup.command()
@_domain
@show.json_option
@click.pass_obj
def release(invocation: Invocation, domain: str | None, as_json: bool) -> None:
    """Let held confirmations leave, and count sign-ups anew.

    A mailbox that was signed up several times gets one mail from each newsroom, and one at a time.

    \b
    Examples:
      mailer signup release
      mailer signup release --domain example.org

    \b
    Exit codes:
      0   they are due
      2   wrong settings, or the database needs `mailer db upgrade`
      69  the database is not there
    """
    from mailer.services import held as mails  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(invocation.settings()) as office:
        decided = mails.release(office, who=operator(), domain=_lower(domain))
    show.emit(decided, as_json=as_json, text=_told(decided))


@signup.command()
@_domain
@click.option("--yes", is_flag=True, help="Do not ask.")
@show.json_option
@click.pass_obj
def drop(invocation: Invocation, domain: str | None, yes: bool, as_json: bool) -> None:
    """Throw held confirmations away, with the requests they were to confirm.

    Asks first. Nobody is told; who really wanted to subscribe can sign up again.

    \b
    Examples:
      mailer signup drop
      mailer signup drop --domain bots.example --yes

    \b
    Exit codes:
      0    they are gone
      2    wrong settings, or nobody is there to be asked and --yes was not given
      69   the database is not there
      130  you said no
    """
    from mailer.services import held as mails  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(invocation.settings()) as office:
        if not yes:
            _ask(mails.held(office), _lower(domain))
        decided = mails.drop(office, who=operator(), domain=_lower(domain))
    show.emit(decided, as_json=as_json, text=_told(decided))


@signup.command()
@click.argument("newsroom", metavar="KEY")
@click.option("--language", metavar="TAG", help="Such as da.  [default: the newsroom's own]")
@show.json_option
@click.pass_obj
def snippet(invocation: Invocation, newsroom: str, language: str | None, as_json: bool) -> None:
    """Print the sign-up box of a newsroom as HTML, for a page on another site.

    It is the one that `/KEY/embed` shows. Its visitors come to a page of ours for one more click.

    \b
    Example:
      mailer signup snippet um --language da > box.html

    \b
    Exit codes:
      0   printed
      2   there is no such newsroom, or it does not offer the language
      69  the database is not there
    """
    from mailer.services.people import offered  # noqa: PLC0415 - help needs no database
    from mailer.web.embed import snippet as box  # noqa: PLC0415 - as above
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(invocation.settings()) as office:
        room = office.newsroom(newsroom)
        chosen = offered(room, language)
        html = box(office.templates, office.site, room, chosen)
    result = {"newsroom": room.key, "language": chosen, "html": html}
    show.emit(result, as_json=as_json, text=html.rstrip("\n"))


def _lines(found: "HeldMails") -> Iterator[str]:
    here = found.explosion
    if here.exploding is not None:
        yield f"Sign-ups explode since {show.moment(here.exploding)}; new ones are held too."
    if not here.held or here.since is None:
        yield "No confirmation is held."
        return
    yield f"{here.held:,} confirmations are held, the first since {show.moment(here.since)}."
    yield f"  newsrooms: {_counted(found.newsrooms)}"
    yield f"  domains:   {_counted(found.domains)}"
    yield "  -> mailer signup release, or drop; of one domain with --domain"


def _counted(counts: Mapping[str, int]) -> str:
    shown = [f"{name} {number:,}" for name, number in list(counts.items())[:_DOMAINS_SHOWN]]
    rest = sum(list(counts.values())[_DOMAINS_SHOWN:])
    return ", ".join([*shown, f"others {rest:,}"] if rest else shown)


def _told(decided: "Decided") -> str:
    told = [f"{decided.released:,} are due"] if decided.released else []
    told += [f"{decided.dropped:,} are dropped"] if decided.dropped else []
    return f"Of the confirmations that were held {', '.join(told) or 'there are none'}."


def _ask(found: "HeldMails", domain: str | None) -> None:
    number = found.explosion.held if domain is None else found.domains.get(domain, 0)
    confirm(f"Drop {number:,} confirmations and what they ask for?")


def _lower(domain: str | None) -> str | None:
    return None if domain is None else domain.lower()

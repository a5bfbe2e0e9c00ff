"""The command that takes releases in by hand, in every format that is read: `release add`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import show
from mailer.cli.account import operator
from mailer.cli.given import attach_option, content

if TYPE_CHECKING:
    from mailer.services.handing_in import Given, HandedIn, Wish
    from mailer.services.office import Office
    from mailer.services.press import Added

SOME_REFUSED = 1


@click.command()
@click.argument("document", metavar="FILE|URL|-")
@click.option("--newsroom", metavar="KEY", help="Whose it is.  [default: as the document says]")
@click.option("--language", metavar="TAG", help="The text's language, whatever the document says.")
@click.option(
    "--item",
    "items",
    metavar="NUMBER",
    type=click.IntRange(1),
    multiple=True,
    help="Which of several, from 1; once for each.  [default: all of a file]",
)
@click.option("--translates", metavar="ID", type=int, help="The release it is another language of.")
@attach_option("Goes with it, in the mail itself where it is small; once for each.")
@click.option(
    "--dry-run", "dry", is_flag=True, help="Tell what would be stored, and store nothing."
)
@show.json_option
@click.pass_context
def add(ctx: click.Context, /, document: str, **asked: Any) -> None:
    """Store the releases that a document holds; nothing is mailed yet.

    It may be Markdown, a newsroom page's text, a web page, saved or at its address, a feed (RSS, Atom, JSON
    Feed), ninjs, a newsroom's JSON, a GOV.UK content item or a press portal's reply: the content tells which.

    An address is fetched once, as carefully as a source is. Where it holds several releases they are listed,
    and --item says which: of one that is only announced, its own page is read. A source that brings
    the same release later knows it.

    The same words added twice are one release. Other words under the same `id` or `canonical_url`
    are its next edition; in another language they are its translation.

    \b
    Example:
      mailer release add newsroom-page.txt --newsroom um
      mailer release add https://www.example.org/press/feed.xml --item 2
      mailer release add - < statement.md
      mailer release add udtalelse.md --translates 1 --language da --attach figures.pdf

    \b
    Exit codes:
      0   stored, or known already; with --dry-run: can be
      1   some were stored, and others refused: the messages name place and cure
      2   nothing can be read from it, or one of several has to be chosen (the messages name place and
          cure); nothing was stored
    """
    from mailer.services import attachments, enclosing  # noqa: PLC0415 - help needs no database
    from mailer.services.handing_in import Wish, hand_in  # noqa: PLC0415 - as above
    from mailer.services.press import Beside  # noqa: PLC0415 - as above
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    settings, dry = ctx.obj.settings(), asked["dry"]
    files = enclosing.from_disk((each.name, content(each)) for each in asked["attach"])
    beside = Beside(asked["translates"], files)
    wish = Wish(asked["newsroom"], asked["language"], asked["items"], beside, dry)
    with open_office(settings) as office:
        handed = hand_in(office, _given(office, document, wish), wish, who=operator())
        linked: list[str] = []
        for each in () if dry else handed.releases:
            attachments.fetch_now(office, each.id)
            linked += attachments.linked_instead(office, each.id)
    for refusal in handed.refusals:
        show.complain(f"{refusal.place}: {refusal.what}\n  -> {refusal.cure}")
    if not handed.releases:
        _refuse_all(document, handed)
    for warning in [*(w for each in handed.releases for w in each.warnings), *linked]:
        show.complain(warning)
    if dry:
        _foretell(handed, as_json=asked["as_json"])
    else:
        _tell(handed, as_json=asked["as_json"])
    if handed.refusals:
        ctx.exit(SOME_REFUSED)


def _given(office: "Office", document: str, wish: "Wish") -> "Given":
    """What stands at an address, in a file, or on standard input."""
    from mailer.services import fetching  # noqa: PLC0415 - help needs no database
    from mailer.services.handing_in import Given  # noqa: PLC0415 - as above

    if fetching.is_address(document):
        return fetching.fetch_given(office, document, newsroom=wish.newsroom)
    return Given(content(Path(document)), document)


def _foretell(handed: "HandedIn", *, as_json: bool) -> None:
    """What would be stored; a new release has no number yet."""
    would = [
        {**asdict(one), "id": None if one.news == "new" else one.id} for one in handed.releases
    ]
    words = {
        "new": "Would be added",
        "edition": "Would be the next edition of release {id}",
        "translation": "Would be a new language of release {id}",
        "known": "Is here already, as release {id}",
    }
    lines = [
        f"{words[one.news].format(id=one.id)}: {one.title}  ({one.newsroom})"
        for one in handed.releases
    ]
    told = {"dry_run": True, "releases": would, "refusals": handed.refusals}
    show.emit(told, as_json=as_json, text="\n".join(lines))


def _refuse_all(document: str, handed: "HandedIn") -> None:
    from mailer.core.errors import SourceFault  # noqa: PLC0415 - as above

    if handed.refusals:
        raise SourceFault(
            f"{document}: nothing in it can become a release", "see what is said about each"
        )
    raise SourceFault(f"{document}: it holds no release", "check what was saved")


def _tell(handed: "HandedIn", *, as_json: bool) -> None:
    """One release as it always was; several in a list, with what was refused."""
    if len(handed.releases) == 1 and not handed.refusals:
        show.emit(handed.releases[0], as_json=as_json, text=_said(handed.releases[0]))
        return
    show.emit(handed, as_json=as_json, text="\n".join(_said(each) for each in handed.releases))


def _said(added: "Added") -> str:
    news = {
        "new": "added",
        "edition": "has a new edition",
        "translation": "has a new language, which is not mailed yet",
        "known": "was here already; nothing changed",
    }[added.news]
    line = f"Release {added.id} {news}: {added.title}"
    if added.state == "held" or added.news == "translation":
        line += f"\nLet it go with: mailer release send {added.id}"
    return line

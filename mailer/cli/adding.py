"""The command that takes releases in by hand, in every format that is read: `release add`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli import show
from mailer.cli.account import operator
from mailer.cli.given import content

if TYPE_CHECKING:
    from mailer.services.handing_in import HandedIn
    from mailer.services.press import Added

SOME_REFUSED = 1


@click.command()
@click.argument("document", metavar="FILE|-", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--newsroom", metavar="KEY", help="Whose it is.  [default: as the document says]")
@click.option("--language", metavar="TAG", help="The text's language, whatever the document says.")
@click.option("--translates", metavar="ID", type=int, help="The release it is another language of.")
@click.option(
    "--attach",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Goes with it, in the mail itself where it is small; once for each.",
)
@show.json_option
@click.pass_context
def add(
    ctx: click.Context,
    document: Path,
    newsroom: str | None,
    language: str | None,
    translates: int | None,
    attach: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Store the releases that a document holds; nothing is mailed yet.

    It may be Markdown, a newsroom page's text, a saved web page, a feed (RSS, Atom, JSON Feed), ninjs, a
    newsroom's JSON, a GOV.UK content item or a press portal's reply: the content tells which.

    The same words added twice are one release. Other words under the same `id` or `canonical_url`
    are its next edition; in another language they are its translation.

    \b
    Example:
      mailer release add newsroom-page.txt --newsroom um
      mailer release add - < statement.md
      mailer release add udtalelse.md --translates 1 --language da --attach figures.pdf

    \b
    Exit codes:
      0   stored, or known already
      1   some were stored, and others refused: the messages name place and cure
      2   nothing can be read from it (the message names place and cure); nothing was stored
    """
    from mailer.services import attachments, enclosing  # noqa: PLC0415 - help needs no database
    from mailer.services.handing_in import hand_in  # noqa: PLC0415 - as above
    from mailer.services.press import Beside  # noqa: PLC0415 - as above
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    settings, payload = ctx.obj.settings(), content(document)
    files = enclosing.from_disk((each.name, content(each)) for each in attach)
    with open_office(settings) as office:
        handed = hand_in(
            office,
            payload,
            file=str(document),
            newsroom=newsroom,
            language=language,
            who=operator(),
            beside=Beside(translates, files),
        )
        linked: list[str] = []
        for each in handed.releases:
            attachments.fetch_now(office, each.id)
            linked += attachments.linked_instead(office, each.id)
    for refusal in handed.refusals:
        show.complain(f"{refusal.place}: {refusal.what}\n  -> {refusal.cure}")
    if not handed.releases:
        _refuse_all(document, handed)
    for warning in [*(w for each in handed.releases for w in each.warnings), *linked]:
        show.complain(warning)
    _tell(handed, as_json=as_json)
    if handed.refusals:
        ctx.exit(SOME_REFUSED)


def _refuse_all(document: Path, handed: "HandedIn") -> None:
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

"""`release correct`: a corrected text in the place of one that may have left."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import show
from mailer.cli.account import operator
from mailer.cli.amended import became, from_option, number_argument, tell
from mailer.cli.given import attach_option, content

if TYPE_CHECKING:
    from mailer.core.release import Edition
    from mailer.services.becoming import Becoming
    from mailer.services.office import Office


@click.command()
@number_argument
@click.argument(
    "document",
    metavar="[FILE|-]",
    required=False,
    type=click.Path(path_type=Path, allow_dash=True),
)
@from_option
@click.option("--note", required=True, metavar="TEXT", help="What was wrong, for readers.")
@click.option("--language", metavar="TAG", help="Which text it corrects.  [default: as it says]")
@click.option("--silent", is_flag=True, help="Tell nobody who holds the old text.")
@attach_option("A file to send in the mail; in the place of one of that name. May be repeated.")
@click.option(
    "--without", metavar="NAME", multiple=True, help="An attached file that goes. May be repeated."
)
@show.json_option
@click.pass_context
def correct(ctx: click.Context, /, number: int, held: int | None, **asked: Any) -> None:
    """Put a corrected text in the place of a release's, and tell whoever holds the old one.

    Within a second nothing more of the old text leaves. Who has not got it gets the release itself,
    corrected; who holds it, or may, gets one notice in their own thread that says what changed. Digests that
    show it are made anew. Files that were attached go along, in the release's mail; the notice links them.

    The text is that of FILE, or of the release HELD: what a source brought as a release of its own
    (“Rettelse: ...”) and waits. The word in front of its title goes; whatever names it is known under
    are release ID's from then on, so that no later poll mails it. Where the source wrote “Rettelse: ...” over
    release ID itself, HELD is that number too.

    \b
    Example:
      mailer release correct 7 corrected.md --note "The meeting is on Tuesday, not on Monday."
      mailer release correct 7 --from 9 --note "The meeting is on Tuesday, not on Monday."
      mailer release correct 7 corrected.md --note "A wrong table." --attach figures.csv

    \b
    Exit codes:
      0   corrected; those who hold the old text are being told
      2   it cannot be read or says the same already, HELD is not held any more, or there is no such release
      69  the database is not there
      75  corrected; the notice waits until it is known what became of letters on the wire
    """
    from mailer.services import attachments, corrections, enclosing  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    if (asked["document"] is None) == (held is None):
        raise click.UsageError("Say either the FILE with the corrected text, or --from HELD.")
    settings = ctx.obj.settings()
    files = enclosing.from_disk((each.name, content(each)) for each in asked["attach"])
    with open_office(settings) as office:
        text, by = _text(office, number, held, asked["document"], asked["language"])
        edition = enclosing.go_along(office, number, text, files=files, without=asked["without"])
        note, silent = asked["note"], asked["silent"]
        if by is None:
            found = corrections.correct(
                office, number, edition, note=note, who=operator(), silent=silent
            )
        else:
            found = corrections.correct_by(office, by, edition, note=note, silent=silent)
        linked = attachments.linked_instead(office, number)
        closed = became(office, by.release if by else None)
    for warning in linked:
        show.complain(warning)
    tell(ctx, found, as_json=asked["as_json"], by=closed)


def _text(
    office: "Office", number: int, held: int | None, document: Path | None, language: str | None
) -> tuple["Edition", "Becoming | None"]:
    """The corrected text, and the held release that it comes from where that is one of its own."""
    from mailer.services import becoming  # noqa: PLC0415 - help needs no database
    from mailer.services.correction_file import corrected_text  # noqa: PLC0415 - as above

    if document is not None:
        payload, file = content(document), str(document)
        text = corrected_text(office, payload, file=file, release_id=number, language=language)
        return text, None
    if held is None or held == number:
        return becoming.own_text(office, number, language=language), None
    by = becoming.correction(office, held, of=number, language=language, who=operator())
    return by.corrected, by

"""Reads a newsroom page's text: all words of the release enter the edition, no furniture does.

    title         the first line
    lead          the second line, if more text follows it
    body          the lines up to the press contact or the furniture; quotes are found by their marks
    contacts      from the last "For yderligere ..." that only short lines follow, up to the furniture
    issuer        whom "Information om ..." names
    related       the list of other releases; read, kept apart, never mailed

The page prints no date for its own release, and none is borrowed: not from the list, whose dates
belong to other releases, and not from the text, whose dates are events. A lead of exactly 1,000
characters was cut by the newsroom.
"""

from collections.abc import Sequence

from mailer.core.errors import DocumentFault
from mailer.core.release import Block, Contact, Edition, Related, ReleaseDocument, Run
from mailer.sources.characters import one_line, tidy
from mailer.sources.contact_line import MAX_LENGTH, read_contact, says_how_to_reach
from mailer.sources.fields import shown
from mailer.sources.lines import Line, Place, refuse_endless
from mailer.sources.phrases import (
    Furniture,
    Phrases,
    begins_with,
    closes,
    find_furniture,
    furniture_line,
    is_more_line,
)
from mailer.sources.quotes import mark_quotes, never_ending
from mailer.sources.related import CUT_LENGTH, is_cut, is_list_line, read_related


def read_page(lines: Sequence[Line], *, file: str, language: str | None = None) -> ReleaseDocument:
    """Read a page's text.

    Args:
        lines: of its text, as `lines.split_lines` gives them.
        file: its name, for faults.
        language: of the release; None means that of the page.

    Raises:
        DocumentFault: no furniture, no title, no text, a lead that was cut, or furniture among the text.
    """
    furniture = find_furniture(lines)
    if furniture is None:
        raise _not_a_page(lines, file)
    own = lines[: furniture.start]
    if own:
        refuse_endless(sum(len(x.text) for x in own), len(own), Place(file, own[0].number))
    title = _title(own, Place(file, lines[0].number))
    _refuse_strays(own, file)
    contacts_start = _contacts_start(own, furniture.phrases)
    lead, body_lines = _lead_and_body(own[1:contacts_start], own[0], file)
    body, unclosed = mark_quotes([Block("paragraph", (Run(tidy(x.text)),)) for x in body_lines])
    related, warnings = _related(lines, furniture)
    if not lead:
        warnings += ("the page has one paragraph; it is mailed as the body, without a lead",)
    return ReleaseDocument(
        edition=Edition(
            language=language or furniture.phrases.language,
            title=title,
            lead=lead,
            body=body,
            contacts=_contacts(own[contacts_start:], file),
        ),
        issuer=shown(furniture.issuer, Place(file, lines[furniture.start].number), "the issuer"),
        related=related,
        warnings=(*never_ending(body_lines[at].number for at in unclosed), *warnings),
    )


def _not_a_page(lines: Sequence[Line], file: str) -> DocumentFault:
    stray = next((line for line in lines if furniture_line(line)), None)
    if stray is not None:
        return Place(file, stray.number).fault(
            f"a newsroom page says “{stray.text[:60]}” here, but no line before it says "
            "“Information om ...” (or “About ...”) of the same issuer",
            "copy the whole text of the page; that line tells where the release ends",
        )
    return Place(file, lines[0].number if lines else 1).fault(
        "this is neither a newsroom page nor Markdown: no line says “Information om ...” and "
        "“Følg pressemeddelelser fra ...”, and the text begins with neither “---” nor “# ”",
        "copy the whole page, or write the release as Markdown with its title as “# Title” on top",
    )


def _title(own: Sequence[Line], top: Place) -> str:
    if not own:
        raise top.fault(
            "the page has no title: its furniture begins on the first line",
            "copy the page from its title on",
        )
    if is_list_line(own[0].text) or furniture_line(own[0]):
        raise top.fault(
            "the first line is furniture of a page, not a title",
            "copy the page of the release itself, from its title on",
        )
    return shown(own[0].text, top, "the title")


def _refuse_strays(own: Sequence[Line], file: str) -> None:
    """Furniture among the text means that the text does not end where we think it does."""
    for line in own[1:]:
        phrase = furniture_line(line)
        if phrase or is_list_line(line.text):
            name = f"“{phrase}”" if phrase else "a line of a list of releases"
            raise Place(file, line.number).fault(
                f"the page's furniture ({name}) stands among the text of the release",
                "delete it, or copy the page again: title, text and contact come first",
            )


def _lead_and_body(text: Sequence[Line], title: Line, file: str) -> tuple[str, Sequence[Line]]:
    if not text:
        raise Place(file, title.number).fault(
            "the page has a title but no text", "copy the page with its lead and body"
        )
    if is_cut(text[0].text):
        raise Place(file, text[0].number).fault(
            f"the lead is cut off: it has exactly {CUT_LENGTH:,} characters, where the newsroom cuts",
            "put the whole lead in this line; if these are all its words, write the release as "
            "Markdown with `lead:` in its front matter",
        )
    if len(text) == 1:
        return "", text
    return one_line(text[0].text), text[1:]


def _contacts_start(own: Sequence[Line], phrases: Phrases) -> int:
    """The index of the first contact line; the number of lines if there is none."""
    prose = max((at for at, line in enumerate(own) if len(line.text) > MAX_LENGTH), default=0)
    reach = [at > prose and says_how_to_reach(line.text) for at, line in enumerate(own)]
    last_reach = max((at for at, reaches in enumerate(reach) if reaches), default=0)
    heads = [
        at
        for at in range(prose + 1, len(own))
        if begins_with(own[at].text, phrases.contact)
        and not begins_with(own[at].text, phrases.not_contact)
        and (":" in own[at].text or at <= last_reach)
    ]
    if not heads:
        return len(own)
    start = heads.pop()
    while heads and all(reach[heads[-1] + 1 : start]):
        start = heads.pop()
    return start


def _contacts(lines: Sequence[Line], file: str) -> tuple[Contact, ...]:
    return tuple(
        read_contact(shown(line.text, Place(file, line.number), "the press contact"))
        for line in lines
    )


def _related(
    lines: Sequence[Line], furniture: Furniture
) -> tuple[tuple[Related, ...], tuple[str, ...]]:
    after = lines[furniture.start + 1 :]
    head = next((at for at, x in enumerate(after) if is_more_line(x, furniture.phrases)), None)
    if head is None:
        return (), ()
    listed = after[head + 1 :]
    end = next(
        (at for at, x in enumerate(listed) if closes(x, furniture.phrases)),
        len(listed),
    )
    return read_related(listed[:end])

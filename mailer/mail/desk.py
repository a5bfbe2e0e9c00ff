"""Prepares what the press desk sends beside a release: corrections, withdrawals, early copies, embargoes.

Each is prepared once for all who hold the same edition, since it says what changed from the text that they
have. It stands in their own thread: the slot `thread` names the copy it is about.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from mailer.core.delivery import Purpose
from mailer.core.difference import Change, difference
from mailer.core.newsroom import Newsroom, Site
from mailer.core.release import Edition
from mailer.mail import letterhead
from mailer.mail.clean import cleaned, cleaned_edition
from mailer.mail.facts import ReleaseFacts, release_values
from mailer.mail.prepare import Prepared, assembled, check_size, rendered
from mailer.texts.catalogue import spoken

if TYPE_CHECKING:  # Jinja takes 150 ms that a dispatcher with nothing to prepare need not pay
    from mailer.texts.templates import Templates

Act = Literal["correction", "withdrawal", "early", "moved", "lifted", "killed"]

_PURPOSES: dict[Act, Purpose] = {
    "correction": Purpose.CORRECTION,
    "withdrawal": Purpose.WITHDRAWAL,
    "early": Purpose.EARLY,
    "moved": Purpose.EMBARGO,
    "lifted": Purpose.EMBARGO,
    "killed": Purpose.EMBARGO,
}
_WHOLE = ("correction", "early", "moved")
"""Those that hold the whole text, as it stands."""


@dataclass(frozen=True, slots=True)
class Matter:
    """What a mail of the desk has to say.

    Attributes:
        edition: the text as it stands; of what was taken back, the one its reader holds.
        held: the text that its reader holds; None for an early copy.
        note: the desk's own words: what was wrong, or why it was taken back.
        embargo_until: nobody may publish it before; None where it is public, or was, or nothing keeps it.
        hidden: it is not public yet though nothing keeps it: there is no page of it to link.
    """

    act: Act
    edition: Edition
    facts: ReleaseFacts
    held: Edition | None = None
    note: str = ""
    embargo_until: datetime | None = None
    hidden: bool = False


def prepare_matter(
    templates: "Templates", matter: Matter, *, site: Site, newsroom: Newsroom, made_at: datetime
) -> Prepared:
    """The message for all who hold the same edition.

    Args:
        made_at: the Date of every copy, aware.

    Raises:
        MailerError: the title or a setting cannot stand in a header, it is too long for a mail, or a
            template is broken.
    """
    purpose, edition = _PURPOSES[matter.act], matter.edition
    language = spoken(edition.language, *newsroom.languages)
    kept = matter.embargo_until is not None or matter.hidden
    public = not kept and matter.act in {"correction", "lifted"}
    values = release_values(site, newsroom, edition, matter.facts) | {
        "act": matter.act,
        "note": cleaned(matter.note.strip()),
        "changes": _changes(matter),
        "embargo_until": matter.embargo_until,
        "public": public,
        "corrected_at": made_at,
    }
    parts = rendered(templates, purpose, language, site, newsroom, values)
    if matter.act in _WHOLE:
        check_size(parts, edition)
    about = letterhead.About(
        purpose,
        matter.facts.id,
        matter.facts.page(newsroom) if public else None,
        threaded=matter.held is not None,
    )
    fields = letterhead.desk_fields(
        about,
        site=site,
        newsroom=newsroom,
        language=edition.language,
        subject=parts.subject,
        made_at=made_at,
    )
    carried = matter.facts.attachments
    return assembled(purpose, edition.language, newsroom, parts, fields, carried)


def _changes(matter: Matter) -> tuple[Change, ...]:
    """What changed since the reader's own copy; nothing where the text was taken back."""
    if matter.held is None or matter.act not in _WHOLE:
        return ()
    before, after = (cleaned_edition(one, one.title) for one in (matter.held, matter.edition))
    return difference(before, after)

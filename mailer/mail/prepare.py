"""Prepares a message once per mailing and language: rendered, inlined, encoded, with slots left open.

    1  what comes from outside is cleaned: nothing in it can be taken for a slot
    2  subject, text and HTML are rendered; the templates see per-reader values as opaque slots
    3  the HTML's style sheet is inlined (nothing is fetched); its size is held to the limit
    4  every part must hold the slots its purpose needs: a mail without its link is never prepared
    5  parts are encoded, header fields written; the boundary holds "=_", which no encoded part can
    6  the whole stands as one byte string with NUL + name + NUL for every slot

Filling the slots is `mailer.mail.compose`'s part. The same values always give the same bytes.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mailer.core.codes import WINDOW
from mailer.core.delivery import Purpose
from mailer.core.errors import MailerError
from mailer.core.newsroom import Newsroom, Site
from mailer.core.release import Edition
from mailer.core.token import LIFETIME, LinkPurpose
from mailer.mail import headers, letterhead
from mailer.mail.attached import Attachment, mixed
from mailer.mail.clean import cleaned_newsroom
from mailer.mail.facts import ReleaseFacts, release_values
from mailer.mail.quoted import encode_part
from mailer.mail.slots import Slot, Slots, blanked, names_in
from mailer.texts.catalogue import spoken
from mailer.texts.wording import subscribe_wording

if TYPE_CHECKING:  # Jinja takes 150 ms that a dispatcher with nothing to prepare need not pay
    from mailer.texts.templates import Templates

HTML_LIMIT = 80_000  # octets; some readers clip at 102 KB

_NEEDED = {
    Purpose.RELEASE: "leave_token",
    Purpose.CORRECTION: "leave_token",
    Purpose.WITHDRAWAL: "leave_token",
    Purpose.EARLY: "leave_token",
    Purpose.EMBARGO: "leave_token",
    Purpose.DIGEST: "leave_token",
    Purpose.CONFIRM: "confirm_token",
    Purpose.REMINDER: "confirm_token",
    Purpose.ALREADY: "leave_token",
    Purpose.WELCOME: "leave_token",
    Purpose.LEFT: "rejoin_token",
    Purpose.MANAGE: "manage_token",
    Purpose.MOVE: "confirm_token",
}


_IN_SUBJECT: dict[Purpose, dict[str, object]] = {Purpose.CONFIRM: {"code": Slot("code")}}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message for all readers of one language; `Composer` makes it one reader's.

    Attributes:
        language: the language it was asked for in.
        subject: for people and reports, decoded, dots in place of a code.
        return_path: the address whose VERP forms are the envelope senders.
        content: the whole wire message with CRLF; every slot stands as NUL + name + NUL.
    """

    purpose: Purpose
    language: str
    subject: str
    return_path: str
    content: bytes

    def __hash__(self) -> int:
        return hash(
            self.content
        )  # which remembers its own: each letter asks for what is made of it

    @property
    def digest(self) -> str:
        """SHA-256 over all of it, in hexadecimal: equal digests are equal messages."""
        digest = hashlib.sha256()
        for text in (self.purpose, self.language, self.subject, self.return_path):
            digest.update(b"%d:%s," % (len(text.encode()), text.encode()))
        digest.update(self.content)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Parts:
    """What a message says, its slots open.

    Attributes:
        html: with its style sheet inlined.
    """

    subject: str
    text: str
    html: str


def prepare_release(
    templates: "Templates",
    *,
    site: Site,
    newsroom: Newsroom,
    edition: Edition,
    facts: ReleaseFacts,
    made_at: datetime,
) -> Prepared:
    """The message that mails `edition` to all readers of its language.

    Args:
        made_at: the Date of every copy, aware.

    Raises:
        MailerError: the title or a setting cannot stand in a header, the release is too long for
            a mail, or a template is broken.
    """
    chrome = spoken(edition.language, *newsroom.languages)
    values = release_values(site, newsroom, edition, facts)
    parts = rendered(templates, Purpose.RELEASE, chrome, site, newsroom, values)
    check_size(parts, edition)
    fields = letterhead.release_fields(
        site=site,
        newsroom=newsroom,
        language=edition.language,
        subject=parts.subject,
        page=facts.page(newsroom),
        made_at=made_at,
    )
    return assembled(Purpose.RELEASE, edition.language, newsroom, parts, fields, facts.attachments)


def prepare_notice(
    templates: "Templates", *, site: Site, newsroom: Newsroom, purpose: Purpose, language: str
) -> Prepared:
    """The message of a notice: of any purpose but a release.

    Args:
        language: the reader's; without a catalogue for it the newsroom's own is used.

    Raises:
        MailerError: a setting cannot stand in a header, or a template is broken.
    """
    chrome = spoken(language, *newsroom.languages)
    lifetime, way_back = LIFETIME[LinkPurpose.CONFIRM], LIFETIME[LinkPurpose.REJOIN]
    assert lifetime is not None
    assert way_back is not None
    managing = LIFETIME[LinkPurpose.MANAGE]
    assert managing is not None
    values = {
        "wording": subscribe_wording(newsroom, chrome),
        "hours": lifetime // timedelta(hours=1),
        "minutes": WINDOW // timedelta(minutes=1),
        "days": way_back // timedelta(days=1),
        "manage_hours": managing // timedelta(hours=1),
    }
    parts = rendered(templates, purpose, chrome, site, newsroom, values)
    fields = letterhead.notice_fields(
        site=site, newsroom=newsroom, purpose=purpose, language=chrome, subject=parts.subject
    )
    return assembled(purpose, language, newsroom, parts, fields)


def rendered(
    templates: "Templates",
    purpose: Purpose,
    language: str,
    site: Site,
    newsroom: Newsroom,
    values: dict[str, object],
    *,
    needs: str | None = None,
) -> Parts:
    """The templates of a purpose with `values`, slots open and the style sheet inlined.

    Args:
        language: of the house's own words.
        needs: the slot that must stand in each part, where it is not the purpose's usual one.

    Raises:
        MailerError: a template is broken or leaves that slot out, or the subject cannot stand in a header.
    """
    shared = values | {
        "newsroom": cleaned_newsroom(newsroom),
        "newsroom_url": site.url(f"/{newsroom.key}"),
        "choices_url": site.url(f"/{newsroom.key}/manage"),
        "desk": newsroom.reply_to or newsroom.sender,
    }
    folder = f"mail/{purpose}"
    may_hold = _IN_SUBJECT.get(purpose, {})
    subject = templates.render(f"{folder}/subject.txt", language, **shared | may_hold)
    subject = headers.display(re.sub("[ \t\r\n]+", " ", subject), "the subject")
    if names_in(subject) - may_hold.keys():
        raise MailerError(f"{folder}/subject.txt holds a slot", "subjects are the same for all")
    shared |= {"subject": subject}
    text = templates.render(
        f"{folder}/body.txt", language, slots=Slots(site, "address_text"), **shared
    )
    html = templates.render(
        f"{folder}/body.html", language, slots=Slots(site, "address_html"), **shared
    )
    for name, part in ((f"{folder}/body.txt", text), (f"{folder}/body.html", html)):
        needed, there = needs or _NEEDED.get(purpose), names_in(part)
        if needed is not None and needed not in there:
            raise MailerError(
                f"The template {name} leaves out the slot {needed}",
                "write the link that this mail is for: slots.leave_url, slots.confirm_url,"
                " slots.manage_url or slots.rejoin_url",
            )
    return Parts(subject, text.strip("\n") + "\n", _inlined(html))


def _inlined(html: str) -> str:
    """The page with its style sheet inlined; rules for dark and narrow screens stay in the head."""
    from css_inline import CSSInliner, InlineError  # noqa: PLC0415 - 50 ms, as for Jinja

    inliner = CSSInliner(
        load_remote_stylesheets=False,
        keep_at_rules=True,
        remove_inlined_selectors=True,
        minify_css=True,
    )
    try:
        return inliner.inline(html)
    except InlineError as error:
        raise MailerError(f"The HTML's style sheet cannot be read: {error}", "mend it") from error


def check_size(parts: Parts, edition: Edition) -> None:
    """Refuse a message that readers' programs would cut.

    Raises:
        MailerError: it is too long.
    """
    size = len(parts.html.encode())
    if size > HTML_LIMIT:
        words = sum(len(block.text.encode()) for block in edition.body)
        raise MailerError(
            f"“{edition.title}” is too long for a mail: its body of {words:,} octets makes"
            f" {size:,} octets of HTML, and {HTML_LIMIT:,} is the limit",
            "mail a shorter text and link to the long one; longer mails are cut by some readers",
        )


def assembled(
    purpose: Purpose,
    language: str,
    newsroom: Newsroom,
    parts: Parts,
    fields: bytes,
    attachments: Sequence[Attachment] = (),
) -> Prepared:
    """The parts, encoded, under their header `fields`, and files beside them."""
    encoded = (("plain", encode_part(parts.text)), ("html", encode_part(parts.html)))
    digest = hashlib.sha256(b"".join(part for _, part in encoded)).hexdigest()
    boundary = f"=_{digest[:32]}".encode()
    content = [
        headers.field("Content-Type", "multipart/alternative;", b'boundary="%s"' % boundary),
    ]
    for subtype, part in encoded:
        content += [
            b"\r\n--%s\r\n" % boundary,
            headers.field("Content-Type", f"text/{subtype};", "charset=utf-8"),
            headers.field("Content-Transfer-Encoding", "quoted-printable"),
            b"\r\n",
            part,
        ]
    content.append(b"\r\n--%s--\r\n" % boundary)
    body = b"".join(content)
    return Prepared(
        purpose=purpose,
        language=language,
        subject=blanked(parts.subject),
        return_path=letterhead.return_path(newsroom),
        content=fields
        + headers.field("MIME-Version", "1.0")
        + (mixed(body, attachments) if attachments else body),
    )

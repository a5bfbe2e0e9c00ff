"""Decides which header fields a message bears.

    field                     release,  already, welcome   left*  confirm, move
                              digest
    From, To, Reply-To, Subject, Date, Message-ID, Content-Language: all
    List-Id                   yes       no                 no     no     a notice is not list mail: a
                                                                         filter on it would hide it
    List-Unsubscribe, -Post   yes       yes                no     no     there is nothing to leave
    List-Help                 yes       yes                yes    yes    whom to turn to
    List-Archive              yes       yes                yes    no
    Archived-At               release   no                 no     no     a notice has no page, nor has a
                                                                         digest
    In-Reply-To, References: what the desk says of a copy that its reader holds; Archived-At only
                              where the release has a page
    * and manage, moving, moved, which speak of a mailbox, not of one subscription
    Auto-Submitted, X-Auto-Response-Suppress, Feedback-ID: all

Sources: RFC 2369, 2919, 3834, 5064, 8058; X-Auto-Response-Suppress is Microsoft's (MS-OXCMAIL), never
"All", which stops bounces too; Feedback-ID is Google's.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from mailer.core.delivery import Purpose
from mailer.core.errors import MailerError
from mailer.core.newsroom import Newsroom, Site
from mailer.mail import headers
from mailer.mail.slots import hole

SENDER_ID = "pressmailer"  # Feedback-ID's last part, the same in every message (5-15 characters)

_LEAVABLE = frozenset({Purpose.ALREADY, Purpose.WELCOME})
_UNCONFIRMED = frozenset({Purpose.CONFIRM, Purpose.REMINDER, Purpose.MOVE})
_VERP_TAIL = len("+") + 12 + len("-") + 16  # number and mark in a return path
_LOCAL_PART = 64  # RFC 5321 section 4.5.3.1.1
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")


def release_fields(
    *, site: Site, newsroom: Newsroom, language: str, subject: str, page: str, made_at: datetime
) -> bytes:
    """The header of a release.

    Args:
        page: path of the release's page; its number is in it.
        made_at: the Date of every copy.
    """
    return b"".join(
        [
            _common(newsroom, language, subject, headers.date(made_at)),
            _list(newsroom, newsroom.key),
            _leaving(site),
            _help(newsroom),
            headers.field("List-Archive", headers.uri(site.url(f"/{newsroom.key}"))),
            headers.field("Archived-At", headers.uri(site.url(page))),
            _automatic(newsroom, Purpose.RELEASE, page.rpartition("/")[2].partition("-")[0]),
        ]
    )


@dataclass(frozen=True, slots=True)
class About:
    """What a mail of the desk is about.

    Attributes:
        release: the number of the release.
        page: path of its page; None where nobody may see it.
        threaded: it stands in its reader's own thread, as an answer to the copy that they hold.
    """

    purpose: Purpose
    release: int
    page: str | None
    threaded: bool


def desk_fields(
    about: About,
    *,
    site: Site,
    newsroom: Newsroom,
    language: str,
    subject: str,
    made_at: datetime,
) -> bytes:
    """The header of what the desk sends beside the release itself: corrections, early copies and their like.

    Args:
        made_at: the Date of every copy.
    """
    page = about.page
    thread = b"In-Reply-To:%s\r\nReferences:%s\r\n" % (hole("thread"), hole("thread"))
    archived = headers.field("Archived-At", headers.uri(site.url(page))) if page else b""
    return b"".join(
        [
            _common(newsroom, language, subject, headers.date(made_at)),
            thread if about.threaded else b"",
            _list(newsroom, newsroom.key),
            _leaving(site),
            _help(newsroom),
            headers.field("List-Archive", headers.uri(site.url(f"/{newsroom.key}"))),
            archived,
            _automatic(newsroom, about.purpose, str(about.release)),
        ]
    )


def digest_fields(
    *,
    site: Site,
    newsroom: Newsroom,
    language: str,
    subject: str,
    merged: bool,
    made_at: datetime,
) -> bytes:
    """The header of a digest.

    Args:
        merged: it is of several newsrooms: a list of its own, which is left as a whole.
        made_at: the Date of every copy.
    """
    name = "digests" if merged else newsroom.key
    return b"".join(
        [
            _common(newsroom, language, subject, headers.date(made_at)),
            _list(newsroom, name),
            _leaving(site, "leave-all" if merged else "leave"),
            _help(newsroom),
            headers.field("List-Archive", headers.uri(site.url(f"/{newsroom.key}"))),
            _automatic(newsroom, Purpose.DIGEST, name),
        ]
    )


def notice_fields(
    *, site: Site, newsroom: Newsroom, purpose: Purpose, language: str, subject: str
) -> bytes:
    """The header of a notice; its Date is a slot."""
    fields = [_common(newsroom, language, subject, hole("date"))]
    if purpose in _LEAVABLE:
        fields.append(_leaving(site))
    if purpose not in _UNCONFIRMED:
        fields.append(headers.field("List-Archive", headers.uri(site.url(f"/{newsroom.key}"))))
    fields += [_help(newsroom), _automatic(newsroom, purpose, "notice")]
    return b"".join(fields)


def return_path(newsroom: Newsroom) -> str:
    """The address whose VERP forms are the envelope senders.

    Raises:
        MailerError: it leaves no room for a delivery's number and mark.
    """
    address = headers.checked_mailbox(newsroom.envelope_base)
    longest = _LOCAL_PART - _VERP_TAIL
    if len(address.rpartition("@")[0]) > longest:
        raise MailerError(
            f"The return path {address} is too long",
            f"give newsroom.{newsroom.key}.return_path at most {longest} characters before the @",
        )
    return address


def _common(newsroom: Newsroom, language: str, subject: str, date: bytes) -> bytes:
    if not _LANGUAGE.fullmatch(language):
        raise MailerError(f"“{language}” is not a language tag", "write it as in BCP 47: da, en-GB")
    message_id = b"<%s@%s>" % (hole("message_id"), newsroom.domain.encode())
    reply_to = headers.checked_mailbox(newsroom.reply_to or newsroom.sender)
    return b"".join(
        [
            headers.mailbox("From", _shown_name(newsroom), newsroom.sender),
            b"To:%s\r\n" % hole("to"),
            headers.field("Reply-To", reply_to),
            headers.unstructured("Subject", subject),
            headers.field("Date", date),
            headers.field("Message-ID", message_id),
            headers.field("Content-Language", language),
        ]
    )


def _list(newsroom: Newsroom, name: str) -> bytes:
    """RFC 2919: the list that a mail is of, and what it is called."""
    shown = headers.phrase(_shown_name(newsroom), len("List-Id: "))
    return headers.field("List-Id", *shown, f"<{name}.{newsroom.domain}>")


def _leaving(site: Site, door: str = "leave") -> bytes:
    """RFC 8058: one https address, not folded, and the sign that a POST to it is enough."""
    before = headers.uri(site.url(f"/{door}/")).removesuffix(">").encode()
    token = hole(f"{door.replace('-', '_')}_token")
    return b"".join(
        [
            headers.unfolded("List-Unsubscribe", before + token + b">"),
            headers.field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ]
    )


def _help(newsroom: Newsroom) -> bytes:
    desk = quote(newsroom.reply_to or newsroom.sender, safe="@!$'*+-._~")
    return headers.field("List-Help", headers.uri(f"mailto:{desk}"))


def _automatic(newsroom: Newsroom, purpose: Purpose, what: str) -> bytes:
    return b"".join(
        [
            headers.field("Auto-Submitted", "auto-generated"),
            headers.field("X-Auto-Response-Suppress", "DR, RN, NRN, OOF, AutoReply"),
            headers.field("Feedback-ID", f"{what}:{newsroom.key}:{purpose}:{SENDER_ID}"),
        ]
    )


def _shown_name(newsroom: Newsroom) -> str:
    return headers.display(newsroom.name, f"the name of newsroom.{newsroom.key}")

"""Makes a prepared message one reader's, by filling its slots and nothing else.

A prepared message is cut at its slots once; per reader each value is made once and put into all its
places. Where the sender's domain has a signer its fields go in front. Nothing depends on the clock or on
chance, so that a retry, another host or a later preview gives the same bytes: the leave token and
the message are signed as of the delivery's own moment.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape

from mailer.core.codes import grouped
from mailer.core.delivery import Due
from mailer.core.errors import MailerError
from mailer.core.token import LinkPurpose, Marks, Tokens
from mailer.mail.headers import FOLD, checked_mailbox, date
from mailer.mail.message import Message
from mailer.mail.prepare import Prepared
from mailer.mail.quoted import encode_value
from mailer.mail.segments import Segments
from mailer.mail.sign import Signer, Signing
from mailer.mail.slots import HOLE

MESSAGE_ID = "message-id"
"""The use that the mark in a Message-ID is made for."""

_REMEMBERED = 64  # plans kept: the messages that are in work at one time
_FROM = re.compile(rb"^From:(?:[^\r]|\r\n[ \t])*?@([A-Za-z0-9.-]+)>\r\n(?![ \t])", re.MULTILINE)
_MESSAGE_ID_DOMAIN = re.compile(rb"^Message-ID:\s*<\0message_id\0@([^>\s]+)>", re.MULTILINE)
_PLAIN = re.compile(r"[A-Za-z0-9._+@-]{1,75}")  # the same in text, HTML and quoted-printable


_Fill = Callable[[Due], bytes]
"""Makes one slot's value."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """A prepared message cut at its slots.

    Attributes:
        shared: what all readers share; where it is signed, with a first slot for the signatures.
        names, fills: of each slot but that, and how its value is made.
    """

    shared: Segments
    names: tuple[str, ...]
    fills: tuple[_Fill, ...]
    local: str
    domain: str
    signing: Signing | None


class Composer:
    """Fills slots, in any number of threads at once.

    Nothing of it changes but its memory of plans, which keeps itself whole (`lru_cache`). Two threads
    that meet a prepared message for the first time may both plan it: to the same end.

    Args:
        tokens: signs the links.
        marks: marks Message-IDs and return paths.
        signers: sign what is sent from a domain, by the domain of From in lower case.
    """

    def __init__(
        self, tokens: Tokens, marks: Marks, *, signers: Mapping[str, Signer] | None = None
    ) -> None:
        self._tokens = tokens
        self._marks = marks
        self._spell_leave = tokens.speller(LinkPurpose.LEAVE)  # every release has these three
        self._return_mark = marks.marker("return")
        self._id_mark = marks.marker(MESSAGE_ID)
        self._signers = signers or {}
        self._costly = any(signer.costly for signer in self._signers.values())
        self._plan = lru_cache(maxsize=_REMEMBERED)(self._planned)
        self._fill: dict[str, _Fill] = {
            "address_html": _address_html,
            "address_text": _address_text,
            "code": lambda due: self._code(due).encode(),
            "code_grouped": lambda due: encode_value(grouped(self._code(due))),
            "confirm_token": lambda due: self._request_token(LinkPurpose.CONFIRM, due),
            "date": lambda due: date(due.made_at),
            "leave_all_token": self._leave_all_token,
            "leave_token": self._leave_token,
            "manage_token": self._manage_token,
            "message_id": self._message_id,
            "not_me_token": lambda due: self._request_token(LinkPurpose.NOT_ME, due),
            "rejoin_token": self._rejoin_token,
            "thread": self._thread(b""),
            "to": _to,
        }

    def compose(self, prepared: Prepared, due: Due) -> Message:
        """The message for one delivery; equal arguments give equal bytes.

        Raises:
            MailerError: the mailbox cannot stand in a header, a confirm notice names no request,
                or the prepared message holds a slot that this version does not know.
        """
        mailbox = checked_mailbox(due.mailbox)
        plan = self._plan(prepared)
        values = [fill(due) for fill in plan.fills]
        sender = f"{plan.local}+{due.id}-{self._return_mark(due.id)}@{plan.domain}"
        if plan.signing is not None:
            named = dict(zip(plan.names, values, strict=True))
            values.append(plan.signing.fields(named, due.made_at))
        return Message(sender, mailbox, plan.shared, tuple(values))

    def costly(self, prepared: Prepared) -> bool:
        """Whether a message of it takes so long to make, ten times the others, that a thread should.

        So it is where RSA signs: the interpreter is free meanwhile for whoever waits on the network.
        """
        if not self._costly:
            return False
        signer = self._signer(prepared)
        return signer is not None and signer.costly

    def _signer(self, prepared: Prepared) -> Signer | None:
        return self._signers.get(_sender_domain(prepared.content))

    def _planned(self, prepared: Prepared) -> _Plan:
        pieces = HOLE.split(prepared.content)  # text, name, text, name, ... text
        texts, places = pieces[::2], [name.decode() for name in pieces[1::2]]
        names = tuple(dict.fromkeys(places))
        if unknown := set(names) - self._fill.keys():
            raise MailerError(
                f"A prepared message holds slots that are not known: {', '.join(sorted(unknown))}",
                "it was prepared by another version of the program; finish sending with that one",
            )
        fills = tuple(self._fill[name] for name in names)
        if "thread" in names:
            of = _message_id_domain(prepared.content)
            fills = tuple(
                self._thread(of) if name == "thread" else self._fill[name] for name in names
            )
        local, _, domain = prepared.return_path.rpartition("@")
        signer = self._signer(prepared)
        signing = signer.signing(prepared.content) if signer else None
        order = [names.index(name) for name in places]
        if signing is not None:
            texts, order = [b"", *texts], [len(names), *order]
        return _Plan(Segments(texts, order), names, fills, local, domain, signing)

    def _leave_token(self, due: Due) -> bytes:
        return self._spell_leave(due.subscription_id, due.made_at)

    def _leave_all_token(self, due: Due) -> bytes:
        return self._tokens.spell(LinkPurpose.LEAVE_ALL, due.subscription_id, due.made_at)

    def _request_token(self, purpose: LinkPurpose, due: Due) -> bytes:
        return self._tokens.spell(purpose, _request_of(due), due.made_at)

    def _code(self, due: Due) -> str:
        return self._tokens.codes.code(_request_of(due))

    def _rejoin_token(self, due: Due) -> bytes:
        if not due.cause_id:
            raise MailerError(
                f"Delivery {due.id} offers a way back and names no leaving",
                "settle it by hand and look for what made it",
            )
        return self._tokens.spell(LinkPurpose.REJOIN, due.cause_id, due.made_at)

    def _manage_token(self, due: Due) -> bytes:
        if not due.cause_id:
            raise MailerError(
                f"Delivery {due.id} is to carry a link to choices and names none",
                "settle it by hand and look for what made it",
            )
        return self._tokens.spell(LinkPurpose.MANAGE, due.cause_id, due.made_at)

    def _thread(self, domain: bytes) -> _Fill:
        """What the copy that a message answers may be called: by each key it may have been marked with."""

        def fill(due: Due) -> bytes:
            if due.answers is None:
                raise MailerError(
                    f"Delivery {due.id} is about a copy of its reader's and names none",
                    "settle it by hand and look for what made it",
                )
            marks = self._marks.marks(MESSAGE_ID, due.answers)
            names = [_message_number(due.answers, mark).encode() for mark in marks]
            return b"\r\n".join(b" <%s@%s>" % (name, domain) for name in names)

        return fill

    def _message_id(self, due: Due) -> bytes:
        return _message_number(due.id, self._id_mark(due.id)).encode()


def message_ids(content: bytes, marks: Marks, delivery_id: int) -> tuple[str, ...]:
    """What the Message-ID of a delivery may be, with the newest key's first: where keys were never
    changed it is the one.

    Args:
        content: of its prepared message, which has the domain.
    """
    domain = _message_id_domain(content)
    if not domain:
        return ()
    return tuple(
        f"<{_message_number(delivery_id, mark)}@{domain.decode()}>"
        for mark in marks.marks(MESSAGE_ID, delivery_id)
    )


def _message_id_domain(content: bytes) -> bytes:
    found = _MESSAGE_ID_DOMAIN.search(content)
    return found[1] if found else b""


def _message_number(delivery_id: int, mark: str) -> str:
    return f"{delivery_id}.{mark}"


def _request_of(due: Due) -> int:
    if not due.cause_id:
        raise MailerError(
            f"Delivery {due.id} asks for a confirmation and names no request",
            "settle it by hand and look for what made it",
        )
    return due.cause_id


def _sender_domain(content: bytes) -> str:
    """The domain that a reader sees in From, which its signature must be of."""
    found = _FROM.search(content)
    return found[1].decode().lower() if found else ""


def _to(due: Due) -> bytes:
    gap = " " if len("To: ") + len(due.mailbox) <= FOLD else "\r\n "
    return f"{gap}{due.mailbox}".encode()


def _address_text(due: Due) -> bytes:
    if _PLAIN.fullmatch(due.mailbox):
        return due.mailbox.encode()
    return encode_value(due.mailbox)


def _address_html(due: Due) -> bytes:
    if _PLAIN.fullmatch(due.mailbox):
        return due.mailbox.encode()
    return encode_value(escape(due.mailbox))

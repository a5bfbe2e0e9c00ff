"""Places in a prepared message that each reader's own values are put into, opaque to templates.

A template writes `{{ slots.leave_url }}` and gets a mark: the slot's name between two code points
that no text may hold (Unicode sets them apart for such inner use). Encoding turns the mark into
NUL + name + NUL, which cannot be in a message either (RFC 5322 section 2.2). A template must not ask
what a slot holds, since one prepared message serves every reader: asking raises an error.
"""

import re
from typing import NoReturn

from markupsafe import Markup, escape

from mailer.core.errors import MailerError
from mailer.core.newsroom import Site

OPEN, CLOSE, PAD = "\ufdd0", "\ufdd1", "\ufdd2"
MARK = re.compile(f"{OPEN}([a-z_]+){CLOSE}{PAD}*")
HOLE = re.compile(rb"\0([a-z_]+)\0")

_ADDRESS_WIDTH = 26  # of most addresses
_CODE_WIDTH = 7


def mark(name: str, width: int = 0) -> str:
    """How the slot `name` stands in rendered text, padded to what its value takes when lines are set."""
    return f"{OPEN}{name}{CLOSE}".ljust(width, PAD)


def hole(name: str) -> bytes:
    """How the slot `name` stands in a prepared message."""
    return b"\0%s\0" % name.encode()


def names_in(text: str) -> frozenset[str]:
    """The slots that stand in rendered text.

    Raises:
        MailerError: half a mark, or a bent one, stands in it.
    """
    if {OPEN, CLOSE, PAD, "\0"} & set(MARK.sub("", text)):
        raise MailerError(
            "A template cut a slot to pieces", "write slots as they are, without filters"
        )
    return frozenset(MARK.findall(text))


def blanked(text: str) -> str:
    """Rendered text for people and reports, with dots where each reader's own values stand."""
    return MARK.sub("······", text)


class Slot:
    """A value that is known only per reader; it can be written out and nothing else."""

    __slots__ = ("_before", "_mark", "_name")

    def __init__(self, name: str, before: str = "", width: int = 0) -> None:
        self._name = name
        self._before = before
        self._mark = mark(name, width)

    def __str__(self) -> str:
        return self._before + self._mark

    def __html__(self) -> Markup:
        return escape(self._before) + self._mark

    def _refuse(self, *_: object) -> NoReturn:
        raise MailerError(
            f"A template asks what the slot {self._name} holds",
            "write it out and nothing else: the message is prepared once for all readers",
        )

    __bool__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __len__ = __iter__ = __contains__ = __getitem__ = __hash__ = _refuse
    __add__ = __radd__ = __mod__ = __format__ = _refuse


class Slots:
    """What a template knows as `slots`.

    Args:
        site: where the links lead.
        address: the slot for the reader's address, which text and HTML encode differently.
    """

    def __init__(self, site: Site, address: str) -> None:
        self.address = Slot(address, width=_ADDRESS_WIDTH)
        self.leave_url = Slot("leave_token", site.url("/leave/"))
        self.leave_all_url = Slot("leave_all_token", site.url("/leave-all/"))
        self.confirm_url = Slot("confirm_token", site.url("/confirm/"))
        self.not_me_url = Slot("not_me_token", site.url("/not-me/"))
        self.code = Slot("code_grouped", width=_CODE_WIDTH)
        self.manage_url = Slot("manage_token", site.url("/manage/"))
        self.rejoin_url = Slot("rejoin_token", site.url("/rejoin/"))

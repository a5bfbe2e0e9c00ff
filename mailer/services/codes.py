"""The page that a sign-up is answered with takes the code from the mail: confirmed without any link.

The page's address holds a signed token that names the sign-up by a number of chance. Every sign-up gets
one, of the same length and with the same behaviour, also those of which nothing was kept: a wrong code
takes the same statements and gets the same answer, whoever's address it was.

    enter   counts the entry first (five on a page, ten for a request), then compares, then confirms. All
            in one transaction, so that a hundred entries at once are five.

What guessing is worth stands in `core.codes`.
"""

import secrets
from dataclasses import dataclass
from enum import StrEnum

from mailer.core.codes import MOST_ENTRIES, MOST_ENTRIES_OF_A_REQUEST, WINDOW, read_code
from mailer.core.consent import LinkState, Origin
from mailer.core.newsroom import Newsroom
from mailer.core.token import LinkPurpose
from mailer.services import confirmation
from mailer.services.office import Office
from mailer.store import entries
from mailer.store.database import Connection
from mailer.store.mailings import take_turn

# Numbers of thirteen digits in base 36, so that all tokens are of one length; both databases hold them.
_LEAST, _BEYOND = 36**12, 2**63


class Entry(StrEnum):
    """What came of a code, or what a page says before one is typed.

    `malformed`: not six digits; it counts for nothing. `used_up`: no further code is taken here.
    """

    OPEN = "open"
    RIGHT = "right"
    WRONG = "wrong"
    MALFORMED = "malformed"
    USED_UP = "used_up"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class CodePage:
    """How the page stands; `left` entries are still taken."""

    entry: Entry
    left: int = 0


def new_attempt() -> int:
    """The number of a sign-up's page, which nobody can guess."""
    return _LEAST + secrets.randbelow(_BEYOND - _LEAST)


def page_token(office: Office, attempt: int) -> str:
    """The token in the address of that page."""
    return office.keys.tokens.sign(LinkPurpose.CHECK_MAIL, attempt, office.clock())


def read_page(office: Office, *, token: str) -> CodePage:
    """Whether a page takes codes; changes nothing.

    Raises:
        TokenRefused: not a page of ours.
    """
    attempt = _attempt_named(office, token)
    if attempt is None:
        return CodePage(Entry.LATE)
    with office.database.read() as connection:
        left = MOST_ENTRIES - entries.entries(connection, attempt)
    return CodePage(Entry.OPEN if left > 0 else Entry.USED_UP, max(left, 0))


def enter(
    office: Office, *, newsroom: Newsroom, token: str, typed: str, origin: Origin
) -> CodePage:
    """Take a code that somebody typed; the right one confirms its request and nothing else.

    Raises:
        TokenRefused: not a page of ours.
    """
    attempt = _attempt_named(office, token)
    if attempt is None:
        return CodePage(Entry.LATE)
    code = read_code(typed)
    if code is None:
        standing = read_page(office, token=token)
        taken = standing.entry is Entry.OPEN
        return CodePage(Entry.MALFORMED, standing.left) if taken else standing
    with office.database.write(by_key=True) as connection:
        take_turn(connection, alone=False)
        now = office.clock()
        count = entries.count_entry(connection, attempt, most=MOST_ENTRIES, now=now)
        if count is None:
            return CodePage(Entry.USED_UP)
        right = _is_right(office, connection, attempt, newsroom, code, origin)
    if right:
        office.wake()
        return CodePage(Entry.RIGHT)
    left = MOST_ENTRIES - count
    return CodePage(Entry.WRONG if left else Entry.USED_UP, left)


def _is_right(
    office: Office,
    connection: Connection,
    attempt: int,
    newsroom: Newsroom,
    code: str,
    origin: Origin,
) -> bool:
    """Whether the code is that of the request behind the page, which it then confirms."""
    since = office.clock() - WINDOW
    request_id = entries.led_to(connection, attempt, newsroom=newsroom.key, since=since)
    counted = entries.count_for(connection, request_id, most=MOST_ENTRIES_OF_A_REQUEST)
    if not (office.keys.tokens.codes.is_right(request_id, code) and counted):
        return False
    view = confirmation.settle(office, connection, request_id, origin)
    return view.state is LinkState.CONFIRMED


def _attempt_named(office: Office, token: str) -> int | None:
    """The number in a page's token; None where its thirty minutes are over."""
    number, late = office.keys.tokens.named(LinkPurpose.CHECK_MAIL, token, office.clock())
    return None if late else number

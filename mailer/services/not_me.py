"""“It was not me”: the link in a confirmation mail by which its reader keeps all strangers out at once.

read      what the link would do. Changes nothing.
refuse    takes back what was asked, ends what is pending, and suppresses the address (reason `not_me`): no
          later sign-up in its name is answered by anything, at any newsroom. What happened is kept as
          evidence. Where the mailbox subscribes to another newsroom, on its reader's own word, that
          subscription goes on, and the silence holds for this newsroom alone.
undo      the same link takes it back, for whoever has the mail is the reader. An operator can, too
          (`mailer subscriber lift`). Nothing else does: who was kept out must not get in by asking again.

A subscription that is active is not touched: every mail from it has a link to leave, and the page leads
there.
"""

import logging
from dataclasses import dataclass
from enum import StrEnum

from mailer.core.address import Address
from mailer.core.consent import NOT_ME, Act, Origin, SubscriptionState
from mailer.core.token import LinkPurpose, keyed_hash
from mailer.services.office import Office
from mailer.services.people import CLI
from mailer.services.reasons import stated
from mailer.store import audit, consents, people
from mailer.store.consents import Entry
from mailer.store.database import Connection
from mailer.store.mailings import take_turn
from mailer.store.people import SubscriptionRow

log = logging.getLogger(__name__)

UNDONE = "not me, taken back"


class Standing(StrEnum):
    """How things stand: the link's button waits, was pressed, or has nothing to end any more."""

    OPEN = "open"
    DONE = "done"
    ACTIVE = "active"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class NotMeView:
    """What the page shows.

    Attributes:
        leave_token: ends the subscription that is active; empty where none is.
    """

    state: Standing
    newsroom_key: str = ""
    mailbox: str = ""
    language: str = ""
    leave_token: str = ""


def read(office: Office, *, token: str) -> NotMeView:
    """What the link would do; changes nothing.

    Raises:
        TokenRefused: not such a link of ours, or damaged.
    """
    request_id = _request_named(office, token)
    with office.database.read() as connection:
        return _view(office, connection, request_id)


def refuse(office: Office, *, token: str, origin: Origin) -> NotMeView:
    """Keep strangers from having us write to this mailbox; pressed again it changes nothing.

    It takes its turn alone: a sign-up or confirmation that has not seen it yet is waited for.

    Raises:
        TokenRefused: not such a link of ours, or damaged.
    """
    request_id = _request_named(office, token)
    with office.database.write() as connection:
        take_turn(connection, alone=True)
        if _view(office, connection, request_id).state is Standing.OPEN:
            asked = consents.read_request(connection, request_id)
            assert asked is not None  # or there would be nothing to end
            _refuse(office, connection, asked.subscription_id, origin)
            log.info("not me", extra={"request": request_id})
        return _view(office, connection, request_id)


def undo(office: Office, *, token: str, origin: Origin) -> NotMeView:
    """Let sign-ups be answered again; what was ended stays ended.

    Raises:
        TokenRefused: not such a link of ours, or damaged.
    """
    request_id = _request_named(office, token)
    with office.database.write() as connection:
        take_turn(connection, alone=True)
        view = _view(office, connection, request_id)
        if view.state is Standing.DONE:
            asked = consents.read_request(connection, request_id)
            assert asked is not None  # or nothing would have been done
            standing = people.read_subscription(connection, asked.subscription_id)
            assert standing is not None  # a request refers to it
            _lift(office, connection, standing.hash, origin, evidence=UNDONE)
        return _view(office, connection, request_id)


def lift_for(office: Office, *, address: Address, reason: str, who: str) -> bool:
    """As `undo`, by an operator whom the reader asked; whether there was anything to take back.

    Args:
        reason: in the operator's words; kept as evidence.
        who: the operator's account.

    Raises:
        NotAllowed: no reason.
    """
    reason = stated(reason, act="Letting an address in again")
    with office.database.write() as connection:
        take_turn(connection, alone=True)
        address_hash = keyed_hash(office.keys.suppression, address.lookup)
        lifted = _lift(office, connection, address_hash, CLI, evidence=f"{reason} ({who})")
        if lifted:
            for row in people.subscriptions_of(connection, address_hash):
                audit.note(
                    connection,
                    who=who,
                    act="subscriber lift",
                    subject=f"subscription:{row.id}",
                    detail={"newsroom": row.newsroom, "reason": reason},
                    now=office.clock(),
                )
    return lifted


def _lift(
    office: Office, connection: Connection, address_hash: str, origin: Origin, *, evidence: str
) -> bool:
    lifted = people.lift_suppression(connection, address_hash, reason=NOT_ME)
    now = office.clock()
    for row in people.subscriptions_of(connection, address_hash, lock=True):
        if _is_refused(row):
            people.end(connection, row.id, reason=Act.ENDED, now=row.ended_at or now)
            entry = Entry(row.id, Act.ENDED, row.mailbox, origin, evidence=evidence)
            consents.note(connection, entry, now)
            lifted = True
    return lifted


def _refuse(office: Office, connection: Connection, number: int, origin: Origin) -> None:
    now = office.clock()
    asked = people.read_subscription(connection, number, lock=True)
    assert asked is not None  # its request was just read
    rows = people.subscriptions_of(connection, asked.hash, lock=True)
    if any(row.state is SubscriptionState.ACTIVE for row in rows):
        rows = [asked]
    else:
        people.keep_suppression(connection, asked.hash, reason=NOT_ME, now=now)
    for row in rows:
        consents.take_back_requests(connection, row.id, now)
        if row.state is SubscriptionState.PENDING or row.id == number:
            people.end(connection, row.id, reason=NOT_ME, now=now)
            entry = Entry(row.id, Act.SUPPRESSED, row.mailbox, origin, evidence=NOT_ME)
            consents.note(connection, entry, now)


def _view(office: Office, connection: Connection, request_id: int) -> NotMeView:
    asked = consents.read_request(connection, request_id)
    row = people.read_subscription(connection, asked.subscription_id) if asked else None
    if asked is None or row is None:
        return NotMeView(Standing.GONE)
    state, leave = Standing.OPEN, ""
    if row.state is SubscriptionState.ACTIVE:
        state = Standing.ACTIVE
        leave = office.keys.tokens.sign(LinkPurpose.LEAVE, row.id, office.clock())
    elif _is_refused(row) or people.suppressed_reason(connection, row.hash) == NOT_ME:
        state = Standing.DONE
    return NotMeView(state, row.newsroom, row.mailbox, asked.language, leave)


def _is_refused(row: SubscriptionRow) -> bool:
    return row.state is SubscriptionState.ENDED and row.end_reason == NOT_ME


def _request_named(office: Office, token: str) -> int:
    return office.keys.tokens.read(LinkPurpose.NOT_ME, token, office.clock()).subject

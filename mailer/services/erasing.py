"""Erases a reader: what names them goes everywhere at once, what proves our conduct stays without them.

Every subscription ends; mailbox, addresses as typed, client addresses, browsers, operators' words and relays'
words go; consent entries keep their numbers, acts and moments, deliveries their outcomes, so that every proof
still adds up. A keyed hash stops imports of the address, until its reader signs up anew. An address that must
not be mailed stays known as such, by its hash alone.

It takes its turn alone: an import that has not seen the hash yet is waited for, and what it made goes too. A
message that a dispatcher holds at that moment may still arrive.
"""

from mailer.core.address import Address
from mailer.core.consent import Act, Origin, SubscriptionState
from mailer.core.errors import NotFound
from mailer.services import links
from mailer.services.office import Office
from mailer.store import audit, choices, consents, erasures, forgetting, people
from mailer.store.consents import Entry
from mailer.store.database import Connection
from mailer.store.mailings import take_turn

REASON = "erased"


def erase(office: Office, *, token: str, origin: Origin) -> None:
    """Erase the mailbox that a link opens; the link dies with it.

    Args:
        origin: only the form's name is kept.

    Raises:
        As `links.opened`.
    """
    with office.database.write() as connection:
        take_turn(connection, alone=True)
        link = links.opened(office, connection, token=token, lock=True)
        _erase(office, connection, link.subscriber_id, origin.form)


def erase_for(office: Office, *, address: Address, who: str) -> None:
    """Erase a mailbox whose reader asked an operator to.

    Args:
        who: the operator's account; the audit keeps that somebody was erased, not who.

    Raises:
        NotFound: nothing is known of it.
    """
    with office.database.write() as connection:
        take_turn(connection, alone=True)
        known = people.read_subscriber(connection, address.lookup)
        if known is None:
            raise NotFound(f"Nothing is kept about {address.mailbox}, or its hash alone")
        _erase(office, connection, known.id, "cli")
        audit.note(
            connection,
            who=who,
            act="subscriber erase",
            subject=f"subscriber:{known.id}",
            detail={},
            now=office.clock(),
        )


def _erase(office: Office, connection: Connection, subscriber_id: int, form: str) -> None:
    now = office.clock()
    for standing in choices.subscriptions_by(connection, subscriber_id, lock=True):
        consents.take_back_requests(connection, standing.id, now)
        if standing.state is SubscriptionState.ENDED:
            continue
        people.end(connection, standing.id, reason=REASON, now=now)
        ended = Entry(standing.id, Act.ENDED, "", Origin(form=form), evidence=None)
        consents.note(connection, ended, now)
    erasures.clear(connection, subscriber_id, now)
    forgetting.forget(connection, [subscriber_id], now)

"""Everything kept about one reader as one JSON document that they can read and take along.

It holds each row about them, with the sentences they were shown in full, and says of every key what it is
(GDPR articles 15 and 20). Moments are UTC, in ISO 8601.
"""

import json
from datetime import UTC, datetime
from typing import Any

from mailer.core.address import Address
from mailer.core.errors import NotFound
from mailer.services import links
from mailer.services.office import Office
from mailer.store import people
from mailer.store import takeout as kept
from mailer.store.database import Connection

EXPLAINED = {
    "made_at": "when this document was made; inside the parts below, when each was",
    "subscriber": "your mailbox: as you typed it, as we write to it, as we find it again, and its keyed"
    " hash, by which a ban on writing to you is kept; suppressed says whether there is one",
    "subscriptions": "what you subscribe to or did, one a newsroom: its state (pending, active, ended),"
    " your languages in order, and whether you want every one of them; your topics, kinds and places"
    " (null is all of them), how often (frequency, and for mails that come once a day or week the hour,"
    " the weekday from 0 for Monday, whether you want what is urgent at once, and whether several newsrooms"
    " may come as one mail), paused until when;"
    " generation and revision count its changes",
    "requests": "what was asked for your mailbox on our pages, and whether it was confirmed",
    "consent": "each step of your consent: act, moment, address as it was typed then, form, internet"
    " address and browser as far as they are still kept, the very words you were shown (wording,"
    " privacy), an operator's note (evidence), and your whole choice from then on",
    "links": "links to your choices that we mailed to you",
    "digests": "each release that was kept for a mail that comes once a day or week: whether it waits, and"
    " the number of the mail in which it went out",
    "mails": "every mail we owed you: its title, when it was made, what came of it (accepted is the most"
    " a relay ever tells us), the relay's last answer, each try that is on record, what came back",
}


def of_link(office: Office, *, token: str) -> bytes:
    """The document about the mailbox that a link opens; changes nothing. Raises as `links.opened`."""
    with office.database.read() as connection:
        link = links.opened(office, connection, token=token)
        found = _everything(connection, link.subscriber_id, office.clock())
    return as_json(found)


def of_address(office: Office, *, address: Address) -> dict[str, Any]:
    """The document about a mailbox, for an operator; its moments are aware times.

    Raises:
        NotFound: nothing is kept about it but perhaps its hash.
    """
    with office.database.read() as connection:
        known = people.read_subscriber(connection, address.lookup)
        if known is None:
            raise NotFound(f"Nothing is kept about {address.mailbox}, or its hash alone")
        return _everything(connection, known.id, office.clock())


def as_json(found: dict[str, Any]) -> bytes:
    """A document as it is handed out: UTF-8, indented for people."""
    return json.dumps(found, ensure_ascii=False, indent=2, default=_written).encode() + b"\n"


def _everything(connection: Connection, subscriber_id: int, now: datetime) -> dict[str, Any]:
    return {
        "explained": EXPLAINED,
        "made_at": now,
        "subscriber": kept.person(connection, subscriber_id),
        "subscriptions": kept.subscriptions(connection, subscriber_id),
        "requests": kept.requests(connection, subscriber_id),
        "consent": kept.entries(connection, subscriber_id),
        "links": kept.links(connection, subscriber_id),
        "digests": kept.digests(connection, subscriber_id),
        "mails": kept.mails(connection, subscriber_id),
    }


def _written(value: object) -> str:
    assert isinstance(value, datetime), value
    return value.astimezone(UTC).isoformat()

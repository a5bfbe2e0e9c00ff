"""What a hub says to us: a question whether we meant what it was asked for, and news that it signs.

Address and secret are derived from the keys, the source and its topic, so nothing secret is stored, and both
change with each of them. What is signed well is kept for the poller, which is due at once; all else is
ignored.
"""

import hmac
import logging
from hashlib import sha256

from mailer.core.errors import NotFound
from mailer.core.websub import Verification, genuine
from mailer.services.office import Office
from mailer.store import sources, wakeup
from mailer.store.sources import SourceRow

log = logging.getLogger(__name__)

MAX_PAYLOAD = 5 * 1024 * 1024


def verify(office: Office, key: str, token: str, said: Verification) -> bool:
    """Whether a hub may be told that we meant it; what it grants or refuses is written down.

    Raises:
        NotFound: not an address that we gave to a hub.
    """
    row = addressed(office, key, token)
    if row.topic != said.topic:
        return False
    now = office.clock()
    with office.database.write() as connection:
        if said.mode == "denied":
            values = {
                "hub_state": "denied",
                "hub_fault": said.reason or "it refused",
                "hub_until": None,
            }
            return sources.note_hub(connection, key, values, topic=said.topic)
        if said.mode == "unsubscribe" or said.lease is None:
            return False  # we let a promise lapse, and never ask for its end
        granted = {"hub_state": "active", "hub_until": now + said.lease, "hub_fault": None}
        return sources.note_hub(connection, key, granted, topic=said.topic)


def take(
    office: Office, key: str, token: str, payload: bytes, *, signature: str, media_type: str
) -> bool:
    """Keep what a hub sends, if it is signed; whether it was kept.

    Raises:
        NotFound: not an address that we gave to a hub.
    """
    row = addressed(office, key, token)
    topic = row.topic or ""
    if not genuine(signature, payload, secrets(office, key, topic)):
        log.warning("push without a good signature ignored", extra={"source": key})
        return False
    with office.database.write() as connection:
        kept = sources.take_push(
            connection,
            key,
            digest=sha256(payload).hexdigest(),
            media_type=media_type,
            payload=payload,
            now=office.clock(),
        )
        wakeup.notify(connection)
    office.wake()
    return kept


def callback(office: Office, key: str, topic: str) -> str:
    """Our address for what a hub has to say of a topic."""
    token = office.keys.tokens.derived("websub-address", f"{key} {topic}")[0]
    return office.site.url(f"/websub/{key}/{token}")


def secrets(office: Office, key: str, topic: str) -> tuple[str, ...]:
    """What a hub signs with, of each of our keys, the newest first."""
    return office.keys.tokens.derived("websub-secret", f"{key} {topic}")


def addressed(office: Office, key: str, token: str) -> SourceRow:
    """The source that an address of ours is for.

    Raises:
        NotFound: not an address that we gave to a hub.
    """
    source = office.sources.get(key)
    if source is not None and source.websub:
        with office.database.read() as connection:
            row = sources.read(connection, key)
        if row is not None and row.topic is not None and row.hub_state:
            tokens = office.keys.tokens.derived("websub-address", f"{key} {row.topic}")
            good = [hmac.compare_digest(one.encode(), token.encode()) for one in tokens]
            if any(good):
                return row
    raise NotFound("This is no address that we gave to a hub")

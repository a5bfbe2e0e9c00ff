"""Taking over from everybody who is lost, in one transaction."""

from collections.abc import Collection

from mailer.store import takeover
from mailer.store.database import Connection
from mailer.store.lease import Lease


def take_over_all(
    connection: Connection,
    lease: Lease,
    dead: Collection[str] = (),
    begun: Collection[int] | None = None,
) -> int:
    """How many deliveries were in doubt; `begun` as in `takeover.take_over`."""
    return sum(
        takeover.take_over(connection, lease, worker, dead=worker in dead, begun=begun)
        for worker in takeover.lost(connection, lease, dead)
    )

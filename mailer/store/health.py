"""How the relays are, as each machine's dispatchers find them: for those who ask, not those who send."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from mailer.store.columns import insert_ignoring
from mailer.store.ledger_tables import relay_health


@dataclass(frozen=True, slots=True)
class RelayHealth:
    """One relay as one machine finds it.

    Attributes:
        failing_since: None where it is well.
        fault: what is wrong with it, in words.
        at: when that was found.
    """

    relay: str
    host: str
    failing_since: datetime | None
    fault: str | None
    at: datetime


def note(connection: Connection, found: Sequence[RelayHealth]) -> None:
    """Write down how relays are; what was written of them before from the same machine is gone."""
    for one in sorted(found, key=lambda each: (each.relay, each.host)):
        place = {"relay": one.relay, "host": one.host}
        news = {"failing_since": one.failing_since, "fault": one.fault, "at": one.at}
        # Two dispatchers of one machine may be the first to write of a relay, in the same moment.
        connection.execute(insert_ignoring(connection, relay_health).values(**place, **news))
        connection.execute(
            update(relay_health)
            .where(relay_health.c.relay == one.relay, relay_health.c.host == one.host)
            .values(news)
        )


def relays(connection: Connection) -> list[RelayHealth]:
    """Every relay that was ever found failing, by name and machine."""
    rows = connection.execute(
        select(relay_health).order_by(relay_health.c.relay, relay_health.c.host)
    )
    return [RelayHealth(**row._mapping) for row in rows]

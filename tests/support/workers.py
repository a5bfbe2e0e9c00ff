"""Dispatchers reduced to their ledger's side: what they take, record, give back, and how they die."""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select
from support.desk import ACCEPTED, came_of, lease

from mailer.core.delivery import Due, Outcome
from mailer.services.office import Office
from mailer.store import ledger, outcomes, progress, takeover
from mailer.store.ledger_tables import chunk, delivery


def take(office: Office, want: int = 100, worker: str = "one") -> list[Due]:
    """Be handed up to so many deliveries."""
    with office.database.write() as connection:
        return ledger.take(connection, lease(office, worker), want)


def record(
    office: Office, dues: Sequence[Due], outcome: Outcome = ACCEPTED, *, worker: str = "one"
) -> None:
    """Record one outcome for all of them."""
    with office.database.write() as connection:
        told = [came_of(due, outcome, office) for due in dues]
        outcomes.record(connection, lease(office, worker), told)
        progress.tidy(connection, worker, office.clock())


def give_back(office: Office, worker: str = "one") -> None:
    """Give back all that was not begun."""
    with office.database.write() as connection:
        takeover.give_back(connection, lease(office, worker))
        progress.tidy(connection, worker, office.clock())


def die(office: Office, worker: str = "one") -> int:
    """Die without a trace, and be taken over at once; how many deliveries were in doubt."""
    with office.database.write() as connection:
        return takeover.take_over(connection, lease(office, "heir"), worker, dead=True, begun=None)


def cut_finely(office: Office, mailing_id: int, size: int = 1) -> None:
    """Cut a mailing that nobody has begun into chunks of so few deliveries."""
    with office.database.write() as connection:
        numbers = list(
            connection.scalars(
                select(delivery.c.id)
                .where(delivery.c.mailing_id == mailing_id)
                .order_by(delivery.c.id)
            )
        )
        connection.execute(delete(chunk).where(chunk.c.mailing_id == mailing_id))
        pieces = [numbers[start : start + size] for start in range(0, len(numbers), size)]
        connection.execute(
            insert(chunk),
            [
                {"mailing_id": mailing_id, "lo": few[0], "hi": few[-1], "mark": few[0] - 1}
                for few in pieces
            ],
        )

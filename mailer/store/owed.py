"""Finds all that was ever owed to a few subscriptions, and silences it: outcomes stay, words go."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, select, update

from mailer.store.ledger_tables import attempt, delivery, returned

_AT_ONCE = 500


def deliveries_of(connection: Connection, numbers: Sequence[int]) -> list[int]:
    """Every delivery to these subscriptions, releases and notices, oldest first."""
    query = select(delivery.c.id).where(delivery.c.subscription_id.in_(numbers))
    return list(connection.scalars(query.order_by(delivery.c.id)))


def silence(connection: Connection, deliveries: Sequence[int]) -> None:
    """Take the words of relays and of what came back from these deliveries; their outcomes stay."""
    for some in in_slices(deliveries):
        connection.execute(
            update(attempt)
            .where(attempt.c.delivery_id.in_(some), attempt.c.text != "")
            .values(text="")
        )
        connection.execute(
            update(delivery)
            .where(delivery.c.id.in_(some), delivery.c.reply.is_not(None))
            .values(reply=None)
        )
        connection.execute(
            update(returned)
            .where(returned.c.delivery_id.in_(some), returned.c.reply.is_not(None))
            .values(reply=None)
        )


def in_slices(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    """The numbers in runs that one statement can name."""
    for start in range(0, len(numbers), _AT_ONCE):
        yield numbers[start : start + _AT_ONCE]

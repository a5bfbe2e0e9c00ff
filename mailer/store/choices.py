"""Changes of what readers chose: one UPDATE decides, however many press at once."""

from sqlalchemy import Connection, update

from mailer.core.choice import Choice
from mailer.core.consent import SubscriptionState
from mailer.store.chosen import values_of
from mailer.store.people import SubscriptionRow, subscriptions
from mailer.store.tables import subscription


def subscriptions_by(
    connection: Connection, *subscribers: int, lock: bool = False
) -> list[SubscriptionRow]:
    """Every subscription of the mailboxes with these numbers, oldest first."""
    return subscriptions(connection, subscription.c.subscriber_id.in_(subscribers), lock=lock)


def choose(connection: Connection, standing: SubscriptionRow, choice: Choice) -> bool:
    """Change an active subscription's choice if it is as `standing` says; whether this very call did it."""
    done = connection.execute(
        update(subscription)
        .where(
            subscription.c.id == standing.id,
            subscription.c.state == SubscriptionState.ACTIVE,
            subscription.c.revision == standing.revision,
            subscription.c.generation == standing.generation,
        )
        .values(**values_of(choice))
    )
    return done.rowcount == 1


def settle(connection: Connection, subscription_id: int, choice: Choice) -> None:
    """Write a choice that the caller, who holds the row, has decided on."""
    connection.execute(
        update(subscription).where(subscription.c.id == subscription_id).values(**values_of(choice))
    )

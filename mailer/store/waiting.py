"""Sign-ups that wait for their readers: how often they were mailed, and when upkeep looks at them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    String,
    and_,
    bindparam,
    cast,
    exists,
    func,
    literal,
    select,
    update,
)

from mailer.core.consent import Act, RequestState, SubscriptionState
from mailer.core.delivery import DeliveryState, Purpose
from mailer.store.columns import BigKey
from mailer.store.consents import settled_by
from mailer.store.ledger_tables import delivery
from mailer.store.tables import consent, lapsed, request, subscriber, subscription


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A request that upkeep is to look at, and its subscription.

    Attributes:
        hash: the keyed hash of its address.
        renewed: its reader asked for it on the page of a link that had expired.
    """

    id: int
    subscription_id: int
    newsroom: str
    hash: str
    state: RequestState
    standing: SubscriptionState
    language: str
    made_at: datetime
    renewed: bool


def mails(connection: Connection, subscription_id: int) -> int:
    """Confirmation mails owed to a subscription since its reader last answered, reminders included.

    Its reader answers by confirming, by leaving, and by asking for a fresh mail where a link expired.
    """
    return int(connection.scalar(_MAILS, {"of": subscription_id}) or 0)


def mails_to(of: ColumnElement[int]) -> ScalarSelect[int]:
    """The same as an expression, of the subscription that `of` names."""
    renewal = (
        select(func.coalesce(func.max(request.c.id), 0))
        .where(request.c.subscription_id == of, request.c.renews.is_not(None))
        .correlate_except(request)
        .scalar_subquery()
    )
    return (
        select(func.count(delivery.c.id))
        .join_from(
            consent,
            delivery,
            and_(
                delivery.c.mailing_id.is_(None),
                delivery.c.purpose.in_([Purpose.CONFIRM, Purpose.REMINDER]),
                delivery.c.cause == literal("request:") + cast(consent.c.request_id, String),
            ),
        )
        .where(
            consent.c.subscription_id == of,
            consent.c.act == Act.ASKED,
            consent.c.id > settled_by(of),
            consent.c.request_id >= renewal,
        )
        .correlate_except(consent, delivery)
        .scalar_subquery()
    )


_MAILS = select(mails_to(bindparam("of", type_=BigKey)))


def is_renewed(connection: Connection, request_id: int) -> bool:
    """Whether the page of an expired request was used to ask for a fresh mail."""
    return bool(connection.scalar(select(exists().where(request.c.renews == request_id))))


def any_to_tend(connection: Connection, now: datetime) -> bool:
    """Whether upkeep is to look at a request or a hash, by a look that takes no lock."""
    due = exists().where(request.c.tend_at <= now)
    over = exists().where(lapsed.c.until <= now)
    return bool(connection.scalar(select(due | over)))


def to_tend(connection: Connection, now: datetime, *, limit: int) -> list[WaitingRow]:
    """The requests whose moment has come, longest waiting first."""
    query = (
        select(
            request.c.id,
            request.c.subscription_id,
            subscription.c.newsroom,
            subscriber.c.hash,
            request.c.state,
            subscription.c.state.label("standing"),
            request.c.language,
            request.c.made_at,
            request.c.renews,
        )
        .join_from(request, subscription)
        .join(subscriber)
        .where(request.c.tend_at <= now)
        .order_by(request.c.tend_at, request.c.id)
        .limit(limit)
    )
    return [
        WaitingRow(
            id=row.id,
            subscription_id=row.subscription_id,
            newsroom=row.newsroom,
            hash=row.hash,
            state=RequestState(row.state),
            standing=SubscriptionState(row.standing),
            language=row.language,
            made_at=row.made_at,
            renewed=row.renews is not None,
        )
        for row in connection.execute(query)
    ]


def look_again(connection: Connection, requests: Iterable[int], at: datetime | None) -> None:
    """Set when upkeep looks at these requests next; None for never."""
    connection.execute(update(request).where(request.c.id.in_(list(requests))).values(tend_at=at))


def is_open(connection: Connection, request_id: int, now: datetime) -> bool:
    """Whether a request waits for its reader, and its link still works."""
    query = select(request.c.id).where(
        request.c.id == request_id, request.c.state == "open", request.c.expires_at > now
    )
    return connection.scalar(query) is not None


def first_mail(connection: Connection, request_id: int) -> DeliveryState | None:
    """What became of the mail that asked to confirm a request; None where there is none."""
    found = connection.scalar(
        select(delivery.c.state).where(
            delivery.c.mailing_id.is_(None),
            delivery.c.purpose == Purpose.CONFIRM,
            delivery.c.cause == f"request:{request_id}",
        )
    )
    return None if found is None else DeliveryState(found)


def has_lapsed(connection: Connection, address_hash: str, now: datetime) -> bool:
    """Whether an earlier sign-up of the address with that hash was never confirmed, and forgotten."""
    return connection.scalar(_LAPSED, {"of": address_hash, "at": now}) is not None


_LAPSED = select(lapsed.c.hash).where(
    lapsed.c.hash == bindparam("of"), lapsed.c.until > bindparam("at")
)

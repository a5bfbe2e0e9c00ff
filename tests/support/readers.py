"""A reader's side of an office: signing up, pressing links, and what the database then says of them."""

from dataclasses import replace

from sqlalchemy import func, select
from support.offices import UM

from mailer.core.address import parse_address
from mailer.core.consent import Origin, Reply
from mailer.core.newsroom import Newsroom
from mailer.core.token import LinkPurpose
from mailer.services import confirmation, signup
from mailer.services.office import Office
from mailer.store import departures
from mailer.store.ledger_tables import delivery, prepared
from mailer.store.tables import consent, request, subscriber, subscription

PAGE = Origin(form="subscribe", ip="192.0.2.7", user_agent="Mozilla/5.0")
WORDING = "Ja tak, send mig pressemeddelelser."


def sign_up(
    office: Office, address: str, *, newsroom: Newsroom = UM, language: str = "da"
) -> Reply:
    """Sign up at the page; what it was answered with."""
    return signup.ask(
        office,
        newsroom=newsroom,
        address=parse_address(address),
        language=language,
        wording=WORDING,
        origin=PAGE,
    )


def confirm_token(office: Office, request_id: int | None = None) -> str:
    """The token in the confirmation mail of that request, or of the newest."""
    if request_id is None:
        with office.database.read() as connection:
            request_id = connection.scalar(select(func.max(request.c.id)))
    assert request_id is not None
    return office.keys.tokens.sign(LinkPurpose.CONFIRM, request_id, office.clock())


def leave_token(office: Office, subscription_id: int = 1) -> str:
    """The token in the leave link of that subscription."""
    return office.keys.tokens.sign(LinkPurpose.LEAVE, subscription_id, office.clock())


def quiet(office: Office) -> Office:
    """The office as it is when no newsroom sends a last mail to who leaves."""
    rooms = {key: replace(room, farewell=False) for key, room in office.newsrooms.items()}
    return replace(office, newsrooms=rooms)


def last_departure(office: Office, subscription_id: int = 1) -> int:
    """The number of the last entry that says the reader left; 0 where another has come since."""
    with office.database.read() as connection:
        found = departures.last_departures(connection, [subscription_id]).get(subscription_id)
    return 0 if found is None else found.id


def rejoin_token(office: Office, subscription_id: int = 1) -> str:
    """The token in the last mail to who has just left that subscription."""
    entry = last_departure(office, subscription_id)
    return office.keys.tokens.sign(LinkPurpose.REJOIN, entry, office.clock())


def make_active(office: Office, address: str, *, newsroom: Newsroom = UM) -> None:
    """Sign up and confirm."""
    sign_up(office, address, newsroom=newsroom)
    confirmation.confirm(office, token=confirm_token(office), origin=PAGE)


def notices(office: Office) -> list[tuple[str, str, str, str]]:
    """Every notice owed: purpose, cause, mailbox, language, in the order they were owed."""
    with office.database.read() as connection:
        rows = connection.execute(
            select(delivery.c.purpose, delivery.c.cause, subscriber.c.mailbox, prepared.c.language)
            .join_from(delivery, subscription)
            .join(subscriber)
            .join(prepared, prepared.c.id == delivery.c.prepared_id)
            .order_by(delivery.c.id)
        ).all()
    return [(row.purpose, row.cause, row.mailbox, row.language) for row in rows]


def acts(office: Office, address: str, *, newsroom: Newsroom = UM) -> list[str]:
    """What consent entries say of that mailbox at that newsroom, oldest first."""
    with office.database.read() as connection:
        rows = connection.execute(
            select(consent.c.act)
            .join_from(consent, subscription)
            .join(subscriber)
            .where(
                subscriber.c.lookup == parse_address(address).lookup,
                subscription.c.newsroom == newsroom.key,
            )
            .order_by(consent.c.id)
        ).all()
    return [row.act for row in rows]


def requests(office: Office) -> list[str]:
    """The state of every request, oldest first."""
    with office.database.read() as connection:
        return list(connection.scalars(select(request.c.state).order_by(request.c.id)))

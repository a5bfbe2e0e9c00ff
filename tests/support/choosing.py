"""A reader who asks for a link to their choices, and uses it."""

from sqlalchemy import func, insert, select
from support.offices import START, UM

from mailer.core.address import parse_address
from mailer.core.choice import Choice, to_plain
from mailer.core.consent import Origin
from mailer.core.newsroom import Newsroom
from mailer.core.token import LinkPurpose
from mailer.services import links
from mailer.services.office import Office
from mailer.store import choices
from mailer.store.database import Connection
from mailer.store.tables import consent, manage_link

ASKED = Origin(form="web:/um/manage", ip="192.0.2.7", user_agent="Mozilla/5.0")
PAGE = Origin(form="web:/manage", ip="192.0.2.7", user_agent="Mozilla/5.0")


def ask_link(
    office: Office, address: str, *, newsroom: Newsroom = UM, language: str = "da"
) -> None:
    """Ask for a link at the page of a newsroom."""
    links.ask(
        office,
        newsroom=newsroom,
        address=parse_address(address),
        language=language,
        origin=ASKED,
    )


def manage_token(office: Office, link_id: int | None = None) -> str:
    """The token in the mail with that link, or with the newest."""
    if link_id is None:
        with office.database.read() as connection:
            link_id = connection.scalar(select(func.max(manage_link.c.id)))
    assert link_id is not None, "no link was mailed"
    return office.keys.tokens.sign(LinkPurpose.MANAGE, link_id, office.clock())


def open_link(office: Office, address: str, *, newsroom: Newsroom = UM) -> str:
    """Ask for a link; its token."""
    ask_link(office, address, newsroom=newsroom)
    return manage_token(office)


def choose_by_number(connection: Connection, number: int, choice: Choice) -> None:
    """What a subscription chose, on record and as it stands."""
    choices.settle(connection, number, choice)
    connection.execute(
        insert(consent).values(
            subscription_id=number,
            act="chosen",
            at=START,
            address="",
            form="test",
            choice=to_plain(choice),
        )
    )

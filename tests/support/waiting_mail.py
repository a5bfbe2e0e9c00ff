"""Sign-ups as their page sees them, and what a dispatcher does meanwhile, by hand."""

from collections.abc import Sequence

from sqlalchemy import select, update
from support.offices import UM
from support.readers import PAGE, WORDING

from mailer.core.address import parse_address
from mailer.core.newsroom import Newsroom
from mailer.core.token import LinkPurpose
from mailer.services import codes, signup
from mailer.services.codes import CodePage
from mailer.services.office import Office
from mailer.store.ledger_tables import delivery
from mailer.store.tables import request


def page_of(office: Office, address: str, *, newsroom: Newsroom = UM, language: str = "da") -> str:
    """Sign up at the page; the token of the page that takes the code."""
    return signup.subscribe(
        office,
        newsroom=newsroom,
        address=parse_address(address),
        language=language,
        wording=WORDING,
        origin=PAGE,
    )


def type_code(office: Office, page: str, typed: str, *, newsroom: Newsroom = UM) -> CodePage:
    """Type a code on a page."""
    return codes.enter(office, newsroom=newsroom, token=page, typed=typed, origin=PAGE)


def newest_request(office: Office) -> int:
    """The number of the newest request."""
    with office.database.read() as connection:
        found = connection.scalar(select(request.c.id).order_by(request.c.id.desc()))
    assert found is not None
    return int(found)


def right_code(office: Office, request_id: int | None = None) -> str:
    """The code in the mail of that request, or of the newest."""
    return office.keys.tokens.codes.code(request_id or newest_request(office))


def wrong_code(office: Office, *requests: int) -> str:
    """A code that is none of those of these requests."""
    right = {right_code(office, number) for number in requests}
    return next(f"{number:06}" for number in range(10) if f"{number:06}" not in right)


def not_me_token(office: Office, request_id: int | None = None) -> str:
    """The token in the mail of that request, or of the newest, that says it was not me."""
    subject = request_id or newest_request(office)
    return office.keys.tokens.sign(LinkPurpose.NOT_ME, subject, office.clock())


def all_accepted(office: Office, purposes: Sequence[str] = ("confirm", "reminder")) -> None:
    """Every such notice that was due has been accepted by a relay."""
    with office.database.write() as connection:
        connection.execute(
            update(delivery)
            .where(delivery.c.state == "due", delivery.c.purpose.in_(purposes))
            .values(state="accepted", due_at=None, settled_at=office.clock())
        )

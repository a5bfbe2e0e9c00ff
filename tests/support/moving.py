"""Changes of address for tests: asked for by the old mailbox's link, confirmed by the new one's reader."""

from sqlalchemy import select
from support.choosing import PAGE, open_link

from mailer.core.address import parse_address
from mailer.services import moving
from mailer.services.moving import MoveView, Wish
from mailer.services.office import Office
from mailer.store.tables import request

WORDS = "Send it all to the new address."


def ask(office: Office, token: str, address: str) -> None:
    """Ask to have everything sent to another address."""
    moving.ask(office, token=token, wish=Wish(parse_address(address), WORDS, PAGE))


def move_number(office: Office) -> int:
    """The newest request to move."""
    with office.database.read() as connection:
        found = connection.scalars(
            select(request.c.id).where(request.c.kind == "move").order_by(request.c.id.desc())
        ).first()
    assert found is not None
    return int(found)


def confirm(office: Office) -> MoveView:
    """Confirm the newest of them."""
    view = moving.confirm(office, request_id=move_number(office), origin=PAGE)
    assert view is not None
    return view


def move(office: Office, old: str, new: str) -> MoveView:
    """Move a mailbox to another."""
    ask(office, open_link(office, old), new)
    return confirm(office)

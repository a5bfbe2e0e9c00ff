"""Says who may read what is under embargo: on whose word, for which outlet, until when."""

from dataclasses import dataclass
from datetime import datetime

from mailer.core.address import Address
from mailer.core.errors import NotAllowed, NotFound
from mailer.core.newsroom import Newsroom
from mailer.core.token import keyed_hash
from mailer.services.office import Office
from mailer.store import accredited, audit, mailings, people
from mailer.store.accredited import Accredited
from mailer.store.database import Connection

TIER = "press"


@dataclass(frozen=True, slots=True)
class Grant:
    """What accredits a reader.

    Attributes:
        outlet: whom they write for.
        until: aware; from then on they get what everybody gets.
    """

    outlet: str
    until: datetime
    tier: str = TIER


def accredit(
    office: Office, address: Address, *, newsroom: Newsroom, grant: Grant, who: str
) -> Accredited:
    """Let an active reader have early copies, in place of what was granted before.

    Raises:
        NotFound: nobody subscribes there with that address.
        NotAllowed: the subscription is not active, no outlet is named, or its end has passed.
    """
    now = office.clock()
    if not grant.outlet.strip():
        raise NotAllowed("An accreditation names an outlet", "say for whom they write: --outlet")
    if grant.until <= now:
        raise NotAllowed("An accreditation ends in the future", "choose a later --until")
    with office.database.write() as connection:
        mailings.take_turn(connection, alone=False)
        number = _subscription(office, connection, address, newsroom)
        accredited.accredit(
            connection,
            number,
            tier=grant.tier,
            outlet=grant.outlet.strip(),
            approved_by=who,
            until=grant.until,
            now=now,
        )
        _note(office, connection, who, "accredit", number, {"until": grant.until.isoformat()})
        found = accredited.of_subscription(connection, number)
    assert found is not None
    return found


def revoke(office: Office, address: Address, *, newsroom: Newsroom, who: str) -> Accredited:
    """Take an accreditation back: nothing more is sent early, not even what waits here.

    Raises:
        NotFound: nobody subscribes there with that address, or they are not accredited.
    """
    with office.database.write() as connection:
        mailings.take_turn(connection, alone=False)
        number = _subscription(office, connection, address, newsroom, active=False)
        found = accredited.of_subscription(connection, number)
        if found is None or not accredited.revoke(connection, number, office.clock()):
            raise NotFound(
                f"{address.typed} is not accredited at {newsroom.key}",
                "mailer subscriber accredited lists who is",
            )
        _note(office, connection, who, "revoke accreditation", number, {})
    return found


def listed(office: Office, newsroom: str | None = None, *, over: bool = False) -> list[Accredited]:
    """Who is accredited.

    Args:
        over: those too whose accreditation was taken back or replaced.

    Raises:
        NotFound: no such newsroom.
    """
    if newsroom is not None:
        office.newsroom(newsroom)
    with office.database.read() as connection:
        return accredited.listed(connection, newsroom, over=over)


def _subscription(
    office: Office,
    connection: Connection,
    address: Address,
    newsroom: Newsroom,
    *,
    active: bool = True,
) -> int:
    known = people.subscriptions_of(connection, keyed_hash(office.keys.suppression, address.lookup))
    found = next((one for one in known if one.newsroom == newsroom.key), None)
    if found is None:
        raise NotFound(
            f"{address.typed} does not subscribe to {newsroom.key}",
            "only who has confirmed a subscription can be accredited",
        )
    if active and found.state != "active":
        raise NotAllowed(
            f"The subscription of {address.typed} to {newsroom.key} is {found.state}",
            "only who has confirmed a subscription can be accredited",
        )
    return found.id


def _note(
    office: Office,
    connection: Connection,
    who: str,
    act: str,
    number: int,
    detail: dict[str, object],
) -> None:
    audit.note(
        connection,
        who=who,
        act=act,
        subject=f"subscription:{number}",
        detail=detail,
        now=office.clock(),
    )

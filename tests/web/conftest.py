"""A site over a real office on SQLite, visited in process, and what its tests look at."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser
from sqlalchemy import select
from starlette.testclient import TestClient
from support.browsing import chromium
from support.offices import Clock, make_office
from support.visitors import Visitor

from mailer.core.release import Block, Contact, Edition, ReleaseDocument, Run
from mailer.core.token import LinkPurpose
from mailer.services import press
from mailer.services.office import Office
from mailer.services.publish import publish_due
from mailer.store.database import Database
from mailer.store.ledger_tables import metadata
from mailer.store.tables import request, subscription

Rows = dict[str, list[tuple[Any, ...]]]
Publish = Callable[..., int]
Visit = Callable[[Office], TestClient]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for longer: while it is open this thread has a running event loop."""
    with chromium() as found:
        yield found


@pytest.fixture
def office(sqlite_database: Database, clock: Clock) -> Office:
    """The pages speak to services alone, so that one kind of database is enough here."""
    return make_office(sqlite_database, clock)


@pytest.fixture
def visit() -> Visit:
    """A visitor of an office's site, who fills in our own form and follows no redirect by himself."""
    return Visitor


@pytest.fixture
def site(office: Office, visit: Visit) -> TestClient:
    """A visitor of the site."""
    return visit(office)


@pytest.fixture
def rows(office: Office) -> Callable[[], Rows]:
    """Everything that the database holds."""

    def read() -> Rows:
        with office.database.read() as connection:
            return {
                table.name: [
                    tuple(row) for row in connection.execute(select(table).order_by(*table.c))
                ]
                for table in metadata.sorted_tables
            }

    return read


@pytest.fixture
def publish(office: Office) -> Publish:
    """Publish a release of the ministry's newsroom; gives its number."""

    def make(title: str = "Aftale om Østersøen", /, **changes: Any) -> int:
        send = changes.pop("send", True)
        newsroom = changes.pop("newsroom", "um")
        edition = {
            "language": "da",
            "lead": "Ministeren har i dag indgået en aftale.",
            "body": (Block("paragraph", (Run("Aftalen gælder fra i dag."),)),),
            "contacts": (Contact("Pressevagten: presse@um.example", email="presse@um.example"),),
            **changes,
        }
        document = ReleaseDocument(Edition(title=title, **edition), kind="Nyhed")
        number = press.add_document(office, document, newsroom=newsroom, who="test").id
        if send:
            press.send(office, number, who="test")
            publish_due(office)
        return number

    return make


@pytest.fixture
def confirm_link(office: Office, site: TestClient) -> Callable[[str], str]:
    """The path that a sign-up's mail would hold, after signing up."""

    def make(address: str = "reader@example.org") -> str:
        assert site.post("/um/subscribe", data={"email": address}).status_code == 303
        with office.database.read() as connection:
            number = connection.scalar(select(request.c.id).order_by(request.c.id.desc()))
        assert number is not None
        token = office.keys.tokens.sign(LinkPurpose.CONFIRM, number, office.clock())
        return f"/confirm/{token}"

    return make


@pytest.fixture
def leave_link(
    office: Office, site: TestClient, confirm_link: Callable[[str], str]
) -> Callable[[str], str]:
    """The path at the foot of a subscriber's mails, after signing up and confirming."""

    def make(address: str = "reader@example.org") -> str:
        assert site.post(confirm_link(address)).status_code == 303
        with office.database.read() as connection:
            number = connection.scalar(select(subscription.c.id).order_by(subscription.c.id.desc()))
        assert number is not None
        token = office.keys.tokens.sign(LinkPurpose.LEAVE, number, office.clock())
        return f"/leave/{token}"

    return make

"""Every page that a visitor can meet, and how it is reached.

`PAGES` is what the browser and the validator look at, in every language. A new page belongs here: a name,
and what leads to it on a full day (`support.full_day`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from sqlalchemy import select, update
from support.choosing import open_link
from support.full_day import TIDES, full_office
from support.offices import Clock
from support.visitors import Visitor

from mailer.core.address import parse_address
from mailer.core.newsroom import Site
from mailer.core.token import LinkPurpose
from mailer.services import imports, people
from mailer.services.office import Office
from mailer.sources.address_list import Listed
from mailer.store.database import Database
from mailer.store.tables import consent, manage_link, request

_numbers = count()


@dataclass(frozen=True, slots=True)
class Furnished:
    """An office on a full day.

    Attributes:
        visitor: who signs up, confirms and presses, so that there is a page to look at.
        releases: numbers by what is special about them.
    """

    office: Office
    visitor: Visitor
    releases: dict[str, int]
    places: dict[str, str] = field(default_factory=dict)

    def place(self, sample: "PageSample") -> str:
        """The path of a page; found once, for looking at it changes nothing, but pressing does."""
        if sample.typed is not None:
            return sample.place(self)
        if sample.name not in self.places:
            self.places[sample.name] = sample.place(self)
        return self.places[sample.name]

    def link(self, purpose: LinkPurpose, subject: int, *, hours: int = 0) -> str:
        """A link of that purpose, signed so many hours ago."""
        at = self.office.clock() - timedelta(hours=hours)
        return f"/{purpose}/{self.office.keys.tokens.sign(purpose, subject, at)}"

    def last(self, table: Any) -> int:
        """The newest row's number."""
        with self.office.database.read() as connection:
            return int(connection.scalar(select(table.c.id).order_by(table.c.id.desc())) or 0)


Place = Callable[[Furnished], str]


@dataclass(frozen=True, slots=True)
class PageSample:
    """How a page is reached.

    Attributes:
        place: does what must have been done, and gives the path.
        status: of the page.
        typed: what is typed into the first form of the page before its button is pressed, which leads
            to the page that is meant; None presses nothing.
    """

    name: str
    place: Place
    status: int = 200
    typed: dict[str, str] | None = None


def _at(path: str) -> Place:
    return lambda _: path


def _release(name: str) -> Place:
    return lambda full: f"/tides/releases/{full.releases[name]}"


def _asked(full: Furnished) -> str:
    """Somebody new signs up; the page that tells them what to do."""
    data = {"email": f"reader{next(_numbers)}@example.org"}
    answer = full.visitor.post("/tides/subscribe", data=data)
    return str(answer.headers["location"]).partition("?")[0]


def _confirm(full: Furnished, *, purpose: LinkPurpose = LinkPurpose.CONFIRM) -> str:
    _asked(full)
    return full.link(purpose, full.last(request))


def _too_late(full: Furnished) -> None:
    """Let the time of the newest request be over."""
    number = full.last(request)
    with full.office.database.write() as connection:
        connection.execute(
            update(request)
            .where(request.c.id == number)
            .values(expires_at=full.office.clock() - timedelta(hours=1))
        )


def _expired(full: Furnished) -> str:
    path = _confirm(full)
    _too_late(full)
    return path


def _not_me(full: Furnished) -> str:
    return _confirm(full, purpose=LinkPurpose.NOT_ME)


def _refused(full: Furnished) -> str:
    """It was not them, and they said so."""
    path = _not_me(full)
    full.visitor.post(path)
    return path


def _reader(full: Furnished) -> str:
    """Somebody who subscribes."""
    address = f"reader{next(_numbers)}@example.org"
    listed = [Listed(1, address)]
    for _ in imports.import_people(full.office, newsroom=TIDES, people=listed, evidence="sheets"):
        pass
    return address


def _leave(full: Furnished) -> str:
    address = parse_address(_reader(full))
    subscribed = people.show(full.office, address=address).subscriptions
    return full.link(LinkPurpose.LEAVE, subscribed[0].id)


def _left(full: Furnished) -> str:
    path = _leave(full)
    full.visitor.post(path)
    return path


def _rejoin(full: Furnished, *, days: int = 0) -> str:
    _left(full)
    return full.link(LinkPurpose.REJOIN, full.last(consent), hours=24 * days)


def _manage(full: Furnished, below: str = "") -> str:
    return f"/manage/{open_link(full.office, _reader(full), newsroom=TIDES)}{below}"


def _manage_over(full: Furnished) -> str:
    _manage(full)
    return full.link(LinkPurpose.MANAGE, full.last(manage_link), hours=25)


def _move(full: Furnished) -> str:
    """The link that a new address gets."""
    data = {"email": f"moved{next(_numbers)}@example.org"}
    full.visitor.post(_manage(full, "/move"), data=data)
    return full.link(LinkPurpose.CONFIRM, full.last(request))


def _move_over(full: Furnished) -> str:
    path = _move(full)
    _too_late(full)
    return path


PAGES = (
    PageSample("newsrooms", _at("/")),
    PageSample("newsroom", _at("/tides")),
    PageSample("newsroom-second", _at("/tides?page=2")),
    PageSample("newsroom-kind", _at("/tides?kind=News")),
    PageSample("newsroom-empty", _at("/locks")),
    PageSample("newsroom-problem", _at("/tides"), 422, {"email": "reader@example"}),
    PageSample("release", _release("whole")),
    PageSample("release-arabic", _release("arabic")),
    PageSample("withdrawn", _release("withdrawn"), 410),
    PageSample("privacy", _at("/locks/privacy")),
    PageSample("embed", _at("/tides/embed")),
    PageSample("check-mail", _asked),
    PageSample("check-mail-late", _at("/tides/check-mail")),
    PageSample("check-mail-wrong", _asked, 422, {"code": "000000"}),
    PageSample("confirm", _confirm),
    PageSample("confirmed", _at("/tides/confirmed")),
    PageSample("expired", _expired, 410),
    PageSample("not-me", _not_me),
    PageSample("not-me-refused", _refused),
    PageSample("leave", _leave),
    PageSample("left", _left),
    PageSample("leave-all", lambda full: full.link(LinkPurpose.LEAVE_ALL, 1)),
    PageSample("left-gone", lambda full: full.link(LinkPurpose.LEAVE, 4711)),
    PageSample("rejoin", _rejoin),
    PageSample("rejoin-expired", lambda full: _rejoin(full, days=8), 410),
    PageSample("manage-ask", _at("/tides/manage")),
    PageSample("manage-ask-problem", _at("/tides/manage"), 422, {"email": "reader@example"}),
    PageSample("manage-sent", _at("/tides/link-sent")),
    PageSample("manage", _manage),
    PageSample("manage-over", _manage_over, 410),
    PageSample("manage-erase", lambda full: _manage(full, "/erase")),
    PageSample("erased", lambda full: _manage(full, "/erase"), 200, {}),
    PageSample("move", _move),
    PageSample("move-over", _move_over, 410),
    PageSample("moved", _at("/tides/moved")),
    PageSample("error-404", _at("/tides/nothing"), 404),
    PageSample("error-site", _at("/confirm/x"), 404),
)


def furnished(database: Database, clock: Clock, site: Site) -> Furnished:
    """An office on a full day, and a visitor."""
    office, releases = full_office(database, clock, site)
    visitor = Visitor(office)
    return Furnished(office, visitor, releases)

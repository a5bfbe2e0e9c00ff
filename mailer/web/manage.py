"""The pages that a mailed link opens: choices, ending, everything to take along, being erased.

Every GET only shows. A POST acts once however often it comes, and answers with the page as things stand
then, saying what this very press did.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.core.consent import SubscriptionState
from mailer.core.errors import LinkOver
from mailer.core.newsroom import Newsroom
from mailer.core.token import LIFETIME, LinkPurpose
from mailer.services import choices, erasing, moving, takeout
from mailer.services.choices import Done, Result
from mailer.services.links import Opened
from mailer.store.people import SubscriptionRow
from mailer.texts.wording import move_wording
from mailer.web import choice_form, timing
from mailer.web.choice_form import Form, Unclear
from mailer.web.forms import MOST_FIELDS, pass_over_body, read_form
from mailer.web.origin import origin_of
from mailer.web.pages import NO_STORE, Pages, Visit, segment

FORM = "web:/manage"


@dataclass(frozen=True, slots=True)
class Room:
    """One newsroom on the page: what its settings say, how the subscription stands, its form while active.

    Attributes:
        name: as readers know it; its key where the settings no longer know it.
    """

    key: str
    name: str
    newsroom: Newsroom | None
    state: SubscriptionState
    paused_until: datetime | None
    ended_at: datetime | None
    form: Form | None


@dataclass(frozen=True, slots=True)
class Said:
    """What this very press did: a word that the page has a sentence for, where, and which parts changed."""

    word: str
    room: str = ""
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spoiled:
    """What was sent for one newsroom, and why it could not be read."""

    key: str
    fields: dict[str, str]
    unclear: Unclear


class ManagePages:
    """What a reader sees and does by a mailed link.

    Args:
        pages: renders them.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._office = pages.office

    async def page(self, request: Request) -> Response:
        """GET `/manage/{token}`: everything there is to choose, and how it stands."""
        return await self.opened(request, lambda link: self.show(request, link))

    async def act(self, request: Request) -> Response:
        """POST `/manage/{token}`: one press of one button, named by the field `act`."""
        fields = await read_form(request, most=MOST_FIELDS)
        acts = {"save": self._save, "end": self._end, "stop": self._stop, "stay": self._stay}
        chosen = acts.get(fields.get("act", ""))
        if chosen is None:
            raise HTTPException(400)
        return await self.opened(request, lambda link: chosen(request, link, fields))

    async def take_out(self, request: Request) -> Response:
        """GET `/manage/{token}/everything.json`: all that is kept about the reader, to keep."""

        async def answer(_link: Opened) -> Response:
            found = await run_in_threadpool(takeout.of_link, self._office, token=token_of(request))
            return Response(
                found,
                media_type="application/json",
                headers={
                    "Cache-Control": NO_STORE,
                    "Content-Disposition": 'attachment; filename="everything.json"',
                },
            )

        return await self.opened(request, answer)

    async def erase_page(self, request: Request) -> Response:
        """GET `/manage/{token}/erase`: what erasing means, and one button."""

        async def answer(link: Opened) -> Response:
            visit = self._visit(request, link, "/erase")
            back = visit.link(f"/manage/{segment(token_of(request))}")
            return self._pages.page(visit, "manage_erase", mailbox=link.mailbox, back=back)

        return await self.opened(request, answer)

    async def erase(self, request: Request) -> Response:
        """POST `/manage/{token}/erase`: the button; after it the link is nobody's."""
        await pass_over_body(request)

        async def answer(link: Opened) -> Response:
            origin = origin_of(request, FORM)
            await run_in_threadpool(
                erasing.erase, self._office, token=token_of(request), origin=origin
            )
            visit = self._pages.visit(
                request, self._office.newsrooms.get(link.newsroom_key), stated=link.language
            )
            return self._pages.page(visit, "erased")

        return await self.opened(request, answer)

    async def show(
        self,
        request: Request,
        link: Opened,
        said: Said | None = None,
        *,
        spoiled: Spoiled | None = None,
        problem: str = "",
        typed: str = "",
    ) -> Response:
        """The page as things stand.

        Args:
            said: what this very press did; None for a look.
            spoiled: the form of one newsroom as it was sent and could not be read.
            problem: why the new address that was `typed` cannot be taken; empty where none was.
        """
        visit = self._visit(request, link)
        rooms = [self._room(one, link, visit, spoiled) for one in link.subscriptions]
        wrong = spoiled is not None or bool(problem)
        return self._pages.page(
            visit,
            "manage",
            status=422 if wrong else 200,
            mailbox=link.mailbox,
            rooms=rooms,
            active=sum(room.state is SubscriptionState.ACTIVE for room in rooms),
            said=said,
            awaited=await run_in_threadpool(moving.awaited, self._office, link),
            problem=problem,
            typed=typed,
            wrong=wrong,
            move_wording=move_wording(visit.words),
            shown_now=self._office.clock(),
        )

    async def opened(
        self, request: Request, answer: Callable[[Opened], Awaitable[Response]]
    ) -> Response:
        """What `answer` makes of the link in the path; or the page that says that the link is over."""
        try:
            link = await run_in_threadpool(choices.read, self._office, token=token_of(request))
            return await answer(link)
        except LinkOver as over:
            newsroom = self._office.newsrooms.get(over.newsroom_key)
            visit = self._pages.visit(request, newsroom)
            return self._pages.page(visit, "manage_over", status=410, hours=link_hours())

    async def _save(self, request: Request, link: Opened, fields: dict[str, str]) -> Response:
        key = fields.get("newsroom", "")
        standing = next((one for one in link.subscriptions if one.newsroom == key), None)
        newsroom = self._office.newsrooms.get(key)
        if standing is None or newsroom is None:
            raise HTTPException(400)
        try:
            choice = choice_form.read(
                fields,
                newsroom,
                standing,
                now=self._office.clock(),
                merging=self._merging(link.subscriptions, key),
            )
        except Unclear as unclear:
            return await self.show(request, link, spoiled=Spoiled(key, fields, unclear))
        result = await run_in_threadpool(
            choices.change,
            self._office,
            token=token_of(request),
            newsroom_key=key,
            choice=choice,
            mark=fields.get("mark", ""),
            origin=origin_of(request, FORM),
        )
        return await self.show(request, result.link, self._said(result, key))

    async def _end(self, request: Request, _link: Opened, fields: dict[str, str]) -> Response:
        return await self._over(request, fields.get("newsroom", ""))

    async def _stop(self, request: Request, _link: Opened, _fields: dict[str, str]) -> Response:
        return await self._over(request, None)

    async def _over(self, request: Request, key: str | None) -> Response:
        result = await run_in_threadpool(
            choices.end,
            self._office,
            token=token_of(request),
            newsroom_key=key,
            origin=origin_of(request, FORM),
        )
        return await self.show(request, result.link, self._said(result, key))

    async def _stay(self, request: Request, link: Opened, _fields: dict[str, str]) -> Response:
        was = await run_in_threadpool(moving.stay, self._office, token=token_of(request))
        return await self.show(request, link, Said("stayed" if was else "nothing"))

    def _said(self, result: Result, key: str | None) -> Said:
        name = self._name(key) if key else ""
        if result.done is Done.ENDED:
            return Said("ended" if key else "stopped", name)
        if result.done is Done.SAME:
            return Said("same", name)
        return Said(result.done, name, result.changed)

    def _visit(self, request: Request, link: Opened, below: str = "") -> Visit:
        newsroom = self._office.newsrooms.get(link.newsroom_key)
        here = f"/manage/{segment(token_of(request))}{below}"
        return self._pages.visit(request, newsroom, here=here, stated=link.language)

    def _merging(self, subscriptions: Iterable[SubscriptionRow], key: str) -> bool:
        """Whether a reader has another newsroom here whose digests could come in the same mail."""
        others = [
            self._office.newsrooms.get(one.newsroom)
            for one in subscriptions
            if one.newsroom != key and one.state is SubscriptionState.ACTIVE
        ]
        return any(timing.has_digests(room) for room in others if room is not None)

    def _room(
        self, one: SubscriptionRow, link: Opened, visit: Visit, spoiled: Spoiled | None
    ) -> Room:
        newsroom = self._office.newsrooms.get(one.newsroom)
        form = None
        if newsroom is not None and one.state is SubscriptionState.ACTIVE:
            now = self._office.clock()
            merging = self._merging(link.subscriptions, one.newsroom)
            form = choice_form.filled(one, newsroom, language=visit.words, now=now, merging=merging)
            if spoiled is not None and spoiled.key == one.newsroom:
                form = choice_form.spoiled(form, spoiled.fields, spoiled.unclear)
        return Room(
            key=one.newsroom,
            name=self._name(one.newsroom),
            newsroom=newsroom,
            state=one.state,
            paused_until=one.choice.paused_until,
            ended_at=one.ended_at,
            form=form,
        )

    def _name(self, key: str) -> str:
        newsroom = self._office.newsrooms.get(key)
        return newsroom.name if newsroom else key


def token_of(request: Request) -> str:
    """The token in the path."""
    token: str = request.path_params["token"]
    return token


def link_hours() -> int:
    """How long a link to one's choices is good for."""
    lifetime = LIFETIME[LinkPurpose.MANAGE]
    assert lifetime is not None  # what opens so much has to lapse
    return int(lifetime.total_seconds() // 3600)

"""Shows a newsroom as visitors know it: the sign-up box, the releases, and each release on its page."""

import re

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.core.newsroom import Newsroom
from mailer.core.release import Contact, Run
from mailer.services import press
from mailer.services.press import PublicRelease
from mailer.texts.wording import subscribe_wording
from mailer.web.pages import FOR_A_MINUTE, FOR_A_YEAR, NO_STORE, Pages, Visit, moved

PAGE_SIZE = 20
_MAX_PAGE = 10_000


class NewsroomPages:
    """The pages that anybody may read.

    Args:
        pages: renders them.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def index(self, request: Request) -> Response:
        """GET `/`: the newsrooms of this site."""
        pages = self._pages
        rooms = sorted(pages.office.newsrooms.values(), key=lambda room: room.name.casefold())
        return pages.page(pages.visit(request), "newsrooms", cache=FOR_A_MINUTE, newsrooms=rooms)

    async def newsroom(self, request: Request) -> Response:
        """GET `/{newsroom}`: sign-up box and releases, newest first, twenty to a page."""
        newsroom = self._pages.newsroom(request)
        number = _page_number(request.query_params.get("page", "1"))
        here = f"/{newsroom.key}?page={number}" if number > 1 else f"/{newsroom.key}"
        visit = self._pages.visit(request, newsroom, here=here)
        return await show(self._pages, newsroom, visit, number=number)

    async def without_slash(self, request: Request) -> Response:
        """GET `/{newsroom}/`: the same page has one address."""
        newsroom = self._pages.newsroom(request)
        return moved(self._pages.visit(request, newsroom).link(f"/{newsroom.key}"))

    async def release(self, request: Request) -> Response:
        """GET `/{newsroom}/releases/{number}-{slug}`: one published release."""
        newsroom = self._pages.newsroom(request)
        number, slug = _release_name(request.path_params["name"])
        found = await run_in_threadpool(press.public_release, self._pages.office, number)
        if found.newsroom != newsroom.key:
            raise HTTPException(404)
        path = release_path(found)
        visit = self._pages.visit(request, newsroom, here=path)
        if slug != found.slug:
            return moved(visit.link(path))
        return self._pages.page(
            visit,
            "release",
            cache=FOR_A_MINUTE,
            release=found,
            contacts=[contact_runs(contact) for contact in found.edition.contacts],
            canonical=self._pages.canonical(path),
        )

    async def theme(self, request: Request) -> Response:
        """GET `/{newsroom}/theme.css`: the accent colour, made readable on light and dark."""
        sheet = self._pages.themes[self._pages.newsroom(request).key]
        return Response(sheet, media_type="text/css", headers={"Cache-Control": FOR_A_YEAR})

    async def stylesheet(self, _request: Request) -> Response:
        """GET `/static/site.css`: the one stylesheet; an operator's own file wins."""
        return Response(
            self._pages.sheet, media_type="text/css", headers={"Cache-Control": FOR_A_YEAR}
        )


async def show(
    pages: Pages,
    newsroom: Newsroom,
    visit: Visit,
    *,
    number: int = 1,
    problem: str = "",
    typed: str = "",
) -> Response:
    """The newsroom's page; with a `problem` beside the field it is 422 and keeps what was typed."""
    first = (number - 1) * PAGE_SIZE
    found = await run_in_threadpool(
        press.published, pages.office, newsroom.key, limit=PAGE_SIZE + 1, offset=first
    )
    if number > 1 and not found:
        raise HTTPException(404)
    return pages.page(
        visit,
        "newsroom",
        status=422 if problem else 200,
        cache=NO_STORE if problem else FOR_A_MINUTE,
        releases=found[:PAGE_SIZE],
        further=len(found) > PAGE_SIZE,
        page=number,
        problem=problem,
        typed=typed,
        wording=subscribe_wording(newsroom, visit.language),
        release_path=release_path,
        canonical=pages.canonical(visit.here),
    )


def release_path(release: PublicRelease) -> str:
    """The one path of a release."""
    return f"/{release.newsroom}/releases/{release.id}-{release.slug}"


def contact_runs(contact: Contact) -> tuple[Run, ...]:
    """The contact's line as it stood, with address and phone number as links, whatever else it says."""
    links = {contact.email: f"mailto:{contact.email}", contact.phone: _tel(contact.phone)}
    links = {words: href for words, href in links.items() if words}
    missing = "".join(f"\n{words}" for words in links if words not in contact.text)
    text = contact.text + missing
    if not links:
        return (Run(text),)
    parts = re.split("(" + "|".join(re.escape(words) for words in links) + ")", text)
    return tuple(Run(part, href=links.get(part)) for part in parts if part)


def _tel(phone: str) -> str:
    return "tel:" + re.sub(r"[^0-9+]", "", phone)


def _release_name(text: str) -> tuple[int, str]:
    """Number and slug; eighteen digits are what a database's key can hold."""
    found = re.fullmatch(r"([0-9]{1,18})(?:-(.*))?", text, re.DOTALL)
    if found is None:
        raise HTTPException(404)
    return int(found[1]), found[2] or ""


def _page_number(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text) or int(text) > _MAX_PAGE:
        raise HTTPException(404)
    return int(text)

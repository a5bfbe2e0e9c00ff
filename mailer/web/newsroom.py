"""Shows a newsroom as visitors know it: the sign-up box, and its releases by kind and page."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.core.newsroom import Newsroom
from mailer.services import public
from mailer.texts.catalogue import translations
from mailer.texts.wording import kind_label, subscribe_wording
from mailer.web import interests
from mailer.web.box import page_with_form
from mailer.web.head import newsroom_head
from mailer.web.pages import FOR_A_MINUTE, FOR_A_YEAR, NO_STORE, Pages, Visit, moved
from mailer.web.paths import release_path

PAGE_SIZE = 20
_MAX_PAGE = 10_000
_MAX_KIND = 64  # as long as a kind can be


@dataclass(frozen=True, slots=True)
class _Filter:
    """A link that narrows the list to one kind, or shows all."""

    label: str
    href: str
    current: bool


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
        """GET `/{newsroom}`: sign-up box and releases, newest first, twenty to a page.

        `?kind=` narrows them to one kind, by any word that is shown alike.
        """
        newsroom = self._pages.newsroom(request)
        number = _page_number(request.query_params.get("page", "1"))
        kind = _kind(request.query_params.get("kind"))
        here = _here(newsroom, kind, number)
        visit = self._pages.visit(request, newsroom, here=here)
        return await show(self._pages, newsroom, visit, number=number, kind=kind)

    async def without_slash(self, request: Request) -> Response:
        """GET `/{newsroom}/`: the same page has one address."""
        newsroom = self._pages.newsroom(request)
        return moved(self._pages.visit(request, newsroom).link(f"/{newsroom.key}"))

    async def theme(self, request: Request) -> Response:
        """GET `/{newsroom}/theme.css`: the accent colour, made readable on light and dark."""
        sheet = self._pages.themes[self._pages.newsroom(request).key]
        return Response(sheet, media_type="text/css", headers={"Cache-Control": FOR_A_YEAR})

    async def logo(self, request: Request) -> Response:
        """GET `/{newsroom}/logo/{name}`: the logo, under a name that changes with it."""
        logo = self._pages.logos.get(self._pages.newsroom(request).key)
        picture = logo.picture(request.path_params["name"]) if logo else None
        if picture is None:
            raise HTTPException(404)
        return picture.answer(FOR_A_YEAR)

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
    kind: str | None = None,
    problem: str = "",
    sent: Mapping[str, str] | None = None,
) -> Response:
    """The newsroom's page; with a `problem` beside the field it is 422 and keeps what was `sent`."""
    found = await run_in_threadpool(
        public.shelf,
        pages.office,
        newsroom,
        language=visit.language,
        label=partial(_label, language=visit.words),
        kind=kind,
        page=number,
        size=PAGE_SIZE,
    )
    return await page_with_form(
        pages,
        newsroom,
        visit,
        "newsroom",
        status=422 if problem else 200,
        cache=NO_STORE if problem else FOR_A_MINUTE,
        releases=found.headlines,
        filters=_filters(found.kinds, found.kind, newsroom, visit),
        kind=found.kind,
        page=number,
        pages=found.pages,
        newer=visit.link(_here(newsroom, kind, number - 1)) if number > 1 else "",
        older=visit.link(_here(newsroom, kind, number + 1)) if number < found.pages else "",
        problem=problem,
        **interests.signup_values(newsroom, visit.words, sent or {}),
        wording=subscribe_wording(newsroom, visit.language),
        release_path=release_path,
        head=newsroom_head(pages, visit, newsroom, _title(newsroom, visit)),
    )


def _filters(
    kinds: Mapping[str, str], chosen: str, newsroom: Newsroom, visit: Visit
) -> list[_Filter]:
    """A link for each kind, where there are several; the one for all stands first, without a label."""
    if len(kinds) < 2:
        return []
    every = _Filter("", visit.link(f"/{newsroom.key}"), not chosen)
    return [
        every,
        *(
            _Filter(label, visit.link(_here(newsroom, word)), label == chosen)
            for label, word in kinds.items()
        ),
    ]


def _here(newsroom: Newsroom, kind: str | None, number: int = 1) -> str:
    """The one address of a page of the list."""
    query = {} if kind is None else {"kind": kind}
    query |= {"page": str(number)} if number > 1 else {}
    return f"/{newsroom.key}?{urlencode(query)}" if query else f"/{newsroom.key}"


def _title(newsroom: Newsroom, visit: Visit) -> str:
    words = translations(visit.words).gettext("Press releases from %(name)s")
    return words % {"name": newsroom.name}


def _label(word: str, *, language: str) -> str:
    return kind_label(word, language)


def _kind(text: str | None) -> str | None:
    if text is not None and (len(text) > _MAX_KIND or "\0" in text):
        raise HTTPException(404)
    return text


def _page_number(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text) or int(text) > _MAX_PAGE:
        raise HTTPException(404)
    return int(text)

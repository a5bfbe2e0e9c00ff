"""Serves a newsroom's feeds in three forms, for all its releases or for those of one language."""

from collections.abc import Callable
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.core.newsroom import Newsroom
from mailer.services import public
from mailer.web import atom, json_feed, rss
from mailer.web.conditional import conditional
from mailer.web.pages import Pages
from mailer.web.syndication import Feed, feed_of

_HEADERS = {
    "Cache-Control": "public, max-age=300",
    "Access-Control-Allow-Origin": "*",  # for feed readers that are pages themselves
}


class _Form(NamedTuple):
    media_type: str
    write: Callable[[Feed], bytes]


_FORMS = {
    "atom": _Form(f"{atom.MEDIA_TYPE}; charset=utf-8", atom.atom),
    "rss": _Form(f"{rss.MEDIA_TYPE}; charset=utf-8", rss.rss),
    "json": _Form(json_feed.MEDIA_TYPE, json_feed.json_feed),
}


class FeedPages:
    """The feeds.

    Args:
        pages: knows the newsrooms and how they look.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def feed(self, request: Request) -> Response:
        """GET `/{newsroom}/feed.{form}`: the newest thirty; `?lang=` keeps to one language."""
        newsroom = self._pages.newsroom(request)
        form = _FORMS.get(request.path_params["form"])
        if form is None:
            raise HTTPException(404)
        language = _language(request.query_params.get("lang", ""), newsroom)
        feed, body = await run_in_threadpool(self._written, newsroom, language, form)
        return conditional(
            request, body, media_type=form.media_type, changed=feed.updated, headers=_HEADERS
        )

    def _written(self, newsroom: Newsroom, language: str | None, form: _Form) -> tuple[Feed, bytes]:
        found = public.latest(self._pages.office, newsroom, language=language)
        feed = feed_of(self._pages, newsroom, language, found)
        return feed, form.write(feed)


def _language(linked: str, newsroom: Newsroom) -> str | None:
    """The newsroom's own spelling of a language; a feed never guesses another."""
    if not linked:
        return None
    for tag in newsroom.languages:
        if tag.lower() == linked.lower():
            return tag
    raise HTTPException(404)

"""Tells search engines every public address, when it last changed and its other languages (sitemaps.org).

One file as long as the releases fit in it; beyond that an index of files. A file holds far fewer than
the 50,000 addresses and 50 MB that the protocol allows, since each language is an address of its own
and names all others.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from xml.etree.ElementTree import Element

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from mailer.services import public
from mailer.store.public import Address
from mailer.web.atom import moment
from mailer.web.conditional import conditional
from mailer.web.headers import TOKEN_DOORS
from mailer.web.markup import put, root, written
from mailer.web.pages import FOR_A_MINUTE, Pages
from mailer.web.paths import release_path

RELEASES_A_FILE = 2_000
_NAMES = {
    "xmlns": "http://www.sitemaps.org/schemas/sitemap/0.9",
    "xmlns:xhtml": "http://www.w3.org/1999/xhtml",
}
_HEADERS = {"Cache-Control": "public, max-age=600"}
_MEDIA_TYPE = "application/xml"


class SitemapPages:
    """What robots are told.

    Args:
        pages: knows the newsrooms and addresses.
        size: how many releases one file tells of.
    """

    def __init__(self, pages: Pages, *, size: int = RELEASES_A_FILE) -> None:
        self._pages = pages
        self._size = size

    async def robots(self, _request: Request) -> Response:
        """GET `/robots.txt`: where the addresses are told, and that links from mails are nobody's."""
        doors = [f"Disallow: {self._pages.root}{door}" for door in TOKEN_DOORS]
        told = [
            "User-agent: *",
            *doors,
            "",
            f"Sitemap: {self._pages.canonical('/sitemap.xml')}",
            "",
        ]
        return PlainTextResponse("\n".join(told), headers={"Cache-Control": FOR_A_MINUTE})

    async def sitemap(self, request: Request) -> Response:
        """GET `/sitemap.xml`: all addresses, or the files that hold them."""
        body = await run_in_threadpool(self._whole)
        return _answer(request, body)

    async def part(self, request: Request) -> Response:
        """GET `/sitemap-{number}.xml`: one of several files; the first also has the newsrooms."""
        number = request.path_params["number"]
        if not re.fullmatch(r"[1-9][0-9]{0,5}", number):
            raise HTTPException(404)
        body = await run_in_threadpool(self._part, int(number))
        if body is None:
            raise HTTPException(404)
        return _answer(request, body)

    def _whole(self) -> bytes:
        files = -(-public.extent(self._pages.office) // self._size)
        if files <= 1:
            return self._file(1)
        top = root("sitemapindex", {"xmlns": _NAMES["xmlns"]})
        for number in range(1, files + 1):
            address = self._pages.canonical(f"/sitemap-{number}.xml")
            put(put(top, "sitemap"), "loc", address)
        return written(top)

    def _part(self, number: int) -> bytes | None:
        files = -(-public.extent(self._pages.office) // self._size)
        return self._file(number) if files > 1 and 1 <= number <= files else None

    def _file(self, number: int) -> bytes:
        found = public.addresses(
            self._pages.office, limit=self._size, offset=(number - 1) * self._size
        )
        top = root("urlset", _NAMES)
        if number == 1:
            self._rooms(top)
        for address in found:
            self._release(top, address)
        return written(top)

    def _rooms(self, top: Element) -> None:
        """The newsrooms' own pages; what is on them changes with every release."""
        rooms = self._pages.office.newsrooms
        if len(rooms) > 1:
            put(put(top, "url"), "loc", self._pages.canonical("/"))
        for newsroom in rooms.values():
            for path, links in self._spoken(f"/{newsroom.key}", newsroom.languages):
                _url(top, path, links)

    def _release(self, top: Element, address: Address) -> None:
        changed = dict(address.changed)
        spoken = zip(
            self._spoken(release_path(address), tuple(changed)), changed.values(), strict=True
        )
        for (place, links), at in spoken:
            _url(top, place, links, at)

    def _spoken(
        self, path: str, languages: Sequence[str]
    ) -> Iterator[tuple[str, Sequence[tuple[str, str]]]]:
        """The address of a page in each language, with those of all; one language needs no word of it."""
        plain = self._pages.canonical(path)
        if len(languages) < 2:
            yield plain, ()
            return
        each = [(tag, f"{plain}?lang={tag}") for tag in languages]
        for _, place in each:
            yield place, (*each, ("x-default", plain))


def _url(
    top: Element, place: str, links: Sequence[tuple[str, str]], changed: datetime | None = None
) -> None:
    url = put(top, "url")
    put(url, "loc", place)
    if changed is not None:
        put(url, "lastmod", moment(changed))
    for tag, other in links:
        put(url, "xhtml:link", attributes={"rel": "alternate", "hreflang": tag, "href": other})


def _answer(request: Request, body: bytes) -> Response:
    return conditional(request, body, media_type=_MEDIA_TYPE, changed=None, headers=_HEADERS)

"""Serves a file that came with a release and lies with us, so that it can do nothing but be looked at."""

import re
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.services import material
from mailer.web.logo import SANDBOX
from mailer.web.pages import FOR_A_MINUTE, Pages

_SHOWN = re.compile(r"image/(?:gif|jpeg|png|webp)")  # what a browser shows and cannot run


class FilePages:
    """The files of releases.

    Args:
        pages: whose office has them.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def file(self, request: Request) -> Response:
        """GET `/{newsroom}/releases/{release}/files/{place}/{name}`: one file of a published release.

        A picture is shown; whatever else is saved, whatever it says of itself.
        """
        newsroom = self._pages.newsroom(request)
        number = re.match(r"[0-9]{1,18}(?=-|$)", request.path_params["release"])
        if number is None:
            raise HTTPException(404)
        found = await run_in_threadpool(
            material.file,
            self._pages.office,
            newsroom,
            int(number[0]),
            request.path_params["place"],
        )
        shown = _SHOWN.fullmatch(found.media_type) is not None
        name = quote(found.name, safe="")
        headers = {
            "Cache-Control": FOR_A_MINUTE,
            "Content-Disposition": f"{'inline' if shown else 'attachment'}; filename*=utf-8''{name}",
            "Content-Security-Policy": SANDBOX,
            "X-Robots-Tag": "noindex",
        }
        media_type = found.media_type if shown else "application/octet-stream"
        return Response(found.content, media_type=media_type, headers=headers)

"""Shows a newsroom's privacy notice: the very text that is kept with each consent."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.core.language import choose
from mailer.web.pages import FOR_A_MINUTE, Pages


class PrivacyPages:
    """The page for newsrooms whose notice has no address of its own.

    Args:
        pages: renders it.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def notice(self, request: Request) -> Response:
        """GET `/{newsroom}/privacy`: the notice in the reader's language, or in the one it has."""
        newsroom = self._pages.newsroom(request)
        if not newsroom.privacy_notice:
            raise HTTPException(404)
        visit = self._pages.visit(request, newsroom, here=f"/{newsroom.key}/privacy")
        return self._pages.page(
            visit,
            "privacy",
            cache=FOR_A_MINUTE,
            spoken=choose([visit.language], [tag for tag, _ in newsroom.privacy_notice]),
            paragraphs=_paragraphs(newsroom.privacy(visit.language)),
        )


def _paragraphs(text: str) -> list[list[str]]:
    """The lines of each paragraph; an empty line stands between two."""
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.strip():
            found[-1].append(line.strip())
        elif found[-1]:
            found.append([])
    return [lines for lines in found if lines]

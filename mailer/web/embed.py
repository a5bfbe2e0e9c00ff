"""The sign-up box for other sites: plain HTML to copy, which brings its visitors to our own page.

The box holds nothing that could go out of date but our address and the words of consent. A form that
comes from elsewhere bears no token of ours, so that our page asks for one more click
(`web.threshold`): there every visitor meets the same defences and the same words.
"""

from starlette.requests import Request
from starlette.responses import Response

from mailer.core.newsroom import Newsroom, Site
from mailer.texts.catalogue import spoken
from mailer.texts.templates import Templates
from mailer.texts.wording import subscribe_wording
from mailer.web.pages import FOR_A_MINUTE, Pages


def snippet(templates: Templates, site: Site, newsroom: Newsroom, language: str) -> str:
    """The box in one of the newsroom's languages, as HTML to copy."""
    return templates.render(
        "web/_snippet.html",
        spoken(language, *newsroom.languages),
        newsroom=newsroom,
        wanted=language,
        action=site.url(f"/{newsroom.key}/subscribe?lang={language}"),
        wording=subscribe_wording(newsroom, language),
    )


class EmbedPages:
    """The page that shows the box.

    Args:
        pages: renders it.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def embed(self, request: Request) -> Response:
        """GET `/{newsroom}/embed`: the box to copy, in the language of the page."""
        newsroom = self._pages.newsroom(request)
        visit = self._pages.visit(request, newsroom, here=f"/{newsroom.key}/embed")
        office = self._pages.office
        return self._pages.page(
            visit,
            "embed",
            cache=FOR_A_MINUTE,
            snippet=snippet(office.templates, office.site, newsroom, visit.language),
            api=office.site.url(f"/api/{newsroom.key}/subscribe"),
        )

"""What every sign-up form of ours bears beside its fields, and the page that asks for one more click."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mailer.core.newsroom import Newsroom
from mailer.services.office import Office
from mailer.texts.wording import subscribe_wording
from mailer.web import form_token, interests
from mailer.web.cors import Neighbours
from mailer.web.form_token import Freshness
from mailer.web.pages import FOR_A_YEAR, NO_STORE, Pages, Visit, version
from mailer.web.threshold import SCRIPT_POLICY, proof_wanted, puzzle_for


async def guard(pages: Pages, newsroom: Newsroom) -> dict[str, object]:
    """The values of `_guard.html`."""
    wanted = await proof_wanted(pages.office)
    script = script_of(pages.office) if wanted else ""
    return {
        "form_token": form_token.issue(pages.office, newsroom),
        "puzzle": f"{pages.root}/{newsroom.key}/puzzle" if wanted else "",
        "proof_script": f"{pages.root}/static/proof.js?v={version(script)}" if wanted else "",
    }


async def page_with_form(
    pages: Pages,
    newsroom: Newsroom,
    visit: Visit,
    name: str,
    /,
    *,
    status: int = 200,
    cache: str = NO_STORE,
    **values: object,
) -> Response:
    """The page `web/<name>.html` with a sign-up form; where it has our script that may run, and no other.

    Args:
        values: what the template needs beside those of `_guard.html` and the groups to choose by, some of
            which they may replace.
    """
    groups = interests.offered(newsroom, language=visit.words)
    shown = {**await guard(pages, newsroom), "groups": groups, "frequency": "", **values}
    answer = pages.page(visit, name, status=status, cache=cache, **shown)
    if shown["puzzle"]:
        answer.headers["Content-Security-Policy"] = SCRIPT_POLICY
    return answer


async def one_more_click(
    pages: Pages,
    newsroom: Newsroom,
    visit: Visit,
    *,
    sent: Mapping[str, str],
    token: str = "",
    stale: bool,
) -> Response:
    """The form filled in, on a page of its own.

    Args:
        sent: the fields of the form.
        token: of the form that was sent; one that came too soon from this very page goes on aging.
        stale: the form was open for too long.
    """
    aging = form_token.freshness(pages.office, newsroom, token) is Freshness.TOO_FAST
    return await page_with_form(
        pages,
        newsroom,
        visit,
        "one_more_click",
        status=200,
        cache=NO_STORE,
        stale=stale,
        wording=subscribe_wording(newsroom, visit.language),
        **interests.signup_values(newsroom, visit.words, sent),
        **({"form_token": token} if aging else {}),
    )


def script_of(office: Office) -> str:
    """The script that lets a browser do its work; an operator's own file wins."""
    return office.templates.render("web/proof.js", "en")


class ProofPages:
    """What that script is, and what it asks for.

    Args:
        pages: whose office sets the work.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._neighbours = Neighbours(pages.office.site)

    async def script(self, _request: Request) -> Response:
        """GET `/static/proof.js`."""
        text = script_of(self._pages.office)
        return Response(text, media_type="text/javascript", headers={"Cache-Control": FOR_A_YEAR})

    async def puzzle(self, request: Request) -> Response:
        """GET `/{newsroom}/puzzle`: work for one browser."""
        self._pages.newsroom(request)
        shown = puzzle_for(self._pages.office).shown()
        answer = JSONResponse(shown, headers={"Cache-Control": NO_STORE})
        return self._neighbours.mark(request, answer)

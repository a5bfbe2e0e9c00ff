"""Shows one release, whole, in the language that fits its reader, with the way to its newsroom's others."""

import re
from dataclasses import replace

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.core import language as languages
from mailer.core.newsroom import Newsroom
from mailer.core.release import Run
from mailer.services import material, public
from mailer.services.public import Headline, PublicRelease, Withdrawn
from mailer.texts.names import own_name
from mailer.web.head import release_head
from mailer.web.pages import FOR_A_MINUTE, Pages, Switch, Visit, moved
from mailer.web.paths import contact_runs, linked, release_path


class ReleasePages:
    """The pages of releases.

    Args:
        pages: renders them.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def release(self, request: Request) -> Response:
        """GET `/{newsroom}/releases/{number}-{slug}`: one published release.

        A link's `?lang=` decides which of its texts is shown, then the browser, then the release
        itself. One that was withdrawn is gone (410), under any slug: its title is not repeated.
        """
        newsroom = self._pages.newsroom(request)
        number, slug = _release_name(request.path_params["name"])
        visit = self._pages.visit(request, newsroom)
        wanted = _wanted(request, visit)
        found, others = await run_in_threadpool(self._read, newsroom, number, visit, wanted)
        if isinstance(found, Withdrawn):
            return self._pages.page(
                visit,
                "withdrawn",
                status=410,
                release=found,
                reason=found.withdrawn.words if found.withdrawn else "",
                others=others,
                release_path=release_path,
            )
        path = release_path(found)
        if slug != found.slug:
            linked = request.query_params.get("lang", "")
            chosen = linked if linked in found.languages and not visit.chosen else ""
            return moved(visit.link(path, **({"lang": chosen} if chosen else {})))
        return self._show(replace(visit, here=path), newsroom, found, others)

    def _read(
        self, newsroom: Newsroom, number: int, visit: Visit, wanted: list[str]
    ) -> tuple[PublicRelease | Withdrawn, tuple[Headline, ...]]:
        office = self._pages.office
        found = public.release(office, number, newsroom=newsroom, wanted=wanted)
        return found, public.others(office, newsroom, but=number, language=visit.language)

    def _show(
        self,
        visit: Visit,
        newsroom: Newsroom,
        found: PublicRelease,
        others: tuple[Headline, ...],
    ) -> Response:
        return self._pages.page(
            visit,
            "release",
            cache=FOR_A_MINUTE,
            release=found,
            contacts=[contact_runs(contact) for contact in found.edition.contacts],
            editions=_editions(found, visit),
            material=material.shown(self._pages.office, found),
            about=_paragraphs(newsroom.about(found.edition.language)),
            others=others,
            release_path=release_path,
            head=release_head(self._pages, newsroom, found),
        )


def _wanted(request: Request, visit: Visit) -> list[str]:
    """The reader's languages for the text itself, which need not be one of the newsroom's."""
    stated = request.query_params.get("lang", "")
    header = ",".join(request.headers.getlist("accept-language"))
    return [tag for tag in (stated,) if tag] + languages.from_header(header) + [visit.language]


def _editions(release: PublicRelease, visit: Visit) -> list[Switch]:
    """Links to the other languages of a release."""
    return [
        Switch(tag, own_name(tag), visit.link(release_path(release), lang=tag))
        for tag in release.languages
        if tag != release.edition.language
    ]


def _paragraphs(text: str) -> list[tuple[Run, ...]]:
    """The paragraphs of a text of the settings; an empty line parts them."""
    parts = re.split(r"\n\s*\n", text.strip())
    return [linked(part.strip()) for part in parts if part.strip()]


def _release_name(text: str) -> tuple[int, str]:
    """Number and slug; eighteen digits are what a database's key can hold."""
    found = re.fullmatch(r"([0-9]{1,18})(?:-(.*))?", text, re.DOTALL)
    if found is None:
        raise HTTPException(404)
    return int(found[1]), found[2] or ""

"""Makes the answers: pages in the reader's language, with links from the configured address alone.

A link is a path under the path of `site.base_url`: it never repeats a Host header, and it holds
behind any proxy that serves the site there. The language comes from a link (`?lang=`), then from
what the reader said at sign-up, then from Accept-Language, then from the newsroom.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from mailer.core import language as languages
from mailer.core.newsroom import Newsroom
from mailer.services import leaving, signup
from mailer.services.office import Office
from mailer.services.together import BREATH_SECONDS, Together
from mailer.texts.catalogue import spoken
from mailer.texts.kinds import label_of
from mailer.texts.names import own_name
from mailer.texts.wording import kind_label
from mailer.web.logo import Picture, read_logo

NO_STORE = "no-store"
FOR_A_MINUTE = "public, max-age=60"
FOR_A_YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Switch:
    """A link to the same page in another language."""

    language: str
    name: str
    href: str


@dataclass(frozen=True, slots=True)
class Visit:
    """One request, read for what its page needs.

    Attributes:
        newsroom: whose page it is; None for the site's own.
        language: of the page: what the reader chose, and of what is sent after a sign-up here.
        chosen: whether a link chose it; links then keep it.
        root: the path of the site's base address, without a slash at its end.
        here: the path and query under which this page can be had by GET; empty when it cannot.
    """

    newsroom: Newsroom | None
    language: str
    chosen: bool
    root: str
    here: str = ""

    @property
    def words(self) -> str:
        """The language of our own words: the page's, or the newsroom's next that has a catalogue."""
        return spoken(self.language, *(self.newsroom.languages if self.newsroom else ()))

    def link(self, path: str, **query: object) -> str:
        """The address of `path` on this site; `lang` in `query` overrides the kept language."""
        kept = {"lang": self.language} if self.chosen else {}
        stated = urlencode({**kept, **query})
        mark = "&" if "?" in path else "?"
        return f"{self.root}{path}{mark}{stated}" if stated else f"{self.root}{path}"

    def switches(self) -> tuple[Switch, ...]:
        """Links to this page in each of its languages, when there are several."""
        offered = self.newsroom.languages if self.newsroom else ()
        if not self.here or len(offered) < 2:
            return ()
        return tuple(Switch(tag, own_name(tag), self.link(self.here, lang=tag)) for tag in offered)


class Pages:
    """Renders pages for an office.

    Args:
        office: its newsrooms, templates and address.

    Attributes:
        signups, leaves: serve those who come at the same moment together.

    Raises:
        MailerError: a stylesheet or a logo of the operator's cannot be used.
    """

    def __init__(self, office: Office) -> None:
        self.office = office
        breath = BREATH_SECONDS if office.database.is_sqlite else 0.0
        self.signups = Together(partial(signup.take, office), breath=breath)
        self.leaves = Together(partial(leaving.take, office), breath=breath)
        self.root = urlsplit(office.site.base_url).path.rstrip("/")
        self.sheet = office.templates.render("web/site.css", "en")
        self.themes = {key: self._theme(newsroom) for key, newsroom in office.newsrooms.items()}
        found = {key: read_logo(newsroom) for key, newsroom in office.newsrooms.items()}
        self.logos = {key: logo for key, logo in found.items() if logo}

    def visit(
        self,
        request: Request,
        newsroom: Newsroom | None = None,
        *,
        here: str = "",
        stated: str = "",
    ) -> Visit:
        """Read a request.

        Args:
            newsroom: whose page it is; None for the site's own.
            here: the path under which this page can be had by GET, for the language links.
            stated: the language that the reader gave at sign-up; empty when unknown.
        """
        offered = newsroom.languages if newsroom else self._all_languages()
        linked = request.query_params.get("lang", "") if request.scope["query_string"] else ""
        by_link = languages.choose([linked], ("", *offered))
        header = ",".join(request.headers.getlist("accept-language"))
        wanted = [tag for tag in (linked, stated) if tag]
        wanted += languages.from_header(header) if header else ()
        return Visit(
            newsroom=newsroom,
            language=languages.choose(wanted, offered),
            chosen=bool(by_link),
            root=self.root,
            here=here,
        )

    def newsroom(self, request: Request) -> Newsroom:
        """The newsroom that the path names.

        Raises:
            NotFound: there is none of that name.
        """
        return self.office.newsroom(request.path_params["newsroom"])

    def page(
        self, visit: Visit, name: str, *, status: int = 200, cache: str = NO_STORE, **values: object
    ) -> Response:
        """The page `web/<name>.html`.

        Args:
            cache: Cache-Control; pages that hold anything of a reader are not stored.
            values: what the template needs beside newsroom, link, here and the like.
        """
        body = self.body(visit, name, status=status, **values)
        return self.answer(visit, body, status=status, cache=cache)

    def body(self, visit: Visit, name: str, *, status: int = 200, **values: object) -> str:
        """The text of that page."""
        shown: Mapping[str, object] = {
            "newsroom": visit.newsroom,
            "link": visit.link,
            "here": visit.here,
            "switches": visit.switches(),
            "several": len(self.office.newsrooms) > 1,
            "stylesheet": f"{self.root}/static/site.css?v={version(self.sheet)}",
            "theme": self._theme_path(visit.newsroom),
            "logo": self._emblem(visit.newsroom),
            "status": status,
            "wanted": visit.language,
            "kind_label": kind_label,
            "label_of": label_of,
            **values,
        }
        return self.office.templates.render(f"web/{name}.html", visit.words, **shown)

    def answer(
        self, visit: Visit, body: str, *, status: int = 200, cache: str = NO_STORE
    ) -> Response:
        """The text of a page as an answer."""
        headers = {
            "Cache-Control": cache,
            "Content-Language": ", ".join(dict.fromkeys((visit.language, visit.words))),
            "Vary": "Accept-Language",
        }
        return HTMLResponse(body, status, headers)

    def fault(
        self, request: Request, status: int, headers: Mapping[str, str] | None = None
    ) -> Response:
        """The page for a request that cannot be answered, in the reader's language."""
        first = request.scope["path"].strip("/").partition("/")[0]
        visit = self.visit(request, self.office.newsrooms.get(first))
        home = f"/{first}" if visit.newsroom else "/"
        answer = self.page(visit, "error", status=status, home=visit.link(home))
        answer.headers.update(headers or {})
        return answer

    def canonical(self, path: str) -> str:
        """The address of `path` for the world: from the configured base address."""
        return self.office.site.url(path)

    def logo_address(self, newsroom: Newsroom) -> str:
        """The address of a newsroom's logo for the world; empty for none."""
        logo = self.logos.get(newsroom.key)
        return self.canonical(_logo_path(newsroom, logo.light)) if logo else ""

    def _theme(self, newsroom: Newsroom) -> str:
        dark = newsroom.accent_dark or newsroom.accent
        return self.office.templates.render(
            "web/theme.css", "en", accent=newsroom.accent, accent_dark=dark
        )

    def _emblem(self, newsroom: Newsroom | None) -> dict[str, object] | None:
        """What a template needs to show the logo."""
        logo = self.logos.get(newsroom.key) if newsroom else None
        if newsroom is None or logo is None:
            return None
        return {
            "src": self.root + _logo_path(newsroom, logo.light),
            "dark": self.root + _logo_path(newsroom, logo.dark) if logo.dark else "",
            "width": logo.light.width,
            "height": logo.light.height,
        }

    def _theme_path(self, newsroom: Newsroom | None) -> str:
        if newsroom is None:
            return ""
        return f"{self.root}/{newsroom.key}/theme.css?v={version(self.themes[newsroom.key])}"

    def _all_languages(self) -> Sequence[str]:
        found = [tag for room in self.office.newsrooms.values() for tag in room.languages]
        return tuple(dict.fromkeys(found)) or ("en",)


def _logo_path(newsroom: Newsroom, picture: Picture) -> str:
    return f"/{newsroom.key}/logo/{picture.name}"


def see_other(address: str) -> Response:
    """303 to a page of ours: what a form is answered with, so that reloading sends nothing twice."""
    return RedirectResponse(address, 303, {"Cache-Control": NO_STORE})


def moved(address: str) -> Response:
    """301 to the right spelling of an address."""
    return RedirectResponse(address, 301, {"Cache-Control": FOR_A_MINUTE})


def segment(text: str) -> str:
    """`text` as one segment of a path."""
    return quote(text, safe="")


def version(text: str) -> str:
    """A short mark of a stylesheet's content, so that a new one is fetched at once."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]

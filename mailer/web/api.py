"""Signing up for scripts: JSON in and out, with the defences and the silence of the form.

    GET  /api/{newsroom}/form       a token, the words of consent to show, what there is to choose, and work
                                    where it is asked for
    POST /api/{newsroom}/subscribe  email, language, frequency, form (that token), proof, and lists of keys
                                    for topics, kinds and places; always 202, whoever's address it is.
                                    What is wrong with the request itself is told by
                                    problem details (RFC 9457).

The token is what a visitor's time on the form is told by, so that a script fetches it when it shows the
form. Without one nothing is taken: a script cannot be asked for one more click.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mailer.core.address import Address, parse_address
from mailer.core.choice import Interests
from mailer.core.errors import AddressRefused
from mailer.core.language import choose
from mailer.core.newsroom import Newsroom
from mailer.texts.wording import subscribe_wording
from mailer.web import form_token, interests
from mailer.web.check_mail import page_path
from mailer.web.cors import Neighbours
from mailer.web.forms import FORM_LIMIT, read_body
from mailer.web.pages import NO_STORE, Pages
from mailer.web.problem import problem
from mailer.web.signing import Asked, take
from mailer.web.threshold import PROOF, Verdict, evenly, judge, proof_wanted, puzzle_for

AREA = "/api/"
_MEMBERS = ("email", "language", "frequency", form_token.FIELD, form_token.TRAP, PROOF)


@dataclass(frozen=True, slots=True)
class _Wrong(Exception):
    """A member that cannot be taken."""

    member: str
    reason: str
    detail: str


class SignupEndpoints:
    """The JSON endpoints.

    Args:
        pages: whose office takes the sign-ups.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._office = pages.office
        self._neighbours = Neighbours(pages.office.site)

    async def form(self, request: Request) -> Response:
        """GET `/api/{newsroom}/form`: what a form needs; OPTIONS asks whether it may."""
        return await self._answered(request, "GET", self._form)

    async def subscribe(self, request: Request) -> Response:
        """POST `/api/{newsroom}/subscribe`: a sign-up; OPTIONS asks whether it may."""
        return await self._answered(request, "POST", self._subscribe)

    def fault(
        self, request: Request, status: int, headers: Mapping[str, str] | None = None
    ) -> Response:
        """What a script is told whose request cannot be answered."""
        return self._neighbours.mark(request, problem(status, headers=headers))

    async def _answered(
        self, request: Request, method: str, act: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        if request.method == "OPTIONS":
            return self._neighbours.preflight(request, method)
        if not self._neighbours.may_come(request):
            words = "The settings of this site do not allow scripts of that origin."
            return self._neighbours.mark(request, problem(403, words))
        return self._neighbours.mark(request, await act(request))

    async def _form(self, request: Request) -> Response:
        newsroom = self._pages.newsroom(request)
        language = choose([request.query_params.get("language", "")], newsroom.languages)
        work = puzzle_for(self._office).shown() if await proof_wanted(self._office) else None
        told = {
            "form": form_token.issue(self._office, newsroom),
            "language": language,
            "languages": list(newsroom.languages),
            "wording": subscribe_wording(newsroom, language),
            "privacy_url": newsroom.privacy_url or None,
            "frequencies": list(newsroom.frequencies),
            "offers": interests.as_keys(newsroom, language),
            "puzzle": work,
        }
        return JSONResponse(told, headers={"Cache-Control": NO_STORE})

    async def _subscribe(self, request: Request) -> Response:
        newsroom = self._pages.newsroom(request)
        given = _object(await read_body(request, "application/json", FORM_LIMIT))
        members = _members(given)
        language = choose([members["language"]], newsroom.languages)
        try:
            verdict = self._verdict(newsroom, members)
            often = _frequency(newsroom, members["frequency"])
            wanted = _wanted(newsroom, given)._replace(frequency=often)
            address = await run_in_threadpool(self._address, members["email"])
        except _Wrong as wrong:
            shown = {"pointer": f"#/{wrong.member}", "reason": wrong.reason, "detail": wrong.detail}
            return problem(422, wrong.detail, errors=[shown])
        async with evenly(self._office):
            asked = Asked(newsroom, address, language, members.get(PROOF, ""), wanted)
            form = f"{AREA}{newsroom.key}/subscribe"
            token = await take(self._pages, request, asked, form=f"api:{form}", verdict=verdict)
        page = self._office.site.url(f"{page_path(newsroom, token)}?lang={language}")
        told = {"status": "accepted", "check_mail": page}
        return JSONResponse(told, 202, {"Cache-Control": NO_STORE})

    def _verdict(self, newsroom: Newsroom, members: Mapping[str, str]) -> Verdict:
        verdict = judge(self._office, newsroom, members)
        if verdict in {Verdict.ONE_MORE_CLICK, Verdict.TOO_OLD}:
            where = self._office.site.url(f"{AREA}{newsroom.key}/form")
            reason = "too_old" if verdict is Verdict.TOO_OLD else "missing"
            raise _Wrong(form_token.FIELD, reason, f"Get a fresh token from {where}.")
        return verdict

    def _address(self, typed: str) -> Address:
        try:
            return parse_address(typed, smtputf8=self._office.limits.signups.smtputf8)
        except AddressRefused as refused:
            raise _Wrong("email", refused.reason, f"{refused.what}.") from refused


def _frequency(newsroom: Newsroom, wanted: str) -> str | None:
    if wanted and wanted not in newsroom.frequencies:
        offers = ", ".join(newsroom.frequencies)
        raise _Wrong("frequency", "unknown", f"This newsroom offers: {offers}.")
    return wanted or None


def _wanted(newsroom: Newsroom, given: Mapping[str, object]) -> Interests:
    """What is to be heard about: keys of what the newsroom offers; an empty list is everything."""
    found: dict[str, tuple[str, ...]] = {}
    for name, offered in interests.as_keys(newsroom, newsroom.language).items():
        words = given.get(name, [])
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise HTTPException(400)
        if set(words) - offered.keys():
            raise _Wrong(name, "unknown", f"Choose among: {', '.join(offered)}.")
        found[name] = tuple(key for key in offered if key in words)
    topics, kinds, places = (found.get(name) or None for name in interests.WORDS)
    return Interests(topics, kinds, places)


def _object(body: bytes) -> dict[str, object]:
    try:
        given = json.loads(body.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is one
        raise HTTPException(400) from error
    if not isinstance(given, dict):
        raise HTTPException(400)
    return given


def _members(given: Mapping[str, object]) -> dict[str, str]:
    """The members that are texts, as far as we know them; what is not there is an empty one."""
    found = {name: given.get(name, "") for name in _MEMBERS}
    texts = {name: value for name, value in found.items() if isinstance(value, str)}
    if len(texts) < len(found):
        raise HTTPException(400)
    return texts


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a member is there twice")
    return dict(pairs)

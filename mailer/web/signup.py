"""Signing up: the answer is the same bytes for every address but for the token of its page, known or not."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from mailer.core.address import parse_address, parse_common
from mailer.core.errors import AddressRefused
from mailer.web import interests
from mailer.web.box import one_more_click
from mailer.web.check_mail import page_path
from mailer.web.form_token import FIELD
from mailer.web.forms import MOST_FIELDS, read_form
from mailer.web.newsroom import show
from mailer.web.pages import Pages, see_other
from mailer.web.signing import Asked, take
from mailer.web.threshold import AGAIN, PROOF, Verdict, evenly, judge


class SignupPages:
    """The sign-up form's address.

    Args:
        pages: renders the form again where it has to come again.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._office = pages.office

    async def subscribe(self, request: Request) -> Response:
        """POST `/{newsroom}/subscribe`: ask for a mailbox; a wrong address gets the form again."""
        newsroom = self._pages.newsroom(request)
        visit = self._pages.visit(request, newsroom, here=f"/{newsroom.key}")
        fields = await read_form(request, most=MOST_FIELDS)
        typed = fields.get("email", "").strip()
        smtputf8 = self._office.limits.signups.smtputf8
        try:
            address = parse_common(typed)
            if address is None:
                address = await run_in_threadpool(parse_address, typed, smtputf8=smtputf8)
        except AddressRefused as refused:
            return await show(self._pages, newsroom, visit, problem=refused.reason, sent=fields)
        verdict = judge(self._office, newsroom, fields)
        if verdict in {Verdict.ONE_MORE_CLICK, Verdict.TOO_OLD}:
            token = fields.get(FIELD, "") if fields.get(AGAIN) else ""
            stale = verdict is Verdict.TOO_OLD
            return await one_more_click(
                self._pages,
                newsroom,
                visit,
                sent=fields,
                token="" if stale else token,
                stale=stale,
            )
        async with evenly(self._office):
            wanted = interests.read_signup(newsroom, fields)
            asked = Asked(newsroom, address, visit.language, fields.get(PROOF, ""), wanted)
            form = f"web:/{newsroom.key}/subscribe"
            token = await take(self._pages, request, asked, form=form, verdict=verdict)
        return see_other(visit.link(page_path(newsroom, token), lang=visit.language))

    async def form(self, request: Request) -> Response:
        """GET `/{newsroom}/subscribe`: the form stands on the newsroom's page."""
        newsroom = self._pages.newsroom(request)
        return see_other(self._pages.visit(request, newsroom).link(f"/{newsroom.key}"))

"""A visitor of the site in process, who fills in our own form: it bears the token that a page gave it."""

from datetime import timedelta
from typing import Any

from starlette.testclient import TestClient

from mailer.core.newsroom import Newsroom
from mailer.core.token import LinkPurpose
from mailer.services.office import Office
from mailer.web import form_token
from mailer.web.app import create_app

READING = timedelta(seconds=30)
"""How long visitors look at a form before they send it."""


class Visitor(TestClient):
    """Follows no redirect by itself. What is posted to `/KEY/subscribe` without a token gets a good one."""

    def __init__(self, office: Office, **options: Any) -> None:
        super().__init__(
            create_app(office),
            base_url="https://news.example",
            follow_redirects=False,
            raise_server_exceptions=False,
            **options,
        )
        self.office = office

    def post(self, url: Any, **options: Any) -> Any:
        """Post; `data` of a sign-up form is sent as our page would have it."""
        key, _, door = str(url).strip("/").partition("?")[0].partition("/")
        data, newsroom = options.get("data"), self.office.newsrooms.get(key)
        if door == "subscribe" and newsroom and isinstance(data, dict):
            token = token_of(self.office, newsroom)
            options["data"] = {form_token.FIELD: token, form_token.TRAP: "", **data}
        return super().post(url, **options)


def token_of(office: Office, newsroom: Newsroom, age: timedelta = READING) -> str:
    """The token of a form that was shown so long ago."""
    shown_at = office.clock() - age
    return office.keys.tokens.sign(LinkPurpose.FORM, form_token.subject(newsroom), shown_at)

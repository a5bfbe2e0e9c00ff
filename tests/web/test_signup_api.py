"""Scripts sign up with the form's defences and silence; other sites' only where the settings allow them."""

import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient
from support.offices import UM, Clock, make_office
from support.visitors import Visitor, token_of

from mailer.core.limits import SignupTerms
from mailer.core.newsroom import Site
from mailer.services.office import Limits, Office
from mailer.store.database import Database
from mailer.store.tables import consent, request, wording
from mailer.texts.wording import subscribe_wording

Rows = dict[str, list[tuple[Any, ...]]]
DOOR = "/api/um/subscribe"
JSON = {"Content-Type": "application/json"}
FRIEND = "https://www.um.example"


@pytest.fixture
def office(sqlite_database: Database, clock: Clock) -> Office:
    site = Site("https://news.example", allowed_origins=(FRIEND,))
    return make_office(sqlite_database, clock, site=site)


def members(office: Office, **changes: Any) -> dict[str, Any]:
    return {"email": "anna@example.org", "language": "da", "form": token_of(office, UM), **changes}


def asked(office: Office) -> int:
    with office.database.read() as connection:
        return len(connection.scalars(select(request.c.id)).all())


def alike(answer: Any) -> tuple[Any, ...]:
    told = answer.json()
    page = told.pop("check_mail")
    kept = [pair for pair in answer.headers.raw if pair[0] != b"content-length"]
    return answer.status_code, told, len(page), page[:35], tuple(kept)


def test_a_form_is_got_and_sent(site: TestClient, office: Office, clock: Clock) -> None:
    form = site.get("/api/um/form?language=en")
    assert (form.status_code, form.headers["cache-control"]) == (200, "no-store")
    told = form.json()
    assert (told["language"], told["wording"]) == ("en", subscribe_wording(UM, "en"))
    assert told["puzzle"] is None
    clock.move(seconds=5)
    sent = {"email": "anna@example.org", "language": "en", "form": told["form"]}
    answer = site.post(DOOR, json=sent)
    assert (answer.status_code, answer.headers["cache-control"]) == (202, "no-store")
    page = answer.json()["check_mail"]
    assert page.startswith("https://news.example/um/check-mail/")
    assert site.get(page.removeprefix("https://news.example")).status_code == 200
    with office.database.read() as connection:
        entry = connection.execute(
            select(consent.c.form, wording.c.text).join(
                wording, wording.c.hash == consent.c.wording
            )
        ).one()
    assert tuple(entry) == ("api:/api/um/subscribe", told["wording"])


def test_every_address_and_every_program_gets_one_answer(
    office: Office, visit: Callable[[Office], TestClient], confirm_link: Callable[[str], str]
) -> None:
    site = visit(office)
    assert site.post(confirm_link("known@example.org")).status_code == 303
    before = asked(office)
    limits = Limits(signups=SignupTerms(overall_an_hour=2))
    site = visit(replace(office, limits=limits))
    answers = [
        site.post(DOOR, json=members(office, **sent))
        for sent in (
            {"email": "known@example.org"},
            {"email": "other@example.org"},
            {"email": "limit@example.org"},
            {"homepage": "http://spam.example"},
            {"form": token_of(office, UM, timedelta(seconds=0))},
        )
    ]
    assert len({repr(alike(answer)) for answer in answers}) == 1
    assert asked(office) == before + 2


@pytest.mark.parametrize(
    ("changes", "pointer", "reason"),
    [
        ({"email": ""}, "#/email", "empty"),
        ({"email": "anna"}, "#/email", "syntax"),
        ({"email": "a@b.example\r\nBcc: c@d.example"}, "#/email", "control"),
        ({"email": "anna\ud800@example.org"}, "#/email", "control"),
        ({"email": "-anna@example.org"}, "#/email", "dash"),
        ({"email": "bjørn@example.org"}, "#/email", "nonascii"),
        ({"form": ""}, "#/form", "missing"),
        ({"form": "bent"}, "#/form", "missing"),
        ({"form": None}, "#/form", "missing"),
        ({"form": timedelta(hours=30)}, "#/form", "too_old"),
    ],
)
def test_a_member_that_cannot_be_taken_is_named(
    site: TestClient,
    office: Office,
    rows: Callable[[], Rows],
    changes: dict[str, Any],
    pointer: str,
    reason: str,
) -> None:
    before = rows()
    sent = members(office, **changes)
    if isinstance(sent["form"], timedelta):
        sent["form"] = token_of(office, UM, sent["form"])
    sent = {name: value for name, value in sent.items() if value is not None}
    answer = site.post(DOOR, content=json.dumps(sent), headers=JSON)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (told["type"], told["status"]) == ("about:blank", 422)
    (error,) = told["errors"]
    assert (error["pointer"], error["reason"]) == (pointer, reason)
    assert error["detail"]
    assert rows() == before


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"null", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"email": "\xff@b.example"}', "application/json", 400),
        (b'{"email": 7}', "application/json", 400),
        (b'{"email": "a@b.example", "email": "c@d.example"}', "application/json", 400),
        (b'{"email": "a@b.example", "language": ["da"]}', "application/json", 400),
        (b"[" * 5000, "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"{}", "application/x-www-form-urlencoded", 415),
        (b"{}", "", 415),
        (b'{"email": "' + b"a" * 2**20 + b'"}', "application/json", 413),
    ],
)
def test_what_is_no_sign_up_is_told_by_problem_details(
    site: TestClient, rows: Callable[[], Rows], content: bytes, kind: str, status: int
) -> None:
    before = rows()
    headers = {"Origin": FRIEND} | ({"Content-Type": kind} if kind else {})
    answer = site.post(DOOR, content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert answer.json()["status"] == status
    assert rows() == before


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/api/nobody/subscribe", 404),
        ("GET", "/api/um/subscribe", 405),
        ("DELETE", "/api/um/form", 405),
        ("GET", "/api/um/nothing", 404),
    ],
)
def test_faults_speak_the_language_of_scripts(
    site: TestClient, office: Office, method: str, path: str, status: int
) -> None:
    answer = site.request(method, path, json=members(office))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_busy_database_asks_for_patience(
    office: Office, sqlite_url: str, rows: Callable[[], Rows]
) -> None:
    hasty = Database(sqlite_url, busy_seconds=0.05)
    before = rows()
    with office.database.write():
        answer = Visitor(replace(office, database=hasty)).post(DOOR, json=members(office))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert answer.headers["content-type"] == "application/problem+json"
    assert rows() == before
    hasty.close()


def preflight(site: TestClient, path: str, origin: str, method: str = "POST") -> Any:
    asks = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type",
    }
    return site.options(path, headers=asks)


@pytest.mark.parametrize(("path", "method"), [(DOOR, "POST"), ("/api/um/form", "GET")])
def test_a_site_that_is_allowed_may_come(site: TestClient, path: str, method: str) -> None:
    answer = preflight(site, path, FRIEND, method)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert answer.headers["access-control-allow-methods"] == method
    assert answer.headers["access-control-allow-headers"] == "Content-Type"
    assert "access-control-allow-credentials" not in answer.headers
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "https://www.um.example.evil.example",
        "http://www.um.example",
        "",
    ],
)
def test_no_other_site_may(site: TestClient, office: Office, origin: str) -> None:
    assert "access-control-allow-origin" not in preflight(site, DOOR, origin).headers
    answer = site.post(DOOR, json=members(office), headers={"Origin": origin})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert "Origin" in answer.headers["vary"]
    assert asked(office) == 0


def test_a_site_that_is_allowed_can_read_its_answer(site: TestClient, office: Office) -> None:
    for origin in (FRIEND, "https://news.example"):
        answer = site.post(DOOR, json=members(office), headers={"Origin": origin})
        assert answer.status_code == 202
        assert answer.headers["access-control-allow-origin"] == origin


def test_members_that_nobody_asked_for_are_passed_over(site: TestClient, office: Office) -> None:
    sent = members(office, topics=["x"], __proto__={}, language="xx")
    assert site.post(DOOR, content=json.dumps(sent), headers=JSON).status_code == 202


# The box for other sites


def test_the_box_brings_visitors_to_our_page_for_one_more_click(
    site: TestClient, office: Office, clock: Clock
) -> None:
    page = site.get("/um/embed?lang=en")
    assert page.status_code == 200
    box = html.unescape(page.text.partition("<code>")[2].partition("</code>")[0])
    assert subscribe_wording(UM, "en") in html.unescape(box)
    action = re.search(r'<form method="post" action="([^"]+)"', box)
    assert action is not None
    assert action[1] == "https://news.example/um/subscribe?lang=en"
    assert "<script" not in box
    path = action[1].removeprefix("https://news.example")
    click = TestClient.post(site, path, data={"email": "anna@example.org"})
    assert "One more click" in click.text
    assert asked(office) == 0


def test_the_box_speaks_each_language_of_its_newsroom(site: TestClient) -> None:
    pages = [site.get(f"/um/embed?lang={tag}").text for tag in ("da", "en")]
    assert pages[0] != pages[1]
    assert site.get("/nobody/embed").status_code == 404

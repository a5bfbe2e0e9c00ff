"""A visitor signs up: every address gets one answer, a wrong one gets help, a failure leaves nothing."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, select
from starlette.testclient import TestClient
from support.offices import UM, Clock, make_office

from mailer.core.token import keyed_hash
from mailer.services.office import Office
from mailer.store.database import Database
from mailer.store.tables import consent, suppression, wording
from mailer.texts.wording import subscribe_wording

Rows = dict[str, list[tuple[Any, ...]]]


def test_a_sign_up_is_answered_with_a_page_that_says_what_to_do(site: TestClient) -> None:
    answer = site.post("/um/subscribe?lang=en", data={"email": "reader@example.org"})
    assert answer.status_code == 303
    assert re.fullmatch(r"/um/check-mail/[\w.-]+\?lang=en", answer.headers["location"])
    page = site.get(answer.headers["location"])
    assert page.status_code == 200
    assert "Check your mail" in page.text
    assert "reader@example.org" not in page.text


def test_the_evidence_holds_what_was_shown_and_whence_it_came(
    site: TestClient, office: Office
) -> None:
    shown = html.unescape(site.get("/um").text)
    site.post(
        "/um/subscribe?lang=da",
        data={"email": "Reader@Example.org"},
        headers={"User-Agent": "Browser/1.0"},
    )
    with office.database.read() as connection:
        entry = connection.execute(select(consent)).one()
        words = connection.scalar(select(wording.c.text).where(wording.c.hash == entry.wording))
    assert (entry.act, entry.form) == ("asked", "web:/um/subscribe")
    assert (entry.address, entry.ip, entry.user_agent) == (
        "Reader@Example.org",
        "testclient",
        "Browser/1.0",
    )
    assert words == subscribe_wording(UM, "da")
    assert f'id="consent">{words}</p>' in shown


def test_known_and_unknown_addresses_get_the_same_bytes_but_for_the_pages_own_token(
    site: TestClient, office: Office, leave_link: Callable[[str], str], clock: Clock
) -> None:
    leave_link("active@example.org")
    site.post(leave_link("ended@example.org"))
    site.post("/um/subscribe", data={"email": "pending@example.org"})
    with office.database.write() as connection:
        mark = keyed_hash(office.keys.suppression, "suppressed@example.org")
        connection.execute(
            insert(suppression).values(hash=mark, reason="test", made_at=clock.moment)
        )
    answers = [
        site.post("/um/subscribe?lang=da", data={"email": f"{who}@example.org"})
        for who in ("unknown", "pending", "pending", "active", "ended", "suppressed")
    ]
    assert len({one.headers["location"] for one in answers}) == len(answers)
    assert len({len(one.headers["location"]) for one in answers}) == 1
    for one in answers:
        one.headers["location"] = re.sub(r"/[\w.-]+\?", "/TOKEN?", one.headers["location"])
    seen = {(one.status_code, tuple(one.headers.raw), one.content) for one in answers}
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Type your e-mail address."),
        ("   ", "Type your e-mail address."),
        ("reader", "This is not a whole e-mail address."),
        ("reader@", "This is not a whole e-mail address."),
        ("a@b@example.org", "This is not a whole e-mail address."),
        ("Reader <reader@example.org>", "This is not a whole e-mail address."),
        ("jørgen@example.org", "letters before the @"),
        ("reader\u202e@example.org", "a character that cannot be seen"),
        ("x" * 250 + "@example.org", "This address is too long."),
        ('"><script>alert(1)</script>', "This is not a whole e-mail address."),
    ],
)
def test_a_wrong_address_gets_the_form_again_with_help_beside_the_field(
    site: TestClient, rows: Callable[[], Rows], typed: str, words: str
) -> None:
    before = rows()
    answer = site.post("/um/subscribe?lang=en", data={"email": typed})
    assert answer.status_code == 422
    assert answer.headers["cache-control"] == "no-store"
    problem = re.search(r'<p class="problem" id="email-problem">(.*?)</p>', answer.text, re.DOTALL)
    assert problem is not None
    assert words in problem[1]
    field = re.search(r"<input [^>]*>", answer.text)
    assert field is not None
    assert 'aria-invalid="true"' in field[0]
    assert 'aria-describedby="email-problem consent"' in field[0]
    assert f'value="{html.escape(typed.strip()).replace("&quot;", "&#34;")}"' in field[0]
    assert "<title>Error: " in answer.text
    assert "<script" not in answer.text
    assert rows() == before


def test_a_missing_field_is_a_missing_address(site: TestClient) -> None:
    answer = site.post("/um/subscribe?lang=en", data={"mail": "reader@example.org"})
    assert answer.status_code == 422
    assert "Type your e-mail address." in answer.text


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\x00", "\x0b", "\u2028"])
def test_no_field_carries_a_line_of_its_own_into_anything(
    site: TestClient, rows: Callable[[], Rows], ending: str
) -> None:
    before = rows()
    bent = f"reader@example.org{ending}Bcc: victim@example.org"
    assert site.post("/um/subscribe", data={"email": bent}).status_code == 422
    assert rows() == before
    kept = site.post(
        "/um/subscribe", params={"lang": f"da{ending}X: y"}, data={"email": "a@b.example"}
    )
    assert re.fullmatch(r"/um/check-mail/[\w.-]+\?lang=da", kept.headers["location"])
    assert "x" not in kept.headers
    shown = site.get("/um", headers={"Accept-Language": "da, en"}, params={"lang": ending})
    assert shown.headers["content-language"] == "da"


def test_a_browser_that_calls_itself_strange_names_is_recorded_in_plain_letters(
    site: TestClient, office: Office
) -> None:
    named = b"Moz\xc2\x85illa\x01" + b"x" * 600
    site.post("/um/subscribe", data={"email": "a@b.example"}, headers={b"User-Agent": named})
    with office.database.read() as connection:
        agent = connection.scalar(select(consent.c.user_agent))
    assert agent is not None
    assert agent.isprintable()
    assert len(agent) == 500


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"email=a%40b.example", "text/plain", 415),
        (b"email=a%40b.example", "multipart/form-data; boundary=x", 415),
        (b"email=a%40b.example", "", 415),
        (b"email=%ff%40b.example", "application/x-www-form-urlencoded", 400),
        (b"email=\xff@b.example", "application/x-www-form-urlencoded", 400),
        (b"email=a%40b.example&email=c%40d.example", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"f%d=1" % n for n in range(201)), "application/x-www-form-urlencoded", 400),
        (b"email=" + b"a" * 8200, "application/x-www-form-urlencoded", 413),
        (b"email=" + b"a" * 2**20, "application/x-www-form-urlencoded", 413),
    ],
)
def test_what_no_form_of_ours_sends_is_refused_and_changes_nothing(
    site: TestClient, rows: Callable[[], Rows], content: bytes, kind: str, status: int
) -> None:
    before = rows()
    answer = site.post(
        "/um/subscribe?lang=en", content=content, headers={"Content-Type": kind} if kind else {}
    )
    assert answer.status_code == status
    assert "Nothing was changed." in answer.text
    assert rows() == before


def test_a_body_without_a_stated_length_is_bounded_too(site: TestClient) -> None:
    def endless() -> Any:
        for _ in range(1024):
            yield b"email=aaaa" * 100

    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert site.post("/um/subscribe", content=endless(), headers=kind).status_code == 413


def test_letters_as_a_terminal_sends_them_are_read(site: TestClient) -> None:
    kind = {"Content-Type": "Application/X-WWW-Form-URLencoded; charset=UTF-8"}
    answer = site.post(
        "/um/subscribe", content="email=reader@blåbær.example".encode(), headers=kind
    )
    assert answer.status_code == 200
    assert 'value="reader@blåbær.example"' in answer.text


def test_a_database_that_is_busy_asks_for_patience_and_nothing_is_half_done(
    visit: Callable[[Office], TestClient], office: Office, sqlite_url: str, rows: Callable[[], Rows]
) -> None:
    before = rows()
    hasty = Database(sqlite_url, busy_seconds=0.05)
    site = visit(make_office(hasty))
    with office.database.write():
        answer = site.post("/um/subscribe?lang=en", data={"email": "reader@example.org"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert "Nothing was changed." in answer.text
    assert rows() == before
    again = site.post("/um/subscribe", data={"email": "reader@example.org"})
    assert again.status_code == 303
    hasty.close()


def test_a_database_that_is_gone_asks_for_patience_without_naming_it(
    visit: Callable[[Office], TestClient], tmp_path: Any
) -> None:
    gone = Database(f"sqlite:///{tmp_path}/nowhere/mailer.sqlite")
    site = visit(make_office(gone))
    for answer in (
        site.post("/um/subscribe", data={"email": "reader@example.org"}),
        site.get("/um"),
        site.get("/um/releases/1-a"),
    ):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert "nowhere" not in answer.text
    assert site.get("/readyz").status_code == 503
    assert site.get("/healthz").status_code == 200
    gone.close()


def test_the_forms_address_leads_back_to_the_form(site: TestClient) -> None:
    answer = site.get("/um/subscribe?lang=en")
    assert (answer.status_code, answer.headers["location"]) == (303, "/um?lang=en")

"""The page that takes the code: it confirms without a link, and tells nobody whose address it was."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from starlette.testclient import TestClient
from support.offices import Clock
from support.waiting_mail import newest_request, right_code, wrong_code

from mailer.core.token import keyed_hash
from mailer.services.office import Office
from mailer.store.tables import consent, request, subscription, suppression

Rows = dict[str, list[tuple[Any, ...]]]
READER = "reader@example.org"


def sign_up(site: TestClient, address: str = READER, language: str = "en") -> str:
    answer = site.post(f"/um/subscribe?lang={language}", data={"email": address})
    assert answer.status_code == 303
    return str(answer.headers["location"])


def state_of(office: Office) -> str:
    with office.database.read() as connection:
        newest = select(subscription.c.state).order_by(subscription.c.id.desc())
        return str(connection.scalar(newest))


def test_the_page_has_one_field_and_one_button_and_names_nobody(site: TestClient) -> None:
    page = site.get(sign_up(site))
    assert page.status_code == 200
    assert page.text.count("<button") == page.text.count("<form") == 1
    assert READER not in page.text
    field = re.search(r"<input [^>]*>", page.text)
    assert field is not None
    for wanted in ('autocomplete="one-time-code"', 'inputmode="numeric"', 'dir="ltr"', "required"):
        assert wanted in field[0]
    assert "30 minutes" in page.text
    assert "72 hours" in page.text


def test_the_right_code_leads_to_the_page_that_says_it_is_done(
    site: TestClient, office: Office
) -> None:
    link = sign_up(site)
    code = right_code(office)
    answer = site.post(link, data={"code": f"{code[:3]} {code[3:]}"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/um/confirmed?lang=en")
    assert state_of(office) == "active"
    again = site.post(link, data={"code": code})
    assert again.headers.raw == answer.headers.raw
    with office.database.read() as connection:
        entry = connection.execute(select(consent).order_by(consent.c.id.desc())).first()
    assert entry is not None
    assert (entry.act, entry.form) == ("confirmed", "web:/um/check-mail")


def test_wrong_codes_get_help_beside_the_field_until_none_is_left(
    site: TestClient, office: Office
) -> None:
    link = sign_up(site)
    wrong = wrong_code(office, newest_request(office))
    malformed = site.post(link, data={"code": "12"})
    assert malformed.status_code == 422
    assert "all six digits" in malformed.text
    for left in (4, 3, 2, 1):
        answer = site.post(link, data={"code": wrong})
        assert answer.status_code == 422
        told = f"newest message. {left} {'try is' if left == 1 else 'tries are'} left."
        assert told in " ".join(answer.text.split())
        assert 'aria-invalid="true"' in answer.text
        assert 'aria-describedby="code-problem code-hint"' in answer.text
        assert "<title>Error: " in answer.text
        assert wrong not in answer.text
    used_up = site.post(link, data={"code": wrong})
    right = site.post(link, data={"code": right_code(office)})
    for answer in (used_up, right):
        assert answer.status_code == 429
        assert "<form" not in answer.text
        assert "Open the link in the message" in answer.text
    assert "<form" not in site.get(link).text
    assert state_of(office) == "pending"


def test_a_page_that_was_left_open_says_that_its_time_is_over(
    site: TestClient, office: Office, clock: Clock
) -> None:
    link = sign_up(site)
    clock.move(minutes=31)
    answer = site.post(link, data={"code": right_code(office)})
    assert answer.status_code == 410
    assert "The time for the code is over" in answer.text
    shown = site.get(link)
    assert (shown.status_code, "<form" in shown.text) == (200, False)
    assert state_of(office) == "pending"


def test_looking_at_the_page_changes_nothing_and_it_is_stored_nowhere(
    site: TestClient, rows: Callable[[], Rows]
) -> None:
    link = sign_up(site)
    before = rows()
    for _ in range(20):
        answer = site.get(link, headers={"User-Agent": "scanner"})
        head = site.head(link)
        assert (answer.status_code, head.status_code, head.content) == (200, 200, b"")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert rows() == before


def test_wrong_codes_get_the_same_bytes_whoever_it_is(
    site: TestClient, office: Office, leave_link: Callable[[str], str], clock: Clock
) -> None:
    leave_link("active@example.org")
    site.post(leave_link("left@example.org"))
    with office.database.write() as connection:
        mark = keyed_hash(office.keys.suppression, "suppressed@example.org")
        connection.execute(insert(suppression).values(hash=mark, reason="test", made_at=clock()))
    sign_up(site, "silent@example.org")
    links = [
        sign_up(site, f"{who}@example.org")
        for who in ("unknown", "silent", "active", "left", "suppressed")
    ]
    trapped = site.post("/um/subscribe?lang=en", data={"email": READER, "homepage": "x"})
    links.append(trapped.headers["location"])
    wrong = wrong_code(office, *range(1, newest_request(office) + 1))
    seen = set()
    for link in links:
        answers = [site.get(link), *(site.post(link, data={"code": wrong}) for _ in range(6))]
        token = link.partition("/check-mail/")[2].partition("?")[0]
        seen.add(
            tuple(
                (one.status_code, tuple(one.headers.raw), one.text.replace(token, "TOKEN"))
                for one in answers
            )
        )
    assert len({len(link) for link in links}) == 1
    assert len(seen) == 1


@pytest.mark.parametrize("door", ["/um/check-mail/{}", "/kefm/check-mail/{}"])
def test_a_page_bent_anywhere_is_none(
    site: TestClient, office: Office, rows: Callable[[], Rows], door: str
) -> None:
    token = sign_up(site).partition("/check-mail/")[2].partition("?")[0]
    before = rows()
    for place in range(len(token)):
        other = "A" if token[place] != "A" else "B"
        link = door.format(token[:place] + other + token[place + 1 :])
        assert site.post(link, data={"code": right_code(office)}).status_code == 404
        assert site.get(link).status_code == 404
    assert rows() == before


def test_a_code_is_good_at_its_own_newsroom_alone(site: TestClient, office: Office) -> None:
    link = sign_up(site).replace("/um/", "/kefm/")
    assert site.post(link, data={"code": right_code(office)}).status_code == 422
    assert state_of(office) == "pending"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"code=123456", "text/plain", 415),
        (b"code=%ff", "application/x-www-form-urlencoded", 400),
        (b"code=1&code=2", "application/x-www-form-urlencoded", 400),
        (b"code=" + b"1" * 2**20, "application/x-www-form-urlencoded", 413),
        (b"", "application/x-www-form-urlencoded", 422),
        (b"code=%00%0d%0a123456", "application/x-www-form-urlencoded", 422),
    ],
)
def test_what_no_form_of_ours_sends_is_refused_and_counts_for_nothing(
    site: TestClient, rows: Callable[[], Rows], content: bytes, kind: str, status: int
) -> None:
    link = sign_up(site)
    before = rows()
    assert site.post(link, content=content, headers={"Content-Type": kind}).status_code == status
    assert rows() == before


def test_without_a_sign_up_the_page_says_what_to_do(site: TestClient) -> None:
    page = site.get("/um/check-mail?lang=en")
    assert page.status_code == 200
    assert "<form" not in page.text
    assert "Open the link in it" in page.text


def test_a_page_names_its_sign_up_by_chance(site: TestClient, office: Office) -> None:
    for number in range(5):
        sign_up(site, f"reader{number}@example.org")
    with office.database.read() as connection:
        attempts = list(connection.scalars(select(request.c.attempt)))
        assert connection.scalar(select(func.count(request.c.attempt.distinct()))) == 5
    assert all(2**61 < attempt < 2**63 for attempt in attempts)
    assert sorted(attempts) != list(range(min(attempts), min(attempts) + 5))

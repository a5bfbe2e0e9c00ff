"""The other links of a confirmation mail: a fresh mail for an expired one, and “it was not me”."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient
from support.offices import KEFM, Clock
from support.waiting_mail import all_accepted, newest_request

from mailer.core.token import LinkPurpose
from mailer.services import waiting
from mailer.services.office import Office
from mailer.store.ledger_tables import delivery
from mailer.store.tables import subscription, suppression

Link = Callable[[str], str]
Rows = dict[str, list[tuple[Any, ...]]]
READER = "reader@example.org"


@pytest.fixture
def not_me_link(office: Office, confirm_link: Link) -> Link:
    """The path in a confirmation mail that says it was not its reader."""

    def make(address: str = READER) -> str:
        confirm_link(address)
        token = office.keys.tokens.sign(LinkPurpose.NOT_ME, newest_request(office), office.clock())
        return f"/not-me/{token}"

    return make


def mails(office: Office) -> list[str]:
    with office.database.read() as connection:
        return list(connection.scalars(select(delivery.c.purpose).order_by(delivery.c.id)))


def suppressed(office: Office) -> list[str]:
    with office.database.read() as connection:
        return list(connection.scalars(select(suppression.c.reason)))


def forget(office: Office, clock: Clock) -> None:
    for _ in range(8):
        all_accepted(office)
        clock.move(days=1)
        waiting.tend(office)


def test_a_fresh_mail_comes_by_one_button_and_once(
    site: TestClient, confirm_link: Link, clock: Clock, office: Office
) -> None:
    link = confirm_link(READER)
    clock.move(hours=73)
    first = site.post(f"{link}/again")
    second = site.post(f"{link}/again")
    assert first.status_code == second.status_code == 303
    assert re.fullmatch(r"/um/check-mail/[\w.-]+\?lang=da", first.headers["location"])
    assert len(first.headers["location"]) == len(second.headers["location"])
    assert mails(office) == ["confirm", "confirm"]
    assert site.get(first.headers["location"]).status_code == 200


def test_looking_where_a_button_acts_leads_back_to_it(
    site: TestClient, confirm_link: Link, not_me_link: Link, rows: Callable[[], Rows], clock: Clock
) -> None:
    confirm, refuse = confirm_link("other@example.org"), not_me_link(READER)
    clock.move(hours=73)
    before = rows()
    for link, door in ((confirm, "again"), (refuse, "undo")):
        answer = site.get(f"{link}/{door}?lang=en")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{link}?lang=en")
    assert rows() == before


def test_a_link_that_works_leads_back_to_its_own_button(
    site: TestClient, confirm_link: Link, rows: Callable[[], Rows]
) -> None:
    link = confirm_link(READER)
    before = rows()
    answer = site.post(f"{link}/again")
    assert (answer.status_code, answer.headers["location"]) == (303, link)
    assert rows() == before


def test_what_was_forgotten_says_so_and_has_no_button(
    site: TestClient, confirm_link: Link, clock: Clock, office: Office
) -> None:
    link = confirm_link(READER)
    forget(office, clock)
    for answer in (site.get(f"{link}?lang=en"), site.post(link), site.post(f"{link}/again")):
        assert answer.status_code == 410
        assert "<button" not in answer.text
        assert READER not in answer.text
    assert "has been deleted" in site.get(f"{link}?lang=en").text


def test_it_was_not_me_shows_one_button_and_acts_by_it_alone(
    site: TestClient, not_me_link: Link, office: Office, rows: Callable[[], Rows]
) -> None:
    link = not_me_link(READER)
    before = rows()
    for _ in range(20):
        page = site.get(f"{link}?lang=en", headers={"User-Agent": "scanner"})
        assert site.head(link).status_code == 200
    assert rows() == before
    assert READER in page.text
    assert page.text.count("<button") == page.text.count("<form") == 1
    assert f'<form method="post" action="{link}?lang=en">' in page.text

    done = site.post(f"{link}?lang=en")
    assert done.status_code == 200
    assert "We will not write to you again" in done.text
    assert suppressed(office) == ["not_me"]
    after = rows()
    assert site.post(f"{link}?lang=en").text == done.text == site.get(f"{link}?lang=en").text
    assert rows() == after


def test_it_is_taken_back_by_the_button_of_the_same_page(
    site: TestClient, not_me_link: Link, office: Office
) -> None:
    link = not_me_link(READER)
    page = site.post(f"{link}?lang=en")
    (action,) = re.findall(r'<form method="post" action="([^"]+)"', page.text)
    assert action == f"{link}/undo?lang=en"
    answer = site.post(action)
    assert (answer.status_code, "Taken back" in answer.text) == (200, True)
    assert suppressed(office) == []
    assert "It was not you?" in site.get(f"{link}?lang=en").text


def test_who_has_confirmed_is_led_to_the_page_to_leave(
    site: TestClient, not_me_link: Link, office: Office
) -> None:
    refuse = not_me_link(READER)
    number = newest_request(office)
    token = office.keys.tokens.sign(LinkPurpose.CONFIRM, number, office.clock())
    site.post(f"/confirm/{token}")
    page = site.post(f"{refuse}?lang=en")
    (leave,) = re.findall(r'href="(/leave/[^"]+)"', page.text)
    assert "<form" not in page.text
    assert site.post(leave).status_code == 200
    with office.database.read() as connection:
        assert connection.scalar(select(subscription.c.state)) == "ended"


def test_nothing_left_to_stop_says_so(
    site: TestClient, not_me_link: Link, office: Office, clock: Clock
) -> None:
    link = not_me_link(READER)
    forget(office, clock)
    for answer in (site.get(f"{link}?lang=en"), site.post(f"{link}?lang=en")):
        assert answer.status_code == 410
        assert "nothing left to stop" in answer.text


def test_a_newsroom_that_is_gone_can_still_be_kept_out(
    office: Office, not_me_link: Link, visit: Callable[[Office], TestClient]
) -> None:
    link = not_me_link(READER)
    site = visit(replace(office, newsrooms={KEFM.key: KEFM}))
    assert site.get(link).status_code == site.post(link).status_code == 200
    assert suppressed(office) == ["not_me"]


def test_a_link_bent_anywhere_stops_nothing(
    site: TestClient, not_me_link: Link, rows: Callable[[], Rows], office: Office
) -> None:
    link = not_me_link(READER)
    door, _, token = link.rpartition("/")
    before = rows()
    for place in range(len(token)):
        other = "A" if token[place] != "A" else "B"
        wrong = f"{door}/{token[:place]}{other}{token[place + 1 :]}"
        assert site.post(wrong).status_code == site.post(f"{wrong}/undo").status_code == 404
    for purpose in set(LinkPurpose) - {LinkPurpose.NOT_ME}:
        foreign = office.keys.tokens.sign(purpose, newest_request(office), office.clock())
        assert site.post(f"/not-me/{foreign}").status_code == 404
    assert rows() == before


def test_pages_behind_the_link_are_stored_and_indexed_nowhere(
    site: TestClient, not_me_link: Link
) -> None:
    link = not_me_link(READER)
    for answer in (site.get(link), site.post(link), site.post(f"{link}/undo"), site.get(link[:-1])):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert "Disallow: /not-me/" in site.get("/robots.txt").text

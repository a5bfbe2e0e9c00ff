"""The links in mails: looking changes nothing, pressing acts once, leaving is always granted."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient
from support.offices import KEFM, UM, Clock

from mailer.core.token import LinkPurpose
from mailer.services.office import Office
from mailer.store.tables import consent, subscription

Link = Callable[[str], str]
Rows = dict[str, list[tuple[Any, ...]]]
READER = "reader@example.org"
ONE_CLICK = (
    b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
)


def state_of(office: Office) -> str:
    with office.database.read() as connection:
        return str(connection.scalar(select(subscription.c.state)))


def test_the_confirm_page_shows_what_will_be_confirmed_and_one_button(
    site: TestClient, confirm_link: Link
) -> None:
    link = confirm_link(READER)
    page = site.get(link)
    assert page.status_code == 200
    assert READER in page.text
    assert UM.name in page.text
    assert page.text.count("<button") == page.text.count("<form") == 1
    assert f'<form method="post" action="{link}">' in page.text


def test_looking_at_links_a_hundred_times_changes_nothing(
    site: TestClient, confirm_link: Link, leave_link: Link, rows: Callable[[], Rows]
) -> None:
    links = [leave_link("other@example.org"), confirm_link(READER)]
    before = rows()
    for number in range(50):
        for link in links:
            assert site.get(link, headers={"User-Agent": f"scanner/{number}"}).status_code == 200
            head = site.head(f"{link}?lang=en")
            assert (head.status_code, head.content) == (200, b"")
    assert rows() == before


def test_the_button_confirms_and_pressed_again_it_says_the_same(
    site: TestClient, confirm_link: Link, office: Office, rows: Callable[[], Rows]
) -> None:
    link = confirm_link(READER)
    first = site.post(link)
    assert state_of(office) == "active"
    after = rows()
    second = site.post(link)
    assert (first.status_code, first.headers["location"]) == (303, "/um/confirmed?lang=da")
    assert first.headers.raw == second.headers.raw
    assert rows() == after
    assert "Du er nu tilmeldt" in site.get(first.headers["location"]).text
    looked = site.get(link)
    assert looked.status_code == 200
    assert "Du er nu tilmeldt" in looked.text
    assert "<button" not in looked.text


def test_a_confirmation_is_evidence(site: TestClient, confirm_link: Link, office: Office) -> None:
    site.post(confirm_link(READER), headers={"User-Agent": "Browser/2.0"})
    with office.database.read() as connection:
        entry = connection.execute(select(consent).where(consent.c.act == "confirmed")).one()
    assert (entry.form, entry.ip, entry.user_agent) == ("web:/confirm", "testclient", "Browser/2.0")


def test_a_link_past_its_time_says_so_and_offers_a_fresh_mail(
    site: TestClient, confirm_link: Link, clock: Clock, office: Office, rows: Callable[[], Rows]
) -> None:
    link = confirm_link(READER)
    clock.move(hours=73)
    before = rows()
    for answer in (site.get(link), site.post(link)):
        assert answer.status_code == 410
        assert "Linket er udløbet" in answer.text
        assert 'href="/um"' in answer.text
        assert answer.text.count("<button") == answer.text.count("<form") == 1
        assert f'<form method="post" action="{link}/again">' in answer.text
    assert rows() == before
    assert state_of(office) == "pending"


def bent(token: str) -> Iterator[str]:
    for place, letter in enumerate(token):
        yield token[:place] + ("A" if letter != "A" else "B") + token[place + 1 :]
        yield token[:place] + token[place + 1 :]
    yield from (
        f"{token}A",
        f"{token}=",
        f"{token}%0A",
        f"%20{token}",
        token.upper(),
        "%00",
        "æ",
    )


@pytest.mark.parametrize("purpose", list(LinkPurpose))
def test_a_link_bent_anywhere_opens_nothing(
    site: TestClient,
    confirm_link: Link,
    leave_link: Link,
    rows: Callable[[], Rows],
    purpose: LinkPurpose,
) -> None:
    link = confirm_link(READER) if purpose is LinkPurpose.CONFIRM else leave_link(READER)
    door, _, token = link.rpartition("/")
    before = rows()
    for wrong in bent(token):
        answer = site.post(f"{door}/{wrong}")
        assert answer.status_code == 404, wrong
        assert READER not in answer.text
    assert site.get(f"{door}/{token[:-1]}").status_code == 404
    assert rows() == before


def test_a_link_opens_its_own_door_alone(
    site: TestClient, confirm_link: Link, leave_link: Link, rows: Callable[[], Rows]
) -> None:
    leaving, confirming = leave_link("other@example.org"), confirm_link(READER)
    before = rows()
    for link in (
        leaving.replace("/leave/", "/confirm/"),
        confirming.replace("/confirm/", "/leave/"),
    ):
        assert site.get(link).status_code == site.post(link).status_code == 404
    assert rows() == before


def test_the_page_to_leave_masks_the_address_for_its_link_travels(
    site: TestClient, leave_link: Link
) -> None:
    link = leave_link(READER)
    for page in (site.get(link), site.post(link), site.get(link)):
        assert page.status_code == 200
        assert READER not in page.text


def test_the_page_to_leave_still_tells_which_mailbox_it_is_about(
    site: TestClient, leave_link: Link
) -> None:
    page = site.get(leave_link(READER))
    assert "r***@example.org" in page.text
    assert page.text.count("<button") == page.text.count("<form") == 1


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"", {}),
        (b"List-Unsubscribe=One-Click", {"Content-Type": "application/x-www-form-urlencoded"}),
        (ONE_CLICK, {"Content-Type": "multipart/form-data; boundary=x"}),
        (b"\xff\x00garbage", {"Content-Type": "application/octet-stream"}),
        (b"x" * 2**20, {"Content-Type": "text/plain"}),
        (b"", {"User-Agent": "", "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}),
    ],
)
def test_one_click_leaves_whatever_the_mail_reader_sends(
    site: TestClient,
    leave_link: Link,
    office: Office,
    content: bytes,
    headers: dict[str, str],
) -> None:
    answer = site.post(leave_link(READER), content=content, headers=headers)
    assert (answer.status_code, "location" in answer.headers) == (200, False)
    assert "Du er afmeldt" in answer.text
    assert state_of(office) == "ended"


def test_leaving_again_is_granted_again_and_recorded_once(
    site: TestClient, leave_link: Link, rows: Callable[[], Rows], clock: Clock
) -> None:
    link = leave_link(READER)
    site.post(link)
    after = rows()
    clock.move(days=5000)
    again = site.post(link)
    looked = site.get(link)
    assert (again.status_code, looked.status_code) == (200, 200)
    assert "Du er afmeldt" in looked.text
    assert "<button" not in looked.text
    assert rows() == after


def test_a_newsroom_that_is_gone_can_still_be_left(
    office: Office, leave_link: Link, visit: Callable[[Office], TestClient]
) -> None:
    link = leave_link(READER)
    site = visit(replace(office, newsrooms={KEFM.key: KEFM}))
    assert site.get(link).status_code == 200
    assert site.post(link).status_code == 200
    assert state_of(office) == "ended"


def test_a_newsroom_that_is_gone_can_no_longer_be_confirmed(
    office: Office, confirm_link: Link, visit: Callable[[Office], TestClient]
) -> None:
    link = confirm_link(READER)
    site = visit(replace(office, newsrooms={KEFM.key: KEFM}))
    assert site.get(link).status_code == site.post(link).status_code == 404
    assert state_of(office) == "pending"


def test_a_page_speaks_the_language_of_the_sign_up_before_the_browsers(
    site: TestClient, office: Office
) -> None:
    site.post("/um/subscribe?lang=en", data={"email": READER})
    token = office.keys.tokens.sign(LinkPurpose.CONFIRM, 1, office.clock())
    browser = {"Accept-Language": "da"}
    page = site.get(f"/confirm/{token}", headers=browser)
    assert page.headers["content-language"] == "en"
    switched = site.get(f"/confirm/{token}?lang=da", headers=browser)
    assert switched.headers["content-language"] == "da"
    assert f'action="/confirm/{token}?lang=da"' in switched.text


@pytest.mark.parametrize("purpose", list(LinkPurpose))
def test_pages_behind_a_link_are_stored_and_indexed_nowhere(
    site: TestClient, confirm_link: Link, leave_link: Link, purpose: LinkPurpose
) -> None:
    link = confirm_link(READER) if purpose is LinkPurpose.CONFIRM else leave_link(READER)
    for answer in (site.get(link), site.post(link), site.get(link[:-1])):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"

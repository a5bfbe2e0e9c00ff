"""Behind the mailed link: looking changes nothing, each press acts once and says what it did."""

import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient
from support.choosing import ask_link, manage_token
from support.offices import KEFM, UM, Clock, make_office
from support.readers import acts, make_active, notices

from mailer.core.choice import Choice, from_plain
from mailer.core.newsroom import Topic
from mailer.core.token import LinkPurpose
from mailer.services.office import Office
from mailer.store.database import Database
from mailer.store.tables import consent, subscription

ANNA = "anna@example.org"
Rows = dict[str, list[tuple[Any, ...]]]
TOPICS = (
    Topic("climate", (("da", "Klima"), ("en", "Climate"))),
    Topic("trade", (("da", "Handel"), ("en", "Trade"))),
)


@pytest.fixture
def office(sqlite_database: Database, clock: Clock) -> Office:
    """An office whose first newsroom offers topics."""
    rooms = {"um": replace(UM, topics=TOPICS), "kefm": KEFM}
    return make_office(sqlite_database, clock, newsrooms=rooms)


@pytest.fixture
def link(office: Office) -> str:
    """The path in the mail of a reader with two subscriptions."""
    make_active(office, ANNA)
    make_active(office, ANNA, newsroom=KEFM)
    ask_link(office, ANNA)
    return f"/manage/{manage_token(office)}"


def form_of(page: str, key: str) -> dict[str, str]:
    """What a browser would send for a newsroom's form, untouched."""
    (form,) = [
        part
        for part in re.findall(r'<form class="choice".*?</form>', page, re.DOTALL)
        if f'name="newsroom" value="{key}"' in part
    ]
    sent: dict[str, str] = {}
    for field in re.findall(r"<input [^>]*>", form):
        said = dict(re.findall(r'(\w+)="([^"]*)"', field))
        if said.get("type") not in {"radio", "checkbox"} or " checked" in field:
            sent[said["name"]] = html.unescape(said.get("value", ""))
    for name, options in re.findall(r'<select [^>]*name="([^"]+)">(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)"[^>]* selected', options)
        first = re.search(r'value="([^"]*)"', options)
        assert first is not None
        sent[name] = (chosen or first)[1]
    return sent


def said(page: str) -> str:
    found = re.search(r'<div class="said[^"]*" role="status">(.*?)</div>', page, re.DOTALL)
    return " ".join(re.sub("<[^>]+>", " ", found[1]).split()) if found else ""


def test_the_page_shows_every_newsroom_of_the_mailbox(site: TestClient, link: str) -> None:
    page = site.get(f"{link}?lang=en")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    for words in (ANNA, UM.name, KEFM.name, "Climate", "Stop everything"):
        assert words in page.text
    assert "<script" not in page.text
    assert form_of(page.text, "um")["which"] == "all"
    assert "which" not in form_of(page.text, "kefm"), "no topics are offered there"
    assert "How often" not in page.text, "there is one frequency alone"


def test_looking_changes_nothing(site: TestClient, link: str, rows: Callable[[], Rows]) -> None:
    before = rows()
    for path in (link, f"{link}/erase", f"{link}/everything.json", f"{link}/move"):
        for _ in range(3):
            assert site.get(path, headers={"User-Agent": "scanner"}).status_code == 200
            assert site.head(path).content == b""
    assert rows() == before


def test_a_press_saves_once_and_never_lies_when_it_comes_again(
    site: TestClient, link: str, office: Office, rows: Callable[[], Rows]
) -> None:
    sent = form_of(site.get(f"{link}?lang=en").text, "um")
    sent |= {"which": "some", "topic-trade": "on", "language-1": "en", "language-2": "da"}
    sent |= {"until": "2026-03-10"}
    first = site.post(f"{link}?lang=en", data=sent)
    assert first.status_code == 200
    assert said(first.text) == (f"Saved. Changed at {UM.name}: topics languages the break")
    assert "You are taking a break until 10 March 2026." in first.text
    after = rows()
    again = site.post(f"{link}?lang=en", data=sent)
    assert said(again.text).startswith("There was nothing to change")
    assert rows() == after
    with office.database.read() as connection:
        entry = connection.execute(select(consent).where(consent.c.act == "chosen")).one()
    wanted = Choice(("en", "da"), ("trade",), paused_until=datetime(2026, 3, 9, 23, tzinfo=UTC))
    assert from_plain(entry.choice) == wanted


def test_an_old_page_changes_nothing_and_says_so(
    site: TestClient, link: str, rows: Callable[[], Rows]
) -> None:
    old = form_of(site.get(link).text, "um")
    site.post(link, data={**old, "which": "some", "topic-trade": "on"})
    after = rows()
    answer = site.post(f"{link}?lang=en", data={**old, "which": "some", "topic-climate": "on"})
    assert said(answer.text).startswith("Nothing was saved")
    assert rows() == after
    shown = form_of(answer.text, "um")
    assert "topic-trade" in shown, "the page shows what stands"
    assert "topic-climate" not in shown


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"which": "some"}, "Choose at least one topic"),
        ({"language-1": "", "language-2": ""}, "Choose at least one language"),
        ({"language-1": "fr"}, "Choose at least one language"),
        ({"until": "2026-03-02"}, "This day has passed or is today"),
        ({"until": "1999-01-01"}, "This day has passed or is today"),
        ({"until": "2031-01-01"}, "a break is a year at most"),
        ({"until": "next week"}, "This is not a day"),
        ({"until": "2026-02-30"}, "This is not a day"),
        ({"until": "\x00" * 60}, "This is not a day"),
    ],
)
def test_what_cannot_be_a_choice_gets_the_form_again(
    site: TestClient,
    link: str,
    rows: Callable[[], Rows],
    changes: dict[str, str],
    words: str,
) -> None:
    sent = form_of(site.get(link).text, "um") | changes
    before = rows()
    answer = site.post(f"{link}?lang=en", data=sent)
    assert answer.status_code == 422
    assert words in html.unescape(answer.text)
    assert "<title>Error:" in answer.text
    assert rows() == before


@pytest.mark.parametrize(
    "sent",
    [
        {"what": "ever"},
        {"act": "delete"},
        {"act": "save"},
        {"act": "save", "newsroom": "nowhere"},
        {"act": "save", "newsroom": "um\r\nX: y"},
    ],
)
def test_what_no_form_of_ours_sends_is_refused(
    site: TestClient, link: str, rows: Callable[[], Rows], sent: dict[str, str]
) -> None:
    before = rows()
    assert site.post(link, data=sent).status_code == 400
    assert rows() == before


def test_one_newsroom_is_left_and_the_link_goes_on(
    site: TestClient, link: str, office: Office
) -> None:
    answer = site.post(f"{link}?lang=en", data={"act": "end", "newsroom": "um"})
    assert said(answer.text).startswith(f"You are unsubscribed from {UM.name}.")
    assert acts(office, ANNA)[-1] == "left"
    assert acts(office, ANNA, newsroom=KEFM)[-1] == "confirmed"
    again = site.post(f"{link}?lang=en", data={"act": "end", "newsroom": "um"})
    assert said(again.text).startswith("There was nothing to change")
    assert site.get(link).status_code == 200


def test_everything_is_stopped_with_one_press(site: TestClient, link: str, office: Office) -> None:
    answer = site.post(f"{link}?lang=en", data={"act": "stop"})
    assert said(answer.text).startswith("Everything is stopped")
    with office.database.read() as connection:
        assert set(connection.scalars(select(subscription.c.state))) == {"ended"}
    assert "Download everything" in answer.text, "rights outlive subscriptions"
    assert said(site.post(link, data={"act": "stop"}).text)


def test_a_link_that_is_over_says_so_and_offers_a_fresh_one(
    site: TestClient, link: str, clock: Clock, office: Office, rows: Callable[[], Rows]
) -> None:
    clock.move(hours=25)
    before = rows()
    for answer in (
        site.get(f"{link}?lang=en"),
        site.post(f"{link}?lang=en", data={"act": "stop"}),
        site.get(f"{link}/everything.json?lang=en"),
        site.post(f"{link}/erase?lang=en"),
        site.post(f"{link}/move?lang=en", data={"email": "b@example.org"}),
    ):
        assert answer.status_code == 410
        assert "This link is over" in answer.text
        assert 'href="/um/manage?lang=en"' in answer.text
        assert ANNA not in answer.text
    assert rows() == before


@pytest.mark.parametrize("below", ["", "/erase", "/everything.json", "/move"])
@pytest.mark.parametrize("purpose", [each for each in LinkPurpose if each != LinkPurpose.MANAGE])
def test_no_other_link_opens_what_this_one_does(
    site: TestClient,
    link: str,
    office: Office,
    rows: Callable[[], Rows],
    purpose: LinkPurpose,
    below: str,
) -> None:
    """The link to leave travels with every release that somebody passes on; it opens nothing here."""
    before = rows()
    for number in (1, 2, 3):
        other = office.keys.tokens.sign(purpose, number, office.clock())
        assert site.get(f"/manage/{other}{below}").status_code == 404
        if not below.endswith("json"):
            data = {"act": "stop", "email": "thief@example.org"}
            assert site.post(f"/manage/{other}{below}", data=data).status_code == 404
    assert rows() == before


def test_a_link_bent_anywhere_opens_nothing(
    site: TestClient, link: str, rows: Callable[[], Rows]
) -> None:
    door, _, token = link.rpartition("/")
    before = rows()
    for place, letter in enumerate(token):
        bent = token[:place] + ("A" if letter != "A" else "B") + token[place + 1 :]
        assert site.post(f"{door}/{bent}/erase").status_code == 404, bent
    assert rows() == before


def test_everything_kept_can_be_taken_along(site: TestClient, link: str) -> None:
    answer = site.get(f"{link}/everything.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == 'attachment; filename="everything.json"'
    found = json.loads(answer.content)
    assert found["subscriber"]["mailbox"] == ANNA
    assert [one["newsroom"] for one in found["subscriptions"]] == ["um", "kefm"]


def test_erasing_asks_once_more_and_then_nothing_is_left(
    site: TestClient, link: str, rows: Callable[[], Rows]
) -> None:
    asked = site.get(f"{link}/erase?lang=en")
    assert "This cannot be undone." in asked.text
    assert asked.text.count('<button type="submit">') == 1
    assert ANNA in str(rows())
    done = site.post(f"{link}/erase?lang=en")
    assert done.status_code == 200
    assert "You are erased" in done.text
    assert "anna" not in str(rows())
    assert site.get(link).status_code == site.post(f"{link}/erase").status_code == 404


def test_a_new_address_is_asked_for_confirmed_and_told(
    site: TestClient, link: str, office: Office
) -> None:
    new = "anna@new.example"
    asked = site.post(f"{link}/move?lang=en", data={"email": new})
    assert said(asked.text).startswith("We are sending a mail to the new address.")
    assert f"{new}</strong>" in asked.text
    (move, moving) = [one for one in notices(office) if one[0] in {"move", "moving"}]
    assert (move[2], moving[2]) == (new, ANNA)
    number = int(move[1].rpartition(":")[2])
    token = office.keys.tokens.sign(LinkPurpose.CONFIRM, number, office.clock())
    shown = site.get(f"/confirm/{token}?lang=en")
    assert "Confirm your new address" in shown.text
    assert UM.name in shown.text
    assert KEFM.name in shown.text
    done = site.post(f"/confirm/{token}?lang=en")
    assert (done.status_code, done.headers["location"]) == (303, "/um/moved?lang=en")
    assert "Your address is changed" in site.get(done.headers["location"]).text
    assert "Your address is changed" in site.get(f"/confirm/{token}?lang=en").text
    assert site.post(f"/confirm/{token}?lang=en").status_code == 303
    assert notices(office)[-1][::2] == ("moved", ANNA)
    assert site.get(link).status_code == 410, "what moved away is not to be reached from here"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Type your e-mail address."),
        ("anna", "This is not a whole e-mail address."),
        ("ANNA@example.org", "This is the address that you have now."),
        ("b@example.org\r\nBcc: c@example.org", "a character that cannot be seen"),
    ],
)
def test_a_wrong_new_address_gets_help_beside_the_field(
    site: TestClient, link: str, rows: Callable[[], Rows], typed: str, words: str
) -> None:
    before = rows()
    answer = site.post(f"{link}/move?lang=en", data={"email": typed})
    assert answer.status_code == 422
    assert words in answer.text
    assert "<title>Error:" in answer.text
    assert rows() == before


def test_a_change_of_address_can_be_taken_back(site: TestClient, link: str, office: Office) -> None:
    site.post(f"{link}/move", data={"email": "anna@new.example"})
    page = site.post(f"{link}?lang=en", data={"act": "stay"})
    assert said(page.text).startswith("The change of address is taken back.")
    assert "anna@new.example" not in page.text
    again = site.post(f"{link}?lang=en", data={"act": "stay"})
    assert said(again.text) == "There was no change of address to take back."
    (move,) = [one for one in notices(office) if one[0] == "move"]
    number = int(move[1].rpartition(":")[2])
    token = office.keys.tokens.sign(LinkPurpose.CONFIRM, number, office.clock())
    for answer in (site.get(f"/confirm/{token}"), site.post(f"/confirm/{token}")):
        assert answer.status_code == 410


def test_the_form_that_mails_a_link_answers_everybody_alike(
    site: TestClient, link: str, clock: Clock
) -> None:
    clock.move(hours=1)
    answers = [
        site.post("/um/manage?lang=da", data={"email": address})
        for address in (ANNA, ANNA, "stranger@example.org", "STRANGER@example.org")
    ]
    assert len({(one.status_code, tuple(one.headers.raw), one.content) for one in answers}) == 1
    assert answers[0].headers["location"] == "/um/link-sent?lang=da"
    shown = site.get("/um/link-sent?lang=en")
    assert "If the address subscribes with us" in shown.text


def test_the_form_that_mails_a_link_helps_with_a_wrong_address(site: TestClient) -> None:
    assert "Mail me the link" in site.get("/um/manage?lang=en").text
    answer = site.post("/um/manage?lang=en", data={"email": "anna@"})
    assert answer.status_code == 422
    assert "This is not a whole e-mail address." in answer.text
    assert site.post("/nowhere/manage", data={"email": ANNA}).status_code == 404


def test_the_log_masks_the_link(
    site: TestClient, link: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="mailer.web.watch"):
        site.get(f"{link}/everything.json")
    assert link.rpartition("/")[2] not in caplog.text
    assert "/manage/***" in caplog.text

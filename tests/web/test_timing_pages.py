"""How often mail comes: chosen at the sign-up and behind the mailed link, in words, without a script."""

import html
import re
from dataclasses import replace

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient
from support.choosing import ask_link, manage_token
from support.digesting import ALL, choose, publish_now, waiting
from support.offices import KEFM, UM, Clock, make_office
from support.readers import acts, confirm_token, make_active

from mailer.core.choice import Choice, from_plain
from mailer.core.token import LinkPurpose
from mailer.services import digest
from mailer.services.office import Office
from mailer.store.database import Database
from mailer.store.tables import consent, subscription

ANNA = "anna@example.org"


@pytest.fixture
def office(sqlite_database: Database, clock: Clock) -> Office:
    """Two newsrooms with every frequency; the first lets fresh readers catch up."""
    rooms = {
        "um": replace(UM, frequencies=ALL, catch_up=2),
        "kefm": replace(KEFM, frequencies=("weekly",)),
    }
    return make_office(sqlite_database, clock, newsrooms=rooms)


def link(office: Office, *newsrooms: str) -> str:
    for key in newsrooms:
        make_active(office, ANNA, newsroom=office.newsroom(key))
    ask_link(office, ANNA)
    return f"/manage/{manage_token(office)}"


def form_of(page: str, key: str) -> dict[str, str]:
    """What a browser would send for a newsroom's form, untouched."""
    forms = re.findall(r'<form class="choice".*?</form>', page, re.DOTALL)
    (form,) = [each for each in forms if f'name="newsroom" value="{key}"' in each]
    sent: dict[str, str] = {}
    for field in re.findall(r"<input [^>]*>", form):
        told = dict(re.findall(r'([\w-]+)="([^"]*)"', field))
        if told.get("type") not in {"radio", "checkbox"} or " checked" in field:
            sent[told["name"]] = html.unescape(told.get("value", ""))
    for name, options in re.findall(r'<select [^>]*name="([^"]+)">(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)"[^>]* selected', options)
        sent[name] = chosen[1] if chosen else ""
    return sent


def choice_of(office: Office, newsroom: str = "um") -> Choice:
    """The last choice on record."""
    query = (
        select(consent.c.choice)
        .join(subscription)
        .where(subscription.c.newsroom == newsroom, consent.c.choice.is_not(None))
        .order_by(consent.c.id.desc())
        .limit(1)
    )
    with office.database.read() as connection:
        return from_plain(connection.execute(query).scalar_one())


def test_what_is_offered_is_asked_in_words(site: TestClient, office: Office) -> None:
    page = site.get(f"{link(office, 'um', 'kefm')}?lang=en").text
    for words in ("Once a day, all in one mail", "Once a week, all in one mail", "Monday"):
        assert words in page
    assert "at_once<" not in page
    assert page.count('name="frequency"') == 3, "the other newsroom has one alone"
    assert page.count('name="merged"') == 2
    assert form_of(page, "um")["hour"] == "8"
    danish = site.get(f"{link(office)}?lang=da").text
    assert ">mandag<" in danish
    assert ">08.00<" in danish


def test_one_newsroom_alone_has_nothing_to_merge(site: TestClient, office: Office) -> None:
    assert 'name="merged"' not in site.get(link(office, "um")).text


def test_a_press_saves_hour_and_day_and_what_goes_with_them(
    site: TestClient, office: Office
) -> None:
    path = link(office, "um", "kefm")
    sent = form_of(site.get(path).text, "um")
    assert sent["urgent"] == "on"
    del sent["urgent"]
    sent |= {"frequency": "weekly", "hour": "17", "weekday": "4", "merged": "on"}
    answer = site.post(f"{path}?lang=en", data=sent)
    assert answer.status_code == 200
    for words in ("how often", "when mail comes", "urgent press releases", "one mail for several"):
        assert words in answer.text
    expected = Choice(
        ("da",), frequency="weekly", hour=17, weekday=4, urgent_at_once=False, merged=True
    )
    assert choice_of(office) == expected
    again = form_of(site.get(path).text, "um")
    assert {name: again.get(name) for name in sent} == {**sent, "mark": again["mark"]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"frequency": "hourly"}, "Choose how often you want mail"),
        ({"hour": "24"}, "Choose the hour and the day from the lists"),
        ({"hour": "-1"}, "Choose the hour and the day from the lists"),
        ({"weekday": "7"}, "Choose the hour and the day from the lists"),
        ({"weekday": "²"}, "Choose the hour and the day from the lists"),
    ],
)
def test_what_is_no_time_is_refused_and_said(
    site: TestClient, office: Office, changes: dict[str, str], words: str
) -> None:
    path = link(office, "um")
    sent = form_of(site.get(path).text, "um") | changes
    answer = site.post(f"{path}?lang=en", data=sent)
    assert answer.status_code == 422
    assert words in answer.text
    assert acts(office, ANNA)[-1] == "confirmed", "nothing was chosen"


def test_a_sign_up_says_how_often_and_catches_up(site: TestClient, office: Office) -> None:
    for number in range(3):
        publish_now(office, f"Nummer {number}")
    page = site.get("/um?lang=en").text
    assert "Once a week, all in one mail" in page
    assert (
        site.post("/um/subscribe", data={"email": ANNA, "frequency": "weekly"}).status_code == 303
    )
    site.post(f"/confirm/{confirm_token(office)}")
    assert choice_of(office).frequency == "weekly"
    assert sorted(number for _, number in waiting(office)) == [2, 3], "the last two"
    assert digest.send_due(office).digests == 1, "at once, whatever was chosen"
    site.post("/um/subscribe", data={"email": ANNA, "frequency": "daily"})
    token = office.keys.tokens.sign(LinkPurpose.LEAVE, 1, office.clock())
    site.post(f"/leave/{token}")
    site.post("/um/subscribe", data={"email": ANNA, "frequency": "daily"})
    site.post(f"/confirm/{confirm_token(office)}")
    assert waiting(office) == {}, "no release twice, however often somebody comes anew"


def test_who_does_not_say_has_the_first_that_is_offered(site: TestClient, office: Office) -> None:
    for sent in ({}, {"frequency": "hourly"}):
        site.post("/kefm/subscribe", data={"email": ANNA, **sent})
        site.post(f"/confirm/{confirm_token(office)}")
        assert choice_of(office, "kefm").frequency == "weekly"


def test_a_wrong_address_keeps_what_was_chosen(site: TestClient) -> None:
    page = site.post("/um/subscribe", data={"email": "anna@", "frequency": "weekly"}).text
    assert 'value="weekly" checked' in page


def test_one_press_leaves_all_that_comes_in_one_mail(
    site: TestClient, office: Office, clock: Clock
) -> None:
    link(office, "um", "kefm")
    make_active(office, "bo@example.org", newsroom=office.newsroom("um"))
    choose(office, ANNA, frequency="daily", merged=True)
    choose(office, ANNA, newsroom=KEFM, merged=True)
    path = f"/leave-all/{office.keys.tokens.sign(LinkPurpose.LEAVE_ALL, 1, clock())}"
    page = site.get(f"{path}?lang=en")
    assert f"{UM.name} and {KEFM.name}" in page.text
    assert page.headers["cache-control"] == "no-store"

    def active() -> int:
        query = select(func.count()).where(subscription.c.state == "active")
        with office.database.read() as connection:
            return connection.execute(query).scalar_one()

    assert active() == 3, "looking changes nothing"
    for _ in range(2):
        left = site.post(path, data={"List-Unsubscribe": "One-Click"})
        assert left.status_code == 200
        assert active() == 1
    assert "Udenrigsministeriet" in site.get(path).text


def test_it_leaves_what_comes_by_itself(site: TestClient, office: Office, clock: Clock) -> None:
    link(office, "um", "kefm")
    choose(office, ANNA, frequency="daily", merged=True)
    site.post(f"/leave-all/{office.keys.tokens.sign(LinkPurpose.LEAVE_ALL, 1, clock())}")
    assert (acts(office, ANNA)[-1], acts(office, ANNA, newsroom=KEFM)[-1]) == ("left", "confirmed")


@pytest.mark.parametrize("purpose", [LinkPurpose.LEAVE, LinkPurpose.MANAGE])
def test_another_link_leaves_no_more_than_it_says(
    site: TestClient, office: Office, clock: Clock, purpose: LinkPurpose
) -> None:
    link(office, "um")
    answer = site.post(f"/leave-all/{office.keys.tokens.sign(purpose, 1, clock())}")
    assert answer.status_code == 404
    assert acts(office, ANNA)[-1] == "confirmed"


def test_what_is_no_longer_kept_can_be_left(site: TestClient, office: Office, clock: Clock) -> None:
    path = f"/leave-all/{office.keys.tokens.sign(LinkPurpose.LEAVE_ALL, 4711, clock())}"
    assert site.get(path).status_code == site.post(path).status_code == 200


def test_a_script_says_how_often_too(site: TestClient, office: Office) -> None:
    told = site.get("/api/um/form").json()
    assert told["frequencies"] == list(ALL)
    office.clock.move(minutes=1)  # type: ignore[attr-defined] # the tests' own clock
    asked = {"email": ANNA, "form": told["form"], "frequency": "hourly"}
    wrong = site.post("/api/um/subscribe", json=asked)
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "#/frequency")
    assert site.post("/api/um/subscribe", json={**asked, "frequency": "daily"}).status_code == 202
    site.post(f"/confirm/{confirm_token(office)}")
    assert choice_of(office).frequency == "daily"

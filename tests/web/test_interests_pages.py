"""What readers want to hear about: chosen at the sign-up, confirmed as asked, changed on the manage page."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient
from support.choosing import ask_link, manage_token
from support.offices import UM, Clock, make_office
from support.readers import make_active
from support.waiting_mail import newest_request

from mailer.core.choice import Choice, from_plain
from mailer.core.newsroom import Topic
from mailer.core.token import LinkPurpose
from mailer.services.office import Office
from mailer.store import people
from mailer.store.database import Database
from mailer.store.tables import consent

ANNA = "anna@example.org"


def offered(key: str, danish: str, english: str) -> Topic:
    return Topic(key, (("da", danish), ("en", english)))


ROOM = replace(
    UM,
    topics=(offered("climate", "Klima", "Climate"), offered("trade", "Handel", "Trade")),
    kind_choices=(offered("speech", "Taler", "Speeches"), offered("news", "Nyt", "News")),
    places=(offered("north", "Nord", "North"),),
)


@pytest.fixture
def office(sqlite_database: Database, clock: Clock) -> Office:
    """An office whose newsroom offers all there is to choose by."""
    return make_office(sqlite_database, clock, newsrooms={"um": ROOM})


def confirm_path(office: Office) -> str:
    token = office.keys.tokens.sign(LinkPurpose.CONFIRM, newest_request(office), office.clock())
    return f"/confirm/{token}"


def chosen(office: Office) -> list[Choice]:
    """The choice as it stands, and as each entry has it."""
    with office.database.read() as connection:
        row = people.read_subscription(connection, 1)
        kept = connection.scalars(
            select(consent.c.choice).where(consent.c.choice.is_not(None)).order_by(consent.c.id)
        ).all()
    assert row is not None
    return [row.choice, *map(from_plain, kept)]


def test_what_is_ticked_at_the_sign_up_is_shown_confirmed_and_kept(
    site: TestClient, office: Office
) -> None:
    page = site.get("/um?lang=en").text
    assert "You get all press releases, unless you tick what you want." in page
    ticks = {"topic-trade": "on", "kind-news": "on", "topic-made-up": "on"}
    site.post("/um/subscribe?lang=en", data={"email": ANNA, **ticks})
    link = confirm_path(office)
    shown = site.get(f"{link}?lang=en").text
    assert re.findall("<li><bdi>(.+?)</bdi>", shown) == ["Trade", "News"]
    assert site.post(link).status_code == 303
    wanted = Choice(("en",), topics=("trade",), kinds=("news",))
    assert chosen(office) == [wanted, wanted]


def test_ticks_stay_where_the_form_comes_again(site: TestClient) -> None:
    ticks = {"topic-trade": "on", "place-north": "on"}
    answer = site.post("/um/subscribe?lang=en", data={"email": "no address", **ticks})
    assert answer.status_code == 422
    ticked = re.findall(r'<input type="checkbox" name="([a-z-]+)" value="on" checked>', answer.text)
    assert ticked == ["topic-trade", "place-north"]
    assert '<details class="wishes" open>' in answer.text
    assert '<details class="wishes">' in site.get("/um").text


def test_what_is_offered_no_more_is_not_asked_for(
    site: TestClient, office: Office, visit: Callable[[Office], TestClient]
) -> None:
    site.post("/um/subscribe", data={"email": ANNA, "topic-trade": "on", "kind-news": "on"})
    fewer = {"um": replace(ROOM, topics=ROOM.topics[:1])}
    later = visit(replace(office, newsrooms=fewer))
    assert later.post(confirm_path(office)).status_code == 303
    assert chosen(office)[0] == Choice(("da",), kinds=("news",))


def test_a_script_signs_up_for_topics(site: TestClient, office: Office, clock: Clock) -> None:
    told = site.get("/api/um/form?language=en").json()
    assert told["offers"]["topics"] == {"climate": "Climate", "trade": "Trade"}
    assert told["offers"]["places"] == {"north": "North"}
    asked = {"email": ANNA, "language": "en", "form": told["form"]}
    clock.move(minutes=1)
    wrong = site.post("/api/um/subscribe", json={**asked, "topics": ["climate", "energy"]})
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["pointer"] == "#/topics"
    assert site.post("/api/um/subscribe", json={**asked, "kinds": "speech"}).status_code == 400
    wanted = {"topics": ["trade"], "kinds": [], "places": ["north"]}
    assert site.post("/api/um/subscribe", json={**asked, **wanted}).status_code == 202
    site.post(confirm_path(office))
    assert chosen(office)[0] == Choice(("en",), topics=("trade",), places=("north",))


def test_each_group_is_changed_by_itself(site: TestClient, office: Office) -> None:
    make_active(office, ANNA, newsroom=ROOM)
    ask_link(office, ANNA, newsroom=ROOM)
    link = f"/manage/{manage_token(office)}"
    page = site.get(f"{link}?lang=en").text
    mark = re.search(r'name="mark" value="([^"]+)"', page)
    assert mark is not None
    sent = {
        "act": "save",
        "newsroom": "um",
        "mark": mark[1],
        "language-1": "da",
        "language-2": "en",
        "which-kinds": "some",
        "kind-speech": "on",
        "which-places": "some",
        "place-north": "on",
        "every-language": "on",
    }
    none = site.post(f"{link}?lang=en", data={**sent, "which-places": "some", "place-north": ""})
    assert none.status_code == 200
    answer = site.post(f"{link}?lang=en", data={**sent, "kind-speech": "on", "topic-trade": "on"})
    assert "There was nothing to change" in answer.text
    wanted = Choice(("da", "en"), kinds=("speech",), places=("north",), every_language=True)
    assert chosen(office)[0] == wanted
    del sent["place-north"]
    answer = site.post(f"{link}?lang=en", data=sent)
    assert answer.status_code == 422
    assert "Choose at least one place" in answer.text
    assert chosen(office)[0] == wanted

"""Pages and feeds say what was corrected and when, and of what was withdrawn that it was."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from starlette.testclient import TestClient
from support.desk import import_readers, publish_one
from support.desk_hand import corrected
from support.offices import UM, Clock, make_office

from mailer.services import corrections, public
from mailer.services.office import Office
from mailer.store import editions
from mailer.store.database import Database
from mailer.web.app import create_app


@pytest.fixture
def office(sqlite_database: Database, clock: Clock) -> Office:
    """An office with one release that was corrected twice, the second time silently, an hour each."""
    office = make_office(sqlite_database, clock)
    import_readers(office, 1)
    publish_one(office)
    for hour, silent in enumerate((False, True)):
        clock.move(hours=1)
        corrections.correct(
            office,
            1,
            corrected(f"Rettet {hour}"),
            note=f"Note {hour} <b>",
            who="desk",
            silent=silent,
        )
    return office


@pytest.fixture
def client(office: Office) -> TestClient:
    """A visitor."""
    return TestClient(create_app(office), base_url="https://news.example")


def test_a_page_tells_the_correction_and_when(client: TestClient) -> None:
    page = client.get("/um/releases/1-nyt").text
    assert "Rettet 2. marts 2026 kl. 10.00:" in page
    assert "Note 0 &lt;b&gt;" in page
    assert "Note 1" not in page, "silent"
    assert "<h1>Rettet 1</h1>" in page


def test_feeds_tell_it_too_and_move_on(client: TestClient, clock: Clock) -> None:
    entry = json.loads(client.get("/um/feed.json").text)["items"][0]
    assert entry["date_modified"] == "2026-03-02T10:00:00Z"
    assert "Note 0 &lt;b&gt;" in entry["content_html"]
    assert "<updated>2026-03-02T10:00:00Z</updated>" in client.get("/um/feed.atom").text


@pytest.mark.parametrize("form", ["atom", "rss", "json"])
def test_what_was_withdrawn_stays_in_the_feeds_as_that(
    office: Office, client: TestClient, clock: Clock, form: str
) -> None:
    before = client.get(f"/um/feed.{form}").text
    clock.move(hours=1)
    corrections.withdraw(office, 1, reason="Ikke vores.", who="desk")
    after = client.get(f"/um/feed.{form}").text

    name = "tag:um.example,2026-03-02:um/releases/1"
    assert name in before
    assert name in after, "the same entry, so that readers' programs put it in the old one's place"
    assert "Pressemeddelelsen er trukket tilbage" in after
    assert "Ikke vores." in after
    assert "Rettet" not in after, "none of its words"
    assert "2026-03-02T11:00:00Z" in after


def test_a_withdrawn_page_is_gone_and_says_why(
    office: Office, client: TestClient, clock: Clock
) -> None:
    corrections.withdraw(office, 1, reason="Ikke vores.", who="desk")
    answer = client.get("/um/releases/1-nyt")
    assert answer.status_code == 410
    assert "Ikke vores." in answer.text
    found = public.release(office, 1, newsroom=UM, wanted=["da"])
    assert isinstance(found, public.Withdrawn)
    assert found.withdrawn is not None
    assert found.withdrawn.at == clock()


def test_a_note_is_told_with_the_text_of_its_language(office: Office) -> None:
    """Another language's page does not say what was wrong in this one."""
    with office.database.write() as connection:
        english = replace(corrected("In English"), language="en")
        editions.add_edition(connection, 1, english, office.clock() + timedelta(hours=1))
    found = public.release(office, 1, newsroom=UM, wanted=["en"])
    assert isinstance(found, public.PublicRelease)
    assert (found.edition.language, found.corrections) == ("en", ())

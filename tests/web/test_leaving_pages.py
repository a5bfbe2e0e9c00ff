"""The pages around leaving: what they say, what they keep to themselves, and the button to come back."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.testclient import TestClient
from support.desk import import_readers
from support.offices import KEFM, UM, Clock, make_office
from support.readers import acts, last_departure, leave_token, rejoin_token

from mailer.core.token import LinkPurpose
from mailer.services.office import Office
from mailer.store.database import Database

READER = "reader0@example.org"
Rows = dict[str, list[tuple[Any, ...]]]
Visit = Callable[[Office], TestClient]


def left(office: Office, site: TestClient) -> str:
    """The path of the way back, after leaving."""
    import_readers(office, 1)
    assert site.post(f"/leave/{leave_token(office)}").status_code == 200
    return f"/rejoin/{rejoin_token(office)}"


def test_pages_that_say_the_same_bear_each_its_own_token(office: Office, site: TestClient) -> None:
    import_readers(office, 2)
    paths = [f"/leave/{leave_token(office, number)}" for number in (1, 2)]
    pages = [site.post(path) for path in paths]

    for path, page in zip(paths, pages, strict=True):
        assert page.text.count(f'href="{path}?lang=') == len(UM.languages)
    assert pages[0].text.replace(paths[0], paths[1]) == pages[1].text
    assert site.get(paths[0]).text == pages[0].text


def test_a_database_that_is_busy_asks_for_patience_and_nobody_has_left_by_half(
    visit: Visit, office: Office, sqlite_url: str
) -> None:
    import_readers(office, 1)
    path = f"/leave/{leave_token(office)}"
    hasty = Database(sqlite_url, busy_seconds=0.05)
    impatient = visit(make_office(hasty))
    with office.database.write():
        answer = impatient.post(path)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert acts(office, READER) == ["imported"]

    assert impatient.post(path).status_code == 200
    assert acts(office, READER) == ["imported", "left"]
    hasty.close()


def test_the_page_names_what_was_left_and_offers_no_way_back_itself(
    office: Office, site: TestClient
) -> None:
    back = left(office, site)
    link = f"/leave/{leave_token(office)}"

    for page in (site.post(link), site.get(link)):
        assert UM.name in page.text
        assert "inden for 7 dage" in page.text
        assert "/rejoin/" not in page.text
        assert back not in page.text
        assert "<button" not in page.text
        assert READER not in page.text


def test_the_page_promises_no_mail_that_is_not_sent(
    office: Office, visit: Visit, clock: Clock
) -> None:
    import_readers(office, 1)
    silent = visit(replace(office, newsrooms={"um": replace(UM, farewell=False)}))
    link = f"/leave/{leave_token(office)}"
    assert "7 dage" not in silent.post(link).text
    assert "7 dage" not in silent.get(link).text


def test_a_link_whose_subscription_is_gone_says_that_no_mail_comes(
    office: Office, site: TestClient, rows: Callable[[], Rows]
) -> None:
    link = f"/leave/{leave_token(office, 4711)}"
    before = rows()

    for page in (site.get(link), site.post(link), site.post(link)):
        assert page.status_code == 200
        assert "afmeldt" in page.text
        assert UM.name not in page.text
        assert "<button" not in page.text
    assert rows() == before


def test_the_way_back_shows_one_button_and_looking_changes_nothing(
    office: Office, site: TestClient, rows: Callable[[], Rows]
) -> None:
    link = left(office, site)
    before = rows()

    for _ in range(5):
        page = site.get(link)
        assert page.status_code == 200
        assert site.head(link).status_code == 200
    assert page.text.count("<button") == page.text.count("<form") == 1
    assert f'<form method="post" action="{link}">' in page.text
    assert "***@example.org" in page.text
    assert READER not in page.text
    assert "Ja tak" in page.text
    assert rows() == before


def test_the_button_brings_back_and_pressed_again_it_says_the_same(
    office: Office, site: TestClient, rows: Callable[[], Rows]
) -> None:
    link = left(office, site)

    first = site.post(link)
    after = rows()
    second = site.post(link)

    assert (first.status_code, first.headers["location"]) == (303, "/um/confirmed?lang=da")
    assert first.headers.raw == second.headers.raw
    assert rows() == after
    assert acts(office, READER) == ["imported", "left", "confirmed"]
    looked = site.get(link)
    assert looked.status_code == 200
    assert "Du er nu tilmeldt" in looked.text
    assert "<button" not in looked.text


def test_a_way_back_past_its_time_says_so_and_leads_to_the_form(
    office: Office, site: TestClient, clock: Clock, rows: Callable[[], Rows]
) -> None:
    link = left(office, site)
    clock.move(days=7, seconds=1)
    before = rows()

    for answer in (site.get(link), site.post(link)):
        assert answer.status_code == 410
        assert "Linket er udløbet" in answer.text
        assert 'href="/um"' in answer.text
        assert "<button" not in answer.text
    assert rows() == before


def test_a_way_back_bent_or_of_another_purpose_opens_nothing(
    office: Office, site: TestClient, rows: Callable[[], Rows]
) -> None:
    link = left(office, site)
    door, _, token = link.rpartition("/")
    other = office.keys.tokens.sign(LinkPurpose.LEAVE, last_departure(office), office.clock())
    before = rows()

    for place in range(len(token)):
        wrong = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert site.post(f"{door}/{wrong}").status_code == 404
    assert site.post(f"{door}/{other}").status_code == 404
    assert site.get(f"{door}/{leave_token(office)}").status_code == 404
    assert rows() == before


def test_a_way_back_to_a_newsroom_that_is_gone_leads_nowhere(
    office: Office, site: TestClient, visit: Visit
) -> None:
    link = left(office, site)
    elsewhere = visit(replace(office, newsrooms={KEFM.key: KEFM}))

    assert elsewhere.get(link).status_code == elsewhere.post(link).status_code == 404
    assert acts(office, READER) == ["imported", "left"]


def test_pages_of_the_way_back_are_stored_and_indexed_nowhere(
    office: Office, site: TestClient
) -> None:
    link = left(office, site)
    for answer in (site.get(link), site.post(link), site.get(link[:-1])):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"


NOTICE = (("da", "Vi gemmer din adresse.\n\nSå længe du\nabonnerer & <ikke> mere."),)


def test_a_privacy_notice_of_our_own_is_a_page(office: Office, visit: Visit) -> None:
    site = visit(replace(office, newsrooms={"um": replace(UM, privacy_notice=NOTICE)}))

    page = site.get("/um/privacy?lang=en")

    assert page.status_code == 200
    assert "<p>Vi gemmer din adresse.</p>" in page.text
    assert "Så længe du<br>abonnerer &amp; &lt;ikke&gt; mere." in page.text
    assert '<div lang="da" dir="ltr">' in page.text


def test_without_a_notice_there_is_no_such_page(site: TestClient) -> None:
    assert site.get("/um/privacy").status_code == 404
    assert site.get("/nowhere/privacy").status_code == 404

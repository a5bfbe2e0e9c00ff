"""What somebody hands to the desk is read in its newsroom's language and zone; each release by itself."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.offices import Clock, make_office

from mailer.core.errors import DocumentFault, NotAllowed, NotFound, SourceFault
from mailer.services import press
from mailer.services.handing_in import Given, HandedIn, Wish, hand_in
from mailer.services.office import Office
from mailer.store.database import Database

PORTAL = Path(__file__).parent.parent / "sources" / "presseportal" / "get_stories.json"


@pytest.fixture
def office(sqlite_database: Database, clock: Clock) -> Office:
    return make_office(sqlite_database, clock)


def handed(
    office: Office, payload: str, newsroom: str | None = "um", language: str | None = None
) -> HandedIn:
    return hand_in(office, Given(payload.encode(), "-"), Wish(newsroom, language), who="anna")


def feed(*items: str) -> str:
    return f"<rss><channel>{''.join(f'<item>{item}</item>' for item in items)}</channel></rss>"


def item(number: int, rest: str = "") -> str:
    return (
        f"<title>Release {number}</title><link>https://um.example/{number}</link>{rest}"
        f"<description><![CDATA[<p>Words of {number}.</p><p>More.</p>]]></description>"
        "<pubDate>1 Jul 2026 09:00</pubDate>"
    )


def test_each_release_of_a_feed_is_added_once(office: Office) -> None:
    first = handed(office, feed(item(1), item(2)))
    assert [(one.news, one.title, one.state) for one in first.releases] == [
        ("new", "Release 1", "held"),
        ("new", "Release 2", "held"),
    ]
    assert first.refusals == ()
    again = handed(office, feed(item(2), item(1)))
    assert [one.news for one in again.releases] == ["known", "known"]
    row = press.shown(office, first.releases[0].id)
    assert (row.edition.language, row.canonical_url) == ("da", "https://um.example/1")


def test_what_is_wrong_with_one_stays_with_it(office: Office) -> None:
    announced = (
        "<title>Cut</title><link>https://um.example/9</link><description>Cut off..</description>"
    )
    found = handed(office, feed(item(1), announced, "<title> </title>", item(3)))
    assert [one.title for one in found.releases] == ["Release 1", "Release 3"]
    assert [one.place for one in found.refusals] == ["item 3 (nameless)", "“Cut”"]
    assert "the whole stands at https://um.example/9" in found.refusals[1].what


def test_each_release_is_read_as_the_newsroom_reads_that_signs_it(office: Office) -> None:
    signed = "".join(
        f'<item>{item(number)}<source url="x">{name}</source></item>'
        for number, name in ((1, "Udenrigsministeriet"), (2, "Climate Ministry"), (3, "Somebody"))
    )
    found = handed(office, f"<rss><channel>{signed}</channel></rss>", newsroom=None)
    rows = [press.shown(office, one.id) for one in found.releases]
    assert [(row.newsroom, row.edition.language) for row in rows] == [("um", "da"), ("kefm", "en")]
    assert "No newsroom signs as “Somebody”" in found.refusals[0].what


def test_one_that_is_alone_is_refused_in_its_own_words(office: Office) -> None:
    story = PORTAL.read_text()
    with pytest.raises(NotAllowed, match="signed by “Test Company”"):
        handed(office, story)
    with pytest.raises(NotFound, match="No newsroom signs as “Test Company”"):
        handed(office, story, newsroom=None)
    with pytest.raises(NotFound, match="There is no newsroom"):
        handed(office, story, newsroom="nobody")


def test_the_language_named_is_that_of_every_text(office: Office) -> None:
    (added,) = handed(office, feed(item(1)), language="kl").releases
    assert press.shown(office, added.id).edition.language == "kl"
    with pytest.raises(DocumentFault, match="is not a language tag"):
        handed(office, feed(item(1)), language="Danish")


def test_texts_are_read_as_ever(office: Office) -> None:
    (added,) = handed(office, "---\ntitle: T\nnewsroom: kefm\n---\nText.", newsroom=None).releases
    assert press.shown(office, added.id).edition.language == "en"
    with pytest.raises(DocumentFault, match="-:1: the release has no title"):
        handed(office, "---\nlead: L\n---\nText")
    with pytest.raises(DocumentFault, match="is not UTF-8"):
        hand_in(office, Given(b"# M\xf8de", "a"), Wish("um"), who="anna")


def test_what_is_nothing_is_refused_whole(office: Office) -> None:
    with pytest.raises(SourceFault, match="an error: Gone"):
        handed(office, json.dumps({"error": "Gone"}))
    assert press.listed(office) == []


def test_a_source_s_date_is_told_in_the_newsrooms_zone(office: Office) -> None:
    (added,) = handed(office, feed(item(1))).releases
    assert press.shown(office, added.id).dated == datetime(2026, 7, 1, 7, tzinfo=UTC)


def test_what_its_source_took_back_is_not_added_and_a_correction_is_told(office: Office) -> None:
    item = {"uri": "urn:x:7", "headline": "T", "body_text": "Words."}
    with pytest.raises(NotAllowed, match="source has withdrawn it"):
        handed(office, json.dumps({**item, "pubstatus": "canceled"}))
    (added,) = handed(office, json.dumps({**item, "ednote": "Correction: a name"})).releases
    assert "corrects an earlier one" in added.warnings[-1]


def test_an_embargo_goes_with_the_release(office: Office) -> None:
    item = {
        "uri": "urn:x:7",
        "headline": "T",
        "body_text": "Words.",
        "embargoed": "2026-07-01T09:00",
    }
    (added,) = handed(office, json.dumps(item)).releases
    assert press.shown(office, added.id).embargo_until == datetime(2026, 7, 1, 7, tzinfo=UTC)

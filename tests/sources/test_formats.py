"""Each format's own fields: what real files do not show, in small."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from support.documents import facts

from mailer.core.errors import SourceFault
from mailer.core.release import Contact, File, Picture, ReleaseDocument
from mailer.core.source import Text
from mailer.sources.found import Found
from mailer.sources.reading import ReadingTerms, read

URL = "https://ministry.example/feed"


def reading(payload: str | dict[str, Any] | list[Any], *, text: Text = "auto") -> Found:
    content = payload if isinstance(payload, str) else json.dumps(payload)
    terms = ReadingTerms(language="da", zone="Europe/Copenhagen", text=text)
    return read(content.encode(), media_type="", url=URL, terms=terms)


def only(payload: str | dict[str, Any] | list[Any], *, text: Text = "auto") -> ReleaseDocument:
    found = reading(payload, text=text)
    assert found.refusals == ()
    (document,) = found.documents
    return document


ATOM = """<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en-GB" xml:base="https://ministry.example/">
  <title>News</title>
  <link rel="self" href="feed.atom"/><link rel="hub" href="https://hub.example/"/>
  <entry>
    <id>tag:ministry.example,2026:7</id>
    <title type="html">Tides &amp;amp; winds</title>
    <link rel="alternate" href="news/7"/>
    <link rel="enclosure" href="files/7.pdf" type="application/pdf" length="1234" title="The report"/>
    <published>2026-10-01T09:00:00+02:00</published><updated>2026-10-02T09:00:00Z</updated>
    <author><name>Ada Lund</name></author>
    <category term="tides" label="Tides"/>
    <summary>Short.</summary>
    <content type="xhtml">
      <div xmlns="http://www.w3.org/1999/xhtml"><p>First <b>bold</b>.</p><p>Last.</p></div>
    </content>
  </entry>
</feed>"""


def test_atom() -> None:
    found = reading(ATOM)
    assert (found.format, found.hub, found.self_url) == (
        "atom",
        "https://hub.example/",
        "https://ministry.example/feed.atom",
    )
    (document,) = found.documents
    assert facts(document) == {
        "title": "Tides & winds",
        "language": "en-GB",
        "lead": "Short.",
        "body": "pp",
        "dated": "2026-10-01 07:00:00",
        "dated_as": "2026-10-01T09:00:00+02:00",
        "identity": "tag:ministry.example,2026:7",
        "url": "ministry.example/news/7",
        "topics": ("Tides",),
        "files": (("The report", "application/pdf", 1234),),
    }
    assert document.edition.body[0].runs[1].bold


def test_atom_without_a_date_of_publication_has_that_of_its_change() -> None:
    document = only(ATOM.replace("published>", "issued-elsewhere>"))
    assert document.dated == datetime(2026, 10, 2, 9, tzinfo=UTC)


RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
  xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://ministry.example/"><title>News</title>
  <dc:language>sv</dc:language></channel>
  <item rdf:about="https://ministry.example/7"><title>Tidvatten</title><link>https://ministry.example/7</link>
  <description>Kort.</description><dc:date>2026-10-01T09:00+02:00</dc:date><dc:subject>Hav</dc:subject>
  <dc:publisher>Havsministeriet</dc:publisher></item></rdf:RDF>"""


def test_rss_1() -> None:
    document = only(RDF)
    assert facts(document) == {
        "title": "Tidvatten",
        "language": "sv",
        "lead": "Kort.",
        "issuer": "Havsministeriet",
        "dated": "2026-10-01 07:00:00",
        "dated_as": "2026-10-01T09:00+02:00",
        "identity": "https://ministry.example/7",
        "url": "ministry.example/7",
        "detail": True,
        "topics": ("Hav",),
    }


def rss(parts: str, *, names: str = "", head: str = "") -> str:
    return f'<rss version="0.91" {names}><channel>{head}<item><title>T</title>{parts}</item></channel></rss>'


MEDIA = 'xmlns:media="http://search.yahoo.com/mrss/"'


def test_what_comes_with_an_rss_item() -> None:
    document = only(
        rss(
            "<link>/7</link><description>x</description>"
            '<enclosure url="/a.pdf" type="application/pdf" length="0"/>'
            '<enclosure url="https://a.example/a.jpg" type="image/jpeg"/>'
            '<media:content url="https://a.example/b.jpg" medium="image"><media:title>Alt</media:title>'
            "<media:description>Caption</media:description><media:credit>Ada</media:credit></media:content>",
            names=MEDIA,
        )
    )
    assert document.edition.files == (
        File("https://ministry.example/a.pdf", "a.pdf", "application/pdf"),
    )
    assert document.edition.pictures == (
        Picture("https://a.example/a.jpg"),
        Picture("https://a.example/b.jpg", alt="Alt", caption="Caption", credit="Ada"),
    )


def test_an_item_taken_over_from_elsewhere_is_signed_there() -> None:
    document = only(
        rss('<description>x</description><source url="https://b.example/">Other Ministry</source>')
    )
    assert document.issuer == "Other Ministry"


@pytest.mark.parametrize(
    ("description", "text", "body", "lead"),
    [
        ("&lt;p&gt;One.&lt;/p&gt;&lt;p&gt;Two.&lt;/p&gt;", "auto", "pp", ""),
        ("&lt;p&gt;One.&lt;/p&gt;&lt;p&gt;Two.&lt;/p&gt;", "page", "", ""),
        ("&lt;p&gt;One.&lt;/p&gt;", "auto", "", "One."),
        ("&lt;p&gt;One.&lt;/p&gt;", "feed", "p", ""),
        ("One and a half..", "feed", "", ""),
        (
            "&lt;p&gt;One.&lt;/p&gt;&lt;p&gt;Two […]&lt;/p&gt;&lt;p&gt;Read more&lt;/p&gt;",
            "auto",
            "",
            "",
        ),
    ],
)
def test_a_feed_carries_whole_texts_or_announces_them(
    description: str, text: Text, body: str, lead: str
) -> None:
    document = only(rss(f"<link>/7</link><description>{description}</description>"), text=text)
    assert "".join(block.kind[0] for block in document.edition.body) == body
    assert document.edition.lead == lead
    assert (document.detail_url is None) is bool(body)


def test_a_lead_is_not_said_twice() -> None:
    body = "<p>First of all.</p><p>Then.</p>"
    for summary, title, lead, first in (
        ("First of all.", "T", "First of all.", "Then."),
        ("First of", "T", "", "First of all."),
        ("Another.", "T", "Another.", "First of all."),
        ("T", "T", "", "First of all."),
        ("Another.", "First of all.", "Another.", "Then."),
    ):
        payload = {"version": "https://jsonfeed.org/version/1", "items": [
            {"id": "1", "title": title, "summary": summary, "content_html": body}]}  # fmt: skip
        document = only(payload)
        assert (document.edition.lead, document.edition.body[0].text) == (lead, first), summary


def test_json_feed() -> None:
    found = reading(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "language": "fi",
            "feed_url": "https://ministry.example/feed.json",
            "hubs": [
                {"type": "rssCloud", "url": "x"},
                {"type": "WebSub", "url": "https://hub.example/"},
            ],
            "items": [
                {
                    "id": 7,
                    "url": "/7",
                    "title": "Vuorovesi",
                    "content_text": "Yksi.\n\nKaksi.",
                    "image": "/a.jpg",
                    "tags": ["Meri", 3],
                    "date_published": "2026-10-01T09:00:00Z",
                    "attachments": [
                        {
                            "url": "/a.pdf",
                            "mime_type": "application/pdf",
                            "title": "A",
                            "size_in_bytes": 9,
                        },
                        {"url": "/b.png", "mime_type": "image/png"},
                    ],
                },
                {"id": "8", "title": "No text", "external_url": "https://a.example/8"},
            ],
        }
    )
    assert (found.hub, found.self_url) == (
        "https://hub.example/",
        "https://ministry.example/feed.json",
    )
    assert facts(found.documents[0]) == {
        "title": "Vuorovesi",
        "language": "fi",
        "body": "pp",
        "dated": "2026-10-01 09:00:00",
        "dated_as": "2026-10-01T09:00:00Z",
        "identity": "7",
        "url": "ministry.example/7",
        "topics": ("Meri",),
        "files": (("A", "application/pdf", 9),),
        "pictures": (("a.jpg", "", "", ""), ("b.png", "", "", "")),
    }
    assert found.documents[1].detail_url == "https://a.example/8"


RELEASE = {
    "id": 7,
    "published": "2026-10-01T09:00:00.000Z",
    "title": "Tides",
    "leadtext": "Lead.",
    "body": "<p>Body.</p>",
    "language": "no",
    "type": "Pressemelding",
    "url": "https://kommunikasjon.example/pressemelding/7/tides",
    "publisher": {"id": 1, "name": "Ministry of Tides"},
    "contacts": [
        {
            "name": "Ada Lund",
            "title": "Press officer",
            "phone": "41 53 26 39",
            "email": "ada@a.example",
        }
    ],
    "images": [{"url": "/a.jpg", "caption": "The sea", "photographer": "Bo"}],
    "documents": [{"url": "/a.pdf", "title": "Report", "size": 9}],
    "keywords": ["sea"],
    "channels": [{"id": 3, "name": "Environment"}],
}


@pytest.mark.parametrize(
    "payload",
    [
        RELEASE,
        [RELEASE],
        {"releases": [RELEASE]},
        {"release": RELEASE},
        {"data": {"releases": [RELEASE]}},
    ],
)
def test_the_newsroom_api_in_all_its_wrappings(payload: dict[str, Any] | list[Any]) -> None:
    document = only(payload)
    assert facts(document) == {
        "title": "Tides",
        "language": "nb",
        "lead": "Lead.",
        "body": "p",
        "issuer": "Ministry of Tides",
        "kind": "Pressemelding",
        "dated": "2026-10-01 09:00:00",
        "dated_as": "2026-10-01T09:00:00.000Z",
        "identity": "newsroom:7",
        "url": "kommunikasjon.example/pressemelding/7/tides",
        "topics": ("sea", "Environment"),
        "contacts": ("Ada Lund, Press officer, 41 53 26 39, ada@a.example",),
        "files": (("Report", "", 9),),
        "pictures": (("a.jpg", "", "The sea", "Bo"),),
    }
    assert document.edition.contacts[0] == Contact(
        "Ada Lund, Press officer, 41 53 26 39, ada@a.example",
        "Ada Lund",
        "Press officer",
        "41 53 26 39",
        "ada@a.example",
    )


def test_a_newsroom_release_in_two_languages_is_one_release() -> None:
    versions = {
        "da": {"title": "Tidevand", "body": "<p>Tekst.</p>", "url": "/release/7/tidevand"},
        "en": {"title": "Tides", "body": "<p>Text.</p>", "url": "/release/7/tides"},
    }
    found = reading({"releases": [{"id": 7, "date": "2026-10-01T09:00:00Z", "versions": versions}]})
    assert [(one.identity, one.edition.language) for one in found.documents] == [
        ("newsroom:7", "da"),
        ("newsroom:7", "en"),
    ]
    assert {one.dated for one in found.documents} == {datetime(2026, 10, 1, 9, tzinfo=UTC)}


def test_what_the_newsroom_says_of_a_releases_state() -> None:
    assert only({**RELEASE, "status": "retracted"}).signal == "withdrawn"
    assert only({**RELEASE, "correctionOf": 6}).signal == "correction"
    joint = only({**RELEASE, "publishers": [{"id": 1, "name": "A"}, {"id": 2, "name": "B"}]})
    assert joint.joint == "newsroom:7"


NINJS = {
    "uri": "urn:x:7",
    "type": "text",
    "pubstatus": "usable",
    "versioncreated": "2026-10-01T09:00:00Z",
    "headline": "Tides",
    "description_text": "Lead.",
    "body_xhtml": "<p>Body.</p>",
    "body_text": "Body, but plain.",
    "infosource": [{"name": "Ministry of Tides"}],
    "subject": [{"name": "Sea"}],
    "place": [{"name": "Esbjerg"}],
    "urgency": 1,
    "associations": {
        "main": {
            "type": "picture",
            "description_text": "The sea",
            "byline": "Bo",
            "renditions": {
                "small": {"href": "/s.jpg", "mimetype": "image/jpeg", "width": 100, "height": 50},
                "large": {"href": "/l.jpg", "mimetype": "image/jpeg", "width": 1200, "height": 600},
                "print": {
                    "href": "/p.jpg",
                    "mimetype": "image/jpeg",
                    "width": 6000,
                    "height": 3000,
                },
            },
        },
        "report": {
            "headline": "Report",
            "renditions": {
                "pdf": {"href": "/r.pdf", "mimetype": "application/pdf", "sizeinbytes": 9}
            },
        },
    },
}


def test_ninjs_1() -> None:
    assert facts(only(NINJS)) == {
        "title": "Tides",
        "language": "da",
        "lead": "Lead.",
        "body": "p",
        "issuer": "Ministry of Tides",
        "dated": "2026-10-01 09:00:00",
        "dated_as": "2026-10-01T09:00:00Z",
        "identity": "urn:x:7",
        "topics": ("Sea",),
        "places": ("Esbjerg",),
        "urgent": True,
        "files": (("Report", "application/pdf", 9),),
        "pictures": (("l.jpg", "", "The sea", "Bo"),),
    }


def test_ninjs_in_a_list() -> None:
    second = {**NINJS, "uri": "urn:x:8", "body_xhtml": "<p>Other.</p>"}
    for payload in ([NINJS, second], {"items": [NINJS, second]}):
        assert [one.identity for one in reading(payload).documents] == ["urn:x:7", "urn:x:8"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"pubstatus": "withheld"}, "withheld"),
        ({"pubStatus": "stat:withheld", "pubstatus": ""}, "withheld"),
        ({"embargoed": "after lunch"}, "its embargo “after lunch” is no moment"),
        ({"type": "picture"}, "of the type “picture”"),
        ({"body_xhtml": "", "body_text": " "}, "a headline but no body"),
        ({"headline": ""}, "no title"),
    ],
)
def test_a_ninjs_item_that_must_not_go_out_is_refused(change: dict[str, Any], what: str) -> None:
    found = reading([NINJS, {**NINJS, "uri": "urn:x:8", **change}])
    assert [one.identity for one in found.documents] == ["urn:x:7"]
    assert what in found.refusals[0].what


def test_ninjs_signals_and_embargo() -> None:
    assert only({**NINJS, "pubstatus": "canceled"}).signal == "withdrawn"
    assert only({**NINJS, "ednote": "Correction: the year"}).signal == "correction"
    moment = only({**NINJS, "embargoed": "2026-10-25T02:30:00"}).embargo_until
    assert moment == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # the later of two: never early


GOVUK: dict[str, Any] = {
    "content_id": "c-1",
    "base_path": "/government/news/tides",
    "schema_name": "news_article",
    "document_type": "press_release",
    "locale": "cy",
    "title": "Tides",
    "description": "Lead.",
    "first_published_at": "2026-10-01T09:00:00Z",
    "details": {"body": "<p>Body.</p>"},
    "links": {},
}


def test_a_change_of_a_govuk_item_is_told_and_a_correction_is_a_signal() -> None:
    def changed(note: str) -> ReleaseDocument:
        history = [
            {"public_timestamp": "2026-10-02T09:00:00Z", "note": note},
            {"public_timestamp": "2026-10-01T09:00:00Z", "note": "First published."},
        ]
        return only({**GOVUK, "details": {**GOVUK["details"], "change_history": history}})

    assert changed("Added a picture.").signal == ""
    assert changed("Added a picture.").warnings == (
        "changed 2026-10-02T09:00:00Z: Added a picture.",
    )
    assert changed("Corrected the year.").signal == "correction"


def test_a_govuk_item_that_is_no_news_is_refused_and_attachments_are_files() -> None:
    with pytest.raises(SourceFault, match="is “guide”, not news"):
        reading({**GOVUK, "schema_name": "guide"})
    file = {
        "url": "/media/a.pdf",
        "title": "Report",
        "content_type": "application/pdf",
        "file_size": 9,
    }
    document = only({**GOVUK, "details": {**GOVUK["details"], "attachments": [file]}})
    assert document.edition.files == (
        File("https://www.gov.uk/media/a.pdf", "Report", "application/pdf", 9),
    )


def test_markdown_and_newsroom_pages_come_from_sources_too() -> None:
    document = only("---\ntitle: Tidevand\nid: '7'\n---\nTekst.")
    assert (document.identity, document.edition.language) == ("7", "da")
    assert reading("# T\n\nText.").format == "markdown"
    with pytest.raises(SourceFault, match="no text below its title"):
        reading("# T")

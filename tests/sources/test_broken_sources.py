"""What is broken is mended where its meaning is plain, else refused; it never hurts its neighbours."""

import gzip
import json
import time
from contextlib import suppress
from typing import Any

import pytest

from mailer.core.errors import SourceFault
from mailer.core.source import Format
from mailer.sources.found import Found
from mailer.sources.lines import MAX_BYTES
from mailer.sources.reading import ReadingTerms, read

URL = "https://ministry.example/feed"
LONG = "<p>One.</p><p>Two.</p>"


def reading(payload: bytes | str, media_type: str = "", *, wanted: Format = "auto") -> Found:
    content = payload.encode() if isinstance(payload, str) else payload
    terms = ReadingTerms(language="da", zone="Europe/Copenhagen", format=wanted)
    return read(content, media_type=media_type, url=URL, terms=terms)


def rss(*items: str, head: str = "") -> str:
    listed = "".join(f"<item>{item}</item>" for item in items)
    return f'<rss version="2.0"><channel><title>News</title>{head}{listed}</channel></rss>'


def item(name: str, *, guid: str | None = None, text: str = LONG, title: str = "") -> str:
    told = "" if guid is None else f"<guid>{guid}</guid>"
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return (
        f"<title>{title or f'Title {name}'}</title><link>https://ministry.example/{name}</link>{told}"
        f"<description>{escaped}{name}</description><pubDate>Fri, 02 Oct 2026 18:06 GMT</pubDate>"
    )


WHOLE = rss(item("a"), item("b"), item("c"))


@pytest.mark.parametrize(
    ("payload", "what"),
    [
        (b"", "gave nothing"),
        (b" \n\t ", "gave nothing"),
        (gzip.compress(WHOLE.encode()), "compressed (gzip)"),
        (b"%PDF-1.7 ...", "a PDF"),
        (b"\x89PNG\r\n", "a picture"),
        (b"<" * 72_000_000, "72,000,000 bytes; 5,000,000 is the most"),
        (b"<rss><channel><title>M\xf8de</title></channel></rss>", "is not UTF-8"),
        (b'<?xml version="1.0" encoding="utf-8"?><rss>M\xf8de</rss>', "is not UTF-8"),
        (b'<?xml version="1.0" encoding="utf-16"?><rss>M\xf8de</rss>', "says that it is utf-16"),
        (b'<?xml version="1.0" encoding="unicode_escape"?><rss>M\xf8</rss>', "no encoding of text"),
        ("<svg><rect/></svg>", "its outermost element is “svg”"),
        ('<?xml version="1.0"?><opml version="2.0"><body/></opml>', "outermost element is “opml”"),
        ("<rss><channel><item><title>Cut", "cut off before its first item is whole"),
        ("<rss><channel><item></title></item></channel></rss>", "not well-formed"),
        ("<", "neither a newsroom page nor Markdown"),
        ('{"items": [{"title": "Cut', "The JSON is cut off"),
        ('{"version": "https://jsonfeed.org/version/1.1", "items": [', "The JSON is cut off"),
        ('{"version": 1,, }', "not JSON"),
        ("[" * 200_000, "nested or numbered beyond reason"),
        ('{"a": ' + "9" * 5000 + "}", "nested or numbered beyond reason"),
        ('{"error": "Too many requests", "status": 200}', "an error: Too many requests"),
        ('{"error": {"code": 7, "message": "Key expired"}}', "an error: Key expired"),
        ('{"message": "Not Found"}', "an error: Not Found"),
        ("{}", "JSON that says nothing"),
        ("[]", "JSON that says nothing"),
        ('{"weather": "fine", "wind": 3}', "of no kind that we read: weather, wind"),
    ],
)
def test_what_nothing_can_be_made_of_is_refused_as_a_whole(payload: bytes | str, what: str) -> None:
    with pytest.raises(SourceFault) as caught:
        reading(payload)
    assert what in caught.value.what
    assert caught.value.cure


@pytest.mark.parametrize("size", [MAX_BYTES, MAX_BYTES + 1])
def test_five_megabytes_are_the_most(size: int) -> None:
    padded = WHOLE.encode() + b" " * (size - len(WHOLE))
    if size == MAX_BYTES:
        assert len(reading(padded).documents) == 3
    else:
        with pytest.raises(SourceFault, match="is the most"):
            reading(padded)


@pytest.mark.parametrize(
    "bomb",
    [
        '<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]><rss>&lol2;</rss>',
        '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss>&x;</rss>',
        '<!DOCTYPE r [<!ENTITY % p SYSTEM "http://a.example/x.dtd"> %p;]><rss/>',
    ],
)
def test_a_feed_that_declares_entities_is_refused(bomb: str) -> None:
    with pytest.raises(SourceFault, match="declares entities"):
        reading(bomb)


def test_the_document_type_of_old_feeds_is_read_over() -> None:
    kind = '<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://my.netscape.com/rss.dtd">'
    assert len(reading(kind + WHOLE).documents) == 3


@pytest.mark.parametrize("wanted", ["rss", "atom", "json_feed", "newsroom_json", "ninjs"])
def test_a_web_page_where_a_feed_should_be_is_an_error_page(wanted: Format) -> None:
    page = "<!doctype html><html><head><title>Log in &amp; go</title></head><body>Hi</body></html>"
    with pytest.raises(SourceFault, match=r"a web page .“Log in & go”., not"):
        reading(page, "application/rss+xml", wanted=wanted)


def test_a_source_is_held_to_its_format_but_a_feed_may_change_its_dialect() -> None:
    with pytest.raises(SourceFault, match="of the format rss; the source's settings say ninjs"):
        reading(WHOLE, wanted="ninjs")
    assert reading(WHOLE, wanted="atom").format == "rss"


def test_a_feed_that_breaks_off_gives_what_was_whole() -> None:
    cut = WHOLE[: WHOLE.index("Title c")]
    for end in ("", "<", "</ti", "<![CDATA[ab", "&am", "\u00e6".encode()[:1].decode("latin-1")):
        found = reading(cut + end)
        assert [one.edition.title for one in found.documents] == ["Title a", "Title b"], end
        assert [one.place for one in found.refusals] == ["after item 2"]
    amid_a_letter = reading(cut.encode() + "æ".encode()[:1])
    assert len(amid_a_letter.documents) == 2


def test_an_item_that_does_not_close_hurts_no_other() -> None:
    broken = rss(item("a"), "<title>b<b></title>", item("c"))
    found = reading(broken)
    assert [one.edition.title for one in found.documents] == ["Title a", "Title c"]
    assert [one.place for one in found.refusals] == ["item 2"]
    assert "not well-formed" in found.refusals[0].what


def test_nearly_xml_is_read_as_it_was_meant() -> None:
    sloppy = rss(
        "<title>K&oslash;b & salg&nbsp;AT&T\x0b</title><link>https://a.example/?a=1&b=2</link>"
        "<description><![CDATA[<p>A & B</p><p>C</p>]]></description>"
    )
    (document,) = reading(sloppy).documents
    assert document.edition.title == "Køb & salg AT&T"
    assert document.canonical_url == "https://a.example/?a=1&b=2"
    assert document.edition.body[0].text == "A & B"


@pytest.mark.parametrize(
    ("head", "encoding", "media_type"),
    [
        ('<?xml version="1.0" encoding="iso-8859-1"?>', "utf-8", ""),  # the label lies
        ('<?xml version="1.0" encoding="iso-8859-1"?>', "latin-1", ""),
        ('<?xml version="1.0" encoding="windows-1252"?>', "cp1252", "application/xml"),
        ('<?xml version="1.0" encoding="utf-8"?>', "latin-1", "text/xml; charset=ISO-8859-1"),
        ("", "latin-1", 'application/rss+xml; charset="iso-8859-1"'),
        ("", "utf-8", "text/xml; charset=us-ascii"),
        ("\ufeff", "utf-8", "text/xml; charset=latin-1"),
        ('<?xml version="1.0" encoding="utf-8"?>', "utf-16", ""),
    ],
)
def test_the_encoding_is_what_the_bytes_are(head: str, encoding: str, media_type: str) -> None:
    payload = (head + rss(item("a", title="Møde på Ærø"))).encode(encoding)
    (document,) = reading(payload, media_type).documents
    assert document.edition.title == "Møde på Ærø"


def test_windows_signs_that_call_themselves_latin_are_what_browsers_show() -> None:
    payload = b'<?xml version="1.0" encoding="iso-8859-1"?><rss><channel><item>'
    payload += (
        b"<title>\x93Ja\x94 &#146;</title><link>https://a.example/1</link></item></channel></rss>"
    )
    (document,) = reading(payload).documents
    assert document.edition.title == "“Ja” ’"


def test_names_that_two_releases_share_name_neither() -> None:
    found = reading(rss(item("a", guid="2026"), item("b", guid="2026"), item("c", guid="7")))
    assert [one.identity for one in found.documents] == [
        "web:ministry.example/a",
        "web:ministry.example/b",
        "7",
    ]
    assert "another release of the list bears the name “2026” too" in found.documents[0].warnings[0]


def test_two_releases_at_one_address_are_known_by_their_words() -> None:
    one, other = item("a", title="One"), item("a", title="Other")
    found = reading(rss(one, other))
    assert [each.identity for each in found.documents] == [None, None]
    assert [each.names for each in found.documents] == [(), ()]


def test_one_release_that_stands_there_twice_is_taken_once_the_newest() -> None:
    old = item("a", guid="7", text=LONG + "old")
    new = item("a", guid="7", text=LONG + "new").replace("18:06", "19:06")
    (document,) = reading(rss(old, new, old)).documents
    assert document.edition.body[-1].text.startswith("new")


def test_without_guid_the_link_is_the_name_and_without_both_the_words_are() -> None:
    bare = "<title>Bare</title><description>Only words.</description>"
    found = reading(rss(item("a"), bare))
    assert [one.identity for one in found.documents] == ["https://ministry.example/a", None]
    assert found.documents[1].edition.body[0].text == "Only words."


@pytest.mark.parametrize("nothing", ["0", "null", " None ", "undefined", "-1"])
def test_a_guid_that_names_nothing_is_none(nothing: str) -> None:
    """It would name the next release too, which then would be an edit of this one, and never be mailed."""
    (document,) = reading(rss(item("a", guid=nothing))).documents
    assert document.identity == "https://ministry.example/a"
    assert document.names == ("web:ministry.example/a",)


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        ("8.9.2025 13:25:12 CEST", "2025-09-08T11:25:12+00:00"),
        ("08.01.2026 13:25:12 CET", "2026-01-08T12:25:12+00:00"),
        ("Fri, 2 Oct 2026 18:06:00 EET", "2026-10-02T16:06:00+00:00"),
        ("Fri, 2 Oct 2026 18:06:00 BST", "2026-10-02T17:06:00+00:00"),
        ("25 Oct 2026 02:30", "2026-10-25T01:30:00+00:00"),  # comes twice: the later one
        ("25 Oct 2026 02:30 CEST", "2026-10-25T00:30:00+00:00"),
        ("29 Mar 2026 02:30", "2026-03-29T01:30:00+00:00"),  # does not exist
    ],
)
def test_dates_of_feeds_are_the_moments_that_their_newsrooms_meant(told: str, moment: str) -> None:
    (document,) = reading(rss(item("a").replace("Fri, 02 Oct 2026 18:06 GMT", told))).documents
    assert document.dated is not None
    assert document.dated.isoformat() == moment
    assert document.dated_as == told


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        ("<link>https://a.example/1</link><description>x</description>", "it has no title"),
        ("<title> </title><link>https://a.example/1</link>", "it has no title"),
        ("<title>Hello</title>", "it has no text, or one that is cut off"),
        ("<title>Hello</title><description>Cut here [&amp;#8230;]</description>", "it has no text"),
        ("<title>Hello</title><link>javascript:x</link>", "it has no text"),
        ("<title>{{ post.title }}</title><description>x</description>", "an unfilled template"),
        ("<title>%%TITLE%% ${name}</title><description>x</description>", "an unfilled template"),
        ("<title>Lorem ipsum</title><description>x</description>", "an unfilled template"),
        ("<title>M\ufffdde</title><description>x</description>", "U+FFFD"),
        ("<title>a</title><description>lost \ufffd letter</description>", "U+FFFD"),
        ("<title>a\u202eb</title><description>x</description>", "RIGHT-TO-LEFT OVERRIDE"),
        (f"<title>{'x' * 501}</title><description>x</description>", "501 characters"),
        (
            f"<title>a</title><description>{'&lt;div&gt;' * 2000}</description>",
            "elements lie in each other",
        ),
    ],
)
def test_a_broken_item_is_refused_with_its_place_and_hurts_no_other(broken: str, what: str) -> None:
    found = reading(rss(item("a"), broken, item("c")))
    assert [one.edition.title for one in found.documents] == ["Title a", "Title c"]
    (refusal,) = found.refusals
    assert refusal.place.startswith("item 2 (")
    assert what in refusal.what
    assert refusal.cure


def test_an_address_of_a_template_is_no_address_and_one_named_so_is_doubted() -> None:
    unfilled = (
        "<title>T</title><link>https://a.example/{{ slug }}</link><description>x</description>"
    )
    named = item("nyheder/skabelon-til-nyheder-pm")
    found = reading(rss(unfilled, named))
    assert found.documents[0].canonical_url is None
    assert "a template's name" in found.documents[1].warnings[0]


def test_what_looks_like_a_template_in_a_text_stays_text() -> None:
    (document,) = reading(rss(item("a", text="<p>Hej {{ navn }}</p><p>{% x %}</p>"))).documents
    assert [block.text for block in document.edition.body[:2]] == ["Hej {{ navn }}", "{% x %}"]


def test_text_that_was_escaped_twice_is_read_once_more() -> None:
    twice = "&lt;p&gt;K&amp;oslash;b &amp;amp; salg&lt;/p&gt;&lt;p&gt;Mere&lt;/p&gt;"
    (document,) = reading(
        rss(item("a", title="&amp;amp;AElig;ble &amp;amp;amp; most", text=twice))
    ).documents
    assert document.edition.title == "Æble & most"
    assert [block.text for block in document.edition.body] == ["Køb & salg", "Mere", "a"]


def test_a_date_that_cannot_be_trusted_is_none_and_said_to_be() -> None:
    for told in ("soon", "Fri, 02 Oct 2026 18:06 IST", "31 Feb 2026 10:00 GMT"):
        (document,) = reading(rss(item("a").replace("Fri, 02 Oct 2026 18:06 GMT", told))).documents
        assert document.dated is None
        assert document.dated_as == told
        assert "its date cannot be read" in document.warnings[0]


def test_an_hour_that_the_clocks_skip_is_resolved_and_marked() -> None:
    (document,) = reading(
        rss(item("a").replace("Fri, 02 Oct 2026 18:06 GMT", "29 Mar 2026 02:30"))
    ).documents
    assert document.dated is not None
    assert document.dated.isoformat() == "2026-03-29T01:30:00+00:00"
    assert "the clocks change in it" in document.warnings[0]


def entry(**parts: Any) -> str:
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": [parts]})


LISTED = {"id": 7, "date": "2026-10-01T09:00:00Z"}
TEXT = {"title": "T", "url": "/release/7/t", "metadescription": "Lead."}


@pytest.mark.parametrize(
    ("release", "what"),
    [
        (LISTED, "it has neither `versions` by language nor a `title`"),
        ({**LISTED, "versions": {}}, "it has neither `versions` by language nor a `title`"),
        ({**LISTED, "versions": [TEXT]}, "its `versions` are an object by language, not list"),
        ({**LISTED, "versions": {"da": None}}, "its version “da” is no object"),
        ({**LISTED, "versions": {"da": TEXT, "en": "T"}}, "its version “en” is no object"),
        ({**LISTED, "versions": {"da": {"url": "/release/7/t"}}}, "it has no title"),
        (7, "a release is an object, not int"),
        (None, "a release is an object, not NoneType"),
    ],
)
def test_a_newsrooms_release_of_another_shape_is_refused_and_says_what_is_missing(
    release: Any, what: str
) -> None:
    whole = {**LISTED, "id": 8, "versions": {"da": TEXT, "en": None}}
    found = reading(json.dumps({"release_listing": {"releases": [release, whole]}}))
    assert [one.identity for one in found.documents] == ["newsroom:8"]
    (refusal,) = found.refusals
    assert refusal.what == what
    assert refusal.place.startswith("item 1")
    assert refusal.cure


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ({"release_listing": {"items": []}}, "`release_listing` (items): no list `releases` in it"),
        ({"pressroom": {"publisher": {}}}, "`pressroom` (publisher): no list `releases`"),
        ({"releases": {"7": TEXT}}, "`releases` (7): no list `releases`"),
        (
            {"release": {"id": 7, "html": "x"}},
            "`release` (id, html): that release has no `id` with",
        ),
        ({"releases": None}, "`releases` (NoneType)"),
        ({"releases": None, "message": "Forbidden"}, "answered with an error: Forbidden"),
    ],
)
def test_a_newsrooms_json_of_another_shape_is_refused_and_says_what_is_missing(
    value: Any, what: str
) -> None:
    with pytest.raises(SourceFault) as caught:
        reading(json.dumps(value))
    assert what in caught.value.what
    assert caught.value.cure


def test_a_lead_of_exactly_a_thousand_characters_is_never_mailed_as_whole() -> None:
    for length, kept in ((999, True), (1000, False), (1001, True)):
        lead = ("ord " * 300)[: length - 1] + "x"
        listed = {
            "releases": [
                {
                    "id": 1,
                    "versions": {
                        "da": {"title": "T", "url": "/release/1/t", "metadescription": lead}
                    },
                }
            ]
        }
        (announced,) = reading(json.dumps(listed)).documents
        assert (announced.edition.lead == lead) is kept, length
        assert announced.edition.body == ()
        assert announced.detail_url == "https://ministry.example/release/1/t"
        (whole,) = reading(
            entry(id="1", title="T", summary=lead, content_html="<p>Body.</p>")
        ).documents
        assert (whole.edition.lead == lead) is kept
        assert whole.edition.body[0].text == "Body."


def test_json_from_hell_gives_documents_or_refusals_that_can_be_kept() -> None:
    bad = entry(id="\ud800\x00", title="T", content_text="x", date_published="\x00\ud800", url=7)
    (document,) = reading(bad).documents
    assert document.identity is not None
    for kept in (document.identity, document.dated_as, *document.warnings):
        assert kept.encode().decode() == kept
        assert "\x00" not in kept
    refused = reading(entry(id=["x"], title={"a": 1}, content_text=5))
    assert refused.documents == ()
    assert refused.refusals[0].what == "it has no title"


def test_endless_lists_are_read_to_a_bound_and_quickly() -> None:
    started = time.process_time()
    many = reading(rss(*["<title>T</title><description>x</description>"] * 5_001))
    assert many.refusals[-1].place == "item 5001 and those after it"
    for slow in (
        "<rss>" + "<item>" * 100_000,
        "<rss><channel><item>" + "<![CDATA[" * 100_000,
        "<rss><channel>" + "<item></b></item>" * 5_000,
        rss(f"<title>T</title><description>{'.' * 300_000}</description>"),
        rss(f"<title>T</title><description>{'&amp;' * 200_000}</description>"),
        rss(f"<title>T</title><description>{'&lt;a ' * 200_000}</description>"),
    ):
        with suppress(SourceFault):
            reading(slow)
    assert time.process_time() - started < 15

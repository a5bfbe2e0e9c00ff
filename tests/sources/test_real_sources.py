"""Every real file becomes the right releases, or is refused in words that help.

What comes out of each file stands in expected.json, whole: a fact that is not there is not said. Oddities:

    dk_ism, dk_sm      summaries end in two dots, in the middle of a sentence: cut, so left out. Two pages
                       stand at the address of a template (skabelon-til-nyheder-pm, nyhedsside).
                       "Mødemateriale" has no summary at all. Neither feed names its language
    ep_press           the language is written EN, the guid is no address
    it_esteri          prefixes are ns0 to ns3; the summary ends in […]; dc:creator is the help desk
    um_pressroom       four releases of one title; a date for all languages; a picture by its path alone
    wires_dialects     the namespace of dc is wrong, dates have no seconds, tickers are no topics; the second
                       item has no link but a guid that is one, and three dots for a text
    govuk              all languages share a content_id; "arabic" is Urdu; the picture of an organisation
                       ("placeholder") shows nothing; two organisations, neither first, make it joint
    ninjs, addb        no headline, a name of two words, and a body about something else: the headline of
                       the body is taken, and there is no date to go by
    ninjs, ntb         a headline and a summary, but no body
    ninjs, 2013...zh   version 1, lines that end amid a sentence
    presseportal       reports of public services do not say their language
    pages              no date, no identity: their words are it
"""

import json
from pathlib import Path
from typing import Any

import pytest
from support.documents import facts

from mailer.core.errors import SourceFault
from mailer.core.web_name import web_name
from mailer.sources.found import Found
from mailer.sources.reading import ReadingTerms, read

HERE = Path(__file__).parent
DANISH = ReadingTerms(language="da", zone="Europe/Copenhagen")
EXPECTED: dict[str, Any] = json.loads((HERE / "expected.json").read_text())
UM = "feeds/um_pressroom_2012662.subset.json"
URLS = {UM: "https://via.ritzau.dk/public-website-api/pressroom/2012662/releases/20/0"}

FAULTS = {
    "ninjs/LICENSE": "neither a newsroom page nor Markdown",
    "ninjs/ninjs-schema_1.6.json": "a JSON Schema (“IPTC ninjs - News in JSON - version 1.6”)",
    "ninjs/ninjs-schema_3.1.json": "a JSON Schema",
    "presseportal/LICENSE": "neither a newsroom page nor Markdown",
    "presseportal/authentification_failed_error.json": "authentification failed (101)",
    "presseportal/company_info.json": "an entry about an issuer, not a list of stories",
    "presseportal/empty_json.json": "JSON that says nothing",
    "presseportal/entity_search.json": "a search's result, not a list of stories",
    "presseportal/office_info.json": "an entry about an issuer, not a list of stories",
}
REFUSED = {"ninjs/ntb_text.json": ("item 1", "it has a headline but no body")}


def found_in(file: str) -> Found:
    return read((HERE / file).read_bytes(), media_type="", url=URLS.get(file, ""), terms=DANISH)


def test_every_file_is_in_a_table() -> None:
    folders = ("pages", "feeds", "govuk", "ninjs", "presseportal")
    there = {f"{folder}/{file.name}" for folder in folders for file in (HERE / folder).iterdir()}
    ours = {"feeds/README.md", "govuk/README.md"}
    assert there - ours == set(EXPECTED) | set(FAULTS)


@pytest.mark.parametrize("file", sorted(EXPECTED))
def test_a_file_becomes_the_right_releases(file: str) -> None:
    found = found_in(file)
    said = [json.loads(json.dumps(facts(document))) for document in found.documents]
    assert said == EXPECTED[file]["documents"]
    assert (found.format, found.self_url) == (
        EXPECTED[file]["format"],
        EXPECTED[file]["self_url"],
    )
    assert [(one.place, one.what) for one in found.refusals] == [
        REFUSED[one] for one in (file,) if one in REFUSED
    ]
    assert all(one.cure for one in found.refusals)


@pytest.mark.parametrize("file", sorted(EXPECTED))
def test_what_is_announced_has_no_body_and_what_is_whole_has_one(file: str) -> None:
    for document in found_in(file).documents:
        assert bool(document.edition.body) is (document.detail_url is None)
        if document.canonical_url is not None:
            assert web_name(document.canonical_url) in document.names


@pytest.mark.parametrize("file", sorted(FAULTS))
def test_a_file_that_is_no_release_is_refused_with_a_cure(file: str) -> None:
    with pytest.raises(SourceFault) as caught:
        found_in(file)
    assert FAULTS[file] in caught.value.what
    assert caught.value.cure


def test_a_newsroom_list_without_an_address_to_start_from_announces_nothing() -> None:
    found = read((HERE / UM).read_bytes(), media_type="", url="um.json", terms=DANISH)
    assert found.documents == ()
    assert len(found.refusals) == 9
    assert "no address where the whole stands" in found.refusals[0].what


def test_the_words_of_a_release_are_all_there() -> None:
    (document,) = found_in("govuk/news_article_press_release.json").documents
    kinds = [(block.kind, block.level, block.ordinal) for block in document.edition.body]
    assert kinds[8:10] == [("attribution", 0, 0), ("quote", 0, 0)]
    assert kinds[19:21] == [("heading", 2, 0), ("number", 0, 1)]
    linked = [run.href for block in document.edition.body for run in block.runs if run.href]
    assert linked[0] == "https://www.nhs.uk/oneyou/how-are-you"
    assert document.edition.body[-1].text == "Out of hours 020 8200 4400"

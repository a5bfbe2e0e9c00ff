"""The fingerprint follows the words and nothing else; a slug is a safe, readable tail."""

import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.core.release import (
    Block,
    Contact,
    Edition,
    Run,
    body_from_plain,
    body_to_plain,
    fingerprint,
    slug,
)

EDITION = Edition(
    language="da",
    title="Møde i Det Udenrigspolitiske Nævn",
    lead="Nævnet holder møde på torsdag.",
    body=(
        Block("paragraph", (Run("Mødet begynder "), Run("kl. 09.00", bold=True))),
        Block("paragraph", (Run("Der er adgang for pressen."),)),
    ),
)

words = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=12)
sentences = st.lists(words, min_size=1, max_size=6).map(" ".join)


def edition_of(title: str, lead: str, paragraphs: list[str]) -> Edition:
    body = tuple(Block("paragraph", (Run(text),)) for text in paragraphs)
    return Edition(language="en", title=title, lead=lead, body=body)


@given(sentences, sentences, st.lists(sentences, min_size=1, max_size=4))
def test_spacing_and_unicode_form_do_not_count(title: str, lead: str, body: list[str]) -> None:
    def otherwise(text: str) -> str:
        return "\u00a0 " + unicodedata.normalize("NFD", text).replace(" ", " \n\t") + " "

    assert fingerprint(edition_of(title, lead, body)) == fingerprint(
        edition_of(otherwise(title), otherwise(lead), [otherwise(text) for text in body])
    )


def test_style_links_and_contacts_do_not_count() -> None:
    plain = replace(EDITION.body[0], runs=(Run("Mødet begynder kl. 09.00"),))
    other = replace(EDITION, body=(plain, EDITION.body[1]), contacts=(Contact("pressen@um.dk"),))
    assert fingerprint(other) == fingerprint(EDITION)


@pytest.mark.parametrize(
    "other",
    [
        replace(EDITION, language="en"),
        replace(EDITION, title="Møde i Nævnet"),
        replace(EDITION, title=EDITION.title.lower()),
        replace(EDITION, lead=""),
        replace(EDITION, lead=EDITION.lead.replace("torsdag", "fredag")),
        replace(EDITION, body=EDITION.body[:1]),
        replace(EDITION, body=EDITION.body[::-1]),
        replace(EDITION, lead="", body=(Block("paragraph", (Run(EDITION.lead),)), *EDITION.body)),
    ],
)
def test_other_words_are_another_edition(other: Edition) -> None:
    assert fingerprint(other) != fingerprint(EDITION)


def test_words_that_move_across_a_border_are_another_edition() -> None:
    assert fingerprint(edition_of("a b", "c", ["d"])) != fingerprint(edition_of("a", "b c", ["d"]))
    assert fingerprint(edition_of("a", "b", ["c d"])) != fingerprint(
        edition_of("a", "b", ["c", "d"])
    )


def test_two_releases_of_one_title_differ_by_their_text() -> None:
    june = replace(EDITION, lead="Nævnet holder møde torsdag den 26. juni 2025 kl. 09.00")
    september = replace(EDITION, lead="Nævnet holder møde torsdag den 18. september 2025 kl. 09.00")
    assert fingerprint(june) != fingerprint(september)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Danmark udviser 15 russiske efterretningsofficerer",
         "danmark-udviser-15-russiske-efterretningsofficerer"),
        ("Møde på Ærø: Årets æbler", "moede-paa-aeroe-aarets-aebler"),
        (unicodedata.normalize("NFD", "Møde på Ærø: Årets æbler"), "moede-paa-aeroe-aarets-aebler"),
        ("Łódź, Straße, Þórður, ILIK", "lodz-strasse-thordur-ilik"),
        ("L’été à Genève", "lete-a-geneve"),
        ("Aksen Danmark–Norge: USA’s rolle", "aksen-danmark-norge-usas-rolle"),
        ("外務省の発表", "release"),
        ("!!!", "release"),
        ("", "release"),
        ("x" * 80, "x" * 60),
        ("kort " + "y" * 80, "kort"),
    ],
)  # fmt: skip
def test_slug(title: str, expected: str) -> None:
    assert slug(title) == expected


@given(st.text(max_size=200))
def test_every_title_has_a_slug_that_fits_an_address(title: str) -> None:
    found = slug(title)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", found)
    assert len(found) <= 60
    assert slug(unicodedata.normalize("NFD", title)) == slug(unicodedata.normalize("NFC", title))


def test_a_body_survives_being_stored() -> None:
    body = (
        *EDITION.body,
        Block("heading", (Run("Se også"),), level=2),
        Block("number", (Run("her", italic=True, href="https://um.dk/"),), level=1, ordinal=3),
        Block("rule"),
    )
    assert body_from_plain(body_to_plain(body)) == body

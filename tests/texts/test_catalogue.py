"""Catalogues: every language from its files, English from the code, and the words of consent."""

from dataclasses import replace

import pytest
from support.mails import NEWSROOM

from mailer.texts.catalogue import has_catalogue, languages, spoken, translations
from mailer.texts.wording import subscribe_wording


def test_danish_is_read_from_its_catalogue() -> None:
    assert translations("da").gettext("Press releases") == "Pressemeddelelser"
    assert translations("da-DK").gettext("Press contact") == "Pressekontakt"


def test_english_and_unknown_languages_are_the_code() -> None:
    for language in ("en", "en-GB", "kl", "xx-unknown"):
        assert translations(language).gettext("Press contact") == "Press contact"


def test_norwegian_without_more_is_bokmal() -> None:
    assert has_catalogue("no")
    assert translations("no").gettext("Press releases") == "Pressemeldinger"


def test_which_languages_there_are() -> None:
    assert languages()[0] == "en"
    assert "da" in languages()
    assert has_catalogue("da-DK")
    assert has_catalogue("en")
    assert not has_catalogue("kl")


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        (("kl", "da", "en"), "da"),
        (("kl", "fo"), "en"),
        (("fo", "en-GB", "da"), "en-GB"),
        (("da-DK",), "da-DK"),
        ((), "en"),
    ],
)
def test_our_own_words_are_in_the_first_language_that_has_them(
    wanted: tuple[str, ...], language: str
) -> None:
    assert spoken(*wanted) == language


def test_the_wording_names_who_writes_and_how_to_withdraw() -> None:
    english = subscribe_wording(NEWSROOM, "en")
    assert "from Udenrigsministeriet by e-mail" in english
    assert "withdraw" in english
    danish = subscribe_wording(NEWSROOM, "da")
    assert "fra Udenrigsministeriet på e-mail" in danish
    assert "samtykke tilbage" in danish


@pytest.mark.parametrize("language", languages())
def test_every_wording_names_the_newsroom(language: str) -> None:
    assert "Udenrigsministeriet" in subscribe_wording(NEWSROOM, language)


def test_a_greenlandic_form_states_its_consent_in_the_newsrooms_next_language() -> None:
    greenlandic = replace(NEWSROOM, languages=("kl", "da"))
    assert subscribe_wording(greenlandic, "kl") == subscribe_wording(NEWSROOM, "da")

"""Catalogues: Danish from its files, English from the code."""

from support.mails import NEWSROOM

from mailer.texts.catalogue import has_catalogue, languages, translations
from mailer.texts.wording import kind_label, subscribe_wording


def test_danish_is_read_from_its_catalogue() -> None:
    assert translations("da").gettext("Press release") == "Pressemeddelelse"
    assert translations("da-DK") is not None
    assert translations("da-DK").gettext("Press contact") == "Pressekontakt"


def test_english_and_unknown_languages_are_the_code() -> None:
    for language in ("en", "en-GB", "kl", "xx-unknown"):
        assert translations(language).gettext("Press release") == "Press release"


def test_which_languages_there_are() -> None:
    assert languages()[0] == "en"
    assert "da" in languages()
    assert has_catalogue("da-DK")
    assert has_catalogue("en")
    assert not has_catalogue("kl")


def test_the_wording_names_who_writes_and_how_to_withdraw() -> None:
    english = subscribe_wording(NEWSROOM, "en")
    assert "from Udenrigsministeriet by e-mail" in english
    assert "withdraw" in english
    danish = subscribe_wording(NEWSROOM, "da")
    assert "fra Udenrigsministeriet på e-mail" in danish
    assert "samtykke tilbage" in danish


def test_usual_kinds_are_translated_and_others_stand() -> None:
    assert kind_label("", "da") == kind_label("Press release", "da") == "Pressemeddelelse"
    assert kind_label("Pressemeddelelse", "en") == "Press release"
    assert kind_label("Nyhed", "en") == "News"
    assert kind_label("Mediadvisering", "da") == "Mediadvisering"

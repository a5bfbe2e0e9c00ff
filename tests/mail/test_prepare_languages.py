"""Mails in every language, and in those that have no catalogue: each word marked as what it is."""

from dataclasses import replace

import pytest
from support.mails import DANISH, FACTS, NEWSROOM, composed, notice, read, release, tags

from mailer.core.delivery import Purpose
from mailer.core.release import Block, Edition, Run
from mailer.texts.catalogue import languages, translations

_GREENLANDIC = replace(NEWSROOM, languages=("kl", "da"))
_TEXT = (Block("paragraph", (Run("Ulluinnarni"),)),)


@pytest.mark.parametrize("language", languages())
def test_a_release_has_its_languages_own_words_around_it(language: str) -> None:
    wire = read(composed(release(replace(DANISH, language=language))))
    said = translations(language).gettext("Press contact")
    assert said in wire.text
    assert f">{said}<" in wire.html
    assert (language == "en") == ("Press contact" in wire.text)
    assert wire.headers["Content-Language"] == language


def test_a_greenlandic_release_has_danish_words_around_it_and_says_so() -> None:
    edition = Edition("kl", "Nunatsinni", "", _TEXT)
    wire = read(composed(release(edition, newsroom=_GREENLANDIC)))
    found = tags(wire.html)
    assert dict(found)["html"]["lang"] == "da"
    assert ("div", {"lang": "kl", "dir": "ltr"}) in found
    assert ("bdi", {"lang": "kl"}) in found
    assert "Tusagassiutinut nalunaarut · 21. november 2025" in wire.text
    assert "Du får denne mail" in wire.text


def test_a_kind_without_a_greenlandic_word_is_danish_and_says_so() -> None:
    edition = Edition("kl", "Nunatsinni", "", _TEXT)
    facts = replace(FACTS, kind="News")
    wire = read(composed(release(edition, newsroom=_GREENLANDIC, facts=facts)))
    assert "Nyhed · " in wire.text
    assert ("bdi", {"lang": "da"}) in tags(wire.html)


def test_a_greenlandic_readers_notice_is_in_the_newsrooms_next_language() -> None:
    wire = read(composed(notice(Purpose.WELCOME, "kl", newsroom=_GREENLANDIC)))
    assert dict(tags(wire.html))["html"]["lang"] == "da"
    assert "Du er nu tilmeldt" in wire.text
    assert wire.headers["Content-Language"] == "da"

"""Kinds of releases: known by any of their words, shown in the page's language, honest about it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.core.language import primary
from mailer.texts.kinds import LABELS, Label, kind_label, label_of

# As the newsroom's own list of categories states its labels.
_STATED = {
    "news": "en__label__News__lang__da__label__Nyhed",
    "invitation": "en__label__Press invitation__lang__da__label__Presseinvitation",
    "release": "en__label__Press release__lang__da__label__Pressemeddelelse__lang__kl__label__"
    "Tusagassiutinut nalunaarut__lang__fo__label__Tíðindaskriv",
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_are_those_that_the_newsroom_states(kind: str) -> None:
    stated = dict(re.findall(r"(?:^|__lang__)(\w\w)__label__(.*?)(?=__lang__|$)", _STATED[kind]))
    ours = next(labels for name, labels in LABELS.items() if name == kind)
    assert {language: ours[language] for language in stated} == stated
    assert {"kl", "fo"} & ours.keys() == {"kl", "fo"} & stated.keys()


@pytest.mark.parametrize(
    ("kind", "language", "shown"),
    [
        ("", "da", "Pressemeddelelse"),
        ("Press release", "da", "Pressemeddelelse"),
        ("press_release", "de", "Pressemitteilung"),
        ("PRESSEMEDDELELSE", "sv", "Pressmeddelande"),
        (" Presse\u00admeddelelse", "sv", " Presse\u00admeddelelse"),
        ("Pressemeddelelse ", "nb", "Pressemelding"),
        ("Pressemeddelelse", "no", "Pressemelding"),
        ("Pressemeddelelse", "fi", "Tiedote"),
        ("Pressemeddelelse", "fr-CH", "Communiqué de presse"),
        ("Pressemeddelelse", "ar", "بيان صحفي"),
        ("Pressemeddelelse", "kl", "Tusagassiutinut nalunaarut"),
        ("Tusagassiutinut nalunaarut", "fo", "Tíðindaskriv"),
        ("Tíðindaskriv", "en", "Press release"),
        ("Nyhed", "en-GB", "News"),
        ("world_news_story", "fi", "Uutinen"),
        ("Presseinvitation", "fr", "Invitation presse"),
        ("Press invitation", "ar", "دعوة صحفية"),
        ("Mediadvisering", "da", "Mediadvisering"),
        ("Comunicati", "de", "Comunicati"),
    ],
)
def test_what_is_shown(kind: str, language: str, shown: str) -> None:
    assert kind_label(kind, language) == shown


def test_a_label_says_its_language() -> None:
    assert label_of("Nyhed", "kl", "da") == Label("Nyhed", "da")
    assert label_of("Pressemeddelelse", "kl", "da") == Label("Tusagassiutinut nalunaarut", "kl")
    assert label_of("Nyhed", "kl") == Label("News", "en")
    assert label_of("Comunicati", "kl", "da") == Label("Comunicati", "")


@given(st.text(max_size=30), st.lists(st.sampled_from(["da", "kl", "ar", "xx", "en-GB"])))
def test_no_kind_breaks_a_page(kind: str, tags: list[str]) -> None:
    label = label_of(kind, *tags)
    assert label.text == kind or primary(label.language) in LABELS["release"]


def test_no_two_kinds_share_a_word() -> None:
    words = [(word.casefold(), kind) for kind, labels in LABELS.items() for word in labels.values()]
    assert len({word for word, _ in words}) == len(set(words))

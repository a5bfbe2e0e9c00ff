"""Languages: what is wanted meets what there is, and no header can break it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.core.language import choose, direction, from_header, primary


@pytest.mark.parametrize(
    ("wanted", "offered", "chosen"),
    [
        (["en"], ["da", "en"], "en"),
        (["EN"], ["da", "en"], "en"),
        (["en-GB"], ["da", "en"], "en"),
        (["en"], ["da", "en-GB"], "en-GB"),
        (["pt"], ["da", "pt-PT", "pt-BR"], "pt-PT"),
        (["pt-BR"], ["pt-PT", "pt-BR"], "pt-BR"),
        (["sv", "en", "da"], ["da", "en"], "en"),
        (["sv"], ["da", "en"], "da"),
        ([], ["da", "en"], "da"),
    ],
)
def test_the_first_wanted_language_there_is(
    wanted: list[str], offered: list[str], chosen: str
) -> None:
    assert choose(wanted, offered) == chosen


@given(st.lists(st.text(max_size=8)), st.lists(st.text(max_size=8), min_size=1))
def test_something_offered_is_always_chosen(wanted: list[str], offered: list[str]) -> None:
    assert choose(wanted, offered) in offered


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ("", []),
        ("da", ["da"]),
        ("da, en-GB;q=0.8, en;q=0.7", ["da", "en-GB", "en"]),
        ("en;q=0.1,da", ["da", "en"]),
        ("en;q=0, da", ["da"]),
        ("*", []),
        ("da;q=nan, en", ["en"]),
        ("da;q=high, en", ["en"]),
        ("<script>, d\u00e5, en", ["en"]),
        (" da ; q=0.5 , en ", ["en", "da"]),
    ],
)
def test_a_header_names_tags_best_first(header: str, tags: list[str]) -> None:
    assert from_header(header) == tags


@given(st.text())
def test_any_header_gives_plain_tags(header: str) -> None:
    for tag in from_header(header):
        assert tag.isascii()
        assert tag.replace("-", "").isalnum()


@pytest.mark.parametrize(
    ("language", "way"), [("da", "ltr"), ("ar", "rtl"), ("he-IL", "rtl"), ("fa_IR", "rtl")]
)
def test_direction(language: str, way: str) -> None:
    assert direction(language) == way


def test_the_primary_subtag() -> None:
    assert primary("en_GB") == primary("EN-us") == "en"

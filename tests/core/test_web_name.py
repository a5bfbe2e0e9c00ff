"""One page has one name, however its address is spelled; another page has another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.core.web_name import MAX_NAME, short_name, web_name, without_counters

PAGE = "web:ism.dk/nyheder/7?lang=da"


@pytest.mark.parametrize(
    "url",
    [
        "https://www.ism.dk/nyheder/7?lang=da",
        "http://ism.dk/nyheder/7/?lang=da",
        " https://ISM.dk:443/nyheder/7?lang=da#top",
        "http://www.ism.dk:80/nyheder/7?utm_source=rss&utm_medium=x&lang=da",
        "https://ism.dk/nyheder/7?lang=da&fbclid=abc&mc_cid=1&gclid=2",
        "https://ism.dk/nyheder/%37?lang=da",
    ],
)
def test_spellings_of_one_page(url: str) -> None:
    assert web_name(url) == PAGE


@pytest.mark.parametrize(
    "url",
    [
        "https://ism.dk/nyheder/8?lang=da",
        "https://ism.dk/Nyheder/7?lang=da",
        "https://ism.dk/nyheder/7?lang=en",
        "https://ism.dk/nyheder/7",
        "https://ism.dk:8443/nyheder/7?lang=da",
        "https://sm.dk/nyheder/7?lang=da",
    ],
)
def test_other_pages(url: str) -> None:
    assert web_name(url)
    assert web_name(url) != PAGE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "17",
        "urn:newsml:dpa.com:2019",
        "mailto:a@b.example",
        "http://",
        "https://a:b/",
        "http://[x",
    ],
)
def test_what_is_no_web_address_has_no_name(text: str) -> None:
    assert web_name(text) == ""


def test_counters_go_and_all_else_stays_as_it_was_written() -> None:
    assert (
        without_counters("https://a.example/x?b=1&utm_campaign=y&a=%20#z")
        == "https://a.example/x?b=1&a=%20#z"
    )
    assert without_counters("https://a.example/x?utm_id=1") == "https://a.example/x"
    assert without_counters("https://a.example/?q=a+b&q") == "https://a.example/?q=a+b&q"


def test_a_name_fits_where_it_is_kept() -> None:
    long = "x" * (MAX_NAME + 1)
    assert short_name("IPR-46501") == "IPR-46501"
    assert short_name(long) != short_name(long + "y")
    assert len(short_name(long)) < MAX_NAME
    assert short_name("a\x00\ud800").startswith("sha256:")


@given(st.text(max_size=80))
def test_any_text_has_a_name_or_none(text: str) -> None:
    for name in (web_name(text), web_name(f"https://a.example/{text}"), short_name(text)):
        assert len(name) <= MAX_NAME
        assert name.isprintable()

"""Whatever a text holds stays text: nothing in it becomes a slot, a template, mark-up or a header."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.mails import (
    DANISH,
    FACTS,
    LINES,
    NEWSROOM,
    composed,
    read,
    release,
    shown,
    tags,
    words,
)

from mailer.core.address import has_hidden
from mailer.core.release import Block, BlockKind, Contact, Edition, Run
from mailer.mail.clean import cleaned
from mailer.mail.slots import CLOSE, OPEN, mark

_KINDS: list[BlockKind] = ["paragraph", "heading", "attribution", "quote", "bullet", "number"]
_TEXTS = LINES.filter(lambda text: bool(text.split()))
_BLOCKS = st.builds(
    lambda kind, text, level: Block(kind, (Run(text),), level, 1),
    st.sampled_from(_KINDS),
    _TEXTS,
    st.integers(0, 3),
)
_TITLES = _TEXTS.map(words).filter(lambda text: not has_hidden(text))


def _alone(text: str) -> Edition:
    return replace(DANISH, lead=text, body=(Block("paragraph", (Run(text),)),), contacts=())


@settings(max_examples=40)
@given(_TITLES, LINES, st.lists(_BLOCKS, min_size=1, max_size=6))
def test_every_text_survives(title: str, lead: str, body: list[Block]) -> None:
    wire = read(composed(release(Edition("da", title, lead, tuple(body)))))
    assert wire.headers["Subject"] == title
    for part in (words(wire.text), shown(wire.html)):
        assert title in part
        assert words(lead) in part
        for block in body:
            assert words(block.text) in part


@pytest.mark.parametrize(
    "text",
    [
        "{{ 7 * 7 }} {% if slots.leave_url %}x{% endif %} {# gone #}",
        "%(address)s %s {0} ${x}",
        "<script>alert(1)</script> &amp; <b>",
        "Bcc: all@example.org",
        "--=_boundary",
        "=?utf-8?q?x?=",
    ],
)
def test_signs_of_other_languages_stay_text(text: str) -> None:
    wire = read(composed(release(_alone(text))))
    assert words(wire.text).count(words(text)) == 2
    assert shown(wire.html).count(text) == 2
    assert "script" not in {tag for tag, _ in tags(wire.html)}


@pytest.mark.parametrize(
    "text", [mark("leave_token"), mark("to"), "\0leave_token\0", f"{OPEN}x", CLOSE, "\0", "\ud800"]
)
def test_a_text_cannot_open_a_slot(text: str) -> None:
    hostile = Edition(
        "da",
        "Title",
        text,
        (
            Block("preformatted", (Run(text),)),
            Block("paragraph", (Run(text, href=f"https://{text}"),)),
        ),
        (Contact(text, email=text, phone=text),),
    )
    newsroom = replace(NEWSROOM, postal=text)
    wire = read(composed(release(hostile, newsroom=newsroom)))
    expected = cleaned(text)
    assert "\ufffd" in expected
    assert wire.text.count(expected) >= 4
    assert wire.text.count("https://nyheder.example/leave/") == 1


def test_facts_cannot_open_a_slot_or_carry_a_script() -> None:
    facts = replace(FACTS, kind=mark("leave_token"), canonical_url="javascript:alert(1)")
    wire = read(composed(release(facts=facts)))
    assert "\ufffdleave_token\ufffd" in wire.text
    assert "javascript" not in wire.text + wire.html
    assert "https://nyheder.example/um/releases/17-naeste-skridt" in wire.text


def test_what_is_cleaned_and_what_is_kept() -> None:
    assert (
        cleaned("a\0b\x1bc\x7fd\x9be\ufdd0f\uffffg\U0001fffeh\udc80")
        == "a" + "".join(f"\ufffd{letter}" for letter in "bcdefgh") + "\ufffd"
    )
    assert cleaned("a\r\nb\rc\u2028d\u2029e\x85f") == "a\nb\nc\nd\ne\nf"
    kept = "æøå\tx\n🇩🇰 👩‍🚒 \u00ad\u200b\u202b مرحبا\u00a0"
    assert cleaned(kept) == kept


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", "data:text/html,x", "//example.org", "file:///etc/passwd", "/x",
             "https://a b", "vbscript:x", ' https://a.example"onclick="x']
)  # fmt: skip
def test_a_link_no_mail_should_carry_loses_its_address(href: str) -> None:
    body = (Block("paragraph", (Run("click here", href=href),)),)
    wire = read(composed(release(replace(DANISH, body=body, contacts=()))))
    assert "click here" in wire.text
    assert "click here" in shown(wire.html)
    assert href.strip() not in wire.text
    assert all(
        str(attributes["href"]).startswith("https://nyheder.example/")
        for tag, attributes in tags(wire.html)
        if tag == "a"
    )


@pytest.mark.parametrize(
    "href", ["https://a.example/?x=1&y=2", "mailto:a@b.example", "tel:+4533920000"]
)
def test_a_good_link_is_carried(href: str) -> None:
    body = (Block("paragraph", (Run("see "), Run("this", href=href), Run("."))),)
    wire = read(composed(release(replace(DANISH, body=body, contacts=()))))
    assert href in [attributes.get("href") for _, attributes in tags(wire.html)]
    assert f"see this <{href.removeprefix('mailto:').removeprefix('tel:')}>." in wire.text

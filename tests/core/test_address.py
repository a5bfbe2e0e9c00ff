"""Addresses as people type them; the fast reading never differs from the full one."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailer.core import address as reading
from mailer.core.address import has_hidden, masked, parse_address
from mailer.core.errors import AddressRefused


@pytest.mark.parametrize(
    ("typed", "mailbox", "lookup"),
    [
        ("anna@example.org", "anna@example.org", "anna@example.org"),
        ("  Anna.Jensen@Example.ORG\t", "Anna.Jensen@example.org", "anna.jensen@example.org"),
        ("o'brien+press@mail.example.org", "o'brien+press@mail.example.org", None),
        ("Postmaster@example.org", "postmaster@example.org", "postmaster@example.org"),
        ("anna@blåbærgrød.dk", "anna@xn--blbrgrd-fxak7p.dk", None),
        ("anna@reader.test", "anna@reader.test", None),
    ],
)
def test_three_forms_of_a_mailbox(typed: str, mailbox: str, lookup: str | None) -> None:
    found = parse_address(typed)

    assert (found.typed, found.mailbox, found.lookup) == (
        typed.strip(),
        mailbox,
        lookup or mailbox,
    )
    assert found.domain == mailbox.partition("@")[2]


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("anna@example.org\r\nBcc: x@example.org", "control"),
        ("anna\u202e@example.org", "control"),
        ("anna\x00@example.org", "control"),
        (f"{'a' * 250}@example.org", "long"),
        ("anna", "syntax"),
        ("@example.org", "syntax"),
        ("anna@", "syntax"),
        ("anna@example", "syntax"),
        ("anna@example.org.", "syntax"),
        ("an na@example.org", "syntax"),
        ("anna..b@example.org", "syntax"),
        ("anna@exa_mple.org", "syntax"),
        ("anna@-example.org", "syntax"),
        ("anna@mail.local", "syntax"),
        ("anna@[192.0.2.1]", "syntax"),
        ("Anna <anna@example.org>", "syntax"),
        ("a@example.org, b@example.org", "syntax"),
        ("bjørn@example.org", "nonascii"),
        (f"{'a' * 65}@example.org", "long"),
        ("-anna@example.org", "dash"),
        ("--@example.org", "dash"),
        ("anna%0d%0abcc:x@example.org", "encoded"),
        ("anna%0Abcc@example.org", "encoded"),
        ("anna=0D=0Abcc@example.org", "encoded"),
        ("=?utf-8?q?anna?=@example.org", "encoded"),
        ("anna\r@example.org", "control"),
        ("anna\u2028b@example.org", "control"),
        ("anna\u200d@example.org", "control"),
        ("anna\u2066b\u2069@example.org", "control"),
        ("anna\u00ad@example.org", "control"),
        ("anna\u3164@example.org", "control"),
        ("anna\u2800@example.org", "control"),
        ("anna\ufe0f@example.org", "control"),
        ("anna@exa\u200bmple.org", "control"),
        ("anna\ud800@example.org", "control"),
        ("anna\u00a0b@example.org", "syntax"),
        ("anna@xn--a.org", "syntax"),
        ("anna@example..org", "syntax"),
        ('"anna b"@example.org', "syntax"),
        ("anna@example.org;b@example.org", "syntax"),
    ],
)
def test_what_is_no_mailbox_is_refused_with_a_reason_and_a_cure(typed: str, reason: str) -> None:
    with pytest.raises(AddressRefused) as caught:
        parse_address(typed)

    assert caught.value.reason == reason
    assert caught.value.cure


@pytest.mark.parametrize(
    ("typed", "mailbox", "lookup"),
    [
        ("Bjørn@Example.org", "Bjørn@example.org", "bjørn@example.org"),
        ("bjo\u0308rn@example.org", "björn@example.org", "björn@example.org"),
        ("ПОЧТА@пример.рф", "ПОЧТА@xn--e1afmkfd.xn--p1ai", "почта@xn--e1afmkfd.xn--p1ai"),
        ("用户@例え.jp", "用户@xn--r8jz45g.jp", "用户@xn--r8jz45g.jp"),
        ("anna@example.org", "anna@example.org", "anna@example.org"),
    ],
)
def test_where_relays_can_take_them_letters_before_the_at_are_kept(
    typed: str, mailbox: str, lookup: str
) -> None:
    found = parse_address(typed, smtputf8=True)

    assert (found.typed, found.mailbox, found.lookup) == (typed, mailbox, lookup)
    assert found.domain.isascii()
    with_mailbox = parse_address(found.mailbox, smtputf8=True)
    assert (with_mailbox.mailbox, with_mailbox.lookup) == (mailbox, lookup)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        (f"{'ø' * 33}@example.org", "long"),
        ("bjørn\u202e@example.org", "control"),
        ("bjørn\u115f@example.org", "control"),
        ("bjørn%0abcc@example.org", "encoded"),
        ("-bjørn@example.org", "dash"),
        ("bj rn@example.org", "syntax"),
        ("bjørn\u3000@example.org", "syntax"),
    ],
)
def test_letters_beyond_ascii_open_no_back_door(typed: str, reason: str) -> None:
    with pytest.raises(AddressRefused) as caught:
        parse_address(typed, smtputf8=True)

    assert caught.value.reason == reason


_LOCALS = st.one_of(
    st.text(st.sampled_from("aA0.-_+!#'=/"), min_size=1, max_size=6),
    st.sampled_from(["Postmaster", "INFO", "a" * 64, "a" * 65, "Abuse.", ".x", "x.y"]),
)
_LABELS = st.one_of(
    st.text(st.sampled_from("aZ9-"), min_size=1, max_size=5),
    st.sampled_from(["xn--abc", "ab--c", "a" * 63, "a" * 64, "xn--p1ai", "test", "LOCAL", "onion"]),
)
_ADDRESSES = st.builds(
    lambda local, labels: f"{local}@{'.'.join(labels)}",
    _LOCALS,
    st.lists(_LABELS, min_size=1, max_size=4),
).filter(lambda typed: len(typed) <= reading.MAX_LENGTH)  # longer ones are refused before


@settings(max_examples=200)
@given(_ADDRESSES)
@example("a@b.c")
@example("Anna@example.org")
@example("SECURITY@example.org")
@example("a@b.123")
@example("a@b.c1")
@example("a@1.c")
@example("a@xn--p1ai.org")
@example("a@ab--c.org")
def test_the_fast_reading_gives_what_the_full_one_gives(typed: str) -> None:
    quick = reading._parse_plain(typed)

    if quick is not None:
        assert quick == reading._parse_visible(typed)


def test_the_fast_reading_takes_the_common_forms() -> None:
    for typed in ("anna@example.org", "Anna.Jensen@mail.Example.dk", "a-b+c@x1.co.uk"):
        assert reading._parse_plain(typed) is not None


@given(st.text(max_size=20))
def test_any_text_is_an_address_or_is_refused(text: str) -> None:
    try:
        found = parse_address(text)
    except AddressRefused:
        return
    assert found.mailbox.isascii()
    assert not has_hidden(found.mailbox)
    assert parse_address(found.mailbox).lookup == found.lookup


@pytest.mark.parametrize(
    ("text", "hidden"),
    [("plain ~", False), ("Søren", False), ("a\nb", True), ("a\x7f", True), ("a\u200b", True)],
)
def test_hidden_characters(text: str, hidden: bool) -> None:
    assert has_hidden(text) is hidden


def test_a_masked_address_keeps_its_domain() -> None:
    assert masked("jens@example.org") == "j***@example.org"

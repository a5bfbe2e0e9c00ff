"""Header fields: strict readers read back what was meant, and nothing gets in that was not."""

import email
import email.policy
import re
from email.header import decode_header
from typing import Any

import fast_mail_parser
import pytest
from hypothesis import assume, given
from support.mails import AT, LINES

from mailer.core.address import has_hidden
from mailer.core.errors import MailerError
from mailer.mail import headers

_STRICT = email.policy.SMTP.clone(raise_on_defect=True)
_SHOWN = (
    LINES.map(lambda text: re.sub("[\u200c\u200d]", "", text))
    .filter(lambda text: text.strip() and not has_hidden(text))
    .map(lambda text: headers.display(" ".join(text.split()), "the text"))
)


def _read(field: bytes, name: str) -> Any:
    message = email.message_from_bytes(field + b"\r\n", policy=_STRICT)
    value = message[name]
    assert not value.defects
    assert message.keys() == [name]
    return value


def _check_field(field: bytes) -> None:
    assert field.isascii()
    assert field.endswith(b"\r\n")
    lines = field[:-2].split(b"\r\n")
    assert all(len(line) <= headers.FOLD for line in lines)
    assert all(line.startswith(b" ") and line.strip() for line in lines[1:])
    assert not any(b"\n" in line or b"\r" in line for line in lines)


@given(_SHOWN)
def test_every_subject_survives(text: str) -> None:
    field = headers.unstructured("Subject", text)
    _check_field(field)
    assert _read(field, "Subject") == text
    assert fast_mail_parser.parse_email(field + b"\r\nx\r\n").subject == text


@given(_SHOWN)
def test_every_display_name_survives(name: str) -> None:
    assume(name == name.strip())
    field = headers.mailbox("From", name, "press@example.org")
    _check_field(field)
    (only,) = _read(field, "From").addresses
    assert only.addr_spec == "press@example.org"
    if field.count(b"=?") <= 1:  # CPython puts a space between a phrase's encoded-words
        assert only.display_name == name
    other = fast_mail_parser.parse_email(field + b"\r\nx\r\n", strict=True).from_
    assert other is not None
    assert (other.display_name, other.address) == (name, "press@example.org")


@given(_SHOWN)
def test_every_encoded_word_holds_whole_characters(text: str) -> None:
    for word in headers.encoded_words(text, len("Subject: ")):
        assert len(word) <= 75
        ((octets, charset),) = decode_header(word)
        assert charset == "utf-8"
        assert octets.decode("utf-8")


def test_the_shorter_encoding_is_chosen() -> None:
    assert headers.encoded_words("Møde i dag", 9) == ["=?utf-8?q?M=C3=B8de_i_dag?="]
    assert headers.encoded_words("مرحبا", 9) == ["=?utf-8?b?2YXYsdit2KjYpw==?="]


@pytest.mark.parametrize(
    ("name", "atoms"),
    [
        ("Foreign Ministry", ["Foreign", "Ministry"]),
        ("Ministry, Foreign", ['"Ministry, Foreign"']),
        ('The "Ministry"', [r'"The \"Ministry\""']),
        ("a@b", ['"a@b"']),
    ],
)
def test_phrases_are_quoted_only_where_they_must(name: str, atoms: list[str]) -> None:
    assert headers.phrase(name, 6) == atoms


@pytest.mark.parametrize(
    "text",
    [
        "Title\r\nBcc: all@example.org",
        "Title\nx",
        "bell\a",
        "a\0b",
        "tab\there",
        "turned \u202egnp.exe",
        "\u2066isolated",
        "\u200fmarked",
        "zero\u200bwidth",
        "line\u2028line",
        "\ud800",
    ],
)
def test_hidden_characters_are_refused(text: str) -> None:
    with pytest.raises(MailerError, match=r"The title holds the hidden character U\+[0-9A-F]{4}"):
        headers.display(text, "the title")


def test_an_empty_text_is_refused() -> None:
    with pytest.raises(MailerError, match="The title is empty"):
        headers.display("  ", "the title")


def test_joiners_that_shape_words_and_emoji_are_kept() -> None:
    for text in ("نمی‌خواهم", "👩‍🚒 brand"):
        assert _read(headers.unstructured("Subject", headers.display(text, "x")), "Subject") == text


def test_spaces_are_made_one() -> None:
    assert headers.display("  a   b\u00a0 c ", "x") == "a b\u00a0 c"


@pytest.mark.parametrize("atom", ["a\r\nb", "a\nb", "ø", "", "a\0b", b"\0Leave\0", "a\tb"])
def test_a_field_takes_printable_ascii_alone(atom: str | bytes) -> None:
    with pytest.raises(MailerError, match="X-Test"):
        headers.field("X-Test", atom)
    with pytest.raises(MailerError, match="X-Test"):
        headers.unfolded("X-Test", atom)


def test_fields_fold_between_atoms_and_never_in_them() -> None:
    fitting = "<https://example.org/" + "a" * 41 + ">"
    assert headers.field("Archived-At", fitting) == f"Archived-At: {fitting}\r\n".encode()
    longer = "<https://example.org/" + "a" * 42 + ">"
    assert headers.field("Archived-At", longer) == f"Archived-At:\r\n {longer}\r\n".encode()
    longest = "<https://example.org/" + "a" * 200 + ">"
    assert headers.field("Archived-At", longest) == f"Archived-At: {longest}\r\n".encode()


@pytest.mark.parametrize(
    "address",
    ["", "news.example", "https://news example", "https://ø.example", "https://a>b", "javascript:x",
     "https://a.example/\r\nBcc:x", "https://a.example/" + "a" * 900, 'https://a"b'],
)  # fmt: skip
def test_uris_that_cannot_stand_in_a_header_are_refused(address: str) -> None:
    with pytest.raises(MailerError, match="cannot stand in a mail's header"):
        headers.uri(address)


@pytest.mark.parametrize("address", ["https://a.example/x?y=1&z=[1]", "http://127.0.0.1:8000/um"])
def test_uris_are_bracketed(address: str) -> None:
    assert headers.uri(address) == f"<{address}>"


@pytest.mark.parametrize(
    "address",
    ["", "a", "a@", "@b", "a b@c", "a@b c", "a@b>\r\nBcc: <x", "ø@b", "a@ø", ".a@b", "a.@b", "a..b@c",
     "a@b,c@d", "a@b\n", '"a b"@c', "a@.b", "x" * 250 + "@b.dk"],
)  # fmt: skip
def test_mailboxes_that_cannot_stand_in_a_header_are_refused(address: str) -> None:
    with pytest.raises(MailerError, match="cannot stand in a mail's header"):
        headers.checked_mailbox(address)


@pytest.mark.parametrize("address", ["a@b", "o'brien+x=y@news.example", "{a}.b@xn--dk-eka.example"])
def test_mailboxes_stand_as_they_are(address: str) -> None:
    assert headers.checked_mailbox(address) == address


def test_dates_are_in_universal_time() -> None:
    assert headers.date(AT) == b"Fri, 21 Nov 2025 12:47:00 +0000"

"""The code in a confirmation mail: first in the subject, first in the text, one for each request."""

import re
from pathlib import Path

import pytest
from support.mails import AT, TOKENS, composed, notice, read, shown, tags

from mailer.core.codes import grouped, read_code
from mailer.core.delivery import Purpose
from mailer.core.errors import MailerError
from mailer.core.token import LinkPurpose
from mailer.mail.headers import unstructured
from mailer.mail.slots import mark
from mailer.texts.catalogue import languages
from mailer.texts.templates import Templates

CODE = TOKENS.codes.code(4711)
UNSEEN = re.compile("[\u2066-\u2069\u200e\u200f]")


@pytest.mark.parametrize("language", languages())
def test_the_code_stands_in_the_subject_and_in_the_first_line(language: str) -> None:
    wire = read(composed(notice(Purpose.CONFIRM, language)))
    assert re.findall(r"[0-9]{6}", wire.headers["Subject"]) == [CODE]
    first = UNSEEN.sub("", wire.text.splitlines()[0])
    assert grouped(CODE) in first
    assert grouped(CODE) in UNSEEN.sub(
        "", shown(wire.html.split("<h1", 1)[0]).replace(" ", "\u00a0")
    )
    assert read_code(re.search(r"[0-9]{3}\W[0-9]{3}", first)[0]) == CODE  # type: ignore[index] # found above


def test_a_code_is_read_from_left_to_right_in_every_mail() -> None:
    html = read(composed(notice(Purpose.CONFIRM, "ar"))).html
    isolated = [attributes for tag, attributes in tags(html) if tag == "bdi"]
    assert any(attributes.get("dir") == "ltr" for attributes in isolated)


def test_each_request_has_its_own_code_and_what_is_kept_has_none() -> None:
    prepared = notice(Purpose.CONFIRM, "en")
    other = read(composed(prepared, cause="request:4712"))
    assert CODE not in other.headers["Subject"]
    assert TOKENS.codes.code(4712) in other.headers["Subject"]
    assert not re.search(r"[0-9]{6}", prepared.subject)
    assert CODE.encode() not in prepared.content
    assert prepared.subject.startswith("······ is your code")


@pytest.mark.parametrize("purpose", [Purpose.CONFIRM, Purpose.REMINDER])
def test_both_mails_have_the_link_that_says_it_was_not_me(purpose: Purpose) -> None:
    wire = read(composed(notice(purpose, "en")))
    for part in (wire.text, wire.html):
        (token,) = set(re.findall(r"/not-me/([\w.-]+)", part))
        claim = TOKENS.read(LinkPurpose.NOT_ME, token, AT)
        assert claim.subject == 4711
        assert len(set(re.findall(r"/confirm/([\w.-]+)", part))) == 1


def test_a_reminder_has_no_code_for_its_page_is_long_closed() -> None:
    wire = read(composed(notice(Purpose.REMINDER, "en")))
    assert not re.search(r"\b[0-9]{3}.?[0-9]{3}\b", wire.headers["Subject"])
    assert "List-Unsubscribe" not in wire.headers
    assert CODE not in wire.text.replace("\u00a0", "")


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("{{ code }} first", b"Subject: \0code\0 first\r\n"),
        ("last {{ code }}", b"Subject: last \0code\0\r\n"),
        ("{{ code }}", b"Subject: \0code\0\r\n"),
        ("Kode {{ code }} på vej", b"Subject: Kode \0code\0 =?utf-8?q?p=C3=A5_vej?=\r\n"),
    ],
)
def test_a_slot_in_a_header_is_a_word_by_itself(subject: str, expected: bytes) -> None:
    assert unstructured("Subject", subject.replace("{{ code }}", mark("code"))) == expected


@pytest.mark.parametrize(
    "subject", ["({{ code }})", "{{ code }}: x", "x{{ code }}", "é{{ code }} y"]
)
def test_a_slot_that_touches_a_word_is_refused(tmp_path: Path, subject: str) -> None:
    path = tmp_path / "mail" / "confirm" / "subject.txt"
    path.parent.mkdir(parents=True)
    path.write_text(subject)
    with pytest.raises(MailerError, match="join a slot to a word"):
        notice(Purpose.CONFIRM, templates=Templates(tmp_path))


def test_a_long_subject_is_folded_and_keeps_its_code(tmp_path: Path) -> None:
    path = tmp_path / "mail" / "confirm" / "subject.txt"
    path.parent.mkdir(parents=True)
    path.write_text("Ministeriet for Blåbær og " * 6 + "{{ code }} " + "og ærlighed " * 9)
    wire = read(composed(notice(Purpose.CONFIRM, templates=Templates(tmp_path))))
    assert wire.headers["Subject"].split(" og ærlighed")[0].endswith(f"og {CODE}")
    assert max(len(line) for line in wire.raw.split(b"\r\n")) <= 998

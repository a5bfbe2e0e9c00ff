"""Files and pictures in a mail: linked with name, kind and size; carried where asked; never loaded."""

import email
import email.policy
import re
from dataclasses import replace
from email.message import EmailMessage

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.mails import DANISH, FACTS, LINES, SITE, composed, read, release

from mailer.core.release import Block, Edition, File, Picture, Run
from mailer.mail.attached import Attachment, mixed
from mailer.mail.prepare import Prepared

REPORT = File("https://um.example/rapport.pdf", "Rapport.pdf", "application/pdf", 1_234_567)
FIGURES = File("kept:0a1b", "Tål.csv", "text/csv", 900, attach=True)
HOUSE = Picture("https://um.example/hus.jpg", "Huset ved havet", "Huset i maj", "Ole Olsen")
WITH_ALL = replace(
    DANISH, files=(REPORT, FIGURES), pictures=(HOUSE, Picture("https://um.example/q.jpg"))
)
CARRIED = Attachment("kept:0a1b", "Tål.csv", "text/csv", b"a;b\r\n" * 100)


def wire_of(prepared: Prepared) -> EmailMessage:
    """The message of one reader, as the standard library reads it."""
    message = email.message_from_bytes(composed(prepared).content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_files_and_pictures_are_linked_in_both_parts() -> None:
    wire = read(composed(release(WITH_ALL)))
    for part in (wire.text, wire.html):
        assert "https://um.example/rapport.pdf" in part
        assert "https://um.example/hus.jpg" in part
        assert re.search(r"/um/releases/17-naeste-skridt/files/[0-9a-f]{16}/T%C3%A5l\.csv", part)
        for words in ("Rapport.pdf", "Huset ved havet", "Huset i maj", "Ole Olsen"):
            assert words in part
    assert "(PDF, 1,2\N{NO-BREAK SPACE}MB)" in wire.text
    assert wire.text.index("Huset i maj") < wire.text.index("Mødet afholdes")
    assert not re.search(r"<img|background=|url\(|src=", wire.html), "nothing is loaded"


def test_what_is_carried_lies_beside_the_texts() -> None:
    facts = replace(FACTS, attachments=(CARRIED, replace(CARRIED, name="b.pdf", media_type="x")))
    message = wire_of(release(WITH_ALL, facts=facts))
    assert message.get_content_type() == "multipart/mixed"
    alternative, *files = message.iter_parts()
    assert alternative.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in alternative.iter_parts()] == [
        "text/plain",
        "text/html",
    ]
    assert [
        (part.get_content_type(), part.get_filename(), part.get_content_disposition())
        for part in files
    ] == [
        ("text/csv", "Tål.csv", "attachment"),
        ("application/octet-stream", "b.pdf", "attachment"),
    ]
    assert [part.get_payload(decode=True) for part in files] == [CARRIED.content] * 2
    plain = message.get_body(("plain",))
    assert plain is not None
    assert "vedhæftet" in plain.get_content()
    assert max(map(len, composed(release(WITH_ALL, facts=facts)).content.split(b"\r\n"))) <= 998


@settings(max_examples=30)
@given(LINES, st.binary(max_size=400))
@example("\xa0", b"")
def test_any_name_and_any_content_survive(name: str, content: bytes) -> None:
    inner = b"Content-Type: text/plain\r\n\r\nHej\r\n"
    made = mixed(inner, [Attachment("u", name, "application/pdf", content)])
    message = email.message_from_bytes(b"MIME-Version: 1.0\r\n" + made, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    text, file = message.iter_parts()
    assert text.get_content().rstrip() == "Hej"
    assert file.get_payload(decode=True) == content
    found = file.get_filename()
    assert found
    assert not set(found) & set("/\\\r\n\0")
    assert file.keys() == ["Content-Type", "Content-Transfer-Encoding", "Content-Disposition"]


@pytest.mark.parametrize(
    ("edition", "direction"),
    [
        (
            Edition(
                "ar",
                "وزارة الخارجية تعلن عن اتفاق جديد",
                "الاتفاق يدخل حيز التنفيذ اليوم.",
                (Block("paragraph", (Run("قال الوزير إن الاتفاق مهم للمنطقة."),)),),
                files=(REPORT,),
                pictures=(HOUSE,),
            ),
            "rtl",
        ),
        (
            Edition(
                "zh-Hant",
                "外交部宣布新協議",
                "該協議今天生效。",
                (Block("paragraph", (Run("部長表示，該協議對該地區非常重要。" * 12),)),),
                pictures=(HOUSE,),
            ),
            "ltr",
        ),
    ],
)
def test_every_script_is_whole_in_both_parts(edition: Edition, direction: str) -> None:
    message = wire_of(release(edition))
    assert message["Content-Language"] == edition.language
    assert message["Subject"] == edition.title
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    for part in (plain, html):
        words = "".join(part.get_content().split())
        for said in (edition.title, edition.lead, edition.body[0].text):
            assert "".join(said.split()) in words
    place = f'<div lang="{edition.language}" dir="{direction}">'
    assert place in html.get_content()
    assert SITE.base_url in plain.get_content()


def test_the_foot_says_what_it_is_filed_under() -> None:
    plain = read(composed(release(facts=replace(FACTS, subjects=("Klima", "Energi & <havet>")))))
    for part in (plain.text, plain.html.replace("&amp;", "&").replace("&lt;", "<")):
        assert "Klima, Energi & <havet" in " ".join(part.split())
    assert "Klima" not in read(composed(release())).text

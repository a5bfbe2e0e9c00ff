"""Letters are read as a mail reader reads them, whatever is wrong with them."""

from email.message import EmailMessage
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from support.properties import ONE_FIXTURE

from mailer.demo.letters import Letter, letters, mailboxes, read_letter


def _read(folder: Path, content: bytes) -> Letter:
    path = folder / "007.eml"
    path.write_bytes(content)
    return read_letter("anna@avisen.example", path)


def test_reads_both_parts_and_decodes_the_subject(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Subject"] = "Næste skridt i København"
    message["To"] = "anna@avisen.example"
    message.set_content("Kære Anna\n", cte="quoted-printable")
    message.add_alternative("<p>Kære Anna</p>\n", subtype="html")
    letter = _read(tmp_path, message.as_bytes())
    assert (letter.number, letter.mailbox) == (7, "anna@avisen.example")
    assert letter.subject == "Næste skridt i København"
    assert letter.field("to") == "anna@avisen.example"
    assert (letter.text, letter.html) == ("Kære Anna\n", "<p>Kære Anna</p>\n")
    assert "multipart/alternative" in letter.source


def test_a_mail_without_anything_is_still_a_letter(tmp_path: Path) -> None:
    letter = _read(tmp_path, b"")
    assert (letter.subject, letter.html, letter.fields) == ("(no subject)", None, ())


def test_an_unknown_character_set_is_read_as_utf_8(tmp_path: Path) -> None:
    content = "Content-Type: text/plain; charset=klingon\r\n\r\nrødgrød\r\n".encode()
    assert _read(tmp_path, content).text == "rødgrød\n"


def test_a_post_office_nobody_used_has_no_mailboxes(tmp_path: Path) -> None:
    assert mailboxes(tmp_path / "none") == {}
    assert letters(tmp_path, "anna@avisen.example") == []


def test_a_mailbox_whose_first_mail_is_just_being_written_is_none_yet(tmp_path: Path) -> None:
    box = tmp_path / "anna@avisen.example"
    box.mkdir()
    (box / "001.part").write_bytes(b"Subject: Ne")
    assert mailboxes(tmp_path) == {}
    (box / "001.part").replace(box / "001.eml")
    assert mailboxes(tmp_path) == {"anna@avisen.example": [box / "001.eml"]}


_FIELD = st.sampled_from(
    ["Subject", "To", "From", "Date", "Content-Type", "Content-Transfer-Encoding", "Message-ID"]
)
_HOSTILE = st.lists(
    st.tuples(
        _FIELD,
        st.text("=?utf-8QB;<>@:,\"'()[]\\. \taZ0/%*&\u00e5", max_size=40)
        | st.sampled_from(["multipart/mixed; boundary=x", "message/rfc822", "base64"]),
    ),
    max_size=5,
)


@given(_HOSTILE, st.binary(max_size=80))
@ONE_FIXTURE
def test_no_mail_is_too_broken_to_be_read(
    tmp_path: Path, fields: list[tuple[str, str]], body: bytes
) -> None:
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    letter = _read(tmp_path, head.encode() + b"\r\n--x\r\n\r\n" + body)
    assert letter.subject
    assert len(letter.fields) == len(fields)

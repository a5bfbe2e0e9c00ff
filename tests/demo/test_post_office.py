"""The post office takes real SMTP and keeps every mail as it came."""

import smtplib
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.demo.letters import letters, mailboxes
from mailer.demo.post_office import PostOffice, folder_name

MAIL = (
    "Subject: =?utf-8?q?R=C3=B8dgr=C3=B8d?=\r\nTo: anna@avisen.example\r\n\r\n..\r\nmed fløde\r\n"
)


@pytest.fixture
def post(tmp_path: Path) -> Iterator[PostOffice]:
    """An open post office."""
    with PostOffice(tmp_path / "post-office").open() as post:
        yield post


def _mail(post: PostOffice, *recipients: str, mails: int = 1) -> None:
    with smtplib.SMTP("127.0.0.1", post.port, timeout=20) as client:
        for _ in range(mails):
            client.sendmail("bounce+1@um.example", recipients, MAIL.encode())


def test_keeps_a_mail_as_it_came(post: PostOffice) -> None:
    _mail(post, "anna@avisen.example")
    kept = post.folder / "anna@avisen.example" / "001.eml"
    trace, _, content = kept.read_bytes().partition(b"Delivered-To: anna@avisen.example\r\n")
    assert trace == b"Return-Path: <bounce+1@um.example>\r\n"
    assert content == MAIL.encode()


def test_each_recipient_has_a_copy_of_its_own(post: PostOffice) -> None:
    _mail(post, "anna@avisen.example", "jens@radioen.example")
    assert {box: len(paths) for box, paths in mailboxes(post.folder).items()} == {
        "anna@avisen.example": 1,
        "jens@radioen.example": 1,
    }


def test_many_lines_at_once_lose_and_overwrite_nothing(post: PostOffice) -> None:
    clients = [
        threading.Thread(target=_mail, args=(post, "anna@avisen.example"), kwargs={"mails": 10})
        for _ in range(5)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert [letter.number for letter in letters(post.folder, "anna@avisen.example")] == [
        *range(1, 51)
    ]
    assert not list(post.folder.rglob("*.part"))


def test_a_mail_taken_away_leaves_its_number_free(post: PostOffice) -> None:
    _mail(post, "anna@avisen.example", mails=3)
    (post.folder / "anna@avisen.example" / "001.eml").unlink()
    _mail(post, "anna@avisen.example")
    assert [letter.number for letter in letters(post.folder, "anna@avisen.example")] == [2, 3, 4]


def test_says_so_when_it_cannot_keep_a_mail(post: PostOffice) -> None:
    post.folder.write_text("a file where the folder should be")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        _mail(post, "anna@avisen.example")
    assert refused.value.smtp_code == 452


def test_closes_while_a_client_is_still_connected(tmp_path: Path) -> None:
    with PostOffice(tmp_path).open() as post:
        client = smtplib.SMTP("127.0.0.1", post.port, timeout=20)
        client.ehlo()
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()
    client.close()
    assert "post office" not in {thread.name for thread in threading.enumerate()}


@given(st.text(min_size=1))
def test_no_recipient_leads_out_of_the_folder(recipient: str) -> None:
    name = folder_name(recipient)
    assert Path("post", name).parent == Path("post")
    assert name not in {"", ".", ".."}
    assert not name.startswith(".")


@given(st.text(min_size=1))
def test_a_folder_names_its_recipient(recipient: str) -> None:
    assert unquote(folder_name(recipient)) == recipient

"""The folder takes every message whole, once, and says when it cannot."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from support.parcels import outcome_of

from mailer.core.delivery import Blame, Outcome, Phase, Result
from mailer.core.errors import ServiceMissing
from mailer.mail.folder import FolderTransport, file_stem
from mailer.mail.message import Message
from mailer.mail.segments import Segments
from mailer.mail.transport import Line, Transport

CONTENT = (
    b"From: press@um.example\r\nMessage-ID: <release.17.abc@um.example>\r\n\r\n"
    b"Dear reader,\r\n.hidden\r\n"
)
MESSAGE = Message("bounce+17@um.example", "anna@example.org", Segments((CONTENT,)))


def _sent(folder: Path, *messages: Message) -> list[Outcome]:
    async def send() -> list[Outcome]:
        transport: Transport = FolderTransport(folder, name="rehearsal")
        line: Line = await transport.connect()
        outcomes = [await outcome_of(line, message) for message in messages]
        await line.close()
        assert not line.alive
        return outcomes

    return asyncio.run(send())


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_file_holds_the_bytes_and_the_sidecar_the_envelope(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "out"
    (outcome,) = _sent(folder, MESSAGE)
    stem = file_stem(MESSAGE)
    assert stem.startswith("release.17.abc@um.example.")
    assert _names(folder) == [f"{stem}.eml", f"{stem}.envelope.json"]
    assert (folder / f"{stem}.eml").read_bytes() == CONTENT
    assert json.loads((folder / f"{stem}.envelope.json").read_text()) == {
        "sender": "bounce+17@um.example",
        "recipient": "anna@example.org",
    }
    assert outcome == Outcome(
        Result.ACCEPTED, Phase.CONTENT, text=f"written to {stem}.eml", relay="rehearsal"
    )


def test_the_same_message_again_is_the_same_file(tmp_path: Path) -> None:
    first, second = _sent(tmp_path, MESSAGE, MESSAGE)
    assert first == second
    assert len(list(tmp_path.glob("*.eml"))) == 1


def test_messages_that_differ_never_share_a_file(tmp_path: Path) -> None:
    other_reader = Message(MESSAGE.sender, "bob@example.org", Segments((CONTENT,)))
    other_words = Message(MESSAGE.sender, MESSAGE.recipient, Segments((CONTENT + b"PS\r\n",)))
    _sent(tmp_path, MESSAGE, other_reader, other_words)
    assert len(list(tmp_path.glob("*.eml"))) == 3


@pytest.mark.parametrize(
    ("header", "start"),
    [
        (b"Subject: none", "message."),
        (b"Message-ID: <../../etc/passwd@x>", "_.._etc_passwd@x."),
        (b"Message-ID: <" + b"x" * 500 + b"@x>", "x" * 120 + "."),
    ],
)
def test_no_message_id_leads_out_of_the_folder(header: bytes, start: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    message = Message("a@b.example", "c@d.example", Segments((header + b"\r\n\r\nwords\r\n",)))
    (outcome,) = _sent(folder, message)
    assert outcome.result is Result.ACCEPTED
    assert file_stem(message).startswith(start)
    assert _names(tmp_path) == ["out"]
    assert len(_names(folder)) == 2


def test_a_folder_that_cannot_be_is_told_with_its_cure(tmp_path: Path) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("not a folder")
    with pytest.raises(ServiceMissing, match="a-file") as caught:
        _sent(blocked)
    assert "folder that this account may write to" in caught.value.cure


def test_a_folder_that_goes_away_defers_and_ends_the_line(tmp_path: Path) -> None:
    folder = tmp_path / "out"

    async def send() -> tuple[Outcome, bool]:
        line = await FolderTransport(folder).connect()
        shutil.rmtree(folder)
        return await outcome_of(line, MESSAGE), line.alive

    outcome, alive = asyncio.run(send())
    assert (outcome.result, outcome.blame) == (Result.DEFERRED, Blame.RELAY)
    assert "No such file" in outcome.text
    assert not alive


@pytest.mark.parametrize(
    ("message", "blame"),
    [
        (
            Message("a@b.example\r\nRCPT TO:<x@y>", "c@d.example", Segments((CONTENT,))),
            Blame.SENDER,
        ),
        (Message("a@b.example", "c@d.example>\r\nDATA", Segments((CONTENT,))), Blame.READER),
        (Message("a@b.example", "", Segments((CONTENT,))), Blame.READER),
        (
            Message("a@b.example", "c@d.example", Segments((b"x\n.\nMAIL FROM:<>\r\n",))),
            Blame.SENDER,
        ),
        (Message("a@b.example", "c@d.example", Segments((b"x\rx\r\n",))), Blame.SENDER),
        (Message("a@b.example", "c@d.example", Segments((b"no end",))), Blame.SENDER),
        (Message("a@b.example", "c@d.example", Segments((b"",))), Blame.SENDER),
        (Message("a@b.example", "c@d.example", Segments((b"\0name\0\r\n",))), Blame.SENDER),
        (Message("a@b.example", "c@d.example", Segments(("Ærø\r\n".encode(),))), Blame.SENDER),
    ],
)
def test_what_no_line_may_carry_is_refused(message: Message, blame: Blame, tmp_path: Path) -> None:
    (outcome,) = _sent(tmp_path, message)
    assert (outcome.result, outcome.blame) == (Result.REFUSED, blame)
    assert outcome.text.startswith("not sent: ")
    assert _names(tmp_path) == []


def test_the_null_sender_is_an_address(tmp_path: Path) -> None:
    (outcome,) = _sent(tmp_path, Message("", "c@d.example", Segments((CONTENT,))))
    assert outcome.result is Result.ACCEPTED

"""A mailbox beyond ASCII is written to where the relay takes it, and plainly refused where it does not."""

import asyncio
from email import policy
from email.parser import Parser
from pathlib import Path

import aiosmtpd.smtp
import pytest
from support.parcels import Tray, outcome_of
from support.scripted_server import ScriptedServer

from mailer.core.address import parse_address
from mailer.core.delivery import Blame, Outcome, Phase, Result
from mailer.mail.folder import FolderTransport
from mailer.mail.message import Message
from mailer.mail.relay import Relay
from mailer.mail.segments import Segments
from mailer.mail.smtp import SmtpTransport
from mailer.mail.wire import Ready, Terms, ready

READER = "ærø@xn--bcher-kva.example"
WIDE = f"To: {READER}\r\nSubject: x\r\n\r\nwords\r\n".encode()
PLAIN = b"Subject: x\r\n\r\nwords\r\n"


def _to(recipient: str = READER, content: bytes = WIDE) -> Message:
    return Message("bounce+1@um.example", recipient, Segments((content,)))


def _relay(port: int) -> Relay:
    return Relay("main", "127.0.0.1", port, security="none")


@pytest.mark.parametrize("pipelining", [(), ("PIPELINING",)])
@pytest.mark.parametrize("size", [(), ("SIZE 1000000",)])
def test_it_is_asked_for_where_it_is_offered_and_needed(
    pipelining: tuple[str, ...], size: tuple[str, ...]
) -> None:
    messages = [_to("anna@example.org", PLAIN), _to(), _to("bob@example.org", PLAIN)]

    async def story() -> None:
        offered = (*pipelining, *size, "8BITMIME", "SMTPUTF8")
        async with ScriptedServer(extensions=offered) as server:
            line = await SmtpTransport(_relay(server.port)).connect()
            tray = Tray(messages)
            await line.stream(tray.pull)
            await line.close()
        assert {each.result for each in tray.outcomes.values()} == {Result.ACCEPTED}
        mails = [command for command in server.commands if command.startswith("MAIL")]
        sizes = [f" SIZE={message.size}" if size else "" for message in messages]
        assert mails == [
            f"MAIL FROM:<bounce+1@um.example>{sizes[0]}",
            f"MAIL FROM:<bounce+1@um.example>{sizes[1]} SMTPUTF8",
            f"MAIL FROM:<bounce+1@um.example>{sizes[2]}",
        ]
        assert server.messages[1].recipient == READER
        assert server.messages[1].content == WIDE

    asyncio.run(story())


@pytest.mark.parametrize("pipelining", [(), ("PIPELINING",)])
def test_where_it_is_not_offered_that_reader_is_refused_and_no_other(
    pipelining: tuple[str, ...],
) -> None:
    async def story() -> tuple[Tray, list[str]]:
        async with ScriptedServer(extensions=(*pipelining, "8BITMIME")) as server:
            line = await SmtpTransport(_relay(server.port)).connect()
            tray = Tray([_to(), _to("bob@example.org", PLAIN)])
            await line.stream(tray.pull)
            assert line.alive
            await line.close()
        return tray, server.commands

    tray, commands = asyncio.run(story())
    refused = tray.outcomes[READER]
    assert (refused.result, refused.phase) == (Result.REFUSED, Phase.RCPT)
    assert (refused.blame, refused.enhanced) == (Blame.READER, "5.6.7")
    assert "SMTPUTF8" in refused.text
    assert "ask the reader for a plain address" in refused.text
    assert tray.outcomes["bob@example.org"].result is Result.ACCEPTED
    assert all(command.isascii() for command in commands)


def test_a_domain_beyond_ascii_needs_no_such_relay() -> None:
    address = parse_address("anna@bücher.example")

    async def story() -> tuple[Outcome, list[str]]:
        async with ScriptedServer() as server:
            line = await SmtpTransport(_relay(server.port)).connect()
            outcome = await outcome_of(line, _to(address.mailbox, PLAIN))
            await line.close()
            return outcome, server.commands

    outcome, commands = asyncio.run(story())
    assert outcome.result is Result.ACCEPTED
    assert "RCPT TO:<anna@xn--bcher-kva.example>" in commands


@pytest.mark.parametrize(
    "recipient",
    [
        "anna@bücher.example",  # to be written as A-labels
        "ærø",
        "ærø@",
        "@ærø",
        "æ rø@example.org",
        "æ\u00a0rø@example.org",
        "æ\u2028rø@example.org",
        "æ\u202erø@example.org",
        "æ\r\nrø@example.org",
        "æ\x85rø@example.org",
        "ærø>@example.org",
        "æ\ud800rø@example.org",
        "ø" * 125 + "@example.org",  # too long in octets alone
    ],
)
def test_what_could_inject_or_hide_never_leaves(recipient: str) -> None:
    outcome = ready(_to(recipient, PLAIN), Terms(utf8=True))
    assert isinstance(outcome, Outcome)
    assert (outcome.result, outcome.phase, outcome.enhanced) == (Result.REFUSED, Phase.RCPT, "")


@pytest.mark.parametrize(
    ("recipient", "content", "fit"),
    [
        (READER, WIDE, True),
        (READER, PLAIN, True),
        ("anna@example.org", WIDE, False),  # a header beyond ASCII is for such readers alone
        (READER, WIDE + "ø\r\n".encode(), False),  # the text stays 7-bit
        (READER, b"To: \xe6@example.org\r\n\r\nwords\r\n", False),  # Latin-1
        (READER, WIDE.replace(b"words", b"\0words\0"), False),
        (READER, WIDE.replace(b"\r\n\r\n", b"\n\n"), False),
        (READER, f"To: {READER}\r\n".encode(), True),  # a header alone
    ],
)
def test_a_header_may_be_utf8_for_such_a_reader_alone(
    recipient: str, content: bytes, fit: bool
) -> None:
    outcome = ready(_to(recipient, content), Terms(utf8=True))
    assert isinstance(outcome, Ready) is fit
    if isinstance(outcome, Outcome):
        assert (outcome.phase, outcome.blame) == (Phase.DATA, Blame.SENDER)


def test_a_folder_takes_every_mailbox(tmp_path: Path) -> None:
    async def story() -> Outcome:
        line = await FolderTransport(tmp_path).connect()
        return await outcome_of(line, _to())

    assert asyncio.run(story()).result is Result.ACCEPTED
    (written,) = tmp_path.glob("*.eml")
    assert written.read_bytes() == WIDE


@pytest.mark.parametrize("offered", [True, False])
def test_aiosmtpd_is_of_the_same_opinion(offered: bool) -> None:
    class Keeper:
        def __init__(self) -> None:
            self.taken: list[tuple[list[str], bytes]] = []

        async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
            assert isinstance(envelope, aiosmtpd.smtp.Envelope)
            self.taken.append((envelope.rcpt_tos, envelope.original_content or b""))
            assert envelope.smtp_utf8
            return "250 2.0.0 kept"

    async def story() -> tuple[Outcome, list[tuple[list[str], bytes]]]:
        keeper = Keeper()
        server = await asyncio.get_running_loop().create_server(
            lambda: aiosmtpd.smtp.SMTP(keeper, hostname="x.test", enable_SMTPUTF8=offered),
            "127.0.0.1",
            0,
        )
        async with server:
            line = await SmtpTransport(_relay(server.sockets[0].getsockname()[1])).connect()
            outcome = await outcome_of(line, _to())
            await line.close()
        return outcome, keeper.taken

    outcome, taken = asyncio.run(story())
    if not offered:
        assert (outcome.enhanced, taken) == ("5.6.7", [])
        return
    assert outcome.result is Result.ACCEPTED
    ((recipients, content),) = taken
    assert recipients == [READER]
    read = Parser(policy=policy.SMTPUTF8).parsestr(content.decode())
    assert read["To"].addresses[0].addr_spec == READER

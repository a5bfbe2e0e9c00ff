"""A line is opened on the relay's terms or not at all, and every failure names its phase and cure."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from support.certificates import Certificates
from support.parcels import outcome_of
from support.scripted_server import Fault, Gate, Received, Script, ScriptedServer

from mailer.core.delivery import Blame, Outcome, Phase, Result
from mailer.core.errors import ServiceMissing
from mailer.mail.message import Message
from mailer.mail.relay import Relay, Timeouts
from mailer.mail.segments import Segments
from mailer.mail.smtp import SmtpTransport
from mailer.mail.transport import Line, RelayMissing, Transport

MESSAGE = Message(
    "bounce+1@um.example", "anna@example.org", Segments((b"Subject: x\r\n\r\nwords\r\n",))
)
USERS = {"press": "hush-hush"}
HASTY = {"CONNECT": Timeouts(connect=0.2), "EHLO": Timeouts(ehlo=0.2)}


def _plain(server: ScriptedServer) -> Relay:
    return Relay("main", "127.0.0.1", server.port, security="none")


async def _one(relay: Relay) -> Outcome:
    transport: Transport = SmtpTransport(relay)
    line: Line = await transport.connect()
    try:
        return await outcome_of(line, MESSAGE)
    finally:
        await line.close()


async def _refused(relay: Relay) -> RelayMissing:
    with pytest.raises(RelayMissing) as caught:
        await SmtpTransport(relay).connect()
    assert isinstance(caught.value, ServiceMissing)
    assert caught.value.cure
    assert relay.place in caught.value.what
    return caught.value


@pytest.mark.parametrize("key", ["CONNECT", "EHLO"])
@pytest.mark.parametrize(
    ("step", "result", "blame", "words"),
    [
        ("450 4.3.2 too busy", Result.DEFERRED, Blame.RELAY, "450 4.3.2 too busy"),
        ("554 5.7.1 not you", Result.REFUSED, Blame.SENDER, "554 5.7.1 not you"),
        ("421 4.3.2 closing", Result.DEFERRED, Blame.RELAY, "421 4.3.2 closing"),
        (Fault.DROP, Result.DEFERRED, Blame.RELAY, "connect|lost|closed|EOF"),
        (b"!!! what is SMTP?\r\n", Result.DEFERRED, Blame.RELAY, "what is SMTP"),
        (Fault.SILENCE, Result.DEFERRED, Blame.RELAY, "Timed out"),
    ],
)
def test_every_failure_to_open_is_told(
    key: str, step: str | bytes | Fault, result: Result, blame: Blame, words: str
) -> None:
    async def story() -> RelayMissing:
        async with ScriptedServer({key: step}) as server:
            timeouts = HASTY[key] if step is Fault.SILENCE else Timeouts()
            return await _refused(replace(_plain(server), timeouts=timeouts))

    missing = asyncio.run(story())
    phase = Phase(key.lower())
    assert (missing.outcome.phase, missing.outcome.result) == (phase, result)
    assert missing.outcome.blame is blame
    with pytest.raises(ServiceMissing, match=words):
        raise missing


def test_nobody_there() -> None:
    async def story() -> RelayMissing:
        async with ScriptedServer() as server:
            relay = _plain(server)
        return await _refused(relay)

    missing = asyncio.run(story())
    assert missing.outcome.phase is Phase.CONNECT
    assert "that the relay runs" in missing.cure


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_tls_with_a_certificate_we_trust(
    security: str, host: str, certificates: Certificates
) -> None:
    async def story() -> tuple[Outcome, Received]:
        context = certificates.server
        implicit = security == "tls"
        async with ScriptedServer(
            tls=context if implicit else None, starttls=None if implicit else context, users=USERS
        ) as server:
            relay = Relay(
                "main",
                host,
                server.port,
                security="tls" if implicit else "starttls",
                username="press",
                password="hush-hush",
                ca_file=certificates.ca_file,
            )
            return await _one(relay), server.messages[0]

    outcome, received = asyncio.run(story())
    assert outcome.result is Result.ACCEPTED
    assert received.encrypted
    assert received.username == "press"
    assert received.content == MESSAGE.content


@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize("wrong", ["authority", "name"])
def test_tls_with_a_certificate_we_do_not_trust(
    implicit: bool, wrong: str, certificates: Certificates
) -> None:
    async def story() -> tuple[RelayMissing, list[str]]:
        context = certificates.stranger if wrong == "name" else certificates.server
        ca_file = certificates.other_ca_file if wrong == "authority" else certificates.ca_file
        async with ScriptedServer(
            tls=context if implicit else None, starttls=None if implicit else context
        ) as server:
            relay = Relay(
                "main",
                "127.0.0.1",
                server.port,
                security="tls" if implicit else "starttls",
                ca_file=ca_file,
            )
            return await _refused(relay), server.commands

    missing, commands = asyncio.run(story())
    assert missing.outcome.phase is (Phase.CONNECT if implicit else Phase.STARTTLS)
    assert (missing.outcome.result, missing.outcome.blame) == (Result.REFUSED, Blame.SENDER)
    assert "ca_file" in missing.cure
    assert not [line for line in commands if line.startswith(("MAIL", "AUTH"))]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (None, "not supported"),
        ({"STARTTLS": "502 5.5.1 no"}, "not supported"),
        ({"EHLO": "250-x\r\n250 STARTTLS", "STARTTLS": "454 4.7.0 no TLS today"}, "no TLS today"),
        ({"EHLO": "250-x\r\n250 STARTTLS", "STARTTLS": "502 5.5.1 no TLS"}, "no TLS"),
        ({"EHLO": "250-x\r\n250 STARTTLS", "STARTTLS": Fault.DROP}, "(?i)lost|EOF"),
    ],
)
def test_starttls_or_nothing(script: Script | None, words: str) -> None:
    async def story() -> tuple[RelayMissing, list[str]]:
        async with ScriptedServer(script) as server:
            relay = Relay("main", "127.0.0.1", server.port, username="press", password="hush-hush")
            return await _refused(relay), server.commands

    missing, commands = asyncio.run(story())
    assert missing.outcome.phase is Phase.STARTTLS
    assert not [line for line in commands if line.startswith(("MAIL", "AUTH"))]
    with pytest.raises(ServiceMissing, match=words):
        raise missing


def test_a_ca_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    relay = Relay("main", "127.0.0.1", 465, security="tls", ca_file=tmp_path / "absent.pem")
    with pytest.raises(ServiceMissing, match=r"absent\.pem") as caught:
        asyncio.run(SmtpTransport(relay).connect())
    assert "ca_file" in caught.value.cure


def test_a_socket_file(tmp_path: Path) -> None:
    async def story() -> Outcome:
        path = tmp_path / "smtp"
        async with ScriptedServer(socket_file=path):
            return await _one(Relay("main", f"unix:{path}", security="none"))

    assert asyncio.run(story()).result is Result.ACCEPTED


def test_our_name_in_ehlo() -> None:
    async def story() -> list[str]:
        async with ScriptedServer() as server:
            await _one(replace(_plain(server), helo="mailer.um.example"))
            return server.commands

    assert asyncio.run(story())[0] == "EHLO mailer.um.example"


def test_cancelling_while_connecting_leaves_nothing_open() -> None:
    async def story() -> None:
        gate = Gate()
        async with ScriptedServer({"EHLO": gate}) as server:
            connecting = asyncio.create_task(SmtpTransport(_plain(server)).connect())
            await gate.arrived()
            connecting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await connecting
            gate.open()

    asyncio.run(story())

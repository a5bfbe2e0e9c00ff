"""Every wait ends when its patience does, and not a moment sooner (RFC 5321 section 4.5.3.2).

The clock stands still but for what a test puts it forward by, so the true lengths are tried.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
from support.certificates import Certificates
from support.clock import SteppedLoop, stepped
from support.parcels import Tray, mail_to, outcome_of
from support.scripted_server import Fault, Gate, Script, ScriptedServer

from mailer.core.delivery import Phase, Result
from mailer.mail.relay import Relay, Timeouts
from mailer.mail.smtp import SmtpTransport
from mailer.mail.transport import Line, RelayMissing

A_MOMENT = 0.001
LIFE = Relay("main", "localhost", 25, security="none").connection_seconds
PATIENCE = Timeouts()
HUGE = b"x" * 998 + b"\r\n"

RFC_5321 = {"mail": 300, "rcpt": 300, "data": 120, "block": 180, "final": 600}
"""The least that section 4.5.3.2 wants of a client."""


def _played(story: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=SteppedLoop) as runner:
        runner.run(story)


def _relay(server: ScriptedServer, **terms: Any) -> Relay:
    known = {"security": "none", "helo": "mailer.um.example"} | terms
    return Relay("main", "127.0.0.1", server.port, **known)


async def _ends_after(patience: float, waiting: "asyncio.Task[Any]") -> None:
    """Wait for the end of a wait that has just begun."""
    await stepped().step(patience - A_MOMENT)
    assert not waiting.done(), "it still waits"
    await stepped().step(2 * A_MOMENT)
    await asyncio.wait([waiting])


@pytest.mark.parametrize("name", RFC_5321)
def test_we_are_as_patient_as_the_rfc_asks(name: str) -> None:
    assert getattr(PATIENCE, name) >= RFC_5321[name]


OFFERS_STARTTLS = {"EHLO": "250-x\r\n250 STARTTLS"}


@pytest.mark.parametrize(
    ("phase", "script", "terms", "patience"),
    [
        (Phase.CONNECT, {}, {}, PATIENCE.connect),
        (Phase.EHLO, {}, {}, PATIENCE.ehlo),
        (Phase.STARTTLS, OFFERS_STARTTLS, {"security": "starttls"}, PATIENCE.ehlo),
        (Phase.AUTH, {}, {"username": "um", "password": "secret"}, PATIENCE.ehlo),
    ],
)
def test_opening_a_line_has_its_patience(
    phase: Phase, script: Script, terms: dict[str, str], patience: float
) -> None:
    gate = Gate(Fault.DROP)

    async def story() -> None:
        users = {"um": "secret"} if phase is Phase.AUTH else None
        key = phase.value.upper()
        async with ScriptedServer({**script, key: gate}, users=users) as server:
            opening = asyncio.create_task(SmtpTransport(_relay(server, **terms)).connect())
            await gate.arrived()
            await _ends_after(patience, opening)
            gate.open()
            missing = opening.exception()
        assert isinstance(missing, RelayMissing)
        assert (missing.outcome.phase, missing.outcome.result) == (phase, Result.DEFERRED)
        assert "imed out" in missing.what

    _played(story())


@pytest.mark.parametrize(
    ("security", "phase", "patience"),
    [("tls", Phase.CONNECT, PATIENCE.connect), ("starttls", Phase.STARTTLS, PATIENCE.ehlo)],
)
def test_a_handshake_has_its_patience(
    security: str, phase: Phase, patience: float, certificates: Certificates
) -> None:
    """The server takes our first word of TLS and never says one of its own."""
    hello, over = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if security == "starttls":
            for reply in ("220 x", "250-x\r\n250 STARTTLS", "220 go ahead"):
                writer.write(f"{reply}\r\n".encode())
                if not reply.startswith("220 go"):
                    await reader.readline()
        await reader.read(1)
        hello.set()
        await reader.read()
        writer.close()
        await writer.wait_closed()
        over.set()

    async def story() -> None:
        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            relay = Relay(
                "main",
                "127.0.0.1",
                server.sockets[0].getsockname()[1],
                security="tls" if security == "tls" else "starttls",
                helo="mailer.um.example",
                ca_file=certificates.ca_file,
            )
            opening = asyncio.create_task(SmtpTransport(relay).connect())
            await hello.wait()
            await _ends_after(patience, opening)
            missing = opening.exception()
            await over.wait()
        assert isinstance(missing, RelayMissing)
        assert (missing.outcome.phase, missing.outcome.result) == (phase, Result.DEFERRED)

    _played(story())


Story = Callable[[Line, ScriptedServer], Awaitable[None]]
Told = Callable[[Script, Story], None]


@pytest.fixture(params=[(), ("PIPELINING",)], ids=["one at a time", "pipelined"])
def told(request: pytest.FixtureRequest) -> Told:
    """Plays a story on an open line, of either kind."""

    def play(script: Script, story: Story) -> None:
        async def run() -> None:
            async with ScriptedServer(script, extensions=request.param) as server:
                line = await SmtpTransport(_relay(server)).connect()
                await story(line, server)
                await line.close()

        _played(run())

    return play


@pytest.mark.parametrize(
    ("key", "phase", "patience", "result"),
    [
        ("MAIL", Phase.MAIL, PATIENCE.mail, Result.DEFERRED),
        ("RCPT", Phase.RCPT, PATIENCE.rcpt, Result.DEFERRED),
        ("DATA", Phase.DATA, PATIENCE.data, Result.DEFERRED),
        (".", Phase.CONTENT, PATIENCE.final, Result.UNKNOWN),
    ],
)
def test_every_reply_has_its_patience(
    told: Told, key: str, phase: Phase, patience: float, result: Result
) -> None:
    gate = Gate(Fault.DROP)

    async def story(line: Line, _: ScriptedServer) -> None:
        sending = asyncio.create_task(outcome_of(line, mail_to()))
        await gate.arrived()
        await _ends_after(patience, sending)
        outcome = sending.result()
        assert (outcome.phase, outcome.result) == (phase, result)
        assert outcome.text == f"the relay did not answer within {patience:g} s"
        gate.open()

    told({key: gate}, story)


def test_a_content_that_is_not_taken_has_its_patience(told: Told) -> None:
    gate = Gate(Fault.DROP)

    async def story(line: Line, _: ScriptedServer) -> None:
        sending = asyncio.create_task(outcome_of(line, mail_to(content=HUGE * 32_000)))
        await gate.arrived()
        await _ends_after(PATIENCE.block, sending)
        outcome = sending.result()
        assert (outcome.phase, outcome.result) == (Phase.DATA, Result.DEFERRED)
        assert outcome.text == f"the relay did not take the content within {PATIENCE.block:g} s"
        gate.open()

    told({"CONTENT": gate}, story)


def test_a_reset_has_the_patience_of_a_mail(told: Told) -> None:
    gate = Gate(Fault.DROP)

    async def story(line: Line, _: ScriptedServer) -> None:
        tray = Tray([mail_to("anna"), mail_to("bob")])
        streaming = asyncio.create_task(line.stream(tray.pull))
        await gate.arrived()
        await _ends_after(PATIENCE.mail, streaming)
        assert tray.outcomes["anna@example.org"].enhanced == "5.1.1"
        assert [message.recipient for message in tray.waiting] == ["bob@example.org"]
        assert not line.alive
        gate.open()

    told({"RCPT": "550 5.1.1 no", "RSET": gate}, story)


def test_taking_leave_has_its_patience(told: Told) -> None:
    gate = Gate(Fault.DROP)

    async def story(line: Line, _: ScriptedServer) -> None:
        closing = asyncio.create_task(line.close())
        await gate.arrived()
        await _ends_after(PATIENCE.quit, closing)
        gate.open()

    told({"QUIT": gate}, story)


def test_patience_begins_anew_with_every_reply(told: Told) -> None:
    """Replies that each come just in time may take longer together than any of them may."""
    gates = {key: Gate() for key in ("MAIL", "RCPT", "DATA", ".")}

    async def story(line: Line, _: ScriptedServer) -> None:
        sending = asyncio.create_task(outcome_of(line, mail_to()))
        for key, name in (("MAIL", "mail"), ("RCPT", "rcpt"), ("DATA", "data"), (".", "final")):
            await gates[key].arrived()
            await stepped().step(getattr(PATIENCE, name) - A_MOMENT)
            gates[key].open()
        assert (await sending).result is Result.ACCEPTED

    told(gates, story)


# The life of a line.


def test_a_line_asks_to_be_replaced_when_it_is_old_and_never_amid_a_message(told: Told) -> None:
    gate = Gate()

    async def story(line: Line, server: ScriptedServer) -> None:
        assert (await outcome_of(line, mail_to("anna"))).result is Result.ACCEPTED
        await stepped().step(LIFE - A_MOMENT)
        assert line.alive
        tray = Tray([mail_to("bob"), mail_to("carl")])
        streaming = asyncio.create_task(line.stream(tray.pull))
        await gate.arrived()
        await stepped().step(2 * A_MOMENT)
        gate.open()
        await streaming
        assert [(*tray.outcomes,), line.alive] == [("bob@example.org",), False]
        assert [message.recipient for message in tray.waiting] == ["carl@example.org"]
        await line.close()
        assert server.commands[-1] == "QUIT"

    told({"RCPT bob@example.org": gate}, story)


def test_a_line_takes_one_message_however_long_it_waited_for_it(told: Told) -> None:
    async def story(line: Line, server: ScriptedServer) -> None:
        await stepped().step(10 * LIFE)
        assert line.alive
        tray = Tray([mail_to("anna"), mail_to("bob")])
        await line.stream(tray.pull)
        assert list(tray.outcomes) == ["anna@example.org"]
        assert not line.alive

    told({}, story)


def test_a_life_is_a_setting() -> None:
    async def story() -> None:
        async with ScriptedServer() as server:
            relay = replace(_relay(server), connection_seconds=7)
            line = await SmtpTransport(relay).connect()
            await outcome_of(line, mail_to())
            lives = []
            for seconds in (7 - A_MOMENT, A_MOMENT):
                await stepped().step(seconds)
                lives.append(line.alive)
            assert lives == [True, False]
            await line.close()

    _played(story())

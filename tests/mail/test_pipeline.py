"""Pipelined, every message has its own true outcome, whichever of them the relay stumbles over."""

import asyncio
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st
from support.parcels import Tray, mail_to
from support.scripted_server import Fault, Gate, Script, ScriptedServer, Step

from mailer.core.delivery import Blame, Outcome, Phase, Result
from mailer.mail.line import SmtpLine
from mailer.mail.relay import Relay, Timeouts
from mailer.mail.segments import Segments
from mailer.mail.smtp import SmtpTransport

READERS = [f"reader{number}" for number in range(5)]
ADDRESSES = [f"{reader}@example.org" for reader in READERS]
HUGE = b"x" * 998 + b"\r\n"
KEYS = {Phase.MAIL: "MAIL", Phase.RCPT: "RCPT", Phase.DATA: "DATA", Phase.CONTENT: "."}
HASTY = {
    Phase.MAIL: Timeouts(mail=0.2),
    Phase.RCPT: Timeouts(rcpt=0.2),
    Phase.DATA: Timeouts(data=0.2),
    Phase.CONTENT: Timeouts(final=0.2),
}


def _about(phase: Phase, reader: str) -> str:
    """The script's key for this moment of this reader's message."""
    address = f"bounce+{reader}@um.example" if phase is Phase.MAIL else f"{reader}@example.org"
    return f"{KEYS[phase]} {address}"


def _streamed(
    script: Script, tray: Tray, *, timeouts: Timeouts | None = None
) -> tuple[ScriptedServer, bool]:
    """Stream a tray over one pipelined line; the server, and whether the line still stood."""

    async def run() -> tuple[ScriptedServer, bool]:
        async with ScriptedServer(script) as server:
            relay = Relay("main", "127.0.0.1", server.port, security="none")
            relay = replace(relay, timeouts=timeouts or Timeouts())
            line = await SmtpTransport(relay).connect()
            assert isinstance(line, SmtpLine)
            assert line.pipelining
            async with asyncio.timeout(10):
                await line.stream(tray.pull)
            stood = line.alive
            await line.close()
        assert tray.settled
        return server, stood

    return asyncio.run(run())


def _accepted(tray: Tray) -> list[str]:
    return [name for name, each in tray.outcomes.items() if each.result is Result.ACCEPTED]


STEPS: list[tuple[str, Step, Result, Blame, bool]] = [
    ("4xx", "451 4.3.0 later", Result.DEFERRED, Blame.RELAY, True),
    ("421", "421 4.3.2 closing", Result.DEFERRED, Blame.RELAY, False),
    ("drop", Fault.DROP, Result.DEFERRED, Blame.RELAY, False),
    ("garbage", b"garbage\r\n", Result.DEFERRED, Blame.RELAY, False),
    ("silence", Fault.SILENCE, Result.DEFERRED, Blame.RELAY, False),
]
REFUSALS = {
    Phase.MAIL: ("550 5.7.1 not from you", Blame.SENDER),
    Phase.RCPT: ("550 5.1.1 no such user", Blame.READER),
    Phase.DATA: ("554 5.7.0 no", Blame.SENDER),
    Phase.CONTENT: ("550 5.1.1 no such user", Blame.READER),
}
CELLS = [
    pytest.param(phase, step, result, blame, stands, id=f"{phase}-{name}")
    for phase, refusal in REFUSALS.items()
    for name, step, result, blame, stands in [
        *STEPS,
        ("5xx", refusal[0], Result.REFUSED, refusal[1], True),
    ]
]


@pytest.mark.parametrize("position", [0, 2, 4])
@pytest.mark.parametrize(("phase", "step", "result", "blame", "stands"), CELLS)
def test_every_cell_at_every_place(
    phase: Phase, step: Step, result: Result, blame: Blame, stands: bool, position: int
) -> None:
    if phase is Phase.CONTENT and not isinstance(step, str):
        result = Result.UNKNOWN
    tray = Tray(map(mail_to, READERS))
    hasty = HASTY[phase] if step is Fault.SILENCE else None
    server, stood = _streamed({_about(phase, READERS[position]): step}, tray, timeouts=hasty)
    outcome = tray.outcomes[ADDRESSES[position]]
    assert (outcome.result, outcome.phase, outcome.blame) == (result, phase, blame)
    assert outcome.relay == "main"
    if isinstance(step, str):
        assert f"{outcome.code} {outcome.enhanced} {outcome.text}" == step
    following = ADDRESSES[position + 1 :]
    assert stood is stands
    assert _accepted(tray) == ADDRESSES[:position] + (following if stands else [])
    assert [mail.recipient for mail in server.messages] == _accepted(tray)
    assert [message.recipient for message in tray.waiting] == ([] if stands else following)
    assert set(tray.given_back) <= set(following[:1]), "only the next one was written at all"


AFTER_NOTHING: list[tuple[Step, bool]] = [
    (None, True),
    ("554 5.5.1 no valid recipients", True),
    ("451 4.3.0 later", True),
    ("421 4.3.2 closing", False),
    (Fault.DROP, False),
    (b"garbage\r\n", False),
    (Fault.SILENCE, False),
]


@pytest.mark.parametrize("position", [0, 2, 4])
@pytest.mark.parametrize(("step", "stands"), AFTER_NOTHING)
def test_a_354_after_a_refused_rcpt_gets_a_lone_dot(
    step: Step, stands: bool, position: int
) -> None:
    script = {_about(Phase.RCPT, READERS[position]): "550 5.1.1 no", "DATA ": "354 go", ". ": step}
    tray = Tray(map(mail_to, READERS))
    hasty = HASTY[Phase.CONTENT] if step is Fault.SILENCE else None
    server, stood = _streamed(script, tray, timeouts=hasty)
    outcome = tray.outcomes[ADDRESSES[position]]
    assert (outcome.result, outcome.phase, outcome.code) == (Result.REFUSED, Phase.RCPT, 550)
    assert stood is stands
    assert _accepted(tray) == ADDRESSES[:position] + (ADDRESSES[position + 1 :] if stands else [])
    taken = [mail for mail in server.messages if mail.recipients]
    assert [mail.recipient for mail in taken] == _accepted(tray)
    assert [mail.content for mail in server.messages if not mail.recipients] == (
        [b""] if step is None else []
    )
    assert "RSET" not in server.commands


def test_a_message_is_never_completed_whose_sender_was_refused() -> None:
    """A relay that refuses MAIL and takes the rest would send an empty mail to the reader."""
    about = READERS[1]
    script = {
        _about(Phase.MAIL, about): "550 5.7.1 no",
        _about(Phase.RCPT, about): "250 ok",
        _about(Phase.DATA, about): "354 go",
    }
    tray = Tray(map(mail_to, READERS))
    server, stood = _streamed(script, tray)
    assert tray.outcomes[ADDRESSES[1]].phase is Phase.MAIL
    assert not stood
    assert [mail.recipient for mail in server.messages] == ADDRESSES[:1]


@pytest.mark.parametrize("step", ["500 5.5.1 RSET?", "421 4.3.2 closing", Fault.DROP, b"?\r\n"])
def test_a_line_that_does_not_reset_gives_the_next_one_back(step: Step) -> None:
    tray = Tray(map(mail_to, READERS))
    server, stood = _streamed({_about(Phase.RCPT, READERS[1]): "550 no", "RSET": step}, tray)
    assert (tray.given_back, stood) == (ADDRESSES[2:3], False)
    assert list(tray.outcomes) == ADDRESSES[:2]
    assert [mail.recipient for mail in server.messages] == ADDRESSES[:1]


def test_the_next_envelope_travels_with_the_content() -> None:
    gate = Gate()

    async def run() -> None:
        async with ScriptedServer({f". {ADDRESSES[0]}": gate}) as server:
            line = await SmtpTransport(
                Relay("main", "127.0.0.1", server.port, security="none")
            ).connect()
            tray = Tray(map(mail_to, READERS))
            streaming = asyncio.create_task(line.stream(tray.pull))
            await gate.arrived()
            assert len(tray.waiting) == 3, "two were pulled before the first was answered"
            gate.open()
            await streaming
            assert _accepted(tray) == ADDRESSES
            await line.close()

    asyncio.run(run())


def test_what_is_unfit_is_refused_where_it_stands_and_costs_the_others_nothing() -> None:
    messages = [mail_to(reader) for reader in READERS]
    messages[0] = messages[0]._replace(shared=Segments((b"\0slot\0\r\n",)))
    messages[3] = messages[3]._replace(shared=Segments((b"a\nb\r\n",)))
    tray = Tray(messages)
    server, stood = _streamed({}, tray)
    assert stood
    assert _accepted(tray) == [mail.recipient for mail in server.messages]
    assert sorted(_accepted(tray)) == [ADDRESSES[1], ADDRESSES[2], ADDRESSES[4]]
    assert tray.outcomes[ADDRESSES[3]].text == "not sent: the content holds a bare CR or LF"


def test_a_share_that_is_used_up_ends_the_line_between_messages() -> None:
    async def run() -> None:
        async with ScriptedServer() as server:
            relay = Relay("main", "127.0.0.1", server.port, security="none")
            line = await SmtpTransport(replace(relay, messages_per_connection=3)).connect()
            tray = Tray(map(mail_to, READERS))
            await line.stream(tray.pull)
            assert not line.alive
            await line.stream(tray.pull)
            await line.close()
            assert _accepted(tray) == ADDRESSES[:3]
            assert tray.given_back == []
            assert server.commands[-1] == "QUIT"

    asyncio.run(run())


@pytest.mark.parametrize("step", [Fault.DROP, "552 5.3.4 enough"])
def test_a_content_that_did_not_get_through_is_not_unknown(step: Step) -> None:
    messages = [mail_to(reader) for reader in READERS]
    messages[1] = messages[1]._replace(shared=Segments((HUGE * 32_000,)))
    tray = Tray(messages)
    server, stood = _streamed({f"CONTENT {ADDRESSES[1]}": step}, tray)
    outcome = tray.outcomes[ADDRESSES[1]]
    assert outcome.result is not Result.UNKNOWN
    assert outcome.phase is Phase.DATA
    assert not stood
    assert (list(tray.outcomes), tray.given_back) == (ADDRESSES[:2], ADDRESSES[2:3])
    assert [mail.recipient for mail in server.messages] == ADDRESSES[:1]


def test_a_relay_that_stops_reading_is_not_unknown() -> None:
    gate = Gate()

    class Opener(Tray):
        """Opens the gate once the message behind it has its fate."""

        @property
        def settled(self) -> bool:
            gate.open()
            return super().settled

    messages = [mail_to(reader) for reader in READERS]
    messages[1] = messages[1]._replace(shared=Segments((HUGE * 32_000,)))
    tray = Opener(messages)
    _streamed({f"CONTENT {ADDRESSES[1]}": gate}, tray, timeouts=Timeouts(block=0.2))
    outcome = tray.outcomes[ADDRESSES[1]]
    assert (outcome.result, outcome.phase) == (Result.DEFERRED, Phase.DATA)
    assert "did not take the content within 0.2 s" in outcome.text


def test_a_huge_message_arrives_whole_and_the_next_one_behind_it() -> None:
    messages = [mail_to(reader) for reader in READERS]
    messages[1] = messages[1]._replace(shared=Segments((HUGE * 8_000,)))
    tray = Tray(messages)
    server, stood = _streamed({}, tray)
    assert stood
    assert [mail.recipient for mail in server.messages] == ADDRESSES
    assert server.messages[1].content == messages[1].content


@pytest.mark.parametrize(
    ("phase", "fates"),
    [
        (Phase.MAIL, {}),
        (Phase.RCPT, {}),
        (Phase.DATA, {}),
        (Phase.CONTENT, {ADDRESSES[2]: Result.UNKNOWN}),
    ],
)
def test_a_cancelled_stream_leaves_only_the_one_behind_its_dot_in_doubt(
    phase: Phase, fates: dict[str, Result]
) -> None:
    gate = Gate()

    async def run() -> None:
        async with ScriptedServer({_about(phase, READERS[2]): gate}) as server:
            relay = Relay("main", "127.0.0.1", server.port, security="none")
            line = await SmtpTransport(relay).connect()
            tray = Tray(map(mail_to, READERS))
            streaming = asyncio.create_task(line.stream(tray.pull))
            await gate.arrived()
            streaming.cancel()
            with pytest.raises(asyncio.CancelledError):
                await streaming
            gate.open()
            found = {name: each.result for name, each in tray.outcomes.items()}
            assert found == dict.fromkeys(ADDRESSES[:2], Result.ACCEPTED) | fates
            left = [message.recipient for message in tray.waiting]
            assert left == ADDRESSES[2 + len(fates) :], "in their order"
            await line.close()

    asyncio.run(run())


@pytest.mark.parametrize("where", ["pull", "done", "may_leave"])
def test_a_surprise_ends_the_line_and_loses_nothing(where: str) -> None:
    class Faulty(Tray):
        def pull(self):  # type: ignore[no-untyped-def]  # as Tray has it
            if where == "pull" and len(self.waiting) == 2:
                raise ZeroDivisionError
            return super().pull()

    def may_leave(message: object) -> bool:
        if where == "may_leave" and message is messages[2]:
            raise ZeroDivisionError
        return True

    class Grim(dict[str, Outcome]):
        def __setitem__(self, name: str, outcome: Outcome) -> None:
            super().__setitem__(name, outcome)
            if where == "done" and name == ADDRESSES[2]:
                raise ZeroDivisionError

    messages = [mail_to(reader) for reader in READERS]
    tray = Faulty(messages, may_leave)
    tray.outcomes = Grim()

    async def run() -> None:
        async with ScriptedServer() as server:
            relay = Relay("main", "127.0.0.1", server.port, security="none")
            line = await SmtpTransport(relay).connect()
            with pytest.raises(ZeroDivisionError):
                await line.stream(tray.pull)
            assert not line.alive
            await line.close()
            assert set(_accepted(tray)) <= {mail.recipient for mail in server.messages}

    asyncio.run(run())
    assert tray.settled
    assert [*tray.outcomes, *(message.recipient for message in tray.waiting)] == ADDRESSES


def test_over_tls_and_logged_in(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def run() -> None:
        script = {_about(Phase.RCPT, READERS[1]): "550 5.1.1 no"}
        async with ScriptedServer(script, starttls=context, users={"um": "secret"}) as server:
            relay = Relay(
                "main",
                "127.0.0.1",
                server.port,
                username="um",
                password="secret",
                ca_file=tmp_path / "ca.pem",
            )
            line = await SmtpTransport(relay).connect()
            assert isinstance(line, SmtpLine)
            assert line.pipelining
            messages = [mail_to(reader) for reader in READERS]
            messages[2] = messages[2]._replace(shared=Segments((HUGE * 1_000,)))
            tray = Tray(messages)
            await line.stream(tray.pull)
            await line.close()
            assert _accepted(tray) == [mail.recipient for mail in server.messages]
            assert _accepted(tray) == [ADDRESSES[0], *ADDRESSES[2:]]
            assert {(mail.encrypted, mail.username) for mail in server.messages} == {(True, "um")}

    asyncio.run(run())


FAULTS = st.sampled_from(
    [
        "450 4.2.0 later",
        "550 5.1.1 no",
        "421 4.3.2 closing",
        "299 fine",
        "399 what?",
        Fault.DROP,
        Fault.TAKE_AND_DROP,
        b"garbage\r\n",
    ]
)
Fate = tuple[Result, Phase, int, str, Blame]
MOMENTS = st.builds(_about, st.sampled_from(list(KEYS)), st.sampled_from(READERS))


@settings(max_examples=60)
@given(script=st.dictionaries(MOMENTS, FAULTS, max_size=6))
def test_pipelining_changes_no_outcome(script: dict[str, Step]) -> None:
    async def fates(*extensions: str) -> tuple[dict[str, Fate], list[str]]:
        async with ScriptedServer(script, extensions=extensions) as server:
            relay = Relay("main", "127.0.0.1", server.port, security="none")
            tray = Tray(map(mail_to, READERS))
            while tray.waiting:
                line = await SmtpTransport(relay).connect()
                await line.stream(tray.pull)
                await line.close()
            found = {
                name: (each.result, each.phase, each.code, each.enhanced, each.blame)
                for name, each in tray.outcomes.items()
            }
            return found, [mail.recipient for mail in server.messages]

    assert asyncio.run(fates("PIPELINING")) == asyncio.run(fates())

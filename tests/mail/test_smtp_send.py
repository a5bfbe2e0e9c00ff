"""Whatever a relay does, each message gets its true outcome, and the next one is not harmed by it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.parcels import CONTENT, Tray, outcome_of, send
from support.parcels import mail_to as _message
from support.scripted_server import Fault, Gate, Script, ScriptedServer

from mailer.core.delivery import Blame, Outcome, Phase, Result
from mailer.mail.message import Message
from mailer.mail.relay import Relay, Timeouts
from mailer.mail.segments import Segments
from mailer.mail.smtp import SmtpTransport
from mailer.mail.transport import Line
from mailer.mail.wire import FINAL_DOT, Ready, ready

HUGE = b"x" * 998 + b"\r\n"
KEYS = {Phase.MAIL: "MAIL", Phase.RCPT: "RCPT", Phase.DATA: "DATA", Phase.CONTENT: "."}
HASTY = {
    Phase.MAIL: Timeouts(mail=0.2),
    Phase.RCPT: Timeouts(rcpt=0.2),
    Phase.DATA: Timeouts(data=0.2),
    Phase.CONTENT: Timeouts(final=0.2),
}


def _relay(server: ScriptedServer, timeouts: Timeouts | None = None) -> Relay:
    return Relay("main", "127.0.0.1", server.port, security="none", timeouts=timeouts or Timeouts())


Story = Callable[[Line, ScriptedServer], Awaitable[None]]


class Told(Protocol):
    """Plays `story` on one line to a server with `script`."""

    def __call__(
        self,
        script: Script,
        story: Story,
        *,
        timeouts: Timeouts | None = None,
        extensions: tuple[str, ...] = (),
    ) -> None: ...


@pytest.fixture(params=[(), ("PIPELINING",)], ids=["one at a time", "pipelined"])
def told(request: pytest.FixtureRequest) -> Told:
    """Over both kinds of lines: what becomes of a message is the same."""

    def play(
        script: Script,
        story: Story,
        *,
        timeouts: Timeouts | None = None,
        extensions: tuple[str, ...] = (),
    ) -> None:
        async def run() -> None:
            offered = (*request.param, *extensions)
            async with ScriptedServer(script, extensions=offered) as server:
                line = await SmtpTransport(_relay(server, timeouts)).connect()
                try:
                    await story(line, server)
                finally:
                    await line.close()

        asyncio.run(run())

    return play


BEFORE_THE_DOT = [
    ("451 4.3.0 later", Result.DEFERRED, Blame.RELAY, True),
    ("421 4.3.2 closing", Result.DEFERRED, Blame.RELAY, False),
    (Fault.DROP, Result.DEFERRED, Blame.RELAY, False),
    (b"garbage\r\n", Result.DEFERRED, Blame.RELAY, False),
    (b"250-half a reply\r\n550 and another\r\n", Result.DEFERRED, Blame.RELAY, False),
    (b"\xff" * 70_000, Result.DEFERRED, Blame.RELAY, False),
    (Fault.SILENCE, Result.DEFERRED, Blame.RELAY, False),
]
CELLS = [
    (phase, step, result, blame, alive)
    for phase in (Phase.MAIL, Phase.RCPT, Phase.DATA)
    for step, result, blame, alive in BEFORE_THE_DOT
] + [
    (Phase.MAIL, "550 5.7.1 not from you", Result.REFUSED, Blame.SENDER, True),
    (Phase.RCPT, "550 5.1.1 no such user", Result.REFUSED, Blame.READER, True),
    (Phase.RCPT, "450 4.2.1 busy", Result.DEFERRED, Blame.READER, True),
    (Phase.DATA, "554 5.7.0 no", Result.REFUSED, Blame.SENDER, True),
    (Phase.MAIL, "354 what?", Result.DEFERRED, Blame.RELAY, False),
    (Phase.DATA, "250 what?", Result.DEFERRED, Blame.RELAY, False),
    (Phase.CONTENT, "250 2.0.0 queued", Result.ACCEPTED, Blame.READER, True),
    (Phase.CONTENT, "451 4.3.0 later", Result.DEFERRED, Blame.RELAY, True),
    (Phase.CONTENT, "450 4.2.2 full", Result.DEFERRED, Blame.READER, True),
    (Phase.CONTENT, "550 5.1.1 no such user", Result.REFUSED, Blame.READER, True),
    (Phase.CONTENT, "554 5.7.1 spam", Result.REFUSED, Blame.SENDER, True),
    (Phase.CONTENT, "421 4.3.2 closing", Result.DEFERRED, Blame.RELAY, False),
    (Phase.CONTENT, Fault.DROP, Result.UNKNOWN, Blame.RELAY, False),
    (Phase.CONTENT, Fault.TAKE_AND_DROP, Result.UNKNOWN, Blame.RELAY, False),
    (Phase.CONTENT, b"garbage\r\n", Result.UNKNOWN, Blame.RELAY, False),
    (Phase.CONTENT, "354 what?", Result.UNKNOWN, Blame.RELAY, False),
    (Phase.CONTENT, Fault.SILENCE, Result.UNKNOWN, Blame.RELAY, False),
]


@pytest.mark.parametrize(("phase", "step", "result", "blame", "alive"), CELLS)
def test_every_cell_of_the_table(
    told: Told, phase: Phase, step: str | bytes | Fault, result: Result, blame: Blame, alive: bool
) -> None:
    async def story(line: Line, _: ScriptedServer) -> None:
        outcome = await outcome_of(line, _message())
        assert (outcome.result, outcome.phase, outcome.blame) == (result, phase, blame)
        assert outcome.relay == "main"
        assert outcome.text
        if isinstance(step, str):
            said = f"{outcome.code} {outcome.enhanced} {outcome.text}".replace("  ", " ")
            assert said == step
        else:
            assert outcome.code == 0
        assert line.alive is alive
        after = await send(line, _message("bob"))
        assert (after is None) is not alive, "a line that has ended takes nothing"

    hasty = HASTY[phase] if step is Fault.SILENCE else None
    told({KEYS[phase]: step}, story, timeouts=hasty)


def test_a_kept_line_carries_many_messages(told: Told) -> None:
    readers = [f"reader{number}" for number in range(20)]

    async def story(line: Line, server: ScriptedServer) -> None:
        outcomes = [await outcome_of(line, _message(reader)) for reader in readers]
        assert {outcome.result for outcome in outcomes} == {Result.ACCEPTED}
        assert outcomes[0].text == "kept"
        assert server.connections == 1
        assert [each.recipient for each in server.messages] == [
            f"{reader}@example.org" for reader in readers
        ]
        assert server.messages[3].sender == "bounce+reader3@um.example"
        assert {each.content for each in server.messages} == {CONTENT}

    told({}, story)


@pytest.mark.parametrize("key", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize("reply", ["451 4.3.0 later", "550 5.1.1 no"])
def test_after_a_refusal_the_next_message_goes_on_the_same_line(
    told: Told, key: str, reply: str
) -> None:
    async def story(line: Line, server: ScriptedServer) -> None:
        first = await outcome_of(line, _message("anna"))
        second = await outcome_of(line, _message("bob"))
        assert first.result in {Result.DEFERRED, Result.REFUSED}
        assert second.result is Result.ACCEPTED
        assert server.connections == 1
        assert [each.recipient for each in server.messages] == ["bob@example.org"]
        assert server.commands.count("RSET") == (key in {"RCPT", "DATA"})

    told({key: [reply]}, story)


@pytest.mark.parametrize("step", ["500 5.5.1 RSET?", Fault.DROP, "421 4.3.2 closing"])
def test_a_line_that_does_not_reset_ends_and_the_outcome_stands(
    told: Told, step: str | Fault
) -> None:
    async def story(line: Line, _: ScriptedServer) -> None:
        outcome = await outcome_of(line, _message())
        assert (outcome.result, outcome.enhanced) == (Result.REFUSED, "5.1.1")
        assert await send(line, _message("bob")) is None
        assert not line.alive

    told({"RCPT": "550 5.1.1 no", "RSET": step}, story)


def test_closing_says_quit_and_twice_is_once(told: Told) -> None:
    async def story(line: Line, server: ScriptedServer) -> None:
        await line.close()
        await line.close()
        assert not line.alive
        assert server.commands.count("QUIT") == 1

    told({}, story)


@pytest.mark.parametrize("step", [Fault.DROP, Fault.SILENCE, b"?\r\n", "500 5.5.1 what?"])
def test_closing_works_whatever_quit_is_answered_with(
    told: Told, step: str | bytes | Fault
) -> None:
    async def story(line: Line, _: ScriptedServer) -> None:
        await outcome_of(line, _message())
        await line.close()
        assert not line.alive

    told({"QUIT": step}, story, timeouts=Timeouts(quit=0.1))


def test_a_line_asks_to_be_replaced_after_its_share() -> None:
    async def story() -> None:
        async with ScriptedServer() as server:
            relay = replace(_relay(server), messages_per_connection=2)
            line = await SmtpTransport(relay).connect()
            lives = []
            for reader in ("anna", "bob"):
                assert (await outcome_of(line, _message(reader))).result is Result.ACCEPTED
                lives.append(line.alive)
            assert lives == [True, False]
            await line.close()
            assert server.commands[-1] == "QUIT"

    asyncio.run(story())


def test_words_nobody_asked_for_end_the_line(told: Told) -> None:
    async def story(line: Line, _: ScriptedServer) -> None:
        assert (await outcome_of(line, _message("anna"))).result is Result.ACCEPTED
        assert not line.alive
        assert await send(line, _message("bob")) is None

    told({".": "250 2.0.0 kept\r\n421 4.4.2 idle too long"}, story)


@pytest.mark.parametrize(
    ("limit", "sent", "result"),
    [
        (f"SIZE {len(CONTENT)}", f" SIZE={len(CONTENT)}", Result.ACCEPTED),
        (f"SIZE {len(CONTENT) - 1}", None, Result.REFUSED),
        ("SIZE 0", f" SIZE={len(CONTENT)}", Result.ACCEPTED),
        ("SIZE", f" SIZE={len(CONTENT)}", Result.ACCEPTED),
        ("SIZE plenty", f" SIZE={len(CONTENT)}", Result.ACCEPTED),
        ("HELP", "", Result.ACCEPTED),
    ],
)
def test_size_is_declared_and_a_message_too_big_never_leaves(
    told: Told, limit: str, sent: str | None, result: Result
) -> None:
    async def story(line: Line, server: ScriptedServer) -> None:
        outcome = await outcome_of(line, _message())
        assert outcome.result is result
        mails = [command for command in server.commands if command.startswith("MAIL")]
        if sent is None:
            assert mails == []
            assert (outcome.enhanced, outcome.blame) == ("5.3.4", Blame.SENDER)
        else:
            assert mails == [f"MAIL FROM:<bounce+anna@um.example>{sent}"]
        assert line.alive

    told({}, story, extensions=(limit,))


@pytest.mark.parametrize(
    "message",
    [
        _message()._replace(sender="a@b.example>\r\nRCPT TO:<x@y.example"),
        _message()._replace(recipient="a@b.example\r\nDATA"),
        _message()._replace(recipient="a@b.example> NOTIFY=NEVER"),
        _message()._replace(recipient=""),
        _message()._replace(recipient="ærø@example.org"),
        _message()._replace(shared=Segments((b"a\r\n\n.\r\nMAIL FROM:<x@y>\r\n",))),
        _message()._replace(shared=Segments((b"\0slot\0\r\n",))),
    ],
)
def test_nothing_is_written_of_a_message_that_could_inject(told: Told, message: Message) -> None:
    async def story(line: Line, server: ScriptedServer) -> None:
        outcome = await outcome_of(line, message)
        assert outcome.result is Result.REFUSED
        assert (await outcome_of(line, _message("bob"))).result is Result.ACCEPTED
        assert [each.split()[0] for each in server.commands] == ["EHLO", "MAIL", "RCPT", "DATA"]

    told({}, story)


def test_a_link_lost_inside_the_content_is_not_unknown(told: Told) -> None:
    async def story(line: Line, server: ScriptedServer) -> None:
        outcome = await outcome_of(line, _message(content=HUGE * 32_000))
        assert (outcome.result, outcome.phase) == (Result.DEFERRED, Phase.DATA)
        assert outcome.blame is Blame.RELAY
        assert not line.alive
        assert server.messages == []

    told({"CONTENT": Fault.DROP}, story)


def test_a_relay_that_stops_reading_is_not_unknown(told: Told) -> None:
    gate = Gate()

    async def story(line: Line, _: ScriptedServer) -> None:
        outcome = await outcome_of(line, _message(content=HUGE * 32_000))
        assert (outcome.result, outcome.phase) == (Result.DEFERRED, Phase.DATA)
        assert "did not take the content within" in outcome.text
        gate.open()

    told({"CONTENT": gate}, story, timeouts=Timeouts(block=0.2))


@pytest.mark.parametrize(
    ("reply", "result", "blame"),
    [
        ("552 5.3.4 enough", Result.REFUSED, Blame.SENDER),
        ("421 4.3.2 closing", Result.DEFERRED, Blame.RELAY),
    ],
)
def test_a_reply_before_the_final_dot_is_heard(
    told: Told, reply: str, result: Result, blame: Blame
) -> None:
    async def story(line: Line, server: ScriptedServer) -> None:
        outcome = await outcome_of(line, _message(content=HUGE * 32_000))
        assert (outcome.result, outcome.phase, outcome.blame) == (result, Phase.DATA, blame)
        assert outcome.code == int(reply[:3])
        assert not line.alive
        assert server.messages == []

    told({"CONTENT": reply}, story)


def test_a_huge_message_arrives_whole(told: Told) -> None:
    async def story(line: Line, server: ScriptedServer) -> None:
        content = HUGE * 16_000
        assert (await outcome_of(line, _message(content=content))).result is Result.ACCEPTED
        assert server.messages[0].content == content

    told({}, story)


@pytest.mark.parametrize(
    ("key", "in_doubt"), [("MAIL", False), ("RCPT", False), ("DATA", False), (".", True)]
)
def test_a_cancelled_stream_ends_the_line_and_tells_what_is_in_doubt(
    told: Told, key: str, in_doubt: bool
) -> None:
    gate = Gate()

    async def story(line: Line, _: ScriptedServer) -> None:
        tray = Tray([_message()])
        sending = asyncio.create_task(line.stream(tray.pull))
        await gate.arrived()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert [each.result for each in tray.outcomes.values()] == [Result.UNKNOWN] * in_doubt
        assert tray.given_back == ["anna@example.org"] * (not in_doubt)
        assert not line.alive
        gate.open()

    told({key: gate}, story)


@pytest.mark.parametrize("key", ["MAIL", "RCPT", "DATA"])
def test_what_is_not_ours_any_more_does_not_leave(told: Told, key: str) -> None:
    gate = Gate()
    ours = True

    async def story(line: Line, server: ScriptedServer) -> None:
        nonlocal ours
        tray = Tray([_message()], lambda _: ours)
        sending = asyncio.create_task(line.stream(tray.pull))
        await gate.arrived()
        ours = False
        gate.open()
        await sending
        assert (tray.given_back, tray.outcomes) == (["anna@example.org"], {})
        assert not line.alive
        assert server.messages == []

    told({key: gate}, story)


def test_closing_under_a_send_gives_the_send_its_outcome(told: Told) -> None:
    gate = Gate()

    async def story(line: Line, _: ScriptedServer) -> None:
        sending = asyncio.create_task(outcome_of(line, _message()))
        await gate.arrived()
        await line.close()
        assert (await sending).result is Result.UNKNOWN
        gate.open()

    told({".": gate}, story)


LINES = st.lists(
    st.one_of(
        st.sampled_from([b"", b".", b"..", b".x", b"x.", b"...."]),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30).map(str.encode),
    ),
    min_size=1,
)


@given(lines=LINES)
def test_stuffing_hides_every_end_but_the_last(lines: list[bytes]) -> None:
    content = b"\r\n".join(lines) + b"\r\n"
    checked = ready(_message(content=content))
    assert isinstance(checked, Ready)
    wire = checked.content + FINAL_DOT
    assert (b"\r\n" + wire).index(b"\r\n.\r\n") + len(b".\r\n") == len(wire)
    heard = wire.removesuffix(b".\r\n").split(b"\r\n")
    assert [line.removeprefix(b".") for line in heard] == [*lines, b""]


def test_any_content_arrives_as_it_left() -> None:
    with (
        ScriptedServer().running() as server,
        asyncio.Runner() as runner,
    ):
        line = runner.run(SmtpTransport(_relay(server)).connect())

        @settings(max_examples=50)
        @given(lines=LINES)
        def arrives(lines: list[bytes]) -> None:
            content = b"\r\n".join(lines) + b"\r\n"
            outcome = runner.run(outcome_of(line, _message(content=content)))
            assert outcome.result is Result.ACCEPTED
            assert server.messages[-1].content == content

        try:
            arrives()
        finally:
            runner.run(line.close())


def test_eight_lines_at_once_lose_and_repeat_nothing() -> None:
    readers = [f"reader{number}" for number in range(200)]

    async def work(transport: SmtpTransport, queue: list[str]) -> list[Outcome]:
        line = await transport.connect()
        outcomes = []
        while queue:
            if not line.alive:
                await line.close()
                line = await transport.connect()
                continue  # others may have sent the rest meanwhile
            outcomes.append(await outcome_of(line, _message(queue.pop())))
        await line.close()
        return outcomes

    async def story(server: ScriptedServer) -> list[Outcome]:
        relay = replace(_relay(server), messages_per_connection=7)
        transport = SmtpTransport(relay)
        queue = list(readers)
        found = await asyncio.gather(*(work(transport, queue) for _ in range(8)))
        return [outcome for outcomes in found for outcome in outcomes]

    with ScriptedServer().running() as server:
        outcomes = asyncio.run(story(server))
        received = server.wait_for(len(readers))
    assert {outcome.result for outcome in outcomes} == {Result.ACCEPTED}
    assert sorted(each.recipient for each in received) == sorted(
        f"{reader}@example.org" for reader in readers
    )

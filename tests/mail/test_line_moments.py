"""What a line makes of a transport's moods: replies in crumbs, bytes held, words too many."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.parcels import Tray, mail_to

from mailer.core.delivery import Outcome, Phase, Result
from mailer.mail.hearing import Hearing, kept_and_taken
from mailer.mail.line import SmtpLine
from mailer.mail.message import Message
from mailer.mail.relay import Relay, Timeouts
from mailer.mail.wire import FINAL_DOT, Ready, ready

READERS = ["anna", "bob", "carl"]
ADDRESSES = [f"{reader}@example.org" for reader in READERS]
TAKEN = [b"250 2.1.0 sender ok", b"250 2.1.5 recipient ok", b"354 go ahead"]
KEPT = b"250 2.0.0 kept"


class Wire(asyncio.Transport):
    """A transport whose every move the test makes: it takes `room` bytes and holds what comes after."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.taken = b""
        self.held = b""
        self.room = 1 << 30
        self.closing = False
        self.gone = asyncio.Event()
        self.fails = False
        self._limits = (65_536, 16_384)
        self._paused = False
        self._protocol: asyncio.BufferedProtocol | None = None

    @property
    def speaker(self) -> asyncio.BufferedProtocol:
        assert self._protocol is not None
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.BufferedProtocol)
        self._protocol = protocol

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high is not None
        assert low is not None
        self._limits = (high, low)
        self._may_pause()

    def tell(self, octets: bytes) -> None:
        """The network brings these, in one piece where there is room."""
        while octets:
            room = memoryview(self.speaker.get_buffer(-1))
            piece, octets = octets[: len(room)], octets[len(room) :]
            room[: len(piece)] = piece
            self.speaker.buffer_updated(len(piece))

    def get_write_buffer_size(self) -> int:
        return len(self.held)

    def _may_pause(self) -> None:
        if len(self.held) > self._limits[0] and not self._paused:
            self._paused = True
            self.speaker.pause_writing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.fails:
            self.abort()
            return
        self.writes.append(bytes(data))
        self.held += data
        self.take(0)
        self._may_pause()

    def take(self, more: int) -> None:
        """The network takes some more bytes."""
        self.room += more
        now, self.held = self.held[: self.room], self.held[self.room :]
        self.taken += now
        self.room -= len(now)
        if self._paused and len(self.held) <= self._limits[1]:
            self._paused = False
            self.speaker.resume_writing()

    def hear(self, *lines: bytes, cut: int = 1 << 20) -> None:
        """The relay says something."""
        heard = b"".join(line + b"\r\n" for line in lines)
        for start in range(0, len(heard), cut):
            self.tell(heard[start : start + cut])

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        if not self.closing:
            self.closing = True
            self.gone.set()
            asyncio.get_running_loop().call_soon(self.speaker.connection_lost, None)


Moment = Callable[[Wire, Tray], Coroutine[None, None, None]]


RELAY = Relay("main", "127.0.0.1", 25, security="none")


def _told(moment: Moment, *, timeouts: Timeouts | None = None, pipelining: bool = True) -> Tray:
    """Stream three messages over a wire, play `moment`, then lose the link; what became of them."""

    async def run() -> Tray:
        wire = Wire()
        relay = replace(RELAY, timeouts=timeouts or Timeouts())
        line = SmtpLine(relay, wire, pipelining=pipelining, size_limit=None)
        tray = Tray(map(mail_to, READERS))
        streaming = asyncio.create_task(line.stream(tray.pull))
        await asyncio.sleep(0)  # lets the first envelope be written
        await moment(wire, tray)
        wire.abort()
        async with asyncio.timeout(5):
            await streaming
            await line.close()
        assert tray.settled
        return tray

    return asyncio.run(run())


def _results(tray: Tray) -> list[tuple[Result, Phase]]:
    return [(each.result, each.phase) for each in tray.outcomes.values()]


def _ready(number: int) -> Ready:
    found = ready(mail_to(READERS[number]))
    assert isinstance(found, Ready)
    return found


def _wire_form(number: int) -> bytes:
    return _ready(number).content + FINAL_DOT


def _commands(number: int) -> bytes:
    return _ready(number).envelope


@given(cut=st.integers(1, 60))
def test_one_write_a_message_however_the_replies_are_cut(cut: int) -> None:
    async def moment(wire: Wire, tray: Tray) -> None:
        wire.hear(*TAKEN, cut=cut)
        wire.hear(KEPT, *TAKEN, cut=cut)
        wire.hear(KEPT, *TAKEN, cut=cut)
        assert wire.writes == [
            _commands(0),
            _wire_form(0) + _commands(1),
            _wire_form(1) + _commands(2),
            _wire_form(2),
        ]
        wire.hear(KEPT, cut=cut)

    assert _results(_told(moment)) == [(Result.ACCEPTED, Phase.CONTENT)] * 3


def test_nothing_is_written_between_data_and_its_reply() -> None:
    async def moment(wire: Wire, tray: Tray) -> None:
        wire.hear(*TAKEN[:2])
        assert wire.writes == [_commands(0)]
        assert _commands(0).endswith(b"\r\nDATA\r\n")

    tray = _told(moment)
    assert _results(tray) == [(Result.DEFERRED, Phase.DATA)]
    assert tray.given_back == []


@pytest.mark.parametrize(
    ("heard", "results"),
    [
        ([KEPT], [(Result.ACCEPTED, Phase.CONTENT), (Result.DEFERRED, Phase.MAIL)]),
        ([KEPT, *TAKEN[:1]], [(Result.ACCEPTED, Phase.CONTENT), (Result.DEFERRED, Phase.RCPT)]),
        ([KEPT, *TAKEN[:2]], [(Result.ACCEPTED, Phase.CONTENT), (Result.DEFERRED, Phase.DATA)]),
        ([KEPT, *TAKEN], [(Result.ACCEPTED, Phase.CONTENT), (Result.UNKNOWN, Phase.CONTENT)]),
        ([], [(Result.UNKNOWN, Phase.CONTENT)]),
    ],
)
def test_the_phase_of_a_loss_is_the_reply_awaited(
    heard: list[bytes], results: list[tuple[Result, Phase]]
) -> None:
    async def moment(wire: Wire, _: Tray) -> None:
        wire.hear(*TAKEN)
        wire.hear(*heard)

    tray = _told(moment)
    assert _results(tray) == results
    begun = len(heard) == 4
    assert tray.given_back == (ADDRESSES[len(results) :][:1] if begun or not heard else [])


TOTAL = len(_wire_form(0)) + len(_commands(1))


@given(first=st.integers(0, TOTAL), then=st.integers(0, TOTAL))
def test_unknown_is_exactly_what_had_its_final_dot_taken(first: int, then: int) -> None:
    async def moment(wire: Wire, _: Tray) -> None:
        wire.room = first
        wire.taken = b""
        wire.hear(*TAKEN)
        wire.take(then)
        left = wire.taken.startswith(_wire_form(0))
        wire.abort()
        await asyncio.sleep(0)
        expected.append((Result.UNKNOWN, Phase.CONTENT) if left else (Result.DEFERRED, Phase.DATA))

    expected: list[tuple[Result, Phase]] = []
    tray = _told(moment)
    assert _results(tray) == expected
    assert tray.given_back == ADDRESSES[1:2]


def test_a_write_that_fails_at_once_has_not_sent_the_final_dot() -> None:
    async def moment(wire: Wire, _: Tray) -> None:
        wire.fails = True
        wire.hear(*TAKEN)

    assert _results(_told(moment)) == [(Result.DEFERRED, Phase.DATA)]


def test_a_reply_while_the_dot_is_held_is_no_answer_to_it() -> None:
    async def moment(wire: Wire, _: Tray) -> None:
        wire.room = 10
        wire.hear(*TAKEN)
        wire.hear(KEPT)

    tray = _told(moment)
    assert _results(tray) == [(Result.DEFERRED, Phase.DATA)]
    assert tray.given_back == ADDRESSES[1:2]


def test_a_held_dot_has_the_patience_of_a_block_and_then_that_of_an_answer() -> None:
    async def held(wire: Wire, _: Tray) -> None:
        wire.room = 10
        wire.hear(*TAKEN)
        await wire.gone.wait()

    tray = _told(held, timeouts=Timeouts(block=0.05))
    assert "did not take the content within 0.05 s" in tray.outcomes[ADDRESSES[0]].text

    async def taken(wire: Wire, _: Tray) -> None:
        wire.room = 10
        wire.hear(*TAKEN)
        wire.take(1 << 20)
        await wire.gone.wait()

    tray = _told(taken, timeouts=Timeouts(final=0.05))
    assert "did not answer within 0.05 s" in tray.outcomes[ADDRESSES[0]].text
    assert _results(tray) == [(Result.UNKNOWN, Phase.CONTENT)]


def test_crumbs_do_not_renew_the_patience() -> None:
    async def moment(wire: Wire, _: Tray) -> None:
        while not wire.closing:
            wire.tell(b"2")
            await asyncio.sleep(0)

    tray = _told(moment, timeouts=Timeouts(mail=0.05))
    assert "within 0.05 s" in tray.outcomes[ADDRESSES[0]].text


@pytest.mark.parametrize(
    ("heard", "results"),
    [
        ([*TAKEN, KEPT], [(Result.UNKNOWN, Phase.CONTENT)]),
        ([*TAKEN[:2], b"550 no", KEPT], [(Result.REFUSED, Phase.DATA)]),
    ],
)
def test_no_reply_answers_what_was_written_after_it_came(
    heard: list[bytes], results: list[tuple[Result, Phase]]
) -> None:
    """A 250 in one packet with the 354 is not the relay's word for a message it has not seen."""

    async def moment(wire: Wire, _: Tray) -> None:
        wire.hear(*heard)
        assert wire.closing

    tray = _told(moment)
    assert _results(tray) == results
    assert all("unasked" in each.text or each.code for each in tray.outcomes.values())


def test_words_while_nothing_is_on_its_way_end_the_line() -> None:
    async def run() -> None:
        wire = Wire()
        line = SmtpLine(RELAY, wire, pipelining=True, size_limit=None)
        lives = [line.alive]
        wire.hear(b"421 4.4.2 idle too long")
        lives.append(line.alive)
        assert lives == [True, False]
        tray = Tray(map(mail_to, READERS))
        await line.stream(tray.pull)
        assert len(tray.waiting) == 3
        await line.close()

    asyncio.run(run())


def test_a_refused_envelope_is_reset_in_the_write_of_the_next_one() -> None:
    async def moment(wire: Wire, _: Tray) -> None:
        wire.hear(TAKEN[0], b"550 5.1.1 no", b"503 5.5.1 no recipient")
        assert wire.writes[1:] == [b"RSET\r\n" + _commands(1)]
        wire.hear(b"250 forgotten", *TAKEN)
        assert wire.writes[2:] == [_wire_form(1) + _commands(2)]

    assert _results(_told(moment)) == [
        (Result.REFUSED, Phase.RCPT),
        (Result.UNKNOWN, Phase.CONTENT),
    ]


def test_a_stream_goes_on_with_what_comes_to_hand_later() -> None:
    async def run() -> None:
        wire = Wire()
        line = SmtpLine(RELAY, wire, pipelining=True, size_limit=None)
        tray = Tray([mail_to("anna")])
        streaming = asyncio.create_task(line.stream(tray.pull))
        await asyncio.sleep(0)
        wire.hear(*TAKEN)
        tray.waiting.append(mail_to("bob"))
        wire.hear(KEPT)
        assert wire.writes[-1] == _commands(1)
        wire.hear(*TAKEN)
        wire.hear(KEPT)
        await streaming
        assert list(tray.outcomes) == ADDRESSES[:2]
        assert line.alive
        wire.abort()
        await line.close()

    asyncio.run(run())


HEARD = st.lists(
    st.sampled_from(
        [
            b"250 ",
            b"250",
            b"354 ",
            b"550 ",
            b"2.0.0 kept",
            b"-",
            b"\xe6",
            b" ",
            b"\r",
            b"\n",
            b"\r\n",
        ]
    ),
    max_size=16,
).map(b"".join)
USUAL = st.tuples(HEARD, HEARD, HEARD, HEARD).map(
    lambda words: b"250 %b\r\n250 %b\r\n250 %b\r\n354 %b\r\n" % words
)


@settings(max_examples=500)
@given(heard=st.one_of(HEARD, USUAL))
def test_what_is_heard_at_once_is_what_is_heard_reply_by_reply(heard: bytes) -> None:
    words = kept_and_taken(heard, len(heard))
    if words is not None:
        hearing = Hearing()
        replies = list(hearing.replies(heard))
        assert [each.code for each in replies] == [250, 250, 250, 354]
        assert replies[0].text == words
        assert not hearing.amid


@given(
    turns=st.lists(
        st.sampled_from([KEPT, b"250-2.0.0 kept\r\n250 by us", b"550 5.1.1 no"]), max_size=3
    ),
    cut=st.integers(1, 200),
)
def test_the_short_way_leads_where_the_long_one_does(turns: list[bytes], cut: int) -> None:
    """Whole packets take the short way where they may, crumbs never do."""

    def told(cut: int) -> tuple[list[bytes], dict[str, Outcome], list[str]]:
        async def moment(wire: Wire, _: Tray) -> None:
            wire.hear(*TAKEN, cut=cut)
            for kept in turns:
                if not wire.closing:
                    wire.hear(kept, *(TAKEN if len(wire.writes) < 4 else []), cut=cut)
            written.extend(wire.writes)

        written: list[bytes] = []
        tray = _told(moment)
        return written, tray.outcomes, tray.given_back

    assert told(cut) == told(1 << 20)


@pytest.mark.parametrize("where", ["done", "pull", "may_leave"])
@pytest.mark.parametrize("cut", [7, 1 << 20])
def test_a_surprise_on_either_way_loses_nothing(where: str, cut: int) -> None:
    class Grim(Tray):
        def pull(self):  # type: ignore[no-untyped-def]  # as Tray has it
            if where == "pull" and len(self.waiting) == 1:
                raise ZeroDivisionError
            return super().pull()

    class Outcomes(dict[str, Outcome]):
        def __setitem__(self, name: str, outcome: Outcome) -> None:
            super().__setitem__(name, outcome)
            if where == "done":
                raise ZeroDivisionError

    def may_leave(message: Message) -> bool:
        if where == "may_leave" and message is messages[1]:
            raise ZeroDivisionError
        return True

    messages = [mail_to(reader) for reader in READERS]
    tray = Grim(messages, may_leave)
    tray.outcomes = Outcomes()

    async def run() -> None:
        wire = Wire()
        line = SmtpLine(RELAY, wire, pipelining=True, size_limit=None)
        streaming = asyncio.create_task(line.stream(tray.pull))
        await asyncio.sleep(0)
        wire.hear(*TAKEN, cut=cut)
        wire.hear(KEPT, *TAKEN, cut=cut)
        with pytest.raises(ZeroDivisionError):
            await streaming
        assert wire.closing
        await line.close()

    asyncio.run(run())
    assert tray.settled
    assert list(tray.outcomes) == ADDRESSES[:1]
    assert [message.recipient for message in tray.waiting] == ADDRESSES[1:]


# One command at a time.


def _one_by_one(moment: Moment) -> Tray:
    return _told(moment, pipelining=False)


def _lines(number: int) -> list[bytes]:
    return _commands(number).splitlines(keepends=True)


def test_without_pipelining_nothing_is_said_before_its_turn() -> None:
    async def moment(wire: Wire, tray: Tray) -> None:
        said: list[bytes] = []
        for number in range(2):
            for command, reply in zip(_lines(number), TAKEN, strict=True):
                said.append(command)
                assert wire.writes == said
                wire.hear(reply)
            assert len(tray.waiting) == 2 - number, "the next one is not pulled yet"
            said.append(_wire_form(number))
            assert wire.writes == said
            wire.hear(KEPT)

    tray = _one_by_one(moment)
    assert _results(tray)[:2] == [(Result.ACCEPTED, Phase.CONTENT)] * 2


@pytest.mark.parametrize("refused", [Phase.MAIL, Phase.RCPT, Phase.DATA])
def test_without_pipelining_a_refusal_is_the_end_of_what_is_said(refused: Phase) -> None:
    at = [Phase.MAIL, Phase.RCPT, Phase.DATA].index(refused)

    async def moment(wire: Wire, _: Tray) -> None:
        wire.hear(*[TAKEN[0]][:at])
        wire.hear(*[TAKEN[1]][: at - 1] if at else [])
        wire.hear(b"550 5.1.1 no")
        said = _lines(0)[: at + 1]
        if refused is not Phase.MAIL:
            said.append(b"RSET\r\n")
            assert wire.writes == said
            wire.hear(b"250 forgotten")
        assert wire.writes == [*said, _lines(1)[0]]

    assert _results(_one_by_one(moment)) == [
        (Result.REFUSED, refused),
        (Result.DEFERRED, Phase.MAIL),
    ]


def test_without_pipelining_a_reply_to_what_was_not_said_ends_the_line() -> None:
    async def moment(wire: Wire, _: Tray) -> None:
        wire.hear(*TAKEN)
        assert wire.closing
        assert wire.writes == _lines(0)[:2]

    tray = _one_by_one(moment)
    assert _results(tray) == [(Result.DEFERRED, Phase.RCPT)]
    assert "unasked" in tray.outcomes[ADDRESSES[0]].text


@pytest.mark.parametrize("left", [True, False])
def test_without_pipelining_too_a_dot_that_has_not_left_leaves_no_doubt(left: bool) -> None:
    async def moment(wire: Wire, _: Tray) -> None:
        for reply in TAKEN:
            wire.room = len(_wire_form(0)) - 1 if reply is TAKEN[2] else 1 << 30
            wire.hear(reply)
        if left:
            wire.take(1)

    found = (Result.UNKNOWN, Phase.CONTENT) if left else (Result.DEFERRED, Phase.DATA)
    assert _results(_one_by_one(moment)) == [found]


def test_without_pipelining_a_reset_that_fails_gives_the_next_one_back() -> None:
    async def moment(wire: Wire, _: Tray) -> None:
        wire.hear(TAKEN[0])
        wire.hear(b"550 5.1.1 no")
        wire.hear(b"500 5.5.1 what?")
        assert wire.closing

    tray = _one_by_one(moment)
    assert _results(tray) == [(Result.REFUSED, Phase.RCPT)]
    assert tray.given_back == ADDRESSES[1:2]

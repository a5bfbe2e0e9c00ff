"""What a conversation makes of a transport's moods, moment by moment."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.mail.conversation import Conversation, LinkLost
from mailer.mail.hearing import MAX_REPLY, Ear, Reply

PATIENCE = 5.0


class Wire(asyncio.Transport):
    """A transport whose every move the test makes."""

    def __init__(self, on_write: Callable[["Wire"], None] = lambda _: None) -> None:
        super().__init__()
        self.written = b""
        self.closing = False
        self.limits: tuple[int | None, int | None] = (None, None)
        self._on_write = on_write
        self._protocol: Ear | None = None

    @property
    def speaker(self) -> Ear:
        """Who listens to this wire."""
        assert self._protocol is not None
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, Ear)
        self._protocol = protocol

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.limits = (high, low)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data
        self._on_write(self)

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        if not self.closing:
            self.closing = True
            asyncio.get_running_loop().call_soon(self.speaker.connection_lost, None)


def _later(act: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(act)


def _play(story: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(story())


def test_a_reply_between_the_last_byte_and_our_waking_is_the_answer() -> None:
    def moment(wire: Wire) -> None:
        wire.speaker.pause_writing()

        def all_at_once() -> None:
            wire.speaker.resume_writing()
            wire.speaker.data_received(b"250 2.0.0 ok\r\n")

        _later(all_at_once)

    async def story() -> None:
        talk = Conversation(Wire(moment))
        assert await talk.pour(b"content\r\n.\r\n", PATIENCE) is None
        assert await talk.answer(PATIENCE) == Reply(250, "2.0.0 ok")
        assert talk.alive

    _play(story)


def test_a_write_that_fails_at_once_has_not_sent_the_final_dot() -> None:
    async def story() -> None:
        talk = Conversation(Wire(Wire.abort))
        with pytest.raises(LinkLost, match="closed"):
            await talk.pour(b"content\r\n.\r\n", PATIENCE)

    _play(story)


def test_bytes_that_wait_are_lost_with_the_link() -> None:
    def moment(wire: Wire) -> None:
        wire.speaker.pause_writing()
        _later(lambda: wire.speaker.connection_lost(ConnectionResetError("reset by peer")))

    async def story() -> None:
        talk = Conversation(Wire(moment))
        with pytest.raises(LinkLost, match="reset by peer"):
            await talk.pour(b"content\r\n.\r\n", PATIENCE)
        assert not talk.alive

    _play(story)


def test_the_transport_pauses_us_as_soon_as_it_holds_bytes() -> None:
    async def story() -> None:
        wire = Wire()
        Conversation(wire)
        assert wire.limits == (1, 0)

    _play(story)


REPLIES = st.lists(
    st.tuples(
        st.integers(200, 599),
        st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"])), min_size=1),
    ),
    min_size=1,
    max_size=4,
)


@settings(deadline=None)
@given(replies=REPLIES, cut=st.integers(1, 9), ending=st.sampled_from([b"\r\n", b"\n"]))
def test_replies_are_read_however_they_are_cut(
    replies: list[tuple[int, list[str]]], cut: int, ending: bytes
) -> None:
    async def story() -> None:
        wire = Wire()
        talk = Conversation(wire)
        for code, lines in replies:
            wire_lines = [f"{code}-{line}".encode() + ending for line in lines[:-1]]
            wire_lines.append(f"{code} {lines[-1]}".encode() + ending)
            sent = b"".join(wire_lines)
            asking = asyncio.create_task(talk.ask(b"NOOP", PATIENCE))
            await asyncio.sleep(0)  # lets the question be written
            for start in range(0, len(sent), cut):
                wire.speaker.data_received(sent[start : start + cut])
            assert await asking == Reply(code, "\n".join(lines))
        assert talk.alive

    _play(story)


@pytest.mark.parametrize(
    ("heard", "reason"),
    [
        (b"250ok\r\n", "no SMTP reply: 250ok"),
        (b"+25 ok\r\n", "no SMTP reply"),
        (b"150 ok\r\n", "no SMTP reply"),
        (b"600 ok\r\n", "no SMTP reply"),
        (b"\r\n", "no SMTP reply"),
        (b"HTTP/1.1 400 Bad Request\r\n", "no SMTP reply: HTTP/1.1"),
        (b"250-one\r\n251 two\r\n", "no SMTP reply: 251 two"),
        (b"250-x\r\n" * (MAX_REPLY // 7 + 1), "more than"),
        (b"x" * (MAX_REPLY + 1), "more than"),
    ],
)
def test_what_is_no_reply_ends_the_conversation(heard: bytes, reason: str) -> None:
    async def story() -> None:
        talk = Conversation(Wire(lambda wire: _later(lambda: wire.speaker.data_received(heard))))
        with pytest.raises(LinkLost, match=reason):
            await talk.ask(b"NOOP", PATIENCE)
        assert not talk.alive
        with pytest.raises(LinkLost, match=reason):
            await talk.ask(b"NOOP", PATIENCE)

    _play(story)

"""Speaks SMTP over one open connection: one question, one reply, and the truth about what was written.

The connection was opened by aiosmtplib (greeting, EHLO, TLS, AUTH); its transport is adopted here,
since aiosmtplib's exceptions do not say whether the final dot had left.

    ask     write a command, wait for its reply
    pour    write the content with its final dot in one piece. The transport pauses us as long as it
            still holds bytes of it, so a link that dies before it lets us go on cannot have carried
            the dot. Over TLS the last 64 KB count as written: doubt, where doubt is possible.
    answer  wait for the reply to the final dot

Whatever is not an answer ends the conversation, and `LinkLost` says why: the connection closed, time
ran out, words nobody asked for, words that are no SMTP reply (RFC 5321 section 4.2), a cancelled
wait. After such an end no reply could be matched to its question any more.
"""

import asyncio
from typing import TypeVar

from mailer.mail.hearing import Ear, Garbled, Hearing, Reply

_Answer = TypeVar("_Answer")


class LinkLost(Exception):
    """The conversation has ended; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Conversation(Ear):
    """One conversation over an open transport, which it takes over from whoever opened it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._ended = ""
        self._closed = self._loop.create_future()
        self._waiter: asyncio.Future[Reply] | None = None
        self._unpaused: asyncio.Future[Reply | None] | None = None
        self._unread: Reply | None = None
        self._paused = False
        self._hearing = Hearing()
        transport.set_write_buffer_limits(high=1, low=0)
        transport.set_protocol(self)

    @property
    def alive(self) -> bool:
        """Whether a question can still be asked."""
        return not self._ended and not self._transport.is_closing()

    async def ask(self, command: bytes, patience: float) -> Reply:
        """Write one command line (without CRLF) and wait `patience` seconds for its reply.

        Raises:
            LinkLost: there is no reply, and there will be none.
        """
        self._require_life()
        self._transport.write(command + b"\r\n")
        return await self.answer(patience)

    async def pour(self, content: bytes, patience: float) -> Reply | None:
        """Write dot-stuffed content with its final dot; return when all of it has left.

        Returns:
            None as a rule; a reply if the relay spoke before it had the final dot. The dot was not
            written then, and the conversation has ended.

        Raises:
            LinkLost: the final dot was not written.
        """
        self._require_life()
        self._transport.write(content)
        self._require_life()
        if not self._paused:
            return None
        self._unpaused = self._loop.create_future()
        early = await self._wait(self._unpaused, patience, "the relay did not take the content")
        if early is not None:
            self.end("the relay replied before it had the whole content")
        return early

    async def answer(self, patience: float) -> Reply:
        """Wait `patience` seconds for the reply to what was written last.

        Raises:
            LinkLost: there is no reply, and there will be none.
        """
        if (unread := self._unread) is not None:
            self._unread = None
            return unread
        self._require_life()
        self._waiter = self._loop.create_future()
        return await self._wait(self._waiter, patience, "the relay did not answer")

    def end(self, reason: str) -> None:
        """End the conversation now; whoever waits gets `LinkLost`, and unwritten bytes are dropped."""
        if not self._ended:
            self._ended = reason
        self._transport.abort()
        for waiting in (self._waiter, self._unpaused):
            if waiting is not None and not waiting.done():
                waiting.set_exception(LinkLost(self._ended))
                waiting.exception()  # seen: the waiting task may be cancelled before it wakes

    async def close(self, patience: float) -> None:
        """Say QUIT if nobody else is speaking, wait for the reply, and close."""
        try:
            if self.alive and self._waiter is None and self._unpaused is None:
                await self.ask(b"QUIT", patience)
        except LinkLost:
            pass  # we were leaving anyway
        finally:
            self.end("the line was closed")
        await asyncio.shield(self._closed)

    async def _wait(
        self, waiting: asyncio.Future[_Answer], patience: float, silence: str
    ) -> _Answer:
        timer = self._loop.call_later(patience, self.end, f"{silence} within {patience:g} s")
        try:
            return await waiting
        except asyncio.CancelledError:
            self.end("the wait for a reply was cancelled")
            raise
        finally:
            timer.cancel()
            self._waiter = self._unpaused = None

    def _require_life(self) -> None:
        if not self.alive:
            raise LinkLost(self._ended or "the connection was closed")

    # What the transport calls.

    def data_received(self, data: bytes) -> None:
        """Match replies to questions."""
        try:
            for reply in self._hearing.replies(data):
                if self._ended:
                    return
                self._hand_over(reply)
        except Garbled as fault:
            self.end(fault.reason)

    def eof_received(self) -> None:
        """The relay will say no more."""
        self.end("the relay closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.end(f"the connection broke: {exc}" if exc else "the connection was closed")
        if not self._closed.done():
            self._closed.set_result(None)

    def pause_writing(self) -> None:
        """The transport holds bytes that the network has not taken."""
        self._paused = True

    def resume_writing(self) -> None:
        """The network has taken all."""
        self._paused = False
        if self._unpaused is not None and not self._unpaused.done():
            self._unpaused.set_result(None)

    def _hand_over(self, reply: Reply) -> None:
        for waiting in (self._waiter, self._unpaused):
            if waiting is not None and not waiting.done():
                waiting.set_result(reply)
                return
        if self._unpaused is not None and self._unread is None:
            self._unread = reply  # the last byte has left, but `pour` has not woken yet
            return
        self.end(f"the relay spoke unasked: {reply.code} {reply.text}")

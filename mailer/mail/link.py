"""Carries SMTP both ways over one open connection without waiting: the network calls, and we answer.

A queue holds what each reply to come will answer, and who hears it. One timer holds the patience for the
reply that is awaited now, from the moment when it became the first; it is set anew only where it
would ring too late, so that a message costs no timer.

What answers nothing that was written before it came ends the link: an end, words nobody asked for, words
that are no SMTP reply, silence. After such an end no reply could be matched to its question any more.

The transport is told to resume us as soon as it holds no more bytes of a final dot. So `held` is exact:
while it is true the dot has not left this machine. Over TLS what was written counts as left: doubt, where
doubt is possible.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mailer.core.delivery import Phase
from mailer.mail.hearing import Garbled, Hearing, Reply, kept_and_taken

_ROOM = 4096  # octets read at a time: a reply is shorter, as are four in one packet


@dataclass(frozen=True, slots=True, eq=False)
class Awaited:
    """A reply that will come: what it answers, how many seconds we wait for it, who hears it."""

    phase: Phase
    patience: float
    heard: Callable[[Reply], None]


class Speaker(Protocol):
    """Who speaks over a link."""

    def kept_and_taken(self, words: str) -> None:
        """A content was kept with these words, and the envelope behind it taken, DATA and all."""

    def link_ended(self, awaited: Phase | None, reason: str) -> None:
        """There will be no more replies; `awaited` is what the next one would have answered."""

    def surprised(self, error: Exception) -> None:
        """Hearing a reply failed in a way nobody thought of; the speaker ends the link."""


class Link(asyncio.BufferedProtocol):
    """One connection, taken over from whoever opened it.

    It hears into a small buffer of its own. Left to itself a transport makes room for 256 KB at each read,
    which costs more than the reply in it.

    Args:
        block: seconds until the network must have taken a final dot that is held.
    """

    def __init__(self, speaker: Speaker, transport: asyncio.Transport, *, block: float) -> None:
        self._heard = bytearray(_ROOM)
        self._room = memoryview(self._heard)
        self._loop = asyncio.get_running_loop()
        self._speaker = speaker
        self._transport = transport
        self._block = block
        self._exact = transport.get_extra_info("sslcontext") is None
        self._hearing = Hearing()
        self._awaited: deque[Awaited] = deque()
        self._ended = False
        self._closed = self._loop.create_future()
        self._alarm: asyncio.TimerHandle | None = None
        self._deadline = self._patience = 0.0
        self._steady = (
            False  # a final dot and an envelope were written, and nothing was heard since
        )
        self.held = False
        transport.set_protocol(self)

    @property
    def stands(self) -> bool:
        """Whether words can be written."""
        return not self._ended and not self._transport.is_closing()

    @property
    def quiet(self) -> bool:
        """Whether no reply is awaited."""
        return not self._awaited

    def write(self, words: bytes, *answers: Awaited) -> None:
        """Write commands; `answers` are the replies they will have."""
        first = not self._awaited
        self._awaited.extend(answers)
        self._transport.write(words)
        if first:
            self._watch()

    def write_content(self, words: bytes, behind: int, *answers: Awaited) -> None:
        """Write content with its final dot, and so many octets of commands behind it; see `held`."""
        self._awaited.extend(answers)
        transport = self._transport
        transport.write(words)
        if transport.is_closing():  # one write that fails has written nothing
            self.held = True
            self.end("the connection broke under the content")
        elif self._exact and transport.get_write_buffer_size() > behind:
            # More than the commands is held: the dot is among it. Being resumed tells its leaving.
            self.held = True
            transport.set_write_buffer_limits(high=behind, low=behind)
        else:
            self.held = False
            self._steady = behind > 0 and not self._hearing.amid
        self._watch()

    def end(self, reason: str) -> None:
        """End the link now; what was not written yet is dropped."""
        if self._ended:
            return
        self._ended = True
        awaited = self._awaited[0].phase if self._awaited else None
        self._awaited.clear()
        self._transport.abort()
        if self._alarm is not None:
            self._alarm.cancel()
        self._speaker.link_ended(awaited, reason)

    async def wait_closed(self) -> None:
        """Wait until the connection is closed."""
        await asyncio.shield(self._closed)

    # What the transport calls.

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the transport puts what comes next."""
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        """Match replies to what had been written when they came."""
        words = kept_and_taken(self._heard, nbytes) if self._steady else None
        self._steady = False
        try:
            if words is None:
                self._match(bytes(self._room[:nbytes]))
            else:  # four replies in one
                self._awaited.clear()
                self._patience = 0.0
                self._speaker.kept_and_taken(words)
        except Garbled as fault:
            self.end(fault.reason)
        except Exception as error:  # noqa: BLE001 - nobody to raise it to; `stream` does
            self._speaker.surprised(error)
        if not self._patience:
            self._watch()

    def _match(self, heard: bytes) -> None:
        asked = len(self._awaited)
        for reply in self._hearing.replies(heard):
            if not asked:
                self.end(f"the relay spoke unasked: {reply.code} {reply.text}")
            if self._ended:
                return
            asked -= 1
            self._patience = 0.0  # for the next one it begins anew
            self._awaited.popleft().heard(reply)

    def eof_received(self) -> None:
        """The relay will say no more."""
        self.end("the relay closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        if not self._closed.done():
            self._closed.set_result(None)
        self.end(f"the connection broke: {exc}" if exc else "the connection was closed")

    def resume_writing(self) -> None:
        """A final dot that was held has left."""
        if self.held:
            self.held = False
            self._watch()

    # The timer.

    def _watch(self) -> None:
        """Begin to wait for the reply that is the first now."""
        if self._ended or not self._awaited:
            return
        self._patience = self._block if self.held else self._awaited[0].patience
        self._deadline = self._loop.time() + self._patience
        if self._alarm is None or self._deadline < self._alarm.when():
            self._set_alarm()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_at(self._deadline, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        if not self._awaited:
            return
        if self._loop.time() < self._deadline:
            self._set_alarm()
            return
        silence = "did not take the content" if self.held else "did not answer"
        self.end(f"the relay {silence} within {self._patience:g} s")

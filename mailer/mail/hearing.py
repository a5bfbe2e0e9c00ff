"""Cuts what a relay sends into SMTP replies, however the network cuts it (RFC 5321 section 4.2)."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

MAX_REPLY = 65_536  # a reply of several lines; RFC 5321 section 4.5.3.1.5 allows 512 bytes a line
KEPT = 250  # to a final dot: the relay answers for the message from now on (section 6.1)
CLOSING = 421  # the relay closes the channel (RFC 5321 section 3.8)

_KEPT_AND_TAKEN = re.compile(rb"250 ([^\r\n]*)\r\n250 [^\r\n]*\r\n250 [^\r\n]*\r\n354 [^\r\n]*\r\n")
_REPLY_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)


class Reply(NamedTuple):
    """A reply: its code, and the words of its lines joined by line feeds."""

    code: int
    text: str


class Garbled(Exception):
    """What was heard is no SMTP reply; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Hearing:
    """What one connection has heard so far."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[Reply] = []
        self._size = 0

    @property
    def amid(self) -> bool:
        """Whether a reply has begun that is not whole."""
        return bool(self._rest or self._lines)

    def replies(self, heard: bytes) -> Iterator[Reply]:
        """The replies that are whole now, in order.

        Raises:
            Garbled: after the replies that stood before it.
        """
        *lines, self._rest = (self._rest + heard if self._rest else heard).split(b"\n")
        self._size += len(heard)
        for line in lines:
            reply, last = _read(line)
            if self._lines or not last:
                whole = self._joined(reply, line, last=last)
                if whole is None:
                    continue
                reply = whole
            self._size = len(self._rest)
            yield reply
        if self._size > MAX_REPLY:
            raise Garbled(f"the relay sent a reply of more than {MAX_REPLY} bytes")

    def _joined(self, reply: Reply, line: bytes, *, last: bool) -> Reply | None:
        """A reply of several lines, once its last has come."""
        if self._lines and reply.code != self._lines[0].code:
            raise _garbled(line)
        if not last:
            self._lines.append(reply)
            return None
        words = [each.text for each in (*self._lines, reply)]
        self._lines = []
        return Reply(reply.code, "\n".join(words))


def kept_and_taken(heard: bytes | bytearray, size: int) -> str | None:
    """The words for a content, where a relay says that it keeps one and takes the next one's envelope.

    So it answers a final dot, MAIL, RCPT and DATA as long as all goes well, in one packet as a rule;
    `Hearing` hears the same in it, reply by reply. None for everything else, whatever it means.

    Args:
        size: so many octets of it were heard.
    """
    found = _KEPT_AND_TAKEN.fullmatch(heard, 0, size)
    return None if found is None else found[1].decode("utf-8", "replace").strip()


@lru_cache(maxsize=64)
def _read(line: bytes) -> tuple[Reply, bool]:
    """One line of a reply, and whether it is the last; a relay says the same few over and over."""
    line = line.removesuffix(b"\r")
    found = _REPLY_LINE.fullmatch(line)
    if found is None:
        raise _garbled(line)
    return Reply(int(found[1]), _words(line[4:])), found[2] != b"-"


def _garbled(line: bytes) -> Garbled:
    return Garbled(f"what the relay sent is no SMTP reply: {_words(line)}")


def _words(line: bytes) -> str:
    return line.decode("utf-8", "replace").strip()

"""Sends forms over many lines at once, and takes as little of the machine for it as it can.

The requests are made before, the lines are bare sockets that stay open, and one loop waits for all of them:
on a machine with two cores whatever the crowd takes is what the site lacks.
"""

import re
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from visits import Answer, Post, Site, as_request

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


@dataclass(frozen=True)
class Rush:
    """What came of all forms.

    Attributes:
        seconds: that all took together.
        site_cpu, own_cpu: seconds of CPU of the site's process (a database server not counted) and of
            this one.
    """

    answers: Sequence[Answer]
    seconds: float
    site_cpu: float
    own_cpu: float


@dataclass
class _Line:
    port: int
    plug: socket.socket = field(init=False)
    sent_at: float = 0.0
    heard: bytes = b""

    def __post_init__(self) -> None:
        self.plug = socket.create_connection(("127.0.0.1", self.port))
        self.plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request: bytes, due: float | None = None) -> None:
        """Send it; its answer's time counts from when it was due, or from now."""
        self.sent_at = time.perf_counter() if due is None else due
        self.plug.sendall(request)

    def hear(self) -> Answer | None:
        """Take in what there is; the answer, once it is whole."""
        self.heard += self.plug.recv(65536)
        end = self.heard.find(b"\r\n\r\n")
        if end < 0:
            if not self.heard:
                raise SystemExit("the site hung up")
            return None
        length = _LENGTH.search(self.heard, 0, end)
        if len(self.heard) < end + 4 + (int(length[1]) if length else 0):
            return None
        answer = Answer(int(self.heard[9:12]), time.perf_counter() - self.sent_at)
        if _CLOSES.search(self.heard, 0, end):
            raise SystemExit(f"the site closes lines: {self.heard[:end].decode(errors='replace')}")
        self.heard = b""
        return answer


def rush(site: Site, lines: int, posts: Sequence[Post], pace: float = 0) -> Rush:
    """Send all forms over so many lines, each line the next one as soon as it is answered.

    Args:
        pace: so many a second instead, each by a line that is free, waited for if none is: the wait counts
            as the answer's.
    """
    requests = iter([as_request(post) for post in posts])
    with selectors.DefaultSelector() as waiting:
        crowd = [_Line(site.port) for _ in range(lines)]
        for line in crowd:
            waiting.register(line.plug, selectors.EVENT_READ, line)
        site_cpu, own_cpu, began = site.cpu(), time.process_time(), time.perf_counter()
        if pace:
            answers = list(_at_pace(waiting, crowd, requests, len(posts), pace))
        else:
            answers = list(_answers(waiting, crowd, requests, len(posts)))
        told = Rush(
            answers,
            time.perf_counter() - began,
            site.cpu() - site_cpu,
            time.process_time() - own_cpu,
        )
        for line in crowd:
            line.plug.close()
    return told


def _answers(
    waiting: selectors.BaseSelector,
    crowd: Sequence[_Line],
    requests: Iterator[bytes],
    wanted: int,
) -> Iterator[Answer]:
    for line, request in zip(crowd, requests, strict=False):
        line.send(request)
    told = 0
    while told < wanted:
        for key, _ in waiting.select():
            line = key.data
            if answer := line.hear():
                told += 1
                yield answer
                for request in islice(requests, 1):
                    line.send(request)


def _at_pace(
    waiting: selectors.BaseSelector,
    crowd: Sequence[_Line],
    requests: Iterator[bytes],
    wanted: int,
    pace: float,
) -> Iterator[Answer]:
    free, sent, told = deque(crowd), 0, 0  # in turn: a site hangs up on lines that rest
    began = time.perf_counter()
    while told < wanted:
        now = time.perf_counter()
        while free and sent < wanted and (due := began + sent / pace) <= now:
            free.popleft().send(next(requests), due)
            sent += 1
        more = free and sent < wanted
        for key, _ in waiting.select(max(0.0, began + sent / pace - now) if more else None):
            if answer := key.data.hear():
                told += 1
                free.append(key.data)
                yield answer

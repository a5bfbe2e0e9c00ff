"""Sends forms over many lines at once, and takes as little of the machine for it as it can.

The requests are made before, the lines are bare sockets that stay open, and one loop waits for all of them:
on a machine with two cores whatever the crowd takes is what the site lacks.
"""

import re
import selectors
import socket
import time
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

    def send(self, request: bytes) -> None:
        self.sent_at = time.perf_counter()
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


def rush(site: Site, lines: int, posts: Sequence[Post]) -> Rush:
    """Send all forms over so many lines, each line the next one as soon as it is answered."""
    requests = iter([as_request(post) for post in posts])
    with selectors.DefaultSelector() as waiting:
        crowd = [_Line(site.port) for _ in range(lines)]
        for line in crowd:
            waiting.register(line.plug, selectors.EVENT_READ, line)
        site_cpu, own_cpu, began = site.cpu(), time.process_time(), time.perf_counter()
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

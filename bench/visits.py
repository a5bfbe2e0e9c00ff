"""Visits a site as many browsers at once would: over lines that stay open, noting how long answers take."""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import psutil
from databases import NEWSROOM

YOUNGEST_FORM_SECONDS = 2.2
"""A form that comes back sooner is a program's."""
_ADDRESS = re.compile(rb"http://127\.0\.0\.1:(\d+)")
_FORM = re.compile(rb'name="form" value="([^"]+)"')


@dataclass(frozen=True)
class Post:
    """A form to send."""

    path: str
    fields: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What came of it, and after how many seconds."""

    status: int
    seconds: float


@dataclass(frozen=True)
class Site:
    """Where a site is served, and by which process."""

    port: int
    process: psutil.Process

    def cpu(self) -> float:
        """Seconds of CPU that it and its children took so far."""
        each = [self.process, *self.process.children(recursive=True)]
        times = [one.cpu_times() for one in each]
        return float(sum(one.user + one.system for one in times))


@contextmanager
def served(config: Path, workers: int = 1) -> Iterator[Site]:
    """A site that is served by so many processes as long as the block lasts."""
    words = ["--config", str(config), "serve", "--port", "0", "--workers", str(workers)]
    with config.with_name("site").open("wb") as complaints:
        site = subprocess.Popen(
            [sys.executable, "-m", "mailer", *words],
            stdout=subprocess.PIPE,
            stderr=complaints,
        )
    try:
        assert site.stdout is not None
        found = _ADDRESS.search(site.stdout.readline())
        if found is None:
            raise SystemExit(f"the site did not start: {config.with_name('site').read_text()}")
        yield Site(int(found[1]), psutil.Process(site.pid))
    finally:
        site.terminate()
        site.wait(timeout=30)


def as_request(post: Post) -> bytes:
    """A form as it is sent."""
    return _request("POST", post.path, urlencode(post.fields).encode())


def _request(method: str, path: str, body: bytes) -> bytes:
    kind = "Content-Type: application/x-www-form-urlencoded\r\n" if body else ""
    head = (
        f"{method} {quote(path, safe='/?=&.-_~')} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Length: {len(body)}\r\n{kind}\r\n"
    )
    return head.encode() + body


class Browser:
    """One line to the site, kept open."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None

    async def form(self) -> str:
        """The mark of the newsroom's form, as it is shown now."""
        _, body = await self._ask(_request("GET", f"/{NEWSROOM}?lang=en", b""))
        found = _FORM.search(body)
        if found is None:
            raise SystemExit("the newsroom's page has no sign-up form")
        return found[1].decode()

    async def send(self, post: Post) -> Answer:
        """Send a form, and wait for the whole answer."""
        began = time.perf_counter()
        status, _ = await self._ask(as_request(post))
        return Answer(status, time.perf_counter() - began)

    async def _ask(self, request: bytes) -> tuple[int, bytes]:
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(request)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = re.search(r"\ncontent-length: *(\d+)", answer)
        content = await self._reader.readexactly(int(length[1]) if length else 0)
        if "\nconnection: close" in answer:
            self._writer.close()
            self._writer = None
        return int(answer.split(" ", 2)[1]), content

    def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()


async def mark_of(port: int) -> str:
    """The mark of the newsroom's form, once it is old enough to be sent."""
    browser = Browser(port)
    mark = await browser.form()
    browser.close()
    await asyncio.sleep(YOUNGEST_FORM_SECONDS)
    return mark


async def in_turn(port: int, posts: Callable[[str], Sequence[Post]]) -> list[Answer]:
    """Send forms one after the other over one line, as the mark of a form lets them be."""
    mark = await mark_of(port)
    browser = Browser(port)
    answers = [await browser.send(post) for post in posts(mark)]
    browser.close()
    return answers

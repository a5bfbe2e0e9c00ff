"""A post office for this machine alone: real SMTP on loopback that keeps every mail it takes as a file.

A mail is on disk, whole and under its final name, before it is acknowledged. It lies in
`<folder>/<recipient>/001.eml`, `002.eml` ... as it came, under the two fields that final delivery adds
(RFC 5321 section 4.4 and RFC 9228): Return-Path and Delivered-To.
"""

import asyncio
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import quote
from weakref import WeakSet

from aiosmtpd.smtp import SMTP, Envelope, Session

_PATIENCE_SECONDS = 10
_SAFE_IN_NAMES = "@+=!#$&'^{}~"  # beside letters, digits and _.-~, which `quote` keeps

_log = logging.getLogger(__name__)


class PostOffice:
    """One post office; `port` is 0 until it is open.

    Args:
        folder: where the mails are kept; made with the first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0

    @contextmanager
    def open(self) -> Iterator[Self]:
        """Take mail on a free port of 127.0.0.1, in a thread of its own, until the block is left."""
        opened: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = Future()
        thread = threading.Thread(
            target=asyncio.run, args=(self._serve(opened),), name="post office", daemon=True
        )
        thread.start()
        loop, closing, self.port = opened.result(_PATIENCE_SECONDS)
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(closing.set)
            thread.join(_PATIENCE_SECONDS)

    async def _serve(
        self, opened: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]]
    ) -> None:
        loop = asyncio.get_running_loop()
        closing = asyncio.Event()
        clerk = _Clerk(self.folder)
        counters: WeakSet[SMTP] = WeakSet()

        def counter() -> SMTP:
            new = SMTP(clerk, hostname="localhost", enable_SMTPUTF8=True, loop=loop)
            counters.add(new)
            return new

        try:
            server = await loop.create_server(counter, "127.0.0.1", 0)
        except OSError as error:
            opened.set_exception(error)
            return
        opened.set_result((loop, closing, server.sockets[0].getsockname()[1]))
        await closing.wait()
        server.close()
        for busy in list(counters):
            if busy.transport is not None:
                busy.transport.close()
        await server.wait_closed()


def folder_name(recipient: str) -> str:
    """The folder of a recipient: its address, with what no file name should hold as %XX."""
    name = quote(recipient, safe=_SAFE_IN_NAMES)
    return f"%2E{name[1:]}" if name.startswith(".") else name


class _Clerk:
    """Takes mails over the counter: what aiosmtpd calls a handler."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(  # noqa: N802 - the name aiosmtpd looks for
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)  # decode_data is off
        try:
            for recipient in envelope.rcpt_tos:
                self._keep(recipient, envelope.mail_from or "", envelope.content)
        except OSError as error:
            _log.warning("mail not kept: %s", error)
            return "452 4.3.1 The mail cannot be kept"
        return "250 2.0.0 Kept"

    def _keep(self, recipient: str, sender: str, content: bytes) -> None:
        folder = self._folder / folder_name(recipient)
        folder.mkdir(parents=True, exist_ok=True)
        last = max((int(path.stem) for path in folder.glob("*.eml")), default=0)
        final = folder / f"{last + 1:03d}.eml"
        draft = final.with_suffix(".part")
        trace = f"Return-Path: <{sender}>\r\nDelivered-To: {recipient}\r\n"
        draft.write_bytes(trace.encode() + content)
        draft.replace(final)

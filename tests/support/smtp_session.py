"""One connection of the scripted server: RFC 5321 in order, but for what the script says."""

import asyncio
import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from support.smtp_login import plain, who_logs_in
from support.smtp_script import Act, Fault, Gate, Playbook, Received


class HangUp(Exception):
    """Close this connection."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a server offers and asks for."""

    starttls: ssl.SSLContext | None
    users: Mapping[str, str]
    extensions: tuple[str, ...]
    mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN")


@dataclass
class Session:
    """One connection: commands in, replies by the playbook out."""

    playbook: Playbook
    terms: Terms
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    encrypted: bool
    username: str = ""
    sender: str | None = None
    recipients: list[str] = field(default_factory=list)
    buffer: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self.number = self.playbook.connections

    async def run(self) -> None:
        """Serve until the client leaves or the script hangs up."""
        await self.answer("CONNECT", "220 scripted.test ESMTP")
        while True:
            line = (await self.until(b"\r\n")).decode("utf-8", "surrogateescape").rstrip()
            self.playbook.commands.append(line)
            verb, _, rest = line.partition(" ")
            handler = getattr(self, f"on_{verb.lower()}", None)
            if handler is None:
                await self.answer(verb.upper(), "502 5.5.2 unknown command")
            else:
                await handler(rest)

    async def on_ehlo(self, _: str) -> None:
        lines = ["scripted.test", *self.terms.extensions]
        if self.terms.starttls is not None and not self.encrypted:
            lines.append("STARTTLS")
        elif self.terms.users:
            lines.append(f"AUTH {' '.join(self.terms.mechanisms)}")
        assert not self.buffer, "nothing follows EHLO before its reply (RFC 2920 section 3.1)"
        polite = [f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"]
        await self.answer("EHLO", "\r\n".join(polite))

    async def on_starttls(self, _: str) -> None:
        offered = self.terms.starttls is not None and not self.encrypted
        if await self.answer("STARTTLS", "220 go ahead" if offered else "502 5.5.1 not offered"):
            assert self.terms.starttls is not None
            self.buffer.clear()
            await self.writer.start_tls(self.terms.starttls)
            self.encrypted = True

    async def on_auth(self, rest: str) -> None:
        mechanism, _, first = rest.partition(" ")
        username = await who_logs_in(
            mechanism.upper(), plain(first) if first else None, self.challenge, self.terms.users
        )
        polite = "235 2.7.0 welcome" if username else "535 5.7.8 wrong name or password"
        if await self.answer("AUTH", polite):
            self.username = username

    async def challenge(self, words: bytes) -> bytes:
        await self.say(f"334 {base64.b64encode(words).decode()}")
        return plain((await self.until(b"\r\n")).decode().strip())

    async def on_mail(self, rest: str) -> None:
        polite = "250 2.1.0 sender ok"
        if self.terms.users and not self.username:
            polite = "530 5.7.0 log in first"
        elif self.sender is not None:
            polite = "503 5.5.1 nested MAIL"
        if await self.answer("MAIL", polite, _path(rest)):
            self.sender = _path(rest)

    async def on_rcpt(self, rest: str) -> None:
        polite = "250 2.1.5 recipient ok" if self.sender is not None else "503 5.5.1 MAIL first"
        if await self.answer("RCPT", polite, _path(rest)):
            self.recipients.append(_path(rest))

    async def on_data(self, _: str) -> None:
        about = self.recipients[-1] if self.recipients else ""
        polite = "354 go ahead" if self.recipients else "503 5.5.1 RCPT first"
        if self.buffer:  # DATA is the last of its group (RFC 2920 section 3.1)
            polite = "503 5.5.0 improper pipelining"
        if not await self.answer("DATA", polite, about):
            return
        self.buffer += await self.reader.read(65_536)  # it has begun to come in
        await self.answer("CONTENT", "", about)
        self.buffer[:0] = b"\r\n"  # so that a final dot at the very start is seen
        raw = await self.until(b"\r\n.\r\n")
        content = raw[:-3].replace(b"\r\n..", b"\r\n.")[2:]
        message = Received(
            self.sender or "",
            tuple(self.recipients),
            content,
            self.number,
            self.encrypted,
            self.username,
        )
        self.sender, self.recipients = None, []
        await self.answer(".", "250 2.0.0 kept", about, message)

    async def on_rset(self, _: str) -> None:
        if await self.answer("RSET", "250 2.0.0 forgotten"):
            self.sender, self.recipients = None, []

    async def on_quit(self, _: str) -> None:
        await self.answer("QUIT", "221 2.0.0 bye")
        raise HangUp

    async def answer(
        self, key: str, polite: str, about: str = "", message: Received | None = None
    ) -> bool:
        """Play this moment; whether it counts as success. An empty reply says nothing."""
        step = self.playbook.next_step(key, about)
        if isinstance(step, Act):
            step.call()
            step = step.then
        if isinstance(step, Gate):
            await step.passed()
            step = step.then
        if step is Fault.SILENCE:
            while await self.reader.read(65_536):
                pass
        if step is Fault.TAKE_AND_DROP and message is not None:
            self.playbook.keep(message)
        if isinstance(step, Fault):
            raise HangUp
        if isinstance(step, bytes):
            self.writer.write(step)
            await self.writer.drain()
            return False
        reply = polite if step is None else step
        success = reply[:1] in {"2", "3"}
        if success and message is not None:
            self.playbook.keep(message)  # before the promise, as a server should
        await self.say(reply)
        return success

    async def say(self, reply: str) -> None:
        if reply:
            self.writer.write(f"{reply}\r\n".encode())
            await self.writer.drain()
        if reply.startswith("421"):
            raise HangUp

    async def until(self, mark: bytes) -> bytes:
        start = 0
        while (at := self.buffer.find(mark, start)) < 0:
            start = max(0, len(self.buffer) - len(mark) + 1)
            more = await self.reader.read(65_536)
            if not more:
                raise HangUp
            self.buffer += more
        found = bytes(self.buffer[: at + len(mark)])
        del self.buffer[: at + len(mark)]
        return found

    def hang_up(self) -> None:
        transport = self.writer.transport
        if self.encrypted:
            transport.abort()  # no farewell that the other side would have to wait for
        else:
            transport.close()


def _path(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]

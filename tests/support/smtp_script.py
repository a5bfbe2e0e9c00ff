"""The words in which a test tells an SMTP server how to behave, and what the server notes down."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum, auto

PATIENCE = 10.0  # seconds a test waits for what must come


class Fault(Enum):
    """Ways to be a bad server."""

    DROP = auto()  # close without an answer
    TAKE_AND_DROP = auto()  # at ".": keep the message, then close without an answer
    SILENCE = auto()  # leave the connection open and say nothing more


class Gate:
    """A step that waits: the server says that it has arrived, the test opens. Safe across threads."""

    def __init__(self, then: "str | bytes | Fault | None" = None) -> None:
        self.then = then
        self._arrived: Future[None] = Future()
        self._opened: Future[None] = Future()

    def open(self) -> None:
        """Let the server go on."""
        self._opened.set_result(None)

    def wait(self) -> None:
        """Wait in a thread until the server has arrived."""
        self._arrived.result(PATIENCE)

    async def arrived(self) -> None:
        """Wait in a loop until the server has arrived."""
        await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._arrived)), PATIENCE)

    async def passed(self) -> None:
        """For the server: arrive, and wait until the gate is open."""
        if not self._arrived.done():
            self._arrived.set_result(None)
        await asyncio.shield(asyncio.wrap_future(self._opened))


@dataclass(frozen=True, slots=True)
class Act:
    """A step at which something else happens first, in the server's loop; then as it says."""

    call: Callable[[], object]
    then: str | bytes | Fault | Gate | None = None


Step = str | bytes | Fault | Gate | Act | None
Script = Mapping[str, Step | list[Step]]


@dataclass(frozen=True, slots=True)
class Received:
    """A message the server has said 250 to.

    Attributes:
        at: when it was taken, in seconds since the epoch.
    """

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    connection: int
    encrypted: bool
    username: str
    at: float = field(default_factory=time.time, compare=False)

    @property
    def recipient(self) -> str:
        """The one recipient."""
        (only,) = self.recipients
        return only


class Playbook:
    """A script being played, and the record of what came of it; shared by all connections."""

    def __init__(self, script: Script) -> None:
        self.connections = 0
        self.messages: list[Received] = []
        self.commands: list[str] = []
        self._script = dict(script)
        self._played: Counter[str] = Counter()
        self._changed = threading.Condition()

    def wait_for(self, count: int, patience: float = PATIENCE) -> list[Received]:
        """Wait (in a thread, not in the server's loop) until `count` messages are in; return them."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.messages) >= count, patience):
                raise AssertionError(f"{len(self.messages)} of {count} messages in {patience} s")
            return list(self.messages)

    def next_step(self, key: str, about: str) -> Step:
        """What the script has for this moment; the more specific key goes first."""
        for name in (f"{key} {about}", f"{key} @{about.rpartition('@')[2]}", key):
            if name not in self._script:
                continue
            step = self._script[name]
            if not isinstance(step, list):
                return step
            self._played[name] += 1
            if self._played[name] <= len(step):
                return step[self._played[name] - 1]
        return None

    def keep(self, message: Received) -> None:
        """Take a message."""
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()

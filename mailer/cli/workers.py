"""Runs several workers of a command on this machine as one: starts them, leads them, hears what they say.

    start     N times `mailer dispatch` or `mailer serve`, each in a session of its own, so that a terminal's
              Ctrl-C is ours alone to hear, and each led over a pipe on its standard input
    signal    passed on down the pipes: one byte for a clean stop, another to break off. A signal could come
              before a worker can hear it, or twice: systemd tells every process of a service itself
    we die    the pipes close, and every worker stops cleanly
    killed    is said; the others take over what a worker had in hand. A watch, and pages, start another in
              its place after 1, 5, 15, then 60 seconds
    ended     in a pass the others go on. In a watch a worker ends of itself for a reason (a fault, its
              time is up), and as with one that ends the watch

Every dispatcher does every step. Were one alone to publish, the others would find nothing to send at the
start of a pass and end; were it killed, nothing would be published. Doing a step twice is harmless: the
facts that decide it are in the database.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click

from mailer.cli.answer import Ended
from mailer.cli.live import Sight, together
from mailer.cli.stops import Leash, Stops

log = logging.getLogger(__name__)

AGAIN_SECONDS = (1.0, 5.0, 15.0, 60.0)
_TELL_SECONDS = 0.5
_LONGEST_LINE = 2**24


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the workers are to do.

    Attributes:
        words: of a worker's command, but for those about time.
        loss: what to say of one that was killed: what becomes of what it had in hand.
        max_seconds: from now on; None until done or stopped.
        watch: they work until they are stopped.
    """

    words: Sequence[str]
    number: int
    loss: str
    max_seconds: float | None = None
    watch: bool = False


class Crew:
    """The workers of one command.

    Args:
        tell: shown now and then how sending goes; None where nobody looks.
        said: told what a worker says beside that.
        pauses: before a watch starts another worker in the place of one that was killed.
    """

    def __init__(
        self,
        wishes: Wishes,
        *,
        tell: Callable[[Sight], None] | None = None,
        said: Callable[[Mapping[str, Any]], None] = lambda _said: None,
        pauses: Sequence[float] = AGAIN_SECONDS,
    ) -> None:
        self.ended: list[Ended] = []
        self.killed: list[str] = []
        self._wishes = wishes
        self._tell = tell
        self._said = said
        self._pauses = pauses
        self._ends_at = (
            None if wishes.max_seconds is None else time.monotonic() + wishes.max_seconds
        )
        self._stopping = asyncio.Event()
        self._asked = b""
        self._alive: dict[int, asyncio.subprocess.Process] = {}
        self._sights: dict[int, Sight] = {}
        self._left: int | None = None

    async def run(self, stops: Stops) -> None:
        """Let them work until all have ended."""
        stops.listen(self.stop, self.break_off)
        telling = asyncio.create_task(self._keep_telling())
        try:
            await asyncio.gather(*(self._place(one + 1) for one in range(self._wishes.number)))
        finally:
            telling.cancel()

    def stop(self) -> None:
        """Have them stop cleanly."""
        self._say(Leash.STOP)

    def break_off(self) -> None:
        """Have them end at once."""
        self._say(Leash.BREAK_OFF)

    def _say(self, word: bytes) -> None:
        self._stopping.set()
        self._asked += word
        for process in self._alive.values():
            _lead(process, word)

    async def _place(self, number: int) -> None:
        """A worker, and while a watch goes on another one for each that is killed."""
        tries = 0
        while True:
            began = time.monotonic()
            ended = await self._worker(number)
            self.ended.append(ended)
            if ended.code is not None and ended.code >= 0:
                if self._wishes.watch:
                    self.stop()
                return
            self._lament(number, ended.code)
            if not self._wishes.watch:
                return
            tries = 0 if time.monotonic() - began > self._pauses[-1] else tries
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pauses[min(tries, len(self._pauses) - 1)]):
                    await self._stopping.wait()
            tries += 1
            if self._stopping.is_set() or self._time_left() == 0:
                return

    def _lament(self, number: int, code: int | None) -> None:
        words = f"worker {number} could not be started"
        if code is not None:
            signal_name = _signal_name(-code)
            words = f"worker {number} was killed by {signal_name}; {self._wishes.loss}"
        log.error("fault", extra={"reason": words})
        if words not in self.killed:
            self.killed.append(words)

    async def _worker(self, number: int) -> Ended:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command(),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE if self._tell else None,
                start_new_session=True,
                limit=_LONGEST_LINE,
            )
        except OSError as error:
            log.error("worker not started", extra={"reason": error.strerror})  # noqa: TRY400 - no trace helps
            return Ended(None)
        self._alive[number] = process
        if self._asked:
            _lead(process, self._asked)
        try:
            said, _ = await asyncio.gather(self._hear(number, process), _pass_on(process))
            return Ended(_meant(await process.wait()), said)
        finally:
            del self._alive[number]
            self._rest(number)

    def _command(self) -> list[str]:
        # What this process does not import from its folder, a worker must not find there either.
        safely = [] if {"", str(Path.cwd())} & set(sys.path) else ["-P"]
        words = [sys.executable, *safely, "-m", "mailer", *self._wishes.words]
        left = self._time_left()
        return words if left is None else [*words, "--max-seconds", f"{max(left, 0.001):.3f}"]

    def _time_left(self) -> float | None:
        return None if self._ends_at is None else max(self._ends_at - time.monotonic(), 0)

    async def _hear(
        self, number: int, process: asyncio.subprocess.Process
    ) -> Mapping[str, Any] | None:
        """Note what a worker tells until it closes its mouth; its last words."""
        said = None
        assert process.stdout is not None
        async for line in process.stdout:
            try:
                found = json.loads(line)
            except ValueError:
                continue  # the half of a line that a kill left
            if "progress" in found:
                told = Sight(**found["progress"])
                self._left = told.left
                self._sights[number] = replace(told, resting=tuple(told.resting))
            else:
                said = found
                self._said(said)
        return said

    def _rest(self, number: int) -> None:
        """What a worker did goes on counting when it has ended; what it held does not."""
        last = self._sights.pop(number, None)
        if last is not None:
            before = self._sights.get(0, Sight())
            self._sights[0] = together([before, replace(last, in_hand=0, resting=())], None)

    async def _keep_telling(self) -> None:
        while self._tell:
            self._tell(together(self._sights.values(), self._left))
            await asyncio.sleep(_TELL_SECONDS)


def begun_by(ctx: click.Context) -> list[str]:
    """The words of a worker's command before its name: those that its parent was begun with."""
    words = ["-v"] * ctx.obj.verbose
    if ctx.obj.config is not None:
        words += ["--config", str(ctx.obj.config)]
    return words


def tell_parent(sight: Sight) -> None:
    """As a worker: say on standard output how sending goes, unless nobody reads it."""
    line = json.dumps({"progress": asdict(sight)}).encode() + b"\n"
    descriptor = sys.stdout.fileno()
    os.set_blocking(descriptor, False)  # a parent that was stopped must not stop us
    try:
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(descriptor, line)
    finally:
        os.set_blocking(descriptor, True)


def _meant(code: int) -> int:
    """An exit code as it was meant: SIGTERM asks for a clean stop, and kills who cannot hear it yet."""
    return 0 if code == -signal.SIGTERM else code


def _lead(process: asyncio.subprocess.Process, word: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):  # it has ended by now
        process.stdin.write(word)


async def _pass_on(process: asyncio.subprocess.Process) -> None:
    """Where a line is drawn on the terminal, a worker's log scrolls above it as ours does."""
    if process.stderr is not None:
        async for line in process.stderr:
            sys.stderr.write(line.decode("utf-8", "replace"))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"  # a real-time signal has a number alone

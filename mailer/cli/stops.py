"""Hears what SIGTERM and Ctrl-C ask of a command: once a clean stop, twice an end at once.

A worker of `dispatch --workers` is led by its parent instead, over a pipe (`Leash`): whoever else
sends it a signal (systemd tells every process of a service) asks for a clean stop, however often.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from mailer.cli.main import INTERRUPTED

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stops:
    """Stops of one command."""

    def __init__(self) -> None:
        self._asked: list[int] = []
        self._gentle: Callable[[], None] = lambda: None
        self._hard: Callable[[], object] = lambda: None

    def listen(self, gentle: Callable[[], None], hard: Callable[[], object] | None = None) -> None:
        """From now on, in the running loop, a signal calls `gentle`, and each further one `hard`.

        Args:
            hard: None cancels the running task.
        """
        loop = asyncio.get_running_loop()
        self._gentle = gentle
        self._hard = hard or _cancelling()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._ask, number)

    def _ask(self, number: int) -> None:
        self._asked.append(number)
        if len(self._asked) == 1:
            self._gentle()
        else:
            self._hard()

    @property
    def interrupted(self) -> bool:
        """Whether somebody pressed Ctrl-C."""
        return signal.SIGINT in self._asked

    @property
    def exit_code(self) -> int:
        """Of a command that runs until it is stopped."""
        return INTERRUPTED if self.interrupted else 0


class Leash(Stops):
    """Stops of a worker: its parent speaks through the worker's standard input.

    Whatever comes asks for a clean stop, also the end of the pipe: a parent that was killed holds
    nobody. `BREAK_OFF` asks for an end at once.
    """

    STOP = b"."
    BREAK_OFF = b"!"

    def __init__(self, descriptor: int = 0) -> None:
        super().__init__()
        self._descriptor = descriptor

    def listen(self, gentle: Callable[[], None], hard: Callable[[], object] | None = None) -> None:
        """From now on, in the running loop, heed the parent."""
        super().listen(gentle, gentle)
        hard = hard or _cancelling()
        loop = asyncio.get_running_loop()

        def heed() -> None:
            words = os.read(self._descriptor, 64)
            if not words:
                loop.remove_reader(self._descriptor)
            if self.BREAK_OFF in words:
                hard()
            else:
                gentle()

        loop.add_reader(self._descriptor, heed)

    @property
    def interrupted(self) -> bool:
        """Never: it is the parent who was."""
        return False


@contextmanager
def signals(stops: Stops | None = None) -> Iterator[Stops]:
    """Stops for one command; being cancelled by the second signal is an interruption too."""
    try:
        yield stops or Stops()
    except asyncio.CancelledError as error:
        raise click.Abort from error


def _cancelling() -> Callable[[], object]:
    task: asyncio.Task[Any] | None = asyncio.current_task()
    assert task is not None, "signals are listened to within a task"
    return task.cancel

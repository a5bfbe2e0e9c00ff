"""Dispatchers, a relay and a database to be maltreated: started, killed, stopped and started again."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import fast_sink
import sink
from databases import Databases, PostgresqlDatabases

SURPRISES = (2, 70)
"""Exit codes that no crash of something else excuses: wrong usage, and a fault of the program itself."""


class Relay:
    """The built-in sink, which remembers across its deaths what it took."""

    def __init__(self, record: Path) -> None:
        self._record = record
        self._stack = ExitStack()
        self.port = 0
        self.start()

    def start(self) -> None:
        """Listen where it listened before."""
        wish = sink.Wish(record=self._record, port=self.port)
        self.port = self._stack.enter_context(sink.running(wish)).port

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self._stack.close()

    @property
    def taken(self) -> int:
        """How many messages are on its record."""
        return self._record.stat().st_size // fast_sink.ARRIVAL_OCTETS

    def arrivals(self) -> list[fast_sink.Arrival]:
        """All that it took."""
        return list(fast_sink.arrivals(self._record))


class Crew:
    """Some dispatchers over one office, each started again as soon as it has ended.

    Args:
        size: how many work side by side.
    """

    def __init__(self, config: Path, size: int) -> None:
        self._config = config
        self._complaints = config.with_name("complaints").open("ab")
        self._at_work = [self._started() for _ in range(size)]
        self.surprises: list[str] = []

    def tend(self) -> None:
        """Start anew whoever has ended."""
        for place, one in enumerate(self._at_work):
            if one.poll() is not None:
                self._note(one.returncode)
                self._at_work[place] = self._started()

    def kill(self, dice: random.Random) -> None:
        """End one of them with kill -9; the next `tend` replaces it."""
        victim = dice.choice(self._at_work)
        victim.kill()
        victim.wait()

    def stop(self, dice: random.Random, seconds: float) -> None:
        """Let one of them hang for a while."""
        victim = dice.choice(self._at_work)
        if victim.poll() is None:
            os.kill(victim.pid, signal.SIGSTOP)
            time.sleep(seconds)
            os.kill(victim.pid, signal.SIGCONT)

    def finish(self, is_done: Callable[[], bool], seconds: float) -> bool:
        """Let them work, as cron does, until all is done; whether that came in time.

        A run may end well and leave something that is due in a minute.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for one in self._at_work:
                with suppress(subprocess.TimeoutExpired):
                    self._note(one.wait(timeout=max(until - time.monotonic(), 1)))
            if is_done():
                return True
            time.sleep(0.5)
            self.tend()
        return False

    def close(self) -> None:
        """Nobody is left behind."""
        for one in self._at_work:
            if one.poll() is None:
                one.kill()
                one.wait()
        self._complaints.close()

    def _started(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "mailer", "--config", str(self._config), "dispatch"],
            stdout=subprocess.DEVNULL,
            stderr=self._complaints,
        )

    def _note(self, code: int) -> None:
        if code in SURPRISES:
            self.surprises.append(f"a dispatcher ended with {code}: {self.last_words()}")

    def last_words(self) -> str:
        """The end of what the dispatchers complained of."""
        path = self._config.with_name("complaints")
        return path.read_text(errors="replace")[-1500:]


@contextmanager
def crew_at(config: Path, size: int) -> Iterator[Crew]:
    """A crew that is gone afterwards."""
    crew = Crew(config, size)
    try:
        yield crew
    finally:
        crew.close()


def hurt_database(databases: Databases, url: str, dice: random.Random, *, whole: bool) -> None:
    """End a connection of PostgreSQL politely or by force, or the whole server as a power cut would."""
    assert isinstance(databases, PostgresqlDatabases)
    if whole:
        databases.crash()
        return
    databases.await_service()  # it may not be over the last blow yet
    serving = databases.backends(url)
    if not serving:
        return
    victim = dice.choice(serving)
    if dice.random() < 0.7:
        databases.tell(f"SELECT pg_terminate_backend({victim})")
    else:
        os.kill(
            victim, signal.SIGKILL
        )  # the server takes this for a damaged memory: all start anew
        databases.await_service()


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A disk of its own, in memory; only root may have one.

    Raises:
        SystemExit: it cannot be had.
    """
    with tempfile.TemporaryDirectory(prefix="disk") as folder:
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder]
        made = subprocess.run(command, check=False, capture_output=True, text=True)
        if made.returncode:
            raise SystemExit(f"no disk to fill: {made.stderr.strip()}")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def fill_disk(folder: Path, seconds: float) -> None:
    """Leave no room on a disk for a while."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as out, suppress(OSError):
        while True:
            out.write(b"\0" * (1 << 20))
    time.sleep(seconds)
    filler.unlink()

"""Runs the very commands an operator would run, as real processes, and ends each that it began."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from mailer.core.errors import ServiceMissing
from mailer.demo.narrator import ExpectationFailed, Narrator

_PATIENCE_SECONDS = 60
_LOOK_SECONDS = 0.05


class Commands:
    """An operator's shell.

    Args:
        config: the settings file every command is to use.
        tell: shows each command and what it said.
    """

    def __init__(self, config: Path, tell: Narrator) -> None:
        self._tell = tell
        # Nothing of the caller's own press office may find its way in: not its relay, above all.
        inherited = {key: word for key, word in os.environ.items() if key[:7] != "MAILER_"}
        self._environment: Mapping[str, str] = {
            **inherited,
            "MAILER_CONFIG": str(config),
            "MAILER_LIMITS__FORM_MIN_SECONDS": "0",  # the visitors of a demonstration type fast
            "PYTHONUTF8": "1",
        }

    def run(self, *words: str) -> str:
        """Run `mailer` with these words and show both; what it said.

        Raises:
            ExpectationFailed: it did not end with exit code 0, or not within a minute.
        """
        self._tell.command(["mailer", *words])
        typed = f"`mailer {' '.join(words)}`"
        try:
            done = subprocess.run(  # noqa: S603 - our own program, and no shell reads its words
                _python_mailer(words),
                capture_output=True,
                check=False,
                encoding="utf-8",
                errors="replace",
                env=self._environment,
                stdin=subprocess.DEVNULL,
                timeout=_PATIENCE_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise ExpectationFailed(f"{typed} did not end in {_PATIENCE_SECONDS} s") from error
        self._tell.output(done.stdout)
        if done.returncode:
            raise ExpectationFailed(
                f"{typed} ended with exit code {done.returncode}\n{done.stderr.rstrip()}"
            )
        return done.stdout

    @contextmanager
    def running(self, *words: str, log: Path, ready: Callable[[], bool]) -> Iterator["Running"]:
        """Run `mailer` with these words until the block is left.

        Args:
            log: keeps what it says.
            ready: whether it does its work by now.

        Raises:
            ServiceMissing: it ended, or is not ready after a minute.
        """
        self._tell.command(["mailer", *words], beside=True)
        leash = [sys.executable, "-m", "mailer.demo.leash"]
        with log.open("wb") as said:
            process = subprocess.Popen(  # noqa: S603 - as above
                [*leash, *_python_mailer(words)],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=subprocess.STDOUT,
                env=self._environment,
                process_group=0,  # Ctrl-C is ours to hear; we end it by its leash
            )
        running = Running(process, f"mailer {words[0]}", log)
        try:
            running.wait_until(ready)
            yield running
        finally:
            _let_go(process)


class Running:
    """A command that runs beside us."""

    def __init__(self, process: subprocess.Popen[bytes], name: str, log: Path) -> None:
        self._process = process
        self._name = name
        self._log = log

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait until it does its work.

        Raises:
            ServiceMissing: it ended, or is not ready after a minute.
        """
        for _ in range(int(_PATIENCE_SECONDS / _LOOK_SECONDS)):
            if ready():
                return
            try:
                self._process.wait(_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            raise self._ended()
        raise ServiceMissing(f"`{self._name}` does not answer", f"its log is {self._log}")

    def wait(self) -> None:
        """Wait for its end, which is never what we want.

        Raises:
            ServiceMissing: it ended.
        """
        self._process.wait()
        raise self._ended()

    def _ended(self) -> ServiceMissing:
        last = self._log.read_text("utf-8", "replace").strip()[-2000:]
        return ServiceMissing(
            f"`{self._name}` ended by itself (exit code {self._process.returncode})\n{last}",
            f"its log is {self._log}",
        )


def _let_go(process: subprocess.Popen[bytes]) -> None:
    """End a command by its leash; also when Ctrl-C is pressed again meanwhile."""
    assert process.stdin is not None
    process.stdin.close()
    while process.returncode is None:
        with suppress(KeyboardInterrupt):
            process.wait()


def _python_mailer(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "mailer", *words]

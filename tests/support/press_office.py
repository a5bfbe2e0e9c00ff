"""A press office in a folder, worked from the command line alone, as operators and cron do."""

import fcntl
import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

ENOUGH_RUNS = 8
PATIENCE = 60.0


def made_once(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]
) -> tuple[Path, Any]:
    """A folder that tests copy, made by the first of all test processes that asks; and what `make` said.

    Args:
        make: makes the folder, which is not there yet; what it says must fit into JSON.
    """
    base = factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, said = root / name / "office", root / name / "said.json"
    said.parent.mkdir(exist_ok=True)
    with (root / name / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            said.write_text(json.dumps(make(folder)))
    return folder, json.loads(said.read_text())


class PressOffice:
    """One office.

    Args:
        folder: where `mailer init` makes it, or made it.
        environment: settings, as the environment gives them.
        patience: seconds a command may take.
    """

    def __init__(
        self, folder: Path, environment: Mapping[str, str], *, patience: float = PATIENCE
    ) -> None:
        self.folder = folder
        self.config = folder / "config.toml"
        self.environment = dict(environment)
        self._patience = patience

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "mailer", "--config", str(self.config), *arguments],
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """One command to its end: its exit code and its answer."""
        return self.ended(self.start(*arguments, "--json"))

    def ended(self, process: "subprocess.Popen[bytes]") -> tuple[int, dict[str, Any]]:
        """Wait for a command; its exit code, and its answer as far as it gave one."""
        out, err = process.communicate(timeout=self._patience)
        assert process.returncode != 70, err.decode()
        return process.returncode, json.loads(out) if out else {"said": err.decode()}

    def do(self, *arguments: str) -> dict[str, Any]:
        """One command that must do what it is told: its answer."""
        code, said = self.run(*arguments)
        assert code == 0, said
        return said

    def open(self, readers: Sequence[str], release: str) -> int:
        """Make the office with its readers and a release that may go; the release's number."""
        self.do(
            "init", str(self.folder), "--newsroom", "um", "--name", "Udenrigsministeriet",
            "--language", "da", "--sender", "presse@um.example",
            "--base-url", "https://presse.um.example",
        )  # fmt: skip
        people, document = self.folder / "people.csv", self.folder / "release.md"
        people.write_text("\n".join(f'"{reader}"' for reader in readers))
        document.write_text(release)
        self.do("subscriber", "import", str(people), "--evidence", "sign-up sheets")
        number = int(self.do("release", "add", str(document))["id"])
        self.do("release", "send", str(number))
        return number

    def make_key(self, algorithm: str) -> tuple[str, str]:
        """Have mails signed with a fresh DKIM key too; the name and the text of its record."""
        made = self.do("keys", "dkim", "--algorithm", algorithm, "--selector", algorithm)
        self.config.write_text(self.config.read_text() + made["settings"])
        return made["name"], made["record"]

    def preview(self, release: int, reader: str) -> bytes:
        """What the command shows of a reader's mail."""
        process = self.start("release", "preview", str(release), "--to", reader)
        out, err = process.communicate(timeout=self._patience)
        assert process.returncode == 0, err.decode()
        return out

    def dispatch_until_done(self) -> Counter[str]:
        """Run dispatch as cron does, time passing before each, until nothing is left; what came of it."""
        tally: Counter[str] = Counter()
        for _ in range(ENOUGH_RUNS):
            self.let_time_pass()
            code, said = self.run("dispatch")
            assert code in {0, 69, 75}, said
            tally.update({name: said[name] for name in ("accepted", "refused", "unknown")})
            if code == 0:
                return tally
        raise AssertionError(f"not done after {ENOUGH_RUNS} runs: {said}")

    def let_time_pass(self) -> None:
        """What waits for its next try waits no longer."""
        with sqlite3.connect(self.folder / "mailer.sqlite") as database:
            database.execute(
                "UPDATE delivery SET due_at = '2001-01-01 00:00:00.000000'"
                " WHERE state = 'due' AND due_at IS NOT NULL"
            )
        database.close()

    def due(self) -> int:
        """How many deliveries are due by the ledger."""
        database = sqlite3.connect(self.folder / "mailer.sqlite")
        ((found,),) = database.execute("SELECT count(*) FROM delivery WHERE state = 'due'")
        database.close()
        return int(found)

    def doubted(self) -> set[int]:
        """The deliveries that are on record as unknown."""
        database = sqlite3.connect(self.folder / "mailer.sqlite")
        rows = database.execute("SELECT delivery_id FROM attempt WHERE result = 'unknown'")
        found = {number for (number,) in rows}
        database.close()
        return found

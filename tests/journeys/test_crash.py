"""A dispatcher killed, stopped or doubled in the middle of 2,000 readers loses and repeats nobody."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.dispatching import delivery_of
from support.scripted_server import ScriptedServer

READERS = [f"reader{number}@example.org" for number in range(2000)]
ENOUGH_RUNS = 5

RELEASE = """---
newsroom: um
title: Næste skridt i Nævnet
language: da
---

Mødet er på mandag, og alle er velkomne.
"""


class Office:
    """A press office in a folder, and the relay it talks to."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.relay = {"MAILER_RELAY__0__PORT": str(port)}

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """One command, as an operator or cron would start it."""
        return subprocess.Popen(
            [
                sys.executable, "-m", "mailer",
                "--config", str(self.folder / "config.toml"), *arguments, "--json",
            ],
            env={**os.environ, **self.relay},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """One command to its end: exit code and answer."""
        return ended(self.start(*arguments))

    def dispatch_until_done(self) -> int:
        """Run dispatch as cron does, until it has nothing left; how often that took."""
        for count in range(1, ENOUGH_RUNS + 1):
            code, said = self.run("dispatch")
            assert code in {0, 75}, said
            if code == 0:
                return count
        raise AssertionError(f"not done after {ENOUGH_RUNS} runs")

    def doubted(self) -> set[int]:
        """The deliveries that are on record as unknown."""
        database = sqlite3.connect(self.folder / "mailer.sqlite")
        rows = database.execute(
            "SELECT delivery_id FROM attempt WHERE result = 'unknown'"
        ).fetchall()
        database.close()
        return {number for (number,) in rows}


def ended(process: "subprocess.Popen[bytes]") -> tuple[int, dict[str, Any]]:
    """Wait for a command; its exit code, and its answer as far as it gave one."""
    out, err = process.communicate(timeout=60)
    assert process.returncode != 70, err.decode()
    return process.returncode, json.loads(out) if out else {"said": err.decode()}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An office with its readers and a release that may go."""
    folder = tmp_path_factory.mktemp("crash") / "office"
    office = Office(folder, 25)
    assert office.run(
        "init", str(folder), "--newsroom", "um", "--name", "Udenrigsministeriet",
        "--language", "da", "--relay", "smtp://127.0.0.1:25",
    )[0] == 0  # fmt: skip
    people, release = folder / "people.csv", folder / "release.md"
    people.write_text("\n".join(READERS))
    release.write_text(RELEASE)
    code, _ = office.run("subscriber", "import", str(people), "--evidence", "sign-up sheets")
    assert code == 0
    code, added = office.run("release", "add", str(release))
    assert code == 0
    assert office.run("release", "send", str(added["id"]))[0] == 0
    return folder


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A polite relay in a thread of this process, so that it outlives every dispatcher."""
    with ScriptedServer().running() as server:
        yield server


@pytest.fixture
def office(template: Path, tmp_path: Path, server: ScriptedServer) -> Office:
    """The office afresh, sending to the relay of this test."""
    folder = tmp_path / "office"
    shutil.copytree(template, folder)
    return Office(folder, server.port)


def check_everybody_has_it(office: Office, server: ScriptedServer) -> Counter[int]:
    """Every reader has the mail, and the office can prove it; how often each delivery arrived."""
    assert {message.recipient for message in server.messages} == set(READERS)
    code, proof = office.run("verify")
    assert (code, proof["ok"]) == (0, True)
    code, said = office.run("dispatch")
    assert (code, said["accepted"], said["due"]) == (0, 0, 0)
    return Counter(delivery_of(message.content) for message in server.messages)


def test_a_killed_dispatcher_loses_nobody_and_repeats_only_what_is_on_record(
    office: Office, server: ScriptedServer
) -> None:
    dispatcher = office.start("dispatch")
    server.wait_for(len(READERS) // 3)
    os.kill(dispatcher.pid, signal.SIGKILL)
    assert ended(dispatcher)[0] == -signal.SIGKILL
    assert len(server.messages) < len(READERS), "it was killed in the middle"
    office.dispatch_until_done()
    arrived = check_everybody_has_it(office, server)
    repeated = {number for number, times in arrived.items() if times > 1}
    assert repeated <= office.doubted()
    assert max(arrived.values()) <= 2
    copies: dict[int, set[bytes]] = {}
    for message in server.messages:
        copies.setdefault(delivery_of(message.content), set()).add(message.content)
    assert all(len(same) == 1 for same in copies.values()), "a copy is the same, to the byte"


def test_a_dispatcher_that_is_killed_again_and_again_comes_to_an_end(
    office: Office, server: ScriptedServer
) -> None:
    for share in (1, 2, 3):
        dispatcher = office.start("dispatch")
        server.wait_for(len(READERS) * share // 4)
        os.kill(dispatcher.pid, signal.SIGKILL)
        ended(dispatcher)
    office.dispatch_until_done()
    arrived = check_everybody_has_it(office, server)
    assert {number for number, times in arrived.items() if times > 1} <= office.doubted()


def test_a_stop_leaves_nothing_in_doubt(office: Office, server: ScriptedServer) -> None:
    dispatcher = office.start("dispatch")
    server.wait_for(len(READERS) // 3)
    dispatcher.terminate()
    code, said = ended(dispatcher)
    arrived = len(server.messages)
    assert (code, said["accepted"]) == (75, arrived)
    assert said["due"] == len(READERS) - arrived > 0
    office.dispatch_until_done()
    assert set(check_everybody_has_it(office, server).values()) == {1}
    assert office.doubted() == set()


def test_two_dispatchers_at_once_share_the_work(office: Office, server: ScriptedServer) -> None:
    both = [office.start("dispatch") for _ in range(2)]
    codes = [ended(one)[0] for one in both]
    assert set(codes) <= {0, 75}
    office.dispatch_until_done()
    assert set(check_everybody_has_it(office, server).values()) == {1}
    assert office.doubted() == set()

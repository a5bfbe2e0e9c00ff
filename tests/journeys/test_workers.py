"""Several dispatchers of one machine: started at once or by `--workers`, stopped, killed, left alone."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from support.dispatching import delivery_of, recipients
from support.press_office import PressOffice, made_once
from support.scripted_server import Gate, ScriptedServer

READERS = [f"reader{number}@example.org" for number in range(300)]
PATIENCE = 60.0
RELEASE = """---
newsroom: um
title: Næste skridt i Nævnet
language: da
---

Mødet er på mandag, og alle er velkomne.
"""


class Office(PressOffice):
    """An office whose commands end with their test at the latest."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        super().__init__(folder, environment, patience=PATIENCE)
        self._started: list[subprocess.Popen[bytes]] = []

    def command(self, *arguments: str) -> list[str]:
        """The words that start a command."""
        return [sys.executable, "-m", "mailer", "--config", str(self.config), *arguments]

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start a command, in a process group of its own as a shell does."""
        process = subprocess.Popen(
            self.command(*arguments),
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )
        self._started.append(process)
        return process

    def close(self) -> None:
        """End what a failed test has left running."""
        for process in self._started:
            with process:
                process.kill()


OfficeAt = Callable[..., Office]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An office with its readers and a release that may go."""
    return made_once(
        tmp_path_factory, "workers", lambda folder: Office(folder, {}).open(READERS, RELEASE)
    )[0]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A polite relay in a thread of this process."""
    with ScriptedServer().running() as server:
        yield server


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """The office afresh."""
    return shutil.copytree(template, tmp_path / "office")


@pytest.fixture
def office_at() -> Iterator[OfficeAt]:
    """Makes the office of a folder, sending to a server; further settings by name."""
    made: list[Office] = []

    def make(folder: Path, server: ScriptedServer, **more: str) -> Office:
        relay = {"MAILER_RELAY__0__HOST": "127.0.0.1", "MAILER_RELAY__0__PORT": str(server.port)}
        made.append(Office(folder, relay | more))
        return made[-1]

    yield make
    for office in made:
        office.close()


def children(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """The workers that a command has started."""
    found: list[psutil.Process] = psutil.Process(process.pid).children()
    return found


def the_last_of(process: "subprocess.Popen[bytes]") -> psutil.Process:
    """The worker that a gate keeps from ending, once the others have ended: one may be about to."""
    ends = time.monotonic() + PATIENCE
    while True:
        with suppress(psutil.NoSuchProcess):
            team = [one for one in children(process) if one.status() != psutil.STATUS_ZOMBIE]
            if len(team) == 1:
                return team[0]
        assert time.monotonic() < ends, "they do not end"
        time.sleep(0.05)


def wait_until_on_record(office: Office) -> None:
    """What the relay took the ledger knows: a kill leaves nothing in doubt, due again in a minute."""
    ends = time.monotonic() + PATIENCE
    while office.due():
        assert time.monotonic() < ends, "still due"
        time.sleep(0.05)


def check_everybody_has_it_once(office: Office, server: ScriptedServer) -> None:
    """Every reader has the mail once, nothing is in doubt, and the office can prove it."""
    assert recipients(server) == dict.fromkeys(READERS, 1)
    assert office.doubted() == set()
    assert office.do("verify")["ok"]


def test_two_runs_in_the_same_second_share_the_work(
    folder: Path, server: ScriptedServer, office_at: OfficeAt
) -> None:
    office = office_at(folder, server)
    both = [office.start("dispatch", "--json") for _ in range(2)]
    answers = [office.ended(one) for one in both]
    assert {code for code, _ in answers} <= {0, 75}, answers
    assert sum(said["accepted"] for _, said in answers) == len(READERS)
    check_everybody_has_it_once(office, server)


def test_workers_answer_as_one(folder: Path, server: ScriptedServer, office_at: OfficeAt) -> None:
    office = office_at(folder, server)
    process = office.start("dispatch", "--workers", "2", "--max-seconds", "50", "--json")
    out, err = process.communicate(timeout=PATIENCE)
    said = json.loads(out)
    assert (process.returncode, said["accepted"], said["due"]) == (0, len(READERS), 0)
    assert (said["published"], said["faults"]) == (1, [])
    assert b" left" not in err, "no line is drawn where nobody looks"
    check_everybody_has_it_once(office, server)
    assert office.run("dispatch", "--workers", "2") == (
        0,
        {**dict.fromkeys(said, 0), "faults": []},
    )


def test_a_worker_s_fault_is_said_once(folder: Path, office_at: OfficeAt) -> None:
    with ScriptedServer({"CONNECT": "421 4.3.2 not now"}).running() as server:
        office = office_at(folder, server)
        process = subprocess.run(
            office.command("dispatch", "--workers", "3"),
            env={**os.environ, **office.environment},
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    assert process.returncode == 69, process.stderr
    complaints = [line for line in process.stderr.splitlines() if line.startswith(b"mailer: ")]
    assert len(complaints) == len(set(complaints)) >= 1


# Ctrl-C goes to the terminal's foreground group; systemd sends SIGTERM to every process of a service.
@pytest.mark.parametrize(
    ("number", "to_all", "code"), [(signal.SIGINT, False, 130), (signal.SIGTERM, True, 75)]
)
def test_one_stop_is_one_clean_stop(
    folder: Path, office_at: OfficeAt, number: int, to_all: bool, code: int
) -> None:
    gate = Gate()
    with ScriptedServer({".": [*[None] * 50, gate]}).running() as server:
        office = office_at(folder, server)
        parent = office.start("dispatch", "--workers", "2", "--json")
        gate.wait()
        team = children(parent) if to_all else []
        os.killpg(parent.pid, number)
        for worker in team:
            with suppress(
                psutil.NoSuchProcess
            ):  # who has nothing on the wire may have ended by now
                worker.send_signal(number)
                worker.send_signal(number)
        gate.open()
        answer, said = office.ended(parent)
        assert (answer, said["accepted"]) == (code, len(server.messages))
        assert said["due"] == len(READERS) - len(server.messages)
        assert office.doubted() == set(), "what was on the wire was finished"
        assert set(recipients(server).values()) == {1}


def test_a_second_stop_breaks_off(folder: Path, office_at: OfficeAt) -> None:
    gate = Gate()
    with ScriptedServer({".": gate}).running() as server:
        office = office_at(folder, server)
        parent = office.start("dispatch", "--workers", "2", "--json")
        gate.wait()
        team = children(parent)
        parent.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            parent.wait(0.3)  # a clean stop waits for what is on the wire
        parent.terminate()
        code, said = office.ended(parent)
        assert code == 130, said
        assert psutil.wait_procs(team, timeout=PATIENCE)[1] == []
        gate.open()
        assert office.doubted() != set(), "a final dot had left"
        office.do("retry", "1")
        assert office.do("dispatch")["due"] == 0
        assert set(recipients(server)) == set(READERS)


def test_a_killed_worker_is_named_and_nobody_is_lost(folder: Path, office_at: OfficeAt) -> None:
    gate = Gate()
    with ScriptedServer({".": [*[None] * 50, gate]}).running() as server:
        office = office_at(folder, server)
        parent = office.start("dispatch", "--workers", "2", "--json")
        gate.wait()
        the_last_of(parent).kill()
        gate.open()
        code, said = office.ended(parent)
        assert "worker" in said["faults"][0]
        assert "SIGKILL" in said["faults"][0]
        assert code == (75 if said["due"] else 0)
        assert said["due"] == 0 or said["due"] <= len(READERS)
        if code:
            assert office.do("dispatch")["due"] == 0
        assert set(recipients(server)) == set(READERS)
        arrived = Counter(delivery_of(message.content) for message in server.messages)
        assert {number for number, times in arrived.items() if times > 1} <= office.doubted()
    assert office.do("verify")["ok"]


def test_workers_end_when_their_parent_is_killed(folder: Path, office_at: OfficeAt) -> None:
    gate = Gate()
    with ScriptedServer({".": [*[None] * 50, gate]}).running() as server:
        office = office_at(folder, server)
        parent = office.start("dispatch", "--watch", "--workers", "2", "--json")
        gate.wait()
        team = children(parent)
        parent.kill()
        parent.wait(PATIENCE)
        gate.open()
        assert psutil.wait_procs(team, timeout=PATIENCE)[1] == []
        assert office.doubted() == set(), "they stopped cleanly"
        arrived = len(server.messages)
        assert office.do("dispatch")["accepted"] == len(READERS) - arrived > 0
        assert recipients(server) == dict.fromkeys(READERS, 1)


def test_a_watch_replaces_its_killed_workers(
    folder: Path, server: ScriptedServer, office_at: OfficeAt
) -> None:
    office = office_at(folder, server)
    parent = office.start("dispatch", "--watch", "--workers", "2", "--json")
    server.wait_for(len(READERS), PATIENCE)
    wait_until_on_record(office)
    for worker in children(parent):
        worker.kill()
    office.do("subscriber", "add", "anna@example.org")
    arrived = len(READERS)
    while "anna@example.org" not in recipients(server):  # what was in doubt may come again before
        arrived += 1
        server.wait_for(arrived, PATIENCE)
    parent.terminate()
    code, said = office.ended(parent)
    assert (code, said["due"]) == (0, 0)
    assert {fault.partition(";")[0] for fault in said["faults"]} == {
        "worker 1 was killed by SIGKILL",
        "worker 2 was killed by SIGKILL",
    }


def test_a_watch_ends_with_a_worker_that_ends_by_itself(
    folder: Path, server: ScriptedServer, office_at: OfficeAt
) -> None:
    """As it would with one dispatcher; so a supervisor hears of it."""
    office = office_at(folder, server)
    parent = office.start("dispatch", "--watch", "--workers", "2", "--json")
    server.wait_for(len(READERS), PATIENCE)
    children(parent)[0].terminate()
    code, said = office.ended(parent)
    assert (code, said["accepted"], said["faults"]) == (0, len(READERS), [])


def test_a_worker_that_is_asked_to_stop_before_it_can_hear_it_stops(
    folder: Path, server: ScriptedServer, office_at: OfficeAt
) -> None:
    office = office_at(folder, server)
    parent = office.start("dispatch", "--watch", "--workers", "2", "--json")
    deadline = time.monotonic() + PATIENCE
    while not (begun := children(parent)) and time.monotonic() < deadline:
        time.sleep(0.001)
    begun[0].terminate()  # hardly a millisecond old: nothing of it listens
    code, said = office.ended(parent)
    assert said["faults"] == []
    assert code in {0, 75}  # whatever the other one had sent by then


def test_workers_know_how_long_they_may_watch(
    folder: Path, server: ScriptedServer, office_at: OfficeAt
) -> None:
    code, said = office_at(folder, server).run(
        "dispatch", "--watch", "--workers", "2", "--max-seconds", "0.5", "--only", "upkeep"
    )
    assert (code, said["accepted"], said["published"]) == (0, 0, 0)


@pytest.mark.postgresql
def test_what_another_process_commits_wakes_an_idle_watch(
    tmp_path: Path, postgresql_url: str, server: ScriptedServer, office_at: OfficeAt
) -> None:
    hourly = {"MAILER_DATABASE__URL": postgresql_url, "MAILER_DISPATCH__POLL_SECONDS": "3600"}
    office = office_at(tmp_path / "office", server, **hourly)
    office.open(["anna@example.org"], RELEASE)
    watch = office.start("dispatch", "--watch", "--json")
    server.wait_for(1, PATIENCE)
    for number, name in enumerate(("bent", "carl"), 2):
        office.do("subscriber", "add", f"{name}@example.org")
        assert server.wait_for(number, PATIENCE)[-1].recipient == f"{name}@example.org"
    watch.terminate()
    code, said = office.ended(watch)
    assert (code, said["accepted"], said["due"]) == (0, 3, 0)


def test_the_line_on_a_terminal(folder: Path, office_at: OfficeAt) -> None:
    """Sent with a pause in the middle, so that there is a moment to look at."""
    for workers in ("1", "2"):
        gate = Gate()
        mine = shutil.copytree(folder, folder.parent / workers)
        with ScriptedServer({".": [*[None] * 50, gate]}).running() as server:
            office = office_at(mine, server)
            seen = watched(office, gate, "dispatch", "--workers", workers)
        assert " accepted" in seen
        assert " left" in seen
        assert f"published 1, accepted {len(READERS)}; 0 still due" in seen


def watched(office: Office, gate: Gate, *words: str) -> str:
    """What a command shows on a terminal, whose reader opens the gate once something is left to show."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        office.command(*words),
        env={**os.environ, **office.environment, "TERM": "xterm", "COLUMNS": "100"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen, opened = b"", False
    while True:
        try:
            seen += os.read(ours, 4096)
        except OSError:  # Linux says EIO when the last writer has gone
            break
        if not opened and b" left" in seen:
            opened = True
            gate.open()
    os.close(ours)
    assert process.wait(PATIENCE) == 0, seen
    return seen.decode()

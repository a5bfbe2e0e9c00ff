"""Dispatchers killed, stopped, doubled, and left without disk or relay amid 2,000 readers: nobody is lost.

Nor does anybody get it twice but who is on record as unknown before the second copy, at most one for each
connection of the dispatcher that was killed.
"""

import contextlib
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.dispatching import delivery_of, recipients
from support.press_office import PressOffice, made_once
from support.scripted_server import ScriptedServer

READERS = [f"reader{number}@example.org" for number in range(2000)]
CONNECTIONS = 4
PATIENCE = 60.0

RELEASE = """---
newsroom: um
title: Næste skridt i Nævnet
language: da
---

Mødet er på mandag, og alle er velkomne.
"""

OfficeAt = Callable[..., "Office"]


class Office(PressOffice):
    """A press office whose dispatchers end with their test at the latest."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        super().__init__(folder, environment, patience=PATIENCE)
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start a command."""
        self._started.append(super().start(*arguments))
        return self._started[-1]

    def dispatching(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """A dispatcher at work."""
        return self.start("dispatch", *arguments, "--json")

    def killed(self, process: "subprocess.Popen[bytes]") -> None:
        """Kill it as hard as can be."""
        process.kill()
        code, _ = self.ended(process)
        assert code == -signal.SIGKILL, "it was killed at work"

    def unknown_since(self) -> dict[int, datetime]:
        """Since when each delivery that is on record as unknown is so."""
        database = sqlite3.connect(self.folder / "mailer.sqlite")
        query = "SELECT delivery_id, min(at) FROM attempt WHERE result = 'unknown' GROUP BY 1"
        found = database.execute(query).fetchall()
        database.close()
        return {number: datetime.fromisoformat(at).replace(tzinfo=UTC) for number, at in found}

    def stop_between_two_turns(self, process: "subprocess.Popen[bytes]") -> None:
        """Stop it where it does not hold the only writer's place in the database, which nobody could take."""
        while True:
            process.send_signal(signal.SIGSTOP)
            database = sqlite3.connect(self.folder / "mailer.sqlite", timeout=0)
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                process.send_signal(signal.SIGCONT)
            else:
                return
            finally:
                database.close()

    def close(self) -> None:
        """End what a test has left running, even if it was stopped."""
        for process in self._started:
            with process:
                process.kill()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An office with its readers and a release that may go."""
    return made_once(
        tmp_path_factory, "crash", lambda folder: Office(folder, {}).open(READERS, RELEASE)
    )[0]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A polite relay in a thread of this process, so that it outlives every dispatcher."""
    with ScriptedServer().running() as server:
        yield server


@pytest.fixture
def office_at() -> Iterator[OfficeAt]:
    """Makes an office that sends to a port; further settings by name."""
    made: list[Office] = []

    def make(folder: Path, port: int, **more: str) -> Office:
        relay = {
            "MAILER_RELAY__0__HOST": "127.0.0.1",
            "MAILER_RELAY__0__PORT": str(port),
            "MAILER_RELAY__0__CONNECTIONS": str(CONNECTIONS),
        }
        made.append(Office(folder, relay | more))
        return made[-1]

    yield make
    for office in made:
        office.close()


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """The office afresh."""
    return shutil.copytree(template, tmp_path / "office")


@pytest.fixture
def office(folder: Path, server: ScriptedServer, office_at: OfficeAt) -> Office:
    """The office afresh, sending to the relay of this test."""
    return office_at(folder, server.port)


def arrivals(*servers: ScriptedServer) -> Counter[int]:
    """How often each delivery was taken."""
    return Counter(
        delivery_of(message.content) for server in servers for message in server.messages
    )


def check_everybody_has_it(office: Office, *servers: ScriptedServer) -> set[int]:
    """Every reader has the mail, and the office can prove it; who has it twice.

    A second copy is the same to the byte, and its delivery was on record as unknown before it came.
    """
    assert set(recipients(*servers)) == set(READERS)
    assert office.do("verify")["ok"]
    said = office.do("dispatch")
    assert (said["accepted"], said["due"]) == (0, 0)
    since = office.unknown_since()
    copies: dict[int, list[tuple[float, bytes]]] = {}
    for message in (message for server in servers for message in server.messages):
        copies.setdefault(delivery_of(message.content), []).append((message.at, message.content))
    twice = {number for number, found in copies.items() if len(found) > 1}
    for number in twice:
        assert len({content for _, content in copies[number]}) == 1
        second = sorted(at for at, _ in copies[number])[1]
        assert since[number].timestamp() <= second, "it was on record first"
    return twice


@pytest.mark.parametrize("kills", [1, 3])
def test_killed_dispatchers_lose_nobody_and_repeat_no_more_than_their_connections(
    office: Office, server: ScriptedServer, kills: int
) -> None:
    moments = sorted(random.sample(range(50, len(READERS) - 200), kills))
    for moment in moments:
        dispatcher = office.dispatching()
        server.wait_for(moment, PATIENCE)
        office.killed(dispatcher)
    office.dispatch_until_done()
    twice = check_everybody_has_it(office, server)
    assert len(office.doubted()) <= CONNECTIONS * kills, f"killed at {moments}"
    assert twice <= office.doubted()
    assert max(arrivals(server).values()) <= 1 + kills


def test_where_unknown_is_held_nobody_gets_it_twice(
    folder: Path, server: ScriptedServer, office_at: OfficeAt
) -> None:
    office = office_at(folder, server.port, MAILER_NEWSROOM__UM__UNKNOWN="hold")
    for moment in (random.randrange(50, 900), random.randrange(900, 1800)):
        dispatcher = office.dispatching()
        server.wait_for(moment, PATIENCE)
        office.killed(dispatcher)
    office.dispatch_until_done()
    assert set(arrivals(server).values()) == {1}
    (account,) = office.do("verify")["releases"]
    held = account["states"].get("unknown", 0)
    assert account["states"]["accepted"] + held == len(READERS)
    assert held == len(office.doubted()) <= CONNECTIONS * 2
    assert len(READERS) - held <= len(server.messages) <= len(READERS), "nobody else is left out"


def test_a_stop_leaves_nothing_in_doubt(office: Office, server: ScriptedServer) -> None:
    dispatcher = office.dispatching()
    server.wait_for(len(READERS) // 3, PATIENCE)
    dispatcher.terminate()
    code, said = office.ended(dispatcher)
    arrived = len(server.messages)
    assert (code, said["accepted"]) == (75, arrived)
    assert said["due"] == len(READERS) - arrived > 0
    office.dispatch_until_done()
    assert check_everybody_has_it(office, server) == office.doubted() == set()


def test_two_dispatchers_at_once_share_the_work(office: Office, server: ScriptedServer) -> None:
    both = [office.dispatching() for _ in range(2)]
    codes = {office.ended(one)[0] for one in both}
    assert codes <= {0, 75}
    office.dispatch_until_done()
    assert check_everybody_has_it(office, server) == office.doubted() == set()


def test_who_sleeps_beyond_his_lease_wakes_to_find_his_work_done(
    folder: Path, server: ScriptedServer, office_at: OfficeAt
) -> None:
    """Another takes over meanwhile; what was on the sleeper's wires is on record before it is repeated."""
    office = office_at(folder, server.port, MAILER_DISPATCH__LEASE_SECONDS="1")
    sleeper = office.dispatching()
    server.wait_for(len(READERS) // 4, PATIENCE)
    office.stop_between_two_turns(sleeper)
    for _ in range(100):
        code, said = office.run("dispatch")
        office.let_time_pass()
        if code == 0 and said["due"] == 0:
            break
    assert set(recipients(server)) == set(READERS), "the other did it all"
    assert len(office.doubted()) <= CONNECTIONS
    sleeper.send_signal(signal.SIGCONT)
    code, said = office.ended(sleeper)
    assert (code, said["due"]) == (0, 0), said
    assert check_everybody_has_it(office, server) <= office.doubted()
    assert len(office.doubted()) <= CONNECTIONS


def grow_no_file(process: "subprocess.Popen[bytes]", octets: int) -> None:
    """From now on its disk is full: none of its files may become larger than that."""
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (octets, octets))


def test_a_full_disk_stops_a_dispatcher_before_anything_is_sent_unrecorded(
    folder: Path, server: ScriptedServer, office_at: OfficeAt
) -> None:
    """Database and journal are on it. Once there is room again, a run goes on where that one stopped."""
    office = office_at(folder, server.port, MAILER_DISPATCH__LEASE_SECONDS="1")
    dispatcher = office.dispatching()
    server.wait_for(len(READERS) // 4, PATIENCE)
    grow_no_file(dispatcher, 4096)
    code, said = office.ended(dispatcher)
    assert code == 69, said
    assert "disk" in said["said"]
    assert "Traceback" not in said["said"]
    assert len(server.messages) < len(READERS)
    office.dispatch_until_done()
    assert check_everybody_has_it(office, server) <= office.doubted()
    assert len(office.doubted()) <= CONNECTIONS


@pytest.mark.postgresql  # the database has a disk of its own: the journal's alone is full
def test_a_journal_without_room_is_a_clear_stop(
    tmp_path: Path, postgresql_url: str, server: ScriptedServer, office_at: OfficeAt
) -> None:
    office = office_at(tmp_path / "office", server.port, MAILER_DATABASE__URL=postgresql_url)
    office.open(READERS, RELEASE)
    dispatcher = office.dispatching()
    server.wait_for(len(READERS) // 4, PATIENCE)
    grow_no_file(dispatcher, 4096)
    code, said = office.ended(dispatcher)
    (fault,) = said["faults"]
    assert "journal" in fault
    assert "make room on its disk" in fault
    assert code == 1
    assert said["accepted"] == len(server.messages) < len(READERS), "what left is on record"
    assert said["due"] == len(READERS) - said["accepted"]
    again = office.do("dispatch")
    assert (again["accepted"], again["due"]) == (said["due"], 0)
    assert set(arrivals(server).values()) == {1}
    assert office.do("verify")["ok"]


def test_a_relay_that_dies_and_comes_back_costs_what_was_on_its_wires(
    folder: Path, office_at: OfficeAt
) -> None:
    with ScriptedServer().running() as first:
        office = office_at(folder, first.port)
        watch = office.dispatching("--watch")
        first.wait_for(len(READERS) // 3, PATIENCE)
    with ScriptedServer(port=first.port).running() as second:
        left = len(READERS) - len(first.messages) - CONNECTIONS * 2
        seen = len(second.wait_for(left, PATIENCE))
        for _ in range(60):
            if set(recipients(first, second)) == set(READERS):
                break
            office.let_time_pass()
            with contextlib.suppress(AssertionError):
                seen = len(second.wait_for(seen + 1, 1.0))
        watch.terminate()
        code, said = office.ended(watch)
        # Where the second relay is slow to come, the first is told of as away.
        away = code == 1 and all(fault.startswith("Relay ") for fault in said["faults"])
        assert away or code in {0, 75}, said
        office.dispatch_until_done()
        twice = check_everybody_has_it(office, first, second)
    assert twice <= office.doubted()
    assert len(office.doubted()) <= CONNECTIONS

"""The pages served by several processes: one port, one stop, and a death costs only those at its door."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from sqlalchemy import select
from support.press_office import PressOffice, made_once

from mailer.core.token import LinkPurpose, Tokens
from mailer.store.database import Database
from mailer.store.tables import subscription

PATIENCE = 60.0
CROWD = 8  # who click at the same time
READERS = [f"reader{number}@example.org" for number in range(200)]
KEY = "tokens-of-the-workers-0123456789abcdef"
RELEASE = """---
newsroom: um
title: Næste skridt i Nævnet
language: da
---

Mødet er på mandag, og alle er velkomne.
"""


def office(folder: Path, environment: Mapping[str, str]) -> PressOffice:
    """The office in a folder, which is made where it is new."""
    settings = {"MAILER_KEYS__TOKENS": f'["{KEY}"]', **environment}
    made = PressOffice(folder, settings, patience=PATIENCE)
    if not folder.exists():
        made.open(READERS, RELEASE)
    return made


class Site:
    """An office with its pages on a free port, served by two processes."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.office = office(folder, environment)
        self.errors = (folder / "errors").open("w+b")
        self._started: list[subprocess.Popen[bytes]] = []
        self.parent = self.start("--port", "0")
        assert self.parent.stdout is not None
        said = self.parent.stdout.readline().decode()
        found = re.fullmatch(r"Serving http://127\.0\.0\.1:(\d+)\n", said)
        assert found, said + self.told()
        self.port = int(found[1])

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """`mailer serve --workers 2`, in a process group of its own as a shell does."""
        process = subprocess.Popen(
            [sys.executable, "-m", "mailer", "--config", str(self.office.config), "serve",
             "--host", "127.0.0.1", "--workers", "2", *words],
            env={**os.environ, **self.office.environment},
            stdout=subprocess.PIPE,
            stderr=self.errors,
            process_group=0,
        )  # fmt: skip
        self._started.append(process)
        return process

    def workers(self) -> list[psutil.Process]:
        """Those that serve."""
        found: list[psutil.Process] = psutil.Process(self.parent.pid).children()
        return found

    def told(self) -> str:
        """What it said on standard error."""
        return Path(self.errors.name).read_text()

    def leave(self, number: int) -> int:
        """One click on a line of its own; the answer's status, 0 where there was none."""
        token = Tokens([KEY]).sign(LinkPurpose.LEAVE, number, datetime.now(UTC))
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            line.request("POST", f"/leave/{token}", "List-Unsubscribe=One-Click")
            return line.getresponse().status
        except OSError:
            return 0
        finally:
            line.close()

    def left(self) -> set[int]:
        """Whose subscription has ended, as the database has it."""
        url = self.office.environment.get("MAILER_DATABASE__URL")
        database = Database(url or f"sqlite:///{self.office.folder / 'mailer.sqlite'}")
        with database.read() as connection:
            found = set(
                connection.scalars(select(subscription.c.id).where(subscription.c.state == "ended"))
            )
        database.close()
        return found

    def close(self) -> None:
        """End what a failed test has left running."""
        for process in self._started:
            with process:
                process.kill()  # its workers notice
        self.errors.close()


SiteAt = Callable[..., Site]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An office with its readers."""
    return made_once(tmp_path_factory, "serving", lambda folder: str(office(folder, {}).folder))[0]


@pytest.fixture
def site_at(template: Path) -> Iterator[SiteAt]:
    """Makes a site in a folder; further settings by name."""
    made: list[Site] = []

    def make(folder: Path, **more: str) -> Site:
        if not more:
            shutil.copytree(template, folder / "office")
        made.append(Site(folder / "office", more))
        return made[-1]

    yield make
    for site in made:
        site.close()


def until(seen: Callable[[], bool]) -> None:
    """Wait for something that must come."""
    deadline = time.monotonic() + PATIENCE
    while not seen():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_workers_share_the_newcomers(tmp_path: Path, site_at: SiteAt) -> None:
    site = site_at(tmp_path)
    lines = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(60)]

    def served_by_all() -> bool:
        served = [
            [one for one in worker.net_connections("tcp") if one.status == psutil.CONN_ESTABLISHED]
            for worker in site.workers()
        ]
        return len(served) == 2 and all(served)  # by chance one has all: once in 2 to the 59th

    until(served_by_all)
    for line in lines:
        line.close()


@pytest.mark.parametrize(("number", "to_all", "code"), [("INT", False, 130), ("TERM", True, 0)])
def test_one_stop_ends_all_and_who_was_answered_has_left(
    tmp_path: Path, site_at: SiteAt, number: str, to_all: bool, code: int
) -> None:
    """Ctrl-C goes to the terminal's foreground group; systemd tells every process of a service."""
    site = site_at(tmp_path)
    team = site.workers()
    numbers = range(1, len(READERS) + 1)
    with ThreadPoolExecutor(CROWD) as crowd:
        presses = [crowd.submit(site.leave, one) for one in numbers]
        until(lambda: sum(press.done() for press in presses) >= 20)
        os.killpg(site.parent.pid, signal.Signals[f"SIG{number}"])
        for worker in team if to_all else []:
            with suppress(psutil.NoSuchProcess):  # the first signal may have ended it by now
                worker.send_signal(signal.Signals[f"SIG{number}"])
    assert site.parent.wait(PATIENCE) == code
    assert psutil.wait_procs(team, timeout=PATIENCE)[1] == []
    answered = {one for one, press in zip(numbers, presses, strict=True) if press.result()}
    assert {press.result() for press in presses} <= {0, 200}
    assert answered <= site.left()
    assert "Traceback" not in site.told()


def check_a_killed_worker_is_replaced(site: Site) -> None:
    """And newcomers are served all the while.

    Each of the crowd loses one click at most that was being served, and one more that came to the
    dying worker's door: its lines may be gone a moment before its listener is.
    """
    numbers = range(1, len(READERS) + 1)
    victim = site.workers()[0]
    with ThreadPoolExecutor(CROWD) as crowd:
        presses = [crowd.submit(site.leave, one) for one in numbers]
        until(lambda: sum(press.done() for press in presses) >= 20)
        victim.kill()
    answered = {one for one, press in zip(numbers, presses, strict=True) if press.result() == 200}
    assert answered <= site.left(), "nobody is answered before the commit"
    lost = set(numbers) - answered
    assert len(lost) <= 2 * CROWD
    until(lambda: len(site.workers()) == 2)
    assert {site.leave(one) for one in lost} <= {200}, "who asks again is served"
    assert site.left() == set(numbers)
    assert "was killed by SIGKILL; who was being served has to ask again" in site.told()
    site.parent.terminate()
    assert site.parent.wait(PATIENCE) == 0


def test_a_killed_worker_is_replaced(tmp_path: Path, site_at: SiteAt) -> None:
    check_a_killed_worker_is_replaced(site_at(tmp_path))


@pytest.mark.postgresql
def test_a_killed_worker_is_replaced_on_postgresql(
    tmp_path: Path, postgresql_url: str, site_at: SiteAt
) -> None:
    check_a_killed_worker_is_replaced(site_at(tmp_path, MAILER_DATABASE__URL=postgresql_url))


def test_workers_end_when_their_parent_is_killed(tmp_path: Path, site_at: SiteAt) -> None:
    site = site_at(tmp_path)
    team = site.workers()
    site.parent.kill()
    assert psutil.wait_procs(team, timeout=PATIENCE)[1] == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", site.port), timeout=5)


def test_a_port_that_is_taken_is_not_shared_with_a_stranger(
    tmp_path: Path, site_at: SiteAt
) -> None:
    site = site_at(tmp_path)
    other = site.start("--port", str(site.port))
    assert other.wait(PATIENCE) == 69
    assert f"cannot be served on 127.0.0.1 port {site.port}" in site.told()
    alone, said = site.office.ended(
        site.office.start("serve", "--host", "127.0.0.1", "--port", str(site.port))
    )
    assert alone == 69, said
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        assert site.start("--port", str(stranger.getsockname()[1])).wait(PATIENCE) == 69


def test_workers_that_cannot_serve_end_it_with_their_exit_code(
    tmp_path: Path, site_at: SiteAt
) -> None:
    site = site_at(tmp_path)
    site.office.environment["MAILER_DATABASE__URL"] = f"sqlite:///{tmp_path / 'empty.db'}"
    other = site.start("--port", "0")
    assert other.wait(PATIENCE) == 2
    assert "mailer db upgrade" in site.told()


@pytest.mark.parametrize("number", ["0", "65", "-1", "two"])
def test_a_number_of_workers_that_cannot_be_is_refused(tmp_path: Path, number: str) -> None:
    office = PressOffice(tmp_path / "office", {}, patience=PATIENCE)
    code, said = office.ended(office.start("serve", "--workers", number))
    assert code == 2
    assert "--workers" in said["said"]

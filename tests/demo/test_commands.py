"""Commands are real processes that never outlive who began them."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from mailer.core.errors import ServiceMissing
from mailer.demo.commands import Commands
from mailer.demo.narrator import ExpectationFailed, Narrator

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
OWNER = """
import subprocess, sys
held = subprocess.Popen([sys.executable, "-m", "mailer.demo.leash", *sys.argv[1:]],
                        stdin=subprocess.PIPE)
held.wait()
"""


@pytest.fixture
def lines() -> list[str]:
    """What was told."""
    return []


@pytest.fixture
def commands(tmp_path: Path, lines: list[str]) -> Commands:
    """A terminal whose settings file does not exist."""
    return Commands(tmp_path / "config.toml", Narrator(lines.append))


def test_shows_a_command_and_what_it_said(commands: Commands, lines: list[str]) -> None:
    said = commands.run("--version")
    assert said.startswith("mailer ")
    assert "$ mailer --version" in lines[0]
    assert said.strip() in lines[1]


def test_a_command_that_fails_ends_the_story(commands: Commands) -> None:
    with pytest.raises(ExpectationFailed, match="exit code 2") as failed:
        commands.run("status")
    assert "config.toml" in str(failed.value)


def test_nothing_of_the_callers_office_finds_its_way_in(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILER_RELAY__0__HOST", "relay.of.a.real.office.example")
    monkeypatch.setenv("MAILER_SITE__BASE_URL", "https://real.example")
    fresh = Commands(tmp_path / "config.toml", Narrator(lambda _line: None))
    fresh.run("init", str(tmp_path), "--base-url", "http://127.0.0.1:1")
    fresh.run("db", "check")
    assert "real" not in (tmp_path / "config.toml").read_text().replace("already", "")


def test_a_command_that_ends_by_itself_is_said_with_its_last_words(
    commands: Commands, tmp_path: Path
) -> None:
    log = tmp_path / "serve.log"
    with (
        pytest.raises(ServiceMissing, match=r"ended by itself \(exit code 2\)") as ended,
        commands.running("serve", log=log, ready=lambda: False),
    ):
        raise AssertionError("it must not be ready")
    assert "config.toml" in str(ended.value)


def test_a_command_on_the_leash_ends_when_its_owner_is_killed() -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, *SLEEPER],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"up\n"
        family = psutil.Process(owner.pid).children(recursive=True)
        assert len(family) == 2
        owner.kill()
    gone, alive = psutil.wait_procs(family, timeout=30)
    assert (len(gone), alive) == (2, [])


def test_a_leash_passes_the_exit_code_on() -> None:
    leash = [sys.executable, "-m", "mailer.demo.leash", sys.executable, "-c", "raise SystemExit(7)"]
    held = subprocess.Popen(leash, stdin=subprocess.PIPE)
    with held:
        assert held.wait(60) == 7

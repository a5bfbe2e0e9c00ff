"""The front door: what comes in is found or explained, and every outcome has its exit code."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from mailer import __version__
from mailer.cli.main import COMMANDS, Door, Invocation, cli
from mailer.core.errors import ConfigFault, MailerError, NotFound, ServiceMissing, TryLater

HEAVY = (
    "sqlalchemy",
    "alembic",
    "jinja2",
    "rich",
    "msgspec",
    "babel",
    "aiosmtplib",
    "email_validator",
)


def mailer(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command as its own process."""
    return subprocess.run(
        [sys.executable, "-m", "mailer", *words],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environ,
    )


class OneDoor(Door):
    """A door like ours, behind which one command does what a test says."""

    def __init__(self, act: Callable[..., object], **extra: Any) -> None:
        super().__init__("mailer", **({"callback": lambda: None} | extra))
        self.act = click.Command("act", callback=act)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Whatever is asked for, it is the one command."""
        return "act", self.act, args[1:]


def test_help_imports_nothing_but_what_it_shows() -> None:
    code = (
        "import sys\n"
        "from mailer.cli.main import cli\n"
        "try: cli(['--help'])\n"
        "except SystemExit as end: code = end.code\n"
        f"print('heavy:', code, [name for name in {HEAVY} if name in sys.modules],"
        " [name for name in sys.modules if name.startswith(('mailer.store', 'mailer.config'))])\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "heavy: 0 [] []"
    assert all(f"  {name} " in done.stdout for name in COMMANDS)


def test_the_process_tells_its_version() -> None:
    done = mailer("--version")

    assert (done.returncode, done.stdout) == (0, f"mailer {__version__}\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dispach"], "Did you mean dispatch?"),
        (["subscribers"], "Did you mean subscriber?"),
        (["xyzzy"], "mailer --help lists them"),
        (["--colour"], "No such option"),
        (["init", "a", "b"], "unexpected extra argument"),
    ],
)
def test_wrong_usage_is_explained(words: list[str], said: str) -> None:
    done = CliRunner().invoke(cli, words)

    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_a_missing_configuration_says_what_to_do(tmp_path: Path) -> None:
    missing = tmp_path / "config.toml"

    done = mailer("--config", str(missing), "db", "check")

    assert done.returncode == 2
    assert done.stderr.startswith(f"mailer: {missing}: 1 fault(s) in the settings")
    assert "mailer init" in done.stderr
    assert done.stdout == ""


def test_eight_faults_are_eight_lines_and_no_secret(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.touch(0o600)
    config.write_text(
        """
        [site]
        base_url = "press"
        [keys]
        tokens = ["hush-1"]
        returns = ["hush-2-hush-2-hush-2"]
        suppression = "hush-2-hush-2-hush-2"
        [[relay]]
        host = "mail.example.org"
        security = "none"
        [newsroom.um]
        name = "UM"
        languages = ["danish"]
        time_zone = "Copenhagen"
        [web]
        port = 80000
        colour = "red"
        """
    )

    done = CliRunner().invoke(cli, ["--config", str(config), "db", "check"])

    assert done.exit_code == 2
    assert "9 fault(s)" in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("  ")]) == 9
    assert "hush" not in done.output


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MailerError("It rains", "take an umbrella"), 2),
        (ConfigFault(["a.b: is wet; dry it"], "config.toml"), 2),
        (NotFound("There is no release 7"), 2),
        (ServiceMissing("The relay is away", "call it"), 69),
        (TryLater("Work remains"), 75),
    ],
)
def test_our_errors_bring_their_words_and_their_code(error: MailerError, code: int) -> None:
    def act() -> None:
        raise error

    done = CliRunner().invoke(OneDoor(act), ["act"])

    assert (done.exit_code, done.stdout) == (code, "")
    assert done.stderr == f"mailer: {error}\n"


def test_a_surprise_is_told_whole_and_has_its_own_code() -> None:
    done = CliRunner().invoke(OneDoor(lambda: 1 / 0), ["act"])

    assert done.exit_code == 70
    assert "Traceback" in done.stderr
    assert "mailer: ZeroDivisionError: this is a fault in mailer itself" in done.stderr


def test_an_interruption_has_its_own_code() -> None:
    def act() -> None:
        raise KeyboardInterrupt

    done = CliRunner().invoke(OneDoor(act), ["act"])

    assert done.exit_code == 130
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("outcome", "code"), [(None, 0), (7, 0), (False, 0)])
def test_what_a_command_returns_is_not_its_exit_code(outcome: object, code: int) -> None:
    assert CliRunner().invoke(OneDoor(lambda: outcome), ["act"]).exit_code == code


def test_a_check_that_finds_a_fault_ends_with_one() -> None:
    def act() -> None:
        click.get_current_context().exit(1)

    assert CliRunner().invoke(OneDoor(act), ["act"]).exit_code == 1


def test_a_reader_that_goes_away_is_no_fault() -> None:
    """A command that prints more than a pipe holds into one that nobody reads."""
    code = (
        "import click\n"
        "from mailer.cli.main import Door\n"
        "class Talk(Door):\n"
        "    def resolve_command(self, ctx, args):\n"
        "        talk = lambda: click.echo('x' * 1_000_000)\n"
        "        return 'talk', click.Command('talk', callback=talk), []\n"
        "Talk('mailer', callback=lambda: None)(['talk'])\n"
    )
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)

    assert (done.returncode, done.stderr) == (141, "")


def test_help_for_a_reader_that_goes_away_is_no_fault_either() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "mailer", "--help"],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)

    assert (done.returncode, done.stderr) == (141, "")


def test_an_invocation_carries_the_file_and_how_much_to_tell() -> None:
    seen: list[object] = []

    @click.pass_obj
    def look(invocation: Invocation) -> None:
        seen.append(invocation)

    door = OneDoor(look, callback=cli.callback, params=cli.params)
    done = CliRunner().invoke(door, ["--config", "here.toml", "-vv", "act"])

    assert done.exit_code == 0
    assert seen == [Invocation(Path("here.toml"), 2)]

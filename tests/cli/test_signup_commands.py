"""An operator decides about held confirmations, and prints the box for other sites."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import cli
from mailer.config import load
from mailer.core.address import parse_address
from mailer.core.consent import Origin
from mailer.core.limits import SignupTerms
from mailer.services import signup
from mailer.wiring import open_office


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A press office as `mailer init` makes it."""
    made = tmp_path_factory.mktemp("signups") / "office"
    words = ["--newsroom", "um", "--name", "UM", "--language", "da", "--language", "en"]
    done = CliRunner().invoke(cli, ["init", str(made), *words, "--relay", "outbox"])
    assert done.exit_code == 0, done.output
    return made


def run(folder: Path, *words: str, given: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["--config", str(folder / "config.toml"), *words], input=given)


def said(folder: Path, *words: str, code: int = 0) -> str:
    done = run(folder, *words)
    assert done.exit_code == code, done.output
    return done.output


def told(folder: Path, *words: str) -> Any:
    done = run(folder, *words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def explode(folder: Path, *addresses: str) -> None:
    """Sign up more people than a surge takes: all but the first are held."""
    with open_office(load(folder / "config.toml", {})) as office:
        limits = replace(office.limits, signups=SignupTerms(surge=1))
        tight = replace(office, limits=limits)
        for address in addresses:
            signup.subscribe(
                tight,
                newsroom=office.newsroom("um"),
                address=parse_address(address),
                language="da",
                wording="Ja tak.",
                origin=Origin(form="web:/um/subscribe", ip="192.0.2.1"),
            )


def test_what_explodes_is_seen_and_decided(folder: Path) -> None:
    assert "No confirmation is held." in said(folder, "signup", "held")
    explode(
        folder,
        *(f"reader{number}@{'bad' if number > 2 else 'good'}.example" for number in range(5)),
    )

    status = said(folder, "status")
    assert "sign-ups explode since" in status
    assert "4 confirmations are held" in status
    assert "mailer signup held" in status
    assert told(folder, "status")["signups"]["held"] == 4
    shown = said(folder, "signup", "held")
    assert "bad.example 2, good.example 2" in shown
    assert told(folder, "signup", "held")["newsrooms"] == {"um": 4}

    assert told(folder, "signup", "drop", "--domain", "BAD.example", "--yes") == {
        "released": 0,
        "dropped": 2,
    }
    assert "2 are due" in said(folder, "signup", "release")
    assert "there are none" in said(folder, "signup", "release")
    assert "explode" not in said(folder, "status")
    assert told(folder, "status")["waiting"]["notices"] == 3


def test_dropping_asks_first(folder: Path) -> None:
    done = run(folder, "signup", "drop")
    assert done.exit_code == 2
    assert "--yes" in done.output


def test_the_box_is_printed_in_a_language_of_the_newsroom(folder: Path) -> None:
    danish = said(folder, "signup", "snippet", "um")
    assert danish.startswith(
        '<form method="post" action="http://127.0.0.1:8080/um/subscribe?lang=da"'
    )
    assert "lang=en" in said(folder, "signup", "snippet", "um", "--language", "en")
    assert told(folder, "signup", "snippet", "um")["html"].rstrip("\n") == danish.rstrip("\n")
    assert "does not write in" in said(
        folder, "signup", "snippet", "um", "--language", "fi", code=2
    )
    assert "There is no newsroom" in said(folder, "signup", "snippet", "kefm", code=2)

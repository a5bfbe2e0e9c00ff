"""`mailer subscriber lift`: who said “it was not me” by mistake is let in again, and it is on record."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, text

from mailer.cli.main import cli


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """An office that one reader has told “it was not me”."""
    words = ["--newsroom", "um", "--name", "UM", "--language", "da"]
    assert CliRunner().invoke(cli, ["init", str(tmp_path / "office"), *words]).exit_code == 0
    found = tmp_path / "office" / "config.toml"
    assert run(found, "add", "anna@example.org").exit_code == 0
    sql(found, "UPDATE subscription SET state = 'ended', end_reason = 'not_me'")
    sql(found, "INSERT INTO suppression SELECT hash, 'not_me', made_at FROM subscriber")
    return found


def run(config: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["--config", str(config), "subscriber", *words])


def sql(config: Path, statement: str) -> list[tuple[object, ...]]:
    engine = create_engine(f"sqlite:///{config.parent / 'mailer.sqlite'}")
    with engine.begin() as connection:
        done = connection.execute(text(statement))
        rows = [tuple(row) for row in done] if done.returns_rows else []
    engine.dispose()
    return rows


def test_who_was_kept_out_can_be_let_in_again(config: Path) -> None:
    assert "not_me" in run(config, "add", "anna@example.org").output
    done = run(config, "lift", "Anna@Example.org", "--reason", "Asked by phone")
    assert (done.exit_code, done.output) == (0, "Anna@example.org can sign up again\n")
    assert sql(config, "SELECT act, subject FROM audit") == [("subscriber lift", "subscription:1")]
    assert run(config, "add", "anna@example.org").exit_code == 0
    again = run(config, "lift", "anna@example.org", "--reason", "Asked by phone", "--json")
    assert json.loads(again.output) == {"address": "anna@example.org", "lifted": False}


def test_a_reason_is_asked_for(config: Path) -> None:
    assert run(config, "lift", "anna@example.org").exit_code == 2
    refused = run(config, "lift", "anna@example.org", "--reason", " ")
    assert refused.exit_code == 2
    assert "needs a reason" in refused.output
    assert sql(config, "SELECT reason FROM suppression") == [("not_me",)]

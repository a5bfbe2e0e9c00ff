"""Log lines tell what happened and keep to themselves who it happened to."""

import json
import logging
from collections.abc import Iterator

import pytest

from mailer.cli import logs

log = logging.getLogger("mailer.tests")


@pytest.fixture(autouse=True)
def quiet_afterwards() -> Iterator[None]:
    """Put the process's logging back."""
    root, ours = logging.getLogger(), logging.getLogger("mailer")
    before = list(root.handlers), root.level, ours.level
    yield
    root.handlers[:], level, our_level = before
    root.setLevel(level)
    ours.setLevel(our_level)


def test_a_line_is_an_event_and_its_facts(capsys: pytest.CaptureFixture[str]) -> None:
    logs.start(level="info", form="text")

    log.info("accepted", extra={"delivery": 7, "reply": "250 queued as x"})

    (line,) = capsys.readouterr().err.splitlines()
    at, _, rest = line.partition(" ")
    assert at.endswith("+00:00")
    assert rest == 'info accepted delivery=7 reply="250 queued as x"'


def test_for_machines_a_line_is_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    logs.start(level="info", form="json")

    log.warning("deferred %s", "twice", extra={"delivery": 7, "until": None})

    found = json.loads(capsys.readouterr().err)
    assert found.pop("at").endswith("+00:00")
    assert found == {"level": "warning", "event": "deferred twice", "delivery": 7, "until": None}


@pytest.mark.parametrize("form", ["text", "json"])
def test_addresses_are_masked_and_tokens_gone(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    logs.start(level="info", form="json" if form == "json" else "text")

    log.info(
        "GET /confirm/abc.def-ghi?x=1 for <jane.doe+press@example.org>",
        extra={"to": "jane.doe@example.org", "link": "https://p.example/leave/tok-en"},
    )

    line = capsys.readouterr().err
    assert "jane" not in line
    assert "j***@example.org" in line
    assert "abc.def" not in line
    assert "tok-en" not in line
    assert "/leave/***" in line


def test_asked_twice_it_shows_addresses_but_never_tokens(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.start(level="error", form="text", verbose=2)

    log.debug("sent /leave/tok-en", extra={"to": "jane@example.org"})

    line = capsys.readouterr().err
    assert "to=jane@example.org" in line
    assert "tok-en" not in line


@pytest.mark.parametrize(
    ("level", "verbose", "told"),
    [("error", 0, 1), ("warning", 0, 2), ("info", 0, 3), ("debug", 0, 4), ("error", 1, 4)],
)
def test_the_level_decides_what_is_told(
    capsys: pytest.CaptureFixture[str], level: str, verbose: int, told: int
) -> None:
    logs.start(level=level, form="text", verbose=verbose)

    for each in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        log.log(each, "event")

    assert len(capsys.readouterr().err.splitlines()) == told


def test_what_we_use_is_heard_when_it_matters(capsys: pytest.CaptureFixture[str]) -> None:
    logs.start(level="debug", form="text")

    logging.getLogger("somebody.else").info("chatter")
    logging.getLogger("somebody.else").warning("trouble")

    assert "chatter" not in (line := capsys.readouterr().err)
    assert "warning trouble" in line


def test_started_twice_each_line_comes_once(capsys: pytest.CaptureFixture[str]) -> None:
    logs.start(level="info", form="json")
    logs.start(level="info", form="text")

    log.info("once")

    assert capsys.readouterr().err.count("once") == 1


def test_nobody_can_make_one_line_look_like_two(capsys: pytest.CaptureFixture[str]) -> None:
    logs.start(level="info", form="text")

    log.info("event\nforged", extra={"reply": "250\r\n2026-01-01 info forged"})

    assert len(capsys.readouterr().err.splitlines()) == 1


def test_an_exception_brings_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    logs.start(level="info", form="text")

    try:
        int("jane@example.org")
    except ValueError:
        log.exception("broken")

    told = capsys.readouterr().err
    assert "error broken\nTraceback" in told
    assert "jane@" not in told

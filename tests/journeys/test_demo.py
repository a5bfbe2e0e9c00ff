"""`mailer demo` as a newcomer meets it: touched only through the terminal, HTTP and the post office."""

import email
import email.policy
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from mailer.demo.visitor import Visitor

ANNA, JENS, SOFIE = "anna@avisen.example", "jens@radioen.example", "sofie@magasinet.example"
EXPELLED = "Danmark udviser 15 russiske efterretningsofficerer"
COALITION = "Næste skridt i kampen mod ISIL bliver taget i København"
FERRIES = "Ministry opens all small harbours to night ferries"


@contextmanager
def _demo(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "mailer", "demo", "--dir", str(folder), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()  # else leaving the block would wait for it, after a failure for ever


def _mails(folder: Path, mailbox: str) -> list[EmailMessage]:
    paths = sorted((folder / "post-office" / mailbox).glob("*.eml"))
    return [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.strict) for path in paths
    ]


def _assert_first_day(folder: Path) -> None:
    assert sorted(path.name for path in (folder / "post-office").iterdir()) == [ANNA, JENS, SOFIE]
    subjects = {
        box: [mail["Subject"] for mail in _mails(folder, box)] for box in (ANNA, JENS, SOFIE)
    }
    # The receipt and both releases leave in one dispatch, over several lines: in any order.
    assert set(subjects[ANNA][1:4]) == set(subjects[JENS][1:4]) > {EXPELLED, COALITION}
    assert subjects[ANNA][4:] == [FERRIES]
    assert len(subjects[JENS]) == 5
    assert "afmeldt" in subjects[JENS][4]
    assert len(subjects[SOFIE]) == 1
    codes = [subject.partition(" ") for subject in (subjects[SOFIE][0], subjects[ANNA][0])]
    assert codes[0][2] == codes[1][2]  # behind a code of each one's own
    for mailbox in (ANNA, JENS, SOFIE):
        assert {mail["To"] for mail in _mails(folder, mailbox)} == {mailbox}


def _assert_danish(folder: Path) -> None:
    mail = next(mail for mail in _mails(folder, ANNA) if mail["Subject"] == COALITION)
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        content = " ".join(part.get_content().split())
        assert COALITION in content
        assert "På mødet skal koalitionslandene drøfte den seneste udvikling" in content
        assert "Flere pressemeddelelser" not in content


@pytest.mark.timeout(400)  # two whole days, on a machine that may be busy with other tests
def test_first_day_again_and_again_and_open_doors(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with _demo(folder) as process:
        told, complained = process.communicate()
    assert (process.returncode, complained) == (0, "")
    assert "$ mailer release send 2" in told
    assert "De vil få 14 dage til at forlade" in told
    _assert_first_day(folder)
    _assert_danish(folder)

    with _demo(folder, "--stay", "--json") as process:
        assert process.stdout is not None
        day = json.loads(process.stdout.readline())
        assert day["ok"] is True
        assert day["mails"] == {ANNA: 5, JENS: 5, SOFIE: 1}
        _assert_first_day(folder)
        _assert_newcomer_is_served(day["newsroom"], day["inbox"])
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130
    assert psutil.wait_procs(children, timeout=10)[1] == []


def _assert_newcomer_is_served(newsroom: str, inbox: str) -> None:
    browser = Visitor("en")
    page = browser.submit(browser.open(newsroom).form("/subscribe"), email="newcomer@news.example")
    assert page.ok
    for _ in range(1000):  # each look takes some milliseconds; a mail leaves within a second
        with urlopen(inbox) as answer:
            overview = answer.read().decode()
        if "newcomer@news.example" in overview:
            break
    assert overview.index("newcomer@news.example") < overview.index(ANNA)
    with urlopen(f"{inbox}newcomer@news.example/1?view=text") as answer:
        assert "/confirm/" in answer.read().decode()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with _demo(tmp_path) as process:
        _, complained = process.communicate()
    assert process.returncode == 2
    assert "--dir" in complained
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_stopped_in_the_middle_it_leaves_nothing_running(tmp_path: Path) -> None:
    with _demo(tmp_path / "demo") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "The newsroom is open" in line:
                break
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.send_signal(signal.SIGTERM)
        process.communicate()
    assert process.returncode == 130
    assert psutil.wait_procs(children, timeout=10)[1] == []


def test_an_expectation_that_fails_is_named(tmp_path: Path) -> None:
    with _demo(tmp_path / "demo", "--json") as process:
        while not (tmp_path / "demo/post-office" / SOFIE / "001.eml").exists():
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.02)
        for child in psutil.Process(process.pid).children(recursive=True):
            if "serve" in child.cmdline():
                child.kill()
        said, complained = process.communicate()
    assert process.returncode == 1
    answer = json.loads(said)
    assert answer["ok"] is False
    assert "does not answer" in answer["failed"]
    assert "does not answer" in complained

"""The README's commands run as they stand there, one after the other, in an empty folder."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parent.parent.parent / "README.md"
ELSEWHERE = ("make ", "pip ", "mailer run", ".venv/bin/mailer demo")
"""What other tests run: installing, the demonstration, and what never ends by itself."""


def commands() -> list[str]:
    """Every command line of the README's console blocks."""
    blocks = re.findall(r"```console\n(.*?)```", README.read_text(), re.DOTALL)
    lines = [line.partition(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith(ELSEWHERE)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder but for the files that the README says the reader has, and `mailer` on the path."""
    found = re.search(r"```markdown\n(.*?)```", README.read_text(), re.DOTALL)
    assert found
    office = tmp_path / "press-office"
    office.mkdir()
    (office / "release.md").write_text(found[1])
    (office / "readers.csv").write_text("email\nreader@example.org\n")
    program = tmp_path / "bin" / "mailer"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mailer "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return tmp_path


def test_the_commands_run(folder: Path) -> None:
    script = "\n".join(["set -e", *commands()])
    assert script.count("mailer ") >= 8
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything adds up." in done.stdout
    preview = (folder / "press-office" / "preview.eml").read_text()
    assert "To: you@example.org" in preview


def test_the_documents_it_names_are_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text()):
        if "://" not in target:
            assert (README.parent / target).exists(), target

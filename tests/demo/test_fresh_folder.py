"""The demonstration remakes its own folder and never touches another."""

import socket
from pathlib import Path

import pytest

from mailer.core.errors import MailerError, NotAllowed, ServiceMissing
from mailer.demo.folder import MARKER, POST_OFFICE, fresh_folder
from mailer.demo.pages import free_port


def test_makes_a_folder_and_marks_it(tmp_path: Path) -> None:
    with fresh_folder(tmp_path / "new" / "demo") as folder:
        assert (folder / MARKER).is_file()


def test_takes_an_empty_folder(tmp_path: Path) -> None:
    with fresh_folder(tmp_path):
        assert (tmp_path / MARKER).is_file()


def test_removes_what_it_made_and_keeps_what_it_did_not(tmp_path: Path) -> None:
    with fresh_folder(tmp_path):
        (tmp_path / POST_OFFICE / "anna@avisen.example").mkdir(parents=True)
    (tmp_path / "notes.txt").write_text("mine")
    with fresh_folder(tmp_path):
        assert not (tmp_path / POST_OFFICE).exists()
        assert (tmp_path / "notes.txt").read_text() == "mine"


def test_removes_a_link_and_not_what_it_leads_to(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "letter").write_text("mine")
    with fresh_folder(tmp_path / "demo") as folder:
        (folder / POST_OFFICE).symlink_to(precious)
    with fresh_folder(folder):
        assert not (folder / POST_OFFICE).is_symlink()
    assert (precious / "letter").read_text() == "mine"


def test_refuses_a_folder_that_somebody_else_made(tmp_path: Path) -> None:
    (tmp_path / POST_OFFICE).mkdir()
    with pytest.raises(NotAllowed, match="--dir"), fresh_folder(tmp_path):
        raise AssertionError("it must not be entered")
    assert [path.name for path in tmp_path.iterdir()] == [POST_OFFICE]


def test_refuses_a_file(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("mine")
    with pytest.raises(MailerError, match="cannot be used"), fresh_folder(tmp_path / "demo"):
        raise AssertionError("it must not be entered")


def test_one_demonstration_at_a_time(tmp_path: Path) -> None:
    with fresh_folder(tmp_path):
        (tmp_path / POST_OFFICE).mkdir()
        with pytest.raises(NotAllowed, match="under way"), fresh_folder(tmp_path):
            raise AssertionError("it must not be entered")
        assert (tmp_path / POST_OFFICE).is_dir()
    with fresh_folder(tmp_path):
        assert not (tmp_path / POST_OFFICE).exists()


def test_a_port_that_is_taken_is_said_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServiceMissing, match=f"port {port}"):
            free_port(port)

"""What a file is called, and what of it may travel in a mail."""

import pytest

from mailer.core.files import (
    KEPT,
    attached,
    is_harmless,
    kept_file,
    kind_of,
    media_type_of,
    place_of,
)
from mailer.core.release import File


@pytest.mark.parametrize(
    ("name", "media_type", "kind"),
    [
        ("Rapport.pdf", "application/pdf", "PDF"),
        ("Rapport", "application/pdf; version=1.7", "PDF"),
        ("hus.jpg", "", "JPEG"),
        ("hus.jpeg", "image/jpeg", "JPEG"),
        ("tal.csv", "", "CSV"),
        ("tal.XYZ1", "application/octet-stream", "XYZ1"),
        ("noter.txt", "text/plain", "TXT"),
        ("uden ende", "", ""),
        ("punktum. efter", "", ""),
    ],
)
def test_a_file_is_called_by_what_it_is(name: str, media_type: str, kind: str) -> None:
    assert kind_of(File("https://a.example/f", name, media_type)) == kind


@pytest.mark.parametrize(
    ("name", "media_type", "harmless"),
    [
        ("a.pdf", "", True),
        ("a.pdf", "application/pdf", True),
        ("a", "text/csv", True),
        ("a.exe", "application/pdf", False),
        ("a.html", "", False),
        ("a.svg", "image/svg+xml", False),
        ("a.zip", "application/zip", False),
        ("a.unknown", "", False),
        ("a", "", False),
    ],
)
def test_only_what_no_program_fears_is_attached(name: str, media_type: str, harmless: bool) -> None:
    assert is_harmless(File("https://a.example/f", name, media_type)) is harmless


def test_files_are_attached_as_long_as_there_is_room() -> None:
    files = [File(f"u{size}", "a.pdf", size=size, attach=True) for size in (50, 60, 40, 20)]
    asked = [*files, File("linked", "b.pdf"), File("unknown", "c.pdf", attach=True)]
    sizes = {f"u{size}": size for size in (50, 60, 40, 20)} | {"linked": 1}
    found = attached(asked, lambda file: sizes.get(file.url), 100)
    assert [file.url for file in found] == ["u50", "u40"]
    assert attached(asked, lambda file: sizes.get(file.url), 0) == []


def test_a_file_from_a_disk_is_named_by_its_content() -> None:
    file = kept_file("Tal.csv", b"1;2")
    assert file == File(file.url, "Tal.csv", "text/csv", 3, attach=True)
    assert file.url.startswith(KEPT)
    assert file.url != kept_file("Tal.csv", b"1;3").url
    assert len(place_of(file.url)) == 16
    assert media_type_of("x/y.PDF") == "application/pdf"

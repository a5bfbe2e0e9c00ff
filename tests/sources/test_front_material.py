"""Files and pictures in front matter: an address, or all there is to say; a fault names the line."""

import pytest

from mailer.core.errors import DocumentFault
from mailer.core.release import File, Picture, ReleaseDocument
from mailer.sources.document import read_document


def read(matter: str) -> ReleaseDocument:
    text = f"---\ntitle: T\n{matter}---\nText.\n"
    return read_document(text.encode(), file="release.md")


def test_everything_it_can_say() -> None:
    document = read(
        "places: [Grønland, Nuuk]\nfiles:\n"
        "  - https://um.example/doc/Rapport%20A.pdf?v=2\n"
        "  - {url: 'https://um.example/d/7', name: Tal.csv, size: 48213, attach: true}\n"
        "  - {url: 'https://um.example/d/8', type: application/zip, attach: no}\n"
        "pictures:\n  - https://um.example/p.jpg\n"
        "  - {url: 'https://um.example/q.jpg', alt: Et hus, caption: Huset, credit: Ole}\n"
        "  - https://um.example/p.jpg\n"
    )
    assert document.places == ("Grønland", "Nuuk")
    assert document.edition.files == (
        File("https://um.example/doc/Rapport%20A.pdf?v=2", "Rapport A.pdf", "application/pdf"),
        File("https://um.example/d/7", "Tal.csv", "text/csv", 48213, attach=True),
        File("https://um.example/d/8", "8", "application/zip"),
    )
    assert document.edition.pictures == (
        Picture("https://um.example/p.jpg"),
        Picture("https://um.example/q.jpg", "Et hus", "Huset", "Ole"),
    )


@pytest.mark.parametrize(
    ("matter", "line", "words"),
    [
        ("files: https://um.example/a.pdf\n", 3, "must be a list"),
        ("files:\n  - a.pdf\n", 4, "not a whole web address"),
        ("files:\n  - javascript:alert(1)\n", 4, "not a whole web address"),
        ("files:\n  - {name: A}\n", 4, "without url"),
        ("files:\n  - {url: 'https://a.example/a', href: x}\n", 4, "not a key we know"),
        ("files:\n  - url: https://a.example/a\n    size: 4 MB\n", 5, "not a size"),
        ("files:\n  - url: https://a.example/a\n    attach: maybe\n", 5, "neither yes nor no"),
        ("files:\n  - url: https://a.example/a\n    name: 'a\u202egnp.exe'\n", 5, "holds"),
        ("pictures:\n  - {alt: A}\n", 4, "without url"),
        ("pictures:\n  - 'https://user@a.example/p'\n", 4, "user name"),
        ("places: [A, '']\n", 3, "is empty"),
    ],
)
def test_a_fault_names_its_line(matter: str, line: int, words: str) -> None:
    with pytest.raises(DocumentFault, match=words) as caught:
        read(matter)
    assert caught.value.line == line
    assert caught.value.cure

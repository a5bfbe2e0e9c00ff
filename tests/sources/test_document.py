"""Which format a document is in, and what is refused before any format is tried."""

import pytest

from mailer.core.errors import DocumentFault
from mailer.sources.document import read_document
from mailer.sources.lines import MAX_BYTES

PAGE = (
    b"Title\nLead.\nBody.\nAbout Ministry of Tides\nSubscribe to releases from Ministry of Tides\n"
)


@pytest.mark.parametrize("file", ["-", "a.txt", "a.md", "A"])
def test_the_content_decides(file: str) -> None:
    assert read_document(PAGE, file=file).issuer == "Ministry of Tides"
    assert read_document(b"# Title\n\nBody.", file=file).issuer is None
    assert read_document(b"---\ntitle: T\n---\nBody.", file=file).edition.title == "T"


def test_the_name_counts_where_the_content_says_nothing() -> None:
    with pytest.raises(DocumentFault, match="no title"):
        read_document(b"Just text.", file="a.MD")
    with pytest.raises(DocumentFault, match="neither a newsroom page nor Markdown"):
        read_document(b"Just text.", file="a.txt")


def test_a_page_with_front_matter_is_told_from_markdown() -> None:
    for start in (b"---\npublish_at: 2025-10-01T09:00Z\n---\n", b"# "):
        with pytest.raises(DocumentFault, match="furniture of a newsroom page") as caught:
            read_document(start + PAGE, file="a.txt")
        assert caught.value.line == start.count(b"\n") + 4


def test_markdown_may_speak_about_somebody_in_its_last_line() -> None:
    text = b"# Title\n\nText.\n\nAbout Ministry of Tides\n"
    assert read_document(text, file="-").edition.body[-1].text == "About Ministry of Tides"


def test_an_endless_text_is_refused_at_once() -> None:
    for lines in ("”a\n".encode() * 20_000, (b"x" * 999 + b"\n") * 600):
        with pytest.raises(DocumentFault, match="is the most"):
            read_document(b"Title\nLead.\n" + lines + PAGE, file="-")


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        (b"", 1, "empty"),
        (b"\xef\xbb\xbf \n\t\n", 1, "empty"),
        (b"Title\nM\xf8de\n", 2, "byte 0xf8 is not UTF-8"),
        (b"Title\r\rM\xf8de\n", 3, "byte 0xf8 is not UTF-8"),
        (b"Title\r\nLead\r\nM\xc3", 3, "byte 0xc3 is not UTF-8"),
        ("Titel\nMøde".encode("utf-16"), 1, "UTF-16"),
        (b"Title\nLe\x00ad\n", 2, "U+0000"),
        (b"Title\n\n\x1b[31mred\n", 3, "U+001B"),
        ("Title\nM\ufffdde\n".encode(), 2, "U+FFFD"),
        ("Title\nLead\nA\x85B".encode(), 3, "U+0085"),
        ("Title\nA\u202eB".encode(), 2, "RIGHT-TO-LEFT OVERRIDE"),
        ("Title\nA\U0001ffffB".encode(), 2, "U+1FFFF"),
        (b"%PDF-1.7\n", 1, "a PDF"),
        (b"PK\x03\x04 docx", 1, "word-processor"),
        (b"{\\rtf1 x}", 1, "RTF"),
        (b"\n<!DOCTYPE html>\n<html>", 1, "HTML"),
        (b"Title\n\na" + "\u0301\u0323".encode() * 900_000, 3, "marks on one letter"),
        (b"a\n" * 100_002, 100_001, "100,000 lines"),
        (b"x" * (MAX_BYTES + 1), 1, "5,000,001 bytes"),
    ],
)
def test_what_is_refused_whatever_the_format(content: bytes, line: int, what: str) -> None:
    with pytest.raises(DocumentFault) as caught:
        read_document(content, file="a.txt")
    assert what in caught.value.what
    assert caught.value.line == line
    assert caught.value.cure


@pytest.mark.parametrize("tag", ["", "english", "en_GB", "d", "en-", "en-GB-x"])
def test_a_language_that_is_no_tag_is_refused(tag: str) -> None:
    with pytest.raises(DocumentFault, match="language tag"):
        read_document(PAGE, file="a.txt", language=tag or "?")


@pytest.mark.parametrize(
    ("tag", "settled"),
    [("EN", "en"), ("en-gb", "en-GB"), ("ZH-hant-tw", "zh-Hant-TW"), ("es-419",) * 2],
)
def test_tags_are_written_in_one_way(tag: str, settled: str) -> None:
    assert read_document(PAGE, file="a.txt", language=tag).edition.language == settled

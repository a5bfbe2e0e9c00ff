"""Any document becomes a release or a fault that names a line of it: nothing else ever comes out."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailer.core.address import has_hidden
from mailer.core.errors import DocumentFault
from mailer.core.release import ReleaseDocument, body_from_plain, body_to_plain, fingerprint
from mailer.sources.document import read_document

PAGE_LINES = st.sampled_from(
    [
        "Titel", "Manchet.", "", " \u00a0", "Hun udtaler:", "”Ja.", "Nej.”", "”Ja.”", "x" * 1000,
        "For yderligere kontakt: a@um.dk", "For yderligere presse:", "Presserådgiver A B, tlf.: 41532639",
        "Information om Um", "Information om ", "Følg pressemeddelelser fra Um", "About X",
        "Flere pressemeddelelser fra Um", "A12.9.2025 20:49:28 CEST | Pressemeddelelse",
        "20252.9.2025 20:49 CEST | x", "Besøg vores nyhedsrum", "\u200b", "---", "# H",
    ]
)  # fmt: skip
MARKDOWN_PIECES = st.sampled_from(
    [
        "# ", "\n", "\n\n", "> ", "- ", "1. ", "    ", "```", "***", "**", "*", "_", "`", "[", "](", ")",
        "![", "<", ">", "<b>", "https://a.example/", "a", "b c", "\\", "&#0;", "&#x202e;", "&amp;", "|",
        "-|-",
        "[a]: x", "“", "”", "says:", "\u00a0", "\u200d", "å", "mailto:", "\t", "---\n", "===",
    ]
)  # fmt: skip
YAML_PIECES = st.sampled_from(
    [
        "title: ", "lead: ", "topics:", "contacts:", "publish_at: ", "time_zone: ", "\n", "\n  ", "- ", "T",
        "[", "]", "{", "}", "'", '"', "\\u202e", "\\U99999999", "|", ">", "&a ", "*a", "!!int ", "!x ", "? ",
        ": ", ", ", "#", "%", "@", "~", "2025-10-26 02:30", "Europe/Copenhagen", "CEST", "name: ", "email: ",
        "a@b.dk", "phone: ", "1", "\t", "=", "<<: ",
    ]
)  # fmt: skip


def read_or_refuse(content: bytes, file: str) -> ReleaseDocument | None:
    refused = None
    try:
        return read_document(content, file=file)
    except DocumentFault as error:
        refused = error
    unified = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert 1 <= refused.line <= unified.count(b"\n") + 1
    assert refused.cure
    return None


def check(document: ReleaseDocument | None) -> None:
    if document is None:
        return
    edition = document.edition
    assert edition.title.strip()
    assert not has_hidden(edition.title.replace("\u200c", "").replace("\u200d", ""))
    assert any(block.text.strip() for block in edition.body)
    assert body_from_plain(body_to_plain(edition.body)) == edition.body
    assert len(fingerprint(edition)) == 64
    for block in edition.body:
        assert block.kind == "rule" or block.text.strip()
        for run in block.runs:
            run.text.encode()
            assert "\0" not in run.text
            assert run.href is None or run.href.lower().startswith(("http", "mailto:", "tel:"))


@pytest.mark.parametrize("file", ["a.txt", "a.md"])
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes(file: str, content: bytes) -> None:
    check(read_or_refuse(content, file))


@given(st.lists(PAGE_LINES, max_size=14))
def test_any_page(lines: list[str]) -> None:
    furniture = [
        "Information om Udenrigsministeriet",
        "Følg pressemeddelelser fra Udenrigsministeriet",
    ]
    text = "\n".join([*lines, *furniture])
    document = read_or_refuse(text.encode(), "page.txt")
    check(document)
    if document is not None:
        words = [document.edition.title, document.edition.lead]
        words += [block.text for block in document.edition.body]
        assert not any("Følg pressemeddelelser fra" in text for text in words)


@given(st.lists(MARKDOWN_PIECES, max_size=30).map("".join))
@example("[a](https://a.example/\n'b')")
@example("- \n\n  ***\n")
def test_any_markdown(body: str) -> None:
    check(read_or_refuse(f"---\ntitle: T\n---\n{body}".encode(), "a.md"))
    check(read_or_refuse(f"# {body}".encode(), "a.md"))


@given(st.lists(YAML_PIECES, max_size=20).map("".join))
def test_any_front_matter(matter: str) -> None:
    check(read_or_refuse(f"---\n{matter}\n---\nText.".encode(), "a.md"))


WORDS = st.text("abcæøåé .,", min_size=1, max_size=30).filter(lambda text: text.strip(" .,"))


@given(st.lists(WORDS, min_size=3, max_size=10))
def test_no_word_of_a_page_is_lost(paragraphs: list[str]) -> None:
    furniture = ["Information om Um", "Følg pressemeddelelser fra Um"]
    edition = read_document("\n".join([*paragraphs, *furniture]).encode(), file="p").edition
    found = [edition.title, edition.lead, *(block.text for block in edition.body)]
    assert " ".join(" ".join(found).split()) == " ".join(" ".join(paragraphs).split())


@given(st.lists(st.text("abcæøåé", min_size=1, max_size=30), min_size=1, max_size=10))
def test_no_word_of_markdown_is_lost(paragraphs: list[str]) -> None:
    text = "---\ntitle: T\n---\n" + "\n\n".join(paragraphs)
    edition = read_document(text.encode(), file="a.md").edition
    assert [block.text for block in edition.body] == paragraphs

"""Newsroom pages: every word of the release, nothing of the furniture, or a fault with its line."""

from pathlib import Path

import pytest

from mailer.core.errors import DocumentFault
from mailer.core.release import Contact, Edition, ReleaseDocument, fingerprint
from mailer.resources import __file__ as resources_file
from mailer.sources.document import read_document

FURNITURE = """\
Information om Udenrigsministeriet
Følg pressemeddelelser fra Udenrigsministeriet
Skriv dig op her, og modtag pressemeddelelser på e-mail.
Flere pressemeddelelser fra Udenrigsministeriet
Møde i Nævnet17.9.2025 11:47:14 CEST | Pressemeddelelse
Nævnet holder møde.
I vores nyhedsrum kan du læse alle vores pressemeddelelser.
Besøg vores nyhedsrum"""


def read(text: str | bytes, language: str | None = None) -> ReleaseDocument:
    content = text.encode() if isinstance(text, str) else text
    return read_document(content, file="page.txt", language=language, default_language="da")


def page(*lines: str) -> str:
    return "\n".join((*lines, FURNITURE))


def kinds(edition: Edition) -> list[str]:
    return [block.kind for block in edition.body]


def words(edition: Edition) -> str:
    parts = [edition.title, edition.lead, *(block.text for block in edition.body)]
    return "\n".join([*parts, *(contact.text for contact in edition.contacts)])


def test_nothing_of_the_release_is_lost_and_nothing_of_the_furniture_enters(
    page_file: Path,
) -> None:
    lines = page_file.read_text(encoding="utf-8").split("\n")
    start = lines.index("Information om Udenrigsministeriet")
    document = read(page_file.read_bytes())
    assert words(document.edition).split("\n") == lines[:start]
    for line in lines[start:]:
        assert line not in words(document.edition)
    assert document.issuer == "Udenrigsministeriet"
    assert document.edition.language == "da"
    assert len(document.related) == 5


def test_page_000(page_000: bytes) -> None:
    edition = read(page_000).edition
    assert edition.title == "Danmark udviser 15 russiske efterretningsofficerer"
    assert edition.lead.startswith("De identificerede personer har arbejdet")
    assert kinds(edition) == [
        "paragraph",
        "paragraph",
        "attribution",
        "quote",
        "quote",
        "paragraph",
    ]
    assert edition.body[2].text.startswith("Udenrigsminister Jeppe Kofod har til formiddag")
    assert edition.body[2].text.endswith("efterretningsofficerer. Han udtaler:")
    assert edition.body[3].text.startswith("”Det europæiske sikkerhedsbillede")
    assert edition.body[4].text.endswith("angreb mod Ukraine.”")
    assert edition.contacts == (
        Contact("For yderligere kontakt: pressevagten@um.dk", email="pressevagten@um.dk"),
    )


def test_page_004(page_004: bytes) -> None:
    document = read(page_004)
    edition = document.edition
    assert edition.title == "Næste skridt i kampen mod ISIL bliver taget i København"
    assert kinds(edition) == [
        "attribution", "quote", "paragraph", "attribution", "quote", "paragraph", "paragraph"
    ]  # fmt: skip
    assert edition.body[0].text == edition.body[3].text == "Udenrigsminister Jeppe Kofod udtaler:"
    assert edition.contacts == (
        Contact("For yderligere presse:"),
        Contact(
            "Presserådgiver Kristian Frey Jensen, tlf.: 41532639",
            name="Kristian Frey Jensen",
            role="Presserådgiver",
            phone="41532639",
        ),
    )
    assert document.related[4].title == "Joint Actions to Further Counter the Shadow Fleet"
    assert document.related[4].kind == "Pressemeddelelse"
    assert len(document.related[4].lead) == 1000
    assert [warning.partition(":")[0] for warning in document.warnings] == ["line 25"]


def test_the_list_is_cut_where_a_reader_would_cut_it(page_000: bytes) -> None:
    related = read(page_000).related
    assert [entry.stamp for entry in related] == [
        "17.9.2025 11:47:14 CEST",
        "16.9.2025 12:00:00 CEST",
        "12.9.2025 20:49:28 CEST",
        "12.9.2025 13:49:33 CEST",
        "8.9.2025 13:25:12 CEST",
    ]
    assert related[2].title == "Udenrigsministeren har i dag besøgt Ukraine"
    assert related[4].title.endswith("forud, var 8,1 pct.")
    assert all(entry.lead for entry in related)


def test_no_date_and_no_kind_is_borrowed(page_file: Path) -> None:
    document = read(page_file.read_bytes())
    assert document.publish_at is None
    assert document.kind == ""
    assert document.identity is None
    assert document.canonical_url is None


def test_spelling_of_the_file_does_not_matter(page_file: Path) -> None:
    plain = page_file.read_bytes()
    expected = read(plain)
    spaced = plain.replace(b"\n", b" \xc2\xa0\n\n\t\n")
    for other in (
        b"\xef\xbb\xbf" + plain,
        plain + b"\n",
        plain.replace(b"\n", b"\r\n"),
        plain.replace(b"\n", b"\r"),
        plain.replace(b"For yderligere", "For\u00a0yderligere".encode()),
    ):
        assert fingerprint(read(other).edition) == fingerprint(expected.edition)
    assert read(spaced).edition == expected.edition
    assert read(spaced).related == expected.related


def test_furniture_that_changes_daily_leaves_the_edition_alone(page_000: bytes) -> None:
    start = page_000.index(b"Flere pressemeddelelser")
    assert read(page_000[:start]).edition == read(page_000).edition


def test_the_shipped_examples_are_these_pages(page_file: Path) -> None:
    shipped = Path(resources_file).parent / "demo" / "examples" / page_file.name
    assert shipped.read_bytes() == page_file.read_bytes()


def test_language_is_the_page_s_unless_somebody_says_otherwise(page_000: bytes) -> None:
    assert read_document(page_000, file="p", default_language="en").edition.language == "da"
    assert read(page_000, language="DE-at").edition.language == "de-AT"


def test_an_english_text_on_a_danish_page_is_noticed() -> None:
    text = page("Joint statement", "We have met.", "The ministers and the heads of the offices "
                "of the states have met to talk with the press of the city.")  # fmt: skip
    assert any("reads as “en”" in warning for warning in read(text).warnings)
    assert not any("reads as" in warning for warning in read(text, language="en").warnings)


def test_an_english_page() -> None:
    document = read(
        "Ports open early\nNine ports open at five.\n"
        "About 30 ships wait outside. It is the first time.\n"
        "For further information: press@tides.example\n"
        "About Ministry of Tides\nSubscribe to releases from Ministry of Tides\n"
        "More releases from Ministry of Tides\nOld news4.7.2025 13:00:00 CEST | Press release\n"
        "Visit our newsroom\n"
    )
    assert document.edition.language == "en"
    assert document.issuer == "Ministry of Tides"
    assert [block.text for block in document.edition.body] == [
        "About 30 ships wait outside. It is the first time."
    ]
    assert document.edition.contacts[0].email == "press@tides.example"
    assert document.related[0].kind == "Press release"


def test_a_body_may_speak_of_information() -> None:
    document = read(page("Titel", "Manchet.", "Information om rejser findes på um.dk.", "Slut."))
    assert [block.text for block in document.edition.body] == [
        "Information om rejser findes på um.dk.", "Slut."
    ]  # fmt: skip
    assert document.issuer == "Udenrigsministeriet"


def test_a_page_cut_off_after_the_issuer_counts() -> None:
    document = read("Titel\nManchet.\nBrødtekst.\nInformation om Udenrigsministeriet\n")
    assert document.issuer == "Udenrigsministeriet"
    assert words(document.edition) == "Titel\nManchet.\nBrødtekst."


def test_one_paragraph_is_the_body() -> None:
    document = read(page("Møde i Nævnet", "Nævnet holder møde torsdag kl. 09.00"))
    assert document.edition.lead == ""
    assert [block.text for block in document.edition.body] == [
        "Nævnet holder møde torsdag kl. 09.00"
    ]
    assert "without a lead" in document.warnings[0]


class TestContacts:
    def test_a_paragraph_that_begins_alike_is_body(self) -> None:
        long = "For yderligere information om topmødet: " + "ord " * 100
        document = read(
            page("Titel", "Manchet.", long, "For yderligere at styrke indsatsen: mere.", "Slut.")
        )
        assert len(document.edition.body) == 3
        assert document.edition.contacts == ()

    def test_short_body_before_the_contact_stays_body(self) -> None:
        document = read(
            page("Titel", "Manchet.", "For yderligere detaljer: se um.dk.", "Et afsnit mere.",
                 "For yderligere kontakt:", "Pressevagten, tlf. 61 97 79 00")
        )  # fmt: skip
        assert len(document.edition.body) == 2
        assert [contact.phone for contact in document.edition.contacts] == ["", "61 97 79 00"]

    def test_two_contact_sections_are_both_contacts(self) -> None:
        document = read(
            page("Titel", "Manchet.", "Tekst.", "For yderligere oplysninger:", "A B, tlf 12345678",
                 "For yderligere presse:", "C D, tlf 87654321")
        )  # fmt: skip
        assert len(document.edition.contacts) == 4

    def test_a_phrase_without_any_way_to_reach_somebody_is_body(self) -> None:
        document = read(page("Titel", "Manchet.", "For yderligere drøftelser mødes parterne igen."))
        assert document.edition.contacts == ()


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (FURNITURE, 1, "no title"),
        (page("Kun en titel"), 1, "no text"),
        (page("", "Kun en titel", "For yderligere kontakt: a@um.dk"), 2, "no text"),
        (page("Titel", "", "x" * 1000, "Brødtekst."), 3, "cut off"),
        (page("Titel", "x" * 1000), 2, "cut off"),
        (page("Ukraine12.9.2025 20:49:28 CEST | Pressemeddelelse", "Tekst."), 1, "not a title"),
        (page("T\u202eitel", "Manchet.", "Tekst."), 1, "U+202E"),
        (page("T\u2066itel", "Manchet.", "Tekst."), 1, "U+2066"),
        (page("Titel", "Manchet.", "Besøg vores nyhedsrum", "Tekst."), 3, "furniture"),
        (page("Titel", "A.", "B.", "Andet8.9.2025 13:25:12 CEST | Pressemeddelelse"), 4, "furniture"),
        (page("T", "12.9.2025 20:49:28 CEST | Um | Pressemeddelelse", "A.", "B."), 2, "furniture"),
        (page("x" * 501, "Manchet.", "Tekst."), 1, "501 characters"),
        ("Titel\nManchet.\nTekst.\nFølg pressemeddelelser fra Udenrigsministeriet", 4,
         "no line before it"),
        ("En titel\nManchet.\nTekst.\n", 1, "neither"),
        ("Titel\nTekst.\nInformation om rejser findes på um.dk.", 1, "neither"),
    ],
)  # fmt: skip
def test_faults_name_line_and_cure(text: str, line: int, what: str) -> None:
    with pytest.raises(DocumentFault, match=what.replace("+", r"\+")) as caught:
        read(text)
    assert caught.value.line == line
    assert caught.value.file == "page.txt"
    assert caught.value.cure


@pytest.mark.parametrize("length", [999, 1001])
def test_a_lead_of_another_length_is_whole(length: int) -> None:
    assert len(read(page("Titel", "x" * length, "Tekst.")).edition.lead) == length


def test_unseen_characters_are_dropped_and_spelling_is_kept() -> None:
    edition = read(
        page("\ufeffTi\u00adtel\u200b", "Man\u2060chet.", "Ko\u00adben\u200bhavn la\u030a",
             "می\u200cخواهم (\u200fعربي\u200f)")
    ).edition  # fmt: skip
    assert edition.title == "Titel"
    assert edition.lead == "Manchet."
    assert edition.body[0].text == "Kobenhavn l\u00e5"
    assert edition.body[1].text == "می\u200cخواهم (\u200fعربي\u200f)"


def test_a_placeholder_is_text() -> None:
    assert read(page("Titel", "Hej {{ navn }}", "{% if %}")).edition.body[0].text == "{% if %}"

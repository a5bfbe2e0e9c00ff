"""Markdown releases: strict front matter, CommonMark without loss, and the right line in every fault."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailer.core.errors import DocumentFault
from mailer.core.release import Block, Contact, ReleaseDocument, Run
from mailer.resources import __file__ as resources_file
from mailer.sources.document import read_document


def read(text: str, language: str | None = None) -> ReleaseDocument:
    return read_document(text.encode(), file="release.md", language=language)


def body(markdown: str) -> tuple[Block, ...]:
    return read(f"---\ntitle: T\n---\n{markdown}").edition.body


def said(markdown: str) -> list[tuple[str, int, str]]:
    return [(block.kind, block.level or block.ordinal, block.text) for block in body(markdown)]


def fault(text: str) -> DocumentFault:
    with pytest.raises(DocumentFault) as caught:
        read(text)
    assert caught.value.cure
    assert str(caught.value).startswith(f"release.md:{caught.value.line}: ")
    return caught.value


class TestFrontMatter:
    def test_everything_it_can_say(self) -> None:
        document = read(
            "---\ntitle: 'Ports: open early'\nlead: >\n  Nine ports\n  open at five.\n"
            "language: en-gb\nkind: Press release\nissuer: Ministry of Tides\nnewsroom: tides\n"
            "id: tides-17\ntopics:\n  - ports\n  - night\n  - ports\n"
            "publish_at: 2025-10-01T09:00:00+02:00\n"
            "canonical_url: https://tides.example/n/1?a=b\ncontacts:\n"
            "  - Head of Press Ada Lund, +45 33 92 00 00\n"
            "  - {name: Bo Å, role: Duty officer, phone: 0045112233, email: bo@tides.example}\n"
            "---\nText.\n"
        )
        assert document.edition.title == "Ports: open early"
        assert document.edition.lead == "Nine ports open at five."
        assert document.edition.language == "en-GB"
        assert document.kind == "Press release"
        assert document.issuer == "Ministry of Tides"
        assert document.newsroom == "tides"
        assert document.identity == "tides-17"
        assert document.topics == ("ports", "night")
        assert document.publish_at == datetime(2025, 10, 1, 7, tzinfo=UTC)
        assert document.canonical_url == "https://tides.example/n/1?a=b"
        assert document.edition.contacts == (
            Contact("Head of Press Ada Lund, +45 33 92 00 00", "Ada Lund", "Head of Press",
                    "+45 33 92 00 00"),
            Contact("Bo Å, Duty officer, 0045112233, bo@tides.example", "Bo Å", "Duty officer",
                    "0045112233", "bo@tides.example"),
        )  # fmt: skip
        assert document.related == ()
        assert document.warnings == ()

    def test_values_are_the_text_that_stands_there(self) -> None:
        document = read("---\ntitle: 2025\nlanguage: no\nkind: on\nid: 007\n---\nTekst.\n")
        assert document.edition.title == "2025"
        assert document.edition.language == "no"
        assert (document.kind, document.identity) == ("on", "007")

    @pytest.mark.parametrize(
        "lines",
        [
            "publish_at: 2025-10-01 09:00\ntime_zone: Europe/Copenhagen",
            "time_zone: Europe/Copenhagen\npublish_at: '2025-10-01T09:00'",
            "publish_at: 1.10.2025 09:00:00 CEST",
            "publish_at: 2025-10-01T07:00Z\ntime_zone: Europe/Copenhagen",
        ],
    )
    def test_publish_at(self, lines: str) -> None:
        document = read(f"---\ntitle: T\n{lines}\n---\nText.")
        assert document.publish_at == datetime(2025, 10, 1, 7, tzinfo=UTC)
        assert document.embargo_until is None
        held = read(f"---\ntitle: T\n{lines.replace('publish_at', 'embargo_until')}\n---\nText.")
        assert (held.embargo_until, held.publish_at) == (document.publish_at, None)

    def test_the_canonical_url_is_the_name_where_there_is_no_id(self) -> None:
        assert read("---\ntitle: T\ncanonical_url: https://a.example/1\n---\nx").identity == (
            "https://a.example/1"
        )
        assert read("# T\n\nx").identity is None

    def test_language_argument_then_front_matter_then_default(self) -> None:
        text = b"---\ntitle: T\nlanguage: da\n---\nx"
        assert read_document(text, file="f", language="sv").edition.language == "sv"
        assert read_document(text, file="f", default_language="de").edition.language == "da"
        assert read_document(b"# T\n\nx", file="f", default_language="de").edition.language == "de"

    @pytest.mark.parametrize(
        ("matter", "line", "what"),
        [
            ("title: T\ntitel: T", 3, "did you mean `title`"),
            ("title: T\npublish-at: x", 3, "did you mean `publish_at`"),
            ("title: T\nTitle: U", 3, "did you mean `title`"),
            ("title: T\nzzz: U", 3, "the keys are title, lead"),
            ("title: T\nlead: a\ntitle: U", 4, "second time, after line 2"),
            ("title: T\n<<: {kind: x}", 3, "`<<` is not a key"),
            ("title: T\n? [a, b]\n: c", 3, "not a key"),
            ("lead: x\ntitle:", 3, "`title` has no value"),
            ("title: T\npublish_at:", 3, "`publish_at` has no value"),
            ("title: T\ntopics:", 3, "`topics` has no value"),
            ("title: ''", 2, "`title` is empty"),
            ("title: T\nlead: ''", 3, "`lead` is empty"),
            ("title: [a]", 2, "must be a text"),
            ("title: !!binary aGk=", 2, "must be a text"),
            ("title: !!python/object:os.system x", 2, "must be a text"),
            ("title: T\ntopics: ports", 3, "must be a list"),
            ("title: T\ntopics:\n  - a\n  - [b]", 5, "must be a text"),
            ("title: T\nlanguage: en_GB", 3, "write a tag such as en-GB"),
            ("title: T\nlanguage: english", 3, "not a language tag"),
            ("title: T\nnewsroom: The Tides", 3, "not the key of a newsroom"),
            ("title: T\npublish_at: 2025-10-01", 3, "a day without a time"),
            ("title: T\npublish_at: 2025-10-01 09:00", 3, "time_zone: Europe/Copenhagen"),
            ("title: T\npublish_at: soon", 3, "not a date and time"),
            ("title: T\nembargo_until: 2025-10-01 09:00", 3, "time_zone: Europe/Copenhagen"),
            ("title: T\nembargo_until: soon", 3, "not a date and time"),
            ("title: T\nembargo_until:", 3, "`embargo_until` has no value"),
            ("title: T\ntime_zone: Europe/Copenhagen\npublish_at: 2025-10-26 02:30", 4, "comes twice"),
            ("title: T\ntime_zone: Europe/Copenhagen\npublish_at: 2025-03-30 02:30", 4,
             "does not exist"),
            ("title: T\ntime_zone: Mars/Olympus", 3, "not a time zone"),
            ("title: T\ntime_zone: ../../etc/passwd", 3, "not a time zone"),
            ("title: T\ntime_zone: Europe", 3, "not a time zone"),
            ("title: T\ncanonical_url: /news/1", 3, "not a whole web address"),
            ("title: T\ncanonical_url: javascript:alert(1)", 3, "not a whole web address"),
            ("title: T\ncanonical_url: https://um.dk@evil.example/", 3, "user name"),
            ("title: T\ncanonical_url: https://a.example/%0d%0aBcc", 3, "cannot have"),
            ("title: T\ncanonical_url: https://a.example/å", 3, "encoded"),
            ("title: T\ncanonical_url: https://[::1", 3, "not an address"),
            ("title: T\ncontacts: me", 3, "must be a list"),
            ("title: T\ncontacts:\n  - name: A\n    fone: 1", 5, "did you mean `phone`"),
            ("title: T\ncontacts:\n  - name: A\n    email: a@", 5, "not an e-mail address"),
            ("title: T\ncontacts:\n  - name: A\n    phone: none", 5, "no digit"),
            ("title: T\ncontacts:\n  - role: A", 4, "without name"),
            ("title: T\ncontacts:\n  - a\n  -\n", 5, "no value"),
            ("title: T\ncontacts:\n  - " + "x" * 301, 4, "300 is the most"),
            ("title: T\nlead: a: b", 3, "not YAML"),
            ("title: T\nlead: 'a", 3, "not YAML"),
            ("title: T\nlead: [a", 3, "not YAML"),
            ("title: T\n\tlead: a", 3, "not YAML"),
            ("title: T\nlead: *nobody", 3, "not YAML"),
            ("title: T\nkind: @a", 3, "not YAML"),
            ("- title\n- lead", 2, "`key: value`"),
            ("just words", 2, "`key: value`"),
            ('title: T\nkind: "a\\u202eb"', 3, "U+202E"),
            ('title: T\nlead: "a\\u202eb"', 3, "U+202E"),
            ('title: T\nkind: "a\\0b"', 3, "U+0000"),
            ('title: T\nkind: "a\\ud800b"', 3, "U+D800"),
            ("title: " + "[" * 600, 2, "nested too deep"),
            ("title: T\n# " + "x" * 64_001, 2, "64,000 is the most"),
        ],
    )  # fmt: skip
    def test_faults(self, matter: str, line: int, what: str) -> None:
        found = fault(f"---\n{matter}\n---\nText.\n")
        assert what in str(found)
        assert found.line == line

    def test_blank_lines_and_marks_before_it_move_the_lines(self) -> None:
        assert fault("\ufeff\r\n\r\n---\r\ntitle: T\r\ntitel: U\r\n---\r\nText.").line == 5

    def test_separators_that_only_yaml_takes_for_line_ends_do_not(self) -> None:
        assert fault("---\ntitle: T\u2028U\nlead: a\u2029b\ntitel: U\n---\nText.").line == 4

    def test_line_breaks_never_enter_a_title(self) -> None:
        assert read('---\ntitle: "A\\r\\nBcc: x@y.z"\n---\nText.').edition.title == "A Bcc: x@y.z"

    def test_it_must_end(self) -> None:
        found = fault("---\ntitle: T\n\nText.\n")
        assert (found.line, "never ends" in found.what) == (1, True)

    def test_dots_may_end_it(self) -> None:
        assert read("---\ntitle: T\n...\nText.").edition.title == "T"


class TestTitle:
    def test_a_first_heading_is_the_title(self) -> None:
        edition = read("# Ports *open* early\n\nText.\n").edition
        assert edition.title == "Ports open early"
        assert [block.text for block in edition.body] == ["Text."]

    def test_an_underlined_heading_too(self) -> None:
        assert read("---\nkind: x\n---\nPorts\n=====\n\nText.").edition.title == "Ports"

    def test_a_heading_that_repeats_the_title_does_not_come_twice(self) -> None:
        edition = read("---\ntitle: Ports open\n---\n# Ports  open\n\nText.").edition
        assert [block.text for block in edition.body] == ["Text."]

    def test_another_heading_stays(self) -> None:
        edition = read("---\ntitle: Ports open\n---\n# Why\n\nText.").edition
        assert [(block.kind, block.level) for block in edition.body] == [
            ("heading", 2), ("paragraph", 0)
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("text", "line", "what"),
        [
            ("---\nkind: x\n---\nText.", 1, "no title"),
            ("---\n---\n\nText.\n\n# Late\n", 1, "no title"),
            ("---\nkind: x\n---\n\n# \n\nText.", 1, "no title"),
            ("# T\n", 1, "no text"),
            ("---\ntitle: T\n---\n", 4, "no text"),
            ("---\ntitle: T\n---\n\n***\n", 4, "no text"),
            ("\n# A&#x202e;B\n\nText.", 2, "U+202E"),
            ("\n# A&#x200f;B\n\nText.", 2, "U+200F"),
        ],
    )
    def test_faults(self, text: str, line: int, what: str) -> None:
        found = fault(text)
        assert what in found.what
        assert found.line == line


class TestBody:
    def test_styles_and_links(self) -> None:
        assert body("A *b* **c** ***d*** `e` [f *g*](https://a.example/?x=1&y=2) <mailto:h@b.dk>.") == (
            Block("paragraph", (
                Run("A "), Run("b", italic=True), Run(" "), Run("c", bold=True), Run(" "),
                Run("d", bold=True, italic=True), Run(" e "),
                Run("f ", href="https://a.example/?x=1&y=2"),
                Run("g", italic=True, href="https://a.example/?x=1&y=2"), Run(" "),
                Run("mailto:h@b.dk", href="mailto:h@b.dk"), Run("."),
            )),
        )  # fmt: skip

    @pytest.mark.parametrize(
        "href",
        ["https://um.dk/", "http://um.dk/a?b#c", "mailto:a@um.dk", "mailto:a@um.dk?subject=Hej%20du",
         "tel:+4533920000", "tel:+45-33-92-00-00", "https://xn--mde-0na.dk/", "https://a.dk/%E6"],
    )  # fmt: skip
    def test_links_that_may_be_mailed(self, href: str) -> None:
        assert body(f"[x]({href})")[0].runs[0].href == href

    def test_letters_in_addresses_are_encoded(self) -> None:
        assert body("[x](https://møde.dk/å)")[0].runs[0].href == "https://xn--mde-0na.dk/%C3%A5"

    @pytest.mark.parametrize(
        "href",
        ["/a", "a", "#a", "?a", "//um.dk/a", "javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x",
         "file:///etc/passwd", "ftp://um.dk/", "https:um.dk", "https://", "https://a@um.dk/",
         "https://um.dk:x/", "mailto:", "mailto:a", "mailto:a@um.dk%0d%0aBcc:b@um.dk", "tel:", "tel:abc",
         "https://um.dk/%E2%80%AE", "https://[::1/", "vbscript:x", "", "sms:+45"],
    )  # fmt: skip
    def test_links_that_may_not(self, href: str) -> None:
        found = fault(f"# T\n\nText and\nmore [x](<{href}>) text.\n")
        assert found.line == 4
        assert "the link to" in found.what

    def test_lists(self) -> None:
        assert said("- a\n- b\n  - c\n    1. d\n    2. e\n- f\n\n7. g\n7. h\n") == [
            ("bullet", 0, "a"), ("bullet", 0, "b"), ("bullet", 1, "c"),
            ("number", 2, "d"), ("number", 2, "e"), ("bullet", 0, "f"),
            ("number", 7, "g"), ("number", 8, "h"),
        ]  # fmt: skip
        assert [block.ordinal for block in body("0. a\n1. b")] == [0, 1]

    def test_an_item_keeps_its_paragraphs(self) -> None:
        assert said("- a\n\n  b\n\n  - c\n\n  d\n- e") == [
            ("bullet", 0, "a\n\nb"), ("bullet", 1, "c"), ("paragraph", 0, "d"), ("bullet", 0, "e")
        ]  # fmt: skip

    def test_an_item_without_words_is_none(self) -> None:
        assert said("- a\n-\n- b") == [("bullet", 0, "a"), ("bullet", 0, "b")]

    def test_quotes_and_their_speakers(self) -> None:
        assert said("She says:\n\n> One\n> more.\n>\n> Two.\n\nEnd.") == [
            ("attribution", 0, "She says:"), ("quote", 0, "One more."), ("quote", 0, "Two."),
            ("paragraph", 0, "End."),
        ]  # fmt: skip
        assert [kind for kind, _, _ in said("She says:\n\n“One.\n\nTwo.”\n\nEnd.")] == [
            "attribution", "quote", "quote", "paragraph"
        ]  # fmt: skip

    def test_line_breaks(self) -> None:
        assert said("a  \nb\\\nc\nd")[0][2] == "a\nb\nc d"

    def test_code_and_rules(self) -> None:
        assert said("```py\na  <b>\n\n  c\n```\n\n***\n\n    d\n") == [
            ("preformatted", 0, "a  <b>\n\n  c"), ("rule", 0, ""), ("preformatted", 0, "d")
        ]  # fmt: skip

    def test_headings(self) -> None:
        assert [level for _, level, _ in said("# a\n## b\n### c\n#### d\n##### e\n\nf")] == [
            2, 2, 3, 4, 4, 0
        ]  # fmt: skip

    def test_signs_are_text(self) -> None:
        text = "{{ name }} {% if x %} a < b & c > d \\<b> &amp; ~~no~~ www.um.dk"
        assert said(text)[0][2] == ("{{ name }} {% if x %} a < b & c > d <b> & ~~no~~ www.um.dk")

    def test_blanks(self) -> None:
        assert said("  a&#10;&#9;b   c\u00a0d *e *\n&nbsp;")[0][2] == "a b c\u00a0d *e *"

    def test_unseen_characters_are_dropped(self) -> None:
        assert said("Ko\u00adben&shy;havn&#x200b;")[0][2] == "Kobenhavn"

    @pytest.mark.parametrize(
        ("markdown", "line", "what"),
        [
            ("a\n\nb <b>c</b>", 3, "HTML"),
            ("a\nb\nc <br> d", 3, "HTML"),
            ("a\n\n<div>\nb\n</div>", 3, "HTML"),
            ("a\n\n<!-- note -->", 3, "HTML"),
            ("a\n\n> - b\n> - c\n>   d <i>e</i>", 5, "HTML"),
            ("a\\\nb\\\n![c](https://a.example/i.png)", 3, "an image"),
            ("a\n\n![c][d]\n\n[d]: https://a.example/i.png", 3, "an image"),
            ("a\n\n|b|c|\n|-|-|\n|d|e|", 3, "a table"),
            ("a\n\n" + "> " * 30 + "b", 3, "nested"),
            ("a\n\n" + "".join(" " * 2 * n + f"- {n}\n" for n in range(12)), 11, "nested"),
            ("a\n\nb\nc &#x202e; d", 4, "U+202E"),
            ("a\n\nb &#0; d", 3, "U+FFFD"),
            ("a\n\n" + "bcdefghi\n" * 3000, 1114, "without an empty line"),
        ],
    )
    def test_faults(self, markdown: str, line: int, what: str) -> None:
        found = fault(f"---\ntitle: T\n---\n{markdown}")
        assert what in found.what
        assert found.line == line + 3

    def test_endless_text(self) -> None:
        found = fault("# T\n\n" + ("words " * 20 + "\n\n") * 5_000)
        assert "500,000 is the most" in found.what

    def test_definitions_that_nothing_uses_are_reported(self) -> None:
        warnings = read(
            "# T\n\nSee [a].\n\n[a]: https://a.example/\n[b]: https://b.example/\n"
        ).warnings
        assert len(warnings) == 1
        assert warnings[0].startswith("line 6: ")

    def test_a_quote_that_never_ends_is_reported_at_its_line(self) -> None:
        warnings = read("# T\n\nShe says:\n\n“Open.\n\nEnd.\n").warnings
        assert warnings == ("line 5: a quote begins here that never ends",)


def test_the_shipped_example_says_all_it_can() -> None:
    path = Path(resources_file).parent / "demo" / "examples" / "example-release.md"
    document = read_document(path.read_bytes(), file=path.name, default_language="da")
    assert document.edition.language == "en"
    assert document.edition.title == "Ministry opens all small harbours to night ferries"
    assert {block.kind for block in document.edition.body} == {
        "paragraph", "attribution", "quote", "heading", "bullet", "number"
    }  # fmt: skip
    assert len(document.edition.contacts) == 2
    assert document.publish_at == datetime(2025, 10, 1, 7, tzinfo=UTC)
    assert document.warnings == ()

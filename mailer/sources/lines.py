"""Bytes in, clean text out: UTF-8, plain line ends, nothing that deceives; else a fault at its line."""

from dataclasses import dataclass

from mailer.core.errors import DocumentFault
from mailer.sources.characters import find_refused, find_stacked, tidy

MAX_BYTES = 5_000_000
MAX_LINES = 100_000
MAX_CHARACTERS = 500_000  # of one release's own text; far more than a mail can carry
MAX_PARAGRAPHS = 10_000

_OTHER_FORMATS = (
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a word-processor file or an archive"),
    (b"\xd0\xcf\x11\xe0", "an old word-processor file"),
    (b"{\\rtf", "rich text (RTF)"),
)
_HTML = ("<!doctype html", "<html")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, for faults that point at it."""

    file: str
    line: int

    def fault(self, what: str, cure: str) -> DocumentFault:
        """The fault to raise about this place."""
        return DocumentFault(what, cure, file=self.file, line=self.line)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a text: its number in the file, counted from 1, and its words, trimmed."""

    number: int
    text: str


def decode(content: bytes, file: str) -> str:
    """The text of a file: UTF-8, with or without a byte order mark, any line ends.

    Raises:
        DocumentFault: too big, another format or encoding, or a character that has no place in a release.
    """
    if len(content) > MAX_BYTES:
        raise Place(file, 1).fault(
            f"the file has {len(content):,} bytes; a release may have {MAX_BYTES:,}",
            "check that this is the text of one release",
        )
    _refuse_other_formats(content, file)
    text = _decoded(content, file).removeprefix("\ufeff")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.count("\n") > MAX_LINES:
        raise Place(file, MAX_LINES + 1).fault(
            f"the file has more than {MAX_LINES:,} lines",
            "check that this is the text of one release",
        )
    refused = find_refused(text) or find_stacked(text)
    if refused is not None:
        raise Place(file, text.count("\n", 0, refused.index) + 1).fault(
            f"the text holds {refused.name}", refused.cure
        )
    if not text.strip():
        raise Place(file, 1).fault("the file is empty", "give the text of a release")
    if text.lstrip()[:14].lower().startswith(_HTML):
        raise Place(file, 1).fault(
            "this is HTML", "save the page as text, or write the release as Markdown"
        )
    # The Unicode separators break lines for some readers and not for others; here they are blanks.
    return text.replace("\u2028", " ").replace("\u2029", " ")


def split_lines(text: str) -> list[Line]:
    """The lines of `text` that hold anything to see."""
    numbered = (Line(number, line.strip()) for number, line in enumerate(text.split("\n"), 1))
    return [line for line in numbered if tidy(line.text)]


def refuse_endless(characters: int, paragraphs: int, place: Place) -> None:
    """Refuse a text that nobody would mail, before minutes are spent on it.

    Raises:
        DocumentFault: more characters or paragraphs than a release may have.
    """
    for count, most, what in (
        (characters, MAX_CHARACTERS, "characters"),
        (paragraphs, MAX_PARAGRAPHS, "paragraphs"),
    ):
        if count > most:
            raise place.fault(
                f"the text has {count:,} {what}; {most:,} is the most",
                "check that this is the text of one release",
            )


def _refuse_other_formats(content: bytes, file: str) -> None:
    for start, name in _OTHER_FORMATS:
        if content.startswith(start):
            raise Place(file, 1).fault(
                f"this is {name}, not a text in UTF-8", "save the release as plain text in UTF-8"
            )


def _decoded(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        raise Place(file, before.count(b"\n") + 1).fault(
            f"byte 0x{content[error.start]:02x} is not UTF-8",
            "save the file as UTF-8; it may be in Windows-1252 or Latin-1 now",
        ) from error

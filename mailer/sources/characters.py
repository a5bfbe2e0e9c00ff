"""Decides, character by character, what may stand in a release.

Three answers. Refused anywhere: controls, broken or unassigned code points and direction overrides,
which deceive or mean that the text was damaged on its way. Dropped in silence: marks that nobody
sees and no script needs, such as soft hyphens and zero-width blanks. Kept: all else, among it the
joiners of Persian, Indic and emoji spelling and, in running text, the direction marks of Arabic and
Hebrew. A display string (title, names, labels) stands in headers and lists where direction marks
could disguise it, so there they are refused too.
"""

import re
import unicodedata
from dataclasses import dataclass

_REFUSED_SIGNS = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # controls, but not tab and line ends
    "\u202d\u202e"  # direction overrides
    "\ufff9-\ufffd"  # annotation anchors, object and replacement characters
    "\ufdd0-\ufdef\ud800-\udfff"  # noncharacters, lone surrogates
    + "".join(
        f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
    )
)
_REFUSED = re.compile(f"[{_REFUSED_SIGNS}]")
_UNSEEN = re.compile(
    "[\u00ad\u180e\u2060-\u2064\u206a-\u206f\ufeff]"
    # Between Thai, Lao, Burmese and Khmer words a zero-width blank says where a line may break.
    "|(?<![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])\u200b"
    # Joiners spell words in scripts from Arabic on, and emoji; after other letters they are dirt.
    "|(?<![\u0600-\u1fff\u2190-\u2bff\ufb50-\ufdff\ufe0f\ufe70-\ufeff\U00010000-\U0010ffff])[\u200c\u200d]"
)
# Tag characters can smuggle a hidden text; only the flags of regions are spelled with them.
_TAGS = re.compile(
    "(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f)"
    "|[\U000e0000-\U000e007f]"
)
# Nearly no text has any of them, and to look for one is quicker than to look around each sign.
_UNSEEN_SIGNS = "\u00ad\u180e\u200b-\u200d\u2060-\u206f\ufeff\U000e0000-\U000e007f"
_PERHAPS = re.compile(f"[{_UNSEEN_SIGNS}]")
_ODD = re.compile(f"[{_REFUSED_SIGNS}{_UNSEEN_SIGNS}]")
_MOST_MARKS = 30
_BEYOND_LATIN = re.compile(f"[\u0300-\U0010ffff]{{{_MOST_MARKS + 1},}}")
_JOINERS = "\u200c\u200d"
_HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class Refused:
    """A character that may not stand where it stands: its index, its name and the cure."""

    index: int
    name: str
    cure: str


def find_refused(text: str) -> Refused | None:
    """The first character that may stand nowhere in a release."""
    found = _REFUSED.search(text)
    if found is None:
        return None
    if found[0] == "\ufffd":
        cure = "it stands for a letter that was lost earlier; restore it from the original"
    else:
        cure = "delete it; type the passage by hand if you cannot see it"
    return Refused(found.start(), described(found[0]), cure)


def find_stacked(text: str) -> Refused | None:
    """A letter with more than 30 marks on it (UAX #15 section 13): no language writes it.

    Beyond disfiguring its neighbours it would cost composing (NFC) quadratic time.
    """
    for stretch in _BEYOND_LATIN.finditer(text):
        marks = 0
        for index in range(stretch.start(), stretch.end()):
            marks = marks + 1 if unicodedata.combining(text[index]) else 0
            if marks > _MOST_MARKS:
                return Refused(index, f"more than {_MOST_MARKS} marks on one letter", "delete them")
    return None


def find_deceptive(text: str) -> Refused | None:
    """The first character that may not stand in a display string (a title, a name, a label)."""
    if text.isprintable():  # nothing of a hidden category is
        return None
    for index, character in enumerate(text):
        hidden = unicodedata.category(character) in _HIDDEN_CATEGORIES
        if hidden and character not in _JOINERS:
            return Refused(index, described(character), "delete it; type the line by hand")
    return None


def tidy(text: str) -> str:
    """Running text as it is kept: composed (NFC), without unseen characters, trimmed; blanks inside stay."""
    return _without_unseen(text).strip()


def one_line(text: str) -> str:
    """A lead or a line as it is kept: tidy, with every stretch of white space one blank."""
    return " ".join(_without_unseen(text).split())


def display(text: str) -> str:
    """A display string as it is kept: one line, not even zero-width blanks in it."""
    return one_line(text).replace("\u200b", "")


def composed(text: str) -> str:
    """Text as it is kept, blanks and line ends untouched."""
    return _without_unseen(text)


def is_tidy(text: str) -> bool:
    """Whether nothing in a text is refused, unseen or not composed, so that it may be kept as it is."""
    return (
        unicodedata.is_normalized("NFC", text)
        and _ODD.search(text) is None
        and find_stacked(text) is None
    )


def described(character: str) -> str:
    """A character's code point and name: `U+202E (RIGHT-TO-LEFT OVERRIDE)`."""
    name = unicodedata.name(character, "")
    if not name:
        name = "a control character" if unicodedata.category(character) == "Cc" else "no character"
    return f"U+{ord(character):04X} ({name})"


def _without_unseen(text: str) -> str:
    if text.isascii():
        return text
    plain = _TAGS.sub(_flag_alone, _UNSEEN.sub("", text)) if _PERHAPS.search(text) else text
    return unicodedata.normalize("NFC", plain)


def _flag_alone(found: re.Match[str]) -> str:
    return found[1] or ""

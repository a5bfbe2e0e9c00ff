"""Finds what a catalogue lacks: strings without a translation, and translations that cannot be right.

    missing       no translation, or one plural form too few
    obsolete      a translation of what nobody says any more
    fuzzy         somebody marked it as doubtful; it is not used
    placeholders  %(name)s differ: a plural's forms for one or two may leave out the number alone
    quotes        a quotation mark or apostrophe that the language does not have
    spacing       blanks at an end, two in a row, or French without its blank before : ; ! ?
    colon         one of the two ends in a colon, and the other does not
    English       the English itself, or English words in it

What is right in a language stands in `WRITING`; a new language needs its line there.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog, Message

from mailer.texts.extraction import catalogue_files, read_catalogue, said

# Quotation marks and apostrophes that each language writes; all others are faults in it.
WRITING = {
    "ar": "«»",
    "da": "”’",
    "de": "„“",
    "fi": "”’",
    "fr": "«»’",
    "nb": "«»",
    "sv": "”",
}

_MARKS = "\"'`´“”„‟«»‘’‚‹›"
_PLACE = re.compile(r"%\((\w+)\)s")
_ANY_PLACE = re.compile(r"%\(\w+\)[a-z]|%%|%")
_ENGLISH = re.compile(r"\b(?:the|and|your|you|this|that|with|from|press release)\b", re.IGNORECASE)
_LATIN = re.compile(r"[A-Za-z]{2,}")
# Names of things that are the same in every language, and examples of addresses.
_NAMES = re.compile(
    r"\b(?:RSS|Atom|JSON(?: Feed)?|HTML|PDF|RTF|ICS|CSV|ZIP|[KM]B)\b|[\w.-]+@[\w.-]+|https?://\S+"
)
# Words that a language rightly spells as English does.
_ALIKE: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend.

    Attributes:
        what: one of the words above.
        said: the English string; of a plural, its singular.
        why: more, where the word does not say it all.
    """

    path: Path
    language: str
    what: str
    said: str
    why: str = ""

    def __str__(self) -> str:
        end = f" ({self.why})" if self.why else ""
        return f"{self.language} {self.path.name}: {self.what}: {self.said!r}{end}"


def faults() -> list[Fault]:
    """All that is to be mended, in every catalogue."""
    templates = said()
    return [
        fault
        for language, domain, path in catalogue_files()
        for fault in faults_of(path, language, templates[domain])
    ]


def faults_of(path: Path, language: str, template: Catalog) -> Iterator[Fault]:
    """What is to be mended in one catalogue, which should say exactly what `template` says."""
    catalogue = read_catalogue(path, language)
    for message in template:
        if message.id and message.id not in catalogue:
            yield Fault(path, language, "missing", _english(message))
    for message in catalogue:
        if not message.id:
            continue
        if message.id not in template:
            yield Fault(path, language, "obsolete", _english(message))
            continue
        for what, why in _of_message(message, catalogue.num_plurals, language):
            yield Fault(path, language, what, _english(message), why)
    for message in catalogue.obsolete.values():
        yield Fault(path, language, "obsolete", _english(message), "behind #~")


def _of_message(message: Message, plurals: int, language: str) -> Iterator[tuple[str, str]]:
    string = message.string or ""
    strings = (string,) if isinstance(string, str) else tuple(string)
    wanted = plurals if message.pluralizable else 1
    if not all(strings) or len(strings) != wanted:
        yield "missing", f"{len([text for text in strings if text])} of {wanted} forms"
        return
    if message.fuzzy:
        yield "fuzzy", ""
    if why := _places(message, strings):
        yield "placeholders", why
    for text in strings:
        yield from _of_text(_english(message), text, language)


def _of_text(english: str, text: str, language: str) -> Iterator[tuple[str, str]]:
    if found := {mark for mark in text if mark in _MARKS and mark not in WRITING.get(language, "")}:
        yield "quotes", " ".join(sorted(found))
    if text != text.strip() or "  " in text or (language == "fr" and _unspaced(text)):
        yield "spacing", text
    if english.endswith(":") != text.endswith(":"):
        yield "colon", text
    words = _NAMES.sub("", _ANY_PLACE.sub("", text))
    left = _LATIN.findall(words) if language == "ar" else _ENGLISH.findall(words)
    if left or (text == english and _LATIN.search(words) and (language, text) not in _ALIKE):
        yield "English", ", ".join(left)


def _places(message: Message, strings: tuple[str, ...]) -> str:
    """How the placeholders differ; empty when they do not."""
    if isinstance(message.id, str):
        ours, theirs = (sorted(_PLACE.findall(text)) for text in (message.id, strings[0]))
        stray = "%" in re.sub(r"%\(\w+\)s|%%", "", strings[0])
        return f"{ours} and {theirs}" if ours != theirs or stray else ""
    every = {name for text in message.id for name in _PLACE.findall(text)}
    number = {"num", *(every - set(_PLACE.findall(message.id[0])))} | _numbers(message.id)
    for place, text in enumerate(strings):
        names = set(_PLACE.findall(text))
        last = place == len(strings) - 1
        if names - every or (every - names if last else every - names - number):
            return f"form {place}: {sorted(every)} and {sorted(names)}"
    return ""


def _numbers(forms: Sequence[str]) -> set[str]:
    """The placeholder that counts: the one directly before a word that differs between the forms."""
    return {
        found[1]
        for form in forms
        for found in re.finditer(r"%\((\w+)\)s (\w+)", form)
        if any(found[0] not in other for other in forms)
    }


def _unspaced(text: str) -> bool:
    """Whether a French : ; ! ? or guillemet lacks its blank that no line breaks at."""
    bare = re.sub(r"https?://\S+|\d:\d", "", text)
    return bool(re.search("[^\u00a0\u202f?!][:;!?]|«[^\u00a0\u202f]|[^\u00a0\u202f]»", bare))


def _english(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]

"""Every mail template renders in every language, and every catalogue has its words: all, and no others."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po
from support.mails import composed, notice, read, release

from mailer import resources
from mailer.core.delivery import Purpose
from mailer.texts import wording
from mailer.texts.catalogue import languages

_FOLDER = resources.templates() / "mail"
_FILES = ("body.html", "body.txt", "subject.txt")
_OTHERS = [language for language in languages() if language != "en"]


def _messages() -> Iterator[str]:
    options = {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
    for path in sorted(_FOLDER.rglob("*.*")):
        for _, message, _, _ in extract_from_file(
            "jinja2.ext:babel_extract", path, options=options
        ):
            assert isinstance(message, str)
            yield message
    for _, message, _, _ in extract_from_file("python", Path(wording.__file__)):
        assert isinstance(message, str)
        yield message


def _catalogue(language: str) -> Catalog:
    path = resources.locales() / language / "LC_MESSAGES" / "mail.po"
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def test_every_purpose_has_its_three_templates() -> None:
    folders = {path.name for path in _FOLDER.iterdir() if path.name != "_base"}
    assert folders == {str(purpose) for purpose in Purpose}
    for folder in folders:
        assert tuple(sorted(path.name for path in (_FOLDER / folder).iterdir())) == _FILES


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("purpose", list(Purpose))
def test_every_mail_renders_in_every_language(purpose: Purpose, language: str) -> None:
    prepared = release() if purpose is Purpose.RELEASE else notice(purpose, language)
    wire = read(composed(prepared))
    assert wire.text.strip()
    assert wire.html.startswith("<!DOCTYPE html>")
    for part in (wire.text, wire.html, prepared.subject):
        assert not re.search(r"%\(\w+\)s|\{\{|\{%|None|Undefined", part)


def test_danish_is_among_the_languages() -> None:
    assert "da" in _OTHERS


@pytest.mark.parametrize("language", _OTHERS)
def test_a_catalogue_has_all_words_and_no_others(language: str) -> None:
    catalogue = _catalogue(language)
    assert {message.id for message in catalogue if message.id} == set(_messages())
    assert not catalogue.obsolete


@pytest.mark.parametrize("language", _OTHERS)
def test_every_translation_is_whole(language: str) -> None:
    for message in _catalogue(language):
        if not message.id:
            continue
        assert message.string, message.id
        assert not message.fuzzy, message.id
        assert isinstance(message.id, str)
        assert isinstance(message.string, str)
        places = re.compile(r"%\(\w+\)s")
        assert sorted(places.findall(message.string)) == sorted(places.findall(message.id))
        assert message.id.endswith(":") == message.string.endswith(":"), message.id

"""Every mail has its three templates, and each renders in every language."""

import re

import pytest
from support.every_mail import mail
from support.mails import composed, read

from mailer import resources
from mailer.core.delivery import Purpose
from mailer.texts.catalogue import languages

_FOLDER = resources.templates() / "mail"
_FILES = ("body.html", "body.txt", "subject.txt")


def test_every_purpose_has_its_three_templates() -> None:
    folders = {path.name for path in _FOLDER.iterdir() if path.name != "_base"}
    assert folders == {str(purpose) for purpose in Purpose}
    for folder in folders:
        assert tuple(sorted(path.name for path in (_FOLDER / folder).iterdir())) == _FILES


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("purpose", list(Purpose))
def test_every_mail_renders_in_every_language(purpose: Purpose, language: str) -> None:
    prepared = mail(purpose, language)
    wire = read(composed(prepared))
    assert wire.text.strip()
    assert wire.html.startswith("<!DOCTYPE html>")
    for part in (wire.text, wire.html, prepared.subject):
        assert not re.search(r"%\(\w+\)s|\{\{|\{%|None|Undefined", part)

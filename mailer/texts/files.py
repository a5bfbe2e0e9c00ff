"""Says what a file is beside its name: its kind and size, in the language of the words around it."""

from babel.numbers import format_decimal

from mailer.core.files import kind_of
from mailer.core.release import File
from mailer.texts.catalogue import spoken

_STEPS = ((1024 * 1024, "MB", "#,##0.0"), (1024, "KB", "#,##0"))


def file_facts(file: File, language: str) -> str:
    """As in “PDF, 1.2 MB”; empty where nothing is known of it."""
    return ", ".join(word for word in (kind_of(file), _size(file.size, language)) if word)


def _size(size: int | None, language: str) -> str:
    if size is None:
        return ""
    for step, unit, form in _STEPS:
        if size >= step:
            number = format_decimal(size / step, format=form, locale=spoken(language))
            return f"{number}\N{NO-BREAK SPACE}{unit}"
    return "1\N{NO-BREAK SPACE}KB"

"""Jinja as the templates know it: sandboxed, escaped, strict, in one language.

Apart from `templates`, for to load it takes a tenth of a second: who renders nothing does not wait for it.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mailer.core.errors import MailerError
from mailer.core.language import direction
from mailer.texts import blocks, colours, dates, files, plain
from mailer.texts.catalogue import spoken, translations
from mailer.texts.isolation import Translate, isolating


class Environment:
    """The templates of some folders in one language; a file of an earlier folder wins.

    Args:
        cure: what mends a template of that name.
    """

    def __init__(self, folders: Sequence[Path], language: str, cure: Callable[[str], str]) -> None:
        self._jinja = _jinja(FileSystemLoader(folders), language)
        self._cure = cure

    def render(self, name: str, values: Mapping[str, object]) -> str:
        """A template with values.

        Raises:
            MailerError: the template is missing or broken, or uses a value that it does not get.
        """
        try:
            return self._jinja.get_template(name).render(values)
        except (TemplateError, TypeError) as error:  # a plural that counts no number is a TypeError
            raise MailerError(
                f"The template {name} cannot be used: {error}", self._cure(name)
            ) from error


def _jinja(loader: FileSystemLoader, language: str) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=loader,
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        autoescape=lambda name: name is not None and name.endswith(".html"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(  # type: ignore[attr-defined]  # the extension adds it
        translations(language), newstyle=True
    )
    if direction(spoken(language)) == "rtl":
        for name in ("gettext", "ngettext"):
            environment.globals[name] = isolating(cast("Translate", environment.globals[name]))
    environment.globals |= {"direction": direction, "language": spoken(language)}
    environment.filters |= {
        "clock": dates.clock,
        "contact_runs": blocks.contact_runs,
        "file_facts": files.file_facts,
        "grouped": blocks.grouped,
        "ink_for": colours.ink_for,
        "listed": dates.listed,
        "longdate": dates.longdate,
        "longdatetime": dates.longdatetime,
        "plain_body": plain.plain_body,
        "readable_on": colours.readable_on,
        "timeofday": dates.timeofday,
        "underlined": plain.underlined,
        "weekday": dates.weekday,
        "wrap": plain.wrap,
    }
    return environment

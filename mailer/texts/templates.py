"""Renders the templates of mails and pages in a language; an operator's file wins over ours.

Templates are sandboxed, a name they do not know is an error, and HTML is escaped. Beside Jinja's own
they have `direction(language)`, `language` (of our own words on the page or in the mail, not always of
the text in it; English where there is no catalogue), gettext (`{% trans %}`, `_()`, `ngettext()`) and
the filters named at the end of this file.
"""

from pathlib import Path
from typing import cast

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mailer import resources
from mailer.core.errors import MailerError
from mailer.core.language import direction
from mailer.texts import blocks, colours, dates, files, plain
from mailer.texts.catalogue import spoken, translations
from mailer.texts.isolation import Translate, isolating


class Templates:
    """All templates of the house.

    Args:
        overrides: a folder laid out as `templates/`, whose files win one by one.
    """

    def __init__(self, overrides: Path | None = None) -> None:
        self._folders = [resources.templates()]
        if overrides is not None:
            self._folders.insert(0, overrides)
        self._environments: dict[str, ImmutableSandboxedEnvironment] = {}

    def render(self, name: str, language: str, /, **values: object) -> str:
        """The template `name` with `values`, its own words in `language`.

        Raises:
            MailerError: the template is missing or broken, or uses a value that it does not get.
        """
        try:
            return self._environment(language).get_template(name).render(values)
        except (TemplateError, TypeError) as error:  # a plural that counts no number is a TypeError
            raise MailerError(
                f"The template {name} cannot be used: {error}", self._cure(name)
            ) from error

    def _environment(self, language: str) -> ImmutableSandboxedEnvironment:
        if language not in self._environments:
            loaders = [FileSystemLoader(folder) for folder in self._folders]
            self._environments[language] = _environment(ChoiceLoader(loaders), language)
        return self._environments[language]

    def _cure(self, name: str) -> str:
        for folder in self._folders:
            if (folder / name).is_file():
                return f"mend {folder / name}"
        return "look for it in " + " and ".join(str(folder) for folder in self._folders)


def _environment(loader: BaseLoader, language: str) -> ImmutableSandboxedEnvironment:
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

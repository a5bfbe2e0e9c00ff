"""Renders the templates of mails and pages in a language; an operator's file wins over ours.

Templates are sandboxed, a name they do not know is an error, and HTML is escaped. Beside Jinja's own
they have `direction(language)`, `language` (of our own words on the page or in the mail, not always of
the text in it; English where there is no catalogue), gettext (`{% trans %}`, `_()`, `ngettext()`) and
the filters named in `texts.environment`.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from mailer import resources

if TYPE_CHECKING:
    from mailer.texts.environment import Environment


class Templates:
    """All templates of the house.

    Args:
        overrides: a folder laid out as `templates/`, whose files win one by one.
    """

    def __init__(self, overrides: Path | None = None) -> None:
        self._folders = [resources.templates()]
        if overrides is not None:
            self._folders.insert(0, overrides)
        self._environments: dict[str, Environment] = {}

    def render(self, name: str, language: str, /, **values: object) -> str:
        """The template `name` with `values`, its own words in `language`.

        Raises:
            MailerError: the template is missing or broken, or uses a value that it does not get.
        """
        return self._environment(language).render(name, values)

    def _environment(self, language: str) -> "Environment":
        from mailer.texts.environment import Environment  # noqa: PLC0415 - for who renders alone

        if language not in self._environments:
            self._environments[language] = Environment(self._folders, language, self._cure)
        return self._environments[language]

    def _cure(self, name: str) -> str:
        for folder in self._folders:
            if (folder / name).is_file():
                return f"mend {folder / name}"
        return "look for it in " + " and ".join(str(folder) for folder in self._folders)

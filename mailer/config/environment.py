"""Lays environment variables over the settings: `MAILER_WEB__PORT` is `port` of `[web]`.

Two underscores part section and key; a relay or source is named by its number from 0, a newsroom by its key
with underscores for hyphens, a domain by its name with underscores for dots and hyphens, `ANY` being
every other domain. Whatever has no double underscore is none of ours (containers set
names such as MAILER_PORT for their own ends), unless doubling one would make it a setting: then
it is a slip.
"""

import json
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from msgspec import Struct
from msgspec.structs import fields

from mailer.config.settings import Settings
from mailer.core.pace import EVERY_OTHER

PREFIX = "MAILER_"

Place = tuple[str, ...]
"""Where a setting stands: ("newsroom", "um", "sender")."""


class FromEnvironment(str):
    """A value as a variable gave it: what the setting wants decides how it is read."""

    __slots__ = ()


class Overlay:
    """The settings' tree with the environment laid over it.

    Attributes:
        tree: what the file says, where no variable says otherwise.
        variables: the variable that gave the value at a place.
        faults: variables that name nothing.
    """

    def __init__(self, tree: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self.tree: dict[str, Any] = deepcopy(dict(tree))
        self.variables: dict[Place, str] = {}
        self.faults: list[str] = []
        for variable in sorted(environ, key=_counting):
            if variable.startswith(PREFIX):
                self._lay(variable, environ[variable])

    def _lay(self, variable: str, text: str) -> None:
        parts = variable.removeprefix(PREFIX).lower().split("__")
        if len(parts) == 1:
            self._slip(variable)
        elif not all(parts):
            self.faults.append(f"{variable}: names no setting; write MAILER_SECTION__KEY")
        elif parts[0] in {"relay", "source"}:
            self._numbered(variable, parts, text)
        elif parts[0] in {"newsroom", "domain"}:
            key = _key(parts[0], parts[1], self.tree.get(parts[0]))
            self._put(self.tree, (parts[0], key, *parts[2:]), variable, text)
        else:
            self._put(self.tree, tuple(parts), variable, text)

    def _numbered(self, variable: str, parts: list[str], text: str) -> None:
        section = parts[0]
        tables = self.tree.setdefault(section, [])
        if not isinstance(tables, list):
            return  # the walk says what is wrong with it
        number = int(parts[1]) if parts[1].isdecimal() else -1
        if not 0 <= number <= len(tables):
            following = f"{PREFIX}{section.upper()}__{len(tables)}__"
            cure = f"{section}s count from 0, and the next one is {following}"
            self.faults.append(f"{variable}: names no {section}; {cure}")
            return
        if number == len(tables):
            tables.append({})
        holder = {str(number): tables[number]}
        self._put(holder, tuple(parts[1:]), variable, text, above=(section,))
        tables[number] = holder[str(number)]

    def _put(
        self, tree: dict[str, Any], place: Place, variable: str, text: str, *, above: Place = ()
    ) -> None:
        for depth, key in enumerate(place[:-1], start=1):
            if not isinstance(tree.get(key), dict):
                tree[key] = {}
                self.variables[(*above, *place[:depth])] = variable
            tree = tree[key]
        tree[place[-1]] = FromEnvironment(text)
        self.variables[(*above, *place)] = variable

    def _slip(self, variable: str) -> None:
        section, _, key = variable.removeprefix(PREFIX).lower().partition("_")
        if key in _keys_of(section):
            right = f"{PREFIX}{section}__{key}".upper()
            self.faults.append(f"{variable}: is not read; write it with two underscores, {right}")


def parse_value(text: str, *, otherwise: object) -> Any:
    """The value that a variable's text writes in TOML or JSON; `otherwise` if it is neither."""
    try:
        found = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        found = {}
    if list(found) == ["value"]:
        return _marked(found["value"])
    try:
        return _marked(json.loads(text))
    except ValueError:
        return otherwise


def _marked(value: Any) -> Any:
    """Remember, all the way down, that a text came from the environment."""
    if isinstance(value, str):
        return FromEnvironment(value)
    if isinstance(value, list):
        return [_marked(item) for item in value]
    if isinstance(value, dict):
        return {key: _marked(item) for key, item in value.items()}
    return value


def speaks(environ: Mapping[str, str]) -> bool:
    """Whether the environment gives any setting."""
    return any(name.startswith(PREFIX) and "__" in name for name in environ)


def _keys_of(section: str) -> set[str]:
    for field in fields(Settings):
        if (
            field.name == section
            and isinstance(field.type, type)
            and issubclass(field.type, Struct)
        ):
            return {inner.name for inner in fields(field.type)}
    return set()


def _key(section: str, word: str, known: object) -> str:
    """The key that a variable means: one that the file has, or else what the word most likely is."""
    for key in known if isinstance(known, dict) else ():
        if key.replace("-", "_").replace(".", "_") == word:
            return str(key)
    if section == "newsroom":
        return word.replace("_", "-")
    return EVERY_OTHER if word == "any" else word.replace("_", ".")


def _counting(variable: str) -> list[tuple[int, int, str]]:
    """Orders relay 2 before relay 10."""
    return [
        (0, int(part), "") if part.isdecimal() else (1, 0, part) for part in variable.split("__")
    ]

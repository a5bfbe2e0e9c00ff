"""Turns what was read into typed settings and collects every fault on the way, not only the first.

Each struct is walked field by field. A value that fails is reported under its path and left out;
its neighbours are still read. What several keys must agree on is then checked with whatever could
be read (`agreement`), so a fault in one key hides none in another. A secret's value never enters
a fault.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, UNSET, Struct
from msgspec.structs import FieldInfo, fields

from mailer.config.agreement import AGREEMENTS
from mailer.config.environment import FromEnvironment, Place, parse_value
from mailer.config.kinds import Kind, shown
from mailer.config.secret import DatabaseUrl, Pem, Secret, SecretFault, Token, read_secrets
from mailer.config.wording import example_of, known_keys, nearest_key, type_name, wanted
from mailer.core.address import has_hidden

_TELLING_APART = {"name", "selector", "key"}

Reader = Callable[[Any, object, Place, FieldInfo], Any]


class Walk:
    """One reading of the settings.

    Args:
        folder: what relative paths count from.
        variables: the variable that gave the value at a place.

    Attributes:
        faults: "key.path: what is wrong; cure", in the order of the settings.
        inline: places of the secrets that stand in the settings file itself.
    """

    def __init__(self, folder: Path, variables: Mapping[Place, str]) -> None:
        self.folder = folder
        self.variables = variables
        self.faults: list[str] = []
        self.inline: list[str] = []
        self._tables: dict[Place, dict[str, Any]] = {}

    def fault(self, place: Place, words: str) -> None:
        """Note a fault; one that a variable brought in names the variable."""
        nearest = (place[:length] for length in range(len(place), 0, -1))
        variable = next((self.variables[at] for at in nearest if at in self.variables), None)
        origin = f" (from {variable})" if variable else ""
        self.faults.append(f"{'.'.join(place)}{origin}: {words}")

    def struct(self, type_: type[Struct], given: object, place: Place) -> Any:
        """The struct, or UNSET if anything in it failed."""
        given = self._parsed(given, place)
        if not isinstance(given, dict):
            if given is not UNSET:
                self.fault(place, f"is {type_name(given)}, not a table; {known_keys(type_)}")
            return UNSET
        known = {field.name: field for field in fields(type_)}
        self._unknown(given, known, place)
        before = len(self.faults)
        values = {
            name: self._field(field, given.get(name, UNSET), (*place, name))
            for name, field in known.items()
        }
        read = {name: value for name, value in values.items() if value is not UNSET}
        self._tables[place] = read
        for key, words in AGREEMENTS.get(type_, _nothing)(read):
            self.fault((*place, key) if key else place, words)
        complete = len(read) == len(values) and len(self.faults) == before
        return type_(**read) if complete else UNSET

    def _unknown(self, given: dict[str, Any], known: Mapping[str, Any], place: Place) -> None:
        for key in given:
            if key not in known:
                self.fault((*place, key), f"is not a known key; {nearest_key(key, known)}")

    def _field(self, field: FieldInfo, given: object, place: Place) -> Any:
        if given is not UNSET:
            return self.value(field.type, given, place, field)
        if _is(field.type, Struct):
            return self.struct(field.type, {}, place)
        if field.required:
            self.fault(place, f"is missing; {example_of(field)}")
            return UNSET
        fresh = field.default_factory
        return self._anchored(field.default if fresh is NODEFAULT else fresh())

    def value(self, type_: Any, given: object, place: Place, field: FieldInfo) -> Any:
        """One value of any of the settings' types, or UNSET."""
        origin = get_origin(type_)
        if origin in {Union, UnionType}:
            (type_,) = (choice for choice in get_args(type_) if choice is not NoneType)
            origin = get_origin(type_)
        if _is(type_, Struct):
            return self.struct(type_, given, place)
        readers: dict[Any, Reader] = {
            Annotated: self._annotated,
            tuple: self._several,
            dict: self._sections,
        }
        plainly: Reader = self._secret if _is(type_, Secret) else self._plain
        return readers.get(origin, plainly)(type_, given, place, field)

    def _annotated(self, type_: Any, given: object, place: Place, field: FieldInfo) -> Any:
        inner, *notes = get_args(type_)
        kind = next((note for note in notes if isinstance(note, Kind)), None)
        if kind is None:  # bounds, which msgspec knows how to keep
            return self._plain(type_, given, place, field)
        value = self.value(inner, given, place, field)
        if value is UNSET:
            return UNSET
        plain = value.reveal() if isinstance(value, Secret) else value
        words = kind.fault(plain)
        if words is not None:
            self.fault(place, words)
            return UNSET
        return value

    def _several(self, whole: Any, given: object, place: Place, field: FieldInfo) -> Any:
        type_ = get_args(whole)[0]
        given = self._parsed(given, place)
        if given is UNSET:
            return UNSET
        if _is_secret(type_) and isinstance(given, dict):
            return self._secrets_in_file(type_, given, place, field)
        if not isinstance(given, list):
            self.fault(
                place, f"is {type_name(given)}, not {wanted(field.type)}; {example_of(field)}"
            )
            return UNSET
        if not given and field.required:
            self.fault(place, f"is empty; {example_of(field)}")
            return UNSET
        return self._each(type_, given, place, field)

    def _each(self, type_: Any, given: list[Any], place: Place, field: FieldInfo) -> Any:
        values = [
            self.value(type_, item, (*place, str(position)), field)
            for position, item in enumerate(given)
        ]
        self._distinct(place)
        return UNSET if any(value is UNSET for value in values) else tuple(values)

    def _distinct(self, place: Place) -> None:
        """Tables in a list are told apart; looked at even where one has another fault."""
        names = Counter(
            (key, table[key])
            for at, table in self._tables.items()
            for key in table.keys() & _TELLING_APART
            if at[:-1] == place
        )
        for (key, name), count in names.items():
            if count > 1:
                words = f"has {count} tables with the {key} {name}"
                self.fault(place, f"{words}; give each its own {key}")

    def _sections(self, whole: Any, given: object, place: Place, field: FieldInfo) -> Any:
        key_type, type_ = get_args(whole)
        (kind,) = (note for note in get_args(key_type) if isinstance(note, Kind))
        given = self._parsed(given, place)
        if not isinstance(given, dict) or (field.required and not given):
            if given is not UNSET:
                self.fault(place, f"no {field.name} is named; {example_of(field)}")
            return UNSET
        tables = dict | FromEnvironment if _is(type_, Struct) else object
        astray = [key for key, section in given.items() if not isinstance(section, tables)]
        if astray:
            self.fault(place, f"{', '.join(astray)}: in no {field.name}; {example_of(field)}")
        values: dict[str, Any] = {}
        for key in [key for key in given if key not in astray]:
            section = given[key]
            words = kind.fault(key)
            if words is not None:
                self.fault((*place, key), words)
            values[key] = self.value(type_, section, (*place, key), field)
        return UNSET if any(value is UNSET for value in values.values()) else values

    def _secret(self, type_: type[Secret], given: object, place: Place, field: FieldInfo) -> Any:
        if isinstance(given, str):
            secret = type_("".join(given))
            if secret.guarded and not isinstance(given, FromEnvironment):
                self.inline.append(".".join(place))
            return self._anchored(secret)
        if not isinstance(given, dict):
            self.fault(place, f"is {type_name(given)}, not {wanted(type_)}; {example_of(field)}")
            return UNSET
        if _is(type_, Token):
            file = self._file(given, place)
            return UNSET if file is None else Token(str(file), file)
        lines = self._lines(given, place)
        if lines is None:
            return UNSET
        if len(lines) > 1 and not _is(type_, Pem):
            self.fault(place, f"has a file of {len(lines)} lines; leave one")
            return UNSET
        return self._anchored(type_("\n".join(lines)))

    def _secrets_in_file(
        self, type_: Any, given: dict[str, Any], place: Place, field: FieldInfo
    ) -> Any:
        lines = self._lines(given, place)
        if lines is None:
            return UNSET
        return self._each(type_, [FromEnvironment(line) for line in lines], place, field)

    def _lines(self, given: dict[str, Any], place: Place) -> list[str] | None:
        file = self._file(given, place)
        try:
            return None if file is None else read_secrets(file)
        except SecretFault as error:
            self.fault(place, str(error))
            return None

    def _file(self, given: dict[str, Any], place: Place) -> Path | None:
        file = given.get("file")
        if list(given) != ["file"] or not isinstance(file, str) or not file:
            self.fault(place, 'is a table without a file; write { file = "keys/NAME" }')
            return None
        return self.folder / "".join(file)

    def _plain(self, type_: Any, given: object, place: Place, field: FieldInfo) -> Any:
        if type_ is Path:
            return self._path(given, place, field)
        if isinstance(given, FromEnvironment):
            # Words stay words: only what must not be a text is read as TOML.
            given = (
                "".join(given)
                if _takes_text(type_)
                else parse_value(given, otherwise="".join(given))
            )
        try:
            return msgspec.convert(given, type_, strict=True)
        except msgspec.ValidationError:
            said = shown(given) if isinstance(given, str) else _written(given)
            self.fault(place, f"{said} is not {wanted(type_)}; {example_of(field)}")
            return UNSET

    def _path(self, given: object, place: Place, field: FieldInfo) -> Any:
        if isinstance(given, str) and given and not has_hidden(given):
            return self._anchored(Path("".join(given)))
        self.fault(place, f"is not a path; {example_of(field)}")
        return UNSET

    def _parsed(self, given: object, place: Place) -> Any:
        if not isinstance(given, FromEnvironment):
            return given
        found = parse_value(given, otherwise=UNSET)
        if found is UNSET:
            self.fault(place, 'cannot be read; write it as in the file, such as ["one", "two"]')
        return found

    def _anchored(self, value: object) -> Any:
        if isinstance(value, DatabaseUrl):
            return _anchored_database(value, self.folder)
        return self.folder / value if isinstance(value, Path) else value


def _anchored_database(url: DatabaseUrl, folder: Path) -> DatabaseUrl:
    head, separator, tail = url.reveal().partition(":///")
    if not head.startswith("sqlite") or not separator or tail in {"", ":memory:"}:
        return url
    return DatabaseUrl(f"{head}:///{folder / tail}")


def _written(value: object) -> str:
    return type_name(value) if isinstance(value, (dict, list)) else json.dumps(value, default=str)


def _is_secret(type_: Any) -> bool:
    inner = get_args(type_)[0] if get_origin(type_) is Annotated else type_
    return _is(inner, Secret)


def _is(type_: Any, of: type) -> bool:
    return isinstance(type_, type) and issubclass(type_, of)


def _takes_text(type_: Any) -> bool:
    return type_ is str or any(isinstance(choice, str) for choice in get_args(type_))


def _nothing(_: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    return iter(())

"""Says what a setting must be and how to write it: the second half of every fault."""

import json
from collections.abc import Iterable
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from msgspec import Meta, Struct
from msgspec.structs import FieldInfo, fields

from mailer.config.kinds import Kind
from mailer.config.secret import Secret

_SECTIONS = {
    "relay": "[[relay]], with two brackets",
    "source": "[[source]], with two brackets",
    "dkim": "[[newsroom.KEY.dkim]], with two brackets",
    "newsroom": "[newsroom.KEY]",
    "domain": '[domain."example.org"], with quotes',
    "topics": "[newsroom.KEY.topics], a name for each language",
    "boilerplate": "[newsroom.KEY.boilerplate], a text for each language",
    "privacy_notice": "[newsroom.KEY.privacy_notice], a file for each language",
}
_NUMBERS: dict[Any, str] = {int: "a whole number", float: "a number", bool: "true or false"}


def wanted(type_: Any) -> str:
    """What a type takes, in words: "a whole number from 1 to 65535"."""
    origin = get_origin(type_)
    if origin is Annotated:
        inner, *notes = get_args(type_)
        return wanted(inner) + "".join(_bounds(note) for note in notes if isinstance(note, Meta))
    if origin in {Union, UnionType}:
        return wanted(next(choice for choice in get_args(type_) if choice is not NoneType))
    if origin is Literal:
        return "one of " + ", ".join(str(choice) for choice in get_args(type_))
    if origin is tuple:
        return _list_of(get_args(type_)[0])
    if isinstance(type_, type) and issubclass(type_, Secret):
        return "a text or a file's name"
    return _NUMBERS.get(type_, "a text")


def _list_of(type_: Any) -> str:
    if isinstance(type_, type) and issubclass(type_, Struct):
        return "a list of tables"
    return "a list of texts"


def _bounds(meta: Meta) -> str:
    if meta.ge is not None and meta.le is not None:
        return f" from {meta.ge:g} to {meta.le:g}"
    return f" of at least {meta.ge:g}" if meta.ge is not None else ""


def example_of(field: FieldInfo) -> str:
    """The cure: the key written well, by its default or by an example."""
    if get_origin(field.type) in {tuple, dict} and field.name in _SECTIONS:
        return f"write a section {_SECTIONS[field.name]}"
    if isinstance(field.default, (str, int, float, tuple)) and field.default != "":
        return f"write {field.name} = {as_toml(field.default)}"
    example = _kind_example(field.type)
    if example is not None:
        return f"write {field.name} = {example.replace('NAME', field.name)}"
    return "correct it, or leave it out" if not field.required else "write it"


def _kind_example(type_: Any) -> str | None:
    origin = get_origin(type_)
    if origin is Annotated:
        return next((note.example for note in get_args(type_)[1:] if isinstance(note, Kind)), None)
    if origin is tuple:
        inner, *_ = get_args(type_)
        example = _kind_example(inner)
        return example if example is None or example.startswith("{") else f"[{example}]"
    if origin in {Union, UnionType}:
        return next(filter(None, map(_kind_example, get_args(type_))), None)
    return None


def as_toml(value: Any) -> str:
    """A setting's value as TOML writes it.

    Texts are written as JSON writes them, which TOML reads alike but for DEL.
    """
    if isinstance(value, Path):
        return as_toml(str(value))
    if isinstance(value, str):
        return json.dumps("".join(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        pairs = ", ".join(f"{key} = {as_toml(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(as_toml(item) for item in value)}]"
    return json.dumps(value)


def known_keys(type_: type[Struct]) -> str:
    """The keys a section takes, as a cure."""
    return "its keys: " + ", ".join(field.name for field in fields(type_))


def nearest_key(key: str, known: Iterable[str]) -> str:
    """The cure for a key that is not known."""
    from difflib import get_close_matches  # noqa: PLC0415 - needed for a fault alone

    names = list(known)
    near = get_close_matches(key, names, n=1)
    return f"did you mean {near[0]}?" if near else f"known here: {', '.join(names)}"


def type_name(value: object) -> str:
    """What was given, without quoting it."""
    for type_, name in _TYPE_NAMES:
        if isinstance(value, type_):
            return name
    return "a date or time"


_TYPE_NAMES: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (int, "a number"),
    (float, "a number"),
    (str, "a text"),
    (list, "a list"),
    (dict, "a table"),
)

"""Reads JSON that strangers wrote: nothing is taken for granted, not that it is whole nor what a value is."""

import json
from typing import Any

from mailer.core.errors import SourceFault

Values = dict[str, Any]


def parse(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        SourceFault: it is cut off, not JSON, or nested beyond reason.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) or "Unterminated string" in error.msg:
            raise SourceFault(
                f"The JSON is cut off after {len(text):,} characters",
                "fetch it again; nothing of it was taken",
            ) from error
        raise SourceFault(
            f"This is not JSON: {error.msg} at line {error.lineno}, column {error.colno}",
            "check that the address gives the JSON itself",
        ) from error
    except (RecursionError, ValueError) as error:
        raise SourceFault(
            "The JSON is nested or numbered beyond reason", "check what the address gives"
        ) from error


def said(values: Any, *keys: str) -> str:
    """The first of these that is a text or a number, as text; empty if none is."""
    for key in keys if isinstance(values, dict) else ():
        value = values.get(key)
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    return ""


def group(values: Any, *keys: str) -> Values:
    """The first of these that is an object; an empty one if none is."""
    for key in keys if isinstance(values, dict) else ():
        value = values.get(key)
        if isinstance(value, dict) and value:
            return value
    return {}


def many(values: Any, *keys: str) -> list[Any]:
    """The first of these that is a list with anything in it; an empty one if none is."""
    for key in keys if isinstance(values, dict) else ():
        value = values.get(key)
        if isinstance(value, list) and value:
            return value
    return []


def groups(values: Any, *keys: str) -> list[Values]:
    """The objects in such a list."""
    return [value for value in many(values, *keys) if isinstance(value, dict)]


def names(values: list[Any], *keys: str) -> tuple[str, ...]:
    """What a list of texts, or of objects that have names, names."""
    found = (value if isinstance(value, str) else said(value, *keys) for value in values)
    return tuple(name for name in found if name)


def number(values: Any, *keys: str) -> int | None:
    """The first of these that is a whole number that is not below zero, even as a text; None if none is."""
    text = said(values, *keys).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None

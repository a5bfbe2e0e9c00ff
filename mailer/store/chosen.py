"""Between a choice and the columns of a subscription that hold it: they bear the same names."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from mailer.core.choice import Choice
from mailer.store.tables import subscription

_NAMES = tuple(field.name for field in fields(Choice))

COLUMNS = tuple(subscription.c[name] for name in _NAMES)
"""The columns that a choice lies in."""


def values_of(choice: Choice) -> dict[str, Any]:
    """What to write for a choice; pages that show an earlier one are out of date after that."""
    each = ((name, getattr(choice, name)) for name in _NAMES)
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in each}
    return values | {"revision": subscription.c.revision + 1}


def choice_in(found: dict[str, Any]) -> Choice:
    """The choice in a row's values, taken out of them."""
    return choice_of(found.pop(name) for name in _NAMES)


def choice_of(values: Iterable[Any]) -> Choice:
    """The choice in the values of `COLUMNS`."""
    held: Any = (tuple(value) if isinstance(value, list) else value for value in values)
    return Choice(*held)

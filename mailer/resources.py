"""Finds the files that ship with the package, installed or in a checkout.

`templates/`, `alembic/` and `config.example.toml` lie beside the package in a checkout, where people
look for them, and inside it (with a leading underscore) in an installed wheel.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _shipped(name: str) -> Path:
    inside = _PACKAGE / f"_{name}"
    return inside if inside.exists() else _PACKAGE.parent / name


def templates() -> Path:
    """The folder of the shipped templates."""
    return _shipped("templates")


def migrations() -> Path:
    """The folder of the database migrations."""
    return _shipped("alembic")


def example_config() -> Path:
    """The example configuration: every key with its default."""
    return _shipped("config.example.toml")


def locales() -> Path:
    """The folder of the message catalogues, one subfolder per language."""
    return _PACKAGE / "locale"

"""Reads the settings from a TOML file and the environment, and reports every fault at once.

The environment wins over the file, key by key. Without a file the environment may say everything.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import UNSET

from mailer.config.convert import Walk
from mailer.config.environment import Overlay, speaks
from mailer.config.secret import exposed
from mailer.config.settings import Settings
from mailer.core.errors import ConfigFault

DEFAULT_FILE = "config.toml"
FILE_VARIABLE = "MAILER_CONFIG"


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings in force.

    Args:
        path: the settings file; None means the one MAILER_CONFIG names, else ./config.toml.
        environ: variables such as MAILER_DATABASE__URL override the file.

    Raises:
        ConfigFault: all that is wrong, one line a fault.
    """
    file = settings_file(path, environ)
    text = _text(file)
    if text is None:
        asked_for = path is not None or bool(environ.get(FILE_VARIABLE))
        if asked_for or not speaks(environ):
            cure = "run `mailer init`, or name another file with --config"
            raise ConfigFault([f"the file does not exist; {cure}"], str(file))
    where = "the environment" if text is None else str(file)
    walk, overlay, settings = _walk(_tree(text or "", file), environ, file.absolute().parent)
    faults = [*overlay.faults, *walk.faults]
    if text is not None and walk.inline and exposed(file):
        keys = ", ".join(walk.inline)
        faults.append(f"{keys}: anybody on this machine may read it here; run chmod o-rwx {file}")
    return _settled(settings, faults, where)


def settings_file(path: Path | None, environ: Mapping[str, str]) -> Path:
    """The file that `load` reads: `path`, else the one MAILER_CONFIG names, else ./config.toml."""
    return path or Path(environ.get(FILE_VARIABLE) or DEFAULT_FILE)


def settle(
    tree: Mapping[str, Any], environ: Mapping[str, str], *, folder: Path, where: str
) -> Settings:
    """The settings that a tree of values and the environment make, wherever the tree came from.

    Args:
        tree: as tomllib gives it.
        folder: what relative paths count from; absolute.
        where: names the tree in faults.

    Raises:
        ConfigFault: all that is wrong, one line a fault.
    """
    walk, overlay, settings = _walk(tree, environ, folder)
    return _settled(settings, [*overlay.faults, *walk.faults], where)


def _walk(
    tree: Mapping[str, Any], environ: Mapping[str, str], folder: Path
) -> tuple[Walk, Overlay, Any]:
    overlay = Overlay(tree, environ)
    walk = Walk(folder, overlay.variables)
    return walk, overlay, walk.struct(Settings, overlay.tree, ())


def _settled(settings: Any, faults: list[str], where: str) -> Settings:
    if faults or settings is UNSET:
        raise ConfigFault(faults, where)
    assert isinstance(settings, Settings)
    return settings


def _text(file: Path) -> str | None:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigFault(
            [f"cannot be read ({reason}); check its path and mode"], str(file)
        ) from error
    except UnicodeDecodeError:
        # The decoder's own words would quote the file, and with it a secret.
        raise ConfigFault(["is not UTF-8 text; save it as UTF-8"], str(file)) from None


def _tree(text: str, file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, place, line = str(error).partition(" (at line ")
        number = line.partition(",")[0] if place else str(text.count("\n") + 1)
        where = f"{file}:{number}"
        raise ConfigFault([f"{what}; correct the TOML in this line"], where) from None

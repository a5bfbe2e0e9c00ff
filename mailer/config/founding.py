"""Founds a press office in a folder: settings, keys and, between the two, the caller's database.

1. Refuse where settings are; work out and check the new ones. Nothing is written yet.
2. Write the keys that are not there; each appears whole, readable by its owner alone.
3. The caller brings the database to head.
4. Write the settings, whole and last, and never over others.

So whatever stops it half-way, there are no half settings, and running it again finishes the work.
"""

import os
import secrets
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mailer.config.example import filled
from mailer.config.fresh_file import telling, write_new
from mailer.config.kinds import is_loopback, newsroom_key_fault, time_zone_fault
from mailer.config.read import DEFAULT_FILE, settle
from mailer.config.settings import Settings
from mailer.core.errors import ConfigFault, NotAllowed

KEYS = ("tokens", "returns", "suppression")
WHERE = "What you asked for"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the operator said; None and empty leave it to us.

    Attributes:
        relay: smtp://host:port, smtps://host:port, or a folder.
    """

    newsroom: str
    name: str
    base_url: str
    relay: str
    languages: tuple[str, ...] = ()
    time_zone: str | None = None
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be written, checked before anything is.

    Attributes:
        file: where the settings go.
        text: the settings file.
    """

    file: Path
    text: str
    environ: Mapping[str, str]

    def settings(self, **keys: Any) -> Settings:
        """The settings that will be in force; `keys` stand in for keys that are not written yet.

        Raises:
            ConfigFault: all that is wrong with them.
        """
        tree = tomllib.loads(self.text)
        tree["keys"] |= keys
        return settle(tree, self.environ, folder=self.file.absolute().parent, where=WHERE)


def plan(folder: Path, wishes: Wishes, environ: Mapping[str, str]) -> Plan:
    """Work out and check the settings.

    Raises:
        NotAllowed: there are settings already.
        ConfigFault: a wish is wrong.
    """
    file = folder / DEFAULT_FILE
    if os.path.lexists(file):
        raise NotAllowed(
            f"There are settings already: {file}", "change them there, or choose another folder"
        )
    words = newsroom_key_fault(wishes.newsroom)
    if words is not None:
        raise ConfigFault([f"newsroom: {words}"], WHERE)
    planned = Plan(file, filled(_values(wishes, environ), newsroom=wishes.newsroom), environ)
    fresh = [secrets.token_urlsafe(32) for _ in KEYS]
    planned.settings(tokens=[fresh[0]], returns=[fresh[1]], suppression=fresh[2])
    return planned


def write_keys(planned: Plan) -> dict[Path, bool]:
    """Make the keys that are not there; those that are stay.

    Returns:
        Each key's file, and whether it was made now.
    """
    folder = planned.file.parent / "keys"
    with telling(folder):
        folder.mkdir(parents=True, exist_ok=True)
        return {
            folder / name: write_new(folder / name, f"{secrets.token_urlsafe(32)}\n")
            for name in KEYS
        }


def write_settings(planned: Plan) -> None:
    """Make the settings appear, whole.

    Raises:
        NotAllowed: somebody else wrote settings meanwhile; theirs stay.
    """
    with telling(planned.file):
        if not write_new(planned.file, planned.text):
            raise NotAllowed(f"Settings appeared meanwhile: {planned.file}", "look at them first")


def _values(wishes: Wishes, environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        "site.base_url": wishes.base_url,
        "newsroom.name": wishes.name,
        "newsroom.languages": wishes.languages or ("en",),
        "newsroom.time_zone": wishes.time_zone or _machine_zone(environ),
        "newsroom.sender": wishes.sender or _sender(wishes.base_url),
        **_relay(wishes.relay),
    }


def _relay(text: str) -> dict[str, Any]:
    if "://" not in text:
        unset = {"relay.host": None, "relay.port": None, "relay.security": None}
        return {**unset, "relay.folder": text}
    cure = "write smtp://host:port, smtps://host:port or a folder"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ConfigFault(
            [f"relay: its port is not a number from 0 to 65535; {cure}"], WHERE
        ) from error
    if "@" in parts.netloc:
        # Everybody on the machine may see a command's words.
        where = "write username and password into the settings, or MAILER_RELAY__0__PASSWORD"
        raise ConfigFault([f"relay: a login does not belong on a command line; {where}"], WHERE)
    host = parts.hostname
    if parts.scheme not in {"smtp", "smtps"} or not host or parts.path.strip("/") or parts.query:
        raise ConfigFault([f"relay: names no relay; {cure}"], WHERE)
    if parts.scheme == "smtps" or port == 465:
        security = "tls"
    else:
        security = "none" if is_loopback(host) else "starttls"
    return {"relay.host": host, "relay.port": port, "relay.security": security}


def _sender(base_url: str) -> str:
    with suppress(ValueError):
        host = urlsplit(base_url).hostname
        if host and not is_loopback(host):
            return f"press@{host}"
    return "press@localhost"


def _machine_zone(environ: Mapping[str, str]) -> str:
    """This machine's time zone by name; UTC where it has none."""
    linked = os.path.realpath("/etc/localtime").partition("zoneinfo/")[2]
    for zone in (environ.get("TZ", "").lstrip(":"), linked):
        if zone and time_zone_fault(zone) is None:
            return zone
    return "UTC"

"""Writes a settings file from the shipped example: same keys, same order, same words, other values.

The example is read line by line. A line `key = value` or `# key = value` under a section header
stands for one key; whatever else stands there is kept as it is. A header behind "# " is one too. So a
new key in the example is in every file that is written from then on.
"""

import re
from collections.abc import Mapping
from typing import Any

from mailer import resources
from mailer.config.wording import as_toml

_HEADER = re.compile(r'(?:# )?\[{1,2}([a-z0-9_."*-]+)\]{1,2}')
_KEY = re.compile(r"(# )?([a-z0-9_]+) = (.+)")

EXAMPLE_NEWSROOM = "press"


def example_text() -> str:
    """The shipped example."""
    return resources.example_config().read_text("utf-8")


def filled(values: Mapping[str, Any], *, newsroom: str) -> str:
    """The example with `values` in place.

    Args:
        values: by place, as "relay.host", "newsroom.name" or "newsroom.dkim.selector"; None turns a
            key off.
        newsroom: the key of the newsroom, in place of the example's.

    Raises:
        KeyError: the example has no such key; a fault in the program.
    """
    left = dict(values)
    section, lines = "", []
    for line in example_text().splitlines():
        header, key = _HEADER.fullmatch(line), _KEY.fullmatch(line)
        if header:
            section = header[1].replace(f".{EXAMPLE_NEWSROOM}", "", 1)
            lines.append(line.replace(f"[newsroom.{EXAMPLE_NEWSROOM}", f"[newsroom.{newsroom}", 1))
        elif key and f"{section}.{key[2]}" in left:
            lines.append(_set(key, left.pop(f"{section}.{key[2]}")))
        else:
            lines.append(line)
    if left:
        raise KeyError(f"the example has no key {', '.join(left)}")
    text = "\n".join(lines).replace(f"__{EXAMPLE_NEWSROOM.upper()}__", _variable(newsroom)) + "\n"
    return text.replace(f'# newsroom = "{EXAMPLE_NEWSROOM}"', f'# newsroom = "{newsroom}"')


def _set(key: re.Match[str], value: Any) -> str:
    return f"# {key[2]} = {key[3]}" if value is None else f"{key[2]} = {as_toml(value)}"


def _variable(newsroom: str) -> str:
    return f"__{newsroom.upper().replace('-', '_')}__"

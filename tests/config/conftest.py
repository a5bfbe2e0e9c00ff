"""Settings as an operator would write them: good ones, which each test then spoils."""

from collections.abc import Callable
from pathlib import Path

import pytest

GOOD = """
[site]
base_url = "https://press.example.org"
[keys]
tokens = ["token-key-0123456789"]
returns = ["returns-key-0123456789"]
suppression = "suppression-key-0123456789"
[[relay]]
host = "127.0.0.1"
security = "none"
[newsroom.um]
name = "Udenrigsministeriet"
languages = ["da", "en"]
time_zone = "Europe/Copenhagen"
sender = "presse@um.example"
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes settings that their owner alone may read, good ones with `(old, new)` changes."""

    def settings(*changes: tuple[str, str], more: str = "") -> Path:
        text = GOOD + more
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "config.toml"
        path.touch(0o600)
        path.write_text(text, "utf-8")
        return path

    return settings

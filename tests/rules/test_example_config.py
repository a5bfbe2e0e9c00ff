"""The example of the settings says what the code does: every key, every default, nothing else.

A key behind "# " shows its default. Where what is shown is not the default, the comment above says
"Required." or "Default: ...". A section behind "# " is there only where somebody writes it.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields

from mailer.config import Settings, load
from mailer.config.example import EXAMPLE_NEWSROOM, example_text, filled
from mailer.config.secret import Secret
from mailer.config.wording import as_toml
from mailer.core.pace import EVERY_OTHER


@dataclass(frozen=True)
class Entry:
    """One key of the example: the sentences above it, and what it shows."""

    words: str
    value: Any


def struct_of(field: FieldInfo) -> type[Struct] | None:
    """The struct that a field holds one or more of."""
    types = [field.type, *get_args(field.type)]
    structs = (type_ for type_ in types if isinstance(type_, type) and issubclass(type_, Struct))
    return next(structs, None)


def sections() -> dict[str, type[Struct]]:
    """The struct of each section, by the section's words without the newsroom's key."""
    found: dict[str, type[Struct]] = {}
    for field in fields(Settings):
        section = struct_of(field)
        assert section is not None
        found[field.name] = section
        for inner in fields(section):
            below = struct_of(inner)
            if below is not None:
                found[f"{field.name}.{inner.name}"] = below
    return found


def entries() -> dict[str, Entry]:
    """The example's keys, by section and name, in its order."""
    found: dict[str, Entry] = {}
    section, words = "", list[str]()
    for line in example_text().splitlines():
        header = re.fullmatch(r'(?:# )?\[+([a-z.]+?)(?:\."[^"]+")?\]+', line)
        key = re.fullmatch(r"(?:# )?([a-z0-9_]+) = (.+)", line)
        if header:
            section, words = header[1].replace(f".{EXAMPLE_NEWSROOM}", ""), []
        elif key:
            value = tomllib.loads(f"value = {key[2]}")["value"]
            assert f"{section}.{key[1]}" not in found
            found[f"{section}.{key[1]}"] = Entry("\n".join(words), value)
        else:
            words = [*words, line] if line else []
    return found


def declared() -> dict[str, FieldInfo]:
    """The settings' fields, by section and name; a field that is a section has no line of its own."""
    return {
        f"{name}.{field.name}": field
        for name, section in sections().items()
        for field in fields(section)
        if f"{name}.{field.name}" not in sections()
    }


def test_the_example_has_every_key_and_no_other() -> None:
    assert list(entries()) != []
    assert set(entries()) == set(declared())


@pytest.mark.parametrize("place", sorted(declared()))
def test_each_key_shows_its_default_and_says_why(place: str) -> None:
    field, entry = declared()[place], entries()[place]

    sentence = re.sub(r"^# ", "", entry.words, flags=re.MULTILINE)
    reason = re.sub(r"\n?(Required|Default: .*)\.$", "", sentence)
    assert len(reason.split()) >= 4, "one sentence of why"
    assert reason.endswith(".")
    if field.required:
        assert sentence.endswith("Required.")
    elif default_of(field) is None:
        assert sentence.endswith("Default: none.")
    elif entry.value != as_plain(default_of(field)):
        assert sentence.endswith(f"Default: {as_toml(default_of(field))}.")
    else:
        assert "Default:" not in sentence


def default_of(field: FieldInfo) -> Any:
    """The default, which for a table is made anew each time."""
    return field.default if field.default_factory is NODEFAULT else field.default_factory()


def as_plain(default: Any) -> Any:
    """A default as TOML would give it."""
    if isinstance(default, Secret):
        return default.reveal()
    if isinstance(default, Path):
        return str(default)
    return list(default) if isinstance(default, tuple) else default


def test_the_example_can_be_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    for name in ("tokens", "returns", "suppression"):
        key = tmp_path / "keys" / name
        key.write_text(f"{name}-key-0123456789\n")
        key.chmod(0o600)
    (tmp_path / "config.toml").write_text(example_text(), "utf-8")

    assert load(tmp_path / "config.toml", {}).web.port == 8080


def test_every_key_uncommented_is_a_key_the_settings_know(tmp_path: Path) -> None:
    """Read with every "# key" in force: what then is wrong is what cannot go together, never a name."""
    text = re.sub(r"^# (\[[^]]+\]+$|[a-z0-9_]+ = )", r"\1", example_text(), flags=re.MULTILINE)
    tree = tomllib.loads(text)

    for name, section in sections().items():
        given: Any = tree
        for word in name.split("."):
            given = given[word]
            given = (
                given[0]
                if isinstance(given, list)
                else given.get(EXAMPLE_NEWSROOM, given.get(EVERY_OTHER, given))
            )
        assert set(given) == {field.name for field in fields(section)}


def test_what_is_filled_in_changes_those_keys_alone() -> None:
    text = filled({"newsroom.name": 'Æ "quoted" \x7f', "relay.port": None}, newsroom="um-en")

    before, after = tomllib.loads(example_text()), tomllib.loads(text)
    before["newsroom"]["um-en"] = before["newsroom"].pop(EXAMPLE_NEWSROOM)
    before["newsroom"]["um-en"]["name"] = 'Æ "quoted" \x7f'
    del before["relay"][0]["port"]
    assert after == before
    assert len(text.splitlines()) == len(example_text().splitlines())


def test_a_section_that_is_off_keeps_to_the_newsroom() -> None:
    text = filled({"newsroom.dkim.selector": "s1"}, newsroom="um-en")

    assert "\n# [[newsroom.um-en.dkim]]\n" in text
    assert EXAMPLE_NEWSROOM not in tomllib.loads(text)["newsroom"]
    found = tomllib.loads(text.replace("# [[newsroom.um-en.dkim]]", "[[newsroom.um-en.dkim]]"))
    assert found["newsroom"]["um-en"]["dkim"] == [{"selector": "s1"}]


def test_filling_in_a_key_that_is_not_there_fails() -> None:
    with pytest.raises(KeyError, match="weather"):
        filled({"site.weather": "fine"}, newsroom="um")

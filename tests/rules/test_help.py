"""Every command is there, can be learnt from its own help, and is listed as what it says it is."""

import inspect
import re
from collections.abc import Iterator
from importlib import import_module

import click
import pytest

from mailer.cli.main import COMMANDS, cli


def leaves(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """The commands below `command` that do something."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    for below, found in command.commands.items():
        yield from leaves(found, f"{name} {below}")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_row_of_the_table_is_a_command(name: str) -> None:
    row = COMMANDS[name]

    command = getattr(import_module(row.module), row.attribute)

    assert isinstance(command, click.Command)
    assert command.name == name
    first = inspect.cleandoc(command.help or "").partition("\n\n")[0]
    assert re.split(r"(?<=\.) ", " ".join(first.split()))[0] == row.help, "its first sentence"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_teaches_itself(name: str) -> None:
    row = COMMANDS[name]
    found = list(leaves(getattr(import_module(row.module), row.attribute), name))

    assert found
    for words, command in found:
        help_text = inspect.cleandoc(command.help or "")
        assert re.search(rf"^Examples?:\n(?s:.)*mailer .*{words.split()[-1]}", help_text, re.M), (
            words
        )
        assert re.search(r"^Exit codes:\n +0 ", help_text, re.M), words
        for option in command.params:
            assert not isinstance(option, click.Option) or option.help, f"{words} {option.opts}"


def test_the_front_page_lists_every_command_and_exit_code() -> None:
    text = cli.get_help(click.Context(cli, info_name="mailer"))

    assert all(
        re.search(rf"^  {name} +{re.escape(row.help[:20])}", text, re.M)
        for name, row in COMMANDS.items()
    )
    for code in (0, 1, 2, 69, 70, 75, 130, 141):
        assert re.search(rf"^ +{code} +\w", text, re.M)

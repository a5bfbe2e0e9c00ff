"""What a command is given beside its words: a document, and somebody's yes."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def attach_option(how: str) -> Callable[[Any], Any]:
    """`--attach FILE`, once for each file; `how` is its help."""
    return click.option(
        "--attach",
        metavar="FILE",
        multiple=True,
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help=how,
    )


def content(document: Path) -> bytes:
    """The whole of a file, or of standard input where its name is `-`.

    Raises:
        UsageError: it cannot be read.
    """
    if str(document) == "-":
        return sys.stdin.buffer.read()
    try:
        return document.read_bytes()
    except OSError as error:
        raise click.UsageError(f"{document}: {error.strerror}") from error


def confirm(question: str, *, warning: str = "This cannot be undone") -> None:
    """Go on only if somebody at the terminal says yes.

    Raises:
        UsageError: nobody is there to be asked; says `warning`, and the option that needs no asking.
        Abort: they said no.
    """
    if not sys.stdin.isatty():
        raise click.UsageError(f"{warning}: say --yes, for nobody can be asked.")
    click.confirm(question, abort=True, err=True)

"""Tells what happens, in plain words on the terminal, and keeps count of what was expected and held."""

import shlex
import textwrap
from collections.abc import Callable, Sequence

import click

from mailer.core.errors import MailerError

_WIDTH = 88
_INDENT = "   "
_OUTPUT = _INDENT + "  "
_TICK = "\N{CHECK MARK}"


class ExpectationFailed(MailerError):
    """Something did not go as the story says it goes."""

    exit_code = 1


class Narrator:
    """Tells a story.

    Args:
        write: prints one line or several.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._chapters = 0
        self.held = 0

    def title(self, text: str) -> None:
        """Head the story."""
        self._write(f"\n{click.style(text, bold=True)}")

    def chapter(self, heading: str, words: str = "") -> None:
        """Begin the next chapter."""
        self._chapters += 1
        number = click.style(f"{self._chapters:<{len(_INDENT)}}", fg="cyan", bold=True)
        self._write(f"\n{number}{click.style(heading, bold=True)}")
        if words:
            self.say(words)

    def say(self, words: str) -> None:
        """Tell a paragraph."""
        self._write(
            textwrap.fill(
                words,
                _WIDTH,
                initial_indent=_INDENT,
                subsequent_indent=_INDENT,
                break_long_words=False,
                break_on_hyphens=False,
            )
        )

    def command(self, words: Sequence[str], *, beside: bool = False) -> None:
        """Show a command as an operator types it; one that runs `beside` others ends in an ampersand."""
        typed = f"$ {_typed(words)}{' &' if beside else ''}"
        self._write(f"{_INDENT}{click.style(typed, fg='cyan')}")

    def output(self, text: str) -> None:
        """Show what a command said."""
        if text.strip():
            self._write(click.style(textwrap.indent(text.rstrip(), _OUTPUT), dim=True))

    def letter(self, lines: str) -> None:
        """Show a mail with a bar beside it."""
        bar = f"{_INDENT}\N{BOX DRAWINGS LIGHT VERTICAL} "
        self._write(textwrap.indent(lines.rstrip(), bar, lambda _line: True))

    def columns(self, rows: Sequence[tuple[str, str]]) -> None:
        """Show pairs, the second of each under that of the others."""
        width = max(len(first) for first, _ in rows)
        for first, second in rows:
            self._write(f"{_INDENT}{first:<{width}}  {second}")

    def expect(self, what: str, found: object, wanted: object = True) -> None:
        """Hold the story to its word, and say so.

        Args:
            what: what is expected, as a sentence without a full stop.

        Raises:
            ExpectationFailed: `found` is not `wanted`.
        """
        self.require(what, found, wanted)
        self._write(f"{_INDENT}{click.style(_TICK, fg='green', bold=True)} {what}")

    def require(self, what: str, found: object, wanted: object = True) -> None:
        """Hold the story to something too small to be told."""
        if found != wanted:
            detail = "" if isinstance(wanted, bool) else f": wanted {wanted}, found {found}"
            raise ExpectationFailed(
                f"An expectation failed: {what}{detail}",
                "mails and logs lie in the demonstration's folder; `mailer demo` starts anew",
            )
        self.held += 1


def _typed(words: Sequence[str]) -> str:
    """The command on as many lines as it needs, as a shell reads it."""
    lines = [""]
    for word in map(shlex.quote, words):
        if len(lines[-1]) + len(word) > _WIDTH - 12 and word.startswith("--"):
            lines.append(f"{_OUTPUT}  ")
        lines[-1] += f" {word}" if lines[-1].strip() else word
    return " \\\n".join(lines)

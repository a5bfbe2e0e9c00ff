"""The front door: finds the command, loads only what it needs, makes each fault an exit code.

Exit codes: 0 done; 1 a check found a fault; 2 wrong usage or settings; 69 a needed service is not
there; 70 a fault in this program; 75 work remains that a later run will finish; 130 interrupted;
141 the reader of our output went away.
"""

import gc
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from mailer import __version__
from mailer.cli import show
from mailer.core.errors import MailerError

if TYPE_CHECKING:
    from mailer.config.settings import Settings

INTERRUPTED = 130
OUTPUT_CLOSED = 141
OUR_FAULT = 70
_OBJECTS = 50_000
"""So many more before garbage is looked for: at Python's 700 loading us costs a tenth more."""


@dataclass(frozen=True, slots=True)
class Row:
    """Where a command lives, and its one line of help: known without importing it."""

    module: str
    attribute: str
    help: str


COMMANDS: dict[str, Row] = {
    "init": Row(
        "mailer.cli.admin", "init", "Make a press office: settings, fresh keys, a database."
    ),
    "run": Row(
        "mailer.cli.dispatch",
        "run",
        "Serve the pages, send what is due and keep the timers, in one process: "
        "the one-machine default.",
    ),
    "serve": Row("mailer.cli.dispatch", "serve", "Serve the pages alone; `mailer dispatch` sends."),
    "dispatch": Row(
        "mailer.cli.dispatch",
        "dispatch",
        "Work off everything that is due: poll sources, publish, send, tidy up.",
    ),
    "release": Row(
        "mailer.cli.release",
        "release",
        "Add, list, show, preview and send releases; stop what is under way.",
    ),
    "source": Row(
        "mailer.cli.source",
        "source",
        "List sources, poll them now, and try out what would become of what they hold.",
    ),
    "digest": Row(
        "mailer.cli.digest",
        "digest",
        "List digests; stop those that are under way, let them go on, or end them.",
    ),
    "subscriber": Row(
        "mailer.cli.subscriber", "subscriber", "Add, import, list and end subscriptions."
    ),
    "signup": Row(
        "mailer.cli.signup",
        "signup",
        "Look at confirmations that were held, let them go or drop them; print the box for other "
        "sites.",
    ),
    "status": Row("mailer.cli.standing", "status", "Tell what is due, held, under way and done."),
    "retry": Row(
        "mailer.cli.retry",
        "retry",
        "Make deliveries due now that wait for a later try, or were given up.",
    ),
    "settle": Row(
        "mailer.cli.settle",
        "settle",
        "Decide what became of messages whose reply was never seen, or list them.",
    ),
    "verify": Row(
        "mailer.cli.proof",
        "verify",
        "Prove that everybody got what they asked for, or name every gap.",
    ),
    "upkeep": Row(
        "mailer.cli.upkeep",
        "upkeep",
        "Let go of what has been kept long enough, or tell what would go.",
    ),
    "keys": Row("mailer.cli.keys", "keys", "Make the keys that sign mails."),
    "db": Row(
        "mailer.cli.admin", "db", "Bring the database to this program's schema, or check it."
    ),
    "demo": Row("mailer.cli.demo", "demo", "Show a press office's first day on this machine."),
}


@dataclass(frozen=True, slots=True)
class Invocation:
    """What was asked of every command alike.

    Attributes:
        config: the settings file, None for the usual one.
        verbose: how often -v was given; 1 tells more, 2 shows addresses in full.
    """

    config: Path | None = None
    verbose: int = 0

    def settings(self) -> "Settings":
        """The settings in force; from here on, log lines go where they say.

        Raises:
            ConfigFault: all that is wrong with them.
        """
        from mailer.cli import logs  # noqa: PLC0415 - help needs neither settings nor logs
        from mailer.config import load  # noqa: PLC0415 - as above

        settings = load(self.config, os.environ)
        logs.start(level=settings.log.level, form=settings.log.format, verbose=self.verbose)
        return settings


class Door(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order an operator meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        row = COMMANDS.get(cmd_name)
        if row is None:
            return None
        found = getattr(import_module(row.module), row.attribute)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, so that help imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, row.help) for name, row in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that `args` name, or a suggestion."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches  # noqa: PLC0415 - for a mistyped command alone

            near = get_close_matches(args[0], COMMANDS, n=1)
            cure = f"Did you mean {near[0]}?" if near else "mailer --help lists them."
            ctx.fail(f"There is no command {args[0]!r}. {cure}")
        return super().resolve_command(ctx, args)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the words; `--help` and `--version` already print here."""
        try:
            return super().make_context(*args, **extra)
        except BrokenPipeError:
            _silence()
            raise click.exceptions.Exit(OUTPUT_CLOSED) from None

    def invoke(self, ctx: click.Context) -> None:
        """Run the command; what it could not do is said, and becomes its exit code."""
        try:
            super().invoke(ctx)
        except MailerError as error:
            show.complain(str(error))
            ctx.exit(error.exit_code)
        except BrokenPipeError:
            _silence()
            ctx.exit(OUTPUT_CLOSED)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, and end the process with the exit code that the outcome has."""
        run = partial(super().main, args, prog_name, complete_var, standalone_mode=False, **extra)
        if not standalone_mode:
            return run()
        sys.exit(_code(run))


def _code(run: Callable[[], Any]) -> int:
    try:
        code = run()
        sys.stdout.flush()  # a closed pipe must show here, not when the interpreter ends
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return INTERRUPTED
    except BrokenPipeError:
        _silence()
        return OUTPUT_CLOSED
    except Exception as error:  # noqa: BLE001 - the last place where a surprise can be reported
        show.confess(error)
        return OUR_FAULT
    return code if isinstance(code, int) else 0


def _silence() -> None:
    """Let nothing more be written: the interpreter flushes standard output once more at its end."""
    with suppress(OSError):  # a test's standard output has no file behind it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(cls=Door, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The settings file.  [default: what MAILER_CONFIG names, else ./config.toml]",
)
@click.option("-v", "--verbose", count=True, help="Tell more; twice shows addresses in full.")
@click.version_option(__version__, message="mailer %(version)s")
@click.pass_context
def cli(ctx: click.Context, config: Path | None, verbose: int) -> None:
    """Press releases by mail: every confirmed subscriber gets every release they asked for, once.

    Begin with `mailer demo` to see it work, or `mailer init` to make a press office of your own.

    \b
    Example:
      mailer init press-office --name "Ministry of Weather" --base-url https://press.example.org

    \b
    Exit codes:
      0    done
      1    a check found a fault
      2    wrong usage or settings
      69   a needed service is not there
      70   a fault in this program
      75   work remains that a later run will finish
      130  interrupted
      141  the reader of the output went away
    """
    ctx.obj = Invocation(config, verbose)


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code."""
    gc.set_threshold(_OBJECTS)
    cli.main(args=None if args is None else list(args), prog_name="mailer")
    raise AssertionError("the door always ends the process")

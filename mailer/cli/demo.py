"""Shows a press office's first day on this machine: `mailer demo`."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from mailer.cli import show


@click.command()
@click.option(
    "--dir",
    "folder",
    default="demo",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where everything goes; what an earlier demo left there is made anew.",
)
@click.option(
    "--stay", is_flag=True, help="Keep pages and post office open, with an inbox to read."
)
@click.option(
    "--port",
    default=0,
    metavar="N",
    type=click.IntRange(0, 65535),
    help="Of the office's pages.  [default: a free one]",
)
@show.json_option
def demo(folder: Path, stay: bool, port: int, as_json: bool) -> None:
    """Show a press office's first day on this machine.

    End to end, with real parts: three visitors sign up, two confirm, three releases go out, one
    reader leaves, and the office proves that all is accounted for. Each command is shown as you
    would type it, and each claim is checked. With --stay, sign up yourself afterwards and read your
    mail in the browser.

    \b
    Example:
      mailer demo --stay

    \b
    Exit codes:
      0    every expectation held
      1    an expectation failed, and it is named
      2    DIR is not ours to use
      69   a port is taken, or a server ended by itself
      130  stopped by Ctrl-C; nothing is left running
    """
    from mailer.demo.narrator import ExpectationFailed, Narrator  # noqa: PLC0415 - help needs none
    from mailer.demo.stage import staged  # noqa: PLC0415 - as above
    from mailer.demo.story import first_day  # noqa: PLC0415 - as above

    tell = Narrator((lambda _line: None) if as_json else click.echo)
    with _stoppable(), staged(folder, port=port, tell=tell) as stage:
        try:
            day = first_day(stage)
        except ExpectationFailed as failed:
            show.emit({"ok": False, "failed": failed.what}, as_json=as_json, text="")
            raise
        if not stay:
            show.emit(day, as_json=as_json, text="")
            return
        from mailer.demo.stay import doors_open  # noqa: PLC0415 - for a guest who stays alone

        with doors_open(stage) as doors:
            show.emit(replace(day, inbox=doors.inbox), as_json=as_json, text="")
            doors.office.wait()


@contextmanager
def _stoppable() -> Iterator[None]:
    """A stop from a terminal, a service manager or a terminal that closes: each ends all we began."""
    before = {
        number: signal.signal(number, signal.default_int_handler)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN  # nohup
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

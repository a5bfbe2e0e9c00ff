"""Follows an import while it runs, so that it can be watched, and stopped between two batches."""

import csv
import os
import signal
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, TYPE_CHECKING, Any, BinaryIO

import click

from mailer.cli import show
from mailer.cli.main import INTERRUPTED
from mailer.core.errors import MailerError

if TYPE_CHECKING:
    from rich.progress import Progress

    from mailer.services.imports import Batch, Refused, Tally


class ImportReport:
    """What an import says of itself: refused lines as they come, a progress bar, the sum at the end.

    Used as a context manager it catches Ctrl-C and SIGTERM: the batch in hand is finished, then the
    import stops. A second Ctrl-C stops at once, and the database undoes the batch in hand.

    Args:
        file: the list that is read.
        refused: where refused lines go as CSV; None sends them to standard error.

    Raises:
        MailerError: the file for refused lines cannot be written, or is the list itself.
    """

    def __init__(self, file: BinaryIO, refused: str | None) -> None:
        self.name = str(getattr(file, "name", "-"))
        self._file = file
        self._refused_to = refused
        self._refused: IO[str] | None = None
        self._progress: Progress | None = None
        self._tally: Tally | None = None
        self._open = ExitStack()
        self.stopped = False

    def __enter__(self) -> "ImportReport":
        if self._refused_to is not None:
            self._refused = self._open.enter_context(self._refused_file(self._refused_to))
            csv.writer(self._refused).writerow(("line", "address", "reason"))
        for number in (signal.SIGINT, signal.SIGTERM):
            before = signal.signal(number, self._stop)
            self._open.callback(signal.signal, number, before)
        if sys.stderr.isatty():
            self._progress = self._open.enter_context(_progress_bar(_size(self._file)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()
        if error is not None and self._tally is not None:
            show.complain(f"stopped early; what was imported stands. {self.summary()}")

    def follow(self, batches: "Iterable[Batch]") -> None:
        """Work through an import, batch by batch, until it is done or somebody stops it."""
        for batch in batches:
            self._tally = batch.tally
            self._report(batch.refused)
            if self._progress is not None:
                self._progress.update(
                    self._progress.task_ids[0],
                    completed=_position(self._file),
                    read=batch.tally.read,
                )
            if self.stopped:
                break

    def result(self) -> dict[str, Any]:
        """The sum, as `--json` gives it."""
        counts = (
            {name: getattr(self._tally, name) for name in self._tally.__slots__}
            if self._tally is not None
            else dict.fromkeys(("read", "imported", "already", "duplicates", "refused"), 0)
        )
        return {**counts, "interrupted": self.stopped}

    def summary(self) -> str:
        """The sum in words."""
        sums = self.result()
        said = (
            f"{sums['read']:,} lines: {sums['imported']:,} imported, {sums['already']:,} already"
            f" there, {sums['duplicates']:,} repeated, {sums['refused']:,} refused"
        )
        if self.stopped:
            said += "\nInterrupted: these stand. Run the same import again and it goes on."
        return said

    def exit_code(self) -> int:
        """130 after an interruption, 1 where lines were refused, else 0."""
        if self.stopped:
            return INTERRUPTED
        return 1 if self._tally is not None and self._tally.refused else 0

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopped = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def _refused_file(self, name: str) -> IO[str]:
        path = Path(name)
        if path.exists() and Path(self.name).exists() and path.samefile(self.name):
            raise MailerError(f"{name} is the list itself", "name another file after --refused")
        try:
            return path.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise MailerError(
                f"{name} cannot be written: {error.strerror}", "name another file after --refused"
            ) from error

    def _report(self, refused: "tuple[Refused, ...]") -> None:
        if self._refused is not None:
            csv.writer(self._refused).writerows(
                (one.line, one.address, one.reason) for one in refused
            )
            self._refused.flush()
            return
        for one in refused:
            said = show.visible(f"{self.name}:{one.line}: {one.address}: {one.reason}")
            if self._progress is not None:
                self._progress.console.print(said, markup=False, highlight=False, soft_wrap=True)
            else:
                click.echo(said, err=True)


def _size(file: BinaryIO) -> int | None:
    try:
        return os.fstat(file.fileno()).st_size or None
    except OSError:  # standard input without a file behind it
        return None


def _position(file: BinaryIO) -> int | None:
    try:
        return file.tell()
    except OSError:
        return None


def _progress_bar(size: int | None) -> "Progress":
    from rich.console import Console  # noqa: PLC0415 - only for somebody who watches
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415 - as above

    progress = Progress(
        TextColumn("Importing"),
        BarColumn(),
        TextColumn("{task.fields[read]:,} lines"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    progress.add_task("import", total=size, read=0)
    return progress

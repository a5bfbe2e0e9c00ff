"""Holds a command on a leash: however its owner ends, even by kill -9, the command ends too.

    python -m mailer.demo.leash COMMAND...

The owner holds the other end of standard input and never writes to it. When that end closes, the
command is asked to stop (SIGTERM), and ended ten seconds later if it has not.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence

_GRACE_SECONDS = 10


def hold(command: Sequence[str]) -> int:
    """Run `command` until it ends or standard input closes; its exit code."""
    held = subprocess.Popen(  # noqa: S603 - what our own owner asks for; no shell reads it
        command, stdin=subprocess.DEVNULL
    )
    threading.Thread(target=_end_with_owner, args=(held,), daemon=True).start()
    return held.wait()


def _end_with_owner(held: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1024):  # past sys.stdin, whose lock would be held when the interpreter ends
        continue
    held.terminate()
    try:
        held.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        held.kill()


if __name__ == "__main__":
    sys.exit(hold(sys.argv[1:]))

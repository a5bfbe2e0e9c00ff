"""Does at once what many visitors ask for at the same moment: one transaction and one commit for all of them.

Together      whoever comes while nobody is served is served at once; who comes meanwhile waits, and all who
              wait are served together as soon as that is done. So under load a commit to the disk serves
              many, and a lone visitor waits for nobody. Nobody is answered before the commit.
each_its_own  a fault in one costs the others nothing but time

Visitors that hang up are served all the same: what they asked for was asked. Who waits as the process
ends was told nothing, and nothing was done for them.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from mailer.core.errors import Crossed, ServiceMissing, TryLater

Asked = TypeVar("Asked")
Given = TypeVar("Given")

MOST_AT_ONCE = 200
"""So many are served by one transaction: some tenths of a second of work for whoever else writes."""
BREATH_SECONDS = 0.002
"""Between two transactions of one process for that of another, where writers have no queue (SQLite): who
looks every millisecond must not find it taken anew."""
TRIES = 3
"""Of a transaction that another one crosses."""
MOST_WAITING = 2000
"""More than can be served before they would give up."""


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Asked, Given]):
    asked: Asked
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[Given]"


class Together(Generic[Asked, Given]):
    """Serves visitors of event loops in a thread of its own.

    Args:
        serve: what each of some visitors is given, or the error that is theirs, in their order; raises what
            is everybody's.
        most_waiting: further visitors are asked to come back.
        breath: seconds between two transactions.
    """

    def __init__(
        self,
        serve: Callable[[Sequence[Asked]], Sequence[Given | Exception]],
        *,
        most_waiting: int = MOST_WAITING,
        breath: float = 0.0,
    ) -> None:
        self._serve = serve
        self._most_waiting = most_waiting
        self._breath = breath
        self._waiting: deque[_Waiting[Asked, Given]] = deque()
        self._lock = threading.Lock()
        self._serving = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="together")

    async def do(self, asked: Asked) -> Given:
        """Be served, with all who ask at the same moment.

        Raises:
            TryLater: too many wait already, or the database was busy for too long.
            Further as `serve` does, or gives.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Given] = loop.create_future()
        with self._lock:
            if len(self._waiting) >= self._most_waiting:
                raise TryLater("More visitors wait than can be served", "try again in a minute")
            self._waiting.append(_Waiting(asked, loop, answer))
            begins, self._serving = not self._serving, True
        if begins:
            self._thread.submit(self._serve_all)
        return await answer

    def _serve_all(self) -> None:
        while some := self._next():
            given: Sequence[Given | Exception]
            try:
                given = self._serve([one.asked for one in some])
            except Exception as error:  # noqa: BLE001 - it is raised where they wait
                if isinstance(error, TryLater | ServiceMissing):
                    some += self._all()  # who would wait anew, and as long
                given = [error] * len(some)
            _hand_out(some, given)
            time.sleep(self._breath)

    def _next(self) -> list[_Waiting[Asked, Given]]:
        with self._lock:
            some = [self._waiting.popleft() for _ in range(min(MOST_AT_ONCE, len(self._waiting)))]
            self._serving = bool(some)
        return some

    def _all(self) -> list[_Waiting[Asked, Given]]:
        with self._lock:
            some = list(self._waiting)
            self._waiting.clear()
        return some


def each_its_own(
    asked: Sequence[Asked], serve: Callable[[Sequence[Asked]], Sequence[Given]]
) -> list[Given | Exception]:
    """What `serve` gives to all of them together; where it fails, what it gives to each alone, or why not.

    Args:
        serve: does all or nothing.

    Where it and another transaction waited for each other it is done anew: on PostgreSQL whoever writes many
    rows in an order of their own may meet a batch so.

    Raises:
        TryLater, ServiceMissing: of the first try: the database is busy or gone, so that no second is made.
    """
    for _ in range(TRIES - 1):
        with suppress(Crossed):
            return _each_its_own(asked, serve)
    return _each_its_own(asked, serve)


def _each_its_own(
    asked: Sequence[Asked], serve: Callable[[Sequence[Asked]], Sequence[Given]]
) -> list[Given | Exception]:
    try:
        return list(serve(asked))
    except (TryLater, ServiceMissing):
        raise
    except Exception as error:  # noqa: BLE001 - it is theirs
        if len(asked) == 1:
            return [error]
    given: list[Given | Exception] = []
    for one in asked:
        try:
            given += serve([one])
        except Exception as error:  # noqa: BLE001 - as above
            given.append(error)
    return given


def alone(given: Sequence[Given | Exception]) -> Given:
    """What one visitor was given who came alone; raises the error that is theirs."""
    (one,) = given
    if isinstance(one, Exception):
        raise one
    return one


def _hand_out(served: Sequence[_Waiting[Asked, Given]], given: Sequence[Given | Exception]) -> None:
    """Give every loop its answers in one call."""
    answers: dict[
        asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Given], Given | Exception]]
    ] = {}
    for one, what in zip(served, given, strict=True):
        answers.setdefault(one.loop, []).append((one.answer, what))
    for loop, each in answers.items():
        with suppress(RuntimeError):  # its loop has ended, and nobody waits
            loop.call_soon_threadsafe(_answer, each)


def _answer(answers: Sequence[tuple["asyncio.Future[Given]", Given | Exception]]) -> None:
    for future, what in answers:
        if future.done():  # its visitor has hung up
            continue
        if isinstance(what, Exception):
            future.set_exception(what)
        else:
            future.set_result(what)

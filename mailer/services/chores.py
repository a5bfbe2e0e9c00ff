"""What a dispatcher does now and then beside sending: publish, settle, gather digests, tidy up."""

from collections import Counter
from collections.abc import Callable, Sequence, Set
from datetime import datetime, timedelta

from mailer.core.delivery import Due
from mailer.services import gate, publish
from mailer.services.ahead import Ahead
from mailer.services.eve import Eve, lead_for
from mailer.services.office import Office
from mailer.services.publish import Held, Published
from mailer.store import progress
from mailer.store.database import Connection


class Chores:
    """The chores of one dispatcher.

    Args:
        tally: counts what was published.
        take: takes the first letters of what is being published.

    Attributes:
        unfinished: there is more to do at once.
        next_moment: when the next release is due by the clock; None where none is waited for.
        lead: so long before that moment publishing it is to begin.
    """

    def __init__(
        self, office: Office, tally: Counter[str], take: Callable[[Connection], Sequence[Due]]
    ) -> None:
        self._office = office
        self._tally = tally
        self._take = take
        self._ahead = Ahead(office)
        self.unfinished = False
        self.next_moment: datetime | None = None
        self.lead = timedelta(0)

    def publish(self) -> list[str]:
        """Publish what is due this moment, and nothing else; what an operator must hear of."""
        return self._said(publish.publish_due(self._office, self._ahead))

    def publish_next(self, *, takes: bool) -> tuple[list[str], list[Due]]:
        """Publish at its very moment what comes next, and with that take its first letters in hand."""
        self.next_moment = None
        eve = Eve(self.lead, self._take if takes else lambda _: ())
        done = publish.publish_due(self._office, self._ahead, eve)
        taken = [due for one in done if isinstance(one, Published) for due in one.taken]
        return self._said(done), taken

    def do(self, steps: Set[str]) -> list[str]:
        """Do what `steps` name; what an operator must hear of."""
        said: list[str] = []
        self.unfinished = False
        if self._anything_due():
            said += self._done(steps)
        if "publish" in steps:
            self._look_ahead()
        if "upkeep" in steps:
            gate.sweep(self._office)
        return said

    def _anything_due(self) -> bool:
        """One question for all: a watch asks every second, and mostly the answer is no."""
        with self._office.database.read() as connection:
            return progress.chores_due(connection, self._office.clock())

    def _done(self, steps: Set[str]) -> list[str]:
        # An idle watch, and a worker beside the one that publishes, need none of them.
        from mailer.services import (  # noqa: PLC0415 - as above
            aftermath,
            digest,
            outlived,
            retention,
            translations,
            waiting,
        )

        said: list[str] = []
        if "publish" in steps:
            said += self.publish()
            aftermath.settle_due(self._office)
            outlived.make_anew(self._office)
            said += self._said(translations.publish_due(self._office))
            sent = digest.send_due(self._office)
            said += sent.faults
            self.unfinished = sent.more
        if "upkeep" in steps:
            waiting.tend(self._office)
            retention.keep_up(self._office)
        return said

    def _look_ahead(self) -> None:
        self.next_moment = self._ahead.look()
        while self._ahead.fresh:
            self.lead = lead_for(
                publish.rehearse(self._office, self._ahead.fresh.pop(), self._take)
            )

    def _said(self, done: Sequence[Published | Held]) -> list[str]:
        self._tally["published"] += sum(isinstance(one, Published) for one in done)
        return [
            f"release {one.release_id} is held: {one.reason}"
            for one in done
            if isinstance(one, Held)
        ]

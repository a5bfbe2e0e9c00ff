"""Enforces how long readers' data is kept: a timer, a few bounded batches at a time, each rule counted.

    keep_up   what a dispatcher does now and then: nothing while the timer is not due; else a few batches.
              What is left goes on at the next look, so that no mail waits for it.
    let_go    everything at once, for an operator.
    foretell  what would go, and changes nothing.

Every batch is a transaction of its own, and a batch done is a fact in the database: whoever is stopped
amid it, or does it twice, spoils nothing. Sign-ups that nobody confirmed have a timer of their own
(`services.waiting`).
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from mailer.core.retention import Rule
from mailer.services.office import Office
from mailer.services.waiting import tend
from mailer.store import erasures, forgetting, retention, timers
from mailer.store.database import Connection
from mailer.store.mailings import take_turn

log = logging.getLogger(__name__)

TIMER = "retention"
INTERVAL = timedelta(hours=6)
"""How often all rules are looked at: days are what is promised."""
IN_HAND = timedelta(minutes=5)
"""How long one process may be at it before another one takes its place."""
BATCH = 1000
BATCHES_AT_ONCE = 8

_Batch = Callable[[Connection, datetime, datetime], int | None]
"""Does one batch: until when it lets go, and now. None where nothing is left."""


def keep_up(office: Office, *, batches: int = BATCHES_AT_ONCE) -> Mapping[Rule, int]:
    """Let go of what is due, as far as `batches` go; what went, by rule."""
    now = office.clock()
    with office.database.read() as connection:
        due = timers.due_at(connection, TIMER)
    if due > now:
        return {}
    with office.database.write() as connection:
        if not timers.claim(connection, TIMER, now, now + IN_HAND):
            return {}
    gone, whole = _worked_off(office, now, batches)
    with office.database.write() as connection:
        timers.put_off(connection, TIMER, now + INTERVAL if whole else now)
    return gone


def let_go(office: Office) -> Mapping[Rule, int]:
    """Let go of all that is due, however long it takes; what went, by rule."""
    gone, _ = _worked_off(office, office.clock(), None)
    return {Rule.PENDING: _unconfirmed(office), **gone}


def foretell(office: Office) -> Mapping[Rule, int]:
    """What `let_go` would let go of, by rule; changes nothing."""
    now = office.clock()
    with office.database.read() as connection:
        return {
            rule: count(connection, office.retention.until(rule, now))
            for rule, count in _COUNTS.items()
        }


def _worked_off(office: Office, now: datetime, batches: int | None) -> tuple[Counter[Rule], bool]:
    """What went, by rule, and whether nothing is left."""
    gone: Counter[Rule] = Counter(dict.fromkeys(_BATCHES, 0))
    whole = True
    for done, (rule, count) in enumerate(_steps(office, now), 1):
        gone[rule] += count
        if done == batches:
            whole = False
            break
    for rule, count in gone.items():
        if count:
            log.info("retention", extra={"rule": rule.value, "count": count})
    return gone, whole


def _unconfirmed(office: Office) -> int:
    """How many sign-ups went that nobody had confirmed."""
    waiting = first = foretell(office)[Rule.PENDING]
    while waiting:
        tend(office)
        before, waiting = waiting, foretell(office)[Rule.PENDING]
        if waiting == before:
            break
    return first - waiting


def _steps(office: Office, now: datetime) -> Iterator[tuple[Rule, int]]:
    """One batch after the other, rule by rule, until nothing is left."""
    for rule, batch in _BATCHES.items():
        until = office.retention.until(rule, now)
        while True:
            with office.database.write() as connection:
                count = batch(connection, until, now)
            if count is None:
                break
            yield rule, count


def _ip(connection: Connection, until: datetime, _now: datetime) -> int | None:
    return retention.drop_traces(connection, "ip", until, BATCH) or None


def _user_agent(connection: Connection, until: datetime, _now: datetime) -> int | None:
    return retention.drop_traces(connection, "user_agent", until, BATCH) or None


def _replies(connection: Connection, until: datetime, now: datetime) -> int | None:
    found = retention.next_untidied(connection, until)
    return None if found is None else retention.tidy_replies(connection, found, BATCH, now)


def _ended(connection: Connection, until: datetime, now: datetime) -> int | None:
    take_turn(connection, alone=False)
    found = forgetting.long_ended(connection, until, BATCH // 20)
    for subscriber_id in found:
        erasures.clear(connection, subscriber_id, now)
    forgetting.forget(connection, found, now)
    return len(found) or None


def _audit(connection: Connection, until: datetime, _now: datetime) -> int | None:
    return retention.drop_audit(connection, until, BATCH) or None


_BATCHES: Mapping[Rule, _Batch] = {
    Rule.IP: _ip,
    Rule.USER_AGENT: _user_agent,
    Rule.REPLIES: _replies,
    Rule.ENDED: _ended,
    Rule.AUDIT: _audit,
}

_COUNTS: Mapping[Rule, Callable[[Connection, datetime], int]] = {
    Rule.IP: lambda connection, until: retention.count_traces(connection, "ip", until),
    Rule.USER_AGENT: lambda connection, until: retention.count_traces(
        connection, "user_agent", until
    ),
    Rule.PENDING: retention.count_pending,
    Rule.REPLIES: retention.count_replies,
    Rule.ENDED: forgetting.count_long_ended,
    Rule.AUDIT: retention.count_audit,
}

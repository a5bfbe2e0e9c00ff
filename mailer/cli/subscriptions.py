"""Shows subscriptions: as a table, as CSV that can be imported again, as JSON."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from mailer.cli import show
from mailer.core.choice import to_plain
from mailer.core.consent import Reply

if TYPE_CHECKING:
    from mailer.store.awaiting import Awaited
    from mailer.store.people import SubscriptionRow

_FIELDS = ("email", "newsroom", "state", "language", "since")
_AT_ONCE = 1000


def answered(reply: Reply, mailbox: str) -> str:
    """What comes of adding somebody."""
    return {
        Reply.CONFIRM: f"A confirmation mail to {mailbox} is due; `mailer dispatch` sends it.\n"
        "The subscription becomes active when its reader confirms.",
        Reply.ALREADY: f"{mailbox} is subscribed already; a mail that says so is due.",
        Reply.SILENCE: f"{mailbox} was sent that mail a moment ago, or twice already; no other is sent.",
    }[reply]


def told(row: "SubscriptionRow") -> dict[str, Any]:
    """A subscription as `--json` gives it."""
    return {
        "id": row.id,
        "address": row.mailbox,
        "newsroom": row.newsroom,
        "state": row.state,
        **to_plain(row.choice),
        "made_at": row.made_at,
        "active_since": row.active_since,
        "ended_at": row.ended_at,
        "end_reason": row.end_reason,
    }


def table(rows: "Sequence[SubscriptionRow]") -> str:
    """Subscriptions, one a line."""
    headings = ("Number", "Address", "Newsroom", "State", "Languages", "Since")
    return show.table(
        headings,
        [
            (row.id, row.mailbox, row.newsroom, _state(row), row.languages, _since(row))
            for row in rows
        ],
    )


def waiting_table(rows: "Sequence[Awaited]") -> str:
    """Releases that wait for somebody's digests, one a line."""
    headings = ("Waits for a digest", "Newsroom", "Until", "Title")
    return show.table(
        headings, [(row.release_id, row.newsroom, row.due_at, row.title) for row in rows]
    )


def write_csv(rows: "Iterable[SubscriptionRow]", out: BinaryIO) -> None:
    """Write subscriptions as CSV in UTF-8 (RFC 4180), as `import` reads it, a few at a time."""
    page = io.StringIO()
    writer = csv.writer(page)
    writer.writerow(_FIELDS)
    for some in _pages(rows):
        writer.writerows(
            (row.mailbox, row.newsroom, row.state, row.languages[0], _text(row.active_since))
            for row in some
        )
        out.write(page.getvalue().encode())
        page.seek(0)
        page.truncate()
    out.write(page.getvalue().encode())
    out.flush()


def write_json(rows: "Iterable[SubscriptionRow]", out: BinaryIO) -> None:
    """Write subscriptions as one JSON object, a few at a time."""
    out.write(b'{"subscriptions": [')
    between = ""
    for some in _pages(rows):
        for row in some:
            values = (row.mailbox, row.newsroom, row.state, row.languages[0], row.active_since)
            plain = {
                name: _text(value) if isinstance(value, datetime) else value
                for name, value in zip(_FIELDS, values, strict=True)
            }
            out.write((between + json.dumps(plain, ensure_ascii=False)).encode())
            between = ",\n"
    out.write(b"]}\n")
    out.flush()


def _state(row: "SubscriptionRow") -> str:
    return f"{row.state} ({row.end_reason})" if row.end_reason else row.state


def _since(row: "SubscriptionRow") -> datetime:
    return row.ended_at or row.active_since or row.made_at


def _pages(rows: "Iterable[SubscriptionRow]") -> "Iterator[list[SubscriptionRow]]":
    some = iter(rows)
    while page := list(islice(some, _AT_ONCE)):
        yield page


def _text(when: datetime | None) -> str:
    return "" if when is None else when.isoformat()

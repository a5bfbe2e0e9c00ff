"""Keeps what operators did: who, what, to which subject, when."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from mailer.store.tables import audit


def note(
    connection: Connection,
    *,
    who: str,
    act: str,
    subject: str,
    detail: Mapping[str, Any],
    now: datetime,
) -> None:
    """Note one operator's act, within the transaction that carries it out.

    Args:
        who: the operator's account on the machine; cut to 100 characters.
        act: the command's words, as `subscriber end`.
        subject: what it was done to, as `subscriber:17`; never an address, for audit rows outlive people.
        detail: what else the command was told; JSON-ready.
    """
    note_each(connection, who=who, act=act, subjects=[subject], detail=detail, now=now)


def note_each(
    connection: Connection,
    *,
    who: str,
    act: str,
    subjects: Sequence[str],
    detail: Mapping[str, Any],
    now: datetime,
) -> None:
    """Note one act that was done to many, an entry for each."""
    rows = [
        {"at": now, "who": who[:100], "act": act, "subject": subject, "detail": dict(detail)}
        for subject in subjects
    ]
    if rows:
        connection.execute(insert(audit), rows)

"""When releases may be published, and that they may not be any more: what an operator says of it."""

from datetime import datetime

from sqlalchemy import Connection, case, func, select, update

from mailer.store.tables import release


def coming(
    connection: Connection, after: datetime, *, most: int = 20
) -> list[tuple[int, datetime]]:
    """The releases that wait for their moment by the clock, the next first, and when that is."""
    publish, embargo = release.c.publish_at, release.c.embargo_until
    later = case((func.coalesce(embargo > publish, True), embargo), else_=publish)
    moment = func.coalesce(later, publish)
    rows = connection.execute(
        select(release.c.id, publish, embargo)
        .where(release.c.state == "approved", moment > after)
        .order_by(moment, release.c.id)
        .limit(most)
    )
    return [(row.id, max(at for at in row[1:] if at is not None)) for row in rows]


def set_embargo(connection: Connection, release_id: int, until: datetime | None) -> bool:
    """Put a release that is not public under embargo, or lift it; False if it is public or withdrawn."""
    done = connection.execute(
        update(release)
        .where(release.c.id == release_id, release.c.state.in_(["held", "approved"]))
        .values(embargo_until=until)
    )
    return bool(done.rowcount)


def schedule(connection: Connection, release_id: int, at: datetime) -> bool:
    """Say when a release is to be published; False if it is public or withdrawn."""
    done = connection.execute(
        update(release)
        .where(release.c.id == release_id, release.c.state.in_(["held", "approved"]))
        .values(publish_at=at)
    )
    return bool(done.rowcount)


def withdraw(connection: Connection, release_id: int, reason: str) -> bool:
    """Take a release back for good; False if it was."""
    done = connection.execute(
        update(release)
        .where(release.c.id == release_id, release.c.state != "withdrawn")
        .values(state="withdrawn", hold_reason=reason[:300] or None)
    )
    return bool(done.rowcount)

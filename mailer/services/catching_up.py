"""Owes a fresh subscriber the last releases as one digest, where their newsroom wants it.

It goes with the next look at what is due, whatever frequency was chosen. No release comes twice to one
subscription: not what it was mailed or waits for already, however often its reader leaves and confirms anew.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from mailer.core.choice import AT_ONCE, Choice, wants
from mailer.core.newsroom import Newsroom
from mailer.services.editions import matter
from mailer.store import awaiting, merging, releases
from mailer.store.database import Connection

LOOKED_AT = 3
"""So many times as many releases are looked at for those that the reader wants."""
OLDEST = timedelta(days=365)


def begin(
    connection: Connection,
    newsroom: Newsroom,
    subscription_id: int,
    choice: Choice,
    *,
    now: datetime,
) -> None:
    """Have the last releases that a choice wants wait for a subscription that has just become active."""
    if not newsroom.catch_up:
        return
    known = releases.listed(
        connection, newsroom.key, published=True, limit=LOOKED_AT * newsroom.catch_up
    )
    everything = replace(choice, frequency=AT_ONCE)
    wanted = []
    for row in known:
        about = matter(newsroom, row)
        fresh = (row.published_at or row.made_at) >= now - OLDEST
        if fresh and wants(
            everything, topics=about.topics, kinds=about.kinds, places=about.places, at=now
        ):
            wanted.append(row.id)
    coming = merging.owed_later(connection, subscription_id)
    some = [each for each in wanted[: newsroom.catch_up] if each not in coming]
    awaiting.catch_up(connection, subscription_id, some, now)

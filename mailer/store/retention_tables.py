"""The tables of upkeep: when it is due again, and how far it has come."""

from sqlalchemy import Column, ForeignKey, String, Table

from mailer.store.columns import BigKey, metadata, moment

# When each timer is due again: what must be done now and then, by whoever comes first.
timer = Table(
    "timer",
    metadata,
    Column("name", String(32), primary_key=True),
    moment("next_at"),
)

# Mailings whose relays' words were let go of: up to which delivery, and when the last of them was.
tidied = Table(
    "tidied",
    metadata,
    Column("mailing_id", BigKey, ForeignKey("mailing.id"), primary_key=True, autoincrement=False),
    Column("upto", BigKey, nullable=False),
    moment("at", nullable=True),
)

"""SQL picks the message of a reader exactly as `core.language.choose` picks a language."""

import random

from sqlalchemy import insert, select, update
from support.desk import import_readers
from support.offices import START, UM

from mailer.core.choice import languages_alone
from mailer.core.language import choose, primary
from mailer.services.office import Office
from mailer.store import mailings, spoken
from mailer.store.tables import consent, subscription

TAGS = ("da", "en", "en-GB", "EN-us", "pt", "pt-BR", "zh-Hant", "ar", "kl", "fr-CA")
READERS = 60
OFFERS = (
    ("da",),
    ("en", "da"),
    ("en-GB", "en", "da"),
    ("en", "en-GB"),
    ("pt-BR", "pt", "zh", "ar"),
    ("fr", "kl", "zh-Hans", "en-US", "da"),
)


def wishes(seed: int, count: int) -> list[list[str]]:
    """Readers' languages in order of preference."""
    dice = random.Random(seed)
    return [dice.sample(TAGS, dice.randint(1, 4)) for _ in range(count)]


def note(office: Office, wanted: list[list[str]]) -> int:
    """What readers chose, on record; the number of the last entry."""
    entries = [
        {
            "subscription_id": number,
            "act": "chosen",
            "at": START,
            "address": "",
            "form": "test",
            "choice": languages_alone(*tags),
        }
        for number, tags in enumerate(wanted, 1)
    ]
    with office.database.write() as connection:
        connection.execute(insert(consent), entries)
        return mailings.last_consent(connection)


def picked(office: Office, mark: int, offered: tuple[str, ...]) -> list[str | None]:
    """The language of the message each reader gets."""
    numbers = {tag: 100 + position for position, tag in enumerate(offered)}
    back = {number: tag for tag, number in numbers.items()}
    with office.database.read() as connection:
        message = spoken.message_for(connection, subscription.c.id, mark, numbers)
        rows = connection.execute(select(subscription.c.id, message).order_by(subscription.c.id))
        return [back.get(row[1]) for row in rows]


def test_the_history_says_which_language_each_reader_gets(office: Office) -> None:
    import_readers(office, READERS)
    first = wishes(7, READERS)
    mark = note(office, first)
    later = note(office, wishes(8, READERS))
    for at, wanted in ((mark, first), (later, wishes(8, READERS))):
        for offered in OFFERS:
            assert picked(office, at, offered) == [
                choose(tags, offered) if reads(tags, offered) else None for tags in wanted
            ], offered
            with office.database.read() as connection:
                one = spoken.speaks(connection, subscription.c.id, at, offered[0])
                found = set(connection.scalars(select(subscription.c.id).where(one)))
            speakers = {number for number, tags in enumerate(wanted, 1) if reads(tags, offered[:1])}
            assert found == speakers


def reads(tags: list[str], offered: tuple[str, ...]) -> bool:
    """Whether one of the languages is wanted at all."""
    return bool({primary(tag) for tag in tags} & {primary(tag) for tag in offered})


def test_who_never_chose_reads_what_the_subscription_was_made_with(office: Office) -> None:
    import_readers(office, 2, newsroom=UM)
    with office.database.write() as connection:
        connection.execute(update(consent).values(choice=None))
        connection.execute(
            update(subscription).where(subscription.c.id == 2).values(languages=["en"])
        )
        mark = mailings.last_consent(connection)
    assert picked(office, mark, ("da", "en")) == ["da", "en"]

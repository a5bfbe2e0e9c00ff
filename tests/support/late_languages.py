"""A release in several languages, some of which come late, and readers of digests who chose among them."""

from dataclasses import replace
from datetime import timedelta

from support.choosing import choose_by_number
from support.desk import import_readers
from support.digesting import send, with_digests
from support.offices import UM

from mailer.core.choice import Choice
from mailer.core.newsroom import Fallback
from mailer.core.release import Block, Edition, ReleaseDocument, Run
from mailer.services import press, proof, publish, translations
from mailer.services.office import Office

READERS = [f"reader{number}@example.org" for number in range(4)]
ANNA, BO, CARLA, DORA = READERS
DAY = timedelta(days=1)


def office_of(office: Office, fallback: Fallback = "original") -> Office:
    """An office that speaks three languages and offers digests; two subscriptions are looked at in one go."""
    office = with_digests(office, languages=("da", "en", "kl"), fallback=fallback)
    return replace(office, limits=replace(office.limits, portion=2))


def readers(office: Office, *each: Choice) -> None:
    """Readers with these choices: Anna, Bo, and so on."""
    import_readers(office, len(each))
    with office.database.write() as connection:
        for number, choice in enumerate(each, 1):
            choose_by_number(connection, number, choice)


def written(language: str, title: str) -> Edition:
    """A text in a language."""
    return Edition(language, title, "", (Block("paragraph", (Run(f"{title}."),)),))


def comes(office: Office, *texts: tuple[str, str], identity: str = "id-1") -> int:
    """The release in some languages, or others of it, are added and go out together; its number."""
    number = is_let_go(office, *texts, identity=identity)
    goes_out(office)
    return number


def is_let_go(office: Office, *texts: tuple[str, str], identity: str) -> int:
    """The release in some languages is added and let go; its number."""
    for text in texts:
        document = ReleaseDocument(written(*text), identity=identity)
        added = press.add_document(office, document, newsroom=UM.key, who="desk")
    press.send(office, added.id, who="desk")
    return added.id


def goes_out(office: Office) -> None:
    """Everything that was let go is published, in each of its languages."""
    while publish.publish_due(office):
        send(office)
    while translations.publish_due(office):
        send(office)


def adds_up(office: Office) -> None:
    """The proof finds nothing wrong."""
    found = proof.verify(office)
    assert found.ok, [one.gaps for one in found.mailings if one.gaps]


def daily(*languages: str) -> Choice:
    """The first of these languages there is, in a daily digest."""
    return Choice(languages, frequency="daily")


def each(*languages: str, frequency: str = "daily") -> Choice:
    """Every one of these languages."""
    return Choice(languages, frequency=frequency, every_language=True)

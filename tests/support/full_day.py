"""A newsroom on a full day: releases of every kind, in several languages, with all that can stand in them."""

from dataclasses import replace
from pathlib import Path

from sqlalchemy import update
from support.offices import Clock, make_office

from mailer.core.choice import FREQUENCIES
from mailer.core.newsroom import Newsroom, Site, Topic
from mailer.core.release import Block, Contact, Edition, ReleaseDocument, Run
from mailer.services import press
from mailer.services.office import Office
from mailer.services.publish import publish_due
from mailer.store.database import Database
from mailer.store.tables import release
from mailer.texts.catalogue import languages

LOGO = Path(__file__).with_name("pictures") / "logo.svg"

TIDES = Newsroom(
    key="tides",
    name="Ministry of Tides and Harbours",
    languages=languages(),
    time_zone="Europe/Copenhagen",
    sender="press@tides.example",
    reply_to="desk@tides.example",
    postal="Northmouth Quay 1\n1000 Northmouth",
    privacy_url="https://tides.example/privacy",
    logo=str(LOGO),
    topics=(
        Topic("ferries", (("en", "Ferries"), ("da", "Færger"))),
        Topic("tides", (("en", "Tides"), ("da", "Tidevand"))),
    ),
    boilerplate=(
        ("en", "We keep harbours open and tides known.\n\nRead more at https://tides.example."),
        ("da", "Vi holder havnene åbne.\n\nLæs mere på https://tides.example."),
    ),
    frequencies=FREQUENCIES,
)
LOCKS = replace(
    TIDES,
    key="locks",
    name="Agency of Locks",
    languages=("en",),
    logo="",
    boilerplate=(),
    privacy_notice=(
        ("en", "We keep your address as long as you subscribe.\n\nNobody else gets it."),
    ),
)


def full_office(database: Database, clock: Clock, site: Site) -> tuple[Office, dict[str, int]]:
    """An office with a newsroom in all languages, full of releases, and one that is empty.

    Returns:
        The office, and the numbers of releases by what is special about them.
    """
    office = make_office(database, clock, site=site, newsrooms={TIDES.key: TIDES, LOCKS.key: LOCKS})
    numbers = {}
    for number in range(21):
        _publish(office, _plain(number))
        clock.move(hours=20)
    numbers["withdrawn"] = _publish(office, _plain(99))
    with database.write() as connection:
        connection.execute(
            update(release).where(release.c.id == numbers["withdrawn"]).values(state="withdrawn")
        )
    clock.move(hours=5)
    numbers["arabic"] = _publish(office, _arabic())
    clock.move(hours=26)
    numbers["whole"] = _publish(office, _whole())
    for edition in _translations():
        press.add_document(office, replace(_whole(), edition=edition), newsroom="tides", who="test")
    return office, numbers


def _publish(office: Office, document: ReleaseDocument) -> int:
    number = press.add_document(office, document, newsroom="tides", who="test").id
    press.send(office, number, who="test")
    publish_due(office)
    return number


def _plain(number: int) -> ReleaseDocument:
    kind = ("Press release", "News", "Press release", "Press invitation")[number % 4]
    titles = (
        "Nine small harbours open for night ferries",
        "The minister meets her colleagues of the northern islands on Thursday",
        "High water on the west coast: what to know before the weekend",
        "New tide tables are out, and they are free for everybody",
    )
    leads = (
        "From 1 November passengers can cross the strait around the clock, also in winter.",
        "",
        "Water may stand a metre above the usual. Harbour masters close the outer gates on Friday.",
    )
    body = (Block("paragraph", (Run(f"Number {number} of the year."),)),)
    edition = Edition("en", titles[number % 4], leads[number % 3], body)
    return ReleaseDocument(edition, identity=f"plain-{number}", kind=kind)


def _whole() -> ReleaseDocument:
    body = (
        Block(
            "paragraph",
            (
                Run("The Ministry of Tides and Harbours opens "),
                Run("nine small harbours", bold=True),
                Run(" to night ferries. The first boat leaves Northmouth on 1 November at 00:30."),
            ),
        ),
        Block("attribution", (Run("Minister Edda Strand says:"),)),
        Block(
            "quote",
            (
                Run(
                    "“People on the islands work late shifts too. Until now, whoever missed the last"
                    " boat at nine slept on a bench."
                ),
            ),
        ),
        Block(
            "quote",
            (Run("From November nobody has to. We light the piers, and we keep the rooms warm.”"),),
        ),
        Block("heading", (Run("What opens when"),), level=2),
        Block("bullet", (Run("Northmouth and Eastness: 1 November"),)),
        Block("bullet", (Run("Both islands of the strait: 15 November"),)),
        Block("bullet", (Run("with a bus to the hospital"),), level=1),
        Block("number", (Run("Buy a ticket on board."),), ordinal=1),
        Block("number", (Run("Keep it for the way back."),), ordinal=2),
        Block("preformatted", (Run("Northmouth  00:30  02:30  04:30\nEastness    01:10  03:10"),)),
        Block("rule"),
        Block(
            "paragraph",
            (
                Run("The whole timetable is at "),
                Run("tides.example/ferries", href="https://tides.example/ferries"),
                Run("."),
            ),
        ),
    )
    contacts = (
        Contact(
            "Ada Lund, Head of Press, +45 33 92 00 00, press@tides.example",
            name="Ada Lund",
            phone="+45 33 92 00 00",
            email="press@tides.example",
        ),
        Contact("Duty officer at night, phone +45 33 92 00 01", phone="+45 33 92 00 01"),
    )
    edition = Edition(
        "en",
        "Ministry opens all small harbours to night ferries",
        "From 1 November passengers can cross the strait around the clock. The ministry pays for"
        " lights, staff and heated waiting rooms in nine small harbours.",
        body,
        contacts,
    )
    return ReleaseDocument(edition, identity="whole", kind="Press release")


def _translations() -> tuple[Edition, ...]:
    danish = Edition(
        "da",
        "Ministeriet åbner alle små havne for natfærger",
        "Fra 1. november kan passagerer krydse sundet døgnet rundt.",
        (Block("paragraph", (Run("Den første færge sejler kl. 00.30."),)),),
    )
    return (danish, _arabic().edition)


def _arabic() -> ReleaseDocument:
    body = (
        Block("paragraph", (Run("تفتح الوزارة تسعة موانئ صغيرة أمام العبّارات الليلية."),)),
        Block("quote", (Run("«نضيء الأرصفة ونبقي غرف الانتظار دافئة.»"),)),
        Block("bullet", (Run("الافتتاح في 1 نوفمبر"),)),
    )
    contacts = (Contact("مكتب الصحافة +45 33 92 00 00", phone="+45 33 92 00 00"),)
    edition = Edition(
        "ar",
        "الوزارة تفتح جميع الموانئ الصغيرة أمام العبّارات الليلية",
        "ابتداءً من 1 نوفمبر يمكن للركاب عبور المضيق على مدار الساعة.",
        body,
        contacts,
    )
    return ReleaseDocument(edition, identity="arabic", kind="Press release")

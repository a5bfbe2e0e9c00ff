"""A dispatcher for tests of the desk: letters moved by hand, and what each reader was sent."""

import email
import email.policy
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from sqlalchemy import select
from support.desk import ACCEPTED, text
from support.dispatching_by_hand import ByHand
from support.offices import Clock

from mailer.core.delivery import Outcome
from mailer.core.release import Edition
from mailer.mail.compose import Composer
from mailer.services import aftermath
from mailer.services.bookkeeper import Letter
from mailer.services.office import Office
from mailer.store.ledger_tables import delivery, mailing
from mailer.store.tables import subscriber, subscription


def corrected(title: str = "Nyt, rettet", words: str = "Mødet er på tirsdag.") -> Edition:
    """The text of `support.desk.text`, corrected."""
    return text(title, words)


@dataclass(frozen=True)
class Mail:
    """What a reader's program shows of a message; `support.mails.read` is the strict one."""

    headers: dict[str, str]
    text: str

    @classmethod
    def read(cls, content: bytes) -> "Mail":
        """Read a message."""
        parsed = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        plain = parsed.get_body(("plain",))
        assert plain is not None
        return cls({name: str(value) for name, value in parsed.items()}, plain.get_content())


class DeskHand:
    """One dispatcher, and the relay it speaks to.

    Attributes:
        kept: what the relay took, in order: the reader's local part, and the message.
    """

    def __init__(self, office: Office, folder: Path) -> None:
        self.office = office
        self.kept: list[tuple[str, Mail]] = []
        self._composer = Composer(office.keys.tokens, office.keys.marks)
        self._clock = 0.0
        self.worker = ByHand(office, folder / "state", lambda: self._clock)

    def take(self, want: int = 10) -> list[Letter]:
        """What is due, in hand."""
        return self.worker.take(want)

    def send(self, *outcomes: Outcome) -> None:
        """Take so many letters, one after the other, and have them end so."""
        for outcome in outcomes:
            self.end(self.begin(1), outcome)
        self.worker.write()

    def begin(self, count: int) -> Sequence[Letter]:
        """Take letters and put them on the wire."""
        if not self.worker.feed:
            self.take(count)
        letters = self.worker.feed[:count]
        for letter in letters:
            self.worker.enter(letter)
        self.worker.begin(*letters)
        return letters

    def end(self, letters: Sequence[Letter], outcome: Outcome) -> None:
        """The relay answers."""
        for letter in letters:
            if outcome is ACCEPTED:
                self._keep(letter)
            self.worker.end(letter, outcome)

    def let_go_of_stopped(self) -> None:
        """A look: what may not be sent any more is let go, and what came of the rest is written."""
        self.worker.write()
        self.worker.write()

    def send_all(self) -> None:
        """Everything that is due, until nothing is."""
        self.worker.write()
        while letters := self.worker.feed or self.take():
            self.end(self.begin(len(letters)), ACCEPTED)
            self.worker.write()

    def message(self, letter: Letter) -> bytes:
        """What goes over the wire."""
        return self._composer.compose(letter.prepared, letter.due).content

    def _keep(self, letter: Letter) -> None:
        reader = letter.due.mailbox.partition("@")[0]
        self.kept.append((reader, Mail.read(self.message(letter))))


def told(hand: DeskHand, subject: str) -> set[str]:
    """Who was sent a mail of that subject."""
    readers = [reader for reader, wire in hand.kept if wire.headers["Subject"] == subject]
    assert len(readers) == len(set(readers)), "somebody was sent it twice"
    return set(readers)


def notices_to(office: Office, kind: str = "correction") -> dict[str, int]:
    """How many mails of a kind of mailing each reader was or is owed."""
    query = (
        select(subscriber.c.mailbox)
        .join_from(delivery, mailing)
        .join(subscription, subscription.c.id == delivery.c.subscription_id)
        .join(subscriber)
        .where(mailing.c.kind == kind)
    )
    with office.database.read() as connection:
        return dict(Counter(one.partition("@")[0] for one in connection.scalars(query)))


def killed_amid(
    hand: DeskHand, change: Callable[[], object], journal: str, folder: Path, clock: Clock
) -> DeskHand:
    """Killed as something is changed: one letter has arrived, one of four in hand is on the wire.

    Returns:
        Who has taken over.
    """
    hand.send(ACCEPTED)
    hand.take(4)
    hand.begin(1)
    change()
    hand.worker.kill(journal)
    assert not aftermath.settle_due(hand.office)
    other = DeskHand(hand.office, folder)
    clock.move(minutes=5)
    other.worker.books.take_over()
    return other


def doubted_after(journal: str) -> set[str]:
    """Whose copies are in doubt then: without a journal, of everything in hand."""
    return {"reader1"} if journal == "kept" else {f"reader{n}" for n in range(1, 5)}

"""Hands messages to a line, and notes what became of each: one outcome, or given back."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mailer.core.delivery import Outcome
from mailer.mail.message import Message
from mailer.mail.segments import Segments
from mailer.mail.transport import Line

CONTENT = b"Subject: Release\r\n\r\n.One line.\r\n..\r\n.\r\nEnd.\r\n"


def mail_to(reader: str = "anna", content: bytes = CONTENT) -> Message:
    """A message to a reader."""
    return Message(f"bounce+{reader}@um.example", f"{reader}@example.org", Segments((content,)))


@dataclass(eq=False)
class Handed:
    """One message in the hands of a line, which may say one thing of it."""

    tray: "Tray"
    message: Message
    fates: list[Outcome | None] = field(default_factory=list)

    def may_leave(self) -> bool:
        return self.tray.may_leave(self.message)

    def done(self, outcome: Outcome) -> None:
        self._settle(outcome)
        self.tray.outcomes[self.message.recipient] = outcome

    def give_back(self) -> None:
        self._settle(None)
        self.tray.given_back.append(self.message.recipient)
        self.tray.waiting.appendleft(self.message)

    def _settle(self, fate: Outcome | None) -> None:
        assert not self.fates, f"{self.message.recipient} has two fates: {self.fates[0]}, {fate}"
        self.fates.append(fate)


class Tray:
    """Messages that wait for a line.

    Args:
        may_leave: asked before a content is written.
    """

    def __init__(
        self,
        messages: Iterable[Message],
        may_leave: Callable[[Message], bool] = lambda _: True,
    ) -> None:
        self.waiting = deque(messages)
        self.outcomes: dict[str, Outcome] = {}
        self.given_back: list[str] = []
        self.may_leave = may_leave
        self._handed: list[Handed] = []

    def pull(self) -> Handed | None:
        if not self.waiting:
            return None
        self._handed.append(Handed(self, self.waiting.popleft()))
        return self._handed[-1]

    @property
    def settled(self) -> bool:
        """Whether everything that was handed out has its fate."""
        return all(each.fates for each in self._handed)


async def send(line: Line, message: Message) -> Outcome | None:
    """Send one message; its outcome, or None if it was not begun."""
    tray = Tray([message])
    await line.stream(tray.pull)
    assert tray.settled
    return tray.outcomes.get(message.recipient)


async def outcome_of(line: Line, message: Message) -> Outcome:
    """Send one message that is begun for certain."""
    outcome = await send(line, message)
    assert outcome is not None
    return outcome

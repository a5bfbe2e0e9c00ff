"""Says when a line has carried its share and asks to be replaced: so many messages, or so long.

It asks between two messages, never amid one. A fresh line takes one message however long it was kept
waiting for it, or a short life would have lines opened and closed for nothing.
"""

import asyncio

from mailer.mail.relay import Relay


class Share:
    """What one line may still carry; made when the line is opened."""

    def __init__(self, relay: Relay) -> None:
        self._now = asyncio.get_running_loop().time
        self._until = self._now() + relay.connection_seconds
        self._left = relay.messages_per_connection
        self._fresh = True

    @property
    def is_left(self) -> bool:
        """Whether another message may be begun."""
        return self._left > 0 and (self._fresh or self._now() < self._until)

    def take(self) -> None:
        """A message is begun."""
        self._left -= 1
        self._fresh = False

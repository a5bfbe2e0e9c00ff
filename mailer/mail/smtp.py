"""Opens lines to a relay, on the terms of its description (`handshake`, `line`)."""

import asyncio
import ssl

from mailer.mail.handshake import open_connection, tls_context
from mailer.mail.line import SmtpLine
from mailer.mail.relay import Relay
from mailer.mail.transport import Line


class SmtpTransport:
    """Opens lines to one relay."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._context: ssl.SSLContext | None = None

    @property
    def name(self) -> str:
        """The relay's name."""
        return self._relay.name

    @property
    def connections(self) -> int:
        """How many lines to keep open at most."""
        return self._relay.connections

    @property
    def order(self) -> int:
        """When it is its turn: lower is used first."""
        return self._relay.order

    @property
    def weight(self) -> int:
        """Its share among the relays of one order."""
        return self._relay.weight

    @property
    def messages_per_second(self) -> float:
        """How many messages to begin in a second at most; 0 for no limit."""
        return self._relay.messages_per_second

    async def connect(self) -> Line:
        """Open a line: connected, greeted, encrypted and logged in as the relay's description says.

        Raises:
            RelayMissing: with the phase that failed, the reply and the cure.
        """
        if self._relay.security != "none" and self._context is None:
            self._context = await asyncio.to_thread(tls_context, self._relay)
        opened = await open_connection(self._relay, self._context)
        return SmtpLine(
            self._relay,
            opened.transport,
            pipelining=opened.pipelining,
            size_limit=opened.size_limit,
            utf8=opened.utf8,
        )

"""The fast HTTP parser, where it is installed, with a bound to what it takes in before a request is told.

It keeps the lines of a request's head until the last of them has come, however many there are: one client
could fill the memory. The slower parser, which serves where this one is not installed, has such a bound.
"""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_OCTETS = 64 * 1024
"""Of a head; what comes in one read beyond it is taken in too."""


class BoundedHeads(HttpToolsProtocol):
    """A connection that is closed with 400 where a head goes on and on."""

    _octets = 0
    _in_head = True
    _heads = 0

    def data_received(self, data: bytes) -> None:
        """Take in what came."""
        in_head, heads = self._in_head, self._heads
        super().data_received(data)
        if in_head and heads == self._heads and not self.transport.is_closing():
            self._octets += len(data)
            if self._octets > MOST_OCTETS:
                self.send_400_response("The head of the request is too long.")

    def on_headers_complete(self) -> None:
        """The head has ended."""
        self._in_head = False
        self._heads += 1
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request has ended, and another head may come."""
        self._in_head, self._octets = True, 0
        super().on_message_complete()

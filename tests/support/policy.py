"""A policy service for Postfix: the test hears of every moment of every conversation, and decides.

Postfix asks it where `check_policy_service inet:127.0.0.1:port` stands in a list of restrictions, and
does as it answers; see access(5) for the words. It asks in the midst of a real conversation, so a test
can act there.
"""

import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

Decide = Callable[[Mapping[str, str]], str]
"""What Postfix knows of the moment (protocol_state, recipient, ...) -> what it is to do, such as DUNNO."""


@contextmanager
def policy(decide: Decide) -> Iterator[str]:
    """Serve in threads until the block is left; its name in Postfix's settings.

    Args:
        decide: called in the thread of the conversation that asks.
    """

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked: dict[str, str] = {}
            for line in self.rfile:
                name, _, value = line.decode().rstrip("\n").partition("=")
                if name:
                    asked[name] = value
                    continue
                self.wfile.write(f"action={decide(asked)}\n\n".encode())
                asked = {}

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: object, client_address: object) -> None:
            """A Postfix that is stopped hangs up in the midst of a question: that is what tests are for."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="policy service")
        thread.start()
        try:
            yield f"check_policy_service inet:127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()

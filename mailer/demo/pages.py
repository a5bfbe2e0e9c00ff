"""Knows where the office's pages can be, and whether they answer there."""

import socket
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from mailer.core.errors import ServiceMissing


def free_port(wanted: int) -> int:
    """`wanted`, or for 0 a port that nobody has; free a moment ago.

    Raises:
        ServiceMissing: somebody listens at `wanted`, or it is nobody's to take.
    """
    try:
        with socket.create_server(("127.0.0.1", wanted)) as listener:
            return int(listener.getsockname()[1])
    except OSError as error:
        raise ServiceMissing(
            f"The pages cannot be at port {wanted}: {error.strerror or error}",
            "choose another --port, or leave it out for a free one",
        ) from error


def answers(url: str) -> bool:
    """Whether `url` is answered with 200."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()

"""Keeps the doors open after the first day, so that a newcomer can try it all in a browser."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from shlex import quote

import uvicorn
from starlette.types import ASGIApp

from mailer.demo.commands import Running
from mailer.demo.inbox import create_inbox
from mailer.demo.stage import Stage


@dataclass(frozen=True, slots=True)
class OpenDoors:
    """What is open.

    Attributes:
        inbox: the address of the page that shows every mail.
        office: the press office at work.
    """

    inbox: str
    office: Running


@contextmanager
def doors_open(stage: Stage) -> Iterator[OpenDoors]:
    """The office at work (`mailer run`) and the inbox page, until the block is left.

    Raises:
        ServiceMissing: the office cannot be opened.
    """
    stage.tell.chapter("The doors stay open", "The office goes on by itself: pages and dispatcher.")
    app = create_inbox(stage.post.folder, newsroom=stage.newsroom)
    with stage.pages("run") as office, served(app) as inbox:
        stage.tell.columns(
            [
                ("Newsroom", f"{stage.newsroom}   sign up with any address you like"),
                ("Inbox", f"{inbox}   read the mail that comes, and click its link"),
                ("Terminal", f"mailer --config {quote(str(stage.config))} status"),
            ]
        )
        stage.tell.say("No mail leaves this machine. Ctrl-C closes everything.")
        yield OpenDoors(inbox, office)


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """`app` on a free port of 127.0.0.1, in a thread of its own; its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as web.server says
    settings = uvicorn.Config(
        app, http="h11", ws="none", lifespan="off", log_config=None, access_log=False
    )
    server = uvicorn.Server(settings)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="inbox", daemon=True
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()

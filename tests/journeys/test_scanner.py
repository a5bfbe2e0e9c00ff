"""A mail filter opens every link a thousand times; the reader still confirms, and is subscribed once."""

import email
import email.policy
import http.client
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from support.scripted_server import ScriptedServer

REQUESTS = 1000


@contextmanager
def running_office(folder: Path, relay_port: int) -> Iterator[http.client.HTTPConnection]:
    """A press office served by `mailer run`, and a connection to its pages."""
    config = str(folder / "config.toml")
    base = [sys.executable, "-m", "mailer", "--config", config]
    subprocess.run(
        [*base, "init", str(folder), "--newsroom", "um", "--name", "Udenrigsministeriet",
         "--relay", f"smtp://127.0.0.1:{relay_port}"],
        check=True, capture_output=True,
    )  # fmt: skip
    with subprocess.Popen(
        [*base, "run", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "MAILER_LIMITS__FORM_MIN_SECONDS": "0"},  # its visitors are in a hurry
    ) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline().rpartition(":")[2])
            with closing(http.client.HTTPConnection("127.0.0.1", port)) as browser:
                yield browser
        finally:
            process.terminate()
            assert process.wait() == 0


def ask(browser: http.client.HTTPConnection, method: str, path: str, body: str = "") -> int:
    """One request; its status."""
    form = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
    browser.request(method, path, body or None, form)
    answer = browser.getresponse()
    answer.read()
    return answer.status


def form_token(browser: http.client.HTTPConnection) -> str:
    """What the sign-up form of the page bears."""
    browser.request("GET", "/um")
    page = browser.getresponse().read().decode()
    found = re.search(r'name="form" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def rows(folder: Path) -> list[str]:
    """Everything that the database holds."""
    with closing(sqlite3.connect(folder / "mailer.sqlite")) as database:
        return list(database.iterdump())


def states(folder: Path) -> list[str]:
    """The states of all deliveries."""
    with closing(sqlite3.connect(folder / "mailer.sqlite")) as database:
        return [state for (state,) in database.execute("SELECT state FROM delivery")]


def links(content: bytes) -> list[str]:
    """Every web address in a mail, in either part."""
    mail = email.message_from_bytes(content, policy=email.policy.default)
    parts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
    return sorted({found for part in parts for found in re.findall(r"https?://[^\s\"<>]+", part)})


def test_a_thousand_looks_change_nothing_and_the_button_still_works(tmp_path: Path) -> None:
    with ScriptedServer().running() as relay, running_office(tmp_path, relay.port) as browser:
        form = f"email=anna%40example.org&form={form_token(browser)}"
        assert ask(browser, "POST", "/um/subscribe", form) == 303
        mail = relay.wait_for(1)[0]
        paths = [urlsplit(link).path for link in links(mail.content)]
        confirm = next(path for path in paths if path.startswith("/confirm/"))

        while "accepted" not in states(tmp_path):
            assert ask(browser, "GET", "/healthz") == 200  # the outcome is being written
        before = rows(tmp_path)
        for number in range(REQUESTS):
            method = "HEAD" if number % 2 else "GET"
            assert ask(browser, method, paths[number // 2 % len(paths)]) == 200
        assert rows(tmp_path) == before

        assert ask(browser, "POST", confirm) == 303
        assert ask(browser, "POST", confirm) == 303
        welcome = relay.wait_for(2)[1]
        assert welcome.recipient == mail.recipient == "anna@example.org"
        with closing(sqlite3.connect(tmp_path / "mailer.sqlite")) as database:
            found = database.execute("SELECT state, generation FROM subscription").fetchall()
        assert found == [("active", 1)]

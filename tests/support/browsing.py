"""A real browser, and a site that it can open."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from mailer.services.office import Office
from mailer.web.app import create_app
from mailer.web.server import serve

CHROMIUM = Path("/usr/bin/chromium")

seen_by_a_browser = [
    pytest.mark.chromium,
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason=f"{CHROMIUM} IS MISSING: THE PAGES WERE SEEN BY NO BROWSER"
    ),
]
"""What tests that need it are marked with: without it they are skipped, loudly."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@contextmanager
def served(office: Office) -> Iterator[str]:
    """The address of an office's site while it is served by a loop in a thread of its own."""
    loop = asyncio.new_event_loop()
    stop, up, port = asyncio.Event(), threading.Event(), [0]

    def started(number: int) -> None:
        port[0] = number
        up.set()

    site = serve(create_app(office), host="127.0.0.1", port=0, stop=stop, started=started)
    thread = threading.Thread(target=loop.run_until_complete, args=(site,))
    thread.start()
    assert up.wait(30)
    try:
        yield f"http://127.0.0.1:{port[0]}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()

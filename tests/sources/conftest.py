"""The two real newsroom pages, and a short way to read a text."""

from pathlib import Path

import pytest

PAGES = Path(__file__).parent / "pages"


@pytest.fixture(params=["newsroom-page-000.txt", "newsroom-page-004.txt"])
def page_file(request: pytest.FixtureRequest) -> Path:
    """Each of the real pages."""
    return PAGES / str(request.param)


@pytest.fixture
def page_000() -> bytes:
    """The page about fifteen officers: a quote over two paragraphs."""
    return (PAGES / "newsroom-page-000.txt").read_bytes()


@pytest.fixture
def page_004() -> bytes:
    """The page about the coalition: two attributions, a slip in the contact's heading."""
    return (PAGES / "newsroom-page-004.txt").read_bytes()

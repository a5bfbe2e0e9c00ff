"""A real newsroom page goes in as text and comes out as mail: nothing is lost, no furniture gets through."""

import email
import email.policy
import html
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGES = Path(__file__).parent.parent / "sources" / "pages"
FURNITURE = (
    "Information om",
    "Følg pressemeddelelser",
    "Skriv dig op her",
    "Flere pressemeddelelser",
    "Besøg vores nyhedsrum",
    "I vores nyhedsrum kan du",
    "CEST |",
)


def mailer(*arguments: str, office: Path) -> bytes:
    """One command, run as an operator would."""
    done = subprocess.run(
        [sys.executable, "-m", "mailer", "--config", str(office / "config.toml"), *arguments],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A press office with one reader."""
    folder = tmp_path_factory.mktemp("office")
    mailer(
        "init", str(folder), "--newsroom", "um", "--name", "Udenrigsministeriet",
        "--language", "da", "--relay", "outbox", office=folder,
    )  # fmt: skip
    people = folder / "people.csv"
    people.write_text("anna@example.org\n")
    mailer(
        "subscriber", "import", str(people), "--newsroom", "um", "--evidence", "paper",
        office=folder,
    )  # fmt: skip
    return folder


def squeezed(text: str) -> str:
    """The words alone: mails break lines where pages do not."""
    return "".join(text.split())


@pytest.mark.parametrize("page", ["newsroom-page-000.txt", "newsroom-page-004.txt"])
def test_every_paragraph_of_the_page_is_in_the_mail_and_nothing_else(
    office: Path, page: str
) -> None:
    added = mailer("release", "add", str(PAGES / page), "--json", office=office)
    number = re.search(rb'"id": (\d+)', added)
    assert number
    raw = mailer(
        "release", "preview", number[1].decode(), "--to", "anna@example.org", office=office
    )
    message = email.message_from_bytes(raw, policy=email.policy.default.clone(raise_on_defect=True))
    text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    page_html = message.get_body(("html",)).get_content()  # type: ignore[union-attr]
    shown = html.unescape(re.sub(r"<[^>]+>", "", page_html.partition("<body")[2]))
    own = (PAGES / page).read_text().partition("\nInformation om ")[0].split("\n")
    assert message["Subject"] == own[0]
    for paragraph in own:
        assert squeezed(paragraph) in squeezed(text), paragraph
        assert squeezed(paragraph) in squeezed(shown), paragraph
    for furniture in FURNITURE:
        assert furniture not in text
        assert furniture not in shown
    assert "2025" not in squeezed(text)  # every year on the page is of other releases

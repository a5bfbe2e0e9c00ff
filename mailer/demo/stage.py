"""Sets the stage of the demonstration: a fresh folder, an open post office, an operator's terminal."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from mailer.demo import folder as places
from mailer.demo.commands import Commands, Running
from mailer.demo.folder import fresh_folder
from mailer.demo.letters import Letter, letters, mailboxes
from mailer.demo.narrator import Narrator
from mailer.demo.pages import answers, free_port
from mailer.demo.post_office import PostOffice

NEWSROOM = "um"

_EXAMPLES = Path(__file__).parent / "examples"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story takes place.

    Attributes:
        folder: everything lies in it.
        site: the address of the office's pages, without a slash at the end.
        post: takes what the office mails.
        mailer: the operator's terminal.
        tell: the storyteller.
    """

    folder: Path
    site: str
    post: PostOffice
    mailer: Commands
    tell: Narrator
    began: float = field(default_factory=time.monotonic)

    @property
    def newsroom(self) -> str:
        """The address of the newsroom's page."""
        return f"{self.site}/{NEWSROOM}"

    @property
    def office(self) -> Path:
        """The press office's own folder."""
        return self.folder / places.OFFICE

    @property
    def config(self) -> Path:
        """The press office's settings."""
        return self.office / "config.toml"

    def mails(self) -> dict[str, int]:
        """How many mails lie in each mailbox of the post office."""
        return {box: len(found) for box, found in mailboxes(self.post.folder).items()}

    def letters(self, mailbox: str) -> list[Letter]:
        """What lies in a mailbox."""
        return letters(self.post.folder, mailbox)

    @contextmanager
    def pages(self, command: str) -> Iterator[Running]:
        """The office's pages, open by `mailer serve` or `mailer run` until the block is left."""
        port = str(urlsplit(self.site).port)
        log = self.folder / places.LOGS / f"{command}.log"
        ready = f"{self.site}/readyz"
        with self.mailer.running(
            command, "--port", port, log=log, ready=lambda: answers(ready)
        ) as running:
            yield running


@contextmanager
def staged(folder: Path, *, port: int, tell: Narrator) -> Iterator[Stage]:
    """A fresh folder and an open post office, until the block is left.

    Args:
        port: of the office's pages; 0 takes a free one.

    Raises:
        NotAllowed: the folder is not one of ours.
        ServiceMissing: the port is taken.
    """
    site = f"http://127.0.0.1:{free_port(port)}"
    with fresh_folder(folder), PostOffice(folder / places.POST_OFFICE).open() as post:
        (folder / places.LOGS).mkdir()
        shutil.copytree(_EXAMPLES, folder / places.RELEASES)
        mailer = Commands(folder / places.OFFICE / "config.toml", tell)
        yield Stage(folder, site, post, mailer, tell)

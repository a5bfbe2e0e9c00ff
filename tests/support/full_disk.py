"""A disk that is full for a process of its own: it may make no file larger than so many octets.

with_a_full_disk("journal", folder, octets)     what a journal says that runs out of room
with_a_full_disk("lane", folder, octets)        what a lane sends whose journal runs out of room
"""

import asyncio
import json
import resource
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailer.core.delivery import Due, Outcome, Phase, Purpose, Result
from mailer.core.errors import MailerError
from mailer.services.journal import Journal

ACCEPTED = Outcome(Result.ACCEPTED, Phase.CONTENT, 250, "2.0.0", "kept", relay="r")
JOURNAL = "one.flight"
MAILS = "mails"
LETTERS = 200


def with_a_full_disk(story: str, folder: Path, octets: int) -> dict[str, Any]:
    """What one of the stories below tells, in a process whose files may not be larger."""
    words = [sys.executable, __file__, story, str(folder), str(octets)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _room(octets: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, resource.RLIM_INFINITY))


def _journal(folder: Path, octets: int) -> dict[str, object]:
    """Write until there is no room, then what can wait, then with room again."""
    path = folder / JOURNAL
    journal = Journal(path, anew_after=octets // 2, stretch=1)
    _room(octets)
    begun: list[int] = []
    said = ""
    for number in range(octets % 8):  # so that the end of the room comes at another place
        journal.begin(10_000_000 + number)
        journal.take_back(10_000_000 + number)
    try:
        while True:
            journal.begin(len(begun) + 1)
            begun.append(len(begun) + 1)
            if len(begun) % 2:
                journal.end(len(begun), ACCEPTED)
    except MailerError as error:
        said = str(error)
    full = path.read_bytes().rstrip(b"\0")
    _room(octets // 2)
    journal.end(2, ACCEPTED)
    journal.forget([1])  # it would be begun anew, if there were room for what is open
    journal.take_back(4)
    still = path.read_bytes().rstrip(b"\0")
    _room(resource.RLIM_INFINITY)
    journal.begin(len(begun) + 1)
    journal.close()
    return {"begun": begun, "said": said, "full": full.decode(), "still": still.decode()}


def _lane(folder: Path, octets: int) -> dict[str, object]:
    """Let a lane write mails into a folder."""
    from mailer.core.token import Marks, Tokens  # noqa: PLC0415 - the other story is to be quick
    from mailer.mail.compose import Composer  # noqa: PLC0415 - as above
    from mailer.mail.folder import FolderTransport  # noqa: PLC0415 - as above
    from mailer.mail.prepare import Prepared  # noqa: PLC0415 - as above
    from mailer.services.bookkeeper import Letter  # noqa: PLC0415 - as above
    from mailer.services.domains import Domains  # noqa: PLC0415 - as above
    from mailer.services.feed import Feed  # noqa: PLC0415 - as above
    from mailer.services.lane import Lane, Yard  # noqa: PLC0415 - as above
    from mailer.services.route import Route, Routes  # noqa: PLC0415 - as above

    said: list[str] = []
    outcomes: list[int] = []

    class Foreman:
        def may_begin(self) -> bool:
            return True

        def done(self, letter: Letter, outcome: Outcome) -> None:
            outcomes.append(letter.due.id)

        def spoiled(self, letter: Letter, words: str) -> None:
            raise AssertionError(words)

        def missing(self, route: Route) -> None:
            raise AssertionError(route.fault)

        def refused(self, route: Route, words: str) -> None:
            raise AssertionError(words)

        def fault(self, words: str) -> None:
            said.append(words)
            feed.close()

    at = datetime(2026, 3, 2, tzinfo=UTC)
    content = b"To:\0to\0\r\n\r\nHej\r\n"
    prepared = Prepared(Purpose.RELEASE, "da", "Nyt", "b@um.example", content)
    route = Route(FolderTransport(folder / MAILS, name="r"))
    feed = Feed(Routes([route]), Domains({}), lambda: True)
    composer = Composer(Tokens(["a key of the tests' own"]), Marks(["another of the tests' own"]))
    journal = Journal(folder / JOURNAL, stretch=1)
    _room(octets)

    async def work() -> None:
        feed.put(
            Letter(Due(n, Purpose.RELEASE, 1, 1, f"a{n}@example.org", at, 0, 1), prepared)
            for n in range(1, LETTERS + 1)
        )
        await Lane(route, Yard(feed, composer, journal, Foreman())).work()

    asyncio.run(work())
    return {"said": said, "outcomes": outcomes, "left": len(feed)}


if __name__ == "__main__":
    story = {"journal": _journal, "lane": _lane}[sys.argv[1]]
    sys.stdout.write(json.dumps(story(Path(sys.argv[2]), int(sys.argv[3]))))

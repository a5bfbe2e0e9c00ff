"""A press office's first day, end to end, with real parts and nothing but this machine.

    a post office opens -> the office is founded -> its pages open -> three sign up -> two confirm
    -> two releases go out -> one reader leaves by one click -> a third release goes to who is left
    -> the office proves it

The story plays the outside world: visitors with a browser, readers with a mailbox, an operator at a
terminal. Whatever it says happened is checked, in the mails that the post office keeps or in what a
command answered; the first expectation that fails ends it.
"""

import json
import re
import time
from dataclasses import dataclass

from mailer.demo import folder as places
from mailer.demo.letters import Letter
from mailer.demo.pages import answers
from mailer.demo.stage import NEWSROOM, Stage
from mailer.demo.visitor import Page, Visitor

ANNA = "anna@avisen.example"
JENS = "jens@radioen.example"
SOFIE = "sofie@magasinet.example"
READERS = {"Anna": ANNA, "Jens": JENS, "Sofie": SOFIE}

PAGES = ("newsroom-page-000.txt", "newsroom-page-004.txt")
MARKDOWN = "example-release.md"


@dataclass(frozen=True, slots=True)
class Day:
    """What a first day came to.

    Attributes:
        mails: how many lie in each mailbox.
        expectations: how many were checked; all held.
        inbox: the address of the page that shows the mails; None where it is not open.
    """

    ok: bool
    folder: str
    newsroom: str
    mails: dict[str, int]
    expectations: int
    seconds: float
    inbox: str | None = None


def first_day(stage: Stage) -> Day:
    """Tell the whole story and check every step of it.

    Raises:
        ExpectationFailed: something did not go as told.
    """
    stage.tell.title("A press office's first day")
    _open_post_office(stage)
    _found_office(stage)
    with stage.pages("serve"):
        stage.tell.expect(f"The newsroom is open: {stage.newsroom}", answers(stage.newsroom))
        _three_sign_up(stage)
        _two_confirm(stage)
        titles = _two_releases(stage)
        _one_leaves(stage)
        titles.append(_third_release(stage))
    _prove(stage, titles)
    _show_one(stage, titles[0])
    return _reckon(stage)


def _open_post_office(stage: Stage) -> None:
    stage.tell.chapter(
        "A post office opens",
        f"It speaks real SMTP on 127.0.0.1:{stage.post.port} and keeps every mail as a file in"
        f" {stage.post.folder}. Nothing leaves this machine.",
    )


def _found_office(stage: Stage) -> None:
    stage.tell.chapter("The press office is founded, and its pages open")
    stage.mailer.run(
        *("init", str(stage.office)),
        *("--newsroom", NEWSROOM, "--name", "Udenrigsministeriet"),
        *("--language", "da", "--language", "en", "--time-zone", "Europe/Copenhagen"),
        *("--base-url", stage.site, "--relay", f"smtp://127.0.0.1:{stage.post.port}"),
        *("--sender", "presse@um.example"),
    )
    stage.tell.expect(
        f"Settings, keys and a database lie in {stage.office}", stage.config.is_file()
    )
    stage.tell.command(["export", f"MAILER_CONFIG={stage.config}"])


def _three_sign_up(stage: Stage) -> None:
    stage.tell.chapter(
        "Three visitors sign up",
        "Each opens the newsroom's page in a browser, fills in the form there and presses its"
        " button. Whoever it is, the answer is the same.",
    )
    pages = [_sign_up(stage, name) for name in READERS]
    stage.tell.expect(
        f"All three see the same page: “{pages[0].heading}”",
        {(page.ok, _but_its_token(page.url), page.heading) for page in pages},
        {(True, _but_its_token(pages[0].url), pages[0].heading)},
    )
    stage.mailer.run("dispatch")
    _expect_mails(stage, "Each has one mail that asks for a confirmation", 1, 1, 1)


def _but_its_token(url: str) -> str:
    """A page's address as it is for everybody: each takes the code of its own sign-up."""
    return url.rpartition("/")[0]


def _sign_up(stage: Stage, name: str) -> Page:
    browser = Visitor("da")
    form = browser.open(stage.newsroom).form("/subscribe")
    page = browser.submit(form, email=READERS[name])
    statuses = ", then ".join(map(str, page.statuses))
    stage.tell.say(f"{name} types {READERS[name]} and presses “{form.button}”: {statuses}.")
    return page


def _two_confirm(stage: Stage) -> None:
    stage.tell.chapter(
        "Two confirm",
        "Anna and Jens click the link in their mail. It opens a page with one button, and the"
        " button confirms. Sofie never does. Her mail filter opens every link it meets, as such"
        " filters do, but opening confirms nothing.",
    )
    for name in ("Anna", "Jens"):
        browser = Visitor("da")
        asked = browser.open(_link(stage, READERS[name]))
        page = browser.submit(asked.form())
        stage.tell.expect(f"{name} presses “{asked.form().button}”: “{page.heading}”", page.ok)
    opened = Visitor("en").open(_link(stage, SOFIE))
    stage.tell.expect("Sofie's filter has opened her link, and the button still waits", opened.ok)


def _link(stage: Stage, mailbox: str) -> str:
    """The link to confirm in somebody's first mail."""
    first = stage.letters(mailbox)[0]
    links = re.findall(rf"^{re.escape(stage.site)}/confirm/\S+$", first.text or "", re.MULTILINE)
    stage.tell.require(f"The mail to {mailbox} holds one link to confirm", len(links), 1)
    return str(links[0])


def _two_releases(stage: Stage) -> list[str]:
    stage.tell.chapter(
        "Two press releases go out",
        "The texts of two pages from a real newsroom. Adding a release mails nothing; `send` lets"
        " it go, and the next dispatch publishes and mails it. That dispatch also sends the"
        " receipts that Anna and Jens are owed for their confirmation.",
    )
    titles = [_release(stage, name) for name in PAGES]
    stage.mailer.run("dispatch")
    _expect_mails(stage, "Anna and Jens have a receipt and both releases; Sofie nothing", 4, 4, 1)
    for title in titles:
        letter = _letter(stage, ANNA, title)
        stage.tell.expect(
            f"“{title}” is in text and HTML, to Anna alone",
            (letter.field("To"), title in (letter.text or ""), title in (letter.html or "")),
            (ANNA, True, True),
        )
    return titles


def _release(stage: Stage, name: str) -> str:
    """Add a release and let it go; its title."""
    document = stage.folder / places.RELEASES / name
    added = json.loads(stage.mailer.run("release", "add", str(document), "--json"))
    stage.mailer.run("release", "send", str(added["id"]))
    return str(added["title"])


def _one_leaves(stage: Stage) -> None:
    stage.tell.chapter(
        "One reader leaves",
        "Jens presses the button to unsubscribe in his mail reader. It sends the one-click POST"
        " that the mail's List-Unsubscribe field asks for (RFC 8058); no page, no question."
        " One last mail lets him come back within seven days, should it have been a slip.",
    )
    latest = stage.letters(JENS)[-1]
    link = latest.field("List-Unsubscribe").partition("<")[2].partition(">")[0]
    stage.tell.expect("Jens has left", Visitor("da").leave_by_one_click(link), 200)


def _third_release(stage: Stage) -> str:
    stage.tell.chapter(
        "A third release goes to who is left",
        "This one is invented, in English, and written as a press office would: Markdown with its"
        " facts on top.",
    )
    title = _release(stage, MARKDOWN)
    stage.mailer.run("dispatch")
    _expect_mails(stage, "Anna has it; Jens has one last mail, Sofie nothing more", 5, 5, 1)
    return title


def _prove(stage: Stage, titles: list[str]) -> None:
    stage.tell.chapter(
        "The office proves it",
        "The audience of every release is counted anew from the history of consent, and every"
        " delivery is accounted for.",
    )
    stage.mailer.run("verify")
    stage.mailer.run("status")
    stage.tell.expect(
        "Anna has three releases and Jens two, each once; Sofie has none",
        {name: _times(stage, READERS[name], titles) for name in READERS},
        {"Anna": [1, 1, 1], "Jens": [1, 1, 0], "Sofie": [0, 0, 0]},
    )


def _show_one(stage: Stage, title: str) -> None:
    stage.tell.chapter("One of the mails, as Anna reads it without pictures or colours")
    letter = _letter(stage, ANNA, title)
    fields = ("From", "To", "Subject", "Date", "List-Unsubscribe", "List-Unsubscribe-Post")
    head = "\n".join(f"{name}: {letter.field(name)}" for name in fields)
    stage.tell.letter(f"{head}\n\n{letter.text}")
    stage.tell.say(f"The whole mail: {letter.path}")


def _reckon(stage: Stage) -> Day:
    day = Day(
        ok=True,
        folder=str(stage.folder),
        newsroom=stage.newsroom,
        mails=stage.mails(),
        expectations=stage.tell.held,
        seconds=round(time.monotonic() - stage.began, 1),
    )
    stage.tell.chapter("The day is over")
    stage.tell.columns(
        [
            (str(stage.post.folder / box), f"{count} {'mail' if count == 1 else 'mails'}")
            for box, count in day.mails.items()
        ]
    )
    stage.tell.say(f"All {day.expectations} expectations held, in {day.seconds} seconds.")
    return day


def _expect_mails(stage: Stage, what: str, anna: int, jens: int, sofie: int) -> None:
    """Hold the post office to these numbers of mails, and to nobody else having any."""
    stage.tell.expect(what, stage.mails(), {ANNA: anna, JENS: jens, SOFIE: sofie})


def _times(stage: Stage, mailbox: str, titles: list[str]) -> list[int]:
    """How often a mailbox holds a mail with each of these titles for its subject."""
    subjects = [letter.subject for letter in stage.letters(mailbox)]
    return [subjects.count(title) for title in titles]


def _letter(stage: Stage, mailbox: str, subject: str) -> Letter:
    found = [letter for letter in stage.letters(mailbox) if letter.subject == subject]
    stage.tell.require(f"“{subject}” is in {mailbox} once", len(found), 1)
    return found[0]

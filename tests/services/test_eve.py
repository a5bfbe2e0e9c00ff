"""The eve of a release: all is done before its moment but for the commit, and nothing is seen till then."""

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.desk import approve, import_readers, lease, race
from support.offices import START, Clock, make_office

from mailer.core.delivery import Due
from mailer.core.errors import NotAllowed
from mailer.services import embargo, eve, press, proof, publish
from mailer.services.ahead import Ahead
from mailer.services.eve import Eve, lead_for
from mailer.services.office import Office
from mailer.services.publish import Published
from mailer.store import ledger, mailings, releases
from mailer.store.database import Connection, Database
from mailer.store.ledger_tables import chunk

MOMENT = START + timedelta(seconds=20)
LEAD = timedelta(seconds=0.3)


class Eventful(Clock):
    """A clock to which something is done, step by step, each time somebody who waits looks at it."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Callable[[], None]] = []
        self.waiting = False

    def __call__(self) -> datetime:
        if self.waiting and self.steps:
            self.steps.pop(0)()
        return self.moment

    def come(self) -> None:
        """The moment has come."""
        self.moment = MOMENT


@pytest.fixture
def clock() -> Eventful:
    """A clock that the waiting find changed."""
    return Eventful()


def ready(office: Office, clock: Eventful, *, readers: int = 3) -> tuple[int, Ahead]:
    """A release that is ready, a tenth of a second before its moment; its number."""
    import_readers(office, readers)
    number = approve(office, publish_at=MOMENT)
    ahead = Ahead(office)
    ahead.look()
    clock.moment = MOMENT - timedelta(seconds=0.1)
    return number, ahead


def taking(office: Office, clock: Eventful) -> Callable[[Connection], Sequence[Due]]:
    """Takes two letters; from then on the clock knows that somebody waits."""

    def take(connection: Connection) -> list[Due]:
        clock.waiting = True
        return ledger.take(connection, lease(office), 2)

    return take


def begin(office: Office, clock: Eventful, ahead: Ahead | None) -> list[Published]:
    """Publish what is near, as a dispatcher does."""
    done = publish.publish_due(office, ahead, Eve(LEAD, taking(office, clock)))
    clock.waiting = False
    assert all(isinstance(one, Published) for one in done)
    return [one for one in done if isinstance(one, Published)]


def seen(office: Office, number: int) -> tuple[str, int, int]:
    """What others see: how the release stands, its mailings, the chunks that are leased."""
    with office.database.read() as connection:
        row = releases.read(connection, number)
        leased = connection.execute(chunk.select().where(chunk.c.state == "leased")).all()
        assert row is not None
        return row.state, len(mailings.mailings(connection)), len(leased)


def test_nothing_is_seen_before_the_moment_and_all_of_it_then(
    office: Office, clock: Eventful
) -> None:
    number, ahead = ready(office, clock)
    before = []
    clock.steps = [lambda: before.append(seen(office, number)), clock.come]
    (done,) = begin(office, clock, ahead)
    assert before == [("approved", 0, 0)]
    assert (done.audience, len(done.taken)) == (3, 2)
    assert seen(office, number) == ("published", 1, 1)
    row = press.shown(office, number)
    assert row.published_at == MOMENT, "as it is said, though it began before"
    with office.database.read() as connection:
        (mailing,) = mailings.mailings(connection)
    assert mailing.made_at == MOMENT
    assert proof.verify(office).ok


def test_a_release_that_was_not_ready_is_dated_at_its_moment(
    office: Office, clock: Eventful
) -> None:
    number, _ = ready(office, clock)
    clock.steps = [clock.come]
    (done,) = begin(office, clock, None)
    assert done.release_id == number
    content = press.shown(office, number)
    assert content.published_at == MOMENT


def test_a_clock_that_is_set_back_undoes_it(office: Office, clock: Eventful) -> None:
    number, ahead = ready(office, clock)
    clock.steps = [lambda: clock.move(hours=-1)]
    assert begin(office, clock, ahead) == []
    assert seen(office, number) == ("approved", 0, 0)
    assert ahead.look() == MOMENT
    clock.come()
    assert [one.release_id for one in begin(office, clock, ahead)] == [number]


def test_a_clock_that_stands_still_undoes_it(
    office: Office, clock: Eventful, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits holds up every writer: not for longer than was meant, by a clock that nobody sets."""
    number, ahead = ready(office, clock)
    monkeypatch.setattr(eve, "SKEW", timedelta(0))
    assert begin(office, clock, ahead) == []
    assert seen(office, number) == ("approved", 0, 0)


def test_a_clock_that_is_set_forward_ends_the_waiting(office: Office, clock: Eventful) -> None:
    number, ahead = ready(office, clock)
    clock.steps = [lambda: clock.move(hours=1)]
    assert [one.release_id for one in begin(office, clock, ahead)] == [number]


@given(steps=st.lists(st.floats(-2, 2), max_size=12))
def test_it_is_never_committed_before_the_moment(steps: list[float]) -> None:
    """However the clock is set while it waits: what is committed is committed at or after the moment."""
    clock = Eventful()
    office = make_office(Database("sqlite://"), clock)
    clock.moment = MOMENT - timedelta(seconds=0.1)
    clock.waiting = True
    clock.steps = [partial(clock.move, seconds=step) for step in steps]
    if not steps or clock.moment + timedelta(seconds=sum(steps)) < MOMENT:
        clock.steps.append(lambda: clock.move(hours=-1))
    with pytest.MonkeyPatch.context() as patch, office.database.read() as connection:
        patch.setattr(eve, "LOOK_SECONDS", 0)
        came = eve.waited(office, connection, MOMENT, LEAD)
    assert came == (clock.moment >= MOMENT)


@pytest.mark.parametrize("act", ["moved", "held"])
def test_what_the_desk_did_in_the_last_second_is_obeyed(
    office: Office, clock: Eventful, act: str
) -> None:
    number, ahead = ready(office, clock)
    if act == "moved":
        embargo.move(office, number, MOMENT + timedelta(hours=1), who="desk")
    else:
        with office.database.write() as connection:
            releases.hold(connection, number, "stop the press")
    assert begin(office, clock, ahead) == []
    clock.come()
    assert begin(office, clock, ahead) == []
    assert publish.publish_due(office, ahead) == []
    assert seen(office, number)[1:] == (0, 0)


def test_who_comes_after_it_began_is_told_that_it_is_out(office: Office, clock: Eventful) -> None:
    """Either it was moved, or the release went out: never is the desk told the one and sees the other."""
    number, ahead = ready(office, clock)
    later = MOMENT + timedelta(hours=1)
    asked = Event()

    def move() -> None:
        asked.set()
        embargo.move(office, number, later, who="desk")

    with ThreadPoolExecutor(1) as desk:
        tasks = []
        clock.steps = [
            lambda: tasks.append(desk.submit(move)),
            lambda: assert_(asked.wait(10)),
            clock.come,
        ]
        (done,) = begin(office, clock, ahead)
        with pytest.raises(NotAllowed, match="is published"):
            tasks[0].result(timeout=20)
    assert done.release_id == number
    assert press.shown(office, number).embargo_until is None


def assert_(so: bool) -> None:
    assert so


def test_two_dispatchers_publish_it_once(office: Office, clock: Eventful) -> None:
    number, _ = ready(office, clock, readers=40)
    clock.moment = MOMENT  # a tenth of a second is soon over

    def one() -> list[publish.Published | publish.Held]:
        return publish.publish_due(office, None, Eve(LEAD, taking(office, clock)))

    done = [each for found in race(one, one) for each in found]
    assert [each.release_id for each in done] == [number]
    assert proof.verify(office).ok


KILLED = """
import sys
from datetime import timedelta
from support.desk import lease
from support.offices import START, Clock, make_office
from mailer.services import publish
from mailer.services.eve import Eve
from mailer.store import ledger
from mailer.store.database import Database

office = make_office(Database(sys.argv[1]), Clock(START + timedelta(seconds=19)))

def take(connection):
    taken = ledger.take(connection, lease(office), 2)
    print(len(taken), flush=True)
    return taken

publish.publish_due(office, None, Eve(timedelta(seconds=60), take))
"""


def test_whoever_is_killed_on_the_eve_has_done_nothing(office: Office, clock: Eventful) -> None:
    number, ahead = ready(office, clock)
    url = office.database.engine.url.render_as_string(hide_password=False)
    tests = Path(__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, url],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": f"{tests}:{tests.parent}"},
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "2\n", "it waits, with two letters in hand"
        assert seen(office, number) == ("approved", 0, 0)
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert seen(office, number) == ("approved", 0, 0)
    clock.come()
    (done,) = begin(office, clock, ahead)
    assert (done.release_id, len(done.taken)) == (number, 2)
    assert proof.verify(office).ok


def test_the_lead_is_longer_than_the_rehearsal_and_bounded() -> None:
    assert lead_for(0.1) > timedelta(seconds=0.1)
    assert lead_for(3600) == timedelta(seconds=5)

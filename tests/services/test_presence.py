"""Signs of life: the kernel lets go of a dead dispatcher's lock, however it died."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mailer.core.errors import MailerError
from mailer.services.presence import Presence, own_time

LIVE = """
import sys
from pathlib import Path
from mailer.services.presence import Presence
print(Presence(Path(sys.argv[1])).worker, flush=True)
sys.stdin.read()
"""
PLEDGE = """
import sys
from pathlib import Path
from mailer.services.presence import Presence, own_time
presence = Presence(Path(sys.argv[1]))
presence.pledge(own_time() + float(sys.argv[2]))
print(presence.worker, flush=True)
sys.stdin.read()
"""


def test_the_living_are_not_dead(tmp_path: Path) -> None:
    one, two = Presence(tmp_path), Presence(tmp_path)
    assert one.worker != two.worker
    assert one.dead() == two.dead() == []
    one.leave()
    two.leave()
    assert list(tmp_path.iterdir()) == []
    two.leave()


def test_a_killed_dispatcher_is_dead_and_can_be_buried(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LIVE, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        name = other.stdout.readline().strip()
        here = Presence(tmp_path)
        assert here.dead() == []
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert here.dead() == [name]
    assert here.dead() == [name], "until it is buried"
    here.bury([name])
    here.bury([name])
    assert here.dead() == []
    here.leave()


def test_who_is_just_starting_is_never_taken_for_dead(tmp_path: Path) -> None:
    here = Presence(tmp_path)
    started: list[Presence] = []
    done = threading.Event()

    def start_many() -> None:
        started.extend(Presence(tmp_path) for _ in range(60))
        done.set()

    starting = threading.Thread(target=start_many)
    starting.start()
    while not done.is_set():
        assert here.dead() == []
    starting.join()
    for presence in [here, *started]:
        presence.leave()


def test_a_name_says_where_and_fits(tmp_path: Path) -> None:
    presence = Presence(tmp_path)
    assert len(presence.worker) <= 64
    presence.leave()


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(MailerError, match=r"state.*cannot be used.*\n.*state\.folder"):
        Presence(tmp_path / "state")


def test_a_pledge_is_heard_by_every_dispatcher_of_the_machine(tmp_path: Path) -> None:
    """By a clock that all of them share and nobody sets."""
    here = Presence(tmp_path)
    for seconds, keeps in ((3600.0, True), (-1.0, False)):
        with subprocess.Popen(
            [sys.executable, "-c", PLEDGE, str(tmp_path), str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as other:
            assert other.stdout is not None
            name = other.stdout.readline().strip()
            assert here.keeps_its_pledge(name) is keeps
            other.send_signal(signal.SIGSTOP)
            assert here.keeps_its_pledge(name) is keeps, "stopped or not"
            assert here.dead() == []
            other.kill()
        assert here.dead() == [name]
        here.bury([name])
    here.leave()


def test_who_pledged_nothing_keeps_nothing(tmp_path: Path) -> None:
    here, other = Presence(tmp_path), Presence(tmp_path)
    assert not here.keeps_its_pledge(other.worker)
    assert not here.keeps_its_pledge("another-machine-1-abcdef")
    other.pledge(own_time() + 60)
    assert here.keeps_its_pledge(other.worker)
    other.pledge(own_time() - 1)
    assert not here.keeps_its_pledge(other.worker), "the last word counts"
    here.leave()
    other.leave()


def test_a_pledge_by_one_who_has_left_is_nobody_s(tmp_path: Path) -> None:
    here, other = Presence(tmp_path), Presence(tmp_path)
    other.pledge(own_time() + 60)
    other.leave()
    other.pledge(own_time() + 60)
    assert not here.keeps_its_pledge(other.worker)
    assert here.dead() == []
    here.leave()
    assert list(tmp_path.iterdir()) == []


def test_burying_leaves_nothing_behind(tmp_path: Path) -> None:
    """Not even the second file of a journal that was being begun anew."""
    here, other, third = Presence(tmp_path), Presence(tmp_path), Presence(tmp_path)
    for presence in (other, third):
        presence.journal().touch()
        presence.journal().with_name(f".{presence.journal().name}").touch()
    other.let_go()
    assert here.dead() == [other.worker]
    here.bury(here.dead())
    assert not [path.name for path in tmp_path.iterdir() if other.worker in path.name]
    assert third.journal().exists()
    third.leave()
    here.leave()

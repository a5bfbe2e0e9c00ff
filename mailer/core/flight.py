"""The lines of a flight journal: what a dispatcher began to send and what came of it, ahead of the ledger.

    F 1 BOOT                 written on this start of this machine
    S id                     the content of delivery `id` is about to be written
    X id                     nothing is open of it: it was not written after all, or the ledger knows
    R id result phase code enhanced blame relay text      its outcome (fields parted by tabs)

A line counts once its line break is there, and its first octet, which is stored last. Behind what was said
stand zeros, and among them what death cut short. What a killed dispatcher was handed and no line names
was certainly never begun, for a content is not written before its line; that holds as long as the
machine itself did not go down, since the lines are not forced to the disk.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from mailer.core.delivery import Blame, Outcome, Phase, Result

_HEAD = "F 1 "
_LONGEST = 4096  # octets that can have been cut short


@dataclass(frozen=True, slots=True)
class Flight:
    """What a journal tells of the deliveries a dispatcher was handed.

    Attributes:
        begun: may have left; the reply was not seen.
        ended: the outcomes that were seen.
        whole: nothing else was begun.
    """

    begun: frozenset[int] = frozenset()
    ended: Mapping[int, Outcome] = field(default_factory=dict)
    whole: bool = False


def head_line(boot: str) -> bytes:
    """The first line; `boot` names this start of this machine, empty where it has no name."""
    return f"{_HEAD}{boot}\n".encode()


def begun_line(delivery: int) -> bytes:
    """The line without which no content is written."""
    return b"S %d\n" % delivery


def closed_line(delivery: int) -> bytes:
    """The line that takes back what was said of a delivery."""
    return b"X %d\n" % delivery


def ended_line(delivery: int, outcome: Outcome) -> bytes:
    """The line of an outcome."""
    result, phase, code, enhanced, text, blame, relay = outcome
    told = "\t".join((result, phase, str(code), enhanced, blame, relay, text))
    return b"R %d\t%s\n" % (delivery, told.replace("\n", " ").encode())


def read_flight(lines: bytes, *, boot: str) -> Flight:
    """What a journal's bytes tell, up to the first line that is none.

    Args:
        boot: names the machine's present start; a journal of another one is not whole.
    """
    said, _, cut_short = lines.partition(b"\0")
    written = said.decode("utf-8", "replace").split("\n")[:-1]
    same_start = bool(boot) and written[:1] == [f"{_HEAD}{boot}"]
    begun: set[int] = set()
    ended: dict[int, Outcome] = {}
    sound = len(cut_short.rstrip(b"\0")) < _LONGEST
    for line in written[1:]:
        if not _heed(line, begun, ended):
            sound = False
            break
    return Flight(frozenset(begun), ended, whole=same_start and sound)


def carried(begun: Iterable[int], ended: Mapping[int, Outcome]) -> Iterator[bytes]:
    """The lines that a journal which is begun anew takes over from the one before."""
    for delivery in begun:
        yield begun_line(delivery)
    for delivery, outcome in ended.items():
        yield ended_line(delivery, outcome)


def _heed(line: str, begun: set[int], ended: dict[int, Outcome]) -> bool:
    """Take in one line; whether it is one."""
    kind, _, rest = line.partition(" ")
    number, _, told = rest.partition("\t")
    if not number.isdecimal() or kind not in {"S", "X", "R"}:
        return False
    delivery = int(number)
    if kind == "S":
        ended.pop(delivery, None)
        begun.add(delivery)
        return not told
    begun.discard(delivery)
    ended.pop(delivery, None)
    if kind == "X":
        return not told
    outcome = _outcome(told.split("\t", 6))
    if outcome is None:
        begun.add(delivery)
        return False
    ended[delivery] = outcome
    return True


def _outcome(fields: list[str]) -> Outcome | None:
    try:
        result, phase, code, enhanced, blame, relay, text = fields
        return Outcome(Result(result), Phase(phase), int(code), enhanced, text, Blame(blame), relay)
    except ValueError:
        return None

"""What a dispatch came to, as counts, faults and an exit code; those of several workers are added up.

What is left is what the worker says that counted last. Where they disagree one had counted what another
held, and one that was killed could not say anything: then the database is asked once more.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mailer.cli.main import INTERRUPTED
from mailer.core.errors import MailerError

GRAVEST = (130, 70, 2, 69, 1)
"""Exit codes that outweigh what the counts say, the gravest first."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a dispatch came to.

    Attributes:
        counts: by name, as `dispatch --json` gives them; `due` is None where nobody could count it.
        faults: what the operator must hear of.
        code: the exit code.
    """

    counts: Mapping[str, int | None]
    faults: tuple[str, ...] = ()
    code: int = 0

    @property
    def worked(self) -> bool:
        """Whether anything was done at all."""
        return any(number for name, number in self.counts.items() if name != "due")


@dataclass(frozen=True, slots=True)
class Ended:
    """How one worker ended.

    Attributes:
        code: its exit code, or less than 0: the signal that killed it; None where it could not begin.
        said: its last line; None where it had no time to say anything.
    """

    code: int | None
    said: Mapping[str, Any] | None = None


def added_up(
    ended: Sequence[Ended],
    *,
    names: Iterable[str],
    killed: Sequence[str],
    interrupted: bool,
    still_due: Callable[[], int],
) -> Answer:
    """The workers' answers as one.

    Args:
        names: of the counts to add up.
        killed: who was, in words.
        interrupted: somebody pressed Ctrl-C.
        still_due: asks the database what is left.

    Returns:
        The sums, and as exit code the first of: 130 interrupted or broken off; 70 a fault of ours; 2; 69;
        1; 75 where anything remains; 0. What a killed worker did is in the ledger, not in the sums.
    """
    said = [one.said or {} for one in ended]
    counts: dict[str, int | None] = {
        name: sum(int(one.get(name, 0)) for one in said) for name in names
    }
    faults = dict.fromkeys([*killed, *(fault for one in said for fault in one.get("faults", ()))])
    codes = [one.code for one in ended]
    dues = {one.get("due") for one in said}
    try:
        counts["due"] = still_due() if None in dues or len(dues) != 1 else dues.pop()
    except MailerError as error:
        counts["due"] = None
        faults[str(error)] = None
        codes.append(error.exit_code)
    answer = Answer(counts, tuple(faults))
    remains = counts["due"] and (answer.worked or killed)
    grave = gravest(codes) or (75 if remains else 0)
    return Answer(counts, answer.faults, INTERRUPTED if interrupted else grave)


def gravest(codes: Iterable[int | None]) -> int:
    """Of the exit codes of some workers the one that outweighs the others; 0 where none is grave."""
    found = set(codes)
    return next((code for code in GRAVEST if code in found), 0)

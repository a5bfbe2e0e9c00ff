"""What a source shows, what is known of it, and what becomes of it: the words of `core.decision`."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mailer.core.release import ReleaseDocument


class Action(StrEnum):
    """What becomes of a document."""

    PASS = "pass"  # noqa: S105 - no password: nothing of it is stored
    KEEP = "keep"
    HOLD = "hold"
    SEND = "send"
    KNOWN = "known"
    EDIT = "edit"


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule's word.

    Attributes:
        rule: its name, as above.
        words: what it found, as a sentence without its full stop.
        decided: this settled it.
    """

    rule: str
    words: str
    decided: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a document, and why.

    Attributes:
        publish_at: not before this moment; None for no change.
        back_to_hold: an operator's word is taken back.
        noteworthy: it goes on record though nothing changed.
    """

    action: Action
    reasons: tuple[Reason, ...]
    publish_at: datetime | None = None
    back_to_hold: bool = False
    noteworthy: bool = False

    @property
    def why(self) -> str:
        """What settled it, in words."""
        return next((one.words for one in reversed(self.reasons) if one.decided), "")


@dataclass(frozen=True, slots=True)
class Sighting:
    """A document as a source shows it, and what is known of it besides.

    Attributes:
        at: now.
        seeded: the source has been read before.
        moved: the source lies at another place than when it was read first.
        name_of: the release whose name it bears, and whose words are quite others; None for none.
        suspicion: why it looks like a correction or withdrawal of another one; empty if it does not.
    """

    document: ReleaseDocument
    at: datetime
    seeded: bool = True
    moved: bool = False
    name_of: int | None = None
    suspicion: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A release that a document belongs to, as it stands.

    Attributes:
        by: what it was recognised by, in words.
        same_text: its newest text in that language is the document's.
        signalled: that it looks corrected or withdrawn is on record.
    """

    release_id: int
    state: str
    approval: str
    made_at: datetime
    publish_at: datetime | None
    by: str
    same_text: bool
    signalled: bool = False

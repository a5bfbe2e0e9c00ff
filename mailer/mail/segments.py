"""What all messages of a mailing share: its text cut where each reader's own values stand.

To look through a content costs more than to send it. What is true of the shared text is found out once,
when it is cut; of a message only the values are looked through, each once. Where both do not suffice to
tell (a line break cut in two, a dot at a segment's start) the whole is looked through.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter

_WITHIN_LINES = bytes(set(range(1, 128)) - {*b"\r\n"})

Values = Sequence[bytes]
"""A reader's own: one for each number in `Segments.order`, from 0 up."""


class Segments:
    """A text that is cut at its slots; nothing of it ever changes.

    Args:
        texts: what stands before, between and behind the slots.
        order: which value stands in each slot: one less than there are texts.

    Attributes:
        plain: whole lines of 7 bits without NUL, none of which begins with a dot, as far as it
            depends on these texts.
    """

    __slots__ = ("_known", "_pieces", "_spread", "order", "plain", "texts")

    def __init__(self, texts: Sequence[bytes], order: Sequence[int] = ()) -> None:
        if len(texts) != len(order) + 1:
            raise ValueError(f"{len(texts)} texts do not go around {len(order)} slots")
        self.texts = tuple(texts)
        self.order = tuple(order)
        self.plain = self.texts[-1].endswith(b"\r\n") and is_plain(self.texts)
        self._pieces = [b""] * (2 * len(texts) - 1)
        self._pieces[::2] = self.texts
        self._spread = _spread(self.order)
        self._known = sum(map(len, self.texts))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Segments):
            return NotImplemented
        return self.texts == other.texts and self.order == other.order

    __hash__ = None  # type: ignore[assignment]  # nobody keeps them in sets

    def filled(self, values: Values) -> bytes:
        """The whole text with the values in their places."""
        pieces = self._pieces.copy()
        pieces[1::2] = self._spread(values)
        return b"".join(pieces)

    def size(self, values: Values) -> int:
        """How many octets that has."""
        return self._known + sum(map(len, self._spread(values)))


def is_plain(texts: Values) -> bool:
    """Whether texts are 7-bit without NUL and bare CR or LF, and make no line begin with a dot.

    They may stand in any order, between and behind others of which this is true: a pair that is cut in
    two counts as bare, and a dot in front as a line's first. Whether the last line ends is not looked at.
    """
    lines = b"\r\n".join((b"", *texts))
    within = lines.replace(b"\r\n", b"")
    return not within.translate(None, _WITHIN_LINES) and b"\r\n." not in lines


def _spread(order: Sequence[int]) -> Callable[[Values], Values]:
    """Puts values, one for each number, where the numbers stand."""
    if len(order) > 1:
        return itemgetter(*order)
    return lambda values: [values[position] for position in order]

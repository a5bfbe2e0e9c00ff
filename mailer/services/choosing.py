"""Several releases in one document: counted as a reader of the list counts them, and chosen by number."""

from collections.abc import Sequence
from dataclasses import dataclass

from mailer.core.errors import NotAllowed
from mailer.core.release import ReleaseDocument
from mailer.sources.reading import Refusal

SHOWN = 30


@dataclass(frozen=True, slots=True)
class Items:
    """What a document holds.

    Attributes:
        file: its name or address.
        releases: each in all the languages that stand there.
    """

    file: str
    releases: tuple[tuple[ReleaseDocument, ...], ...]
    refusals: tuple[Refusal, ...] = ()

    def chosen(self, numbers: Sequence[int], *, one: bool) -> list[ReleaseDocument]:
        """Those of these numbers, from 1; all where none are named.

        Args:
            one: where none are named it must hold one alone.

        Raises:
            NotAllowed: there is no such number, or several to choose from.
        """
        there = len(self.releases)
        wrong = [number for number in numbers if not 1 <= number <= there]
        if wrong:
            raise NotAllowed(
                f"{self.file} holds {_count(there)}; there is no item {wrong[0]}", self._which()
            )
        if one and not numbers and there + len(self.refusals) > 1 and there:
            raise NotAllowed(f"{self.file} holds {_count(there)}:\n{self.listed()}", self._which())
        wanted = dict.fromkeys(numbers) or range(1, there + 1)
        return [document for number in wanted for document in self.releases[number - 1]]

    def listed(self) -> str:
        """Each with its number, for somebody to choose from."""
        lines = [
            f"  {number:>3}  {_dated(each[0])}  {_languages(each)}  {each[0].edition.title[:100]}"
            for number, each in enumerate(self.releases[:SHOWN], 1)
        ]
        if len(self.releases) > SHOWN:
            lines.append(f"  ... and {len(self.releases) - SHOWN:,} more")
        lines += [f"    -  {one.place}: {one.what}" for one in self.refusals[:SHOWN]]
        return "\n".join(lines)

    def _which(self) -> str:
        return "say which with --item NUMBER, once for each"


def items_of(file: str, documents: Sequence[ReleaseDocument], refusals: Sequence[Refusal]) -> Items:
    """The documents of a payload, those of one release and several languages together."""
    releases: dict[tuple[object, ...], list[ReleaseDocument]] = {}
    for place, document in enumerate(documents):
        own = document.identity
        key = (place,) if own is None else (own, _nth(documents[:place], document))
        releases.setdefault(key, []).append(document)
    return Items(file, tuple(tuple(each) for each in releases.values()), tuple(refusals))


def _nth(before: Sequence[ReleaseDocument], document: ReleaseDocument) -> int:
    """How often its name stood there in its own language: twice is no translation."""
    language = document.edition.language
    return sum(
        one.identity == document.identity and one.edition.language == language for one in before
    )


def _count(number: int) -> str:
    return "1 release" if number == 1 else f"{number:,} releases"


def _dated(document: ReleaseDocument) -> str:
    return f"{document.dated:%Y-%m-%d}" if document.dated is not None else "no date   "


def _languages(documents: Sequence[ReleaseDocument]) -> str:
    return "+".join(dict.fromkeys(one.edition.language for one in documents))

"""Reads YAML as a tree of nodes: a fault knows its line, a value is the text that stood there.

Python's values would lose both: a phone number its zeros, `language: no` its Norwegian. Nothing is
constructed, so no tag can make anything but text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import yaml

from mailer.core.errors import DocumentFault
from mailer.sources.lines import Place

MAX_CHARACTERS = 64_000

_NULL_TAG = "tag:yaml.org,2002:null"
_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "timestamp", "value")
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One value: its node, the key it stands under, its place, and the place where the YAML begins."""

    node: yaml.Node
    key: str
    place: Place
    start: Place

    @property
    def is_mapping(self) -> bool:
        """Whether it holds `key: value` lines of its own."""
        return isinstance(self.node, yaml.MappingNode)

    def text(self) -> str:
        """The value as it was written.

        Raises:
            DocumentFault: no value, or not a single text.
        """
        if self.node.tag == _NULL_TAG:
            raise self.place.fault(
                f"`{self.key}` has no value", "write one, or delete the whole line"
            )
        if not isinstance(self.node, yaml.ScalarNode) or self.node.tag not in _PLAIN_TAGS:
            raise self.place.fault(
                f"`{self.key}` must be a text",
                f"write `{self.key}: the text`, without a list or tag",
            )
        return str(self.node.value)

    def items(self) -> list["Entry"]:
        """The items of a list.

        Raises:
            DocumentFault: no value, or not a list.
        """
        if self.node.tag == _NULL_TAG:
            self.text()
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.place.fault(
                f"`{self.key}` must be a list",
                f"write `{self.key}: [one, two]`, or a line `- one` for each",
            )
        return [
            Entry(item, self.key, _place(item, self.start), self.start) for item in self.node.value
        ]

    def entries(self, known: Sequence[str]) -> dict[str, "Entry"]:
        """The entries of a mapping whose keys are all known and come once.

        Raises:
            DocumentFault: not a mapping, an unknown key (naming the closest known one), or one that
                comes twice.
        """
        if not isinstance(self.node, yaml.MappingNode):
            raise self.place.fault(
                "lines of the form `key: value` are expected here",
                f"the keys are {', '.join(known)}",
            )
        found: dict[str, Entry] = {}
        for key_node, node in self.node.value:
            place = _place(key_node, self.start)
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "..."
            if key not in known:
                raise place.fault(f"`{key[:60]}` is not a key we know", _closest(key, known))
            if key in found:
                raise place.fault(
                    f"`{key}` stands here for the second time, after line {found[key].place.line}",
                    "delete one of the two",
                )
            found[key] = Entry(node, key, place, self.start)
        return found


def read_nodes(source: str, start: Place) -> Entry | None:
    """The tree of a YAML text; None if it says nothing.

    Args:
        source: the text.
        start: where its first line stands in its file.

    Raises:
        DocumentFault: too long, or not YAML.
    """
    if len(source) > MAX_CHARACTERS:
        raise start.fault(
            f"the front matter has {len(source):,} characters; {MAX_CHARACTERS:,} is the most",
            "check that its closing `---` stands before the text",
        )
    try:
        node = yaml.compose(source, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, start) from error
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        deep = isinstance(error, RecursionError)  # the others: escapes that name no character
        reason = "it is nested too deep" if deep else (str(error).splitlines() or ["unreadable"])[0]
        raise start.fault(
            f"the front matter is not YAML: {reason}", "write `key: value` lines"
        ) from error
    return None if node is None else Entry(node, "", _place(node, start), start)


def _not_yaml(error: yaml.MarkedYAMLError, start: Place) -> DocumentFault:
    mark = error.problem_mark
    if "end of stream" in (error.problem or "") and error.context_mark is not None:
        mark = error.context_mark  # where it was opened helps more than where the text ran out
    line = start.line + (mark.line if mark is not None else 0)
    return Place(start.file, line).fault(
        f"the front matter is not YAML: {error.problem or error.context}",
        "write `key: value` lines; put a value in quotes that holds “: ” or “ #” or begins with a sign",
    )


def _place(node: yaml.Node, start: Place) -> Place:
    return Place(start.file, start.line + node.start_mark.line)


def _closest(key: str, known: Sequence[str]) -> str:
    likely = get_close_matches(key[:60].lower().replace("-", "_"), known, n=1, cutoff=0.6)
    if likely:
        return f"did you mean `{likely[0]}`?"
    return f"the keys are {', '.join(known)}"

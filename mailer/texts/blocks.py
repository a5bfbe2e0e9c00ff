"""Gathers the blocks of a body into what a template lays out as one: a list, a whole quote."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from mailer.core.release import Block, Contact, Run

GroupKind = Literal["paragraph", "heading", "attribution", "quote", "list", "preformatted", "rule"]


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a list, and the lists that lie inside it."""

    block: Block
    inner: tuple["Group", ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Blocks that belong together.

    Attributes:
        blocks: one block, or all paragraphs of one quote; empty for a list.
        items: of a list; empty elsewhere.
        ordered: whether the items are numbered, by their blocks' `ordinal`.
    """

    kind: GroupKind
    blocks: tuple[Block, ...] = ()
    items: tuple[Item, ...] = ()
    ordered: bool = False


def grouped(body: Sequence[Block]) -> tuple[Group, ...]:
    """The groups of a body, in reading order; no block is lost or moved."""
    groups: list[Group] = []
    for kind, run in groupby(body, key=_kind):
        blocks = tuple(run)
        if kind == "list":
            groups.extend(_lists(blocks))
        elif kind == "quote":
            groups.append(Group(kind, blocks))
        else:
            groups.extend(Group(kind, (block,)) for block in blocks)
    return tuple(groups)


def contact_runs(contact: Contact) -> tuple[Run, ...]:
    """The contact's line as it stood, its mail address and telephone number made links."""
    links = {
        contact.email: f"mailto:{contact.email}",
        contact.phone: "tel:" + re.sub(r"[^+0-9]", "", contact.phone),
    }
    linked = [re.escape(words) for words in links if words]
    if not linked:
        return (Run(contact.text),)
    pieces = re.split(f"({'|'.join(linked)})", contact.text)
    return tuple(Run(piece, href=links.get(piece)) for piece in pieces if piece)


def _kind(block: Block) -> GroupKind:
    match block.kind:
        case "bullet" | "number":
            return "list"
        case kind:
            return kind


def _lists(blocks: Sequence[Block]) -> list[Group]:
    """Nested lists: what lies deeper than the first item belongs to the item before it."""
    depth = blocks[0].level
    starts = [place for place, block in enumerate(blocks) if block.level <= depth]
    ends = [*starts[1:], len(blocks)]
    items = [
        Item(blocks[start], tuple(_lists(blocks[start + 1 : end])) if end > start + 1 else ())
        for start, end in zip(starts, ends, strict=True)
    ]
    return [
        Group("list", items=tuple(run), ordered=kind == "number")
        for kind, run in groupby(items, key=lambda item: item.block.kind)
    ]

"""Groups of blocks: nothing lost, nothing moved, and lists nested as their levels say."""

from hypothesis import given
from hypothesis import strategies as st

from mailer.core.release import Block, BlockKind, Contact, Run
from mailer.texts.blocks import Group, contact_runs, grouped

_KINDS: list[BlockKind] = [
    "paragraph", "heading", "attribution", "quote", "bullet", "number", "preformatted", "rule",
]  # fmt: skip
_BODIES = st.lists(st.builds(Block, st.sampled_from(_KINDS), level=st.integers(0, 4)), max_size=20)


def _block(kind: BlockKind, text: str, level: int = 0) -> Block:
    return Block(kind, (Run(text),), level)


def _flat(groups: tuple[Group, ...]) -> list[Block]:
    blocks: list[Block] = []
    for group in groups:
        blocks.extend(group.blocks)
        for item in group.items:
            blocks.append(item.block)
            blocks.extend(_flat(item.inner))
    return blocks


@given(_BODIES)
def test_no_block_is_lost_or_moved(body: list[Block]) -> None:
    numbered = [Block(b.kind, (Run(str(n)),), b.level) for n, b in enumerate(body)]
    assert _flat(grouped(numbered)) == numbered


def test_a_quote_over_paragraphs_is_one_group() -> None:
    body = [_block("attribution", "says:"), _block("quote", "a"), _block("quote", "b")]
    assert [(g.kind, len(g.blocks)) for g in grouped(body)] == [("attribution", 1), ("quote", 2)]


def test_paragraphs_stay_apart() -> None:
    body = [_block("paragraph", "a"), _block("paragraph", "b")]
    assert [len(group.blocks) for group in grouped(body)] == [1, 1]


def test_lists_nest() -> None:
    body = [
        _block("bullet", "a"),
        _block("number", "a1", 1),
        _block("number", "a2", 1),
        _block("bullet", "a2x", 2),
        _block("bullet", "b"),
        _block("number", "1"),
    ]
    bullets, numbers = grouped(body)
    assert [item.block.text for item in bullets.items] == ["a", "b"]
    (inner,) = bullets.items[0].inner
    assert inner.ordered
    assert [item.block.text for item in inner.items] == ["a1", "a2"]
    assert inner.items[1].inner[0].items[0].block.text == "a2x"
    assert numbers.ordered
    assert not bullets.ordered


def test_a_contacts_number_and_address_become_links() -> None:
    contact = Contact(
        "Jane, +45 33 92 00 00, jane@a.example.", phone="+45 33 92 00 00", email="jane@a.example"
    )
    assert contact_runs(contact) == (
        Run("Jane, "),
        Run("+45 33 92 00 00", href="tel:+4533920000"),
        Run(", "),
        Run("jane@a.example", href="mailto:jane@a.example"),
        Run("."),
    )
    assert contact_runs(Contact("Pressevagten")) == (Run("Pressevagten"),)

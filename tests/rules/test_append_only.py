"""Consent is evidence: entries are added, and nothing but retention ever takes anything from them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent.parent / "mailer"
MODULES = sorted(PACKAGE.rglob("*.py"))
TABLES = {"consent", "wording"}

MAY_CHANGE = {
    ("store/retention.py", "update"): "where an answer came from, after its time",
    ("store/forgetting.py", "update"): "what names a reader who is forgotten",
    ("store/erasures.py", "update"): "whence an erased reader asked to move",
    ("store/lapsing.py", "delete"): "what asked and was never confirmed",
}
CHANGES = re.compile(r"\b(?:UPDATE|DELETE\s+FROM|TRUNCATE|DROP\s+TABLE)\s+(?:consent|wording)\b")


def changes(tree: ast.Module) -> Iterator[str]:
    """Each "update" or "delete" of a table of evidence, in whichever way it is written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            names = [one.id for one in node.args if isinstance(one, ast.Name)]
            if isinstance(node.func, ast.Name) and TABLES & set(names[:1]):
                yield node.func.id
            called = node.func
            if isinstance(called, ast.Attribute):
                owner = called.value.id if isinstance(called.value, ast.Name) else ""
                yield from ([called.attr] if TABLES & {owner, *names[:1]} else [])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from (["update"] if CHANGES.search(node.value) else [])


@pytest.mark.parametrize(
    "module", MODULES, ids=[str(path.relative_to(PACKAGE)) for path in MODULES]
)
def test_evidence_is_only_ever_added_to(module: Path) -> None:
    name = str(module.relative_to(PACKAGE))
    found = {
        (name, change)
        for change in changes(ast.parse(module.read_text()))
        if change in {"update", "delete", "drop", "upsert", "on_conflict_do_update"}
    }
    assert found <= set(MAY_CHANGE)


def test_those_that_may_still_do() -> None:
    """An exemption that nobody needs any more is taken back."""
    found = {
        (name, change)
        for name, _ in MAY_CHANGE
        for change in changes(ast.parse((PACKAGE / name).read_text()))
    }
    assert set(MAY_CHANGE) <= found


@pytest.mark.parametrize(
    "written",
    [
        "connection.execute(update(consent).values(ip=None))",
        "connection.execute(consent.delete())",
        "connection.execute(sa.delete(wording))",
        "connection.execute(text('UPDATE consent SET ip = NULL'))",
        "connection.execute(text('DELETE FROM consent'))",
    ],
)
def test_every_way_of_writing_it_is_seen(written: str) -> None:
    assert {"update", "delete"} & set(changes(ast.parse(written)))

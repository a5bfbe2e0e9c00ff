"""The house keeps its shape: short functions, modules one can read in a sitting, docstrings that promise."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent.parent / "mailer"
LINES_IN_A_MODULE = 300
LINES_IN_A_FUNCTION = 40
MODULES = sorted(PACKAGE.rglob("*.py"))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize(
    "module", MODULES, ids=[str(path.relative_to(PACKAGE)) for path in MODULES]
)
def test_a_module_is_short_and_says_what_it_promises(module: Path) -> None:
    source = module.read_text()
    tree = ast.parse(source)
    assert ast.get_docstring(tree) or module.name == "__main__.py"
    assert len(source.splitlines()) <= LINES_IN_A_MODULE
    for function in functions(tree):
        documented = ast.get_docstring(function, clean=False) or ""
        length = (function.end_lineno or 0) - function.lineno - documented.count("\n")
        assert length <= LINES_IN_A_FUNCTION, f"{function.name}: {length} lines"

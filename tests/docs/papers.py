"""The repository's own papers, read: where they lie, which tests and import contracts stand."""

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def defined(module: str) -> list[ast.stmt]:
    """Return the statements at the top of a Python file, named from the root of the repository."""
    return ast.parse((ROOT / module).read_text(encoding="utf-8")).body


def modules_of_tests() -> Iterator[str]:
    """Iterate over the test modules of the repository."""
    for folder in ("tests", "examples"):
        for path in sorted((ROOT / folder).rglob("test_*.py")):
            yield path.relative_to(ROOT).as_posix()


@cache
def all_tests() -> set[str]:
    """Return every test as `path::name`."""
    return {
        f"{module}::{statement.name}"
        for module in modules_of_tests()
        for statement in defined(module)
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name.startswith("test_")
    }


def contracts() -> set[str]:
    """Return the names of the import contracts."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {contract["name"] for contract in pyproject["tool"]["importlinter"]["contracts"]}

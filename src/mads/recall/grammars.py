"""Where code defines something: by the grammar of its language, which takes half-written code as well.

A language is one line of `GRAMMARS`; its package comes with `mads[knowledge]`. Python without it is read by its own
parser, which refuses what is half-written.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tree_sitter import Node, Parser


class Grammar(NamedTuple):
    """A package with a grammar, the nodes that define a function, those that define what has members of its own."""

    package: str
    functions: tuple[str, ...]
    classes: tuple[str, ...]


class Definition(NamedTuple):
    """Lines `first` to `last`, counted from 1, define `name`, which stands in `outer`, a class or "".

    A module's own text about itself is the definition of "".
    """

    first: int
    last: int
    name: str
    outer: str


_PYTHON = Grammar("tree_sitter_python", ("function_definition",), ("class_definition",))

GRAMMARS = {"py": _PYTHON, "pyi": _PYTHON}
"""The grammars, by the ending of a file's name."""

_WRAPPER, _STATEMENT, _STRING, _COMMENT = "decorated_definition", "expression_statement", "string", "comment"


def definitions(ending: str, text: str) -> list[Definition]:
    """Return what `text` defines, the outer before the inner; nothing where no grammar reads files of this `ending`."""
    grammar = GRAMMARS.get(ending)
    if grammar is None:
        return []
    parser = parser_of(grammar.package)
    return list(_parsed(grammar, parser.parse(text.encode()).root_node) if parser else _by_python(text))


@cache
def parser_of(package: str) -> Parser | None:
    """Return what reads a language by the grammar of `package`; None where that is not installed."""
    try:
        from tree_sitter import Language, Parser  # noqa: PLC0415  it comes with an extra

        language: object = import_module(package).language()
        return Parser(Language(language))
    except ImportError:
        return None


def _parsed(grammar: Grammar, root: Node) -> Iterator[Definition]:
    waiting = [(child, "") for child in reversed(root.named_children)]
    if root.named_children and _is_docstring(about := root.named_children[0]):
        yield Definition(about.start_point.row + 1, about.end_point.row + 1, "", "")
    while waiting:
        node, outer = waiting.pop()
        name = node.child_by_field_name("name") if node.type in (*grammar.functions, *grammar.classes) else None
        if name is None or name.text is None:
            waiting += ((child, outer) for child in reversed(node.named_children))
            continue
        full = ".".join(filter(None, (outer, name.text.decode())))
        yield Definition(_first(node), node.end_point.row + 1, full, outer)
        if node.type in grammar.classes:
            waiting += ((child, full) for child in reversed(node.named_children))


def _is_docstring(node: Node) -> bool:
    return node.type == _STATEMENT and [child.type for child in node.named_children] == [_STRING]


def _first(node: Node) -> int:
    """Return the line at which `node` begins, with its decorators and the comment right above it."""
    if node.parent is not None and node.parent.type == _WRAPPER:
        node = node.parent
    first = node.start_point.row
    above = node.prev_sibling
    while above is not None and above.type == _COMMENT and above.start_point.row == first - 1:
        if above.prev_sibling is not None and above.prev_sibling.end_point.row == first - 1:
            break  # it stands behind something else, and is about that
        first, above = first - 1, above.prev_sibling
    return first + 1


def _by_python(text: str) -> Iterator[Definition]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
        if ast.get_docstring(tree, clean=False) is not None:
            yield Definition(tree.body[0].lineno, tree.body[0].end_lineno or 1, "", "")
        yield from _defined(tree, "", text.split("\n"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # no Python, or nested deeper than Python can follow
        return


def _defined(node: ast.AST, outer: str, lines: list[str]) -> Iterator[Definition]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{outer}.{child.name}" if outer else child.name
            first = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
            while first > 1 and lines[first - 2].lstrip().startswith("#"):
                first -= 1
            yield Definition(first, child.end_lineno or child.lineno, name, outer)
            if isinstance(child, ast.ClassDef):
                yield from _defined(child, name, lines)
        elif isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            yield from _defined(child, outer, lines)

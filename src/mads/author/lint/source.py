"""A class as its author wrote it: its methods, and the attributes that its instances have."""

import ast
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_REFLECTION = frozenset({"__dict__", "AttributeError", "delattr", "getattr", "hasattr", "setattr", "vars"})
"""Names by which attributes come and go unseen."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method, the file in which it stands, and its syntax."""

    function: Callable[..., Any]
    file: str
    node: ast.FunctionDef | ast.AsyncFunctionDef


class Source:
    """The source of a class and its bases."""

    def __init__(self, cls: type[Any]) -> None:
        self._cls = cls
        self._owners = cls.__mro__[:-1]
        self._trees = {owner: tree for owner in self._owners if (tree := _tree(owner)) is not None}

    def methods(self) -> Iterator[Method]:
        """Yield the plain methods whose source is at hand."""
        for owner, tree in self._trees.items():
            for node in tree.body:
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    function = vars(owner).get(node.name)
                    if inspect.isfunction(function) and not hasattr(function, "__wrapped__"):
                        yield Method(function, inspect.getsourcefile(owner) or "", node)

    def attributes(self) -> frozenset[str] | None:
        """Return the names of every attribute that an instance may have; None where that is not plain."""
        nodes = [node for tree in self._trees.values() for node in ast.walk(tree)]
        read = {node.id for node in nodes if isinstance(node, ast.Name)}
        read |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        hidden = len(self._trees) < len(self._owners) or hasattr(self._cls, "__getattr__")
        if hidden or read & _REFLECTION:
            return None
        written = {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}
        declared = {name for owner in self._owners for name in inspect.get_annotations(owner)}
        return frozenset({*dir(self._cls), *declared, *written})


def _tree(cls: type[Any]) -> ast.ClassDef | None:
    try:
        lines, above = inspect.findsource(cls)
        tree = ast.parse("".join(lines))
    except (OSError, TypeError, SyntaxError):
        return None
    classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    return next((it for it in classes if above + 1 in {it.lineno, *(at.lineno for at in it.decorator_list)}), None)

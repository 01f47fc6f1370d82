"""What an annotation means once everything is loaded: imports under `TYPE_CHECKING` count, cycles do not matter."""

import ast
import inspect
import re
import sys
import typing
from collections.abc import Callable, Iterable
from functools import lru_cache
from types import ModuleType
from typing import Any, get_args

from mads.wire.errors import DeclarationError


def class_hints(cls: type[Any]) -> dict[str, Any]:
    """Return the types of the fields of `cls` by name, inherited ones first.

    Raises one `DeclarationError` with every annotation that stands for no type, a line each.
    """
    return _evaluated(
        (name, annotation, base.__module__, f"{base.__qualname__}.{name}")
        for base in reversed(cls.__mro__[:-1])
        for name, annotation in inspect.get_annotations(base).items()
    )


def function_hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the types of the parameters of `function` by name, and of its result under `return`.

    Raises one `DeclarationError` with every annotation that stands for no type, a line each.
    """
    return _evaluated(
        (name, annotation, function.__module__, f"{function.__qualname__}({name})")
        for name, annotation in inspect.get_annotations(function).items()
    )


def evaluate(annotation: Any, module: str, place: str) -> Any:
    """Return the type that `annotation` stands for in `module`; raise `DeclarationError` where it stands for none."""
    namespace = dict(vars(sys.modules[module]))
    holder: Any = type("_", (), {"__annotations__": {"it": annotation}})
    while True:
        try:
            return typing.get_type_hints(holder, globalns=namespace, localns={}, include_extras=True)["it"]
        except NameError as error:
            name = str(error.name)
            namespace[name] = _imported_for_checkers(name, sys.modules[module], place)
        except (SyntaxError, TypeError, AttributeError) as error:
            raise DeclarationError(f"{place}: the annotation {annotation!r} is no type: {error}") from error


def shown(type_: Any) -> str:
    """Return `type_` as an author writes it."""
    if type_ is type(None):
        return "None"
    if isinstance(type_, type) and not get_args(type_):
        return type_.__name__
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", str(type_)).replace("NoneType", "None").replace("LiteralString", "str")


def _evaluated(annotations: Iterable[tuple[str, Any, str, str]]) -> dict[str, Any]:
    """Return the types of `annotations` by name; each comes with its module and place."""
    hints: dict[str, Any] = {}
    mistakes: list[str] = []
    for name, annotation, module, place in annotations:
        try:
            hints[name] = evaluate(annotation, module, place)
        except DeclarationError as error:
            mistakes.append(str(error))
    if mistakes:
        raise DeclarationError("\n".join(mistakes))
    return hints


def _imported_for_checkers(name: str, module: ModuleType, place: str) -> Any:
    """Return what `module` imports as `name` under `if TYPE_CHECKING:`."""
    statement = _imports_for_checkers(module).get(name)
    if statement is None:
        raise DeclarationError(
            f"{place}: nothing in {module.__name__} is named {name!r}; write `from … import {name}` at its top"
        )
    names = {"__name__": module.__name__, "__package__": module.__package__}
    try:
        exec(compile(ast.Module([statement], []), str(module.__file__), "exec"), names)  # noqa: S102  the module's own line
    except ImportError as error:
        raise DeclarationError(f"{module.__file__}:{statement.lineno}: {ast.unparse(statement)}: {error}") from error
    return names[name]


@lru_cache(maxsize=256)
def _imports_for_checkers(module: ModuleType) -> dict[str, ast.stmt]:
    """Return the import statements under `if TYPE_CHECKING:` by the names that they bind."""
    try:
        tree = ast.parse(inspect.getsource(module))
    except (OSError, TypeError, SyntaxError):
        return {}
    return {
        alias.asname or alias.name.partition(".")[0]: statement
        for block in tree.body
        if isinstance(block, ast.If) and ast.unparse(block.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
        for statement in block.body
        if isinstance(statement, ast.Import | ast.ImportFrom)
        for alias in statement.names
    }

"""Each mistake that is certain from the source of a MAD's methods, and the line to write instead."""

import ast
import difflib
import inspect
import json
from collections.abc import Iterator
from functools import lru_cache, partial
from types import CoroutineType, MappingProxyType
from typing import Any, get_origin

from mads.author.annotations import class_hints, shown
from mads.author.declaration import Declaration, declaration, readable
from mads.author.declare import is_mad
from mads.author.lint.fits import example, fits, is_data
from mads.author.lint.source import Method, Source
from mads.author.lint.view import View
from mads.author.message import is_message
from mads.author.needs import Emit, Send, Step, Think
from mads.wire import codec
from mads.wire.errors import DeclarationError, InvalidMessage

_CHANGES = {*dir(list), *dir(set), *dir(dict)} - {*dir(tuple), *dir(frozenset), *dir(MappingProxyType)}
"""Methods by which lists, sets and dicts are changed."""

_OPEN = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
"""Parameters that take whatever is left, and may take nothing."""


def mistakes(declared: Declaration) -> list[str]:
    """Return what is certain to go wrong in the methods of a MAD: where, what, and what to write, a line each."""
    cls: Any = declared.cls
    return list(_found(cls))


@lru_cache(maxsize=256)  # a class says the same for as long as it lives
def _found(cls: type[Any]) -> tuple[str, ...]:
    declared, source = readable(cls)[0], Source(cls)
    missing = partial(_missing, source.attributes())
    checks = (missing, _misspelt, _misused, _question, _emitted, _sent, _changed, _unawaited, _misread)
    found: set[tuple[str, int, str]] = set()
    for method in source.methods():
        view = View(declared, method.function, method.node)
        for node in view.nodes:
            line = getattr(node, "lineno", None) or getattr(node, "iter", method.node).lineno
            found |= {(method.file, line, what) for check in checks for what in check(view, node)}
        travels = any(tool.method == method.node.name for tool in declared.tools.values())
        found |= {(method.file, line, what) for line, what in _returned(view, method, travels=travels)}
    return tuple(f"{file}:{line}: {what}" for file, line, what in sorted(found))


def _missing(attributes: frozenset[str] | None, view: View, node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Attribute(value=owner, attr=name) if attributes and view.is_me(owner) and name not in attributes:
            near = difflib.get_close_matches(name, attributes, 1)
            type_ = "".join(part.title() for part in name.split("_"))
            line = f"write `self.{near[0]}`" if near else f"write `{name}: {type_}` among its fields"
            yield f"{view.cls.__name__} has no {name!r}; {line}"
        case _:
            pass


def _misspelt(view: View, node: ast.AST) -> Iterator[str]:
    if not isinstance(node, ast.Attribute):
        return
    mad: Any = view.fields.get(view.field(node.value))
    tools = _tools(mad)
    if not tools or node.attr in tools:
        return
    if inspect.isfunction(inspect.getattr_static(mad, node.attr, None)):
        yield f"{mad.__name__} keeps {node.attr!r} to itself; write @tool above `def {node.attr}(…)`"
    else:
        near = (difflib.get_close_matches(node.attr, tools, 1) or tools)[0]
        line = f"{ast.unparse(node.value)}.{near}(…)"
        yield f"{mad.__name__} has no tool {node.attr!r}; did you mean {near!r}? Write `{line}`"


def _misused(view: View, node: ast.AST) -> Iterator[str]:
    callee = view.callee(node) if isinstance(node, ast.Call) else None
    if not isinstance(node, ast.Call) or callee is None or any(keyword.arg is None for keyword in node.keywords):
        return
    name, parameters = ast.unparse(node.func), callee.signature.parameters
    keywords = {str(keyword.arg): keyword.value for keyword in node.keywords}
    required = [key for key, it in parameters.items() if it.default is it.empty and it.kind not in _OPEN]
    usage = f"{name}({', '.join(f'{key}={example(callee.hints.get(key))}' for key in required)})"
    try:
        bound = callee.signature.bind(*node.args, **keywords)
    except TypeError as error:
        near = [
            f"no argument is named {key!r}, did you mean {meant!r}?"
            for key in sorted(keywords.keys() - parameters)
            for meant in difflib.get_close_matches(key, parameters, 1)
        ]
        yield f"{name}: {near[0] if near else error}; write `{usage}`"
        return
    for key, value in bound.arguments.items():
        want = callee.hints.get(key, Any)
        if isinstance(value, ast.expr) and not _may_be(view, value, want, travels=callee.travels):
            yield f"{name}: {key} is of type {shown(want)}, not {ast.unparse(value)}; write `{usage}`"


def _question(view: View, node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Call(func=func, args=[question, *_]) if view.fields.get(view.field(func)) is Think:
            if view.type_of(question) is str:
                text, material = _split(question)
                line = f"{ast.unparse(func)}({', '.join([json.dumps(text, ensure_ascii=False), *material])})"
                yield f"a question is a literal, and what varies is material; write `await {line}`"
        case _:
            pass


def _emitted(view: View, node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Call(func=func, args=[event, *_]) if view.fields.get(view.field(func)) is Emit:
            type_ = view.type_of(event)
            if is_message(cls := view.thing(event)):
                yield f"{cls.__name__} is a class, no event; write `await {ast.unparse(func)}({example(cls)})`"
            elif isinstance(event, ast.Call) and isinstance(event.func, ast.Name) and type_ is not Any:
                if not is_message(type_):
                    yield f"{type_.__name__} is no message; write @message above `class {type_.__name__}:`"
            elif is_data(type_):
                yield f"{ast.unparse(event)} is no event; write `await {ast.unparse(func)}(…)` with a @message in it"
        case _:
            pass


def _sent(view: View, node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Call(func=func, args=[tool, *given]) if view.fields.get(view.field(func)) is Send:
            named = list[ast.keyword]()
        case ast.Call(func=func, args=[_, tool, *given], keywords=named) if view.fields.get(view.field(func)) is Step:
            pass
        case _:
            return
    if not any(isinstance(it, ast.Starred) for it in given):
        for what in _misused(view, ast.Call(tool, given, named)):
            yield what.replace("; write `", "; it takes `")


def _changed(view: View, node: ast.AST) -> Iterator[str]:
    part = _changed_part(view, node)
    type_: Any = view.type_of(part.value) if part else None
    if part and is_message(type_):
        it = ast.unparse(part.value)
        values = [f"{name}=…" if name == part.attr else f"{name}={it}.{name}" for name in class_hints(type_)]
        line = f"{it} = {type_.__name__}({', '.join(values)})"
        yield f"{ast.unparse(part)} cannot change: {type_.__name__} is a value; write `{line}`"


def _changed_part(view: View, node: ast.AST) -> ast.Attribute | None:
    """Return the attribute that `node` changes, itself or what is in it."""
    match node:
        case ast.Attribute(ctx=ast.Store() | ast.Del()):
            return node
        case ast.Subscript(value=ast.Attribute() as part, ctx=ast.Store() | ast.Del()):
            pass
        case ast.Call(func=ast.Attribute(value=ast.Attribute() as part, attr=name)) if name in _CHANGES:
            pass
        case _:
            return None
    type_ = view.type_of(part)
    return part if view.is_given(part) and (get_origin(type_) or type_) in {list, set, dict} else None


def _unawaited(view: View, node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Await(value=ast.Call() as call) | ast.For(iter=ast.Call() as call):
            pass
        case ast.Expr(value=ast.Call() as call) | ast.Subscript(value=ast.Call() as call):
            pass
        case ast.comprehension(iter=ast.Call() as call, is_async=0):
            pass
        case ast.Attribute(value=ast.Call() as call, attr=name) if not hasattr(CoroutineType, name):
            pass
        case _:
            return
    callee = view.callee(call)
    if callee and callee.awaited and not isinstance(node, ast.Await):
        yield f"{ast.unparse(call.func)} is not awaited; write `await {ast.unparse(call)}`"
    elif callee and callee.streams and isinstance(node, ast.Await | ast.For | ast.comprehension):
        yield f"{ast.unparse(call.func)} streams; write `async for … in {ast.unparse(call)}`"


def _misread(view: View, node: ast.AST) -> Iterator[str]:
    match node:
        case ast.AnnAssign(target=target, annotation=annotation, value=ast.Await() as value):
            have, want = view.type_of(value), view.evaluated(annotation)
            if not fits(have, want):
                line = f"{ast.unparse(target)}: {shown(have)} = {ast.unparse(value)}"
                yield f"{ast.unparse(value)} gives {shown(have)}, not {shown(want)}; write `{line}`"
        case _:
            pass


def _returned(view: View, method: Method, *, travels: bool) -> Iterator[tuple[int, str]]:
    """Find what a method returns against its declaration."""
    if inspect.isasyncgenfunction(method.function) or inspect.isgeneratorfunction(method.function):
        return
    want = view.hints.get("return", Any)
    for node in _own_returns(method.node):
        value = node.value or ast.Constant(None)
        callee = view.callee(value) if isinstance(value, ast.Call) else None
        if travels and callee and callee.awaited:
            yield node.lineno, f"{ast.unparse(value)} is not awaited; write `return await {ast.unparse(value)}`"
        elif not _may_be(view, value, want, travels=travels):
            what = f"{method.node.name} returns {shown(want)}, not {ast.unparse(value)}"
            yield node.lineno, f"{what}; write `return {example(want)}`"


def _own_returns(node: ast.AST) -> Iterator[ast.Return]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Return):
            yield child
        elif not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _own_returns(child)


def _may_be(view: View, node: ast.expr, want: Any, *, travels: bool) -> bool:
    """Return whether an expression may be of type `want`: a literal that travels, as the codec will find."""
    if travels:
        try:
            codec.fit(ast.literal_eval(node), want)
        except InvalidMessage:
            return False
        except (ValueError, TypeError, RecursionError):
            pass
    return fits(view.type_of(node), want)


def _split(question: ast.expr) -> tuple[str, list[str]]:
    """Return a question with … for what varies in it, and what that is."""
    match question:
        case ast.Constant(value=str(text)):
            return text, []
        case ast.JoinedStr(values=parts):
            pass
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            parts = [left, right]
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format"), args=args):
            return text.replace("{}", "…"), [ast.unparse(arg) for arg in args]
        case ast.FormattedValue(value=value):
            return "…", [ast.unparse(value)]
        case _:
            return "…", [ast.unparse(question)]
    split = [_split(part) for part in parts]
    return "".join(text for text, _ in split), [it for _, material in split for it in material]


def _tools(mad: Any) -> list[str]:
    try:
        return sorted(tool.method for tool in declaration(mad).tools.values()) if is_mad(mad) else []
    except DeclarationError:
        return []

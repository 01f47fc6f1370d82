"""What the source of one method says, without running it, of the types of its expressions; in doubt, `Any`."""

import ast
import builtins
import inspect
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, LiteralString

from mads.author.annotations import class_hints, evaluate, function_hints
from mads.author.declaration import Declaration
from mads.author.lint.callee import Callee, constructor_of, hints_of, method_of
from mads.author.lint.fits import element_of
from mads.author.message import is_message
from mads.author.needs import Receipt, Send, Step, Think
from mads.wire.errors import DeclarationError


class View:
    """One method of a MAD, seen from outside."""

    def __init__(self, declared: Declaration, function: Callable[..., Any], node: ast.AST) -> None:
        self.hints = hints_of(function_hints, function)
        self.fields = {field.name: field.type for field in declared.fields}
        self.cls = declared.cls
        self._module = function.__module__
        parameters = inspect.signature(function).parameters
        self._me = next(iter(parameters), "")
        self.nodes = [*ast.walk(node)]
        self._bound = Counter(_bindings(self.nodes))
        self._givers = dict(_givers(self.nodes))
        self._types = {name: self.hints[name] for name in parameters if name in self.hints}
        self._types |= {name: Any for name, it in parameters.items() if it.kind in {it.VAR_POSITIONAL, it.VAR_KEYWORD}}

    def type_of(self, node: ast.expr) -> Any:
        """Return the type of an expression."""
        match node:
            case ast.Name(id=name):
                return self._type_of_name(name)
            case ast.Attribute():
                return self._type_of_attribute(node)
            case ast.Call(func=ast.Attribute(value=text, attr="format")) if self._is_text(text):
                return self._type_of_text([text, *node.args])
            case ast.Call():
                return self._type_of_result(node, awaited=False)
            case ast.Await(value=ast.Call() as call):
                return self._type_of_result(call, awaited=True)
            case _:
                return self._type_of_literal(node)

    def callee(self, call: ast.Call) -> Callee | None:
        """Return what `call` calls, where that is a need, a tool of another MAD, a method of this one or a class."""
        if needed := self.field(call.func):
            return self._need(self.fields[needed], call)
        match call.func:
            case ast.Attribute(value=owner, attr=name) if self.is_me(owner):
                return method_of(self.cls, name, own=True)
            case ast.Attribute(value=owner, attr=name):
                field = self.field(owner)
                return method_of(self.fields[field], name) if field else None
            case _:
                return constructor_of(self.thing(call.func))

    def thing(self, node: ast.expr) -> Any:
        """Return what an expression names outside the method; None where it names nothing there."""
        if isinstance(node, ast.Name) and node.id not in self._bound:
            return getattr(sys.modules[self._module], node.id, getattr(builtins, node.id, None))
        return None

    def field(self, node: ast.expr) -> str:
        """Return the name of the field of this MAD that an expression reads, "" where it reads none."""
        if isinstance(node, ast.Attribute) and self.is_me(node.value) and node.attr in self.fields:
            return node.attr
        return ""

    def is_me(self, node: ast.expr) -> bool:
        """Return whether an expression is this MAD itself."""
        return isinstance(node, ast.Name) and node.id == self._me and self._bound[self._me] == 1

    def is_given(self, node: ast.expr) -> bool:
        """Return whether an expression reads what came from outside: an argument, or an item of a loop."""
        while isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        return isinstance(node, ast.Name) and not isinstance(self._givers.get(node.id), ast.expr | ast.AnnAssign)

    def evaluated(self, annotation: ast.expr) -> Any:
        """Return the type that an annotation in the method's body stands for."""
        try:
            return evaluate(ast.unparse(annotation), self._module, "")
        except DeclarationError:
            return Any

    def _need(self, type_: Any, call: ast.Call) -> Callee | None:
        if type_ is Send:
            return Callee(hints={}, result=Receipt, awaited=True)
        if type_ is Step:
            work = self.callee(ast.Call(call.args[1], [], [])) if len(call.args) > 1 else None
            return Callee(hints={}, result=work.result if work and work.awaited else Any, awaited=True)
        if type_ is not Think:
            return method_of(type_, "__call__")
        returning = [keyword.value for keyword in call.keywords if keyword.arg == "returning"]
        return Callee(hints={}, result=self.evaluated(returning[0]) if returning else str, awaited=True)

    def _type_of_literal(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=value):
                return LiteralString if isinstance(value, str) else type(value)
            case ast.JoinedStr(values=parts):
                return self._type_of_text([part.value for part in parts if isinstance(part, ast.FormattedValue)])
            case ast.BinOp(left=text, op=ast.Add() | ast.Mod(), right=more) if self._is_text(text):
                return self._type_of_text([text, more])
            case ast.List(elts=items):
                return self._type_of_list(items)
            case ast.ListComp(elt=item):
                return self._type_of_list([item])
            case _:
                return dict if isinstance(node, ast.Dict | ast.DictComp) else Any

    def _is_text(self, node: ast.expr) -> bool:
        return self.type_of(node) in {str, LiteralString}

    def _type_of_text(self, parts: list[ast.expr]) -> Any:
        types = {self.type_of(part) for part in parts}
        if types <= {LiteralString}:
            return LiteralString
        return str if types - {LiteralString, Any} else Any

    def _type_of_list(self, items: list[ast.expr]) -> Any:
        list_: Any = list
        types = {self.type_of(item) for item in items}
        return list_[types.pop()] if len(types) == 1 else list_

    def _type_of_result(self, call: ast.Call, *, awaited: bool) -> Any:
        callee = self.callee(call)
        return callee.result if callee and callee.awaited == awaited and not callee.streams else Any

    def _type_of_name(self, name: str) -> Any:
        if self._bound[name] != 1:
            return Any
        if name not in self._types:
            self._types[name] = Any  # while it is looked for: it may lead back to itself
            self._types[name] = self._type_given(self._givers.get(name))
        return self._types[name]

    def _type_given(self, giver: ast.AST | None) -> Any:
        match giver:
            case ast.AnnAssign(annotation=annotation):
                return self.evaluated(annotation)
            case ast.For(iter=items) | ast.AsyncFor(iter=items) | ast.comprehension(iter=items):
                callee = self.callee(items) if isinstance(items, ast.Call) else None
                return callee.result if callee and callee.streams else element_of(self.type_of(items))
            case ast.expr():
                return self.type_of(giver)
            case _:
                return Any

    def _type_of_attribute(self, node: ast.Attribute) -> Any:
        owner = self.type_of(node.value)
        if is_message(owner):
            return class_hints(owner).get(node.attr, Any)
        return self.fields.get(self.field(node), Any)


def _bindings(nodes: list[ast.AST]) -> Iterator[str]:
    """Yield each name that one of `nodes` binds, once for each time."""
    for node in nodes:
        match node:
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name
            case (
                ast.MatchMapping(rest=str(name))
                | ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ):
                yield name
            case ast.alias():
                yield (node.asname or node.name).partition(".")[0]
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                yield from names * 2
            case _:
                pass


def _givers(nodes: list[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    """Yield the names that one of `nodes` binds to something whose type may be plain, each with what gives it."""
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case (
                ast.AnnAssign(target=ast.Name(id=name))
                | ast.For(target=ast.Name(id=name))
                | ast.AsyncFor(target=ast.Name(id=name))
                | ast.comprehension(target=ast.Name(id=name))
            ):
                yield name, node
            case _:
                pass

"""From an expression to a function of the facts: read by the precedence of its signs, each part becoming a function."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from mads.guard.cel import macros
from mads.guard.cel.functions import GLOBAL, METHODS, TRUTHS
from mads.guard.cel.values import LESS, PRODUCTS, SUMS, NoValueError, is_map, item
from mads.guard.cel.words import Word, mistake, text_of, words
from mads.wire.errors import UsageError

DEEPEST = 50
"""How deep an expression may be nested."""

Facts = Mapping[str, Any]
Part = Callable[[Facts], Any]


@dataclass(frozen=True, slots=True)
class Node:
    """A part of an expression: what it does, what it is known to be ("" where that shows only then), and its path.

    `holder` and `field` are there where it is a field of something, which `has` asks for.
    """

    run: Part
    kind: str = ""
    holder: Part | None = None
    field: str = ""


def compiled(source: str, names: Collection[str]) -> Part:
    """Return `source` as a function of the facts of these `names`; raise `UsageError` where it is no condition."""
    parser = _Parser(source, names)
    node = parser.expression()
    if parser.now.kind != "end":
        raise parser.wrong(f"{parser.now.text!r} is one word too many")
    if node.kind not in ("", "bool"):
        raise UsageError(f"the condition {source!r:.200} says nothing that is so or is not; compare it with something")
    return node.run


class _Parser:
    def __init__(self, source: str, names: Collection[str]) -> None:
        self._source, self._words = source, list(words(source))
        self._names = list(names)
        self._at = self._depth = 0

    @property
    def now(self) -> Word:
        return self._words[self._at]

    def wrong(self, what: str) -> UsageError:
        return mistake(self._source, self.now.at, what)

    def expression(self) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self.wrong(f"it is nested deeper than {DEEPEST}")
        condition = self._either()
        if self._took("?"):
            self._must_be_truth(condition)
            yes = self._either()
            self._expect(":")
            no = self.expression()
            condition = Node(_chosen(condition.run, yes.run, no.run), yes.kind if yes.kind == no.kind else "")
        self._depth -= 1
        return condition

    def _either(self) -> Node:
        node = self._both()
        while self._took("||"):
            other = self._both()
            self._must_be_truth(node, other)
            node = Node(_settled(node.run, other.run, by=True), "bool")
        return node

    def _both(self) -> Node:
        node = self._relation()
        while self._took("&&"):
            other = self._relation()
            self._must_be_truth(node, other)
            node = Node(_settled(node.run, other.run, by=False), "bool")
        return node

    def _relation(self) -> Node:
        node = self._chain(SUMS, lambda: self._chain(PRODUCTS, self._unary))
        while self.now.text in LESS and self.now.kind in ("sign", "name"):
            sign = self._next().text
            node = Node(
                _pair(LESS[sign], node.run, self._chain(SUMS, lambda: self._chain(PRODUCTS, self._unary)).run), "bool"
            )
        return node

    def _chain(self, signs: Mapping[str, Callable[[Any, Any], Any]], inner: Callable[[], Node]) -> Node:
        node = inner()
        while self.now.kind == "sign" and self.now.text in signs:
            sign = self._next().text
            node = Node(_pair(signs[sign], node.run, inner().run), "value")
        return node

    def _unary(self) -> Node:
        if self._took("!"):
            node = self._nested(self._unary)
            self._must_be_truth(node)
            return Node(lambda facts: not _truth(node.run(facts)), "bool")
        if self._took("-"):
            node = self._nested(self._unary)
            return Node(_pair(SUMS["-"], lambda _: 0, node.run), "value")
        return self._member()

    def _nested(self, inner: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self.wrong(f"it is nested deeper than {DEEPEST}")
        node = inner()
        self._depth -= 1
        return node

    def _member(self) -> Node:
        node = self._primary()
        while True:
            if self._took("."):
                name = self._name()
                node = self._called(node, name) if self._took("(") else _field(node, name)
            elif self._took("["):
                key = self.expression()
                self._expect("]")
                node = Node(_pair(item, node.run, key.run))
            else:
                return node

    def _called(self, node: Node, name: str) -> Node:
        if name in macros.MACROS:
            return self._macro(node, name)
        if name not in METHODS:
            raise self.wrong(f"there is no function {name}; there is {', '.join((*METHODS, *macros.MACROS))}")
        many, function = METHODS[name]
        arguments = self._arguments(name, many)
        kind = "bool" if name in TRUTHS else "value"
        return Node(_applied(function, [node.run, *(each.run for each in arguments)]), kind)

    def _macro(self, node: Node, name: str) -> Node:
        variable = self._name()
        if variable in self._names:
            raise self.wrong(f"{variable!r} has a meaning already; write another name")
        self._expect(",")
        self._names.append(variable)
        each = self.expression()
        self._names.remove(variable)
        self._expect(")")
        if name != "map":
            self._must_be_truth(each)
        return Node(macros.MACROS[name](node.run, variable, each.run), "bool" if name in macros.TRUTHS else "value")

    def _arguments(self, name: str, many: int) -> list[Node]:
        found: list[Node] = []
        while not self._took(")"):
            if found:
                self._expect(",")
            found.append(self.expression())
        if len(found) != many:
            raise self.wrong(f"{name} takes {many} arguments, not {len(found)}")
        return found

    def _primary(self) -> Node:
        word = self._next()
        match word.kind, word.text:
            case "sign", "(":
                node = self.expression()
                self._expect(")")
                return node
            case "sign", "[":
                items = self._listed("]")
                return Node(lambda facts: [each.run(facts) for each in items], "value")
            case "sign", "{":
                return self._map()
            case "name", name:
                return self._named(name)
            case "int" | "double" | "string", _:
                value = self._literal(word)
                return Node(lambda _: value, "value")
            case _:
                self._at -= 1
                raise self.wrong(
                    "something is missing here" if word.kind == "end" else f"{word.text!r} says nothing here"
                )

    def _literal(self, word: Word) -> Any:
        if word.kind == "string":
            return text_of(self._source, word)
        return float(word.text) if word.kind == "double" else int(word.text, 0 if word.text.startswith("0x") else 10)

    def _named(self, name: str) -> Node:
        if name in ("true", "false"):
            value = name == "true"
            return Node(lambda _: value, "bool")
        if name == "null":
            return Node(lambda _: None, "value")
        if self._took("("):
            return self._function(name)
        if name not in self._names:
            raise self.wrong(f"nothing is called {name!r}; there is {', '.join(self._names)}")
        return Node(lambda facts: facts[name], "" if name not in TEXTS else "value")

    def _function(self, name: str) -> Node:
        if name == "has":
            (node,) = self._arguments(name, 1)
            if node.holder is None:
                raise self.wrong("has() asks for a field: has(arguments.url)")
            return Node(macros.has(node.holder, node.field), "bool")
        if name not in GLOBAL:
            raise self.wrong(f"there is no function {name}; there is has, {', '.join(GLOBAL)}")
        many, function = GLOBAL[name]
        return Node(_applied(function, [each.run for each in self._arguments(name, many)]), "value")

    def _listed(self, end: str) -> list[Node]:
        items: list[Node] = []
        while not self._took(end):
            if items:
                self._expect(",")
            items.append(self.expression())
        return items

    def _map(self) -> Node:
        pairs: list[tuple[Node, Node]] = []
        while not self._took("}"):
            if pairs:
                self._expect(",")
            key = self.expression()
            self._expect(":")
            pairs.append((key, self.expression()))
        return Node(lambda facts: {key.run(facts): value.run(facts) for key, value in pairs}, "value")

    def _name(self) -> str:
        if self.now.kind != "name":
            raise self.wrong("a name is missing here")
        return self._next().text

    def _must_be_truth(self, *nodes: Node) -> None:
        if any(node.kind not in ("", "bool") for node in nodes):
            raise self.wrong("what stands at `!`, `&&`, `||` or `?` must be so or not; compare it with something")

    def _took(self, sign: str) -> bool:
        took = self.now.kind == "sign" and self.now.text == sign
        self._at += took
        return took

    def _expect(self, sign: str) -> None:
        if not self._took(sign):
            raise self.wrong(f"{sign!r} is missing here")

    def _next(self) -> Word:
        word = self.now
        self._at += word.kind != "end"
        return word


TEXTS = ("principal", "tenant", "tool", "conversation", "roles", "chain", "labels")
"""Facts of which is known that they are neither so nor not."""


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise NoValueError("a value is neither true nor false")


def _pair(function: Callable[[Any, Any], Any], one: Part, other: Part) -> Part:
    return lambda facts: function(one(facts), other(facts))


def _applied(function: Callable[..., Any], parts: list[Part]) -> Part:
    return lambda facts: function(*(part(facts) for part in parts))


def _chosen(condition: Part, yes: Part, no: Part) -> Part:
    return lambda facts: yes(facts) if _truth(condition(facts)) else no(facts)


def _settled(one: Part, other: Part, *, by: bool) -> Part:
    """Return `one || other` (`by` true) or `one && other`: either side settles it, even where the other is an error."""

    def settled(facts: Facts) -> bool:
        try:
            if _truth(one(facts)) is by:
                return by
        except NoValueError:
            if _truth(other(facts)) is by:
                return by
            raise
        return _truth(other(facts))

    return settled


def _field(node: Node, name: str) -> Node:
    def field(facts: Facts) -> Any:
        holder = node.run(facts)
        if not is_map(holder):
            raise NoValueError(f"there is no {name} in what is no map")
        if name not in holder:
            raise NoValueError(f"there is no {name}")
        return holder[name]

    return Node(field, holder=node.run, field=name)

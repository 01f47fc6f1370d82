"""Code of a project that opens connections by itself: past the broker nobody looks at what leaves, and where to."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mads.host.config import Config

ALLOWED = re.compile(r"#\s*mads:\s*socket\b[\s:,(-]*(\w.*)")
"""Written in a line, with the reason, it lets that line be."""

FIELD = "field `egress: Egress` and `await self.egress.request(method, url)`"
CLIENT = "`httpx2.AsyncClient(transport=EgressTransport(self.egress))`, from mads.egress.transport"
MODEL = "field `think: Think`: Fiedler asks models, with keys that nobody sees"
PAGE = "field `marco: Marco`: he reads what needs a browser, too"
RAW = "field `egress: Egress` where HTTP will do"

INSTEAD = {
    **dict.fromkeys(("socket", "_socket", "ssl", "socketserver", "socks"), RAW),
    **dict.fromkeys(("ftplib", "smtplib", "imaplib", "poplib", "nntplib", "telnetlib", "paramiko", "asyncssh"), RAW),
    **dict.fromkeys(("aiosmtplib", "websocket", "websockets", "wsproto", "grpc", "zmq", "pycurl"), RAW),
    **dict.fromkeys(("requests", "urllib.request", "urllib2", "urllib3", "http.client", "xmlrpc.client"), FIELD),
    **dict.fromkeys(("aiohttp", "httplib2", "treq", "niquests", "curl_cffi", "tornado.httpclient", "boto3"), FIELD),
    **dict.fromkeys(("httpx", "httpx2", "httpcore", "httpcore2"), f"{FIELD}, or {CLIENT}"),
    **dict.fromkeys(("openai", "anthropic", "google.genai", "litellm", "ollama", "mistralai", "cohere"), MODEL),
    **dict.fromkeys(("selenium", "playwright", "pyppeteer"), PAGE),
}
"""What opens connections, and what to write instead."""

CARRIED = frozenset({"httpx2", "openai", "anthropic"})
"""What may be handed a transport that asks the broker: in a module that imports it, they are no matter."""

TRANSPORT = "mads.egress.transport"

CALLS = frozenset(
    {"open_connection", "open_unix_connection", "create_connection", "create_datagram_endpoint"}
    | {"create_unix_connection", "sock_connect"}
)
"""Functions of asyncio, and methods of its loop, that connect."""


Found = tuple[int, str]
"""A line, and what it imports or calls."""


def sockets(config: Config) -> list[str]:
    """Return where code of the project opens connections by itself, and what to write instead, a line each.

    Looked at are the modules of the MADs, and what they import from the project, however deep; nothing is executed.
    """
    root = Path(config.root).resolve()
    found: list[str] = []
    files = _files([mad.use.partition(":")[0] for mad in config.mads.values()], [root / it for it in config.path])
    for file in sorted(files):
        short = file.relative_to(root) if file.is_relative_to(root) else file
        found += [f"{short}:{line}: {what}" for line, what in _mistakes(file)]
    return found


def _files(modules: Iterable[str], folders: Sequence[Path]) -> Iterator[Path]:
    """Yield the files behind `modules` in `folders`, and those of all that they import from there."""
    waiting, seen = [*modules], set[Path]()
    while waiting:
        name = waiting.pop(0)
        stem = Path(*name.split("."))
        for file in (folder / stem / last for folder in folders for last in ("__init__.py", f"../{stem.name}.py")):
            file = Path(os.path.normpath(file))  # noqa: PLW2901  the same file
            if file not in seen and file.is_file():
                seen.add(file)
                yield file
                package = name if file.name == "__init__.py" else name.rpartition(".")[0]
                waiting += [module for _, module in _imports(_tree(file), package)]


def _mistakes(file: Path) -> Iterator[Found]:
    """Yield each line of `file` that is not allowed, and what to write there."""
    tree, lines = _tree(file), file.read_text(encoding="utf-8", errors="replace").splitlines()
    imported = [*_imports(tree, "")]
    carried = CARRIED if any(module.startswith(TRANSPORT) for _, module in imported) else frozenset[str]()
    told = set[Found]()
    for line, module in imported:
        name = next((name for name in _parents(module) if name in INSTEAD), "")
        if name and name not in carried:
            told.add((line, f"{name!r} opens connections past the broker; write {INSTEAD[name]}"))
    told |= {(line, f"`{name}` opens a connection past the broker; write {RAW}") for line, name in _calls(tree)}
    for line, what in sorted(told):
        if not ALLOWED.search(lines[line - 1]):
            yield line, f"{what}; or say why it has to be: # mads: socket: …"


def _imports(tree: ast.Module, package: str) -> Iterator[Found]:
    """Yield the modules that `tree`, of a module in `package`, imports anywhere but for the type checker."""
    for node in _run(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, it.name) for it in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                above = package.split(".")[: len(package.split(".")) - level + 1] if level else []
                base = ".".join([*above, *([module] if module else [])])
                yield from ((node.lineno, f"{base}.{it.name}" if base else it.name) for it in names)
                if base:
                    yield node.lineno, base
            case ast.Call(func=function, args=[ast.Constant(value=str(name)), *_]) if _last(function) in (
                "import_module",
                "__import__",
            ):
                yield node.lineno, name
            case _:
                pass


def _calls(tree: ast.Module) -> Iterator[Found]:
    """Yield what `tree` calls of asyncio to connect."""
    for node in _run(tree):
        if isinstance(node, ast.Call) and (name := _last(node.func)) in CALLS:
            yield node.lineno, name


def _run(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield every node but those that only a type checker reads."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and _last(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def _last(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _parents(module: str) -> Iterator[str]:
    """Yield the name of `module`, and those of the packages it is in."""
    parts = module.split(".")
    return (".".join(parts[:size]) for size in range(len(parts), 0, -1))


def _tree(file: Path) -> ast.Module:
    """Return what is in `file`; nothing where that is no Python, which is somebody else's to say."""
    try:
        return ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return ast.Module(body=[], type_ignores=[])

"""The project's modules as they were loaded, and one MAD's read anew while the others keep theirs.

Executed again is the module of the MAD; of the project's other modules only what has changed on disk and what imports
such a one, and never the module of another MAD: that is what goes on running, until it is reloaded itself.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from mads.author.declaration import Declaration, readable
from mads.author.lint import mistakes
from mads.author.schema import tool_infos
from mads.host.config import Config
from mads.host.events import critical
from mads.host.inject import Filling, plan
from mads.host.load import load_class
from mads.host.survey import refuse
from mads.host.think.thinker import talking
from mads.wire.tools import ToolInfo

_OUTSIDE = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


@dataclass(frozen=True, slots=True)
class Anew:
    """A MAD read anew, and the modules that were replaced for it; it counts once it is kept."""

    declared: Declaration
    fillings: list[Filling]
    offered: tuple[ToolInfo, ...]
    replaced: Mapping[str, ModuleType]


class Sources:
    """The modules that lie in the project's folders; make one when they have been loaded."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._folders = tuple(f"{(Path(config.root) / folder).resolve()}{os.sep}" for folder in config.path)
        self._stamps = {name: _stamp(path) for name, path in self._loaded().items()}

    def anew(self, mad: str, declared: Mapping[str, Declaration]) -> Anew:
        """Return what `mad`, read anew, declares, and how its fields are filled where the others declare `declared`.

        Raises `ConfigError` with every mistake, a line each; all modules are as they were then. Blocks while it reads.
        """
        before = self._taken_out(self._stale(mad))
        try:
            read, unclear = readable(load_class(mad, self._config.mads[mad].use, self._config))
            after = talking({**declared, mad: read})
            read = after[mad]
            refuse([*unclear, *mistakes(read), *critical.mistakes(after)])
            fillings = plan(mad, read, self._config.mads[mad].set, {name: it.cls for name, it in after.items()})
            offered = tool_infos(mad, read)
        except BaseException:
            self._put_back(before)
            raise
        return Anew(read, fillings, offered, before)

    def undo(self, anew: Anew) -> None:
        """Put back the modules that were replaced."""
        self._put_back(anew.replaced)

    def keep(self, anew: Anew) -> None:
        """Take note of what runs now."""
        self._stamps |= {name: _stamp(path) for name, path in self._loaded().items() if name in anew.replaced}

    def _loaded(self) -> dict[str, Path]:
        """Return the project's modules that are loaded, and their files."""
        found: dict[str, Path] = {}
        for name, module in [*sys.modules.items()]:
            file = str(getattr(module, "__file__", None) or "")
            if file.startswith(self._folders) and not any(outside in file for outside in _OUTSIDE):
                found[name] = Path(file)
        return found

    def _stale(self, mad: str) -> set[str]:
        """Return the modules that are to be executed again."""
        target = _module(self._config, mad)
        spared = {_module(self._config, other) for other in self._config.mads} - {target}
        loaded = {name: path for name, path in self._loaded().items() if name not in spared}
        imports: dict[str, set[str]] = {}
        todo = [target]
        while todo:
            name = todo.pop()
            if name in loaded and name not in imports:
                imports[name] = _imports(name, loaded[name]) & loaded.keys()
                todo += imports[name]
        stale = {target} | {name for name in imports if self._stamps.get(name) != _stamp(loaded[name])}
        while more := {name for name, needed in imports.items() if name not in stale and needed & stale}:
            stale |= more
        return stale

    def _taken_out(self, names: Iterable[str]) -> dict[str, ModuleType]:
        """Forget the modules of `names`, also as they were compiled; return them."""
        before = {name: sys.modules.pop(name) for name in names if name in sys.modules}
        for module in before.values():
            with suppress(OSError, NotImplementedError, TypeError):
                # two versions of one size within one second look alike to the cache
                Path(importlib.util.cache_from_source(str(module.__file__))).unlink()
        importlib.invalidate_caches()
        return before

    def _put_back(self, before: Mapping[str, ModuleType]) -> None:
        sys.modules.update(before)
        for name, module in before.items():
            parent, _, child = name.rpartition(".")
            if parent in sys.modules:
                setattr(sys.modules[parent], child, module)


def _module(config: Config, mad: str) -> str:
    return config.mads[mad].use.partition(":")[0]


def _stamp(path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return b""


def _imports(name: str, path: Path) -> set[str]:
    """Return the modules that the file of the module `name` imports, as far as its text says; and their packages."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return set()
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            with suppress(ImportError):
                relative = "." * node.level + (node.module or "")
                full = importlib.util.resolve_name(relative, package)
                found |= {full, *(f"{full}.{alias.name}" for alias in node.names)}
    return found

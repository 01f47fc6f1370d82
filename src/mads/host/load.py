"""From `module:Class` in `mads.toml` to a class, with the project's own folders first on the path."""

from __future__ import annotations

import difflib
import importlib
import sys
from pathlib import Path
from typing import Any

from mads.author.declare import is_mad
from mads.host.config import Config
from mads.wire.errors import ConfigError


def extend_path(config: Config) -> None:
    """Put the project's folders at the front of the module search path, once."""
    for folder in reversed(config.path):
        full = str((Path(config.root) / folder).resolve())
        if full not in sys.path:
            sys.path.insert(0, full)


def load_class(name: str, use: str, config: Config) -> type[Any]:
    """Return the MAD class that `use` names; raise `ConfigError` that says what to write where there is none."""
    module_name, _, class_name = use.partition(":")
    place = f"[mads] {name} use = {use!r}"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise ConfigError(
                f"{place}: no module {error.name!r} in {', '.join(config.path)}; "
                'put the folder that holds it on the path: path = ["…"]'
            ) from error
        raise ConfigError(f"{place}: {module_name} imports {error.name!r}, which is not installed") from error
    except SystemExit as error:
        raise ConfigError(f"{place}: importing {module_name} ended the process: sys.exit({error.code!r})") from error
    except Exception as error:
        raise ConfigError(f"{place}: importing {module_name} failed: {type(error).__name__}: {error}") from error
    cls = getattr(module, class_name, None)
    if cls is None:
        here = [key for key, value in vars(module).items() if is_mad(value)]
        near = difflib.get_close_matches(class_name, here, 1) or here
        meant = f"; did you mean {module_name}:{near[0]}?" if near else ""
        raise ConfigError(f"{place}: {module_name} has no class {class_name!r}{meant}")
    if not is_mad(cls):
        raise ConfigError(f"{place}: {class_name} is no MAD; write @mad above `class {class_name}:`")
    return cls  # type: ignore[no-any-return]

"""A file of flags, by the schema of flagd: read whole or not at all, with every mistake in it, a line each."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec

from mads.guard.flags.logic import Compiler
from mads.guard.flags.operations import is_table
from mads.guard.flags.snapshot import Flag, Snapshot
from mads.wire.errors import ConfigError

STATES = ("ENABLED", "DISABLED")
KNOWN = ("state", "variants", "defaultVariant", "targeting", "metadata")
LIKE = (
    'write {"flags": {"NAME": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off"}}}'
)


def read(text: bytes, name: str) -> Snapshot:
    """Return the flags in `text`, which is that of the file `name`; raise `ConfigError` with every mistake."""
    try:
        whole = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name} is no JSON: {error}; {LIKE}") from error
    except RecursionError as error:
        raise ConfigError(f"{name}: a rule is too deep") from error
    if not is_table(whole) or not is_table(written := whole.get("flags")):
        raise ConfigError(f"{name} has no flags; {LIKE}")
    shared: Any = whole.get("$evaluators") or {}
    if not is_table(shared):
        raise ConfigError(f"{name}: $evaluators is a table of rules by name, not {shared!r:.100}")
    compiler, wrong, flags = Compiler(shared), list[str](), dict[str, Flag]()
    for key, said in written.items():
        try:
            flags[key] = _flag(key, said, compiler)
        except ValueError as error:
            wrong.append(f"{name}: flag {key!r}: {error}")
    if wrong:
        raise ConfigError("\n".join(wrong))
    return Snapshot(flags, sha256(text).hexdigest()[:12])


def _flag(key: str, said: Any, compiler: Compiler) -> Flag:
    if not is_table(said):
        raise ValueError(f"expected a table, got {said!r:.100}; {LIKE}")
    if unknown := [word for word in said if word not in KNOWN]:
        raise ValueError(f"there is no {unknown[0]!r}; it may have {', '.join(KNOWN)}")
    state, variants = said.get("state"), said.get("variants")
    if state not in STATES:
        raise ValueError(f"state is {' or '.join(map(repr, STATES))}, not {state!r:.100}")
    if not is_table(variants) or not variants:
        raise ValueError('variants is a table of values by name, such as {"on": true, "off": false}')
    kinds = {_kind(value) for value in variants.values()}
    if len(kinds) > 1 or None in kinds:
        raise ValueError("all variants are of one type: true and false, texts, numbers, or objects")
    default = said.get("defaultVariant") or ""
    default = str(default).lower() if isinstance(default, bool) else default
    if default and default not in variants:
        raise ValueError(f"defaultVariant {default!r:.100} is none of its variants: {', '.join(variants)}")
    targeting = said.get("targeting") or None
    if targeting is not None and not is_table(targeting):
        raise ValueError(f'targeting is a rule, such as {{"if": [...]}}, not {targeting!r:.100}')
    rule = None if targeting is None else compiler.compiled(targeting)
    fixed = variants.get(default) if state == STATES[0] and rule is None else None
    enabled = state == STATES[0]
    return Flag(key=key, enabled=enabled, variants=variants, default=default, rule=rule, fixed=fixed)


def _kind(value: Any) -> type | None:
    """Return what kind of value a variant is; None where it can be none."""
    return next((kind for kind in (bool, str, dict) if isinstance(value, kind)), None) or (
        float if isinstance(value, (int, float)) else dict if isinstance(value, list) else None
    )

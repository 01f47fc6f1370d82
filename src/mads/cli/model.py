"""`mads model`: the models that lie on this machine."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from mads.cli.group import Group
from mads.cli.terminal import json_option, listed, show
from mads.duos.fiedler.shelf import SHELF, Shelved, added, removed
from mads.duos.fiedler.shelf import listed as shelved
from mads.host.config import find_root

HEAD = ("NAME", "SIZE", "SHA-256", "FROM")

WEIGHTS = ".weights"
"""A folder of a project in which packages of weights lie that nothing imports."""


@click.group(cls=Group)
def model() -> None:
    """See to the models that lie on this machine, for Fiedler to run.

    All models of the configuration, and what is used of their limits: mads call fiedler.models. What was spent on each:
    mads cost. Which one answered: mads trace.
    """


@model.command()
@click.argument("source")
@click.option("--name", default="", help="What it is called; its file's or its recipe's own name if not given.")
@click.option("--sha256", "digest", default="", metavar="HEX", help="Add it only where that is its digest.")
@json_option
def add(source: str, *, name: str, digest: str, as_json: bool) -> None:
    """Add SOURCE: a GGUF file, or a recipe, by its name or as a file, that makes one of what packages hold."""
    root = find_root()
    it = added(root / SHELF, source, name=name, digest=digest, inside=(root / WEIGHTS, Path(WEIGHTS)))
    use = f'local = {{ api = "local", models = {{ small = "{it.name}" }} }}'
    lines = f"added {it.name}, {_size(it)}, sha256 {it.sha256}\nname it among the providers of fiedler: {use}"
    show(msgspec.to_builtins(it) if as_json else lines, as_json=as_json)


@model.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List the models on this machine."""
    listed(HEAD, shelved(find_root() / SHELF), _row, what="model", as_json=as_json)


@model.command()
@click.argument("name")
@json_option
def remove(name: str, *, as_json: bool) -> None:
    """Remove a model from this machine."""
    it = removed(find_root() / SHELF, name)
    show(msgspec.to_builtins(it) if as_json else f"removed {it.name}", as_json=as_json)


def _row(it: Shelved) -> tuple[str, ...]:
    return (it.name, _size(it), it.sha256[:16], it.source)


def _size(it: Shelved) -> str:
    return f"{it.bytes / 1_000_000:.0f} MB"

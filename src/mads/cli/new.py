"""`mads new`: a project that runs and passes its test at once."""

from __future__ import annotations

from pathlib import Path

import click

from mads.cli.terminal import json_option, show
from mads.project.new import make


@click.command()
@click.argument("name")
@json_option
def new(name: str, *, as_json: bool) -> None:
    """Make the folder NAME with a project in it: one MAD, its test, its mads.toml."""
    folder = make(name, Path.cwd())
    made = sorted(path.name for path in folder.iterdir())
    then = f"Run it:   cd {name} && mads up\nTest it:  cd {name} && pip install pytest && pytest"
    said = f"{folder}: {', '.join(made)}\n\n{then}"
    show({"folder": str(folder), "files": made} if as_json else said, as_json=as_json)

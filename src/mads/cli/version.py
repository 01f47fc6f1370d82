"""`mads version`."""

from __future__ import annotations

import platform
from importlib.metadata import version as version_of

import click

from mads.cli.terminal import json_option, show


@click.command()
@json_option
def version(*, as_json: bool) -> None:
    """Show the version of mads and of the Python that runs it."""
    known = {"mads": version_of("mads"), "python": platform.python_version()}
    show(known if as_json else " ".join(f"{name} {number}" for name, number in known.items()), as_json=as_json)

"""`mads connect`: sign in at an MCP server that asks for it, for the system or for one who calls."""

from __future__ import annotations

import click

from mads.cli.remote import asked
from mads.cli.terminal import json_option, show


@click.command()
@click.argument("mad")
@click.option("--as", "principal", default="", metavar="PRINCIPAL", help="For whom; left out, it is the system.")
@click.option("--forget", is_flag=True, help="Forget what signing in has brought.")
@json_option
def connect(mad: str, principal: str, *, forget: bool, as_json: bool) -> None:
    """Sign in at the MCP server for which MAD stands: with a browser, at its own authorization server.

    What that brings is kept sealed in the store, renewed by itself, and shown to that server alone. With
    credential = "oauth" in mads.toml the system signs in once for all; with "oauth:each" whoever calls needs it too.
    """
    whom = f"{mad} as {principal}" if principal else mad
    if forget:
        asked("sign_out", type(None), mad=mad, whom=principal)
        _end(as_json=as_json, mad=mad, principal=principal, signed_in=False, said=f"signed out of {whom}")
        return
    if address := asked("sign_in", str, mad=mad, whom=principal):
        click.echo(f"Open this address in a browser of this machine:\n\n{address}\n", err=True)
    asked("signed_in", type(None), mad=mad, whom=principal)
    _end(as_json=as_json, mad=mad, principal=principal, signed_in=True, said=f"signed in at {whom}")


def _end(*, as_json: bool, mad: str, principal: str, signed_in: bool, said: str) -> None:
    if as_json:
        show({"mad": mad, "principal": principal, "signed_in": signed_in}, as_json=True)
    else:
        click.echo(said)

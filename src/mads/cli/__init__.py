"""The command line: verbs and no logic. Each asks the running system over the one path, or the project on disk."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import click

from mads.cli.group import Group

VERBS = {
    "up": "Start the system of the nearest mads.toml.",
    "new": "Make a project: one MAD, its test, its mads.toml.",
    "call": "Call a tool.",
    "chat": "Talk to a MAD.",
    "conversations": "See to the conversations on record.",
    "capture": "See to the record of what happened.",
    "emit": "Publish an event.",
    "dead": "See to commands that were given up.",
    "trace": "Show what was done on behalf of a request.",
    "key": "Make and revoke the keys by which programs sign in.",
    "secret": "Keep secrets, which MADs use and never see.",
    "limits": "Show how much may be asked for, and what is used of it.",
    "budget": "Show what may be spent, what is of it, and settle what nobody settled.",
    "cost": "Show what was spent, by whom, for whom, or on what.",
    "stop": "Stop a MAD, one of its tools, or all spending, until it is resumed.",
    "resume": "Let go on what was stopped.",
    "set": "Change settings of mads.toml while the system runs.",
    "flag": "Show, ask and change feature flags.",
    "canary": "Show second versions of MADs, and decide about them.",
    "role": "Make roles: names for what may be called.",
    "grant": "Give a role, or some tools, to somebody.",
    "revoke": "Take back what was given to somebody.",
    "policy": "Show, explain and test who may call what.",
    "audit": "Show what was decided, and verify that nothing of it was changed.",
    "connect": "Sign in at an MCP server that asks for it.",
    "approve": "Approve what MCP servers say of their tools.",
    "model": "See to the models that lie on this machine.",
    "ps": "Show where each MAD runs and how it fares.",
    "logs": "Show what the system's processes logged, follow it with -f.",
    "restart": "Start a MAD anew, or one that was given up.",
    "reload": "Run a MAD with its code as it now stands on disk.",
    "show": "Show what a MAD is, needs, hears and offers.",
    "migrate": "See to the steps of the project's database.",
    "check": "Find everything that would fail at start, or breaks a promise.",
    "contract": "Lock what the MADs offer, and see what has become of it.",
    "mcp": "Serve the running system to an MCP client over stdio.",
    "version": "Show the version.",
}

SERVING = {"up", "mcp"}
"""Verbs that have none of their own, and whose modules take a second to import."""

HELP = """Run a system of agents: one process, one command, one door.

Every verb takes --json. The exit code is 0 for done, 1 for failed, 2 for wrong usage or configuration, 3 where no
system can be reached."""

EPILOG = """Completion: eval "$(_MADS_COMPLETE=bash_source mads)", also for zsh_source and fish_source."""


class Later(click.Command):
    """A verb whose module is imported when it is called for, so that help and completion stay fast."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Return the context of the verb itself, in which click then goes on."""
        assert self.name is not None
        verb: click.Command = getattr(import_module(f"mads.cli.{self.name}"), self.name)
        return verb.make_context(info_name, args, parent, **extra)


class Verbs(Group):
    """All verbs, in the order in which one meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the verbs."""
        del ctx
        return list(self.commands)

    def elsewhere(self, ctx: click.Context, name: str) -> str:
        """Return what is to be written where `name` is a verb of another verb; "" where it is none."""
        verbs = [verb for verb in self.commands if verb not in SERVING]
        found: dict[str, Any] = {verb: getattr(import_module(f"mads.cli.{verb}"), verb) for verb in verbs}
        written = [
            f"{ctx.command_path} {verb} {name}"
            for verb, it in found.items()
            if isinstance(it, click.Group) and name in it.commands
        ]
        return f"Write: {' or '.join(written)}" if written else ""


verbs = Verbs("mads", [Later(name, short_help=summary) for name, summary in VERBS.items()], help=HELP, epilog=EPILOG)


def main() -> None:
    """Do what the command line says and exit with the code that says how it went."""
    sys.exit(run(sys.argv[1:]))


def run(words: list[str]) -> int:
    """Do what `words` say and return the exit code; an error is told in words, or as JSON where they ask for it."""
    try:
        code: int = verbs.main(words, "mads", standalone_mode=False) or 0
        sys.stdout.flush()  # here, where it can be told that it failed
    except Exception as error:  # noqa: BLE001  whatever it is, it is told
        return _told(error, as_json="--json" in words)
    return code


def _told(error: Exception, *, as_json: bool) -> int:
    from mads.cli.outcome import FAILED, tell  # noqa: PLC0415  an error may take the time that help may not

    try:
        if isinstance(error, BrokenPipeError):
            raise error
        sys.stdout.flush()
        code = tell(error, as_json=as_json)
        sys.stdout.flush()
    except OSError as stuck:
        # what is still in the buffer must not fail at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(stuck, BrokenPipeError):  # who read our output and left needs no word
            click.echo(f"Error: standard output: {stuck.strerror}", err=True)
        return FAILED
    return code

"""`mads conversations`: what was said, by whom, how it came out; to keep, to hand on, to erase."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from mads.cli.group import Group
from mads.cli.lines import opened, placed, streamed
from mads.cli.remote import asked, connected
from mads.cli.terminal import json_option, listed, show
from mads.wire import codec
from mads.wire.conversation import LABELS, Certificate, Conversation, Said, Taken
from mads.wire.errors import UsageError

HEAD = ("ID", "PARTICIPANTS", "TURNS", "FIRST", "LAST", "LABELS", "HELD")
CERTIFIED = ("NO", "CONVERSATION", "AT", "BY", "ROWS", "BODIES", "LEFT OVER")

tenant_option = click.option(
    "--tenant", default="", metavar="NAME", help="Whose they are; those of all tenants if not given."
)
one_tenant = click.option(
    "--tenant", default="", metavar="NAME", help="Whose it is, where it is not the default tenant's."
)


class Verbs(Group):
    """A group that lists the conversations where it is given no verb."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the verb in front that is meant where none is given."""
        if not args or (args[0].startswith("-") and args[0] != "--help"):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=Verbs)
def conversations() -> None:
    """See to the conversations on record; without a verb, list them."""


@conversations.command("list")
@click.option("--mad", default="", metavar="NAME", help="Those in which this MAD took part.")
@click.option("--since", default="", metavar="WHEN", help='Those that went on since: "2026-11-22", "7d".')
@tenant_option
@json_option
def list_(mad: str, since: str, tenant: str, *, as_json: bool) -> None:
    """Show the conversations on record, the last one last."""
    seen = asked("conversations_list", list[Conversation], mad=mad, since=since, tenant=tenant)
    listed(HEAD, seen, _row, what="conversation", as_json=as_json)


@conversations.command("show")
@click.argument("conversation", metavar="ID")
@click.option("--thread", default="", metavar="TURN", help="One thread: the number, or the id, of its first turn.")
@click.option("--limit", default=1_000, type=click.IntRange(1, 20_000), help="The last so many turns.")
@one_tenant
@json_option
def show_(conversation: str, thread: str, limit: int, tenant: str, *, as_json: bool) -> None:
    """Show what was said in one, oldest first."""
    said = asked("conversations_show", list[Said], conversation=conversation, thread=thread, limit=limit, tenant=tenant)
    if as_json:
        show(codec.plain(said), as_json=True)
        return
    numbers = {it.id: it.turn for it in said}
    for it in said:
        show("\n".join(told(it, numbers)))


@conversations.command()
@click.argument("conversation", metavar="[ID]", required=False)
@click.argument("file", metavar="FILE", required=False)
@click.option("--all", "everything", is_flag=True, help="The whole record.")
@one_tenant
@json_option
def export(conversation: str | None, file: str | None, tenant: str, *, everything: bool, as_json: bool) -> None:
    """Write a conversation, or the whole record, to FILE as JSON lines; - is standard output."""
    if everything and file is None:
        conversation, file = "", conversation
    if conversation is None or file is None or everything is bool(conversation):
        raise UsageError("write: mads conversations export ID FILE, or: mads conversations export --all FILE")
    count = asyncio.run(_exported(file, conversation=conversation, tenant=tenant))
    if file != "-":
        show({"file": file, "lines": count} if as_json else f"{count} lines are in {file}", as_json=as_json)


async def _exported(file: str, **arguments: str) -> int:
    async with connected() as remote:
        with opened(file) as out:
            return (await streamed(remote, "conversations_export", out, **arguments, to=placed(file))).count


@conversations.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def import_(file: Path, *, as_json: bool) -> None:
    """Take an export into the record; where a line is wrong, nothing of it. Twice, or after a crash, is as good."""
    taken = asked("conversations_import", Taken, path=str(file.resolve()))
    told = f"{taken.added} rows are new, {taken.known} were here already"
    show(codec.plain(taken) if as_json else told, as_json=as_json)


@conversations.command()
@click.argument("conversation", metavar="ID")
@click.option("--why", required=True, help="What whoever wants to erase it is told.")
@one_tenant
@json_option
def hold(conversation: str, why: str, tenant: str, *, as_json: bool) -> None:
    """Keep one from being erased, by hand or by age, until it is released."""
    asked("conversations_hold", type(None), conversation=conversation, why=why, tenant=tenant)
    show({"held": conversation, "why": why} if as_json else f"conversation {conversation} is held", as_json=as_json)


@conversations.command()
@click.argument("conversation", metavar="ID")
@one_tenant
@json_option
def release(conversation: str, tenant: str, *, as_json: bool) -> None:
    """Let one be erased again."""
    asked("conversations_release", type(None), conversation=conversation, tenant=tenant)
    show({"released": conversation} if as_json else f"conversation {conversation} is no longer held", as_json=as_json)


@conversations.command()
@click.argument("conversation", metavar="ID")
@click.argument("label", type=click.Choice(LABELS))
@click.option("--turn", metavar="TURN", help="The number, or the id, of one turn; else all that have no label.")
@click.option("--by", default="", metavar="NAME", help="Who says so; you, if not given.")
@one_tenant
@json_option
def label(conversation: str, label: str, turn: str | None, by: str, tenant: str, *, as_json: bool) -> None:
    """Say how a conversation, or one turn of it, came out."""
    which = int(turn) if turn and turn.isdecimal() else turn or 0
    asked("conversations_label", type(None), conversation=conversation, label=label, turn=which, by=by, tenant=tenant)
    what = f"turn {turn} of conversation {conversation}" if turn else f"conversation {conversation}"
    told = {"conversation": conversation, "turn": which, "label": label}
    show(told if as_json else f"{what} is {label}", as_json=as_json)


@conversations.command()
@click.argument("conversation", metavar="ID")
@one_tenant
@json_option
def erase(conversation: str, tenant: str, *, as_json: bool) -> None:
    """Erase one, see that nothing of it is left, and show the certificate, which is kept."""
    certificate = asked("conversations_erase", Certificate, conversation=conversation, tenant=tenant)
    show(codec.plain(certificate), as_json=as_json)
    if certificate.found:
        sys.exit(1)


@conversations.command()
@json_option
def certificates(*, as_json: bool) -> None:
    """Show what was erased, when and by whom."""
    seen = asked("conversations_certificates", list[Certificate])
    listed(CERTIFIED, seen, _certified, what="certificate", as_json=as_json)


def told(said: Said, numbers: dict[str, int]) -> Iterator[str]:
    """Iterate over the lines in which a person reads one turn."""
    to = f" → {said.tool or said.to}" if said.to and not said.replies_to and said.to != said.by else ""
    notes = [
        f"answers {said.replies_to}" if said.replies_to else "",
        f"thread {numbers.get(said.thread, said.thread)}" if said.thread else "",
        said.label if said.label != "ok" else "",
        *said.taint,
    ]
    aside = ", ".join(filter(None, notes))
    yield f"{said.turn:>4}  {said.at:%Y-%m-%d %H:%M:%S}  {said.by or 'nobody'}{to}{f'  ({aside})' if aside else ''}"
    if said.tool:
        yield from _indented(f"asked {_json(said.asked)}")
        yield from _indented(f"answered {_json(said.answered)}" if said.outcome == "ok" else "")
    yield from _indented(said.text)
    yield from _indented(f"{said.to}: {said.answer}" if said.answer else "")
    if said.outcome != "ok":
        yield from _indented(f"{said.outcome}: {said.why}" if said.why else said.outcome)


def _indented(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield f"      {line}"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _certified(it: Certificate) -> tuple[Any, ...]:
    return (it.id, it.conversation, f"{it.at:%Y-%m-%d %H:%M}", it.by, it.rows, it.bodies, it.found)


def _row(it: Conversation) -> tuple[Any, ...]:
    who = ", ".join(it.participants)
    labels = ", ".join(f"{count} {label}" for label, count in it.labels.items())
    return (it.id, who, it.turns, f"{it.first:%Y-%m-%d %H:%M}", f"{it.last:%Y-%m-%d %H:%M}", labels, it.held)

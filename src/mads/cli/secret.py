"""`mads secret`: what the MADs may use and nobody sees; to write, list, hand to a MAD, replace, seal."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, TypeVar

import click
import msgspec

from mads.author.secrets import GrantInfo, Revealed, SealInfo, SecretInfo, Wrapped
from mads.cli.group import Group
from mads.cli.remote import LONG, connected
from mads.cli.span import Span
from mads.cli.terminal import json_option, listed, show
from mads.wire import codec
from mads.wire.errors import UsageError

T = TypeVar("T")

TURING = "mads.duos.turing:Turing"
HEAD = ("PATH", "VERSION", "HOSTS", "MADE", "EXPIRES", "TENANT")
GRANTED = ("MAD", "PATTERN", "LEASE", "TENANT")

tenant_option = click.option("--tenant", default="", help="Whose secret it is.  [default: default]")


@click.group(cls=Group)
def secret() -> None:
    """Keep secrets, which MADs use by a handle and never see."""


@secret.command("set")
@click.argument("path")
@click.option("--host", "hosts", multiple=True, help="Where it may go: api.github.com, *.example.org; often.")
@click.option("--expires", "lasts", type=Span(), help="For how long it is worth anything.")
@click.option("--grace", type=Span(), default="0s", help="For how long the version before is good as well.")
@click.option("--expect", type=int, help="Write only where this is the newest version; 0 is that there is none.")
@tenant_option
@json_option
def set_(path: str, *, hosts: tuple[str, ...], as_json: bool, **said: Any) -> None:
    """Write the secret at PATH, or its next version: from standard input, or as it is typed, which is not shown."""
    value = _told("Secret")
    told = {name: it for name, it in said.items() if it is not None}
    info = _asked("set_secret", SecretInfo, path=path, value=value, hosts=list(hosts) or None, **told)
    _written(info, as_json=as_json)


@secret.command()
@click.argument("path", default="")
@click.option("--reveal", is_flag=True, help="Print the secret itself; that is in the audit.")
@click.option("--wrap", is_flag=True, help="Print a token for whoever is to have it, once: mads secret get --unwrap.")
@click.option(
    "--unwrap",
    is_flag=True,
    help="Show what a token is for: it is typed, or read from standard input.",
)
@click.option("--lasts", type=Span(), default="10m", show_default=True, help="For how long a token is good.")
@click.option("--version", type=int, help="One version of it.  [default: the newest]")
@tenant_option
@json_option
def get(
    path: str, *, reveal: bool, wrap: bool, unwrap: bool, lasts: float, version: int | None, tenant: str, as_json: bool
) -> None:
    """Show what is known of the secret at PATH; what is in it only where that is asked for."""
    if reveal + wrap + unwrap > 1:
        raise UsageError("--reveal, --wrap and --unwrap are three things; write one of them")
    if version is not None and not reveal:
        raise UsageError("--version says which one is shown; write --reveal, too")
    if unwrap is bool(path):
        raise UsageError("write PATH, or --unwrap alone: a token knows what it is for")
    if wrap:
        made = _asked("wrap_secret", Wrapped, path=path, lasts=lasts, tenant=tenant)
        show(codec.plain(made) if as_json else made.token, as_json=as_json)
    elif reveal or unwrap:
        seen = (
            _asked("unwrap_secret", Revealed, token=_told("Token"))
            if unwrap
            else _asked("reveal_secret", Revealed, path=path, version=version, tenant=tenant)
        )
        show(codec.plain(seen) if as_json else seen.value, as_json=as_json)
    else:
        known = [it for it in _asked("list_secrets", list[SecretInfo], prefix=path, tenant=tenant) if it.path == path]
        if not known:
            note = tenant and f" --tenant {tenant}"
            raise UsageError(f"there is no secret {path!r}; write it: mads secret set {path}{note}")
        show(codec.plain(known[0]), as_json=as_json)


@secret.command("list")
@click.argument("prefix", default="")
@click.option("--grants", is_flag=True, help="Show which MAD may use which instead.")
@tenant_option
@json_option
def list_(prefix: str, *, grants: bool, tenant: str, as_json: bool) -> None:
    """Show every secret whose path begins with PREFIX, without what is in it."""
    if grants:
        granted = _asked("list_grants", list[GrantInfo])
        _grants([it for it in granted if tenant in ("", it.tenant)], as_json=as_json)
        return
    seen = _asked("list_secrets", list[SecretInfo], prefix=prefix, tenant=tenant)
    listed(HEAD, seen, _row, what="secret", as_json=as_json)


@secret.command()
@click.argument("path", default="")
@click.option("--root", is_flag=True, help="Put all secrets under a new key instead, while they are in use.")
@click.option("--to", default="", help="With --root: put them under this root, as mads.toml names one.")
@click.option("--set", "typed", is_flag=True, help="Take the new one from standard input, or as it is typed.")
@click.option("--grace", type=Span(), default="5m", show_default=True, help="For how long the old one is good as well.")
@tenant_option
@json_option
def rotate(path: str, *, root: bool, to: str, typed: bool, grace: float, tenant: str, as_json: bool) -> None:
    """Replace the secret at PATH by one that nobody knows, or by one that you tell with --set."""
    if bool(path) == root or (to and not root):
        raise UsageError("say which: mads secret rotate PATH, or all of them: mads secret rotate --root")
    if root and (typed or tenant):
        raise UsageError("--root is the key of all secrets, and nobody knows it; write neither --set nor --tenant")
    if root:
        asks = _asked("seal_state", SealInfo).passphrase
        count = _asked("rotate_root", int, passphrase=_told("Passphrase") if asks else "", to=to)
        note = to and f'; from the next start on they open with this alone, in mads.toml: [secrets] root = "{to}"'
        show(
            {"secrets": count} if as_json else f"{count} versions of secrets are under a new key{note}", as_json=as_json
        )
    elif typed:
        value = _told("Secret")
        _written(_asked("set_secret", SecretInfo, path=path, value=value, grace=grace, tenant=tenant), as_json=as_json)
    else:
        _written(_asked("rotate_secret", SecretInfo, path=path, grace=grace, tenant=tenant), as_json=as_json)


@secret.command()
@click.argument("path")
@tenant_option
@json_option
def delete(path: str, *, tenant: str, as_json: bool) -> None:
    """Forget the secret at PATH, every version of it."""
    _asked("delete_secret", type(None), path=path, tenant=tenant)
    show({"path": path} if as_json else f"{path} is forgotten", as_json=as_json)


@secret.command()
@click.argument("mad")
@click.argument("pattern")
@click.option("--lease", type=Span(), help="A handle is good for so long, and then has to be asked for anew.")
@click.option("--revoke", is_flag=True, help="Take it back instead, at once.")
@click.option("--tenant", default="default", show_default=True, help="Whose secrets they are.")
@json_option
def grant(mad: str, pattern: str, *, lease: float | None, revoke: bool, tenant: str, as_json: bool) -> None:
    """Let MAD use the secrets that fit PATTERN: one path, or all below one, as in github/*."""
    said: dict[str, Any] = {"mad": mad, "pattern": pattern, "tenant": tenant}
    if revoke:
        seen = _asked("revoke_secret", list[GrantInfo], **said)
    else:
        seen = _asked("grant_secret", list[GrantInfo], lease=lease, **said)
    _grants(seen, as_json=as_json)


@secret.command()
@json_option
def seal(*, as_json: bool) -> None:
    """Seal the secrets: nothing opens until somebody gives the passphrase."""
    _sealed(_asked("seal", SealInfo), as_json=as_json)


@secret.command()
@json_option
def unseal(*, as_json: bool) -> None:
    """Open the secrets with the passphrase, from standard input, or as it is typed; the first one given is it."""
    state = _asked("seal_state", SealInfo)
    passphrase = _told("Passphrase", twice=state.new) if state.passphrase else ""
    _sealed(_asked("unseal", SealInfo, passphrase=passphrase), as_json=as_json)


def _told(what: str, *, twice: bool = False) -> str:
    """Return what is typed where somebody sits at a terminal, without showing it; else what is on standard input."""
    if sys.stdin.isatty():
        typed: str = click.prompt(what, hide_input=True, err=True, confirmation_prompt=twice)
        return typed
    try:
        read = sys.stdin.buffer.read().decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise UsageError(f"a {what.lower()} is text in UTF-8; write bytes in base64, as of: base64 -w0 FILE") from None
    if not read:
        raise UsageError(f"the {what.lower()} is read from standard input, and that is empty; write it there")
    return read


def _asked(tool: str, type_: type[T], **arguments: Any) -> T:
    """Ask Turing; return the answer as `type_`."""

    async def ask() -> T:
        async with connected() as remote:
            found = next((it for it in remote.tools if it.tool == tool and it.mad == "turing"), None)
            if found is None:
                raise UsageError(f'nobody keeps secrets here; write under [mads] in mads.toml: turing = "{TURING}"')
            return msgspec.convert(await remote.call(found.name, arguments, patience=LONG), type_)

    return asyncio.run(ask())


def _row(it: SecretInfo) -> tuple[Any, ...]:
    return (it.path, it.version, " ".join(it.hosts) or "-", it.made, it.expires or "never", it.tenant)


def _written(info: SecretInfo, *, as_json: bool) -> None:
    if as_json:
        show(codec.plain(info), as_json=True)
        return
    show(f"{info.path} is at version {info.version}")
    if not info.hosts:
        click.echo(f"It may go nowhere yet; say where: mads secret set {info.path} --host HOST", err=True)


def _sealed(info: SealInfo, *, as_json: bool) -> None:
    show(codec.plain(info) if as_json else f"the secrets are {'sealed' if info.sealed else 'open'}", as_json=as_json)
    if info.sealed and not info.passphrase:
        click.echo(
            "Anybody's mads secret unseal opens them; with sealed = true in [secrets] that takes a passphrase.",
            err=True,
        )


def _grants(seen: list[GrantInfo], *, as_json: bool) -> None:
    listed(GRANTED, seen, _granted, what="grant", as_json=as_json)


def _granted(it: GrantInfo) -> tuple[str, ...]:
    return (it.mad, it.pattern, f"{it.lease:g} s" if it.lease else "-", it.tenant)

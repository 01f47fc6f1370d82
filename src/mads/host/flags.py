"""Flags where they are needed: in the core from their file, in a child from the core; looked at again and again.

A file that is wrong is told, and changes nothing: the last good one counts.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import structlog

from mads.author.declaration import CHAT
from mads.bus.port import Bus, Subscription
from mads.guard.flags.layer import Source, facts
from mads.guard.flags.reading import STATES, read
from mads.guard.flags.snapshot import NONE, Evaluation, Snapshot, fits
from mads.guard.principals import only_operator
from mads.host.audit import Trail
from mads.host.caller import Caller
from mads.host.proxy import outcome
from mads.host.regularly import regularly
from mads.wire import codec
from mads.wire.call import Call, Identity, Reply, current
from mads.wire.errors import ConfigError, InvalidMessage
from mads.wire.flags import FlagFound, FlagInfo

SINCE = "host.flags.since"

PAUSE = 0.3
"""Seconds between two looks at the file, and between two of a child at the core: a change is everywhere in a second."""

V = TypeVar("V")


class Tools(NamedTuple):
    """The canonical names of the tools that a flag may be that of; what a MAD that is `foreign` offers nobody knows."""

    names: Collection[str]
    foreign: Collection[str]

    def mistakes(self, flags: Iterable[str]) -> Iterator[str]:
        """Yield which of `flags` are those of tools that are not there."""
        for flag in flags:
            if not flag.startswith("mads.") or flag.split(".")[1] in self.foreign or flag.endswith(f".{CHAT}"):
                continue
            if flag not in self.names:
                near = get_close_matches(flag, self.names, 1)
                advice = f"did you mean {near[0]}?" if near else "write mads.NAME.TOOL"
                yield f"flag {flag!r} is that of a tool, and there is none of that name; {advice}"


def flags_in(path: Path, tools: Tools) -> tuple[bytes, Snapshot]:
    """Return the text of a file of flags, and what it says; raise `ConfigError` with every mistake in it. Blocks."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"flags: {path} cannot be read: {error.strerror}; write it, or take `flags` out") from error
    snapshot = read(text, path.name)
    own = [key for key, flag in snapshot.flags.items() if key.startswith("mads.") and not _is_switch(flag.variants)]
    wrong = [f"flag {key!r} is that of a tool, so its variants are true and false" for key in own]
    if wrong := [*wrong, *tools.mistakes(snapshot.flags)]:
        raise ConfigError("\n".join(f"{path.name}: {line}" for line in wrong))
    return text, snapshot


def _is_switch(variants: Any) -> bool:
    return all(isinstance(value, bool) for value in variants.values())


class FileFlags:
    """The flags in the file at `path`, none where that is None; what is there is asked of `tools` at each look."""

    def __init__(self, path: Path | None, tools: Callable[[], Tools]) -> None:
        self._path, self._tools, self._stamp = path, tools, (0, 0)
        self.text, self.snapshot, self.trouble = b"", NONE, ""
        self._turn = asyncio.Lock()

    def open(self) -> None:
        """Read them; raise `ConfigError` where they are wrong. Blocks."""
        if self._path is not None:
            self._stamp = _stamp(self._path)
            self.text, self.snapshot = flags_in(self._path, self._tools())

    async def look(self) -> None:
        """Read them again where the file has changed."""
        async with self._turn:
            await self._look()

    async def _look(self) -> None:
        if self._path is None or (stamp := await asyncio.to_thread(_stamp, self._path)) == self._stamp:
            return
        self._stamp = stamp
        try:
            self.text, self.snapshot = await asyncio.to_thread(flags_in, self._path, self._tools())
        except ConfigError as error:
            self.trouble = f"{error}; the last good ones count"
            structlog.get_logger().error("the flags cannot be read", why=self.trouble)
        else:
            self.trouble = ""
            structlog.get_logger().info("flags read", revision=self.snapshot.revision, flags=len(self.snapshot.flags))

    async def write(self, key: str, change: dict[str, Any]) -> None:
        """Change one flag in the file; raise `InvalidMessage` where the file would then be wrong."""
        if self._path is None:
            raise InvalidMessage('there is no file of flags; write flags = "flags.json" at the top of mads.toml')
        async with self._turn:  # who reads the file while another writes it would undo that
            try:
                await asyncio.to_thread(_write, self._path, self._tools(), key, change)
            except ConfigError as error:
                raise InvalidMessage(str(error)) from error
            await self._look()


def _stamp(path: Path) -> tuple[int, int]:
    try:
        seen = path.stat()
    except OSError:
        return (-1, -1)
    return seen.st_mtime_ns, seen.st_ino


def _write(path: Path, tools: Tools, key: str, change: dict[str, Any]) -> None:
    """Write a new file beside the old one, and put it into its place once it is right."""
    flags_in(path, tools)
    whole: Any = json.loads(path.read_bytes())
    whole["flags"][key].update(change)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as new:
        try:
            json.dump(whole, new, indent=2, ensure_ascii=False)
            new.write("\n")
            new.flush()
            os.fsync(new.fileno())
            flags_in(Path(new.name), tools)
            Path(new.name).chmod(path.stat().st_mode)
            Path(new.name).replace(path)
        except BaseException:
            Path(new.name).unlink()
            raise


class FlagDesk:
    """Flags for the operator: shown, asked, and changed in their file."""

    def __init__(self, source: FileFlags, audit: Trail) -> None:
        self._source, self._audit = source, audit

    def all(self) -> Sequence[FlagInfo]:
        """Return every flag, by key."""
        return [
            FlagInfo(
                flag=key,
                state=STATES[0] if it.enabled else STATES[1],
                variants=dict(it.variants),
                default=it.default,
                has_rule=it.rule is not None,
            )
            for key, it in sorted(self._source.snapshot.flags.items())
        ]

    def trouble(self) -> str:
        """Return what is wrong with the file as it stands now, or ""."""
        return self._source.trouble

    def found(self, flag: str, identity: Identity, conversation: str, about: dict[str, Any]) -> FlagFound:
        """Return what a flag is for somebody; raise `InvalidMessage` where there is none."""
        self._known(flag)
        found = self._source.snapshot.evaluate(flag, {**facts(identity, conversation or None, ""), **about})
        return FlagFound(flag=flag, reason=found.reason, variant=found.variant, value=found.value, why=found.why)

    async def change(self, flag: str, *, default: str | None, enabled: bool | None) -> Sequence[FlagInfo]:
        """Have a flag another default, or on or off, in its file; raise `InvalidMessage` where that cannot be."""
        only_operator(f"change the flag {flag}")
        self._known(flag)
        change: dict[str, Any] = {} if default is None else {"defaultVariant": default}
        if enabled is not None:
            change["state"] = STATES[0] if enabled else STATES[1]
        it = self._source.snapshot.flags[flag]
        if default is not None and default not in it.variants:
            raise InvalidMessage(f"{flag} has no variant {default!r}; it has {', '.join(it.variants)}")
        await self._audit.changed(
            "switch", f"flag {flag}", ", ".join(f"{key}: {value}" for key, value in change.items())
        )
        await self._source.write(flag, change)
        return self.all()

    def _known(self, flag: str) -> None:
        if flag not in (known := self._source.snapshot.flags):
            raise InvalidMessage(f"there is no flag {flag!r}; there are {', '.join(sorted(known)) or 'none'}")


async def serve_flags(bus: Bus, source: FileFlags) -> Subscription:
    """Tell children the flags: who names the revision that it has is told only of another one."""

    async def since(call: Call) -> Reply:
        known = codec.decode(codec.raw(call.body), str)
        return Reply(codec.raw(source.text if known != source.snapshot.revision else None))

    return await bus.subscribe((SINCE,), since, group=SINCE)


class RemoteFlags:
    """The flags that the core has read, as a child knows them."""

    def __init__(self, bus: Bus, caller: Caller) -> None:
        self._bus, self._caller = bus, caller
        self.snapshot = NONE

    async def follow(self) -> None:
        """Know them from now on."""
        await self.look()
        self._following = asyncio.create_task(regularly(PAUSE, self.look), name="flags")

    async def look(self) -> None:
        """Ask the core for those that it has, if they are others."""
        reply = await self._bus.request(self._caller.call(SINCE, codec.raw(self.snapshot.revision)))
        text = outcome(reply, bytes | None, SINCE)
        if text:
            self.snapshot = read(text, "flags")


class HostFlags:
    """The need `Flags` of one MAD."""

    def __init__(self, source: Source, mad: str) -> None:
        self._source, self._mad = source, mad
        self._told: set[tuple[str, str]] = set()

    def __call__(self, flag: str, default: Any, /, **about: Any) -> Any:
        """Return what a flag is for the call being handled, or `default`."""
        it = self._source.snapshot.flags.get(flag)
        if it is not None and type(it.fixed) is type(default):
            return it.fixed
        return default if it is None else self._asked(flag, default, about)

    def evaluate(self, flag: str, about: Mapping[str, Any]) -> Evaluation:
        """Return what a flag is for the call being handled, and why."""
        call = current.get()
        mine = Identity(f"mad:{self._mad}") if call is None else call.identity
        known = facts(mine, None if call is None else call.conversation, self._mad)
        return self._source.snapshot.evaluate(flag, {**known, **about})

    def _asked(self, flag: str, default: Any, about: dict[str, Any]) -> Any:
        found = self.evaluate(flag, about)
        if found.variant is None:
            if found.reason == "ERROR":
                self._tell(flag, found.why)
            return default
        if not fits(found.value, default):
            self._tell(flag, f"it is {found.value!r:.100}, and the code has {default!r:.100}")
            return default
        return float(found.value) if isinstance(default, float) else found.value

    def _tell(self, flag: str, why: str) -> None:
        """Log once why the code's own value counts."""
        if (flag, why) not in self._told and len(self._told) < 1000:  # noqa: PLR2004  a rule may give what it is told
            self._told.add((flag, why))
            structlog.get_logger(mad=self._mad).warning("the code's own value counts", flag=flag, why=why)

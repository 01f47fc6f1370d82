"""`make secrets-hunt`: plant secrets, have them used in every way, then search every place for them.

A word that is leaked on purpose shows that the hunt finds what there is. With JSON=1 the last line is an object.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from hunt.memory import memory
from hunt.server import Server, serving
from mads.host.paths import data_folder
from mads.secrets.marks import forms

ROOT = Path(__file__).parent.parent
MADS = str(Path(sys.executable).with_name("mads"))
PATIENCE = 60.0
"""Seconds that anything may take."""

MANIFEST = """path = [{root!r}]
[mads]
turing = "mads.duos.turing:Turing"
carrier = {{ use = "hunt.crew:Carrier", run = "process", may = ["net:{door}"] }}
leaky = {{ use = "hunt.crew:Leaky", run = "process", may = ["net:{door}"] }}
[gateway]
port = 0
[traces]
otlp = "http://{door}"
one_in = 1
"""


class Project:
    """A system on disk, reached as a person reaches it."""

    def __init__(self, root: Path, server: Server) -> None:
        self.root, self._env = root, {**os.environ, "XDG_CONFIG_HOME": str(root / "home")}
        self.said: list[tuple[str, bytes]] = []
        manifest = MANIFEST.format(root=str(ROOT), door=server.door)
        (root / "mads.toml").write_text(manifest, encoding="utf-8")

    def up(self, stack: ExitStack) -> subprocess.Popen[bytes]:
        """Start the system and return once it answers."""
        log = stack.enter_context((self.root / "up.log").open("ab"))
        process = subprocess.Popen([MADS, "up"], cwd=self.root, env=self._env, stdout=log, stderr=log)
        stack.callback(_end, process)
        until(lambda: self.mads("ps", "--json", check=False).startswith(b"["))
        return process

    def mads(self, *words: str, told: str = "", check: bool = True, kept: bool = True) -> bytes:
        """Say `words` to `mads`; return what it says, which is searched later where it is `kept`."""
        done = subprocess.run(
            [MADS, *words],
            cwd=self.root,
            env=self._env,
            input=told.encode(),
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        if check and done.returncode:
            raise SystemExit(f"mads {' '.join(words)} failed: {done.stderr.decode()}")
        if kept:
            self.said.append((f"mads {words[0]}", done.stdout + done.stderr))
        return done.stdout

    def memory(self, mad: str) -> bytes:
        """Return what a core dump of the MAD's process would hold."""
        fares = json.loads(self.mads("ps", "--json", kept=False))
        pid = next(int(one["pid"]) for one in fares if one["mad"] == mad)
        return memory(pid)


def main() -> int:
    """Hunt; return the exit code."""
    began = time.monotonic()
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mads-hunt-")))
        server = stack.enter_context(serving())
        results = dict(_hunt(Project(root, server), server, stack))
    for name, passed in results.items():
        sys.stdout.write(f"{'passed' if passed else 'FAILED'}  {name}\n")
    failed = [name for name, passed in results.items() if not passed]
    told = {"passed": len(results) - len(failed), "failed": len(failed), "failures": failed}
    line = f"{told['passed']} passed, {told['failed']} failed"
    if os.environ.get("JSON"):
        line = json.dumps({**told, "seconds": round(time.monotonic() - began, 1)})
    sys.stdout.write(line + "\n")
    return 1 if failed else 0


def _hunt(it: Project, server: Server, stack: ExitStack) -> Iterator[tuple[str, bool]]:
    canaries = [f"canary-{secrets.token_hex(16)}" for _ in range(2)]
    leaked = f"leaked-{secrets.token_hex(16)}"
    core = it.up(stack)
    shown = _use(it, server, canaries, leaked)
    hunted, control = Hunted(canaries), Hunted([leaked])
    until(lambda: any(path == "/v1/traces" for path, _, _ in server.asked))

    yield "the API was shown each secret", shown
    yield (
        "the operator is shown a secret who asks for it",
        canaries[1].encode() in it.mads(*("secret", "get", "api/token", "--reveal"), kept=False),
    )
    memory, other = it.memory("carrier"), it.memory("leaky")
    yield "no core dump of the caller holds one", not hunted.found(memory)
    yield "control: what a caller knows is in its core dump", control.found(other)
    yield "the process that holds the keys leaves no core dump", _no_dumps(core.pid)
    outgoing = [(path, head if path != "/api" else b"", body) for path, head, body in server.asked]
    for path, name in (("/v1/chat/completions", "request to a model"), ("/v1/traces", "trace that was exported")):
        sent = [head + body for at, head, body in outgoing if at == path]
        yield f"no {name} holds one", bool(sent) and not any(map(hunted.found, sent))
    prompts = [body for at, _, body in outgoing if at == "/v1/chat/completions"]
    yield "control: what a MAD sends is in the requests", any(map(control.found, prompts))
    for words in (["logs"], ["audit", "list"], ["traces"], ["conversations", "list"], ["secret", "list"]):
        it.mads(*words, check=False)
    yield "no answer of the command line holds one", not any(hunted.found(said) for _, said in it.said)
    yield (
        "control: the log tells what was logged",
        any(control.found(said) for at, said in it.said if at == "mads logs"),
    )
    core.kill()
    core.wait()
    yield from _files("after kill -9", it, hunted, control)
    again = it.up(stack)
    again.send_signal(signal.SIGTERM)
    again.wait(PATIENCE)
    yield from _files("after a start and a stop", it, hunted, control)


def _use(it: Project, server: Server, canaries: list[str], leaked: str) -> bool:
    """Have secrets used in every way; return whether the API was shown each."""
    url = f"http://{server.door}"
    it.mads("secret", "set", "api/token", "--host", server.door, told=canaries[0])
    it.mads("secret", "grant", "carrier", "api/*")
    carry = ("call", "carrier.carry", f"url={url}", "path=api/token")
    it.mads(*carry)
    it.mads("secret", "rotate", "api/token", "--set", "--grace", "0s", told=canaries[1])
    it.mads(*carry)
    it.mads("secret", "rotate", "--root")
    token = it.mads("secret", "get", "api/token", "--wrap", kept=False).decode().strip()
    it.mads("secret", "get", "--unwrap", told=token, kept=False)
    it.mads("call", "carrier.carry", "url=http://127.0.0.1:9", "path=api/token", check=False)
    it.mads("call", "carrier.carry", f"url={url}", "path=api/none", check=False)
    it.mads("call", "leaky.tell", f"url={url}", f"word={leaked}", kept=False)
    return all(any(canary.encode() in head for path, head, _ in server.asked if path == "/api") for canary in canaries)


def _files(when: str, it: Project, hunted: Hunted, control: Hunted) -> Iterator[tuple[str, bool]]:
    files = [path for path in it.root.rglob("*") if path.is_file()]
    kinds = {"database": "store.sqlite*", "log": "*.log*", "file of any kind": "*"}
    for kind, pattern in kinds.items():
        some = [path for path in files if path.match(pattern)]
        yield f"{when} no {kind} holds one", bool(some) and not any(hunted.found(path.read_bytes()) for path in some)
    own = [path for path in files if data_folder(it.root) in path.parents]
    yield f"control: {when} the files hold what was told", any(control.found(path.read_bytes()) for path in own)


class Hunted:
    """Words that are looked for, as they are and in the encodings that are common."""

    def __init__(self, words: Iterable[str]) -> None:
        self._forms = [form for word in words for form in forms(word.encode())]

    def found(self, data: bytes) -> bool:
        """Return whether any of them is in `data`."""
        return any(form in data for form in self._forms)


def _no_dumps(pid: int) -> bool:
    limits = Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
    return next(line for line in limits.splitlines() if line.startswith("Max core file size")).split()[4] == "0"


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; raise `TimeoutError` where it does not."""
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())

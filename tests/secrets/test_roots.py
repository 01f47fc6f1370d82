"""Every root unwraps what it wrapped, and says what to write where it cannot.

Covers the roots on this machine, SoftHSM as a real module of PKCS#11 where Debian's packages can be had, and OpenBao as
a real server. Does not cover a keyring of an operating system: its library is given a backend of ours. Nor a token that
one can touch.
"""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import keyring
import pkcs11
import pytest
from keyring.backend import KeyringBackend

from mads.secrets.roots.named import named
from mads.secrets.roots.token import PIN
from mads.wire.errors import ConfigError

COVERS = ("R-097", "R-098")

KEY = b"k" * 32
SOFTHSM = Path(__file__).parents[2] / ".softhsm"
WRAPPER = """
import base64, sys
said = base64.b64decode(sys.stdin.read())
if sys.argv[1] == "unwrap" and said[:1] != b"!":
    sys.exit("no such thing")
print(base64.b64encode(b"!" + said if sys.argv[1] == "wrap" else said[1:]).decode())
"""


class Drawer(KeyringBackend):
    """A keyring that is a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        """Return what is kept."""
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep it."""
        self.kept[service, username] = password


@pytest.fixture
def drawer() -> Iterator[Drawer]:
    before = keyring.get_keyring()
    made = Drawer()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


async def unwraps(written: str, folder: Path) -> None:
    """See that a root unwraps what another of the same name wrapped."""
    wrapped = await named(written, folder).wrap(KEY)
    assert KEY not in wrapped
    assert await named(written, folder).unwrap(wrapped) == KEY


async def test_a_file_is_made_for_its_owner_alone_and_missed_when_it_is_gone(tmp_path: Path) -> None:
    await unwraps("file:keys/root.key", tmp_path)
    path = tmp_path / "keys/root.key"
    assert (path.stat().st_mode & 0o777, path.stat().st_size) == (0o600, 32)
    root = named("file:keys/root.key", tmp_path)
    wrapped = await root.wrap(KEY)
    path.unlink()
    with pytest.raises(ConfigError, match="put it back"):
        await root.unwrap(wrapped)
    path.write_bytes(b"x" * 32)
    with pytest.raises(ConfigError, match="not the key under which"):
        await root.unwrap(wrapped)
    path.write_bytes(b"x")
    with pytest.raises(ConfigError, match="1 bytes and not 32"):
        await root.unwrap(wrapped)


async def test_the_environment_holds_a_key_in_base64(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_ROOT", base64.b64encode(os.urandom(32)).decode())
    await unwraps("env:A_ROOT", tmp_path)
    for wrong in ("", "short", "n o b a s e"):
        monkeypatch.setenv("A_ROOT", wrong)
        with pytest.raises(ConfigError, match="openssl rand -base64 32"):
            await named("env:A_ROOT", tmp_path).wrap(KEY)


async def test_the_keyring_gets_a_key_with_the_first_secret(tmp_path: Path, drawer: Drawer) -> None:
    await unwraps("keyring:mads/root", tmp_path)
    assert list(drawer.kept) == [("mads", "root")]
    root = named("keyring:mads/root", tmp_path)
    wrapped = await root.wrap(KEY)
    drawer.kept.clear()
    with pytest.raises(ConfigError, match="put it back"):
        await root.unwrap(wrapped)


@pytest.mark.slow
async def test_a_command_wraps_in_another_process(tmp_path: Path) -> None:
    (tmp_path / "wrapper.py").write_text(WRAPPER, encoding="utf-8")
    written = f"command:{sys.executable} {tmp_path / 'wrapper.py'}"
    root = named(written, tmp_path)
    assert await root.unwrap(await root.wrap(KEY)) == KEY
    with pytest.raises(ConfigError, match=r"ended with status 1 at 'unwrap': no such thing"):
        await root.unwrap(b"other")
    with pytest.raises(ConfigError, match="does not start"):
        await named(f"command:{tmp_path / 'none'}", tmp_path).wrap(KEY)


@pytest.mark.parametrize(
    ("program", "why"),
    [("import sys; sys.exit('no card')", "status 1 at 'wrap': no card"), ("while True: print('y' * 999)", "says more")],
)
async def test_a_command_that_hears_nothing_or_never_ends_is_an_error_that_says_so(
    tmp_path: Path, program: str, why: str
) -> None:
    (tmp_path / "wrapper.py").write_text(f"import os; os.close(0)\n{program}", encoding="utf-8")
    root = named(f"command:{sys.executable} {tmp_path / 'wrapper.py'}", tmp_path)
    for _ in range(3):
        with pytest.raises(ConfigError, match=why):
            await root.wrap(KEY)


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the path of SoftHSM's module, in which there is a token mads with a key root."""
    module = next(SOFTHSM.glob("usr/lib/*/softhsm/libsofthsm2.so"), None)
    if module is None:
        pytest.skip("SoftHSM is not here: it is a package of Debian's, which `make test` takes where there is apt-get")
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path}\n", encoding="utf-8")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    monkeypatch.setenv(PIN, "1234")
    make = (SOFTHSM / "usr/bin/softhsm2-util", "--module", module, "--init-token", "--free", "--label", "mads")
    subprocess.run([*make, "--so-pin", "12345678", "--pin", "1234"], check=True, stdout=subprocess.DEVNULL)
    made = pkcs11.lib(str(module)).get_token(token_label="mads")  # noqa: S106  a name
    with made.open(rw=True, user_pin="1234") as session:
        for label in ("root", "other", "twice", "twice"):
            session.generate_keypair(pkcs11.KeyType.RSA, 2048, store=True, label=label)
    pkcs11.unload(str(module))
    return str(module)


@pytest.mark.slow
async def test_a_token_wraps_with_a_key_that_never_leaves_it(
    tmp_path: Path, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = f"pkcs11:token=mads;object=root?module-path={token}"
    await unwraps(written, tmp_path)
    wrapped = await named(written, tmp_path).wrap(KEY)
    for other, why in (
        (
            written.replace("object=root", "object=other"),
            r"'other' does not unwrap it \(.*; name the key that wrapped",
        ),
        (written.replace("object=root", "object=twice"), "several private RSA keys 'twice'"),
        (written.replace("object=root", "object=none"), "no private RSA key 'none'.* --login -O"),
        (written.replace("token=mads", "token=gone"), "'gone' .* there is none of this name; plug it in"),
        (written.replace(token, "/no/module.so"), "/no/module.so"),
    ):
        with pytest.raises(ConfigError, match=why):
            await named(other, tmp_path).unwrap(wrapped)
    monkeypatch.setenv(PIN, "4321")
    with pytest.raises(ConfigError, match=f"refuses the PIN in {PIN}"):
        await named(written, tmp_path).unwrap(wrapped)
    monkeypatch.delenv(PIN)
    with pytest.raises(ConfigError, match=f"set {PIN} before the system starts"):
        await named(written, tmp_path).wrap(KEY)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "file",
        "file:",
        "vault:x",
        "keyring:a",
        "transit:http://a.org",
        "transit:a/b/c",
        "pkcs11:token=a",
        "command:a 'b",
    ],
)
def test_what_is_no_root_is_refused(tmp_path: Path, written: str) -> None:
    with pytest.raises(ConfigError, match=r"transit:|no line of a shell"):
        named(written, tmp_path)


@pytest.fixture
def bao(tmp_path: Path) -> Iterator[str]:
    """Run a server of OpenBao with a key; yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    own = (f"-dev-listen-address=127.0.0.1:{port}", "-dev-root-token-id=root", "-dev-no-store-token")
    process = subprocess.Popen(
        [Path(sys.executable).with_name("bao"), "server", "-dev", *own],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                _post(f"{address}/v1/sys/mounts/transit", b'{"type":"transit"}')
            except OSError:
                time.sleep(0.05)
            else:
                break
        _post(f"{address}/v1/transit/keys/mads", b"{}")
        yield address
    finally:
        process.kill()
        process.wait()


def _post(address: str, body: bytes) -> None:
    asked = urllib.request.Request(address, body, {"X-Vault-Token": "root"})  # noqa: S310  our own
    urllib.request.urlopen(asked, timeout=5).close()  # noqa: S310  our own


@pytest.mark.slow
async def test_a_server_of_openbao_wraps_and_its_key_is_rotated(
    tmp_path: Path, bao: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAO_TOKEN", "root")
    written = f"transit:{bao}/transit/mads"
    await unwraps(written, tmp_path)
    root = named(written, tmp_path)
    wrapped = await root.wrap(KEY)
    _post(f"{bao}/v1/transit/keys/mads/rotate", b"{}")
    assert await root.unwrap(wrapped) == KEY
    with pytest.raises(ConfigError, match="refuses to decrypt"):
        await root.unwrap(b"vault:v1:AAAA")
    monkeypatch.setenv("BAO_TOKEN", "wrong")
    with pytest.raises(ConfigError, match="what the token may"):
        await root.wrap(KEY)
    monkeypatch.delenv("BAO_TOKEN")
    with pytest.raises(ConfigError, match="set BAO_TOKEN before the system starts"):
        await root.wrap(KEY)


@pytest.mark.slow
async def test_a_server_that_is_gone_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAO_TOKEN", "root")
    with pytest.raises(ConfigError, match="does not answer"):
        await named("transit:http://127.0.0.1:1/transit/mads", tmp_path).wrap(KEY)

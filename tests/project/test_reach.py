"""Code that opens connections past the broker is found where it stands, with what to write; what is no matter is not.

Covers what `mads check` reads of an author's code. Does not cover code that hides what it does, which confinement does.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mads.host.config import Config, readable
from mads.project.check import check
from mads.project.reach import sockets
from mads.wire.errors import ConfigError

COVERS = ("R-071", "R-106")

MAD = """from mads import Egress, mad, tool
{code}

@mad
class Owl:
    \"""You fly.\"""

    egress: Egress

    @tool
    async def fly(self) -> None:
        \"""Fly.\"""
"""


def project(folder: Path, code: str = "", more: str = "", **files: str) -> Path:
    """Write a project of one MAD, in whose module stands `code`."""
    (folder / "mads.toml").write_text(f'[gateway]\nport = 0\n[mads]\nowl = "owl:Owl"\n{more}', encoding="utf-8")
    for name, text in {"owl": MAD.format(code=code), **files}.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def read(folder: Path) -> Config:
    """Return what its `mads.toml` says."""
    config, mistakes = readable(folder)
    assert not mistakes
    return config


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("import socket", "'socket' opens connections past the broker; write field `egress: Egress`"),
        ("import json, requests as r", "'requests' opens"),
        ("from urllib.request import urlopen", "'urllib.request' opens"),
        ("from urllib import request", "'urllib.request' opens"),
        ("import http.client", "'http.client' opens"),
        ("from aiohttp.client import ClientSession", "'aiohttp' opens"),
        ("import httpx2", "transport=EgressTransport"),
        ("from google import genai", "write field `think: Think`"),
        ("def go():\n    import websockets.sync.client", "'websockets' opens"),
        ("go = __import__('socket')", "'socket' opens"),
        ("import importlib\ngo = importlib.import_module('requests')", "'requests' opens"),
        ("import asyncio\nasync def go():\n    await asyncio.open_connection('x', 1)", "`open_connection` opens"),
        ("async def go(loop):\n    await loop.create_datagram_endpoint(list)", "`create_datagram_endpoint` opens"),
    ],
)
def test_what_opens_connections_is_named_with_its_place_and_what_to_write(
    tmp_path: Path, code: str, named: str
) -> None:
    [told] = sockets(read(project(tmp_path, code)))
    assert told.startswith(f"owl.py:{code.count(chr(10)) + 2}: ")
    assert named in told
    assert told.endswith("# mads: socket: …")


@pytest.mark.parametrize(
    "code",
    [
        "from urllib.parse import urlsplit",
        "import http",
        "import socket  # mads: socket: its host's name is all that is asked",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from socket import socket",
        "import httpx2\nfrom mads.egress.transport import EgressTransport",
        "import requests_but_not_really",
        "TEXT = 'import socket'",
    ],
)
def test_what_opens_none_or_is_allowed_with_its_reason_is_no_matter(tmp_path: Path, code: str) -> None:
    assert sockets(read(project(tmp_path, code))) == []


def test_a_reason_is_needed(tmp_path: Path) -> None:
    assert len(sockets(read(project(tmp_path, "import socket  # mads: socket:")))) == 1


def test_what_a_mad_imports_from_its_project_is_read_as_well_and_what_is_broken_is_left_to_others(
    tmp_path: Path,
) -> None:
    files = {
        "wings__air": "from . import up\nfrom .down import fall",
        "wings__up": "import socket",
        "wings__down": "import wings.air\ndef fall():\n    import ftplib",
        "wings__torn": "import socket (",
        "wings____init__": "",
        "unused": "import socket",
    }
    found = sockets(read(project(tmp_path, "import wings.air, wings.torn", **files)))
    assert [line.partition(": ")[0] for line in found] == ["wings/down.py:3", "wings/up.py:1"]


async def test_check_refuses_tells_or_lets_it_be_as_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"owl.py:2: 'socket' opens"):
        await check(project(tmp_path, "import socket"))
    assert (await check(project(tmp_path, "import socket", '[egress]\nsockets = "allow"\n'))).warnings == []
    [warning] = (await check(project(tmp_path, "import socket", '[egress]\nsockets = "tell"\n'))).warnings
    assert warning.startswith("owl.py:2: ")

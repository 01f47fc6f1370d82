"""MADs are started after those they call, and stopped before them.

Covers a chain and a cycle, in both places. Does not cover a start that fails: tests/cli/test_up.py does.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from mads.testing.placed import placed

COVERS = ("R-111",)

MARCH = """
from __future__ import annotations
from collections.abc import Generator
from pathlib import Path
from mads import mad, provides, tool

LOG = Path({log!r})

def told(what: str) -> None:
    with LOG.open("a") as file:
        file.write(what + "\\n")

class Last: ...
class Middle: ...
class First: ...

@provides
def last() -> Generator[Last]:
    told("+last")
    yield Last()
    told("-last")

@provides
def middle() -> Generator[Middle]:
    told("+middle")
    yield Middle()
    told("-middle")

@provides
def first() -> Generator[First]:
    told("+first")
    yield First()
    told("-first")

@mad
class Caller:
    '''You call.'''
    mark: Last
    between: Between

    @tool
    async def count(self) -> int:
        return 0

@mad
class Between:
    '''You call, and are called.'''
    mark: Middle
    callee: Callee

@mad
class Callee:
    '''You are called, and know who calls.'''
    mark: First
    caller: Caller

    @tool
    async def count(self) -> int:
        return await self.caller.count()
"""


async def test_callees_come_first_and_go_last(tmp_path: Path, placement: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, log = f"march_{placement}_{abs(hash(str(tmp_path))):x}", tmp_path / "log"
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / f"{module}.py").write_text(MARCH.format(log=str(log)))
    names: dict[str, Any] = {"caller": f"{module}:Caller", "between": f"{module}:Between", "callee": f"{module}:Callee"}
    async with placed(tmp_path, placement, **names):
        assert log.read_text().split() == ["+first", "+middle", "+last"]
    assert log.read_text().split()[3:] == ["-last", "-middle", "-first"]

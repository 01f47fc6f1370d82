"""A line says what happened, in one schema, and is bounded; the file is too, and no process writes into another's line.

Covers what is written and read again. Does not cover `mads logs`, nor what a child writes.
"""

from __future__ import annotations

import errno
import json
import logging
import math
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import structlog

from mads.observe.line import Line, human
from mads.observe.logfile import ASIDE, FILE, LogFile
from mads.observe.logread import Log, Wanted
from mads.observe.logs import DEEPEST, LONGEST, configure
from mads.wire.call import Call, Identity, current

COVERS = ("R-127",)

WRITER = """
import sys
from pathlib import Path
from mads.observe.logfile import LogFile
file = LogFile(Path(sys.argv[1]), int(sys.argv[3]))
for number in range(int(sys.argv[4])):
    file.append(b'{"ts":"%06d","level":"info","event":"%s","pid":1}\\n' % (number, sys.argv[2].encode() * 50))
print("done", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    configure(tmp_path)
    yield tmp_path
    configure()


def written(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / FILE).read_text(encoding="utf-8").splitlines()]


def say(folder: Path, *events: str, **more: Any) -> None:
    file = LogFile(folder)
    for event in events:
        line = {"ts": "2026-01-01T00:00:00.000Z", "level": "info", "event": event, "pid": 1, **more}
        file.append(json.dumps(line, separators=(",", ":")).encode() + b"\n")
    file.close()


def read(folder: Path, wanted: Wanted | None = None, count: int = 10**6) -> list[Line]:
    with closing(Log(folder, wanted or Wanted())) as log:
        return log.last(count)


def told(folder: Path, wanted: Wanted | None = None, count: int = 10**6) -> list[str]:
    return [line.event for line in read(folder, wanted, count)]


def call(**more: Any) -> Call:
    return Call(
        subject="mads.a.b",
        body=None,
        id="r-1",
        deadline=math.inf,
        identity=Identity("ana", "acme"),
        trace="t" * 32,
        span="s" * 16,
        conversation="c-1",
        **more,
    )


def test_every_line_has_one_schema_and_the_call_in_which_it_was_told(folder: Path) -> None:
    log = structlog.get_logger(mad="scribe")
    log.info("alone", size=1)
    token = current.set(call())
    log.warning("in a call", request="forged", facts={"trace": "an author's", "mad": "another"})
    current.reset(token)
    logging.getLogger("some.library").warning("a %s", "word")

    alone, inside = written(folder)[:2]

    names = ["ts", "level", "mad", "event", "request", "trace", "span", "conversation", "tenant", "pid", "facts"]
    assert list(alone) == list(inside) == names
    assert (alone["request"], alone["conversation"], alone["facts"]) == ("", "", {"size": 1})
    assert {name: inside[name] for name in names[4:9]} == {
        "request": "r-1",
        "trace": "t" * 32,
        "span": "s" * 16,
        "conversation": "c-1",
        "tenant": "acme",
    }
    assert inside["facts"] == {"trace": "an author's", "mad": "another"}
    assert (inside["mad"], inside["level"], inside["pid"]) == ("scribe", "warning", os.getpid())
    assert inside["ts"].endswith("Z")


class Odd:
    """A value that breaks where it is to be shown."""

    def __repr__(self) -> str:
        raise RuntimeError


def test_whatever_is_told_is_a_line_and_no_longer_than_it_may_be(folder: Path) -> None:
    values: list[Any] = [
        "x" * 5000,
        "\ud800",
        {1: {2}},
        [{}] * 5000,
        Odd(),
        10**40,
        math.nan,
        b"\xff",
        object,
        ["y" * 9000],
    ]
    for value in values:
        structlog.get_logger().info("x" * 5000, value=value)
    try:
        int("z" * 20_000)
    except ValueError:
        structlog.get_logger().exception("it broke")

    lines = written(folder)
    assert len(lines) == len(values) + 1
    assert max(len(json.dumps(line["facts"])) for line in lines[:-1]) <= LONGEST + 100
    assert len(lines[-1]["facts"]["exception"]) <= DEEPEST + 3
    assert "test_logs.py" in lines[-1]["facts"]["exception"]


def test_a_person_reads_one_line_and_what_has_several_below() -> None:
    (line,) = _lines({"exception": "Traceback:\n  here", "name": "a b", "size": 3}, request="r-1")
    assert list(human(line)) == [
        "2026-01-01 00:00:00.000Z info    said name='a b' size=3 request=r-1",
        "  Traceback:",
        "    here",
    ]


def _lines(facts: dict[str, Any], **more: Any) -> list[Any]:
    return [Line(ts="2026-01-01T00:00:00.000Z", level="info", event="said", pid=1, facts=facts, **more)]


@pytest.mark.slow
def test_what_is_told_passes_for_no_line_and_no_call_of_its_own() -> None:
    forged = "sold\nnow error steward: gone"
    line = Line(ts="now", level="info", mad="shop", event=forged, trace="abc", pid=1, facts={"trace": "x"})
    assert list(human(line)) == ["now info    shop: sold facts.trace=x trace=abc", "  now error steward: gone"]


def test_processes_that_write_at_once_and_rotate_lose_no_line_and_mix_none(tmp_path: Path) -> None:
    count, limit = 2000, 150 * 1000
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, tmp_path, name, str(limit), str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for name in "abc"
    ]
    sizes: list[int] = []
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"done\n"
        sizes.append(sum(path.stat().st_size for path in tmp_path.iterdir()))
        writer.send_signal(signal.SIGKILL)
        writer.communicate()

    assert max(sizes) <= 2 * limit + 1000
    lines = read(tmp_path)
    assert {line.event for line in lines} <= {name * 50 for name in "abc"}
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == len(lines) * len(
        b'{"ts":"000000","level":"info","event":"","pid":1}\n'
    ) + 50 * len(lines)
    assert max(int(line.ts) for line in lines) == count - 1


def test_a_file_that_was_set_aside_or_removed_is_not_written_any_more(tmp_path: Path) -> None:
    quiet, busy = LogFile(tmp_path, 10), LogFile(tmp_path, 10)
    quiet.append(b"0 quiet here\n")
    for number in range(1, 4):
        busy.append(b"%d busy here\n" % number)
    quiet.append(b"4 quiet here\n")
    assert (tmp_path / ASIDE).read_text() + (tmp_path / FILE).read_text() == (
        "2 busy here\n3 busy here\n4 quiet here\n"
    )

    (tmp_path / FILE).unlink()
    quiet.append(b"5\n")
    assert (tmp_path / FILE).read_text() == "5\n"


def test_a_full_disk_costs_lines_and_nothing_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, write = structlog.get_logger(), os.write

    def half(file: int, data: bytes) -> int:
        return write(file, data[:40])

    def nothing(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    log.info("cut off")
    monkeypatch.setattr(os, "write", nothing)
    log.info("lost")
    monkeypatch.setattr(os, "write", write)
    log.info("there again")

    lines = read(folder)
    assert [(line.event, line.facts) for line in lines] == [
        ("there again", {}),
        ("log lines could not be written", {"lost": 2}),
    ]


def test_lines_are_found_by_what_they_belong_to(tmp_path: Path) -> None:
    say(tmp_path, "one", mad="scribe", trace="t1", request="r1", conversation="c1")
    say(tmp_path, "two", mad="scribe", level="error")
    say(tmp_path, "three", mad="herald", trace="t1")
    found = {
        Wanted(mad="scribe"): ["one", "two"],
        Wanted(trace="t1"): ["one", "three"],
        Wanted(request="r1"): ["one"],
        Wanted(conversation="c1"): ["one"],
        Wanted(level="warning"): ["two"],
    }
    assert {wanted: told(tmp_path, wanted) for wanted in found} == found
    assert told(tmp_path, count=1) == ["three"]
    assert told(tmp_path / "nowhere") == []


def test_who_follows_sees_what_comes_also_behind_a_rotation(tmp_path: Path) -> None:
    say(tmp_path, "one")
    log = Log(tmp_path, Wanted())
    assert [line.event for line in log.last(9)] == ["one"]
    coming = log.follow()
    say(tmp_path, "two")
    assert next(coming).event == "two"
    say(tmp_path, "three")
    (tmp_path / FILE).rename(tmp_path / ASIDE)
    threading.Timer(0.05, say, (tmp_path, "four", "five")).start()
    assert [next(coming).event for _ in range(3)] == ["three", "four", "five"]
    log.close()

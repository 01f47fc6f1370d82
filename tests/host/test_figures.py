"""What a system counts stands in a file of its folder, where those find it who read that folder.

Does not cover the page itself, which is the gateway's as well.
"""

from pathlib import Path

from mads.host.figures import FILE, FiguresFile

COVERS = ("R-063",)

HEAD = b"# HELP mads_calls_total Calls.\n# TYPE mads_calls_total counter\n"
NOISE = (
    b'mads_call_duration_seconds_bucket{le="0.5",mad="tree"} 3.0\n'
    b'mads_calls_total{mad="tree",tool="where"} 0.0\n'
    b"# HELP mads_uptime_seconds Seconds.\n"
    b'mads_uptime_seconds{mad="tree"} %d\n'
    b'mads_memory_bytes{mad="tree",process="own"} 1.0\n'
)


async def test_the_figures_are_written_where_they_say_another(tmp_path: Path) -> None:
    told = [HEAD + b'mads_calls_total{mad="tree"} %d\n' % calls + NOISE % up for up, calls in enumerate((3, 3, 4))]
    pages = iter(told)

    async def page(accepted: str) -> tuple[bytes, str]:
        return next(pages), accepted

    file = FiguresFile(tmp_path, page)
    seen: list[tuple[int, bytes]] = []
    for _ in told:
        await file.write()
        seen.append(((tmp_path / FILE).stat().st_ino, (tmp_path / FILE).read_bytes()))
    assert [said for _, said in seen] == [HEAD + b'mads_calls_total{mad="tree"} %d\n' % calls for calls in (3, 3, 4)]
    assert seen[0] == seen[1]
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / FILE).with_suffix(".new").exists()

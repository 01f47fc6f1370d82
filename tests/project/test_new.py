"""`mads new` makes a project that passes every check at once, or says why the name would not do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mads.project.new import make
from mads.wire.errors import UsageError

COVERS = ("R-148",)


def done(folder: Path, *words: str) -> str:
    """Return what a module says that is run in `folder`; fail where it does not end well."""
    ran = subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_a_new_project_holds_a_mad_its_test_and_where_it_runs(tmp_path: Path) -> None:
    folder = make("to_do", tmp_path)

    assert sorted(path.name for path in folder.iterdir()) == [
        ".gitignore",
        "README.md",
        "mads.toml",
        "test_to_do.py",
        "to_do.py",
    ]
    assert "class ToDo:" in (folder / "to_do.py").read_text(encoding="utf-8")
    assert 'to_do = "to_do:ToDo"' in (folder / "mads.toml").read_text(encoding="utf-8")
    assert not [path for path in folder.iterdir() if "$" in path.read_text(encoding="utf-8")]


@pytest.mark.slow
def test_a_new_project_passes_its_test_without_any_configuration(tmp_path: Path) -> None:
    assert "1 passed" in done(make("pantry", tmp_path), "pytest", "-q", "-p", "no:cacheprovider")


@pytest.mark.slow
def test_a_new_project_is_clean_to_both_type_checkers_and_the_linter(tmp_path: Path) -> None:
    folder = make("pantry", tmp_path)
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}', encoding="utf-8")

    done(folder, "mypy", "--strict", f"--cache-dir={os.devnull}", ".")
    done(folder, "pyright", "--pythonpath", sys.executable)
    done(folder, "ruff", "check", "--isolated", "--no-cache", "--select", "E,F,I,B,UP", ".")
    done(folder, "ruff", "format", "--isolated", "--no-cache", "--check", ".")


def test_an_empty_folder_is_filled_and_a_full_one_left_alone(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()

    assert (make("empty", tmp_path) / "mads.toml").exists()
    with pytest.raises(UsageError, match="full is there already"):
        make("full", tmp_path)

    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_where_nothing_may_be_written_it_says_so() -> None:
    with pytest.raises(UsageError, match=r"cannot be made: .*; go where you may write"):
        make("pantry", Path("/proc"))


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("Weather", "weather"),
        ("my-agent", "my_agent"),
        ("../there", "there"),
        ("2nd", "my_2nd"),
        ("", "my_mad"),
        ("класс", "my_mad"),
        ("class", "my_class"),
        ("match", "my_match"),
        ("true", "my_true"),
        ("none", "my_none"),
        ("json", "my_json"),
        ("msgspec", "my_msgspec"),
        ("mads", "my_mads"),
        ("steward", "my_steward"),
        ("kept", "my_kept"),
        ("a" * 33, "a" * 24),
    ],
)
def test_a_name_that_would_not_do_is_refused_with_a_better_one(name: str, better: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"try: mads new {better}$"):
        make(name, tmp_path)

    assert not list(tmp_path.iterdir())
    assert make(better, tmp_path).is_dir()

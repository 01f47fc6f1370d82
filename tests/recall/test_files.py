"""A folder is listed as its owner sees it, and nothing odd that lies in it is followed, read or waited for.

Covers work trees of git and other folders. Does not cover submodules, and files that change hands between two looks.
"""

import os
import subprocess
from pathlib import Path

import pytest

from mads.recall.files import MAX_BYTES, listing, read


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)  # noqa: S607  the user's own git


def paths(root: Path) -> list[str]:
    return [file.path for file in listing(root)]


def put(root: Path, path: str, text: str = "text") -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


@pytest.fixture
def no_git(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("PATH", str(tmp_path_factory.mktemp("empty")))


def test_in_a_work_tree_what_git_does_not_ignore_is_listed(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    for path in ("tracked.py", ".github/flow.yml", "new.md", "ignored.log", ".venv/lib.py"):
        put(tmp_path, path)
    put(tmp_path, ".gitignore", "*.log\n")
    git(tmp_path, "add", "tracked.py")
    assert paths(tmp_path) == [".github/flow.yml", ".gitignore", "new.md", "tracked.py"]


def test_a_folder_of_a_work_tree_is_listed_from_there(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    put(tmp_path, "above.md")
    put(tmp_path, "docs/deep/page.md")
    assert paths(tmp_path / "docs") == ["deep/page.md"]


def test_a_folder_that_its_repository_ignores_is_listed_when_asked_for(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    put(tmp_path, ".gitignore", "vendor\n")
    put(tmp_path, "vendor/library.py")
    assert paths(tmp_path / "vendor") == ["library.py"]


def test_the_environment_of_a_git_hook_does_not_change_the_listing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "here.py")
    git(tmp_path, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert paths(tmp_path) == ["here.py"]


def test_what_a_repository_would_have_git_run_is_not_run(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    put(tmp_path, "here.py")
    git(tmp_path, "config", "core.fsmonitor", "touch ran;")
    assert paths(tmp_path) == ["here.py"]
    assert not (tmp_path / "ran").exists()


@pytest.mark.usefixtures("no_git")
def test_without_git_hidden_and_built_folders_are_left_out(tmp_path: Path) -> None:
    for path in (
        "a.py",
        "src/b.py",
        ".hidden/c.py",
        ".hidden.py",
        "src/.hidden.py",
        "node_modules/d.js",
        "src/__pycache__/e.py",
        "build/f.py",
    ):
        put(tmp_path, path)
    put(tmp_path, "env/pyvenv.cfg")
    put(tmp_path, "env/lib/g.py")
    assert paths(tmp_path) == ["a.py", "src/b.py"]


@pytest.mark.usefixtures("no_git")
def test_a_package_that_is_named_like_build_output_is_listed(tmp_path: Path) -> None:
    put(tmp_path, "build/__init__.py")
    assert paths(tmp_path) == ["build/__init__.py"]


SECRETS = (
    *(
        ".env",
        "deploy/.env.local",
        ".envrc",
        "server.pem",
        "X.PEM",
        "tls/site.key",
        "store.p12",
        "id_ed25519",
        "id_rsa",
    ),
    *(".git-credentials", ".pgpass", ".netrc", "_netrc", ".bash_history", ".python_history", ".npmrc", ".ssh/config"),
)


def test_secrets_are_never_listed_not_even_tracked_ones(tmp_path: Path) -> None:
    for path in (*SECRETS, "keys.md", "history.md"):
        put(tmp_path, path)
    assert paths(tmp_path) == ["history.md", "keys.md"]
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--force", ".")
    assert paths(tmp_path) == ["history.md", "keys.md"]


def test_symlinks_lead_nowhere(tmp_path: Path) -> None:
    put(tmp_path, "outside/secret.txt")
    put(tmp_path, "folder/own.txt")
    folder = tmp_path / "folder"
    (folder / "file.txt").symlink_to(tmp_path / "outside/secret.txt")
    (folder / "away").symlink_to(tmp_path / "outside")
    (folder / "circle").symlink_to(folder / "circle")
    (folder / "up").symlink_to(folder)
    assert paths(folder) == ["own.txt"]
    assert [read(folder, path) for path in ("file.txt", "away/secret.txt", "circle", "../outside/secret.txt")] == [
        None
    ] * 4


def test_a_tracked_folder_that_became_a_symlink_leads_nowhere(tmp_path: Path) -> None:
    put(tmp_path, "outside/page.md")
    put(tmp_path, "folder/docs/page.md")
    folder = tmp_path / "folder"
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    (folder / "docs/page.md").unlink()
    (folder / "docs").rmdir()
    (folder / "docs").symlink_to(tmp_path / "outside")
    assert paths(folder) == []


def test_a_folder_that_is_itself_a_symlink_is_listed(tmp_path: Path) -> None:
    put(tmp_path, "folder/page.md")
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    assert paths(tmp_path / "link") == ["page.md"]
    assert read(tmp_path / "link", "page.md") == "text"


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    put(tmp_path, "own.txt")
    assert paths(tmp_path) == ["own.txt"]
    assert read(tmp_path, "pipe.txt") == ""


def test_empty_files_are_left_out_and_very_large_ones_not_read(tmp_path: Path) -> None:
    put(tmp_path, "empty.txt", "")
    put(tmp_path, "large.txt", "x" * (MAX_BYTES + 1))
    put(tmp_path, "fits.txt", "x" * MAX_BYTES)
    assert paths(tmp_path) == ["fits.txt", "large.txt"]
    assert (read(tmp_path, "fits.txt"), read(tmp_path, "large.txt")) == ("x" * MAX_BYTES, None)


def test_names_with_spaces_and_newlines_are_listed_and_such_as_are_not_utf8_are_escaped(tmp_path: Path) -> None:
    for name in (b"a b.txt", b"two\nlines.txt", "ümläut.txt".encode(), b"latin-\xe9.txt"):
        (tmp_path / os.fsdecode(name)).write_text("text", encoding="utf-8")
    assert paths(tmp_path) == ["a b.txt", "latin-\\xe9.txt", "two\nlines.txt", "ümläut.txt"]
    assert read(tmp_path, "latin-\\xe9.txt") is None


@pytest.mark.parametrize("data", ["é".encode("latin-1"), b"\xff\xfea\0"])
def test_text_of_another_encoding_is_not_read(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)
    assert read(tmp_path, "file") is None


@pytest.mark.parametrize("rest", [b"", b"x" * MAX_BYTES])
def test_a_binary_file_says_nothing(tmp_path: Path, rest: bytes) -> None:
    (tmp_path / "file").write_bytes(b"a\0b" + rest)
    assert read(tmp_path, "file") == ""


def test_every_kind_of_line_ending_is_read_as_editors_count_lines(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xef\xbb\xbfone\r\ntwo\rstill two\nthree\n")
    assert read(tmp_path, "file") == "one\ntwo still two\nthree\n"


def test_a_file_that_vanished_is_not_read(tmp_path: Path) -> None:
    assert read(tmp_path, "gone.txt") is None


def test_a_changed_file_is_listed_differently(tmp_path: Path) -> None:
    put(tmp_path, "a.txt", "one")
    [before] = listing(tmp_path)
    put(tmp_path, "a.txt", "other")
    assert listing(tmp_path) != [before]


def test_a_change_that_keeps_size_and_time_is_seen_all_the_same(tmp_path: Path) -> None:
    put(tmp_path, "a.txt", "one")
    os.utime(tmp_path / "a.txt", ns=(0, 0))
    [before] = listing(tmp_path)
    put(tmp_path, "a.txt", "two")
    os.utime(tmp_path / "a.txt", ns=(0, 0))
    assert listing(tmp_path) != [before]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    put(tmp_path, "file")
    with pytest.raises(FileNotFoundError):
        listing(tmp_path / "missing")
    with pytest.raises(NotADirectoryError):
        listing(tmp_path / "file")

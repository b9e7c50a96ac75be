"""corpus.files.files: which files there are, and their bytes within bounds."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from corpus.errors import CorpusError, EmptyDocument
from corpus.files.files import list_files, printable_path, read_file


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "docs"
    for name in ("b.md", "a.md", "sub/c.md", ".hidden/d.md", ".e.md", "B.md"):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    (tmp_path / "secret.md").write_text("outside")
    return root


def names(paths: list[Path], root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]


def test_lists_folder_in_fixed_order_without_hidden_files(tree: Path) -> None:
    assert names(list(list_files([tree])), tree) == ["B.md", "a.md", "b.md", "sub/c.md"]


def test_named_files_are_listed_and_each_file_once(tree: Path) -> None:
    found = list(list_files([tree / ".e.md", tree / "sub", tree / "sub" / "c.md", tree]))
    assert names(found, tree) == [".e.md", "sub/c.md", "B.md", "a.md", "b.md"]


def test_symlinks_out_of_the_folder_are_skipped(tree: Path) -> None:
    (tree / "out.md").symlink_to(tree.parent / "secret.md")
    (tree / "outside").symlink_to(tree.parent)
    (tree / "loop").symlink_to(tree)
    (tree / "broken.md").symlink_to(tree / "nothing")
    (tree / "sub" / "in.md").symlink_to(tree / "a.md")  # the same file again
    assert names(list(list_files([tree])), tree) == ["B.md", "a.md", "b.md", "sub/c.md"]


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        (["*.md"], [], ["B.md", "a.md", "b.md", "sub/c.md"]),
        (["a.*", "c.*"], [], ["a.md", "sub/c.md"]),
        (["sub/*"], [], ["sub/c.md"]),
        ([], ["sub/*"], ["B.md", "a.md", "b.md"]),
        (["*.md"], ["[ab].md", "*/c.md"], ["B.md"]),
        (["*.pdf"], [], []),
    ],
)
def test_patterns_select_files_of_a_folder(
    tree: Path, include: list[str], exclude: list[str], expected: list[str]
) -> None:
    assert names(list(list_files([tree], include, exclude)), tree) == expected
    named = tree / "sub" / "c.md"
    assert list(list_files([named], ["*.pdf"], ["*"])) == [named]


def test_missing_path_is_named_in_the_error(tree: Path) -> None:
    with pytest.raises(CorpusError, match=r"nothing\.md does not exist"):
        list(list_files([tree, tree / "nothing.md"]))


def test_read_file_returns_bytes(tree: Path) -> None:
    assert read_file(tree / "a.md") == b"a.md"
    assert read_file(tree / "a.md", limit=4) == b"a.md"


def test_read_errors_name_the_fix(tree: Path) -> None:
    (tree / "empty.pdf").touch()
    os.mkfifo(tree / "pipe")
    cases = {
        "no.md": "does not exist: check the path",
        "sub": "is a folder",
        "a.md": "more than the 3e-06 MB allowed: split it",
        "pipe": "is a device or a pipe",
    }
    for name, message in cases.items():
        with pytest.raises(CorpusError, match=message) as caught:
            read_file(tree / name, limit=3)
        assert "\n" not in str(caught.value) and name in str(caught.value)
    with pytest.raises(EmptyDocument, match=r"empty\.pdf is empty"):
        read_file(tree / "empty.pdf")


def test_size_is_checked_before_reading(tmp_path: Path) -> None:
    huge = tmp_path / "huge.pdf"
    with huge.open("wb") as file:
        file.truncate(1 << 42)  # sparse: takes no disk space, but reading it would fill the memory
    with pytest.raises(CorpusError, match="split it"):
        read_file(huge)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_file_without_permission_is_named_in_the_error(tree: Path) -> None:
    (tree / "a.md").chmod(0)
    with pytest.raises(CorpusError, match=r"a\.md cannot be read"):
        read_file(tree / "a.md")


def test_file_changed_while_reading_is_refused(tmp_path: Path) -> None:
    """Half of the bytes might be those of before the change, and half those of after."""
    path = tmp_path / "log.md"
    stop, data = threading.Event(), b"x" * 50_000_000
    path.write_bytes(data)

    def change() -> None:
        with path.open("r+b") as file:
            while not stop.is_set():
                file.write(b"y")
                file.flush()

    writer = threading.Thread(target=change)
    writer.start()
    try:
        with pytest.raises(CorpusError, match=r"log\.md was changed while it was read"):
            read_file(path)
    finally:
        stop.set()
        writer.join()
    assert len(read_file(path)) == len(data)


def test_endlessly_growing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.md"
    path.write_bytes(b"x" * 100)
    stop = threading.Event()

    def grow() -> None:
        with path.open("ab") as file:
            while not stop.is_set():
                file.write(b"y" * 100_000)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        with pytest.raises(CorpusError, match=r"changed while it was read|more than the 1 MB"):
            while True:
                read_file(path, limit=1_000_000)
    finally:
        stop.set()
        writer.join()


NAMES = {
    b"plain.md": "plain.md",
    "題 é.md".encode(): "題 é.md",
    b"not utf-8 \xff.md": r"not utf-8 \xff.md",
    b"two\nlines.md": r"two\nlines.md",
    b"\x1b[31mred.md": r"\x1b[31mred.md",
    "\u202egnp.md".encode(): r"\u202egnp.md",
    b"%2e%2e%2fetc%2fpasswd": "%2e%2e%2fetc%2fpasswd",
    b"C:\\..\\x.md": r"C:\..\x.md",
}


@pytest.mark.skipif(os.name == "nt", reason="Windows allows no such names")
def test_unprintable_file_names_are_escaped(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / os.fsdecode(name)).touch()
    found = list(list_files([tmp_path]))
    assert sorted(printable_path(path.relative_to(tmp_path)) for path in found) == sorted(
        NAMES.values()
    )
    for path in found:
        with pytest.raises(EmptyDocument) as caught:
            read_file(path)
        assert printable_path(path) in str(caught.value) and str(caught.value).isprintable()


def test_path_out_of_the_folder_is_read_only_when_named(tree: Path) -> None:
    outside = tree / "sub" / ".." / ".." / "secret.md"
    assert [path.resolve() for path in list_files([outside])] == [
        (tree.parent / "secret.md").resolve()
    ]
    (tree / "sub" / "up").symlink_to("../..")
    (tree / "sub" / "up.md").symlink_to("../../secret.md")
    (tree / "sub" / "far.md").symlink_to("/etc/passwd")
    assert names(list(list_files([tree])), tree) == ["B.md", "a.md", "b.md", "sub/c.md"]

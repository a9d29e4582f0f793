"""Which files count as whole: those that stay as they are, and those that were renamed when they were finished."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.watching.scanning import Candidate, ChangedError, Scanner, read_whole


class _Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def scanner(tmp_path: Path, clock: _Clock) -> Scanner:
    return Scanner(tmp_path, settle_s=2.0, clock=clock)


def _names(scanner: Scanner) -> list[str]:
    return [candidate.name for candidate in scanner.scan().ready]


def test_a_file_is_whole_when_it_has_not_changed_for_the_settle_time(
    tmp_path: Path, scanner: Scanner, clock: _Clock
) -> None:
    file = tmp_path / "part.png"
    file.write_bytes(b"half")
    assert scanner.scan().settling == 1
    clock.now_s += 1.9
    with file.open("ab") as more:
        more.write(b" and more")
    assert _names(scanner) == []
    clock.now_s += 1.9
    assert _names(scanner) == []
    clock.now_s += 0.2
    assert _names(scanner) == ["part.png"]


def test_an_old_time_of_its_own_does_not_make_a_file_whole(tmp_path: Path, scanner: Scanner) -> None:
    file = tmp_path / "copied.png"
    file.write_bytes(b"half")
    os.utime(file, (1_000_000_000, 1_000_000_000))
    assert _names(scanner) == []


@pytest.mark.parametrize("temporary", ["part.png.tmp", "part.png.part", "part.png.crdownload", "PART.TMP"])
def test_a_file_renamed_from_a_temporary_name_is_whole_at_once(
    tmp_path: Path, scanner: Scanner, clock: _Clock, temporary: str
) -> None:
    file = tmp_path / temporary
    file.write_bytes(b"all of it")
    clock.now_s += 60
    scan = scanner.scan()
    assert (scan.ready, scan.settling) == ((), 0)
    file.rename(tmp_path / "part.png")
    assert _names(scanner) == ["part.png"]


def test_an_empty_file_is_given_more_time(tmp_path: Path, scanner: Scanner, clock: _Clock) -> None:
    (tmp_path / "part.png").touch()
    scanner.scan()
    clock.now_s += 9.0
    assert _names(scanner) == []
    clock.now_s += 1.0
    assert _names(scanner) == ["part.png"]


def test_hidden_files_and_what_was_done_are_left_alone(tmp_path: Path, clock: _Clock) -> None:
    for name in (".part.png.Ab3xY", "Thumbs.db", "~$part.png", "done/a.png", "rejected/b.png", "sub/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert _names(Scanner(tmp_path, settle_s=0.0, clock=clock)) == []
    deep = Scanner(tmp_path, settle_s=0.0, subfolders=True, clock=clock)
    assert _names(deep) == ["sub/c.png"]


def test_what_came_first_is_first(tmp_path: Path) -> None:
    for number, name in enumerate(("c.png", "a.png", "b.png")):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, ns=(number, number))
    assert _names(Scanner(tmp_path, settle_s=0.0)) == ["c.png", "a.png", "b.png"]


def test_a_link_to_a_folder_is_not_entered(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "in"
    outside.mkdir()
    folder.mkdir()
    (outside / "secret.png").write_bytes(b"x")
    (folder / "link").symlink_to(outside, target_is_directory=True)
    (found,) = Scanner(folder, settle_s=0.0, subfolders=True).scan().ready
    assert (found.name, found.is_link) == ("link", True)


def test_a_file_that_became_a_link_or_another_one_is_not_read(tmp_path: Path) -> None:
    secret, file = tmp_path / "secret", tmp_path / "part.png"
    secret.write_bytes(b"secret")
    file.write_bytes(b"abcdef")
    found = file.lstat()
    candidate = Candidate("part.png", found.st_size, found.st_mtime_ns)
    assert read_whole(tmp_path, candidate) == b"abcdef"
    file.unlink()
    file.symlink_to(secret)
    with pytest.raises(OSError, match="symbolic"):
        read_whole(tmp_path, candidate)
    file.unlink()
    with pytest.raises(ChangedError):
        read_whole(tmp_path, candidate)
    file.write_bytes(b"abcdefg")
    with pytest.raises(ChangedError):
        read_whole(tmp_path, candidate)


def test_ten_thousand_files_are_seen_in_one_look(tmp_path: Path) -> None:
    for number in range(10_000):
        (tmp_path / f"{number}.png").touch()
    scan = Scanner(tmp_path, settle_s=2.0).scan()
    assert scan.settling == 10_000

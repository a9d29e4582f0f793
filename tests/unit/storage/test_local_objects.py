"""What only a store in a folder must see to: links, folders, permissions, a drive that is taken out."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from pathlib import Path

import pytest

from storage.objects import LocalObjects, ObjectStoreError


@pytest.fixture
def store(tmp_path: Path) -> LocalObjects:
    return LocalObjects(tmp_path / "objects")


def _refusal(action: object, *arguments: object) -> ObjectStoreError:
    with pytest.raises(ObjectStoreError) as caught:
        action(*arguments)  # type: ignore[operator]
    return caught.value


def test_links_lead_nowhere(store: LocalObjects, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    root = tmp_path / "objects"
    (root / "folder").symlink_to(outside)
    (root / "file").symlink_to(outside / "secret")
    for key in ("folder/secret", "folder/new", "file"):
        for action in (store.get, store.delete, store.exists, store.size, lambda k: store.put(k, b"x")):
            refusal = _refusal(action, key)
            assert (refusal.code, refusal.params["reason"]) == ("object_key_invalid", "link")
    assert list(store.list()) == []
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_bytes() == b"secret"


def test_a_folder_is_no_object_and_an_object_no_folder(store: LocalObjects) -> None:
    store.put("a/b", b"1")
    assert _refusal(store.get, "a").code == "object_missing"
    assert _refusal(store.get, "a/b/c").code == "object_missing"
    assert not store.exists("a")
    store.delete("a")
    assert _refusal(store.put, "a", b"").params["reason"] == "occupied"
    assert _refusal(store.put, "a/b/c", b"").params["reason"] == "occupied"
    assert store.get("a/b") == b"1"


def test_empty_folders_are_cleared_away(store: LocalObjects, tmp_path: Path) -> None:
    store.put("inspections/2026/12/31/x", b"1")
    store.put("inspections/2027/01/01/y", b"1")
    store.delete("inspections/2026/12/31/x")
    assert not (tmp_path / "objects/inspections/2026").exists()
    assert store.exists("inspections/2027/01/01/y")


def test_putting_beside_deleting_never_fails(store: LocalObjects) -> None:
    failures: list[ObjectStoreError] = []

    def churn(number: int) -> None:
        for _ in range(60):
            try:
                store.put(f"a/b/c/{number}", b"x")
                store.delete(f"a/b/c/{number}")
            except ObjectStoreError as error:
                failures.append(error)

    threads = [threading.Thread(target=churn, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_drive_that_was_taken_out_is_not_an_empty_store(store: LocalObjects, tmp_path: Path) -> None:
    store.put("a/b", b"1")
    shutil.move(tmp_path / "objects", tmp_path / "elsewhere")
    for action in (
        lambda: store.get("a/b"),
        lambda: store.exists("a/b"),
        lambda: store.delete("a/b"),
        lambda: store.put("a/b", b"2"),
        lambda: list(store.list()),
        store.check,
    ):
        assert _refusal(action).code == "object_store_unavailable"
    assert not (tmp_path / "objects").exists()
    shutil.move(tmp_path / "elsewhere", tmp_path / "objects")
    assert store.get("a/b") == b"1"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_denied(store: LocalObjects, tmp_path: Path) -> None:
    (tmp_path / "objects" / ".incoming").chmod(0o500)
    assert _refusal(store.put, "a", b"").code == "object_store_denied"


def test_the_callers_own_missing_file_is_the_callers_error(store: LocalObjects, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.put_file("a", tmp_path / "nothing")
    assert list(store.list()) == []


def test_many_are_stored_in_folders_that_are_synced_once_and_what_cannot_be_is_told(
    store: LocalObjects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(
        "storage.local_objects.sync_folder", lambda folder: synced.append(folder.relative_to(tmp_path).as_posix())
    )
    store.put("a", b"")
    synced.clear()
    refused = store.put_many([("d/e/1", b"1"), ("a/b", b"2"), ("d/e/2", b"3"), ("../x", b"4"), ("d/f/3", b"5")])
    assert {key: error.code for key, error in refused.items()} == {
        "a/b": "object_key_invalid",
        "../x": "object_key_invalid",
    }
    assert dict(store.get_many(["d/e/1", "d/e/2", "d/f/3"])) == {"d/e/1": b"1", "d/e/2": b"3", "d/f/3": b"5"}
    assert sorted(synced) == ["objects", "objects/d", "objects/d/e", "objects/d/f"]


def test_a_folder_that_cannot_be_synced_is_told_for_all_that_came_into_it(
    store: LocalObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        if folder.name == "e":
            raise OSError(errno.EIO, "disk")

    monkeypatch.setattr("storage.local_objects.sync_folder", refuse)
    refused = store.put_many([("d/e/1", b"1"), ("d/e/2", b"2"), ("d/f", b"3")])
    assert {key: error.code for key, error in refused.items()} == {
        "d/e/1": "object_store_unavailable",
        "d/e/2": "object_store_unavailable",
    }


def test_a_fetch_that_is_given_up_stops(store: LocalObjects) -> None:
    assert store.put_many((f"k/{number:02}", b"x") for number in range(40)) == {}
    asked: list[str] = []

    def keys() -> list[str]:
        return [info.key for info in store.list("k/")]

    def remember() -> object:
        for key in keys():
            asked.append(key)
            yield key

    results = store.get_many(remember())  # type: ignore[arg-type]
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert len(asked) <= 11

import json
import os
from pathlib import Path

import numpy as np
import pytest

from inference.artifact import MANIFEST_NAME, read_bundle, write_bundle
from inference.errors import ArtifactError

TENSORS: dict[str, np.ndarray] = {
    "rows": np.arange(12, dtype=np.float32).reshape(3, 4),
    "ids": np.array([3, 1, 2], dtype=np.int64),
}


def write(folder: Path) -> str:
    manifest = write_bundle(
        folder, kind="memory_bank", metadata={"이름": "캐스팅", "n": 3}, tensors=TENSORS, files={"graph.xml": b"<net/>"}
    )
    return manifest.sha256


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    sha256 = write(tmp_path / "b")
    bundle = read_bundle(tmp_path / "b", kind="memory_bank", manifest_sha256=sha256)
    assert bundle.metadata == {"이름": "캐스팅", "n": 3}
    assert bundle.files == {"graph.xml": b"<net/>"}
    for name, tensor in TENSORS.items():
        assert bundle.tensors[name].dtype == tensor.dtype
        np.testing.assert_array_equal(bundle.tensors[name], tensor)


def test_an_index_is_read_back(tmp_path: Path) -> None:
    faiss = pytest.importorskip("faiss")
    index = faiss.IndexFlatIP(4)
    index.add(TENSORS["rows"])
    write_bundle(tmp_path / "b", kind="k", metadata={}, indexes={"flat": index})
    bundle = read_bundle(tmp_path / "b", kind="k")
    assert list(bundle.indexes) == ["flat"]
    assert bundle.indexes["flat"].ntotal == 3


@pytest.mark.parametrize("name", ["tensors.safetensors", "graph.xml"])
def test_a_flipped_byte_is_found_in_every_file(tmp_path: Path, name: str) -> None:
    write(tmp_path / "b")
    path = tmp_path / "b" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtifactError) as caught:
        read_bundle(tmp_path / "b", kind="memory_bank")
    assert (caught.value.code, caught.value.params["file"]) == ("artifact_damaged", name)


def test_a_changed_manifest_is_found_by_its_hash(tmp_path: Path) -> None:
    sha256 = write(tmp_path / "b")
    path = tmp_path / "b" / MANIFEST_NAME
    path.write_text(path.read_text().replace('"n": 3', '"n": 4'))
    with pytest.raises(ArtifactError, match="not the one that was written"):
        read_bundle(tmp_path / "b", kind="memory_bank", manifest_sha256=sha256)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    write(tmp_path / "b")
    (tmp_path / "b" / "graph.xml").unlink()
    with pytest.raises(ArtifactError) as caught:
        read_bundle(tmp_path / "b", kind="memory_bank")
    assert (caught.value.code, caught.value.params["file"]) == ("artifact_missing_file", "graph.xml")


def test_a_newer_format_and_another_kind_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "b")
    with pytest.raises(ArtifactError) as caught:
        read_bundle(tmp_path / "b", kind="similarity_index")
    assert caught.value.code == "artifact_wrong_kind"
    path = tmp_path / "b" / MANIFEST_NAME
    document = json.loads(path.read_text())
    document["format_version"] = 99
    path.write_text(json.dumps(document))
    with pytest.raises(ArtifactError) as caught:
        read_bundle(tmp_path / "b", kind="memory_bank")
    assert caught.value.code == "artifact_newer_format"


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"format": "geomsa-bundle"}', b"[" * 100_000])
def test_what_is_no_manifest_is_no_bundle(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MANIFEST_NAME).write_bytes(content)
    with pytest.raises(ArtifactError) as caught:
        read_bundle(tmp_path, kind="memory_bank")
    assert caught.value.code == "artifact_not_a_bundle"


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/b", "..", "", "manifest.json"])
def test_a_manifest_cannot_name_a_file_outside(tmp_path: Path, name: str) -> None:
    write(tmp_path / "b")
    path = tmp_path / "b" / MANIFEST_NAME
    document = json.loads(path.read_text())
    document["files"][name] = {"sha256": "0" * 64, "byte_size": 0}
    path.write_text(json.dumps(document))
    with pytest.raises(ArtifactError) as caught:
        read_bundle(tmp_path / "b", kind="memory_bank")
    assert caught.value.code == "artifact_damaged"


@pytest.mark.parametrize("nth", range(5))
def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path, nth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = os.fsync, iter(range(100))

    def fail_nth(descriptor: int) -> None:
        if next(calls) == nth:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail_nth)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_a_folder_is_never_written_twice(tmp_path: Path) -> None:
    write(tmp_path / "b")
    with pytest.raises(FileExistsError):
        write(tmp_path / "b")
    read_bundle(tmp_path / "b", kind="memory_bank")

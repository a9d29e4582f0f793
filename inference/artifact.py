"""One bundle format for every model: a folder of hashed files under one manifest.

    manifest.json         kind, format version, time, metadata, and size and SHA-256 of every other file
    tensors.safetensors   the arrays
    NAME.faiss            the search indexes
    …                     any further named files, as bytes

Nothing is parsed before its hash has been checked against the manifest, and the manifest against the
hash that the caller trusts; what is parsed are the very bytes that were hashed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from inference.errors import ArtifactError

if TYPE_CHECKING:
    import faiss
    import numpy as np

FORMAT = "geomsa-bundle"
FORMAT_VERSION = 1
MANIFEST_NAME = "manifest.json"
TENSORS_NAME = "tensors.safetensors"
INDEX_SUFFIX = ".faiss"
_MANIFEST_LIMIT_BYTES = 64 * 1024 * 1024
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class FileRecord:
    """What the manifest says of one file."""

    sha256: str
    byte_size: int


@dataclass(frozen=True)
class Manifest:
    """The contents of `manifest.json`; `sha256` is the hash of its bytes and so stands for the bundle."""

    kind: str
    format_version: int
    created_at: str
    files: Mapping[str, FileRecord]
    metadata: Mapping[str, Any]
    sha256: str

    @property
    def byte_size(self) -> int:
        """Bytes of all files but the manifest."""
        return sum(record.byte_size for record in self.files.values())


class _LazyIndexes(Mapping[str, "faiss.Index"]):
    """Parses a verified index when it is asked for; most readers need only one or none."""

    def __init__(self, payloads: Mapping[str, bytes]) -> None:
        self._payloads = payloads

    def __getitem__(self, name: str) -> faiss.Index:
        import faiss
        import numpy as np

        payload = np.frombuffer(self._payloads[name], dtype=np.uint8)
        try:
            return faiss.deserialize_index(payload)
        except RuntimeError as error:
            raise ArtifactError("artifact_damaged", file=name + INDEX_SUFFIX) from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._payloads)

    def __len__(self) -> int:
        return len(self._payloads)


@dataclass(frozen=True)
class Bundle:
    """A verified bundle. `indexes[name]` parses anew at each call: keep what it gives."""

    manifest: Manifest
    tensors: Mapping[str, np.ndarray]
    indexes: Mapping[str, faiss.Index]
    files: Mapping[str, bytes]
    metadata: Mapping[str, Any] = field(default_factory=dict)


def write_bundle(
    folder: Path,
    *,
    kind: str,
    metadata: Mapping[str, Any],
    tensors: Mapping[str, np.ndarray] = _NOTHING,
    indexes: Mapping[str, faiss.Index] = _NOTHING,
    files: Mapping[str, bytes] = _NOTHING,
) -> Manifest:
    """Write a bundle into `folder`, which must not exist yet; on any failure the folder is removed again.

    Every file and the folder are fsynced and the manifest is written last, so that a folder with a
    manifest is a whole bundle. `metadata` must be JSON without NaN. Raises FileExistsError, OSError,
    ValueError for a name that is not a plain file name or is used twice, TypeError for other metadata.
    """
    payloads = _collect_payloads(tensors=tensors, indexes=indexes, files=files)
    records = {
        name: FileRecord(hashlib.sha256(payload).hexdigest(), len(payload)) for name, payload in payloads.items()
    }
    created_at = datetime.now(UTC).isoformat(timespec="seconds")
    document = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "kind": kind,
        "created_at": created_at,
        "files": {n: {"sha256": r.sha256, "byte_size": r.byte_size} for n, r in records.items()},
        "metadata": dict(metadata),
    }
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, sort_keys=True, indent=1)
    manifest_bytes = text.encode()

    folder.mkdir(parents=True, exist_ok=False)
    try:
        for name, payload in payloads.items():
            _write_durably(folder / name, payload)
        _write_durably(folder / MANIFEST_NAME, manifest_bytes)
        _sync_folder(folder)
        _sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return _parse_manifest(manifest_bytes, folder=folder)


def read_bundle(folder: Path, *, kind: str, manifest_sha256: str | None = None) -> Bundle:
    """Read and verify a bundle.

    Raises ArtifactError: `artifact_not_a_bundle`, `artifact_newer_format`, `artifact_wrong_kind`,
    `artifact_missing_file`, or `artifact_damaged` for a hash, a size or a manifest that is not the one
    asked for.
    """
    path = folder / MANIFEST_NAME
    try:
        with path.open("rb") as stream:
            manifest_bytes = stream.read(_MANIFEST_LIMIT_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ArtifactError("artifact_not_a_bundle", folder=folder.name) from error
    if manifest_sha256 is not None and hashlib.sha256(manifest_bytes).hexdigest() != manifest_sha256:
        raise ArtifactError("artifact_damaged", file=MANIFEST_NAME)
    manifest = _parse_manifest(manifest_bytes, folder=folder)
    if manifest.kind != kind:
        raise ArtifactError("artifact_wrong_kind", found=manifest.kind, expected=kind)

    payloads = {name: _read_verified(folder, name, record) for name, record in manifest.files.items()}
    tensors_bytes = payloads.pop(TENSORS_NAME, None)
    index_bytes = {
        name.removesuffix(INDEX_SUFFIX): payloads.pop(name) for name in list(payloads) if name.endswith(INDEX_SUFFIX)
    }
    return Bundle(
        manifest=manifest,
        tensors=_parse_tensors(tensors_bytes) if tensors_bytes is not None else {},
        indexes=_LazyIndexes(index_bytes),
        files=MappingProxyType(payloads),
        metadata=manifest.metadata,
    )


def _collect_payloads(
    *, tensors: Mapping[str, np.ndarray], indexes: Mapping[str, faiss.Index], files: Mapping[str, bytes]
) -> dict[str, bytes]:
    payloads: dict[str, bytes] = {}
    if tensors:
        import numpy as np
        from safetensors.numpy import save

        payloads[TENSORS_NAME] = save({name: np.ascontiguousarray(t) for name, t in tensors.items()})
    if indexes:
        import faiss

        for name, index in indexes.items():
            payloads[name + INDEX_SUFFIX] = faiss.serialize_index(index).tobytes()
    for name, content in files.items():
        if name in payloads:
            raise ValueError(f"The file name {name!r} is used twice in one bundle.")
        payloads[name] = bytes(content)
    for name in payloads:
        if not _is_plain(name):
            raise ValueError(f"{name!r} is not a plain file name.")
    return payloads


def _is_plain(name: str) -> bool:
    return name != MANIFEST_NAME and _PLAIN_NAME.fullmatch(name) is not None


def _parse_manifest(content: bytes, *, folder: Path) -> Manifest:
    try:
        document = json.loads(content)
        if document["format"] != FORMAT:
            raise ArtifactError("artifact_not_a_bundle", folder=folder.name)
        version = int(document["format_version"])
        if version > FORMAT_VERSION:
            raise ArtifactError("artifact_newer_format", found=version, supported=FORMAT_VERSION)
        files = {
            str(name): FileRecord(str(record["sha256"]), int(record["byte_size"]))
            for name, record in document["files"].items()
        }
        metadata = dict(document["metadata"])
        kind, created_at = str(document["kind"]), str(document["created_at"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ArtifactError("artifact_not_a_bundle", folder=folder.name) from error
    if not all(_is_plain(name) for name in files):
        raise ArtifactError("artifact_damaged", file=MANIFEST_NAME)
    return Manifest(
        kind=kind,
        format_version=version,
        created_at=created_at,
        files=MappingProxyType(files),
        metadata=MappingProxyType(metadata),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _read_verified(folder: Path, name: str, record: FileRecord) -> bytes:
    path = folder / name
    try:
        if path.stat().st_size != record.byte_size:
            raise ArtifactError("artifact_damaged", file=name)
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ArtifactError("artifact_missing_file", file=name) from error
    if hashlib.sha256(content).hexdigest() != record.sha256:
        raise ArtifactError("artifact_damaged", file=name)
    return content


def _parse_tensors(content: bytes) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(content))
    except SafetensorError as error:
        raise ArtifactError("artifact_damaged", file=TENSORS_NAME) from error


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

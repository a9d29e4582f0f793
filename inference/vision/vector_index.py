"""A similarity index: unit vectors with ids, searched by inner product.

Flat (exact) up to 100,000 vectors, HNSW (Malkov & Yashunin, 2016) above. A filter by ids is always exact: it is
searched flat over the allowed vectors alone.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.artifact import Manifest, read_bundle, write_bundle
from inference.errors import ArtifactError, ModelError

if TYPE_CHECKING:
    import faiss

KIND = "similarity_index"
FLAT_LIMIT = 100_000
_HNSW_LINKS = 32
_HNSW_BUILD_EFFORT = 200
_HNSW_SEARCH_EFFORT = 128
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Match:
    """One neighbour: its id and the cosine similarity, at most 1."""

    id: int
    similarity: float


@dataclass(frozen=True)
class _State:
    """Vectors (n, d) with their ids (n,), and the graph over them when they are many. Replaced, never changed."""

    vectors: np.ndarray
    ids: np.ndarray
    hnsw: faiss.Index | None


class VectorIndex:
    """An index that searches read; adding and removing replace its state in one step, so a search sees all or none."""

    def __init__(self, state: _State, *, metadata: Mapping[str, Any] = _NOTHING, flat_limit: int = FLAT_LIMIT) -> None:
        self._state = state
        self._flat_limit = flat_limit
        self._writing = threading.Lock()
        self.metadata = metadata

    @classmethod
    def build(cls, vectors: np.ndarray, ids: np.ndarray, *, flat_limit: int = FLAT_LIMIT) -> VectorIndex:
        """An index of float32 vectors (n, d) with unique int64 ids (n,); n may be 0.

        Vectors are brought to length 1. Raises ModelError: `index_dimension_mismatch`, `index_duplicate_ids`,
        `index_vectors_invalid`.
        """
        rows, numbers = _check(vectors, ids)
        return cls(_State(rows, numbers, _build_hnsw(rows, flat_limit=flat_limit)), flat_limit=flat_limit)

    def __len__(self) -> int:
        return len(self._state.ids)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._state.vectors.shape[1])

    @property
    def ids(self) -> np.ndarray:
        """The ids, int64 (n,), in the order of addition."""
        return self._state.ids.copy()

    @property
    def exact(self) -> bool:
        """Whether searches without a filter are exact."""
        return self._state.hnsw is None

    def search(self, query: np.ndarray, *, k: int, allowed_ids: np.ndarray | None = None) -> list[Match]:
        """The `k` most similar (fewer when there are fewer), best first, ties by id.

        `query` is float32 (d,) of any length but 0; `allowed_ids` limits the answer to these ids.
        Raises ModelError: `index_dimension_mismatch`, `index_vectors_invalid`.
        """
        state = self._state
        row = np.asarray(query, dtype=np.float32).reshape(1, -1)
        if row.shape[1] != state.vectors.shape[1]:
            raise ModelError("index_dimension_mismatch", found=row.shape[1], expected=state.vectors.shape[1])
        row = _to_unit(row)
        if k <= 0 or len(state.ids) == 0:
            return []
        if allowed_ids is not None:
            places = np.flatnonzero(np.isin(state.ids, np.asarray(allowed_ids, dtype=np.int64)))
            similarities = state.vectors[places] @ row[0]
        elif state.hnsw is not None:
            found, labels = state.hnsw.search(row, min(k, len(state.ids)))
            places, similarities = labels[0][labels[0] >= 0], found[0][labels[0] >= 0]
        else:
            places = np.arange(len(state.ids))
            similarities = state.vectors @ row[0]
        ids = state.ids[places]
        if len(ids) > k:
            cut = np.partition(similarities, len(ids) - k)[len(ids) - k]
            kept = similarities >= cut
            ids, similarities = ids[kept], similarities[kept]
        order = np.lexsort((ids, -similarities))[:k]
        return [Match(int(ids[place]), min(1.0, float(similarities[place]))) for place in order]

    def add(self, vectors: np.ndarray, ids: np.ndarray) -> None:
        """Add vectors under new ids; raises as `build` does, `index_duplicate_ids` also for an id that is here."""
        with self._writing:
            state = self._state
            rows, numbers = _check(vectors, ids)
            if len(state.ids) and rows.shape[1] != state.vectors.shape[1]:
                raise ModelError("index_dimension_mismatch", found=rows.shape[1], expected=state.vectors.shape[1])
            if np.isin(numbers, state.ids).any():
                raise ModelError("index_duplicate_ids")
            self._replace(np.concatenate([state.vectors, rows]), np.concatenate([state.ids, numbers]))

    def remove(self, ids: np.ndarray) -> int:
        """Remove ids, unknown ones included, and say how many were here."""
        with self._writing:
            state = self._state
            kept = ~np.isin(state.ids, np.asarray(ids, dtype=np.int64))
            removed = int((~kept).sum())
            if removed:
                self._replace(state.vectors[kept], state.ids[kept])
            return removed

    def save(self, folder: Path, *, metadata: Mapping[str, Any] = _NOTHING) -> Manifest:
        """Write the bundle into a new folder; raises as `write_bundle` does."""
        state = self._state
        return write_bundle(
            folder,
            kind=KIND,
            metadata={"flat_limit": self._flat_limit, "user": dict(metadata)},
            tensors={"vectors": state.vectors, "ids": state.ids},
            indexes={} if state.hnsw is None else {"hnsw": state.hnsw},
        )

    @classmethod
    def load(cls, folder: Path, *, manifest_sha256: str | None = None) -> VectorIndex:
        """Read a bundle; raises ArtifactError as `read_bundle` does."""
        bundle = read_bundle(folder, kind=KIND, manifest_sha256=manifest_sha256)
        try:
            # The stored rows are used as they are: scaling them again would move the last bit of an answer.
            rows = bundle.tensors["vectors"]
            _, ids = _check(rows, bundle.tensors["ids"])
            flat_limit = int(bundle.metadata["flat_limit"])
            user = MappingProxyType(dict(bundle.metadata["user"]))
        except (KeyError, TypeError, ValueError, ModelError) as error:
            raise ArtifactError("artifact_damaged", file="tensors.safetensors") from error
        hnsw = bundle.indexes.get("hnsw")
        if hnsw is not None and (hnsw.ntotal != len(ids) or hnsw.d != rows.shape[1]):
            raise ArtifactError("artifact_damaged", file="hnsw.faiss")
        return cls(_State(rows, ids, hnsw), metadata=user, flat_limit=flat_limit)

    def _replace(self, vectors: np.ndarray, ids: np.ndarray) -> None:
        self._state = _State(vectors, ids, _build_hnsw(vectors, flat_limit=self._flat_limit))


def _check(vectors: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows = np.asarray(vectors, dtype=np.float32)
    numbers = np.asarray(ids, dtype=np.int64)
    if rows.ndim != 2 or numbers.ndim != 1 or len(rows) != len(numbers):
        raise ModelError("index_dimension_mismatch", found=rows.shape, expected=(len(numbers), "d"))
    if len(np.unique(numbers)) != len(numbers):
        raise ModelError("index_duplicate_ids")
    return _to_unit(rows), numbers.copy()


def _to_unit(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or (lengths <= 0.0).any():
        raise ModelError("index_vectors_invalid")
    return np.asarray(rows / lengths, np.float32)


def _build_hnsw(vectors: np.ndarray, *, flat_limit: int) -> faiss.Index | None:
    if len(vectors) <= flat_limit:
        return None
    import faiss

    index = faiss.IndexHNSWFlat(vectors.shape[1], _HNSW_LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = _HNSW_BUILD_EFFORT
    index.hnsw.efSearch = _HNSW_SEARCH_EFFORT
    index.add(np.ascontiguousarray(vectors))
    return index

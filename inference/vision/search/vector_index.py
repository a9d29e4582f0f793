"""A similarity index: unit vectors with ids, searched by inner product.

Flat (exact) up to 20,000 vectors; above, a scan over short codes names candidates, which are compared exactly: reading
100,000 × 512 numbers takes 20 ms on one thread. Where no scan finds enough of the nearest, it stays flat. A GPU, where
there is one, names the candidates of all but small indexes, by comparing every vector. A filter by ids is always exact:
it is searched flat over the allowed vectors alone.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from inference.artifact import Manifest, read_bundle, write_bundle
from inference.errors import ArtifactError, ModelError
from inference.vision.networks.runtime import Device
from inference.vision.search.gpu_scan import LEAST_VECTORS, GpuScan
from inference.vision.search.quantized_scan import Progress, QuantizedScan, build_scan
from inference.vision.search.similarity_values import exact_similarities, rounding_bound

KIND = "similarity_index"
FLAT_LIMIT = 20_000
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Match:
    """One neighbor: its id and the cosine similarity, at most 1."""

    id: int
    similarity: float


@dataclass(frozen=True)
class _State:
    """Vectors (n, d) with their ids (n,), and the scans over them when they are many. Replaced, never changed."""

    vectors: np.ndarray
    ids: np.ndarray
    scan: QuantizedScan | None
    gpu: GpuScan | None


class VectorIndex:
    """An index that searches read; adding and removing replace its state in one step, so a search sees all or none."""

    def __init__(
        self,
        vectors: np.ndarray,
        ids: np.ndarray,
        scan: QuantizedScan | None,
        *,
        metadata: Mapping[str, Any] = _NOTHING,
        flat_limit: int = FLAT_LIMIT,
        device: Device = "cpu",
    ) -> None:
        self._device = device
        self._state = self._state_of(vectors, ids, scan)
        self._flat_limit = flat_limit
        self._writing = threading.Lock()
        self.metadata = metadata

    @classmethod
    def build(
        cls,
        vectors: np.ndarray,
        ids: np.ndarray,
        *,
        flat_limit: int = FLAT_LIMIT,
        device: Device = "cpu",
        progress: Progress | None = None,
    ) -> VectorIndex:
        """Return an index of float32 vectors (n, d) with unique int64 ids (n,); n may be 0.

        Vectors are brought to length 1. `progress` gets vectors done and in all where there are many. `device` is where
        it is searched, not what it is: with `auto` and `cuda` on a GPU where one can be used. Raises ModelError:
        `index_dimension_mismatch`, `index_duplicate_ids`, `index_vectors_invalid`.
        """
        rows, numbers = _check(vectors, ids)
        scan = build_scan(rows, progress=progress) if len(rows) > flat_limit else None
        return cls(rows, numbers, scan, flat_limit=flat_limit, device=device)

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
    def vectors(self) -> np.ndarray:
        """The unit vectors, float32 (n, d), in the order of `ids`; not to be written to."""
        view = self._state.vectors.view()
        view.flags.writeable = False
        return view

    @property
    def exact(self) -> bool:
        """Whether searches without a filter are exact."""
        return self._state.scan is None

    @property
    def recall(self) -> float:
        """Share of the ten nearest that a search without a filter finds, as measured when the index was built."""
        return 1.0 if self._state.scan is None else self._state.scan.recall

    @property
    def is_on_gpu(self) -> bool:
        """Whether the vectors lie on a GPU now, where the first search without a filter brings them."""
        return self._state.gpu is not None and self._state.gpu.is_placed

    def similarities(self, query: np.ndarray, *, ids: np.ndarray) -> np.ndarray:
        """Return cosine similarities of `query` (d,) to `ids`, float32 in their order; NaN for an id that is not here.

        Raises ModelError as `search` does.
        """
        state = self._state
        row = self._row(query, state)
        wanted = np.asarray(ids, dtype=np.int64)
        order = np.argsort(state.ids, kind="stable")
        places = np.searchsorted(state.ids, wanted, sorter=order)
        places = order[np.minimum(places, len(order) - 1)] if len(order) else np.zeros(len(wanted), np.int64)
        found = np.full(len(wanted), np.nan, np.float32)
        if len(order):
            here = state.ids[places] == wanted
            found[here] = np.minimum(exact_similarities(state.vectors[places[here]], row[0]), 1.0)
        return found

    def search(self, query: np.ndarray, *, k: int, allowed_ids: np.ndarray | None = None) -> list[Match]:
        """Return the `k` most similar (fewer when there are fewer), best first, ties by id.

        `query` is float32 (d,) of any length but 0; `allowed_ids` limits the result to these ids.
        Raises ModelError: `index_dimension_mismatch`, `index_vectors_invalid`.
        """
        state = self._state
        row = self._row(query, state)
        if k <= 0 or len(state.ids) == 0:
            return []
        rows, ids = state.vectors, state.ids
        if allowed_ids is not None:
            places: np.ndarray | None = np.flatnonzero(np.isin(ids, np.asarray(allowed_ids, dtype=np.int64)))
        else:
            places = self._candidates(state, row, k)
        if places is not None:
            rows, ids = rows[places], ids[places]
        if len(ids) > k:
            rough = rows @ row[0]
            cut = np.partition(rough, len(ids) - k)[len(ids) - k] - rounding_bound(row.shape[1])
            kept = np.flatnonzero(rough >= cut)
            rows, ids = rows[kept], ids[kept]
        similarities = exact_similarities(rows, row[0])
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
            joined = np.concatenate([state.vectors, rows])
            if state.scan is not None:
                scan: QuantizedScan | None = state.scan.extended(rows)
            else:
                scan = self._scan_of(joined)
            self._state = self._state_of(joined, np.concatenate([state.ids, numbers]), scan)

    def remove(self, ids: np.ndarray) -> int:
        """Remove ids, unknown ones included, and say how many were here."""
        with self._writing:
            state = self._state
            kept = ~np.isin(state.ids, np.asarray(ids, dtype=np.int64))
            removed = int((~kept).sum())
            if removed:
                rows = state.vectors[kept]
                self._state = self._state_of(rows, state.ids[kept], self._scan_of(rows))
            return removed

    def save(self, folder: Path, *, metadata: Mapping[str, Any] = _NOTHING) -> Manifest:
        """Write the bundle into a new folder; raises as `write_bundle` does."""
        state = self._state
        return write_bundle(
            folder,
            kind=KIND,
            metadata={
                "flat_limit": self._flat_limit,
                "scan": None
                if state.scan is None
                else {"candidates": state.scan.candidates, "recall": state.scan.recall},
                "user": dict(metadata),
            },
            tensors={"vectors": state.vectors, "ids": state.ids},
            indexes={} if state.scan is None else {"codes": state.scan.codes},
        )

    @classmethod
    def load(cls, folder: Path, *, manifest_sha256: str | None = None, device: Device = "cpu") -> VectorIndex:
        """Read a bundle, of whatever device, to be searched on `device` as `build` says.

        Raises ArtifactError as `read_bundle` does.
        """
        bundle = read_bundle(folder, kind=KIND, manifest_sha256=manifest_sha256)
        try:
            # The stored rows are used as they are: scaling them again would move the last bit of a similarity.
            rows = bundle.tensors["vectors"]
            _, ids = _check(rows, bundle.tensors["ids"])
            flat_limit = int(bundle.metadata["flat_limit"])
            user = MappingProxyType(dict(bundle.metadata["user"]))
            scan = bundle.metadata.get("scan")
            candidates, recall = (int(scan["candidates"]), float(scan["recall"])) if scan else (0, 1.0)
        except (KeyError, TypeError, ValueError, ModelError) as error:
            raise ArtifactError("artifact_damaged", file="tensors.safetensors") from error
        # Bundles of before the scan carry a graph instead ("hnsw"): it is left unread, and they are searched flat.
        codes = bundle.indexes.get("codes") if scan else None
        if scan and (codes is None or codes.ntotal != len(ids) or codes.d < rows.shape[1]):
            raise ArtifactError("artifact_damaged", file="codes.faiss")
        found = QuantizedScan(codes, candidates, recall) if codes is not None else None
        return cls(rows, ids, found, metadata=user, flat_limit=flat_limit, device=device)

    def _state_of(self, vectors: np.ndarray, ids: np.ndarray, scan: QuantizedScan | None) -> _State:
        with_gpu = self._device != "cpu" and len(vectors) >= LEAST_VECTORS
        return _State(vectors, ids, scan, GpuScan(vectors, device=self._device) if with_gpu else None)

    def _scan_of(self, vectors: np.ndarray) -> QuantizedScan | None:
        return build_scan(vectors) if len(vectors) > self._flat_limit else None

    @staticmethod
    def _candidates(state: _State, row: np.ndarray, k: int) -> np.ndarray | None:
        """Return the places of the vectors to compare exactly; None for all."""
        places = state.gpu.find(row, k=k) if state.gpu is not None else None
        if places is None and state.scan is not None:
            places = state.scan.find(row, k=k)
        return places

    @staticmethod
    def _row(query: np.ndarray, state: _State) -> np.ndarray:
        row = np.asarray(query, dtype=np.float32).reshape(1, -1)
        if row.shape[1] != state.vectors.shape[1]:
            raise ModelError("index_dimension_mismatch", found=row.shape[1], expected=state.vectors.shape[1])
        return _to_unit(row)


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

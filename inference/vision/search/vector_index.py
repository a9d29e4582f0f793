"""A similarity index: unit vectors with ids, searched by inner product.

Flat (exact) up to 20,000 vectors; above, a scan over short codes names candidates, which are compared exactly: reading
100,000 × 512 numbers takes 20 ms on one thread. Where no scan finds enough of the nearest, it stays flat. A GPU, where
there is one, names the candidates of all but small indexes, by comparing every vector. A filter by ids is always exact:
it is searched flat over the allowed vectors alone.
"""

from __future__ import annotations

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


class VectorIndex:
    """An index that searches read: nothing of it changes, so threads may share it."""

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
        self.metadata = metadata
        self._vectors = vectors
        self._ids = ids
        self._scan = scan
        self._flat_limit = flat_limit
        with_gpu = device != "cpu" and len(vectors) >= LEAST_VECTORS
        self._gpu = GpuScan(vectors, device=device) if with_gpu else None

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
        return len(self._ids)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._vectors.shape[1])

    @property
    def ids(self) -> np.ndarray:
        """The ids, int64 (n,), in the order in which they were given."""
        return self._ids.copy()

    @property
    def vectors(self) -> np.ndarray:
        """The unit vectors, float32 (n, d), in the order of `ids`; not to be written to."""
        view = self._vectors.view()
        view.flags.writeable = False
        return view

    @property
    def recall(self) -> float:
        """Share of the ten nearest that a search without a filter finds, as measured when the index was built."""
        return 1.0 if self._scan is None else self._scan.recall

    def similarities(self, query: np.ndarray, *, ids: np.ndarray) -> np.ndarray:
        """Return the cosine similarity of `query` (d,) to each of `ids`, float32; NaN for an id that is not here.

        Raises ModelError as `search` does.
        """
        row = self._row(query)
        wanted = np.asarray(ids, dtype=np.int64)
        order = np.argsort(self._ids, kind="stable")
        places = np.searchsorted(self._ids, wanted, sorter=order)
        places = order[np.minimum(places, len(order) - 1)] if len(order) else np.zeros(len(wanted), np.int64)
        similarities = np.full(len(wanted), np.nan, np.float32)
        if len(order):
            here = self._ids[places] == wanted
            similarities[here] = np.minimum(exact_similarities(self._vectors[places[here]], row[0]), 1.0)
        return similarities

    def search(self, query: np.ndarray, *, k: int, allowed_ids: np.ndarray | None = None) -> list[Match]:
        """Return the `k` most similar (fewer when there are fewer), best first, ties by id.

        `query` is float32 (d,) of any length but 0; `allowed_ids` limits the result to these ids.
        Raises ModelError: `index_dimension_mismatch`, `index_vectors_invalid`.
        """
        row = self._row(query)
        if k <= 0 or len(self._ids) == 0:
            return []
        rows, ids = self._vectors, self._ids
        if allowed_ids is not None:
            places: np.ndarray | None = np.flatnonzero(np.isin(ids, np.asarray(allowed_ids, dtype=np.int64)))
        else:
            places = self._candidates(row, k)
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

    def save(self, folder: Path, *, metadata: Mapping[str, Any] = _NOTHING) -> Manifest:
        """Write the bundle into a new folder; raises as `write_bundle` does."""
        return write_bundle(
            folder,
            kind=KIND,
            metadata={
                "flat_limit": self._flat_limit,
                "scan": None
                if self._scan is None
                else {"candidates": self._scan.candidates, "recall": self._scan.recall},
                "user": dict(metadata),
            },
            tensors={"vectors": self._vectors, "ids": self._ids},
            indexes={} if self._scan is None else {"codes": self._scan.codes},
        )

    @classmethod
    def load(cls, folder: Path, *, manifest_sha256: str | None = None, device: Device = "cpu") -> VectorIndex:
        """Read a bundle, of whatever device, to be searched on `device` as `build` says.

        Raises ArtifactError as `read_bundle` does.
        """
        bundle = read_bundle(folder, kind=KIND, manifest_sha256=manifest_sha256)
        try:
            # The stored rows are used as they are: scaling them again would move the last bit of a result.
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

    def _candidates(self, row: np.ndarray, k: int) -> np.ndarray | None:
        """Return the places of the vectors to compare exactly; None for all."""
        places = self._gpu.find(row, k=k) if self._gpu is not None else None
        if places is None and self._scan is not None:
            places = self._scan.find(row, k=k)
        return places

    def _row(self, query: np.ndarray) -> np.ndarray:
        row = np.asarray(query, dtype=np.float32).reshape(1, -1)
        if row.shape[1] != self.dimension:
            raise ModelError("index_dimension_mismatch", found=row.shape[1], expected=self.dimension)
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

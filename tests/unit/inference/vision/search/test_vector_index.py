from pathlib import Path

import numpy as np
import pytest

from inference.errors import ArtifactError, ModelError
from inference.vision.search.vector_index import VectorIndex


def unit(count: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, 16)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def test_search_gives_the_exact_order_and_survives_a_large_k() -> None:
    vectors, ids = unit(200), np.arange(200) * 7
    found = VectorIndex.build(vectors, ids).search(vectors[5], k=1000)
    assert [match.id for match in found] == [int(i) for i in ids[np.argsort(-(vectors @ vectors[5]))]]
    assert found[0].similarity == pytest.approx(1.0, abs=1e-6)
    assert found[0].similarity <= 1.0


@pytest.mark.parametrize("flat_limit", [1000, 10])
def test_a_filter_is_exact(flat_limit: int) -> None:
    index = VectorIndex.build(unit(200), np.arange(200), flat_limit=flat_limit)
    found = index.search(unit(1, 9)[0], k=50, allowed_ids=np.array([3, 8, 150, 9999]))
    assert {match.id for match in found} == {3, 8, 150}
    assert index.search(unit(1, 9)[0], k=5, allowed_ids=np.empty(0, np.int64)) == []


@pytest.mark.parametrize("spread", [0.3, 30.0])
def test_above_the_limit_the_scan_finds_nearly_all(spread: float) -> None:
    """Vectors in clusters, and vectors without any."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(50, 33))

    def draw(count: int) -> np.ndarray:
        rows = centers[rng.integers(0, 50, count)] + spread * rng.normal(size=(count, 33))
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)

    vectors = draw(6000)
    reported: list[tuple[int, int]] = []
    index = VectorIndex.build(
        vectors, np.arange(6000), flat_limit=1000, progress=lambda done, total: reported.append((done, total))
    )
    assert reported[-1] == (6000, 6000)  # flat, nothing would be reported
    assert index.recall >= 0.99
    hits = 0
    for query in draw(40):
        found = index.search(query, k=10)
        exact = np.argsort(-(vectors @ query))[:10]
        hits += len(set(exact.tolist()) & {match.id for match in found})
        assert found[0].similarity == pytest.approx(float(vectors[found[0].id] @ query), abs=1e-5)
    assert hits >= 0.98 * 400


def test_single_similarities_are_those_of_a_search_and_unknown_ids_have_none() -> None:
    vectors = unit(50)
    index = VectorIndex.build(vectors, np.arange(50)[::-1] * 3)
    query = unit(1, 4)[0]
    found = {match.id: match.similarity for match in index.search(query, k=50)}
    asked = np.array([3, 4, 147, -1, 999])
    answer = index.similarities(query, ids=asked)
    assert np.isnan(answer[[1, 3, 4]]).all()
    assert answer[[0, 2]] == pytest.approx([found[3], found[147]], abs=1e-6)
    empty = VectorIndex.build(np.empty((0, 16), np.float32), np.empty(0, np.int64))
    assert np.isnan(empty.similarities(query, ids=asked)).all()


def test_an_empty_index_finds_nothing() -> None:
    index = VectorIndex.build(np.empty((0, 16), np.float32), np.empty(0, np.int64))
    assert index.search(unit(1)[0], k=5) == []
    assert len(index) == 0


def test_an_id_that_is_given_twice_is_refused() -> None:
    with pytest.raises(ModelError, match="twice"):
        VectorIndex.build(unit(2), np.array([7, 7]))


@pytest.mark.parametrize("flat_limit", [1000, 10])
def test_a_saved_index_finds_the_same(tmp_path: Path, flat_limit: int) -> None:
    index = VectorIndex.build(unit(100), np.arange(100), flat_limit=flat_limit)
    manifest = index.save(tmp_path / "b", metadata={"part": "defect"})
    loaded = VectorIndex.load(tmp_path / "b", manifest_sha256=manifest.sha256)
    assert loaded.metadata == {"part": "defect"}
    assert loaded.recall == index.recall
    query = unit(1, 3)[0]
    assert loaded.search(query, k=10) == index.search(query, k=10)
    with pytest.raises(ArtifactError):
        VectorIndex.load(tmp_path / "b", manifest_sha256="0" * 64)


def test_vectors_that_are_none_are_refused() -> None:
    for broken in (np.zeros((2, 4)), np.full((2, 4), np.nan)):
        with pytest.raises(ModelError) as caught:
            VectorIndex.build(broken, np.arange(2))
        assert caught.value.code == "index_vectors_invalid"
    index = VectorIndex.build(unit(3), np.arange(3))
    with pytest.raises(ModelError, match="dimensions"):
        index.search(np.ones(4, np.float32), k=1)

"""What embeddings tell about a set of labelled images: duplicates, outliers, wrong labels, and a 2-D map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NEIGHBOURS = 5
# Two images are as good as the same when they are nearer than this share of the usual distance to the nearest image:
# products of one texture lie at 0.999, others at 0.98, so that no one similarity would do.
SAME_WITHIN = 0.25
# An outlier is farther from its neighbours than the median by so many robust standard deviations.
_FAR = 5.0
_BLOCK = 1024
_AXES = 50
_PERPLEXITY = 30.0


@dataclass(frozen=True)
class LikelyDuplicate:
    """Two images (places in the set) that are as good as the same."""

    first: int
    second: int
    similarity: float


@dataclass(frozen=True)
class LikelyMistake:
    """An image (its place in the set) whose neighbours mostly carry another label, and what share of them does."""

    place: int
    label: int
    share: float


def find_duplicates(vectors: np.ndarray, *, limit: int = 200) -> list[LikelyDuplicate]:
    """Return pairs of unit vectors (n, d) that are as good as the same, the most alike first."""
    if len(vectors) < 2:
        return []
    usual = float(np.median(1.0 - _neighbours(vectors)[1][:, 0]))
    same_from = 1.0 - max(SAME_WITHIN * usual, 1e-6)
    found: list[LikelyDuplicate] = []
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK] @ vectors.T
        rows, columns = np.nonzero(block >= same_from)
        found += [
            LikelyDuplicate(start + int(row), int(column), float(block[row, column]))
            for row, column in zip(rows, columns, strict=True)
            if column > start + row
        ]
    return sorted(found, key=lambda pair: (-pair.similarity, pair.first, pair.second))[:limit]


def find_outliers(vectors: np.ndarray, labels: np.ndarray, *, limit: int = 50) -> list[int]:
    """Return the places of images that are unlike all others of their label (n,), the farthest first."""
    beyond = np.full(len(vectors), np.nan)
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        if len(places) > NEIGHBOURS:
            distances = 1.0 - _neighbours(vectors[places])[1].mean(axis=1)
            beyond[places] = distances - np.median(distances)
    told = np.flatnonzero(~np.isnan(beyond))
    if len(told) == 0:
        return []
    # One spread for all labels: that of ten images alone would call a third of them far.
    spread = 1.4826 * float(np.median(np.abs(beyond[told]))) + 1e-6
    order = told[np.argsort(-beyond[told], kind="stable")]
    # Where the images fall into two kinds, the smaller one is no heap of outliers.
    most = min(limit, max(3, len(vectors) // 10))
    return [int(place) for place in order if beyond[place] > _FAR * spread][:most]


def find_wrong_labels(vectors: np.ndarray, labels: np.ndarray, *, limit: int = 50) -> list[LikelyMistake]:
    """Return images of which four of the five nearest, or all, carry one same other label, the surest first."""
    if len(vectors) <= NEIGHBOURS or len(np.unique(labels)) < 2:
        return []
    places, similarities = _neighbours(vectors)
    found: list[tuple[float, float, LikelyMistake]] = []
    for place, near in enumerate(places):
        names, counts = np.unique(labels[near], return_counts=True)
        label, count = int(names[np.argmax(counts)]), int(counts.max())
        if label != labels[place] and count >= NEIGHBOURS - 1:
            share = count / NEIGHBOURS
            found.append((-share, -float(similarities[place].mean()), LikelyMistake(place, label, share)))
    return [mistake for _, _, mistake in sorted(found, key=lambda item: (item[0], item[1], item[2].place))][:limit]


def lay_out(vectors: np.ndarray) -> np.ndarray:
    """Return a map of unit vectors (n, d): float32 (n, 2), where what is alike lies together.

    Principal axes, then t-SNE (van der Maaten & Hinton, 2008), which begins with the first two of them; with fewer than
    ten images the two axes alone. Deterministic. Imports scikit-learn (seconds).
    """
    count = len(vectors)
    if count < 2:
        return np.zeros((count, 2), np.float32)
    centred = np.asarray(vectors - vectors.mean(axis=0), np.float64)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    axes = left * sizes
    if axes.shape[1] < 2:
        axes = np.pad(axes, ((0, 0), (0, 2 - axes.shape[1])))
    if count < 10 or sizes[0] <= 1e-9:
        return np.asarray(axes[:, :2], np.float32)
    from sklearn.manifold import TSNE

    layout = TSNE(
        n_components=2,
        perplexity=min(_PERPLEXITY, (count - 1) / 3.0),
        init=np.asarray(axes[:, :2] / max(float(axes[:, 0].std()), 1e-12) * 1e-4, np.float32),
        learning_rate="auto",
        random_state=0,
        n_jobs=1,
    )
    return np.asarray(layout.fit_transform(np.asarray(axes[:, :_AXES], np.float32)), np.float32)


def _neighbours(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the places (n, 5) of the nearest others, and their similarities."""
    count = min(NEIGHBOURS, len(vectors) - 1)
    places = np.zeros((len(vectors), count), np.int64)
    found = np.zeros((len(vectors), count), np.float32)
    for start in range(0, len(vectors), _BLOCK):
        block = np.asarray(vectors[start : start + _BLOCK] @ vectors.T, np.float32)
        block[np.arange(len(block)), start + np.arange(len(block))] = -2.0
        top = np.argsort(-block, axis=1, kind="stable")[:, :count]
        places[start : start + len(block)] = top
        found[start : start + len(block)] = np.take_along_axis(block, top, 1)
    return places, found

"""Splits of images that keep every part together.

Two exposures of one part are all but the same image: with one of them learnt from and the other one scored, a figure
says how well the part was remembered. So whole parts are dealt, by number and, where labels are given, by label
(greedy, as scikit-learn's StratifiedGroupKFold deals groups).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt


def fold_parts(
    parts: Sequence[str], *, folds: int, seed: int | None = None, labels: Sequence[Hashable] | None = None
) -> npt.NDArray[np.int64]:
    """Return the fold of each item, 0 … `folds` - 1, never two folds for one part: int64 (n,).

    `parts` (n,) names the part of each item, `labels` (n,) its class, which the folds then share as evenly as whole
    parts allow. The largest parts are dealt first, each to the fold that has least; with a `seed` equal ones are dealt
    in random order, without one in the order given: items that are all parts of their own get fold `index % folds`.
    Fewer parts than folds make that many folds. The same arguments give the same folds. Raises ValueError for fewer
    than two folds, or lengths that differ.
    """
    if folds < 2:
        raise ValueError("at least two folds")
    numbers, counts = _count(parts, labels)
    return _deal(counts, min(folds, max(1, len(counts))), seed)[numbers]


def split_parts(
    parts: Sequence[str], *, share: float, seed: int, labels: Sequence[Hashable] | None = None
) -> npt.NDArray[np.bool_]:
    """Return which items are held out, whole parts only: bool (n,).

    Parts are taken in random order as long as each brings the held-out share, of every label where `labels` (n,) are
    given, closer to `share` of the items. There is no split of one part: nothing is held out then, and with two or
    more at least one part is held out and one is not, for a share strictly between 0 and 1. The same arguments give
    the same split. Raises ValueError for a share outside of 0 … 1, or lengths that differ.
    """
    if not 0.0 <= share <= 1.0:
        raise ValueError("share must be between 0 and 1")
    numbers, counts = _count(parts, labels)
    if share in (0.0, 1.0):
        return np.full(len(parts), share == 1.0)
    if len(counts) < 2:
        return np.zeros(len(parts), np.bool_)
    order = np.random.default_rng(seed).permutation(len(counts))
    wanted = share * counts.sum(axis=0)
    held = np.zeros(len(counts), np.bool_)
    reached = np.zeros(counts.shape[1])
    for part in order:
        after = reached + counts[part]
        if _miss(after, wanted) < _miss(reached, wanted):
            held[part], reached = True, after
    if not held.any():
        # The smallest of all comes nearest to a share that is smaller than any part.
        held[order[counts[order].sum(axis=1).argmin()]] = True
    elif held.all():
        held[order[counts[order].sum(axis=1).argmin()]] = False
    return held[numbers]


def _count(
    parts: Sequence[str], labels: Sequence[Hashable] | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the number of each item's part, in order of first appearance, and its items by label: (parts, labels)."""
    if labels is not None and len(labels) != len(parts):
        raise ValueError("one label for each part")
    numbers = _number(parts)
    classes = np.zeros(len(parts), np.int64) if labels is None else _number(labels)
    counts = np.zeros((int(numbers.max(initial=-1)) + 1, int(classes.max(initial=0)) + 1))
    np.add.at(counts, (numbers, classes), 1.0)
    return numbers, counts


def _number(names: Sequence[Hashable]) -> npt.NDArray[np.int64]:
    known: dict[Hashable, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in names], np.int64).reshape(len(names))


def _deal(counts: npt.NDArray[np.float64], folds: int, seed: int | None) -> npt.NDArray[np.int64]:
    """Return the fold of each part, by its items of each label."""
    order = np.arange(len(counts)) if seed is None else np.random.default_rng(seed).permutation(len(counts))
    # Large ones first, and among labels the lopsided ones: small ones even out what those left.
    order = order[np.argsort(-counts[order].sum(axis=1) - counts[order].std(axis=1), kind="stable")]
    weights = 1.0 / np.maximum(counts.sum(axis=0), 1.0)
    there = np.zeros((folds, counts.shape[1]))
    dealt = np.zeros(len(counts), np.int64)
    for part in order:
        # The squares of the folds' shares grow least where there is least of what this part has most of.
        growth = ((there + counts[part]) ** 2 - there**2) @ weights
        fold = int(np.lexsort((np.arange(folds), there.sum(axis=1), growth.round(9)))[0])
        dealt[part] = fold
        there[fold] += counts[part]
    return dealt


def _miss(reached: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64]) -> float:
    return float((np.abs(reached - wanted) / np.maximum(wanted, 1e-9)).sum())

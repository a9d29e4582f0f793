"""Scores of normal images by banks that have not seen them, for calibration.

The images are dealt into folds, all images of one part into the same. Each fold is reduced to its own coreset, and an
image of one fold is scored against the coresets of all others together. So nothing is built twice: all coresets cost
less than the bank itself and every image is searched once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import numpy as np

from inference.errors import ModelError
from inference.vision.detection.coreset import select_coreset
from inference.vision.detection.detector import Progress
from inference.vision.detection.even_sample import MAX_SCORED, spread_evenly
from inference.vision.detection.patchcore.bank_building import BankFeatures, count_rows, project_groups
from inference.vision.detection.patchcore.bank_scoring import score_patches, score_tiled
from inference.vision.detection.patchcore.memory_bank import Bank
from inference.vision.detection.patchcore.projection import Projection

DEFAULT_FOLDS = 5


def cross_fit_scores(
    features: BankFeatures,
    *,
    folds: int = DEFAULT_FOLDS,
    max_scored: int = MAX_SCORED,
    progress: Progress | None = None,
) -> dict[str, float]:
    """Return the score by key of normal images that the bank behind the score has not seen.

    With no more parts than folds, each is left out by itself. Of many images an even sample of `max_scored` is
    scored. A single image is scored in the mirror against itself, which is the only other view there is.
    `progress` gets the stage `calibration`. Raises ModelError(`out_of_memory`, `config_invalid`).
    """
    if folds < 2:
        raise ModelError("config_invalid", field="folds", value=folds)
    try:
        return _CrossFit(features, folds=folds, max_scored=max_scored, progress=progress).run()
    except MemoryError as error:
        raise ModelError("out_of_memory") from error


def unseen_scores(
    features: BankFeatures,
    bank: Bank,
    *,
    projection: Projection | None,
    seen_parts: Collection[str] = (),
    max_scored: int = MAX_SCORED,
    progress: Progress | None = None,
) -> dict[str, float]:
    """Return the score by key of images that are in no fold, because this bank has seen none of them.

    Images of `seen_parts`, which the bank knows by another exposure, have no score. Of many images an even sample of
    `max_scored` is scored. `progress` gets the stage `calibration`. Raises ModelError(`out_of_memory`).
    """
    parts = features.parts or features.keys
    scored = [index for index in _sample(features, max_scored) if parts[index] not in seen_parts]
    scores: dict[str, float] = {}

    def report() -> None:
        if progress is not None:
            progress("calibration", len(scores), len(scored))

    try:
        for index in scored:
            report()
            scores[features.keys[index]] = _score(features, index, bank, projection, report=report)
    except MemoryError as error:
        raise ModelError("out_of_memory") from error
    return scores


def _sample(features: BankFeatures, max_scored: int) -> list[int]:
    """Return the indices of the images to score: an even sample of those whose patches can be had once more."""
    there = sorted(features.samples) if features.tiles is None else list(range(len(features.keys)))
    return [there[place] for place in spread_evenly(len(there), max_scored)]


def _score(
    features: BankFeatures,
    index: int,
    bank: Bank,
    projection: Projection | None,
    *,
    report: Callable[[], None],
) -> float:
    if features.tiles is not None:
        return score_tiled(features.tiles.open(index), bank, projection, features.config, report=report)
    patches = _project(features.samples[index], projection)
    return score_patches(bank, patches, features.config, grid=features.grid)


def _project(rows: np.ndarray, projection: Projection | None) -> np.ndarray:
    """Return an image's patches, float32 (P, D), as columns in the bank's space."""
    return np.ascontiguousarray(rows.T) if projection is None else projection.apply(rows.T)


class _CrossFit:
    def __init__(self, features: BankFeatures, *, folds: int, max_scored: int, progress: Progress | None) -> None:
        self._features = features
        self._count = len(features.keys)
        self._fold_of = features.fold(range(self._count), folds=folds)
        self._folds = int(self._fold_of.max(initial=0)) + 1
        self._progress = progress
        self._projection, self._parts = project_groups(features)
        self._scored = _sample(features, max_scored)

    def run(self) -> dict[str, float]:
        features = self._features
        if self._count == 1:
            return self._score_only_image()
        parts = self._reduce_folds()
        scores: dict[str, float] = {}
        for fold in range(self._folds):
            members = [index for index in self._scored if self._fold_of[index] == fold]
            if not members:
                continue
            bank = Bank(np.concatenate([part for other, part in parts.items() if other != fold]))
            for index in members:
                scores[features.keys[index]] = self._score(bank, index, done=len(scores))
                self._report(len(scores))
        return scores

    def _score(self, bank: Bank, index: int, *, done: int) -> float:
        return _score(self._features, index, bank, self._projection, report=lambda: self._report(done))

    def _score_only_image(self) -> dict[str, float]:
        features = self._features
        bank = Bank(np.concatenate(self._parts))
        if features.tiles is not None:
            mirrored = features.tiles.open(0, mirrored=True)
            score = score_tiled(mirrored, bank, self._projection, features.config, report=lambda: self._report(0))
            return {features.keys[0]: score}
        if features.mirrored is None:
            return {}
        patches = _project(features.mirrored, self._projection)
        return {features.keys[0]: score_patches(bank, patches, features.config, grid=features.grid)}

    def _reduce_folds(self) -> Mapping[int, np.ndarray]:
        """Return the coreset of each fold, of such a size that the others together are as many rows as the bank has."""
        features, config = self._features, self._features.config
        share = -(-count_rows(features.patch_count, config) // (self._folds - 1))
        parts: dict[int, np.ndarray] = {}
        for fold in range(self._folds):
            members = (self._fold_of[group.owners] == fold for group in features.groups)
            rows = np.concatenate([part[inside] for part, inside in zip(self._parts, members, strict=True)])
            chosen = select_coreset(rows, count=share, seed=config.seed, progress=lambda *_: self._report(0))
            parts[fold] = rows[chosen.indices]
            self._report(0)
        return parts

    def _report(self, done: int) -> None:
        if self._progress is not None:
            self._progress("calibration", done, len(self._scored))

"""Scores of normal images by banks that have not seen them, for calibration.

The images are dealt into folds. Each fold is reduced to its own coreset, and an image of one fold is scored
against the coresets of all others together. So nothing is built twice: all coresets cost less than the bank itself
and every image is searched once.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from inference.errors import ModelError
from inference.vision.bank import Bank
from inference.vision.bank_building import count_rows, project_groups
from inference.vision.coreset import select_coreset
from inference.vision.patch_features import PatchFeatures, Progress
from inference.vision.scoring import score_patches

DEFAULT_FOLDS = 5
MAX_SCORED = 150


def cross_fit_scores(
    features: PatchFeatures,
    *,
    folds: int = DEFAULT_FOLDS,
    max_scored: int = MAX_SCORED,
    progress: Progress | None = None,
) -> dict[str, float]:
    """Score by key of normal images that the bank behind the score has not seen.

    With no more images than folds, each is left out by itself. Of many images an even sample of `max_scored` is
    scored. A single image is scored in the mirror against itself, which is the only other view there is.
    `progress` gets the stage `calibration`. Raises ModelError(`out_of_memory`, `config_invalid`).
    """
    if folds < 2:
        raise ModelError("config_invalid", field="folds", value=folds)
    try:
        return _CrossFit(features, folds=folds, max_scored=max_scored, progress=progress).run()
    except MemoryError as error:
        raise ModelError("out_of_memory") from error


class _CrossFit:
    def __init__(self, features: PatchFeatures, *, folds: int, max_scored: int, progress: Progress | None) -> None:
        self._features = features
        self._count = len(features.keys)
        self._folds = min(folds, self._count)
        self._progress = progress
        sampled = sorted(features.samples) if features.tiles is None else list(range(self._count))
        self._projection, self._parts = project_groups(features)
        places = np.linspace(0, len(sampled) - 1, min(max_scored, len(sampled))).round().astype(int)
        self._scored = [sampled[place] for place in sorted(set(places.tolist()))]

    def run(self) -> dict[str, float]:
        features = self._features
        if self._count == 1:
            return self._score_only_image()
        parts = self._reduce_folds()
        scores: dict[str, float] = {}
        for fold in range(self._folds):
            members = [index for index in self._scored if index % self._folds == fold]
            if not members:
                continue
            bank = Bank(np.concatenate([part for other, part in parts.items() if other != fold]))
            for index in members:
                scores[features.keys[index]] = self._score(bank, index, done=len(scores))
                self._report(len(scores))
        return scores

    def _score(self, bank: Bank, index: int, *, done: int) -> float:
        features = self._features
        if features.tiles is not None:
            image = features.tiles.open(index)
            return image.score(bank, self._projection, report=lambda: self._report(done))
        patches = self._project(features.samples[index])
        return score_patches(bank, patches, features.config, grid=features.grid)

    def _score_only_image(self) -> dict[str, float]:
        features = self._features
        bank = Bank(np.concatenate(self._parts))
        if features.tiles is not None:
            mirrored = features.tiles.open(0, mirrored=True)
            return {features.keys[0]: mirrored.score(bank, self._projection, report=lambda: self._report(0))}
        if features.mirrored is None:
            return {}
        patches = self._project(features.mirrored)
        return {features.keys[0]: score_patches(bank, patches, features.config, grid=features.grid)}

    def _reduce_folds(self) -> Mapping[int, np.ndarray]:
        """The coreset of each fold, of such a size that the others together are as many rows as the bank has."""
        features, config = self._features, self._features.config
        share = -(-count_rows(features.patch_count, config) // (self._folds - 1))
        parts: dict[int, np.ndarray] = {}
        for fold in range(self._folds):
            members = (group.owners % self._folds == fold for group in features.groups)
            rows = np.concatenate([part[inside] for part, inside in zip(self._parts, members, strict=True)])
            chosen = select_coreset(rows, count=share, seed=config.seed, progress=lambda *_: self._report(0))
            parts[fold] = rows[chosen.indices]
            self._report(0)
        return parts

    def _project(self, rows: np.ndarray) -> np.ndarray:
        """An image's patches, float32 (P, D), as columns in the bank's space."""
        return np.ascontiguousarray(rows.T) if self._projection is None else self._projection.apply(rows.T)

    def _report(self, done: int) -> None:
        if self._progress is not None:
            self._progress("calibration", done, len(self._scored))

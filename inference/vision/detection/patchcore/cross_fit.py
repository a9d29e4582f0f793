"""Scores of normal images by banks that have not seen them, for calibration.

The images are dealt into folds, all images of one part into the same. Each fold is reduced to its own coreset, and an
image of one fold is scored against the coresets of all others together. So nothing is built twice: all coresets cost
less than the bank itself and every image is searched once.

Those banks know fewer images than the one that will inspect, and so their distances are a little longer. How much is
measured: some images are scored once more without one more fold, and what that adds is carried on to the whole bank,
as if distances fell with the logarithm of the images known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping

import numpy as np

from inference.errors import ModelError
from inference.vision.detection.coreset import select_coreset
from inference.vision.detection.detector import Progress, UnseenScores
from inference.vision.detection.even_sample import MAX_SCORED, spread_evenly
from inference.vision.detection.patchcore.bank_building import BankFeatures, count_rows, project_groups
from inference.vision.detection.patchcore.bank_scoring import measure_patches, measure_tiled
from inference.vision.detection.patchcore.memory_bank import Bank
from inference.vision.detection.patchcore.projection import Projection
from inference.vision.detection.scoring import PatchDistances

DEFAULT_FOLDS = 5
# Images that tell how much longer the distances to a smaller bank are, and the most that is believed.
_PROBES = 40
_LARGEST_CORRECTION = 0.1
# Images in tiles are read and computed once more to be scored.
_MOST_TILED = 150


def cross_fit(
    features: BankFeatures,
    *,
    folds: int = DEFAULT_FOLDS,
    max_scored: int = MAX_SCORED,
    progress: Progress | None = None,
) -> UnseenScores:
    """Return the scores of normal images that the bank behind the score has not seen, and their patches' distances.

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


def measure_unseen(
    features: BankFeatures,
    bank: Bank,
    *,
    projection: Projection | None,
    seen_parts: Collection[str] = (),
    max_scored: int = MAX_SCORED,
    progress: Progress | None = None,
) -> UnseenScores:
    """Return the scores and distances of images that are in no fold, because this bank has seen none of them.

    Images of `seen_parts`, which the bank knows by another exposure, have no score. Of many images an even sample of
    `max_scored` is scored. `progress` gets the stage `calibration`. Raises ModelError(`out_of_memory`).
    """
    parts = features.parts or features.keys
    scored = [index for index in _sample(features, max_scored) if parts[index] not in seen_parts]
    found: dict[str, PatchDistances] = {}

    def report() -> None:
        if progress is not None:
            progress("calibration", len(found), len(scored))

    try:
        for index in scored:
            report()
            found[features.keys[index]] = measure_image(features, index, bank, projection, report=report)
    except MemoryError as error:
        raise ModelError("out_of_memory") from error
    return _with_scores(found)


def measure_image(
    features: BankFeatures,
    index: int,
    bank: Bank,
    projection: Projection | None,
    *,
    report: Callable[[], None] | None = None,
) -> PatchDistances:
    """Return the distances of one image of the features to a bank; `report` as in `measure_tiled`."""
    if features.tiles is not None:
        return measure_tiled(features.tiles.open(index), bank, projection, features.config, report=report)
    patches = _project(features.samples[index], projection)
    return measure_patches(bank, patches, features.config, grid=features.grid)


def _with_scores(found: Mapping[str, PatchDistances]) -> UnseenScores:
    return UnseenScores({key: measured.score for key, measured in found.items()}, found)


def _sample(features: BankFeatures, max_scored: int) -> list[int]:
    """Return the indices of the images to score: an even sample of those whose patches can be had once more."""
    if features.tiles is not None:
        return spread_evenly(len(features.keys), min(max_scored, _MOST_TILED))
    there = sorted(features.samples)
    return [there[place] for place in spread_evenly(len(there), max_scored)]


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

    def run(self) -> UnseenScores:
        features = self._features
        if self._count == 1:
            return self._score_only_image()
        parts = self._reduce_folds()
        found: dict[int, PatchDistances] = {}
        rises: list[float] = []
        for fold in range(self._folds):
            members = [index for index in self._scored if self._fold_of[index] == fold]
            if not members:
                continue
            others = [part for other, part in parts.items() if other != fold]
            bank = Bank(np.concatenate(others))
            for index in members:
                found[index] = self._measure(bank, index, done=len(found))
                self._report(len(found))
            if len(others) > 1:
                fewer = Bank(np.concatenate(others[1:]))
                for index in members[: -(-_PROBES // self._folds)]:
                    known, less_known = found[index].score, self._measure(fewer, index, done=len(found)).score
                    if known > 0.0:
                        rises.append(less_known / known)
        correction = self._correct(rises)
        return _with_scores({features.keys[index]: found[index].scale(correction) for index in sorted(found)})

    def _correct(self, rises: list[float]) -> float:
        """Return what brings distances to the banks of the folds to those to the whole bank: a factor, 1 or less."""
        if not rises:
            return 1.0
        folds = self._folds
        known = math.log(folds / (folds - 1)) / math.log((folds - 1) / (folds - 2))
        fall = known * math.log(max(1.0, float(np.median(rises))))
        return math.exp(-min(fall, _LARGEST_CORRECTION))

    def _measure(self, bank: Bank, index: int, *, done: int) -> PatchDistances:
        return measure_image(self._features, index, bank, self._projection, report=lambda: self._report(done))

    def _score_only_image(self) -> UnseenScores:
        features = self._features
        bank = Bank(np.concatenate(self._parts))
        if features.tiles is not None:
            mirrored = features.tiles.open(0, mirrored=True)
            measured = measure_tiled(mirrored, bank, self._projection, features.config, report=lambda: self._report(0))
        elif features.mirrored is not None:
            patches = _project(features.mirrored, self._projection)
            measured = measure_patches(bank, patches, features.config, grid=features.grid)
        else:
            return UnseenScores({})
        return _with_scores({features.keys[0]: measured})

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

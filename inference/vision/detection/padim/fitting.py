"""What fitting PaDiM and calibrating it share: the channels, the patches, and scores of images left out of the fit."""

from __future__ import annotations

import numpy as np

from inference.errors import ModelError
from inference.vision.detection.detector import Progress
from inference.vision.detection.even_sample import MAX_SCORED, spread_evenly
from inference.vision.detection.features.patch_features import PatchFeatures
from inference.vision.detection.padim.config import PadimConfig
from inference.vision.detection.padim.gaussians import Gaussians, fit_gaussians
from inference.vision.detection.scoring import score_distances, valid_cells

PadimFeatures = PatchFeatures[PadimConfig]
# Twice as many as for PatchCore: a covariance that lacks a fifth of few images scores unseen ones much too high.
_DEFAULT_FOLDS = 10


def cross_fit_padim(
    features: PadimFeatures,
    *,
    folds: int = _DEFAULT_FOLDS,
    max_scored: int = MAX_SCORED,
    progress: Progress | None = None,
) -> dict[str, float]:
    """Return the score by key of normal images by Gaussians that were fitted without them.

    The images are dealt into folds, all of one part into the same, and each is scored by the fit to all others; of
    many an even sample of `max_scored` is scored. A single image is scored in the mirror against itself. `progress`
    gets the stage `calibration`. Raises ModelError(`out_of_memory`).
    """
    config = features.config
    channels = draw_channels(config, features)
    valid = valid_cells(config.preprocessing, features.grid)

    def score(gaussians: Gaussians, patches: np.ndarray) -> float:
        return score_distances(gaussians.distances(patches), valid=valid, share=config.score_share)[0]

    try:
        members, patches = gather_patches(features, channels)
        count = len(members)
        if count == 1:
            mirrored = features.mirrored
            return {} if mirrored is None else {features.keys[0]: score(fit_gaussians(patches), mirrored[:, channels])}
        places = spread_evenly(count, max_scored)
        scores: dict[str, float] = {}
        fold_of = features.fold(members, folds=folds)
        for fold in range(int(fold_of.max()) + 1):
            if progress is not None:
                progress("calibration", len(scores), len(places))
            inside = fold_of == fold
            gaussians = fit_gaussians(patches[~inside])
            for place in places:
                if inside[place]:
                    scores[features.keys[members[place]]] = score(gaussians, patches[place])
        return scores
    except MemoryError as error:
        raise ModelError("out_of_memory") from error


def draw_channels(config: PadimConfig, features: PadimFeatures) -> np.ndarray:
    """Return the channels that are looked at, drawn at random by the configuration's seed: sorted int32 (d,)."""
    dimension = next(iter(features.samples.values())).shape[1]
    drawn = np.random.default_rng(config.seed).permutation(dimension)[: config.channel_count]
    return np.sort(drawn).astype(np.int32)


def gather_patches(features: PadimFeatures, channels: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Return the indices of the images whose patches are all there, and these patches: float32 (N, P, d)."""
    members = sorted(features.samples)
    patches = np.empty((len(members), features.grid[0] * features.grid[1], len(channels)), dtype=np.float32)
    for place, index in enumerate(members):
        patches[place] = features.samples[index][:, channels]
    return members, patches

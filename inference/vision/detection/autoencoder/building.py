"""From the inputs of good images to a detector, and to the scores of those that its training has not seen.

Imports torch (seconds).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.vision.detection.autoencoder import NAME
from inference.vision.detection.autoencoder.autoencoder import (
    AutoencoderDetector,
    AutoencoderFigures,
    AutoencoderParts,
    exceed,
    shrink,
)
from inference.vision.detection.autoencoder.config import CELL_PX, AutoencoderConfig
from inference.vision.detection.autoencoder.features import AutoencoderInputs
from inference.vision.detection.autoencoder.network import export_graph
from inference.vision.detection.autoencoder.training import Training, train_network
from inference.vision.detection.detector import Progress, UnseenScores
from inference.vision.detection.reference_image import make_reference_input
from inference.vision.detection.scoring import score_distances, valid_cells
from inference.vision.learning.splits import fold_parts
from inference.vision.networks.graphs import PortableGraph, TrainedGraph
from inference.vision.networks.runtime import BATCH_SIZE, TrainedRuntime, open_trained

# With so few images all are scored by networks that have not seen them; of more, the held-out ones say enough.
_FEW_IMAGES = 60
_FOLDS = 3


@dataclass(frozen=True)
class _Trained:
    training: Training
    portable: PortableGraph
    runtime: TrainedRuntime


def build_detector(
    inputs: AutoencoderInputs, *, checkpoints: Path | None = None, progress: Progress | None = None
) -> AutoencoderDetector:
    """Return the detector trained on the inputs. `checkpoints` as in `train_network`; raises as it does."""
    config = inputs.config
    trained = _train(inputs, held_out=None, checkpoints=checkpoints, progress=progress)
    training = trained.training
    if progress is not None:
        progress("fit", 0, 1)
    errors = measure_cells(trained.runtime, inputs.inputs)
    usual, spread = measure_usual(errors[training.held_out] if training.held_out.any() else errors)
    best = training.best_epoch - 1
    parts = AutoencoderParts(
        config=config,
        size_px=inputs.size_px,
        portable=trained.portable,
        usual=usual,
        spread=spread,
        exemplars=np.stack([shrink(pixels) for pixels in inputs.inputs]),
        training_keys=inputs.keys,
        reference_input=make_reference_input(inputs.inputs[0]),
        figures=AutoencoderFigures(
            image_count=len(inputs.keys),
            held_out_count=int(training.held_out.sum()),
            epochs=len(training.val_losses),
            best_epoch=training.best_epoch,
            train_loss=training.train_losses[best],
            val_loss=training.val_losses[best],
        ),
    )
    return AutoencoderDetector(parts)


def cross_fit_autoencoder(inputs: AutoencoderInputs, *, progress: Progress | None = None) -> UnseenScores:
    """Return the scores of good images by networks trained without them, by key.

    Few are dealt into three folds, whole parts together; of many one network holds out a fifth, as the model itself
    does, and only these are scored. A single part has none. Raises as `train_network`.
    """
    config = inputs.config
    parts = list(inputs.parts)
    if len(set(parts)) < 2:
        return UnseenScores({})
    if len(parts) <= _FEW_IMAGES:
        fold_of = fold_parts(parts, folds=_FOLDS, seed=config.seed)
        folds = [fold_of == fold for fold in range(int(fold_of.max()) + 1)]
    else:
        folds = [fold_parts(parts, folds=max(2, round(1.0 / config.val_share)), seed=config.seed) == 0]
    scores: dict[str, float] = {}
    for inside in folds:
        trained = _train(inputs, held_out=inside, checkpoints=None, progress=progress)
        if progress is not None:
            progress("calibration", len(scores), len(parts))
        grid = (inputs.size_px[0] // CELL_PX, inputs.size_px[1] // CELL_PX)
        errors = measure_cells(trained.runtime, inputs.inputs[inside])
        valid = valid_cells(config.preprocessing, grid)
        for number, index in enumerate(np.flatnonzero(inside).tolist()):
            # What is usual is said by the others: its own error must not be taken off it.
            usual, spread = measure_usual(np.delete(errors, number, axis=0) if len(errors) > 1 else errors)
            distances = exceed(errors[number], usual, spread, config, grid=grid, valid=valid)
            scores[inputs.keys[index]] = score_distances(distances, valid=valid, share=config.score_share)[0]
    return UnseenScores(scores)


def measure_usual(errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of errors (N, P) at each cell: float32 (P,) each."""
    mean, spread = errors.mean(axis=0, dtype=np.float64), errors.std(axis=0, dtype=np.float64)
    return mean.astype(np.float32), spread.astype(np.float32)


def measure_cells(runtime: TrainedRuntime, inputs: np.ndarray) -> np.ndarray:
    """Return the error of each cell of inputs, RGB uint8 N×H×W×3: float32 (N, P)."""
    found = [
        runtime.features(inputs[start : start + BATCH_SIZE])[0].reshape(len(inputs[start : start + BATCH_SIZE]), -1)
        for start in range(0, len(inputs), BATCH_SIZE)
    ]
    return np.concatenate(found)


def _train(
    inputs: AutoencoderInputs, *, held_out: np.ndarray | None, checkpoints: Path | None, progress: Progress | None
) -> _Trained:
    config: AutoencoderConfig = inputs.config
    training = train_network(
        inputs.inputs, inputs.parts, config, checkpoints=checkpoints, held_out=held_out, progress=progress
    )
    portable = export_graph(training.network, config, inputs.size_px)
    return _Trained(training, portable, open_trained(TrainedGraph(NAME, inputs.size_px), portable))

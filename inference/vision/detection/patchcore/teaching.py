"""Teaching a memory bank with labeled defects, on the patches that it compares anyway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from inference.errors import ImageError, InferenceError, ModelError
from inference.vision.detection.defect_head.examples import Example
from inference.vision.detection.defect_head.training import FEWEST_DEFECTS, FEWEST_NORMALS, teach
from inference.vision.detection.detector import LabeledSource, Progress, UnseenScores
from inference.vision.detection.even_sample import spread_evenly
from inference.vision.detection.features.image_patches import open_patches
from inference.vision.detection.patchcore.bank_building import BankFeatures
from inference.vision.detection.patchcore.patchcore import PatchCore
from inference.vision.detection.scoring import PatchDistances
from inference.vision.detection.specification import TaughtModel

# Good parts that a head is taught with; those in tiles are computed anew for each look.
_MOST_NORMALS, _MOST_TILED = 150, 40


def teach_bank(
    model: PatchCore,
    features: BankFeatures,
    unseen: UnseenScores,
    labeled: Sequence[LabeledSource],
    *,
    progress: Progress | None = None,
) -> TaughtModel[PatchCore] | None:
    """Return the bank with a head taught with the labeled defects; None where there are too few.

    `features` are the patches of the bank's own images, `unseen` what banks say that have not seen them. Raises
    ModelError (`out_of_memory`, `device_…`) and what `progress` raises.
    """
    if len(labeled) < FEWEST_DEFECTS or len(unseen.distances) < FEWEST_NORMALS:
        return None

    def report() -> None:
        if progress is not None:
            progress("teaching", 0, 0)

    quiet = None if progress is None else _quiet(progress)
    try:
        defects = model.extract([one.source for one in labeled], progress=quiet)
    except ModelError as error:
        if error.code == "no_usable_images":
            return None
        raise
    skipped: dict[str, InferenceError] = dict(defects.skipped)
    measured = model.measure_unseen(defects, progress=quiet).distances
    examples = _sound_examples(features, unseen.distances, skipped)
    by_key = {one.source.key: one for one in labeled}
    for index, key in enumerate(defects.keys):
        report()
        if key in measured:
            found = _example(defects, index, measured[key], skipped, by_key[key])
            examples += [] if found is None else [found]
    lesson = teach(examples, smoothing=model.config.smoothing_cells, report=report)
    if lesson is None:
        return None
    taught = model.with_head(lesson.head)
    # Beyond those that were examples, the head has seen nothing of a good part, and adds to it as to any other.
    normal_scores = dict(unseen.scores)
    for index, key in enumerate(features.keys):
        if key in lesson.scores:
            normal_scores[key] = lesson.scores[key]
        elif key in unseen.distances and lesson.head.gain > 0.0:
            report()
            patches = open_patches(features, index)
            if patches is not None:
                raised = lesson.head.raise_distances(unseen.distances[key], patches.measure(lesson.head.logits))
                normal_scores[key] = raised.score
    return TaughtModel(
        model=taught,
        figures=lesson.figures,
        normal_scores=normal_scores,
        defect_scores={key: lesson.scores[key] for key in defects.keys if key in lesson.scores},
        skipped=skipped,
    )


def _quiet(progress: Progress) -> Progress:
    """Return a progress whose stages do not run backwards: the features of defects are a part of the calibration."""

    def report(_stage: str, done: int, total: int) -> None:
        progress("teaching", done, total)

    return report


def _sound_examples(
    features: BankFeatures, distances: Mapping[str, PatchDistances], skipped: dict[str, InferenceError]
) -> list[Example]:
    there = [index for index, key in enumerate(features.keys) if key in distances]
    most = _MOST_NORMALS if features.tiles is None else _MOST_TILED
    found = [
        _example(features, there[place], distances[features.keys[there[place]]], skipped)
        for place in spread_evenly(len(there), most)
    ]
    return [example for example in found if example is not None]


def _example(
    features: BankFeatures,
    index: int,
    distances: PatchDistances,
    skipped: dict[str, InferenceError],
    labeled: LabeledSource | None = None,
) -> Example | None:
    """Return one image as an example; None where it cannot be read any more, or its patches were not kept."""
    key = features.keys[index]
    mask: np.ndarray | None = None
    try:
        patches = open_patches(features, index)
        mask = labeled.load_mask() if labeled is not None else None
    except ImageError as error:
        skipped[key] = error
        return None
    if patches is None:
        return None
    part = features.parts[index] if features.parts else key
    return Example(key, part, patches, distances, None if labeled is None else labeled.label, mask)

"""Teaching a memory bank with labeled defects, on the patches that it compares anyway."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from inference.errors import ImageError, InferenceError, ModelError
from inference.vision.detection.defect_head.examples import Example
from inference.vision.detection.defect_head.figures import HeadFigures
from inference.vision.detection.defect_head.head import DefectHead
from inference.vision.detection.defect_head.training import FEWEST_DEFECTS, FEWEST_NORMALS, Lesson, teach
from inference.vision.detection.detector import LabeledSource, Progress, UnseenScores
from inference.vision.detection.even_sample import spread_evenly
from inference.vision.detection.features.image_patches import open_patches
from inference.vision.detection.patchcore.bank_building import BankFeatures
from inference.vision.detection.patchcore.patchcore import PatchCore
from inference.vision.detection.region_types.cut_outs import cut_found, cut_marked, find_met, meets
from inference.vision.detection.region_types.network import ALL_VIEWS, RegionNetwork, open_network
from inference.vision.detection.region_types.training import FEWEST_DEFECTS as FEWEST_REGIONS
from inference.vision.detection.region_types.training import FEWEST_TYPES, RegionExample, teach_regions
from inference.vision.detection.scoring import PatchDistances
from inference.vision.detection.specification import TaughtModel
from inference.vision.images.input_pixels import check_image
from inference.vision.networks.runtime import Device

# Good parts that a head is taught with; those in tiles are computed anew for each look.
_MOST_NORMALS, _MOST_TILED = 150, 40
# Defects whose regions are looked at closely: each takes about a fifth of a second.
_MOST_REGIONS = 150


def teach_bank(
    model: PatchCore,
    features: BankFeatures,
    unseen: UnseenScores,
    labeled: Sequence[LabeledSource],
    *,
    device: Device = "auto",
    weights: Path | None = None,
    progress: Progress | None = None,
) -> TaughtModel[PatchCore] | None:
    """Return the bank with a head taught with the labeled defects; None where there are too few.

    `features` are the patches of the bank's own images, `unseen` what banks say that have not seen them; `device` and
    `weights` are for the network that looks at the defective regions. Raises ModelError (`out_of_memory`, `device_…`)
    and what `progress` raises.
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
    head, figures, network = _look_at_regions(model, lesson, by_key, report, device=device, weights=weights)
    taught = model.with_head(head, regions=network)
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
        figures=figures,
        normal_scores=normal_scores,
        defect_scores={key: lesson.scores[key] for key in defects.keys if key in lesson.scores},
        skipped=skipped,
    )


def _look_at_regions(
    model: PatchCore,
    lesson: Lesson,
    labeled: Mapping[str, LabeledSource],
    report: Callable[[], None],
    *,
    device: Device,
    weights: Path | None,
) -> tuple[DefectHead, HeadFigures, RegionNetwork | None]:
    """Return head and figures with what the regions of the defects teach, and the network if an inspection needs it.

    In tiles patches see the image's own resolution anyway.
    """
    keys = [key for key in lesson.unseen if key in labeled]
    keys = [keys[place] for place in spread_evenly(len(keys), _MOST_REGIONS)]
    if (
        model.config.preprocessing.tile_size_px
        or len(keys) < FEWEST_REGIONS
        or len(lesson.head.types) < FEWEST_TYPES
        or len({lesson.unseen[key].fold for key in keys}) < 2
    ):
        return lesson.head, lesson.figures, None
    network = open_network(model.config.backbone, weights=weights, weights_sha256=model.weights_sha256, device=device)
    examples = []
    for key in keys:
        report()
        examples += _region_examples(model, lesson, labeled[key], network)
    taught = teach_regions(examples, count=len(lesson.head.types), report=report)
    if taught is None:
        return lesson.head, lesson.figures, None
    figures = replace(
        lesson.figures, type_top1=taught.top1, patch_top1=taught.patch_top1, region_top1=taught.region_top1
    )
    return replace(lesson.head, regions=taught.regions), figures, network if taught.regions is not None else None


def _region_examples(
    model: PatchCore, lesson: Lesson, labeled: LabeledSource, network: RegionNetwork
) -> list[RegionExample]:
    """Return the regions of one defect; none where it cannot be read any more, or its map is flat.

    Of an image that shows several types, what the map shows is of the type that is marked there; what is marked of the
    others teaches, too.
    """
    unseen = lesson.unseen[labeled.source.key]
    try:
        image, mask = check_image(labeled.source.load()), labeled.load_mask()
        marks = labeled.load_marks() if labeled.load_marks is not None else {}
    except ImageError:
        return []
    drawn = model.draw(unseen.distances)
    found = cut_found(image, drawn)
    if not found:
        return []
    label = unseen.label
    others: list[RegionExample] = []
    if len(marks) > 1:
        shown = find_met(image, drawn, marks) or labeled.label
        mask = marks.get(shown, mask)
        label = lesson.head.types.index(shown)
        for name in sorted(set(marks) - {shown}):
            if cut := cut_marked(image, marks[name]):
                views = network.describe(cut, views=range(ALL_VIEWS))
                number = lesson.head.types.index(name)
                others.append(
                    RegionExample(number, unseen.fold, views, views[:0], trusted=False, patches=unseen.shares)
                )
    marked = [] if mask is None else cut_marked(image, mask)
    described = network.describe([*marked, *found], views=range(ALL_VIEWS))
    own = RegionExample(
        label=label,
        fold=unseen.fold,
        marked=described[: len(marked)],
        found=described[len(marked) :],
        trusted=mask is None or not marked or meets(image, drawn, mask),
        patches=unseen.shares,
    )
    return [own, *others]


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
    marks: Mapping[str, np.ndarray] = {}
    try:
        patches = open_patches(features, index)
        mask = labeled.load_mask() if labeled is not None else None
        if labeled is not None and labeled.load_marks is not None:
            marks = labeled.load_marks()
    except ImageError as error:
        skipped[key] = error
        return None
    if patches is None:
        return None
    part = features.parts[index] if features.parts else key
    return Example(key, part, patches, distances, None if labeled is None else labeled.label, mask, marks)

"""Training the detector of a memory bank, or extending the one in use."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.deployments.kinds import bank_extension
from core.deployments.kinds.bank_calibration import calibrate_bank
from core.deployments.kinds.bank_extension import TrainedBank
from core.deployments.kinds.bank_snapshot import BankSnapshot
from core.deployments.kinds.input_choice import choose_input
from core.images.exposures.leaks import describe_leaks
from core.images.parts import part_key
from core.images.regions.rows import find_mixed
from core.images.regions.typed_masks import draw_types
from core.images.training import fetch_originals, key_of, load_mask, load_pixels
from core.jobs.outcomes import SetApartImage, SkippedFile
from core.jobs.progress import JobRun
from core.models.head_figures import HeadFigures
from core.models.weight_paths import find_added
from core.transactions import reading
from inference.errors import InferenceError
from inference.vision.detection.registry import find_detector
from storage.tables import Image

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from inference.vision.detection.calibration import Calibration
    from inference.vision.detection.detector import (
        DetectorConfig,
        Features,
        ImageSource,
        LabeledSource,
        Progress,
        UnseenScores,
    )
    from inference.vision.detection.purity import Outliers
    from inference.vision.detection.specification import AnyDetectorSpec
    from inference.vision.images.bit_depth import Reading

# The engine's names of its stages, and ours.
STAGES = {"features": "extract", "calibration": "compare", "fit": "coreset", "teaching": "teach"}
# Images that did not belong may have hidden others like them: these are looked for once more.
_PURITY_ROUNDS = 2
_MOST_NAMED = 20


@dataclass(frozen=True)
class BuiltBank:
    """A detector with its calibration; `skipped` are the images that could not be used.

    `defect_scores` are those of the labeled training defects, by the engine's key; `set_apart` the normal images that
    do not look like the others, and were not learned from.
    """

    spec: AnyDetectorSpec
    trained: TrainedBank
    config: DetectorConfig
    calibration: Calibration
    skipped: tuple[SkippedFile, ...]
    defect_scores: Mapping[str, float] = field(default_factory=dict)
    set_apart: tuple[SetApartImage, ...] = ()


def train_bank(run: JobRun, snapshot: BankSnapshot) -> BuiltBank:
    """Train the detector, or extend the one in use, and calibrate its thresholds.

    Raises JobLost, JobCancelled, and the errors of engine and object store.
    """
    label, normals, defects = snapshot.label, snapshot.normals, snapshot.defects
    run.log("log_build_started", product=label, n_normal=len(normals), n_defect=len(defects))
    if snapshot.leaks:
        run.log("log_split_leak", product=label, **describe_leaks(snapshot.leaks))
    spec = find_detector(snapshot.choice.option.method)
    config = _config(run, spec, snapshot)
    weights = find_added(run.services.settings.weights_dir, snapshot.choice.option.backbone)
    run.services.models.keep_graphs()
    trained = None
    if snapshot.extension is not None:
        _fetch(run, [*snapshot.extension.added, *defects])
        trained = bank_extension.extend(
            run,
            label,
            snapshot.extension,
            spec,
            normals,
            _sources(run, normals, config.preprocessing.reading),
            config,
            weights=weights,
            progress=_reporter(run),
        )
    if trained is None:
        _fetch(run, [*normals, *defects])
        depth = config.preprocessing.reading
        config, seen = choose_input(
            run,
            label,
            spec,
            _sources(run, normals, depth),
            _labeled(run, defects, depth),
            config,
            weights=weights,
            progress=_reporter(run),
        )
        trained = replace(_learn(run, spec, normals, defects, config, weights=weights), input_choice=seen)
    set_apart = _name_set_apart(run, label, normals, trained)
    skipped = _name_skipped(run, label, [*normals, *defects], trained.skipped)
    calibration, defect_scores = calibrate_bank(run, label, spec, trained, config, snapshot, skipped)
    return BuiltBank(spec, trained, config, calibration, tuple(skipped), defect_scores, set_apart)


def _learn(
    run: JobRun,
    spec: AnyDetectorSpec,
    rows: list[Image],
    defects: list[Image],
    config: DetectorConfig,
    *,
    weights: Path | None,
) -> TrainedBank:
    """Return the detector from the normal images that belong together, taught with the labeled defects if it can be."""
    progress = _reporter(run)
    features = spec.extract(
        _sources(run, rows, config.preprocessing.reading),
        config,
        device=run.services.models.device,
        weights=weights,
        progress=progress,
    )
    skipped = dict(features.skipped)
    features, unseen, apart = _sift(run, spec, rows, features, config, weights=weights)
    model = spec.fit(features, weights=weights, progress=progress)
    taught = spec.teach(
        model,
        features,
        unseen,
        _labeled(run, defects, config.preprocessing.reading),
        device=run.services.models.device,
        weights=weights,
        progress=progress,
    )
    scores = unseen.scores
    if taught is not None:
        model, scores = taught.model, taught.normal_scores
        skipped |= taught.skipped
    return TrainedBank(
        model,
        scores,
        skipped,
        bank_extension.note_whole(spec.as_extendable(model), rows, defects, scores),
        set_apart=apart.scores,
        set_apart_at=apart.limit if math.isfinite(apart.limit) else None,
        head=None if taught is None else HeadFigures.from_engine(taught.figures),
        defect_scores=None if taught is None else taught.defect_scores,
    )


def _sift(
    run: JobRun,
    spec: AnyDetectorSpec,
    rows: list[Image],
    features: Features,
    config: DetectorConfig,
    *,
    weights: Path | None,
) -> tuple[Features, UnseenScores, Outliers]:
    """Return the features of the images that belong together, their cross-fitted scores, and those that do not belong.

    Images that a person has kept belong, whatever their scores.
    """
    from inference.vision.detection.purity import Outliers, find_outliers

    progress, kept = _reporter(run), bank_extension.kept_keys(rows)
    unseen: UnseenScores = spec.cross_fit(features, progress=progress)
    apart: dict[str, float] = {}
    limit = math.inf
    for number in range(_PURITY_ROUNDS):
        found = find_outliers(unseen.scores, kept=kept)
        if number == 0:
            found = found.join(spec.find_odd(features, kept=kept, progress=progress))
        if not found.scores:
            break
        limit = found.limit
        apart |= found.scores
        remaining = spec.leave_out(features, set(apart))
        if remaining is None:
            belonging = [row for row in rows if key_of(row) not in apart]
            sources = _sources(run, belonging, config.preprocessing.reading)
            device = run.services.models.device
            remaining = spec.extract(sources, config, device=device, weights=weights, progress=progress)
        features = remaining
        unseen = spec.cross_fit(features, progress=progress)
    return features, unseen, Outliers(apart, limit)


def _labeled(run: JobRun, defects: list[Image], bit_depth: Reading) -> list[LabeledSource]:
    from inference.vision.detection.detector import LabeledSource

    with reading(run.services) as session:
        mixed = find_mixed(session, [row.id for row in defects])

    def marks(row: Image) -> Callable[[], Mapping[str, NDArray[np.bool_]]] | None:
        return partial(draw_types, mixed[row.id], row) if row.id in mixed else None

    return [
        LabeledSource(source, str(row.defect_type_id), partial(load_mask, run.services, row), marks(row))
        for source, row in zip(_sources(run, defects, bit_depth), defects, strict=True)
    ]


def _name_set_apart(run: JobRun, label: str, rows: list[Image], trained: TrainedBank) -> tuple[SetApartImage, ...]:
    by_key = {key_of(row): row for row in rows}
    found = tuple(
        SetApartImage(by_key[key].stored_name, by_key[key].id, round(score, 4))
        for key, score in sorted(trained.set_apart.items(), key=lambda item: -item[1])
        if key in by_key
    )
    if found:
        names = ", ".join(one.name for one in found[:_MOST_NAMED])
        run.log("log_set_apart", product=label, n_images=len(found), names=names)
    return found


def _reporter(run: JobRun) -> Progress:
    def progress(stage: str, done: int, total: int) -> None:
        run.progress(STAGES.get(stage, stage), done, total)

    return progress


def _fetch(run: JobRun, rows: list[Image]) -> None:
    fetch_originals(run.services, rows, lambda done, total: run.progress("fetch", done, total))


def _config(run: JobRun, spec: AnyDetectorSpec, snapshot: BankSnapshot) -> DetectorConfig:
    config: DetectorConfig = spec.make_config(
        backbone=snapshot.choice.option.backbone,
        preprocessing=snapshot.preprocessing,
        memory_budget_bytes=run.services.settings.memory_budget_bytes,
        options=snapshot.choice.options,
    )
    return config


def _sources(run: JobRun, rows: list[Image], bit_depth: Reading) -> list[ImageSource]:
    from inference.vision.detection.detector import ImageSource

    def source(row: Image) -> ImageSource:
        return ImageSource(key_of(row), lambda: load_pixels(run.services, row, bit_depth=bit_depth), part=part_key(row))

    return [source(row) for row in rows]


def _name_skipped(
    run: JobRun, label: str, rows: list[Image], errors: Mapping[str, InferenceError]
) -> list[SkippedFile]:
    names = {key_of(row): row.stored_name for row in rows}
    skipped = [SkippedFile(names[key], error.code) for key, error in errors.items()]
    for found in skipped:
        run.log("log_image_skipped", product=label, name=found.name, reason=found.reason)
    return skipped

"""Training the detector of a memory bank, or extending the one in use, and calibrating its thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from core.deployments.evaluation import TestSet
from core.deployments.kinds import bank_extension
from core.deployments.kinds.bank_extension import Extension, TrainedBank
from core.deployments.steps import Snapshot
from core.images.exposures.leaks import Leak, describe_leaks
from core.images.parts import part_key
from core.images.training import fetch_originals, key_of, load_pixels
from core.jobs.outcomes import SkippedFile
from core.jobs.progress import JobRun
from core.models.weight_paths import find_added
from core.registry.choices import Choice
from inference.errors import ImageError, InferenceError
from inference.vision.detection.registry import find_detector
from storage.tables import Image, Product

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from inference.vision.detection.calibration import Calibration
    from inference.vision.detection.detector import DetectorConfig, ImageSource, Progress
    from inference.vision.detection.specification import AnyDetectorSpec
    from inference.vision.images.preprocessing import Preprocessing

# The engine's names of its stages, and ours.
STAGES = {"features": "extract", "fit": "coreset", "calibration": "calibrate"}


@dataclass(frozen=True)
class BankSnapshot(Snapshot):
    """The training images and settings of a product, and its test images.

    The thresholds are calibrated with `defects`; `unused_defects` are beyond what a calibration takes. `extension` is
    how the bank in use can be extended, if it can. `leaks` are the parts that have training and test images both,
    `defect_codes` the codes of the product's defect types by their numbers.
    """

    normals: list[Image]
    defects: list[Image]
    unused_defects: list[Image]
    choice: Choice
    preprocessing: Preprocessing
    extension: Extension | None
    test: TestSet
    leaks: tuple[Leak, ...] = ()
    defect_codes: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BuiltBank:
    """A detector with its calibration; `skipped` are the images that could not be used.

    `defect_scores` are those of the labeled training defects, by the engine's key.
    """

    spec: AnyDetectorSpec
    trained: TrainedBank
    config: DetectorConfig
    calibration: Calibration
    skipped: tuple[SkippedFile, ...]
    defect_scores: Mapping[str, float] = field(default_factory=dict)


def train_bank(run: JobRun, snapshot: BankSnapshot) -> BuiltBank:
    """Train the detector, or extend the one in use, and calibrate its thresholds.

    Raises JobLost, JobCancelled, and the errors of engine and object store.
    """
    product, normals, defects = snapshot.product, snapshot.normals, snapshot.defects
    run.log("log_build_started", product=product.code, n_normal=len(normals), n_defect=len(defects))
    if snapshot.leaks:
        run.log("log_split_leak", product=product.code, **describe_leaks(snapshot.leaks))
    spec = find_detector(snapshot.choice.option.method)
    config = _config(run, spec, snapshot)
    weights = find_added(run.services.settings.weights_dir, snapshot.choice.option.backbone)
    run.services.models.keep_graphs()
    trained = None
    if snapshot.extension is not None:
        _fetch(run, [*snapshot.extension.added, *defects])
        trained = bank_extension.extend(
            run,
            product,
            snapshot.extension,
            spec,
            normals,
            _sources(run, normals, config.preprocessing.bit_depth),
            config,
            weights=weights,
            progress=_reporter(run),
        )
    if trained is None:
        _fetch(run, [*normals, *defects])
        trained = _learn(run, spec, normals, config, weights=weights)
    skipped = _name_skipped(run, product, normals, trained.skipped)
    calibration, defect_scores = _calibrate(run, product, spec, trained, config, defects, skipped)
    return BuiltBank(spec, trained, config, calibration, tuple(skipped), defect_scores)


def _learn(
    run: JobRun, spec: AnyDetectorSpec, rows: list[Image], config: DetectorConfig, *, weights: Path | None
) -> TrainedBank:
    """Return the detector from all normal images, with their cross-fitted scores."""
    progress = _reporter(run)
    features = spec.extract(
        _sources(run, rows, config.preprocessing.bit_depth),
        config,
        device=run.services.models.device,
        weights=weights,
        progress=progress,
    )
    model = spec.fit(features, weights=weights, progress=progress)
    run.progress("calibrate", 0, 0)
    scores = spec.calibration_scores(features, progress=progress)
    growth = bank_extension.note_whole(spec.as_extendable(model), rows, scores)
    return TrainedBank(model, scores, features.skipped, growth)


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


def _sources(run: JobRun, rows: list[Image], bit_depth: int) -> list[ImageSource]:
    from inference.vision.detection.detector import ImageSource

    def source(row: Image) -> ImageSource:
        return ImageSource(key_of(row), lambda: load_pixels(run.services, row, bit_depth=bit_depth), part=part_key(row))

    return [source(row) for row in rows]


def _name_skipped(
    run: JobRun, product: Product, rows: list[Image], errors: Mapping[str, InferenceError]
) -> list[SkippedFile]:
    names = {key_of(row): row.stored_name for row in rows}
    skipped = [SkippedFile(names[key], error.code) for key, error in errors.items()]
    for found in skipped:
        run.log("log_image_skipped", product=product.code, name=found.name, reason=found.reason)
    return skipped


def _calibrate(
    run: JobRun,
    product: Product,
    spec: AnyDetectorSpec,
    trained: TrainedBank,
    config: DetectorConfig,
    defects: list[Image],
    skipped: list[SkippedFile],
) -> tuple[Calibration, dict[str, float]]:
    """Return thresholds from normal images that the bank has not seen, and from the labeled training defects.

    Also return the scores of those defects, by the engine's key.

    Defects that cannot be read are added to `skipped`.
    """
    from inference.vision.detection.calibration import calibrate

    def defect_pixels() -> Iterator[NDArray[np.uint8]]:
        for done, row in enumerate(defects):
            run.progress("calibrate", done, len(defects))
            try:
                pixels = load_pixels(run.services, row, bit_depth=config.preprocessing.bit_depth)
            except ImageError as error:
                skipped.append(SkippedFile(row.stored_name, error.code))
                run.log("log_image_skipped", product=product.code, name=row.stored_name, reason=error.code)
                continue
            used.append(key_of(row))
            yield pixels

    used: list[str] = []
    scale = spec.distance_scale(trained.model)
    defect_scores = [detection.score for detection in trained.model.inspect_many(defect_pixels())]
    calibration = calibrate(list(trained.normal_scores.values()), defect_scores, scale=scale)
    run.log(
        "log_calibrated",
        product=product.code,
        review_at=f"{calibration.review_at:.4f}",
        reject_at=f"{calibration.reject_at:.4f}",
        method=calibration.method,
    )
    return calibration, dict(zip(used, defect_scores, strict=True))

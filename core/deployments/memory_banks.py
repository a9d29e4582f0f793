"""Building a memory bank: fetch, extract, select, calibrate, measure, publish, verify, activate.

Where only a few normal images came since, the bank in use is extended by them (`bank_extension`) instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlmodel import select

from core.deployments import bank_extension
from core.deployments.acceptance import judge
from core.deployments.bank_extension import TrainedBank
from core.deployments.candidates import add_candidate
from core.deployments.evaluation import TestSet, measure, test_set
from core.errors import NotReady
from core.images.training import fetch_originals, key_of, load_pixels, training_rows
from core.jobs.progress import JobRun
from core.models.kinds import MEMORY_BANK
from core.models.options import DETECTION
from core.models.weight_paths import find_added
from core.registry import publishing
from core.registry.choices import Choice, chosen
from core.registry.fingerprints import fingerprints
from core.registry.versions import active_version, scope_of
from inference.build_cost import BuildCost
from inference.errors import ImageError, InferenceError
from inference.vision.detection.registry import find_detector
from storage.tables import Image, ImagePreprocessing, ModelVersion, Product, ThresholdSetting

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from inference.vision.detection.calibration import Calibration
    from inference.vision.detection.detector import Detector, DetectorConfig, ImageSource, Progress
    from inference.vision.detection.specification import AnyDetectorSpec

COST = BuildCost(product_s=2.0, image_s=0.035, base_bytes=1_100_000_000, image_bytes=650_000)
# More labelled defects than this do not move a threshold, but each costs an inspection.
MAX_CALIBRATION_DEFECTS = 300
# The engine's names of its stages, and ours.
STAGES = {"features": "extract", "gaussians": "coreset", "calibration": "calibrate"}


def build(run: JobRun, product: Product, folder: Path) -> dict[str, Any]:
    """Build, publish and activate a product's memory bank in `folder`; return its outcome.

    Raises NotReady without normal images, and the lower errors of the engine and the object store.
    """
    services = run.services
    assert product.id is not None
    with services.database.reading() as session:
        # First, so that an image that is added meanwhile makes the version out of date rather than go unnoticed.
        fingerprint = fingerprints(session, [product.id]).get((MEMORY_BANK, product.id, ""), "")
        normals = training_rows(session, product.id, "normal")
        every_defect = training_rows(session, product.id, "defect")
        defects = every_defect[:MAX_CALIBRATION_DEFECTS]
        choice = chosen(session, DETECTION)
        stored = session.exec(select(ImagePreprocessing).where(ImagePreprocessing.product_id == product.id)).first()
        options = dict(stored.options) if stored is not None else {}
        before = active_version(session, MEMORY_BANK, product.id)
        extension = bank_extension.find_extension(session, product.id, rows=normals)
        test = test_set(session, product.id)
    if not normals:
        raise NotReady("no_normal_images", product=product.name)
    run.log("log_build_started", product=product.code, n_normal=len(normals), n_defect=len(defects))
    spec = find_detector(choice.option.method)
    config = _config(run, spec, choice, options)
    weights = find_added(services.settings.weights_dir, choice.option.backbone)
    services.models.keep_graphs()
    trained = None
    if extension is not None:
        _fetch(run, [*extension.added, *defects])
        trained = bank_extension.extend(
            run,
            product,
            extension,
            spec,
            normals,
            _sources(run, normals),
            config,
            weights=weights,
            progress=_reporter(run),
        )
    if trained is None:
        _fetch(run, [*normals, *defects])
        trained = _learn(run, spec, normals, config, weights=weights)
    model = trained.model
    skipped = _name_skipped(run, product, normals, trained.skipped)
    scale = spec.distance_scale(model)
    calibration = _calibrate(run, model, list(trained.normal_scores.values()), defects, product, skipped, scale=scale)
    figures = _measure(run, product, model, test, calibration)
    judgement = judge(run, product, before, figures, test)
    preprocessing = config.preprocessing.to_dict()
    manifest = model.save(folder, metadata={"product": product.code, "preprocessing": preprocessing})
    run.progress("publish", 0, 0)
    published = publishing.publish(
        services, folder, kind=MEMORY_BANK, manifest_sha256=manifest.sha256, attempt=run.claim
    )
    version = ModelVersion(
        kind=MEMORY_BANK,
        scope=scope_of(product.id),
        product_id=product.id,
        number=0,
        model_name=choice.option.name,
        object_prefix=published.object_prefix,
        manifest_sha256=published.manifest_sha256,
        byte_size=published.byte_size,
        fingerprint=fingerprint,
        preprocessing=preprocessing,
        sources={
            "image_ids": {
                "normal": [row.id for row in normals],
                "defect": [row.id for row in defects],
                "defect_unused": [row.id for row in every_defect[MAX_CALIBRATION_DEFECTS:]],
            },
            "options": choice.options,
            **bank_extension.keep(trained.growth),
        },
        metrics={**figures, **spec.describe(model)},
    )
    threshold = ThresholdSetting(
        model_version_id=0,
        review_at=calibration.review_at,
        reject_at=calibration.reject_at,
        method=calibration.method,
        figures={**calibration.figures, "warnings": list(calibration.warnings)},
    )
    add_candidate(run, product, version, activate=judgement.activate, threshold=threshold, reason=judgement.reason)
    return {
        "product_id": product.id,
        "code": product.code,
        "outcome": "activated" if judgement.activate else "candidate",
        "reason": judgement.reason,
        "version_id": version.id,
        "number": version.number,
        "metrics": {key: figures.get(key) for key in ("image_auroc", "pixel_auroc", "aupro", "overkill", "escape")},
        "warnings": list(calibration.warnings),
        "calibration": calibration.figures,
        "skipped_images": skipped,
    }


def _learn(
    run: JobRun, spec: AnyDetectorSpec, rows: list[Image], config: DetectorConfig, *, weights: Path | None
) -> TrainedBank:
    """Return the detector from all normal images, with their cross-fitted scores."""
    progress = _reporter(run)
    features = spec.extract(
        _sources(run, rows), config, device=run.services.models.device, weights=weights, progress=progress
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


def _config(run: JobRun, spec: AnyDetectorSpec, choice: Choice, options: dict[str, Any]) -> DetectorConfig:
    from inference.vision.images.preprocessing import Preprocessing

    config: DetectorConfig = spec.make_config(
        backbone=choice.option.backbone,
        preprocessing=Preprocessing.from_dict(options),
        memory_budget_bytes=run.services.settings.memory_budget_bytes,
        options=choice.options,
    )
    return config


def _sources(run: JobRun, rows: list[Image]) -> list[ImageSource]:
    from inference.vision.detection.detector import ImageSource

    def source(row: Image) -> ImageSource:
        return ImageSource(key_of(row), lambda: load_pixels(run.services, row))

    return [source(row) for row in rows]


def _name_skipped(
    run: JobRun, product: Product, rows: list[Image], errors: Mapping[str, InferenceError]
) -> list[dict[str, str]]:
    names = {key_of(row): row.stored_name for row in rows}
    skipped = [{"name": names[key], "reason": error.code} for key, error in errors.items()]
    for item in skipped:
        run.log("log_image_skipped", product=product.code, **item)
    return skipped


def _calibrate(
    run: JobRun,
    model: Detector,
    normal_scores: list[float],
    defects: list[Image],
    product: Product,
    skipped: list[dict[str, str]],
    *,
    scale: float,
) -> Calibration:
    """Thresholds from normal images that the scoring bank has not seen, and from the labelled training defects."""
    from inference.vision.detection.calibration import calibrate

    def defect_pixels() -> Iterator[NDArray[np.uint8]]:
        for done, row in enumerate(defects):
            run.progress("calibrate", done, len(defects))
            try:
                yield load_pixels(run.services, row)
            except ImageError as error:
                skipped.append({"name": row.stored_name, "reason": error.code})
                run.log("log_image_skipped", product=product.code, name=row.stored_name, reason=error.code)

    defect_scores = [detection.score for detection in model.inspect_many(defect_pixels())]
    calibration = calibrate(normal_scores, defect_scores, scale=scale)
    run.log(
        "log_calibrated",
        product=product.code,
        review_at=f"{calibration.review_at:.4f}",
        reject_at=f"{calibration.reject_at:.4f}",
        method=calibration.method,
    )
    return calibration


def _measure(run: JobRun, product: Product, model: Detector, test: TestSet, calibration: Calibration) -> dict[str, Any]:
    if not test.rows:
        return {}
    figures = measure(
        run.services,
        model,
        test,
        review_at=calibration.review_at,
        reject_at=calibration.reject_at,
        progress=lambda done, total: run.progress("evaluate", done, total),
    )
    auroc = figures["image_auroc"]
    run.log(
        "log_measured",
        product=product.code,
        image_auroc="–" if auroc is None else f"{auroc:.4f}",
        n_test=len(test.rows),
    )
    return figures

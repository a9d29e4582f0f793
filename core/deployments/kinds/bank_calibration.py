"""The thresholds of a memory bank: from normal images that it has not seen, and from labeled defects, if any."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from core.deployments.kinds.bank_extension import TrainedBank
from core.deployments.kinds.bank_snapshot import BankSnapshot
from core.images.training import key_of, load_pixels
from core.jobs.outcomes import SkippedFile
from core.jobs.progress import JobRun
from inference.errors import ImageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from inference.vision.detection.calibration import Calibration
    from inference.vision.detection.detector import DetectorConfig
    from inference.vision.detection.specification import AnyDetectorSpec

# Good images that get a made-up defect, where there are no real ones.
_MADE_UP_DEFECTS = 24


def calibrate_bank(
    run: JobRun,
    label: str,
    spec: AnyDetectorSpec,
    trained: TrainedBank,
    config: DetectorConfig,
    snapshot: BankSnapshot,
    skipped: list[SkippedFile],
) -> tuple[Calibration, dict[str, float]]:
    """Return thresholds from normal images that the bank has not seen, and from the labeled training defects.

    Also return the scores of those defects, by the engine's key.

    Defects that cannot be read are added to `skipped`.
    """
    from inference.vision.detection.calibration import calibrate

    defects = snapshot.defects
    run.progress("calibrate", 0, 0)

    def defect_pixels() -> Iterator[NDArray[np.uint8]]:
        for done, row in enumerate(defects):
            run.progress("calibrate", done, len(defects))
            try:
                pixels = load_pixels(run.services, row, bit_depth=config.preprocessing.reading)
            except ImageError as error:
                skipped.append(SkippedFile(row.stored_name, error.code))
                run.log("log_image_skipped", product=label, name=row.stored_name, reason=error.code)
                continue
            used.append(key_of(row))
            yield pixels

    used: list[str] = []
    if trained.defect_scores is not None:
        wanted = {key_of(row) for row in defects}
        defect_scores = {key: score for key, score in trained.defect_scores.items() if key in wanted}
    else:
        found = [detection.score for detection in trained.model.inspect_many(defect_pixels())]
        defect_scores = dict(zip(used, found, strict=True))
    calibration = calibrate(
        list(trained.normal_scores.values()),
        list(defect_scores.values()),
        percentile=100.0 * (1.0 - snapshot.review_share),
        scale=spec.distance_scale(trained.model),
    )
    if not defect_scores:
        calibration = _estimate_escape(run, snapshot, trained, config, calibration)
    run.log(
        "log_calibrated",
        product=label,
        review_at=f"{calibration.review_at:.4f}",
        reject_at=f"{calibration.reject_at:.4f}",
        method=calibration.method,
    )
    return calibration, defect_scores


def _estimate_escape(
    run: JobRun, snapshot: BankSnapshot, trained: TrainedBank, config: DetectorConfig, calibration: Calibration
) -> Calibration:
    """Return the calibration with how many defects that were made up on the product's own images would pass."""
    from inference.vision.detection.even_sample import spread_evenly
    from inference.vision.detection.made_up_defects import make_up_defects

    rows = [row for row in snapshot.normals if key_of(row) in trained.normal_scores]

    def pixels() -> Iterator[NDArray[np.uint8]]:
        for done, place in enumerate(spread_evenly(len(rows), _MADE_UP_DEFECTS)):
            run.progress("calibrate", done, min(len(rows), _MADE_UP_DEFECTS))
            with contextlib.suppress(ImageError):  # the build has named it
                yield load_pixels(run.services, rows[place], bit_depth=config.preprocessing.reading)

    scores = [detection.score for detection in trained.model.inspect_many(make_up_defects(pixels()))]
    if not scores:
        return calibration
    passed = sum(score < calibration.review_at for score in scores)
    figures = {**calibration.figures, "n_made_up": len(scores), "made_up_escape": passed / len(scores)}
    return replace(calibration, figures=figures)

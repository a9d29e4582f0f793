"""Thresholds by a calibration method with another parameter, from the scores that a version was calibrated on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.access import ENGINEER, require_role
from core.errors import BadInput, Conflict, NotFound, NotReady, from_lower
from core.images.training import key_of_id
from core.model_report.records import Proposal
from core.models.calibration_figures import CalibrationFigures
from core.models.detection_figures import BankFigures
from core.models.kinds import MEMORY_BANK
from core.models.options import find_option
from core.models.sources import BankSources
from core.registry.activation_policy import current_policy
from core.registry.thresholds import F1_MAX, MEAN_STD, PERCENTILE, list_thresholds
from core.registry.versions import get_version
from core.services import Services
from core.transactions import HasDatabase
from inference.errors import InferenceError
from storage.objects import ObjectStoreError
from storage.tables import ModelVersion

if TYPE_CHECKING:
    from core.access import Person

METHODS = (PERCENTILE, MEAN_STD, F1_MAX)
LOWEST_PERCENT, HIGHEST_PERCENT = 50.0, 100.0  # the highest is left out
LOWEST_K, HIGHEST_K = 1.0, 20.0  # the lowest is left out
DEFAULT_K = 3.0


@dataclass(frozen=True)
class CalibrationScores:
    """What a version's thresholds stand on: scores of good images it has not learned from, and of labeled defects."""

    good: tuple[float, ...]
    defect: tuple[float, ...]


@dataclass(frozen=True)
class MethodChoice:
    """What can be proposed for a version: the methods, the parameters that its build used, and how many images.

    `methods` is empty where no scores are kept (of a version built by an earlier release): it says so by `obstacle`.
    """

    methods: tuple[str, ...]
    percent: float
    k: float
    n_good: int
    n_defect: int
    obstacle: NotReady | None = None


def read_calibration_scores(version: ModelVersion) -> CalibrationScores:
    """Return the scores in a memory bank's row. Raises NotReady(`calibration_scores_missing`)."""
    sources, figures = BankSources.from_json(version.sources), BankFigures.from_json(version.metrics)
    good = sources.growth.normal_scores if sources.growth is not None else figures.normal_scores
    if not good:
        raise NotReady("calibration_scores_missing", number=version.number)
    # Those of test images are there, too: they set no threshold.
    keys = {key_of_id(image_id) for image_id in sources.defect_ids}
    defect = [score for key, score in figures.defect_scores.items() if key in keys]
    return CalibrationScores(tuple(good.values()), tuple(defect))


def list_methods(services: HasDatabase, version_id: int) -> MethodChoice:
    """Return what can be proposed for a memory bank. Raises NotFound."""
    version = _find(services, version_id)
    percent, k = _built_with(services, version_id)
    try:
        scores = read_calibration_scores(version)
    except NotReady as error:
        return MethodChoice((), percent, k, 0, 0, error)
    methods = METHODS if scores.defect else (PERCENTILE, MEAN_STD)
    return MethodChoice(methods, percent, k, len(scores.good), len(scores.defect))


def propose_method(
    services: Services,
    person: Person,
    version_id: int,
    method: str,
    *,
    percent: float | None = None,
    k: float | None = None,
) -> Proposal:
    """Return the thresholds that a method gives; nothing is stored.

    `percent` (percentile) is the share of good parts that stay below Review, `k` (mean_std) how many standard
    deviations above the mean NG begins; without them, those of the build. With few labeled defects, `percentile`
    moves its thresholds into the gap below them, as a build does.

    Raises NotAllowed, NotFound, BadInput(`method_unknown`, `method_percent_invalid`, `method_k_invalid`),
    NotReady(`calibration_scores_missing`, `method_needs_defects`), and where every score is 0 the AppError of a bundle
    that cannot be opened.
    """
    from inference.vision.detection.calibration import ENOUGH_DEFECTS, calibrate

    require_role(services, person, ENGINEER)
    if method not in METHODS:
        raise BadInput("method_unknown", method=method, methods=", ".join(METHODS))
    version = _find(services, version_id)
    built_percent, built_k = _built_with(services, version_id)
    percent, k = built_percent if percent is None else percent, built_k if k is None else k
    if not (math.isfinite(percent) and LOWEST_PERCENT <= percent < HIGHEST_PERCENT):
        raise BadInput("method_percent_invalid", lowest=f"{LOWEST_PERCENT:g}", highest=f"{HIGHEST_PERCENT:g}")
    if not (math.isfinite(k) and LOWEST_K < k <= HIGHEST_K):
        raise BadInput("method_k_invalid", lowest=f"{LOWEST_K:g}", highest=f"{HIGHEST_K:g}")
    scores = read_calibration_scores(version)
    if method == F1_MAX and not scores.defect:
        raise NotReady("method_needs_defects", number=version.number)
    by_build = method == PERCENTILE and len(scores.defect) < ENOUGH_DEFECTS
    try:
        found = calibrate(
            scores.good,
            scores.defect,
            method="auto" if by_build else method,  # type: ignore[arg-type]
            percentile=percent,
            k=k,
            scale=1.0 if any(scores.good) else _distance_scale(services, version),
        )
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error) from error
    return Proposal(
        review_at=found.review_at,
        reject_at=found.reject_at,
        method=method,
        percent=percent if method == PERCENTILE else None,
        k=k if method == MEAN_STD else None,
        figures=CalibrationFigures.from_json(found.figures),
        warnings=found.warnings,
    )


def _find(services: HasDatabase, version_id: int) -> ModelVersion:
    version = get_version(services, version_id)
    if version.kind != MEMORY_BANK:
        raise NotFound("not_found")
    return version


def _built_with(services: HasDatabase, version_id: int) -> tuple[float, float]:
    """Return the parameters that the version was calibrated with; of those that no row tells, the ones of now."""
    rows = list_thresholds(services, version_id)
    first = CalibrationFigures.from_json(rows[-1].figures) if rows else CalibrationFigures()
    percent = first.percentile
    if percent is None:
        percent = 100.0 * (1.0 - current_policy(services).review_share)
    return percent, first.k if first.k is not None else DEFAULT_K


def _distance_scale(services: Services, version: ModelVersion) -> float:
    """Return the distance that counts as different in the model's feature space: it takes the model itself."""
    from inference.vision.detection.registry import find_detector

    option = find_option(version.model_name)
    if option is None:
        raise NotFound("model_unknown", name=version.model_name)
    if not version.object_prefix:
        raise Conflict("version_not_kept", number=version.number)
    return float(find_detector(option.method).distance_scale(services.models.memory_bank(version)))

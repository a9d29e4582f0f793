"""Whether the scores of good parts still are those that the thresholds were calibrated on.

Tests: Mann-Whitney for a shift, Kolmogorov-Smirnov for another shape (Conover, Practical Nonparametric Statistics),
corrected by Holm (1979) for all products at once. They are asked every day: the level is strict, and a difference must
be large enough to matter (Vargha and Delaney, 2000), because with hundreds of parts every trifle is beyond chance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np
from sqlalchemy import Select, union_all
from sqlalchemy.orm import load_only
from sqlmodel import Session, col, select

from core.catalog.names import ProductName
from core.catalog.views import View, find_view, read_views_of
from core.models.calibration_figures import CalibrationFigures, ThresholdFigures
from core.models.kinds import MEMORY_BANK
from core.models.sources import BankSources
from core.transactions import HasDatabase, reading
from storage.row_limits import execute_columns
from storage.tables import Inspection, InspectionView, ModelVersion, Product, ThresholdSetting, utc_now

Outcome = Literal["rise", "fall", "shape", "none", "too_few"]

MOST_RECENT, FEWEST_RECENT, FEWEST_CALIBRATION = 200, 30, 20
WINDOW = timedelta(days=14)
LEVEL = 0.001
# The chance that a part of now scores higher than one of the calibration: 0.64 is what is called a medium effect.
_MEDIUM = 0.14
_SHAPE = 0.3  # the largest gap between the two distributions
_AT_ONCE = 100  # products in one statement: SQLite takes 500 at most


@dataclass(frozen=True)
class ScoreDrift:
    """The scores of a product's good parts now, against those of the calibration of its memory bank.

    Of a product with views each `view` is compared by itself: what is combined of them is no distance.
    `change` is that of the median (of the mean, where only that is known of the calibration: `is_summary`), relative:
    0.12 is 12 % higher. `higher` is the chance that a part of now scores higher than one of the calibration. `p_value`
    is corrected for all products asked at once. Scores at or above `below` were left out on both sides: what scores so
    high is no OK part. `recent` and `calibration` are the scores compared, in the order of time and sorted.
    """

    product: ProductName
    version_id: int
    version_number: int
    outcome: Outcome
    n_recent: int
    n_calibration: int
    change: float | None = None
    higher: float | None = None
    p_value: float | None = None
    since: datetime | None = None
    is_summary: bool = False
    below: float | None = None
    recent: tuple[float, ...] = ()
    calibration: tuple[float, ...] = ()
    view: View | None = None

    @property
    def has_drifted(self) -> bool:
        """Return whether somebody should look at lighting, lens, fixture and material."""
        return self.outcome in {"rise", "fall", "shape"}


@dataclass(frozen=True)
class _Bank:
    """A memory bank in use, and what is known of the scores that its thresholds stand on."""

    product: ProductName
    version_id: int
    number: int
    scores: tuple[float, ...]
    figures: CalibrationFigures
    view: View | None


def find_drift(services: HasDatabase, *, now: datetime | None = None) -> list[ScoreDrift]:
    """Return the products whose good parts score otherwise than at the calibration, the strongest first.

    Looks at the newest parts of two weeks, at most `MOST_RECENT` a product. Raises AppError when the database fails.
    """
    found = [one for one in measure_drift(services, now=now) if one.has_drifted]
    return sorted(found, key=lambda one: -abs((one.higher or 0.5) - 0.5))


def measure_drift(
    services: HasDatabase, *, product_id: int | None = None, now: datetime | None = None
) -> list[ScoreDrift]:
    """Return the comparison for every memory bank in use, or for those of one product. Raises as `find_drift`."""
    since = (now or utc_now()) - WINDOW
    with reading(services) as session:
        banks = _read_banks(session, product_id)
        recent = _read_recent(session, banks, since)
    compared = [_compare(bank, recent.get(bank.version_id, [])) for bank in banks]
    return _correct(compared)


def _read_banks(session: Session, product_id: int | None) -> list[_Bank]:
    wanted = (ModelVersion.number, ModelVersion.sources, ModelVersion.view)
    active = (
        select(ModelVersion, Product)
        .options(load_only(*(col(column) for column in wanted)))  # type: ignore[arg-type]
        .join(Product, col(Product.id) == col(ModelVersion.product_id))
        .where(ModelVersion.kind == MEMORY_BANK, ModelVersion.state == "active", col(Product.is_active).is_(True))
        .order_by(col(Product.name))
    )
    if product_id is not None:
        active = active.where(Product.id == product_id)
    rows = session.exec(active).all()
    thresholds = session.exec(
        select(ThresholdSetting.model_version_id, ThresholdSetting.figures)
        .where(col(ThresholdSetting.model_version_id).in_([version.id for version, _ in rows]))
        .order_by(col(ThresholdSetting.id))
    ).all()
    figures: dict[int, CalibrationFigures] = {}
    for version_id, told in thresholds:
        calibration = ThresholdFigures.from_json(told).calibration
        if calibration.n_normal:  # thresholds that a person set stand on no images
            figures.setdefault(version_id, calibration)
    views = read_views_of(session, {product.id for _, product in rows})
    banks = []
    for version, product in rows:
        view = find_view(views.get(product.id, ()), version.view)
        if (view is None) == (product.id in views):
            continue  # nothing is inspected by it any more: the product got views, or lost this one
        growth = BankSources.from_json(version.sources).growth
        scores = sorted(growth.normal_scores.values()) if growth is not None else []
        name = ProductName.from_row(product)
        calibration = figures.get(version.id, CalibrationFigures())
        banks.append(_Bank(name, version.id, version.number, tuple(scores), calibration, view))
    return banks


def _read_recent(session: Session, banks: Sequence[_Bank], since: datetime) -> dict[int, list[Any]]:
    """Return the newest OK inspections of each version: moment, score and the threshold of then, the oldest first."""
    found: dict[int, list[Any]] = {}
    for start in range(0, len(banks), _AT_ONCE):
        newest = [_select_recent(bank, since).subquery().select() for bank in banks[start : start + _AT_ONCE]]
        for row in execute_columns(session, union_all(*newest)).all() if newest else []:
            found.setdefault(row[0], []).append(row)
    return {version_id: rows[::-1] for version_id, rows in found.items()}


def _select_recent(bank: _Bank, since: datetime) -> Select[Any]:
    """Return the query of the newest OK parts: version, moment, score and threshold; of a view its own picture's."""
    judged = Inspection if bank.view is None else InspectionView
    columns = (judged.memory_bank_version_id, Inspection.created_at, judged.score, judged.review_at)
    wanted = select(*(col(column) for column in columns)).where(
        Inspection.product_id == bank.product.id,
        col(judged.memory_bank_version_id) == bank.version_id,
        Inspection.final_verdict == "ok",
        col(Inspection.created_at) >= since,
    )
    if bank.view is not None:
        wanted = wanted.join(InspectionView, col(InspectionView.inspection_id) == col(Inspection.id)).where(
            col(InspectionView.score).is_not(None)
        )
    return wanted.order_by(col(Inspection.created_at).desc()).limit(MOST_RECENT)


def _compare(bank: _Bank, rows: Sequence[Any]) -> ScoreDrift:
    limit = min((float(row[3]) for row in rows), default=math.inf)
    kept = [row for row in rows if row[2] < limit]
    recent = np.array([row[2] for row in kept], np.float64)
    calibration = np.array([score for score in bank.scores if score < limit], np.float64)
    is_summary = len(calibration) < FEWEST_CALIBRATION and (bank.figures.n_normal or 0) >= FEWEST_CALIBRATION
    result = ScoreDrift(
        product=bank.product,
        version_id=bank.version_id,
        version_number=bank.number,
        outcome="too_few",
        n_recent=len(recent),
        n_calibration=(bank.figures.n_normal or 0) if is_summary else len(calibration),
        since=min((row[1] for row in kept), default=None),
        is_summary=is_summary,
        below=limit if math.isfinite(limit) else None,
        recent=tuple(recent.tolist()),
        calibration=tuple(calibration.tolist()),
        view=bank.view,
    )
    if result.n_recent < FEWEST_RECENT or result.n_calibration < FEWEST_CALIBRATION:
        return result
    if is_summary:
        return _compare_summary(result, recent, bank.figures)
    return _compare_scores(result, recent, calibration)


def _compare_scores(result: ScoreDrift, recent: Any, calibration: Any) -> ScoreDrift:
    from scipy.stats import ks_2samp, mannwhitneyu  # type: ignore[import-untyped]

    shift = mannwhitneyu(recent, calibration, alternative="two-sided")
    shape = ks_2samp(recent, calibration, method="asymp")
    higher = float(shift.statistic) / (len(recent) * len(calibration))
    middle = float(np.median(calibration))
    change = (float(np.median(recent)) - middle) / middle if middle else None
    result = replace(result, change=change, higher=higher)
    if abs(higher - 0.5) >= _MEDIUM or float(shape.statistic) < _SHAPE:
        return replace(result, outcome=_name_shift(higher), p_value=min(1.0, 2.0 * float(shift.pvalue)))
    return replace(result, outcome="shape", p_value=min(1.0, 2.0 * float(shape.pvalue)))


def _compare_summary(result: ScoreDrift, recent: Any, figures: CalibrationFigures) -> ScoreDrift:
    """Compare means (Welch): of older versions no more than mean and spread of the calibration was kept."""
    from scipy.special import ndtr  # type: ignore[import-untyped]
    from scipy.stats import ttest_ind_from_stats

    mean, spread, n = figures.normal_mean, figures.normal_std, figures.n_normal
    own, own_spread = float(recent.mean()), float(recent.std(ddof=1))
    if not mean or n is None or spread is None or not (spread or own_spread):
        return result
    test = ttest_ind_from_stats(own, own_spread, len(recent), mean, spread, n, equal_var=False)
    higher = float(ndtr((own - mean) / math.hypot(spread, own_spread)))
    return replace(
        result, outcome=_name_shift(higher), change=(own - mean) / mean, higher=higher, p_value=float(test.pvalue)
    )


def _name_shift(higher: float) -> Outcome:
    if abs(higher - 0.5) < _MEDIUM:
        return "none"
    return "rise" if higher > 0.5 else "fall"


def _correct(compared: Sequence[ScoreDrift]) -> list[ScoreDrift]:
    """Return the comparisons with Holm's p-values; what may be chance is no drift."""
    tested = sorted((one for one in compared if one.p_value is not None), key=lambda one: one.p_value or 0.0)
    corrected: dict[int, float] = {}
    highest = 0.0
    for place, one in enumerate(tested):
        highest = max(highest, min(1.0, (one.p_value or 0.0) * (len(tested) - place)))
        corrected[one.version_id] = highest
    found = []
    for one in compared:
        p_value = corrected.get(one.version_id)
        outcome: Outcome = "none" if one.has_drifted and p_value is not None and p_value >= LEVEL else one.outcome
        found.append(replace(one, p_value=p_value, outcome=outcome))
    return found

"""Evaluating a study from its pictures and ratings, also while it is being carried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from sqlmodel import col, select

from core.gauge.agreement import cohen_kappa, count_share, fleiss_kappa
from core.gauge.results import (
    AgreementResult,
    AppraiserResult,
    Evaluation,
    FlippingPart,
    GrayZone,
    NearPart,
    PairResult,
    PartLooks,
    RawRating,
    ScoreResult,
)
from core.gauge.studies import load_study
from core.gauge.terms import DEFECT, GOOD, OK, REJECT, REVIEW
from core.gauge.variance import GRR, study_variance
from core.transactions import HasDatabase, reading
from storage.tables import GaugeRating

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.gauge.records import PartView, Study

# A part of which one look in a hundred would come out otherwise is told.
_CHANCE = 0.01
_SEVERITY = (OK, REVIEW, REJECT)


def evaluate(services: HasDatabase, study_id: int) -> Evaluation:
    """Return what a study has found so far. Raises NotFound."""
    study = load_study(services, study_id)
    with reading(services) as session:
        rows = session.exec(
            select(GaugeRating)
            .where(GaugeRating.study_id == study_id)
            .order_by(col(GaugeRating.appraiser_id), col(GaugeRating.position))
        ).all()
    ratings = tuple(
        RawRating(row.part_id, row.appraiser_id, row.repeat_no, row.position, row.verdict, row.trial_id) for row in rows
    )
    return Evaluation(
        study,
        evaluate_scores(study) if study.studies_score else None,
        evaluate_verdicts(study, ratings) if study.studies_verdict else None,
        ratings,
    )


def evaluate_scores(study: Study) -> ScoreResult | None:
    """Return what the scores tell; None while there are fewer than two parts with all of two pictures or more."""
    shape = (len(study.setups), study.n_pictures)
    by_part: dict[int, NDArray[np.float64]] = {part.id: np.full(shape, np.nan) for part in study.parts}
    for trial in study.trials:
        if trial.score is not None:
            by_part[trial.part_id][trial.setup, trial.repeat_no - 1] = trial.score
    parts = tuple(part for part in study.parts if np.isfinite(by_part[part.id]).all())
    if len(parts) < 2 or study.n_pictures < 2:
        return None
    tolerance = None
    if study.review_at is not None and study.reject_at is not None:
        tolerance = study.reject_at - study.review_at
    variance = study_variance(np.stack([by_part[part.id] for part in parts]), tolerance=tolerance)
    flipping = _find_flipping(study)
    flips = {one.part.id for one in flipping}
    return ScoreResult(
        variance=variance,
        parts=parts,
        left_out=tuple(part for part in study.parts if part not in parts),
        flipping=flipping,
        near=tuple(
            near
            for part, mean in zip(parts, variance.part_means, strict=True)
            if part.id not in flips and (near := _find_near(study, part, float(mean), variance.components[GRR].sigma))
        ),
    )


def evaluate_verdicts(study: Study, ratings: Sequence[RawRating]) -> AgreementResult | None:
    """Return what the verdicts tell; None while nobody has finished a part, or there are fewer than two parts.

    People count once they have finished all their looks; while nobody has, with the parts that they have finished. A
    part is stopped by Review as by NG: neither lets it pass by itself.
    """
    everybody = _collect(study, ratings)
    # Somebody who is half through would leave half of the parts to all others.
    done = [one for one in everybody if one.is_model or bool(one.is_whole.all())]
    if not any(not one.is_model for one in done):
        done = everybody
    present = [one for one in done if one.has_whole_part]
    if not present:
        return None
    whole = np.asarray(np.stack([one.is_whole for one in present]).all(axis=0))
    parts = [part for part, is_whole in zip(study.parts, whole, strict=True) if is_whole]
    if len(parts) < 2:
        return None
    looks = [one.looks[whole] for one in present]
    reference = np.array([{GOOD: 0, DEFECT: 1}.get(part.reference, -1) for part in parts], np.int8)
    everything = np.concatenate(looks, axis=1)
    same = np.asarray((everything == everything[:, :1]).all(axis=1))
    known = reference >= 0
    means = _mean_scores(study)
    part_looks = tuple(
        PartLooks(
            part,
            means.get(part.id),
            tuple((int(found[place].sum()), int(found.shape[1])) for found in looks),
        )
        for place, part in enumerate(parts)
    )
    appraisers = tuple(_judge_one(one, found, reference, study.seed) for one, found in zip(present, looks, strict=True))
    return AgreementResult(
        appraisers=appraisers,
        pairs=tuple(
            PairResult(appraisers[a], appraisers[b], cohen_kappa(looks[a], looks[b], seed=study.seed))
            for a, b in combinations(range(len(present)), 2)
        ),
        between=fleiss_kappa(everything, seed=study.seed),
        all_same=count_share(int(same.sum()), len(parts)),  # type: ignore[arg-type]
        all_right=count_share(int((same & (everything[:, 0] == reference))[known].sum()), int(known.sum())),
        looks=part_looks,
        left_out=tuple(part for part in study.parts if part not in parts),
        absent=tuple(one.name for one in everybody if not one.is_model and one not in present),
        zone=find_gray_zone(study, part_looks),
        n_good=int((reference == 0).sum()),
        n_defect=int((reference == 1).sum()),
    )


def find_gray_zone(study: Study, looks: Sequence[PartLooks]) -> GrayZone | None:
    """Return the scores between which not all looks agree (the signal detection method); None where that is not told.

    It reaches from the highest score below which all parts always pass to the lowest above which all are stopped.
    """
    scored = sorted(
        (one.mean_score, sum(stopped for stopped, _n in one.stopped), sum(n for _stopped, n in one.stopped))
        for one in looks
        if one.mean_score is not None
    )
    low = high = None
    for score, stopped, _total in scored:
        if stopped:
            break
        low = score
    for score, stopped, total in reversed(scored):
        if stopped < total:
            break
        high = score
    if low is None or high is None or high <= low:
        return None
    band = (study.reject_at or 0.0) - (study.review_at or 0.0)
    return GrayZone(low, high, (high - low) / band if band > 0 else None)


@dataclass(frozen=True, eq=False)
class _Appraiser:
    """One who looked: a person, or the model at a setup. `looks` (parts, looks) are -1 where one is missing."""

    name: str
    is_model: bool
    setup: int | None
    looks: NDArray[np.int8]

    @property
    def is_whole(self) -> NDArray[np.bool_]:
        """Return of each part whether all looks are there."""
        found: NDArray[np.bool_] = np.asarray((self.looks >= 0).all(axis=1))
        return found

    @property
    def has_whole_part(self) -> bool:
        """Return whether any part has all looks."""
        return bool(self.is_whole.any())


def _collect(study: Study, ratings: Sequence[RawRating]) -> list[_Appraiser]:
    rows = {part.id: place for place, part in enumerate(study.parts)}
    found = []
    for person in study.appraisers:
        looks = np.full((len(rows), study.n_repeats), -1, np.int8)
        for one in ratings:
            if one.appraiser_id == person.id and one.verdict:
                looks[rows[one.part_id], one.repeat_no - 1] = one.verdict == REJECT
        found.append(_Appraiser(person.name, False, None, looks))
    if study.with_model:
        for setup, name in enumerate(study.setups):
            looks = np.full((len(rows), study.n_pictures), -1, np.int8)
            for trial in study.trials:
                if trial.setup == setup and trial.is_judged:
                    looks[rows[trial.part_id], trial.repeat_no - 1] = trial.verdict != OK
            found.append(_Appraiser(name if len(study.setups) > 1 else "", True, setup, looks))
    return found


def _judge_one(one: _Appraiser, looks: NDArray[np.int8], reference: NDArray[np.int8], seed: int) -> AppraiserResult:
    n_looks = looks.shape[1]
    always = np.asarray((looks == looks[:, :1]).all(axis=1))
    known = reference >= 0
    truth = np.repeat(reference[known][:, None], n_looks, axis=1)
    defects, goods = looks[reference == 1], looks[reference == 0]
    return AppraiserResult(
        name=one.name,
        is_model=one.is_model,
        setup=one.setup,
        n_looks=n_looks,
        same=count_share(int(always.sum()), len(looks)) if n_looks > 1 else None,
        right=count_share(int((looks[known] == truth).all(axis=1).sum()), int(known.sum())),
        missed=count_share(int((defects == 0).sum()), int(defects.size)),
        false_alarms=count_share(int((goods == 1).sum()), int(goods.size)),
        within=fleiss_kappa(looks, seed=seed),
        against_reference=cohen_kappa(looks[known], truth, seed=seed) if known.any() else None,
    )


def _find_flipping(study: Study) -> tuple[FlippingPart, ...]:
    found = []
    for part in study.parts:
        judged = [trial for trial in study.trials if trial.part_id == part.id and trial.score is not None]
        verdicts = {verdict: sum(one.verdict == verdict for one in judged) for verdict in _SEVERITY}
        said = {verdict: count for verdict, count in verdicts.items() if count}
        if len(said) > 1:
            scores = [one.score for one in judged if one.score is not None]
            found.append(FlippingPart(part, said, min(scores), max(scores)))
    return tuple(found)


def _find_near(study: Study, part: PartView, mean: float, sigma: float) -> NearPart | None:
    from scipy.stats import norm  # type: ignore[import-untyped]

    if study.review_at is None or study.reject_at is None or sigma <= 0:
        return None
    limits = {REVIEW: study.review_at, REJECT: study.reject_at}
    name = min(limits, key=lambda one: abs(mean - limits[one]))
    chance = float(norm.sf(abs(mean - limits[name]) / sigma))
    return NearPart(part, mean, name, chance) if chance > _CHANCE else None


def _mean_scores(study: Study) -> dict[int, float]:
    scores: dict[int, list[float]] = {}
    for trial in study.trials:
        if trial.score is not None:
            scores.setdefault(trial.part_id, []).append(trial.score)
    return {part_id: float(np.mean(found)) for part_id, found in scores.items()}

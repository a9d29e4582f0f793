"""Whether a new version goes into use by itself: a bank is compared with the active one, image by image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.deployments.measuring import TestMeasurement, TestSet, keep_measured, measure
from core.deployments.objections import (
    Judged,
    KnownDefect,
    object_to_figures,
    object_to_passing,
    object_to_thresholds,
)
from core.errors import NotFound
from core.images.bit_depth import read_bit_depth
from core.images.training import key_of, key_of_id, load_pixels
from core.jobs.progress import JobRun
from core.models.detection_figures import SCORES_KEY, BankFigures, DetectionFigures
from core.models.judgments import REASONS, WORSE_ON_TEST, HoldReason
from core.models.sources import BankSources
from core.registry.activation_policy import read_policy
from core.registry.versions import current_threshold
from core.transactions import HasDatabase, reading, writing
from inference.errors import ImageError, InferenceError
from storage.object_store import ObjectStoreError
from storage.tables import Image, ModelVersion, ThresholdSetting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

BETTER_OR_EQUAL, WORSE, BY_HAND, FIRST = "no_worse", "worse", "by_hand", "first"
HELD_BACK, OVERRIDDEN = "held_back", "overridden"


@dataclass(frozen=True)
class Acceptance:
    """Whether a version goes into use, and what speaks against it.

    `reason` is no_worse, worse or held_back (see `held_back`), by_hand (the policy leaves it to a person), first
    (nothing was in use) or overridden (a person asked for it in spite of `held_back`, or of the policy).
    """

    activate: bool
    reason: str
    held_back: tuple[HoldReason, ...] = ()

    def override(self) -> Acceptance:
        """Return the same for a job whose versions a person wants in use whatever is found."""
        return self if self.activate else Acceptance(True, OVERRIDDEN, self.held_back)


@dataclass(frozen=True)
class BankCandidate:
    """A memory bank that was built: what the rules see of it, and what was measured on test images, if any.

    `defects` are the labeled training defects with which its thresholds were set.
    """

    judged: Judged
    measured: TestMeasurement | None
    test: TestSet
    defects: Sequence[Image]
    codes: Mapping[int, str]


def accept_by_policy(services: HasDatabase, before: ModelVersion | None) -> Acceptance:
    """Return what the policy says of a version that is no worse than `before`; a first version always goes into use."""
    if before is None:
        return Acceptance(True, FIRST)
    with reading(services) as session:
        by_itself = read_policy(session).activate_when_no_worse
    return Acceptance(by_itself, BETTER_OR_EQUAL if by_itself else BY_HAND)


def accept_bank(run: JobRun, label: str, before: ModelVersion | None, candidate: BankCandidate) -> Acceptance:
    """Collect every reason against the candidate, beside the active version `before`; without any, ask the policy.

    When the test images have changed since `before` was measured, it is measured again, with the thresholds in force,
    so that both stand on the same images; and it scores the labeled defects that the candidate would pass, where it
    has not yet. Both are kept with `before`. Raises JobLost, JobCancelled, and ObjectStoreError of a store that is
    away.
    """
    figures = None if candidate.measured is None else candidate.measured.figures
    reasons = object_to_figures(figures, None) if before is None else _compare(run, label, before, candidate, figures)
    if not reasons:
        return accept_by_policy(run.services, before)
    reasons.sort(key=lambda found: REASONS.index(found.code))
    return Acceptance(False, WORSE if reasons[0].code == WORSE_ON_TEST else HELD_BACK, tuple(reasons))


def _compare(
    run: JobRun, label: str, before: ModelVersion, candidate: BankCandidate, figures: DetectionFigures | None
) -> list[HoldReason]:
    stored, test = BankFigures.from_json(before.metrics), candidate.test
    active, scores, readable = stored.detection, dict(stored.defect_scores), True
    threshold = _threshold_in_force(run.services, before)
    if test.rows and threshold is not None and (active is None or active.test_fingerprint != test.fingerprint):
        again = _measure_again(run, label, before, threshold, test)
        if again is not None:
            active = again.figures
            scores |= again.defect_scores
        readable = again is not None
    reasons = object_to_figures(figures, active)
    if threshold is None:
        return reasons
    known = _list_known(candidate)
    if readable:
        scores |= _score_passed(run, label, before, candidate, known, scores)
    sources = BankSources.from_json(before.sources)
    limits = Judged(
        review_at=threshold.review_at,
        reject_at=threshold.reject_at,
        normal_scores=sources.growth.normal_scores if sources.growth is not None else {},
        defect_scores=scores,
    )
    more = (
        object_to_passing([one for one, _row in known], candidate.judged, limits),
        object_to_thresholds(candidate.judged, limits, {key_of_id(image_id) for image_id in sources.normal_ids}),
    )
    return reasons + [found for found in more if found is not None]


def _threshold_in_force(services: HasDatabase, before: ModelVersion) -> ThresholdSetting | None:
    with reading(services) as session:
        try:
            return current_threshold(session, before.id)
        except NotFound:
            return None


def _list_known(candidate: BankCandidate) -> list[tuple[KnownDefect, Image]]:
    rows = [*candidate.defects, *(row for row in candidate.test.rows if row.image_type == "defect")]
    return [
        (KnownDefect(key_of(row), row.id, row.stored_name, candidate.codes.get(row.defect_type_id or 0, "")), row)
        for row in rows
    ]


def _measure_again(
    run: JobRun, label: str, before: ModelVersion, threshold: ThresholdSetting, test: TestSet
) -> TestMeasurement | None:
    services = run.services
    try:
        measured = measure(
            services.objects,
            services.models.memory_bank(before),
            test,
            review_at=threshold.review_at,
            reject_at=threshold.reject_at,
            bit_depth=read_bit_depth(before.preprocessing),
            progress=lambda done, total: run.progress("evaluate", done, total),
        )
    except (InferenceError, ObjectStoreError) as error:
        _raise_if_away(error)
        # A version that cannot be opened does not inspect either: it must not hold back the one that can.
        run.log("log_active_unreadable", product=label, number=before.number)
        return None
    with writing(services) as session:
        keep_measured(session, before.id, measured, by=run.created_by)
        session.commit()
    run.log("log_active_measured", product=label, number=before.number, n_test=len(test.rows))
    return measured


def _score_passed(
    run: JobRun,
    label: str,
    before: ModelVersion,
    candidate: BankCandidate,
    known: Sequence[tuple[KnownDefect, Image]],
    scores: Mapping[str, float],
) -> dict[str, float]:
    """Return the active version's scores of the defects that the candidate would pass, where they are not known yet."""
    services, judged = run.services, candidate.judged
    rows = [
        row
        for one, row in known
        if one.key not in scores and judged.defect_scores.get(one.key, judged.review_at) < judged.review_at
    ]
    if not rows:
        return {}
    used: list[str] = []

    def pixels() -> Iterator[NDArray[np.uint8]]:
        for done, row in enumerate(rows):
            run.progress("evaluate", done, len(rows))
            try:
                image = load_pixels(services, row, bit_depth=read_bit_depth(before.preprocessing))
            except ImageError:
                continue  # the build has named it
            used.append(key_of(row))
            yield image

    try:
        detections = list(services.models.memory_bank(before).inspect_many(pixels()))
    except (InferenceError, ObjectStoreError) as error:
        _raise_if_away(error)
        run.log("log_active_unreadable", product=label, number=before.number)
        return {}
    found = {key: float(detection.score) for key, detection in zip(used, detections, strict=True)}
    _keep(services, before, found)
    return found


def _raise_if_away(error: InferenceError | ObjectStoreError) -> None:
    if isinstance(error, ObjectStoreError) and error.code != "object_missing":
        raise error


def _keep(services: HasDatabase, before: ModelVersion, scores: Mapping[str, float]) -> None:
    """Store with the active version what it scored, for the next candidate."""
    with writing(services) as session:
        row = session.get(ModelVersion, before.id)
        if row is not None:
            stored = BankFigures.from_json(row.metrics).defect_scores
            row.metrics = {**row.metrics, SCORES_KEY: {**stored, **scores}}
            session.add(row)
        session.commit()

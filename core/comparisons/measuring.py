"""From stored predictions to the result: thresholds by validation, figures on the test images, differences."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.comparisons.bills import TokenBill, add_bills
from core.comparisons.entries import Entry
from core.comparisons.fusing import FusedPart
from core.comparisons.results import (
    Curve,
    DifferenceResult,
    EntryResult,
    Figure,
    Types,
    Verdicts,
    ViewAlone,
)
from core.errors import from_lower
from core.jobs.stored_error import StoredError
from core.transactions import HasStores
from inference.errors import ImageError
from inference.vision.comparison.bootstrap import compare, estimate
from inference.vision.comparison.measures import (
    Judged,
    choose_threshold,
    count_types,
    count_verdicts,
    draw_curves,
    make_figures,
    name_type,
)
from inference.vision.comparison.overlaps import (
    Overlap,
    Place,
    PlaceLevels,
    choose_levels,
    measure_overlap,
)
from inference.vision.comparison.predictions import PredictedBox
from storage.object_store import ObjectStoreError

if TYPE_CHECKING:
    from core.methods.records import Sample
    from inference.vision.comparison.overlaps import Mask
    from storage.tables import Prediction


@dataclass(frozen=True)
class Measured:
    """An entry's result with what differences are made of: its test images in order, and their figures."""

    result: EntryResult
    judged: tuple[Judged, ...]
    figures: Mapping[str, Callable[[np.ndarray], np.ndarray]]
    stopped: Mapping[str, bool]
    named: Mapping[str, str]


def measure_method(
    services: HasStores,
    entry: Entry,
    rows: Sequence[Prediction],
    samples: Mapping[str, Sample],
    good_labels: Sequence[str],
    *,
    seed: int,
    byte_size: int | None,
) -> Measured:
    """Return what came of a method on a view, by its predictions of the validation and test images.

    `stopped` and `named` of what is returned say by subject whether it is called defective, and by which type, for both
    splits. Raises AppError when
    the store fails.
    """
    good = set(good_labels)
    validation = [row for row in rows if row.split == "val"]
    tests = [row for row in rows if row.split == "test"]
    chosen = choose_threshold([row.score for row in validation], [row.truth not in good for row in validation])
    limit = None if chosen is None else chosen.value
    stopped = {row.subject: row.score >= limit for row in rows if row.score is not None and limit is not None}
    names_types = any(row.class_probabilities for row in rows)
    named = {
        row.subject: name_type(row.class_probabilities, good_labels, is_stopped=stopped.get(row.subject, False))
        for row in rows
        if row.score is not None
    }
    levels, overlaps = _measure_places(services, validation, tests, samples)
    judged = tuple(
        Judged(
            row.subject,
            row.part,
            row.truth,
            row.truth not in good,
            row.score,
            named.get(row.subject, ""),
            overlaps.get(row.subject),
        )
        for row in tests
    )
    figures = make_figures(judged, limit, names_types=names_types)
    table = count_verdicts(judged, limit)
    types = count_types(judged) if names_types else None
    failed = next((row for row in rows if row.error_code), None)
    result = _result(
        entry,
        judged,
        figures,
        seed=seed,
        threshold=limit,
        threshold_method="" if chosen is None else chosen.method,
        map_level=levels.of_map,
        verdicts=Verdicts(**vars(table)),
        types=None if types is None else Types(types.labels, types.columns, types.counts),
        ms=[row.latency_ms for row in tests if row.error_code is None],
        byte_size=byte_size,
        bill=add_bills(TokenBill.from_json(row.bill) for row in rows),
        n_billed=len(rows),
        error=None if failed is None else StoredError.from_json(failed.error_code, failed.error_params),
    )
    return Measured(result, judged, figures, stopped, named)


def measure_combination(
    entry: Entry,
    rule: Mapping[str, object],
    limit: float | None,
    fused: Sequence[FusedPart],
    *,
    seed: int,
    bill: TokenBill | None,
) -> Measured:
    """Return what came of a combination on the test parts; `rule` is as validation made it, for people to read.

    `bill` is what its members cost together.
    """
    tests = [one for one in fused if one.split == "test"]
    judged = tuple(
        Judged(f"part:{one.part}", one.part, one.truth, one.is_defect, one.probability, one.named) for one in tests
    )
    called = [one.is_stopped for one in tests]
    figures = make_figures(judged, None, names_types=True, stopped=called)
    table = count_verdicts(judged, None, stopped=called)
    types = count_types(judged)
    failed = next((one for one in fused if one.missing), None)
    alone = _measure_alone(tests, judged, figures, seed=seed)
    result = _result(
        entry,
        judged,
        figures,
        seed=seed,
        threshold=limit,
        threshold_method="f1_max" if limit is not None else "",
        verdicts=Verdicts(**vars(table)),
        types=Types(types.labels, types.columns, types.counts),
        ms=[one.ms for one in tests if not one.missing],
        byte_size=None,
        bill=bill,
        n_billed=len(fused),
        error=None if failed is None else StoredError("comparison_member_failed", {"view": failed.missing}),
        rule=rule,
        alone=alone,
    )
    return Measured(result, judged, figures, {}, {})


def failed_combination(entry: Entry, error: StoredError, n: int) -> Measured:
    """Return the result of a combination that could not be made at all, of so many parts."""
    result = EntryResult(
        entry.key, entry.name, entry.view, "", n, n, n, members=dict(entry.members), rule=dict(entry.rule), error=error
    )
    return Measured(result, (), {}, {}, {})


def find_differences(measured: Sequence[Measured], *, seed: int) -> tuple[DifferenceResult, ...]:
    """Return the paired differences of every two entries that judged the same images, or parts, of the same views."""
    found = []
    for one, other in itertools.combinations(measured, 2):
        same_view = one.result.view == other.result.view
        subjects = [judged.subject for judged in one.judged]
        if not same_view or not subjects or subjects != [judged.subject for judged in other.judged]:
            continue
        for name in one.figures:
            if name not in other.figures:
                continue
            difference = compare(one.judged, one.figures[name], other.figures[name], seed=seed)
            if difference is not None:
                found.append(
                    DifferenceResult(
                        one.result.key, other.result.key, name, difference.value, difference.low, difference.high
                    )
                )
    return tuple(found)


def _result(
    entry: Entry,
    judged: Sequence[Judged],
    figures: Mapping[str, Callable[[np.ndarray], np.ndarray]],
    *,
    seed: int,
    threshold: float | None,
    threshold_method: str,
    verdicts: Verdicts,
    types: Types | None,
    ms: Sequence[float],
    byte_size: int | None,
    bill: TokenBill | None,
    n_billed: int,
    error: StoredError | None,
    map_level: float | None = None,
    rule: Mapping[str, object] | None = None,
    alone: Mapping[str, ViewAlone] | None = None,
) -> EntryResult:
    estimates = {name: estimate(judged, figure, seed=seed) for name, figure in figures.items()}
    curves = draw_curves(judged)
    return EntryResult(
        key=entry.key,
        name=entry.name,
        view=entry.view,
        method=entry.method,
        n=len(judged),
        n_parts=len({one.part for one in judged}),
        errors=sum(1 for one in judged if one.score is None),
        members=dict(entry.members),
        rule=dict(rule or {}),
        figures={name: Figure(one.value, one.low, one.high) for name, one in estimates.items() if one is not None},
        threshold=threshold,
        threshold_method=threshold_method,
        map_level=map_level,
        verdicts=verdicts,
        types=types,
        roc=None if curves is None else Curve(curves[0].x, curves[0].y),
        precision_recall=None if curves is None else Curve(curves[1].x, curves[1].y),
        alone=dict(alone or {}),
        ms_p50=float(np.percentile(ms, 50)) if ms else None,
        ms_p95=float(np.percentile(ms, 95)) if ms else None,
        byte_size=byte_size,
        bill=bill,
        n_billed=n_billed,
        error=error,
    )


def _measure_alone(
    tests: Sequence[FusedPart],
    judged: Sequence[Judged],
    figures: Mapping[str, Callable[[np.ndarray], np.ndarray]],
    *,
    seed: int,
) -> dict[str, ViewAlone]:
    """Return by view the AUROC of its highest probability for the defective parts, and what the combination adds."""
    if "auroc" not in figures:
        return {}
    found = {}
    for view in sorted({view for one in tests for view in one.pictures}):
        known = [[p for p in one.pictures[view] if p is not None] for one in tests]
        single = [
            Judged(one.subject, one.part, one.label, one.is_defect, max(own) if own else None)
            for one, own in zip(judged, known, strict=True)
        ]
        auroc = make_figures(single, None, names_types=False).get("auroc")
        own_estimate = None if auroc is None else estimate(single, auroc, seed=seed)
        gain = None if auroc is None else compare(judged, figures["auroc"], auroc, seed=seed)
        if own_estimate is not None and gain is not None:
            found[view] = ViewAlone(
                Figure(own_estimate.value, own_estimate.low, own_estimate.high),
                Figure(gain.value, gain.low, gain.high),
            )
    return found


def _measure_places(
    services: HasStores, validation: Sequence[Prediction], tests: Sequence[Prediction], samples: Mapping[str, Sample]
) -> tuple[PlaceLevels, dict[str, Overlap]]:
    """Return from which values on maps and boxes count, and by subject what the places of a method are worth.

    Those of a subject are told where truth is known: good images, and defects with a mask.
    """
    if not any(row.map_key or row.boxes for row in (*validation, *tests)):
        return PlaceLevels(), {}
    masks: dict[str, Mask | None] = {}
    sizes: dict[str, tuple[int, int]] = {}
    for row in (*validation, *tests):
        sample = samples[row.subject]
        try:
            mask = sample.load_mask() if sample.is_defect else None
            if mask is None and sample.is_defect:
                continue
            sizes[row.subject] = _size_of(sample, mask)
        except ImageError:
            continue
        masks[row.subject] = mask
    known = [row for row in validation if row.subject in masks and row.error_code is None]
    levels = choose_levels(
        [_place_of(services, row) for row in known],
        [masks[row.subject] for row in known],
        [sizes[row.subject] for row in known],
    )
    if not any(mask is not None for mask in masks.values()):
        return levels, {}
    return levels, {
        row.subject: measure_overlap(_place_of(services, row), masks[row.subject], sizes[row.subject], levels)
        for row in tests
        if row.subject in masks
    }


def _size_of(sample: Sample, mask: Mask | None) -> tuple[int, int]:
    """Return (width, height) of the image."""
    height, width = mask.shape if mask is not None else sample.load().shape[:2]
    return int(width), int(height)


def _place_of(services: HasStores, row: Prediction) -> Place:
    from inference.vision.images.encoding import decode_map

    try:
        found = decode_map(services.objects.get(row.map_key)) if row.map_key else None
    except ObjectStoreError as error:
        raise from_lower(error) from error
    return Place(found, tuple(PredictedBox.from_json(box) for box in row.boxes))

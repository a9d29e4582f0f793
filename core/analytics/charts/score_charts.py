"""Control charts of a score: single values with their moving ranges, and the moving average that shows small shifts.

Source: Montgomery, Introduction to Statistical Quality Control, chapters 6.4 (individuals) and 9.2 (EWMA).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from core.analytics.charts.control_charts import (
    FEWEST_POINTS,
    ONE_PHASE,
    RANGE_LIMIT,
    RANGE_TO_SIGMA,
    SIGMAS,
    ChartPoint,
    ControlChart,
    Floats,
    Phase,
    Plan,
    judge_points,
    split_phases,
)


def make_individuals_chart(values: Sequence[float | None], plan: Plan = ONE_PHASE) -> tuple[ControlChart, ControlChart]:
    """Return the chart of single values, and that of their moving ranges (from the second point of a phase on)."""
    places = [place for place, value in enumerate(values) if value is not None]
    known = np.array([value for value in values if value is not None], np.float64)
    points: list[ChartPoint] = []
    ranges: list[ChartPoint] = []
    phases: list[Phase] = []
    for start, stop, chosen in split_phases(places, plan):
        own, base = known[start:stop], known[chosen]
        steps = np.abs(np.diff(own))
        sigma = _sigma(known, chosen)
        if sigma is None:
            phases.append(Phase(start, stop, len(base), "none"))
            points += [ChartPoint(places[start + n], 1, float(value)) for n, value in enumerate(own)]
            ranges += [ChartPoint(places[start + 1 + n], 2, float(step)) for n, step in enumerate(steps)]
            continue
        center, mean_range = float(base.mean()), sigma * RANGE_TO_SIGMA
        phases.append(Phase(start, stop, len(base), "moving_range", center))
        half = np.full(len(own), SIGMAS * sigma)
        points += judge_points(places[start:stop], np.ones(len(own)), own, center, (center - half, center + half), plan)
        upper = np.full(len(steps), RANGE_LIMIT * mean_range)
        distances = np.where(steps > upper, SIGMAS + 1.0, 0.0)
        ranges += [
            ChartPoint(
                places[start + 1 + n], 2, float(step), mean_range, 0.0, float(upper[n]), None,
                ("beyond_3",) if distances[n] > SIGMAS else (),
            )
            for n, step in enumerate(steps)
        ]  # fmt: skip
    return ControlChart(tuple(points), tuple(phases)), ControlChart(tuple(ranges), tuple(phases))


def make_ewma_chart(
    values: Sequence[float | None],
    plan: Plan = ONE_PHASE,
    *,
    weight: float = 0.2,
    width: float = 3.0,
    center: float | None = None,
    sigma: float | None = None,
) -> ControlChart:
    """Return the chart of the exponentially weighted moving average: it shows small lasting shifts early.

    `weight` (λ) is that of the newest value, `width` (L) the limits in sigmas. Center and sigma are those of the
    values (by their moving range) unless given. A point can only break the limits: its neighbors are in it already.
    """
    if not (0.0 < weight <= 1.0 and width > 0.0):
        raise ValueError("weight and width of an EWMA chart")
    places = [place for place, value in enumerate(values) if value is not None]
    known = np.array([value for value in values if value is not None], np.float64)
    points: list[ChartPoint] = []
    phases: list[Phase] = []
    for start, stop, chosen in split_phases(places, plan):
        own, base = known[start:stop], known[chosen]
        found = sigma if sigma is not None else _sigma(known, chosen)
        middle = center if center is not None else (float(base.mean()) if len(base) else float(own.mean()))
        number = np.arange(1, len(own) + 1)
        average = _smooth(own, weight, middle)
        if found is None:
            phases.append(Phase(start, stop, len(base), "none"))
            points += [ChartPoint(places[start + n], 1, float(value)) for n, value in enumerate(average)]
            continue
        phases.append(Phase(start, stop, len(base), "moving_range", middle))
        spread = found * np.sqrt(weight / (2.0 - weight) * (1.0 - (1.0 - weight) ** (2 * number)))
        limits = (middle - width * spread, middle + width * spread)
        points += judge_points(places[start:stop], np.ones(len(own)), average, middle, limits, Plan(is_ordered=False))
    return ControlChart(tuple(points), tuple(phases))


def _smooth(values: Floats, weight: float, start: float) -> Floats:
    smoothed, last = np.empty(len(values)), start
    for place, value in enumerate(values):
        last = weight * float(value) + (1.0 - weight) * last
        smoothed[place] = last
    return smoothed


def _sigma(known: Floats, chosen: list[int]) -> float | None:
    """Return the spread by the mean moving range of neighbors; None for too few, or where nothing ever moves."""
    if len(chosen) < FEWEST_POINTS:
        return None
    steps = [abs(known[after] - known[before]) for before, after in pairwise(chosen) if after == before + 1]
    mean = float(np.mean(steps)) if steps else 0.0
    return mean / RANGE_TO_SIGMA if mean > 0.0 else None

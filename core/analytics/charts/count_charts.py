"""Control charts of counts: p (share of parts) and u (per part), with limits that follow the size of the sample.

Sources: Montgomery, Introduction to Statistical Quality Control, chapter 7; Laney, Improved Control Charts for
Attributes, Quality Engineering 14 (2002), for p′ and u′ where the points scatter more than chance explains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from core.analytics.charts.control_charts import (
    FEWEST_POINTS,
    ONE_PHASE,
    RANGE_TO_SIGMA,
    SIGMAS,
    ChartPoint,
    ControlChart,
    Floats,
    Method,
    Phase,
    Plan,
    judge_points,
    split_phases,
)

_ONE_SIDE = 0.00134989803163  # beyond 3 sigmas of a normal distribution, on one side
_LEAST_EXPECTED = 5.0  # of a count: below it, its distribution is too skewed for symmetric limits
_DISPERSION_LEVEL = 0.01
_MOST_SPECIAL = 0.1  # of the points that may lie outside before the whole is called scattered


def make_p_chart(sizes: Sequence[float], counts: Sequence[float], plan: Plan = ONE_PHASE) -> ControlChart:
    """Return the chart of the share `counts` / `sizes`; samples of size 0 have no point."""

    def spread(center: float, size: Floats) -> Floats:
        return np.sqrt(center * (1.0 - center) / size)

    return _make_count_chart(sizes, counts, plan, spread, _binomial)


def make_u_chart(sizes: Sequence[float], counts: Sequence[float], plan: Plan = ONE_PHASE) -> ControlChart:
    """Return the chart of `counts` per unit of `sizes`; samples of size 0 have no point."""

    def spread(center: float, size: Floats) -> Floats:
        return np.sqrt(center / size)

    return _make_count_chart(sizes, counts, plan, spread, _poisson)


def _make_count_chart(
    sizes: Sequence[float],
    counts: Sequence[float],
    plan: Plan,
    spread: Callable[[float, Floats], Floats],
    distribution: Callable[[float, Floats], Any],
) -> ControlChart:
    places = [place for place, size in enumerate(sizes) if size > 0]
    size = np.array([sizes[place] for place in places], np.float64)
    count = np.array([counts[place] for place in places], np.float64)
    points: list[ChartPoint] = []
    phases: list[Phase] = []
    for start, stop, chosen in split_phases(places, plan):
        own_size, own_count = size[start:stop], count[start:stop]
        own_value = own_count / own_size
        center = float(count[chosen].sum() / size[chosen].sum()) if chosen else 0.0
        if len(chosen) < plan.fewest or spread(center, size[chosen]).max() == 0.0:
            phases.append(Phase(start, stop, len(chosen), "none"))
            points += [
                ChartPoint(places[start + n], float(own_size[n]), float(value)) for n, value in enumerate(own_value)
            ]
            continue
        sigma = spread(center, own_size)
        scatter, p_value = _find_scatter(size[chosen], count[chosen], center, spread(center, size[chosen]), plan)
        if scatter is not None:
            method: Method = "laney"
            half = SIGMAS * scatter * sigma
            limits, distances = (center - half, center + half), (own_value - center) / (scatter * sigma)
        elif not plan.is_plain and float((own_size * _rarer(center, distribution)).min()) < _LEAST_EXPECTED:
            method = "exact"
            law = distribution(center, own_size)
            limits = (law.ppf(_ONE_SIDE) / own_size, law.ppf(1.0 - _ONE_SIDE) / own_size)
            distances = _exact_distances(law, own_count, own_value, limits)
        else:
            method = "normal"
            limits, distances = (center - SIGMAS * sigma, center + SIGMAS * sigma), (own_value - center) / sigma
        highest = 1.0 if distribution is _binomial else math.inf
        limits = (np.maximum(limits[0], 0.0), np.minimum(limits[1], highest))
        phases.append(Phase(start, stop, len(chosen), method, center, scatter, p_value))
        points += judge_points(places[start:stop], own_size, own_value, center, limits, plan, distances)
    return ControlChart(tuple(points), tuple(phases))


def _rarer(center: float, distribution: Callable[[float, Floats], Any]) -> float:
    return min(center, 1.0 - center) if distribution is _binomial else center


def _binomial(center: float, size: Floats) -> Any:
    from scipy.stats import binom  # type: ignore[import-untyped]

    return binom(np.round(size), center)


def _poisson(center: float, size: Floats) -> Any:
    from scipy.stats import poisson

    return poisson(center * size)


def _exact_distances(law: Any, count: Floats, value: Floats, limits: tuple[Floats, Floats]) -> Floats:
    """Return how far out each count lies, in the sigmas of a normal value that is as rare (mid-p)."""
    from scipy.special import ndtri  # type: ignore[import-untyped]

    below = np.clip(law.cdf(count) - 0.5 * law.pmf(count), 1e-12, 1.0 - 1e-12)
    distances = np.asarray(ndtri(below), np.float64)
    # What the limits say is what counts: the two roundings of a count must not contradict each other.
    outside = (value > limits[1]) | (value < limits[0])
    return np.where(
        outside, np.copysign(np.maximum(np.abs(distances), 3.001), distances), np.clip(distances, -3.0, 3.0)
    )


def _find_scatter(
    size: Floats, count: Floats, center: float, sigma: Floats, plan: Plan
) -> tuple[float | None, float | None]:
    """Return Laney's sigma z where the points scatter more than chance explains, and the p-value of that test.

    The test is the chi-square test of dispersion. A few points beyond the limits are what a chart is there to find, and
    no scatter: they are left out of the test unless they are more than a tenth.
    """
    from scipy.stats import chi2

    distances = (count / size - center) / sigma
    outside = np.abs(distances) > SIGMAS
    inside = distances[~outside] if outside.mean() <= _MOST_SPECIAL else distances
    if plan.is_plain or not plan.is_ordered or len(inside) < FEWEST_POINTS:
        return None, None
    p_value = float(chi2.sf(float((inside**2).sum()), len(inside) - 1))
    scatter = float(np.abs(np.diff(distances)).mean()) / RANGE_TO_SIGMA
    return (scatter if p_value < _DISPERSION_LEVEL and scatter > 1.0 else None), p_value

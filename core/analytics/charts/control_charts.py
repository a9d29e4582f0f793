"""What a control chart is made of: points, phases with limits of their own, and the rules that points break."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.analytics.charts.run_rules import Rule, find_broken_rules

# What the limits of a chart were computed by.
Method = Literal["normal", "exact", "laney", "moving_range", "none"]

FEWEST_POINTS, USUAL_POINTS = 10, 20
SIGMAS = 3.0
RANGE_TO_SIGMA, RANGE_LIMIT = 1.128, 3.267  # d2 and D4 of the ranges of two values
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ChartPoint:
    """One point. `size` is what it stands on; `value`, `center` and limits are in the chart's unit.

    Without limits these are None. `distance` is from the center in sigmas of this point, `rules` are those that it
    completes.
    """

    place: int
    size: float
    value: float
    center: float | None = None
    lower: float | None = None
    upper: float | None = None
    distance: float | None = None
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Phase:
    """A stretch with limits of its own: points `start` to `stop` (not counted), the center, and how limits were found.

    `scatter` is how many times wider than by chance alone the points scatter (Laney's sigma z), where that was used;
    `scatter_p` the p-value of the test for it. `n_points` is how many points the limits stand on: fewer than
    `FEWEST_POINTS` give none, fewer than `USUAL_POINTS` are provisional.
    """

    start: int
    stop: int
    n_points: int
    method: Method
    center: float | None = None
    scatter: float | None = None
    scatter_p: float | None = None

    @property
    def is_provisional(self) -> bool:
        """Return whether the limits stand on fewer points than is usual."""
        return self.center is not None and self.n_points < USUAL_POINTS


@dataclass(frozen=True)
class ControlChart:
    """The points that have a size, in their order (`place`: that of what was given), and the phases of their limits."""

    points: tuple[ChartPoint, ...]
    phases: tuple[Phase, ...]

    @property
    def n_signals(self) -> int:
        """Return how many points break a rule."""
        return sum(bool(point.rules) for point in self.points)


@dataclass(frozen=True)
class Plan:
    """Which points share limits: the places at which new phases begin, and the places that limits are computed from.

    `baseline` None: from all points of the phase. `is_ordered` False for points without an order in time. `is_plain`
    keeps counts to the three sigmas of the binomial or Poisson distribution, whatever the counts look like.
    """

    starts: tuple[int, ...] = ()
    baseline: frozenset[int] | None = None
    is_ordered: bool = True
    is_plain: bool = False

    @property
    def fewest(self) -> int:
        """Return how many points limits need: lines beside each other are compared from two on."""
        return FEWEST_POINTS if self.is_ordered else 2


ONE_PHASE = Plan()


def judge_points(
    places: Sequence[int],
    sizes: Floats,
    values: Floats,
    center: float,
    limits: tuple[Floats, Floats],
    plan: Plan,
    distances: Floats | None = None,
) -> list[ChartPoint]:
    """Return the points of one phase with the rules that they break; `distances` as far out as the limits say."""
    lower, upper = limits
    if distances is None:
        distances = (values - center) / np.maximum((upper - center) / SIGMAS, 1e-300)
    broken = find_broken_rules(distances.tolist(), is_ordered=plan.is_ordered)
    return [
        ChartPoint(
            place, float(sizes[n]), float(values[n]), center, float(lower[n]), float(upper[n]), float(distances[n]),
            broken[n],
        )
        for n, place in enumerate(places)
    ]  # fmt: skip


def split_phases(places: Sequence[int], plan: Plan) -> list[tuple[int, int, list[int]]]:
    """Return for each phase where it starts and stops among the points, and the points that its limits stand on."""
    bounds = [0, *sorted({sum(place < start for place in places) for start in plan.starts}), len(places)]
    found = []
    for start, stop in pairwise(bounds):
        if start == stop:
            continue
        own = range(start, stop) if plan.baseline is None else range(len(places))
        chosen = [n for n in own if plan.baseline is None or places[n] in plan.baseline]
        found.append((start, stop, chosen))
    return found

"""Control charts against published examples (Montgomery, 6th and 7th edition), and what holds for any numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.analytics.charts.control_charts import ControlChart, Plan
from core.analytics.charts.count_charts import make_p_chart, make_u_chart
from core.analytics.charts.run_rules import find_broken_rules
from core.analytics.charts.score_charts import make_ewma_chart, make_individuals_chart

# Table 7.1: cans of frozen orange juice concentrate, 30 samples of 50.
CANS = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]
# Table 7.4: purchase orders, samples of different sizes.
ORDER_SIZES = [
    100, 80, 80, 100, 110, 110, 100, 100, 90, 90, 110, 120, 120, 120, 110, 80, 80, 80, 90, 100, 100, 100, 100, 90, 90,
]  # fmt: skip
ORDER_ERRORS = [12, 8, 6, 9, 10, 12, 11, 16, 10, 6, 20, 15, 9, 8, 6, 8, 10, 7, 5, 8, 5, 8, 10, 6, 9]
# Dyed cloth: inspection units of 50 m² a roll, and defects.
CLOTH_UNITS = [10.0, 8.0, 13.0, 10.0, 9.5, 10.0, 12.0, 10.5, 12.0, 12.5]
CLOTH_DEFECTS = [14, 12, 20, 11, 7, 10, 21, 16, 19, 23]
# Viscosity of aircraft primer paint.
VISCOSITY = [33.75, 33.05, 34.00, 33.81, 33.46, 34.02, 33.68, 33.27, 33.49, 33.20, 33.62, 33.00, 33.54, 33.12, 33.84]
# Table 9.1: 20 values of N(10, 1), then 10 of N(11, 1).
SHIFTED = [
    9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34, 9.03, 11.47, 10.51, 9.40, 10.08, 9.37, 10.62,
    10.31, 8.52, 10.84, 10.90, 9.33, 12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52,
]  # fmt: skip


def test_p_chart_of_the_orange_juice_cans() -> None:
    # The two samples that had a known cause are set apart, as the book does.
    baseline = frozenset(range(30)) - {14, 22}
    chart = make_p_chart([50] * 30, CANS, Plan(baseline=baseline, is_plain=True))
    point = chart.points[0]
    assert point.center == pytest.approx(0.2150, abs=1e-4)
    assert point.upper == pytest.approx(0.3893, abs=2e-4)
    assert point.lower == pytest.approx(0.0407, abs=2e-4)
    assert chart.phases[0].method == "normal"
    outside = [point.place + 1 for point in chart.points if "beyond_3" in point.rules]
    assert outside == [15, 21, 23]


def test_p_chart_limits_follow_the_size_of_the_sample() -> None:
    chart = make_p_chart(ORDER_SIZES, ORDER_ERRORS)
    assert chart.points[0].center == pytest.approx(0.0955, abs=1e-4)
    assert chart.points[10].upper == pytest.approx(0.180, abs=2e-3)
    assert [point.place + 1 for point in chart.points if "beyond_3" in point.rules] == [11]
    uppers = {ORDER_SIZES[point.place]: point.upper or 0.0 for point in chart.points}
    assert uppers[80] > uppers[100] > uppers[120]


def test_u_chart_of_dyed_cloth() -> None:
    chart = make_u_chart(CLOTH_UNITS, CLOTH_DEFECTS)
    first = chart.points[0]
    assert first.value == 1.4
    assert first.center == pytest.approx(1.42, abs=0.005)
    assert first.upper == pytest.approx(2.55, abs=0.01)
    assert first.lower == pytest.approx(0.29, abs=0.01)
    assert chart.n_signals == 0


def test_individuals_chart_of_viscosity() -> None:
    chart, ranges = make_individuals_chart(VISCOSITY)
    assert chart.points[0].center == pytest.approx(33.52, abs=0.005)
    assert chart.points[0].upper == pytest.approx(34.80, abs=0.01)
    assert chart.points[0].lower == pytest.approx(32.24, abs=0.01)
    assert ranges.points[0].center == pytest.approx(0.48, abs=0.005)
    assert ranges.points[0].upper == pytest.approx(1.57, abs=0.01)
    assert len(ranges.points) == len(VISCOSITY) - 1
    assert chart.n_signals == ranges.n_signals == 0


def test_ewma_chart_finds_a_shift_of_one_sigma() -> None:
    chart = make_ewma_chart(SHIFTED, weight=0.1, width=2.7, center=10.0, sigma=1.0)
    values = [point.value for point in chart.points]
    assert values[:4] == pytest.approx([9.945, 9.7495, 9.70355, 9.8992], abs=1e-4)
    assert values[27:] == pytest.approx([10.5731, 10.6468, 10.6341], abs=1e-4)
    assert (chart.points[0].lower, chart.points[0].upper) == pytest.approx((9.73, 10.27))
    assert (chart.points[-1].lower, chart.points[-1].upper) == pytest.approx((9.38, 10.62), abs=0.005)
    assert [point.place + 1 for point in chart.points if point.rules] == [29, 30]


def test_a_weight_of_one_is_the_chart_of_single_values() -> None:
    single, _ranges = make_individuals_chart(VISCOSITY)
    smoothed = make_ewma_chart(VISCOSITY, weight=1.0, width=3.0)
    assert [one.value for one in smoothed.points] == pytest.approx([one.value for one in single.points])
    assert [one.upper for one in smoothed.points] == pytest.approx([one.upper for one in single.points])


@pytest.mark.parametrize(
    ("distances", "expected"),
    [
        ([0.1, 3.2], ("beyond_3",)),
        ([0.1, 3.0], ()),
        ([2.1, 0.1, 2.2], ("two_of_three",)),
        ([2.1, 0.1, -2.2], ()),
        ([2.1, 2.2, 0.1], ()),  # the point itself is inside
        ([1.2, 1.3, 0.1, 1.4, 1.1], ("four_of_five",)),
        ([-1.2, -1.3, -1.4, -1.1], ("four_of_five",)),
        ([0.1] * 8, ("eight_in_row",)),
        ([-0.1] * 8, ("eight_in_row",)),
        ([0.1] * 7, ()),
        ([0.1] * 7 + [-0.1], ()),
        ([2.5, 3.5], ("beyond_3", "two_of_three")),
    ],
)
def test_rules_are_named_at_the_point_that_completes_them(distances: list[float], expected: tuple[str, ...]) -> None:
    assert find_broken_rules(distances)[-1] == expected


def test_without_an_order_only_the_limits_count() -> None:
    assert find_broken_rules([2.5] * 9 + [3.5], is_ordered=False) == [()] * 9 + [("beyond_3",)]


def test_rare_defects_get_exact_limits() -> None:
    # One in two hundred of 100 parts: three sigmas would call two defects an alarm, which chance brings every month.
    counts = [0, 1, 0, 0, 1, 2, 0, 1, 0, 0, 1, 0, 0, 1, 0, 2, 0, 0, 1, 0]
    chart = make_p_chart([100] * 20, counts)
    assert chart.phases[0].method == "exact"
    assert chart.n_signals == 0
    assert chart.points[0].lower == 0.0
    alarm = make_p_chart([100] * 21, [*counts, 6], Plan(baseline=frozenset(range(20))))
    assert alarm.points[-1].rules[0] == "beyond_3"


def test_scatter_beyond_chance_widens_the_limits_as_laney_says() -> None:
    rng = np.random.default_rng(7)
    rates = np.clip(rng.normal(0.05, 0.012, 40), 0.001, None)
    counts = rng.binomial(20_000, rates).tolist()
    chart = make_p_chart([20_000] * 40, counts)
    (phase,) = chart.phases
    assert phase.method == "laney"
    assert phase.scatter is not None
    assert phase.scatter > 3
    assert phase.scatter_p is not None
    assert phase.scatter_p < 0.01
    assert sum("beyond_3" in point.rules for point in chart.points) <= 1
    # By hand: the mean moving range of the standardized values.
    center = sum(counts) / (20_000 * 40)
    z = [(count / 20_000 - center) / (center * (1 - center) / 20_000) ** 0.5 for count in counts]
    sigma_z = float(np.mean(np.abs(np.diff(z)))) / 1.128
    assert phase.scatter == pytest.approx(sigma_z)
    assert chart.points[0].upper == pytest.approx(center + 3 * sigma_z * (center * (1 - center) / 20_000) ** 0.5)


def test_one_bad_day_is_an_alarm_and_no_scatter() -> None:
    rng = np.random.default_rng(3)
    counts = rng.binomial(500, 0.04, 30).tolist()
    counts[17] = 70
    chart = make_p_chart([500] * 30, counts)
    assert chart.phases[0].method == "normal"
    assert [point.place for point in chart.points if "beyond_3" in point.rules] == [17]


def test_a_few_points_have_no_limits_and_some_have_provisional_ones() -> None:
    few = make_p_chart([50] * 9, [5] * 9)
    assert few.phases[0].method == "none"
    assert few.points[0].upper is None
    assert few.n_signals == 0
    some = make_p_chart([50] * 12, [5, 6] * 6)
    assert some.phases[0].is_provisional
    assert not make_p_chart([50] * 20, [5, 6] * 10).phases[0].is_provisional


@pytest.mark.parametrize("counts", [[0] * 15, [50] * 15])
def test_what_never_varies_has_no_limits(counts: list[int]) -> None:
    chart = make_p_chart([50] * 15, counts)
    assert (chart.phases[0].method, chart.n_signals) == ("none", 0)


def test_constant_scores_have_no_limits() -> None:
    chart, ranges = make_individuals_chart([4.0] * 30)
    assert chart.phases[0].method == "none"
    assert (chart.n_signals, ranges.n_signals) == (0, 0)
    assert make_ewma_chart([4.0] * 30).phases[0].method == "none"


def test_empty_samples_have_no_point_and_break_no_run() -> None:
    chart = make_p_chart([50, 0, *[50] * 18], [5, 0, *[5, 7] * 9])
    assert [point.place for point in chart.points] == [0, *range(2, 20)]


def test_each_phase_has_limits_and_runs_of_its_own() -> None:
    counts = [5, 7] * 10 + [25, 28] * 10
    chart = make_p_chart([100] * 40, counts, Plan(starts=(20,)))
    assert [(phase.start, phase.stop) for phase in chart.phases] == [(0, 20), (20, 40)]
    assert chart.points[0].center == pytest.approx(0.06)
    assert chart.points[20].center == pytest.approx(0.265)
    assert chart.n_signals == 0
    assert make_p_chart([100] * 40, counts).n_signals > 10


def test_limits_from_a_chosen_baseline_judge_what_came_after() -> None:
    counts = [5, 7] * 10 + [25, 28]
    chart = make_p_chart([100] * 22, counts, Plan(baseline=frozenset(range(20))))
    assert chart.points[0].center == pytest.approx(0.06)
    assert [point.place for point in chart.points if "beyond_3" in point.rules] == [20, 21]


@given(
    st.lists(st.tuples(st.integers(0, 2_000), st.floats(0, 1)), max_size=60),
    st.sampled_from([make_p_chart, make_u_chart]),
)
@settings(max_examples=60, deadline=None)
def test_limits_surround_the_center_and_alarms_agree_with_them(
    drawn: list[tuple[int, float]], make: Callable[..., ControlChart]
) -> None:
    sizes = [size for size, _share in drawn]
    counts = [int(size * share) for size, share in drawn]
    chart = make(sizes, counts)
    assert [point.place for point in chart.points] == [place for place, size in enumerate(sizes) if size]
    assert sum(phase.stop - phase.start for phase in chart.phases) == len(chart.points)
    for point in chart.points:
        if point.upper is None or point.lower is None:
            assert point.rules == ()
            continue
        assert 0 <= point.lower <= point.upper
        outside = point.value > point.upper + 1e-9 or point.value < point.lower - 1e-9
        assert not outside or "beyond_3" in point.rules
        if "beyond_3" in point.rules:
            assert point.value >= point.upper - 1e-9 or point.value <= point.lower + 1e-9


@given(st.lists(st.floats(0, 1e6, allow_nan=False), max_size=60), st.floats(0.01, 1.0))
@settings(max_examples=60, deadline=None)
def test_a_smoothed_score_stays_between_the_lowest_and_the_highest(values: list[float], weight: float) -> None:
    chart = make_ewma_chart(values, weight=weight)
    assert len(chart.points) == len(values)
    for point in chart.points:
        assert min(values) - 1e-6 <= point.value <= max(values) + 1e-6

"""The figures behind the charts of trends as tables: on the screen, as CSV, and as sheets of an Excel workbook."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from core.analytics.agreement import VERDICTS, Agreement
from core.analytics.causes import StepCounts
from core.analytics.charts.control_charts import ControlChart
from core.analytics.drift import ScoreDrift
from core.analytics.groups import By
from core.analytics.score_trend import ScoreTrend
from core.analytics.trend_filter import GROUPINGS
from core.analytics.trends import Trend, TrendGroup
from core.analytics.yields import ActionTimes, TimesToAction, Yields
from core.catalog.views import name_view
from core.i18n import N_
from core.reports.group_labels import GroupNames
from core.reports.tables import Column, Row, Sheet
from core.reports.trend_words import METHOD_NAMES, describe_change, describe_drift, name_rules

if TYPE_CHECKING:
    from core.reports.layout import Words

VERDICT_TITLES = {"ok": N_("OK"), "review": N_("Review"), "reject": N_("NG")}
_SHARE = "0.00%"


def rate_sheet(trend: Trend, by: By, names: GroupNames, words: Words) -> Sheet:
    """Return the groups with their defect rate and its limits."""
    _ = words._
    titles = [_(GROUPINGS[by]), _("Inspections"), _("OK"), _("Review"), _("NG"), _("Overridden")]
    columns = [Column(titles[0], width=24), *(Column(title, "whole", 12) for title in titles[1:])]
    columns += [Column(title, "number", 12, _SHARE) for title in (_("Defect rate"), *_limit_titles(words))]
    columns += [Column(_("Broken rule"), width=44), Column(_("Limits by"), width=40)]
    return Sheet(_("Defect rate"), columns, list(_count_rows(trend, trend.rate, by, names, words, is_rate=True)))


def regions_sheet(trend: Trend, by: By, names: GroupNames, words: Words) -> Sheet:
    """Return the groups with their defect regions a part and their limits."""
    _ = words._
    columns = [Column(_(GROUPINGS[by]), width=24), Column(_("Inspections"), "whole", 12)]
    columns += [Column(_("Defect regions"), "whole", 12)]
    columns += [Column(title, "number", 12, "0.0000") for title in (_("Regions a part"), *_limit_titles(words))]
    columns += [Column(_("Broken rule"), width=44), Column(_("Limits by"), width=40)]
    rows = list(_count_rows(trend, trend.regions, by, names, words, is_rate=False))
    return Sheet(_("Defect regions"), columns, rows)


def score_sheet(trend: ScoreTrend, by: By, names: GroupNames, words: Words) -> Sheet:
    """Return the scores with the limits of single values, moving ranges and moving average."""
    _ = words._
    columns = [
        Column(_(GROUPINGS[by]) if any(point.inspection_id is None for point in trend.points) else _("Time"), width=24),
        Column(_("Inspection no."), "whole", 12),
        Column(_("Model version"), "whole", 12),
        Column(_("OK parts"), "whole", 12),
        *([Column(_("View of the product"), width=16)] if trend.view is not None else []),
        *(Column(title, "number", 12) for title in (_("Score"), *_limit_titles(words))),
        *(Column(title, "number", 12) for title in (_("Moving range"), _("Its upper limit"))),
        *(Column(title, "number", 12) for title in (_("Moving average (EWMA)"), *_limit_titles(words))),
        Column(_("Broken rule"), width=44),
    ]
    single = {point.place: point for point in trend.individuals.points}
    ranges = {point.place: point for point in trend.ranges.points}
    smoothed = {point.place: point for point in trend.ewma.points}
    of_view = [] if trend.view is None else [name_view(trend.view, words.language)]
    rows: list[Row] = []
    for place, point in enumerate(trend.points):
        own, step, mean = single[place], ranges.get(place), smoothed[place]
        label = words.moment(point.at) if point.inspection_id is not None else names.label(point.key, by, words)
        said = [name_rules(own.rules, words)]
        said += [f"{_('Moving range')}: {name_rules(step.rules, words)}"] if step is not None and step.rules else []
        said += [f"EWMA: {name_rules(mean.rules, words)}"] if mean.rules else []
        rows.append(
            (
                label, point.inspection_id, point.version_number, point.n_parts, *of_view, own.value, own.center,
                own.lower, own.upper, step.value if step is not None else None,
                step.upper if step is not None else None, mean.value, mean.center, mean.lower, mean.upper,
                "; ".join(text for text in said if text),
            )
        )  # fmt: skip
    return Sheet(_("Score"), columns, rows)


def type_sheet(counts: Sequence[tuple[str, int]], words: Words) -> Sheet:
    """Return the NG parts by defect type, the most frequent first."""
    total = sum(count for _name, count in counts)
    return _pareto_sheet(words._("NG parts by type"), words._("Defect type"), counts, total, words)


def step_sheet(counts: StepCounts, title: str, words: Words) -> Sheet:
    """Return the steps that people ticked; a part may have several, so that the shares are of all ticks."""
    steps = [(step.text, step.count) for step in counts.steps]
    return _pareto_sheet(title, title, steps, sum(count for _text, count in steps), words)


def drift_sheet(drifts: Sequence[ScoreDrift], words: Words) -> Sheet:
    """Return the comparison of good parts' scores with the calibration, a product a line."""
    _ = words._
    columns = [
        Column(_("Product"), width=24),
        Column(_("Model version"), "whole", 12),
        Column(_("Recent OK parts"), "whole", 14),
        Column(_("Calibration images"), "whole", 14),
        Column(_("Change"), "number", 12, _SHARE),
        Column(_("Chance to score higher"), "number", 14, "0.00"),
        Column("p", "number", 12, "0.0000"),
        Column(_("Meaning"), width=80),
    ]
    rows = [
        (
            _name_compared(one, words), one.version_number, one.n_recent, one.n_calibration, one.change, one.higher,
            one.p_value, describe_drift(one, words),
        )
        for one in drifts
    ]  # fmt: skip
    return Sheet(_("Drift"), columns, rows)


def _name_compared(one: ScoreDrift, words: Words) -> str:
    view = f" · {name_view(one.view, words.language)}" if one.view is not None else ""
    return words.product(one.product) + view


def yield_sheet(yields: Yields, words: Words) -> Sheet:
    """Return the first-pass yield line by line, then of all, then rolled over the lines."""
    _ = words._
    columns = [Column(_("Line"), width=24), Column(_("Parts"), "whole", 12), Column(_("OK at once"), "whole", 12)]
    columns.append(Column(_("First-pass yield"), "number", 14, _SHARE))
    rows: list[Row] = [
        (one.line or _("not noted"), one.n_parts, one.n_first_ok, one.share) for one in yields.lines
    ]  # fmt: skip
    rows.append((_("All"), yields.total.n_parts, yields.total.n_first_ok, yields.total.share))
    if yields.rolled is not None:
        rows.append((_("Rolled over the lines"), None, None, yields.rolled))
    return Sheet(_("First-pass yield"), columns, rows)


def action_sheet(times: TimesToAction, names: GroupNames, words: Words) -> Sheet:
    """Return the hours from the inspection to the closed action: of all, by defect type and by line."""
    _ = words._
    columns = [Column(_("By"), width=16), Column(_("Name"), width=28), Column(_("Closed actions"), "whole", 12)]
    columns += [Column(title, "number", 14, "0.00") for title in (_("Median (h)"), _("90 % within (h)"))]
    rows: list[Row] = [_time_row(_("All"), "", times.total)] if times.total is not None else []
    rows += [
        _time_row(_("Defect type"), names.type_name(type_id, words, with_product=True), found)
        for type_id, found in times.by_type.items()
    ]
    rows += [_time_row(_("Line"), line or _("not noted"), found) for line, found in times.by_line.items()]
    return Sheet(_("Time to action"), columns, rows)


def agreement_sheet(agreement: Agreement, words: Words) -> Sheet:
    """Return the verdicts of the model against those of people, and the kappa."""
    _ = words._
    columns = [Column(_("The model says"), width=24)]
    columns += [Column(_("A person says {verdict}", verdict=_(VERDICT_TITLES[code])), "whole", 16) for code in VERDICTS]
    columns.append(Column(_("Kappa"), "number", 12, "0.000"))
    rows: list[Row] = [
        (_(VERDICT_TITLES[code]), *agreement.table[place], None) for place, code in enumerate(VERDICTS)
    ]  # fmt: skip
    kappa = agreement.kappa
    rows.append((_("Kappa (OK and NG)"), None, None, None, kappa.value))
    rows.append((_("95 % interval, from"), None, None, None, kappa.low))
    rows.append((_("95 % interval, to"), None, None, None, kappa.high))
    return Sheet(_("Model and people"), columns, rows)


def change_sheet(trend: Trend, words: Words) -> Sheet:
    """Return what came into force in the period."""
    columns = [Column(words._("Time"), "moment", 20), Column(words._("What changed"), width=80)]
    return Sheet(words._("Changes"), columns, [(one.at, describe_change(one, words)) for one in trend.changes])


def scope_sheet(first: date | None, last: date, filters: Sequence[tuple[str, str]], words: Words) -> Sheet:
    """Return what the other sheets are of."""
    columns = [Column(words._("Filter"), width=24), Column(words._("Value"), width=48)]
    since = words._("the beginning") if first is None else f"{first:%Y-%m-%d}"
    rows: list[Row] = [(words._("Production days"), f"{since} – {last:%Y-%m-%d}"), *filters]
    return Sheet(words._("About"), columns, rows)


def _limit_titles(words: Words) -> tuple[str, str, str]:
    return words._("Center"), words._("Lower limit"), words._("Upper limit")


def _count_rows(
    trend: Trend, chart: ControlChart, by: By, names: GroupNames, words: Words, *, is_rate: bool
) -> list[Row]:
    methods = {
        place: words._(METHOD_NAMES[phase.method])
        for phase in chart.phases
        for place in (point.place for point in chart.points[phase.start : phase.stop])
    }
    rows: list[Row] = []
    for point in chart.points:
        group = trend.groups[point.place]
        rows.append(
            (
                names.label(group.key, by, words), *_counts(group, is_rate=is_rate), point.value, point.center,
                point.lower, point.upper, name_rules(point.rules, words), methods[point.place],
            )
        )  # fmt: skip
    return rows


def _counts(group: TrendGroup, *, is_rate: bool) -> tuple[int, ...]:
    counts = group.counts
    if is_rate:
        return counts.n, counts.ok, counts.review, group.n_rejected, counts.overridden
    return counts.n, group.n_regions


def _pareto_sheet(name: str, title: str, counts: Sequence[tuple[str, int]], total: int, words: Words) -> Sheet:
    columns = [Column(title, width=48), Column(words._("Count"), "whole", 12)]
    columns += [Column(label, "number", 12, _SHARE) for label in (words._("Share"), words._("Cumulative share"))]
    rows: list[Row] = []
    running = 0
    for text, count in counts:
        running += count
        rows.append((text, count, count / total, running / total))
    return Sheet(name, columns, rows)


def _time_row(kind: str, name: str, times: ActionTimes) -> Row:
    return kind, name, times.n, times.median_s / 3600, times.p90_s / 3600

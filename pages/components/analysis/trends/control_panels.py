"""The panels of defect rate, defect regions and score: a control chart, what it found, and how its limits are set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.analytics.score_trend import MOST_PARTS, read_score_trend
from core.analytics.trend_filter import (
    BASELINE,
    LEAST_WEIGHT,
    LEAST_WIDTH,
    LIMITS,
    MOST_WEIGHT,
    MOST_WIDTH,
    ORDERED,
    SCORES,
    SINGLE_PARTS,
    TrendFilter,
)
from core.analytics.trends import MOST_HOUR_DAYS
from core.catalog.views import name_view
from core.reports.trend_tables import rate_sheet, regions_sheet, score_sheet
from core.reports.trend_words import describe_change, describe_phase, describe_provisional, name_rules
from pages.components.analysis.trends.drawing import Drawing, draw_control_chart
from pages.components.analysis.trends.filter_bar import choose, pick, pick_day, slide, tick, words
from pages.components.analysis.trends.links import history_query
from pages.components.analysis.trends.tables import show_table
from pages.components.shared.charts import CONFIG
from pages.components.shared.language import _, _n, escape, language, moment, number, percent, score
from pages.components.shared.screens import HISTORY, link_to
from pages.components.shared.session import services

if TYPE_CHECKING:
    from core.analytics.charts.control_charts import ChartPoint, ControlChart
    from core.analytics.score_trend import ScoreTrend
    from core.analytics.trends import Trend
    from core.reports.group_labels import GroupNames


@dataclass(frozen=True)
class _Shown:
    """A chart on the screen: how values are written, and the inspections behind a point (address words by link)."""

    key: str
    chart: ControlChart
    drawing: Drawing
    write: Callable[[float], str]
    links: Callable[[ChartPoint], list[tuple[str, dict[str, str]]]]
    most_signals: int = 4


def show_rate_panel(trend: Trend, wanted: TrendFilter, names: GroupNames) -> None:
    """Show the p-chart of the defect rate."""
    _show_count_panel(trend, wanted, names, is_rate=True)


def show_regions_panel(trend: Trend, wanted: TrendFilter, names: GroupNames) -> None:
    """Show the u-chart of defect regions a part."""
    _show_count_panel(trend, wanted, names, is_rate=False)


def _show_count_panel(trend: Trend, wanted: TrendFilter, names: GroupNames, *, is_rate: bool) -> None:
    said, by = words(), wanted.by
    chart = trend.rate if is_rate else trend.regions
    write: Callable[[float], str] = (lambda value: percent(value, 2)) if is_rate else (lambda value: f"{value:.3f}")
    labels = [names.label(group.key, by, said) for group in trend.groups]
    hovers = [""] * len(labels)
    for point in chart.points:
        group = trend.groups[point.place]
        found = group.n_rejected if is_rate else group.n_regions
        counted = (
            _("{found} NG of {count}", found=number(found), count=number(group.counts.n))
            if is_rate
            else _("{found} regions on {count} parts", found=number(found), count=number(group.counts.n))
        )
        hovers[point.place] = _hover(labels[point.place], f"{write(point.value)} ({counted})", point, write)

    def links(point: ChartPoint) -> list[tuple[str, dict[str, str]]]:
        group = trend.groups[point.place]
        every = history_query(trend.scope, names.calendar, by=by, key=group.key)
        rejected = history_query(trend.scope, names.calendar, by=by, key=group.key, verdict="reject")
        found = [(_("NG parts ({count})", count=number(group.n_rejected)), rejected)] if group.n_rejected else []
        return [*found, (_("All inspections ({count})", count=number(group.counts.n)), every)]

    shown = _Shown(
        key="rate" if is_rate else "regions",
        chart=chart,
        drawing=Drawing(
            labels=labels,
            hovers=hovers,
            value_title=_("Defect rate (NG of inspections)") if is_rate else _("Defect regions a part"),
            tick_format=".1%" if is_rate else ".2f",
            value_name=_("Defect rate") if is_rate else _("Regions a part"),
            marks=_marks(trend),
            is_ordered=by in ORDERED,
        ),
        write=write,
        links=links,
    )
    if trend.hours_from is not None:
        st.caption(_("By hour, the last {days} days of the period are shown.", days=MOST_HOUR_DAYS))
    if not chart.points:
        st.info(_("Nothing to draw here: no inspection in what is shown."), icon=":material/event_busy:")
        return
    _show_chart(shown)
    _say_phases(chart, is_ordered=by in ORDERED)
    if trend.n_left_out:
        _say_left_out(trend.n_left_out, wanted)
    if trend.changes:
        _show_changes(trend, wanted)
    sheet = (rate_sheet if is_rate else regions_sheet)(trend, by, names, said)
    show_table(sheet, shown.key, wanted)


def show_score_panel(trend: Trend, wanted: TrendFilter, names: GroupNames) -> None:
    """Show the individuals, moving-range and EWMA charts of the scores of OK parts."""
    if wanted.product is None:
        st.info(
            _("Choose a product above: the scores of different products cannot be compared."),
            icon=":material/category:",
        )
        return
    if wanted.scores != SINGLE_PARTS and wanted.by not in ORDERED:
        st.info(
            _("A run of scores needs an order in time: group by hour, day, week, month or shift, or show each part."),
            icon=":material/timeline:",
        )
        with st.columns([1, 2])[0]:
            pick("scores", {code: _(label) for code, label in SCORES.items()}, wanted, may_be_none=False)
        return
    scores = read_score_trend(services(), wanted)
    kind, of_view, _rest = st.columns([1.2, 1.6, 2], vertical_alignment="bottom")
    with kind:
        pick("scores", {code: _(label) for code, label in SCORES.items()}, wanted, may_be_none=False)
    if scores.view is not None:
        with of_view:
            names_of_views = {view.code: name_view(view, language()) for view in scores.views}
            pick("view", names_of_views, replace(wanted, view=scores.view.code), may_be_none=False)
    if not scores.points:
        st.info(_("No OK part was inspected in this period."), icon=":material/event_busy:")
        return
    said = words()
    labels = [
        moment(point.at) if point.at is not None else names.label(point.key, wanted.by, said) for point in scores.points
    ]
    starts = {phase.start for phase in scores.individuals.phases[1:]}
    marks = [(place, f"v{scores.points[place].version_number}") for place in sorted(starts)]

    def links(point: ChartPoint) -> list[tuple[str, dict[str, str]]]:
        own = scores.points[point.place]
        if own.inspection_id is not None:
            return [(_("Inspection {number}", number=own.inspection_id), {"inspection": str(own.inspection_id)})]
        query = history_query(
            trend.scope, names.calendar, by=wanted.by, key=own.key, verdict="ok",
            version_id=own.version_id if scores.view is None else None,
        )  # fmt: skip
        if scores.view is not None:  # the history knows a part by the version of the view that decided
            return [(_("OK parts"), query)]
        return [(_("OK parts ({count})", count=number(own.n_parts)), query)]

    for key, chart, title, name in (
        ("score", scores.individuals, _("Score of OK parts (distance)"), _("Score")),
        ("ewma", scores.ewma, _("Moving average of the score (EWMA)"), _("Moving average")),
        ("ranges", scores.ranges, _("Moving range of the score"), _("Moving range")),
    ):
        if key == "ewma":
            left, right = st.columns(2)
            with left:
                slide(
                    "weight", wanted, LEAST_WEIGHT, MOST_WEIGHT, step=0.05,
                    hint=_("Small: lasting small shifts are seen. 1: every value stands alone. Usual: 0.2."),
                )  # fmt: skip
            with right:
                slide(
                    "width", wanted, LEAST_WIDTH, MOST_WIDTH, step=0.1,
                    hint=_("In standard deviations. Wider: fewer false alarms. Usual: 3, with small weights 2.7."),
                )  # fmt: skip
        st.markdown(f"**{title}**")
        hovers = [""] * len(labels)
        for point in chart.points:
            own = scores.points[point.place]
            about = _("version {number}, {count} parts", number=own.version_number, count=number(own.n_parts))
            hovers[point.place] = _hover(labels[point.place], f"{score(point.value)} ({about})", point, score)
        drawing = Drawing(
            labels=labels, hovers=hovers, value_title=_("Score"), tick_format="", value_name=name, marks=marks,
            from_zero=key == "ranges", height_px=300 if key == "score" else 250,
        )  # fmt: skip
        _show_chart(_Shown(key, chart, drawing, score, links, 4 if key == "score" else 2))
        if key == "score":
            _say_phases(chart)
    st.caption(_("EWMA limits: center ± L · σ · √(λ / (2 − λ) · (1 − (1 − λ)^2i)); Montgomery, chapter 9."))
    _say_scores(scores, wanted)
    show_table(score_sheet(scores, wanted.by, names, said), "score", wanted)


@st.fragment
def _show_chart(shown: _Shown) -> None:
    """Show the chart, the point that was clicked, and the points that break a rule; a click redraws this alone."""
    chart, labels = shown.chart, shown.drawing.labels
    signals = [point for point in chart.points if point.rules]
    said = words()
    alt = _(
        "{name}: {count} points, {signals} of them break a rule.",
        name=shown.drawing.value_title, count=len(chart.points), signals=len(signals),
    )  # fmt: skip
    event: Any = st.plotly_chart(
        draw_control_chart(chart, shown.drawing),
        width="stretch",
        theme="streamlit",
        key=f"trend_chart_{shown.key}",
        config=CONFIG,
        on_select="rerun",
        selection_mode="points",
        alt=alt,
    )
    clicked = _clicked(event, chart)
    if clicked is not None:
        with st.container(border=True):
            _show_point(clicked, shown, labels[clicked.place], name_rules(clicked.rules, said))
    elif signals:
        st.markdown(
            _n(
                "**{count} point breaks a rule** (◆). The newest first:",
                "**{count} points break a rule** (◆). The newest first:",
                len(signals),
            )
        )
        for point in signals[: -shown.most_signals - 1 : -1]:
            _show_point(point, shown, labels[point.place], _name_first_rule(point))
        left = len(signals) - shown.most_signals
        if left > 0:
            st.caption(_n("and {count} more in the table", "and {count} more in the table", left))
    elif any(phase.center is not None for phase in chart.phases):
        st.caption(_("No point breaks a rule: what varies here is chance. Click a point to see its inspections."))


def _name_first_rule(point: ChartPoint) -> str:
    """Return the rule that says most; all of them stand in the point's own words and in the table."""
    first = name_rules(point.rules[:1], words())
    others = len(point.rules) - 1
    return first if not others else f"{first} {_n('and {count} more rule', 'and {count} more rules', others)}"


def _show_point(point: ChartPoint, shown: _Shown, label: str, rules: str) -> None:
    links = shown.links(point)
    columns = st.columns([3.2, *([1.1] * len(links))], vertical_alignment="center")
    limits = ""
    if point.upper is not None and point.lower is not None:
        limits = _("limits {lower} – {upper}", lower=shown.write(point.lower), upper=shown.write(point.upper))
    parts = [f"**{escape(label)}**", shown.write(point.value), limits, rules]
    columns[0].markdown(" · ".join(text for text in parts if text))
    for column, (name, query) in zip(columns[1:], links, strict=True):
        with column:
            link_to(HISTORY, name, query=query)


def _clicked(event: Any, chart: ControlChart) -> ChartPoint | None:
    points = event.selection.points if event and event.selection else []
    data = points[0].get("customdata") if points else None
    if not isinstance(data, Sequence) or not data:
        return None
    return next((point for point in chart.points if point.place == data[0]), None)


def _hover(label: str, value: str, point: ChartPoint, write: Callable[[float], str]) -> str:
    import html

    lines = [f"<b>{html.escape(label, quote=False)}</b>", value]
    if point.upper is not None and point.lower is not None:
        lines.append(_("limits {lower} – {upper}", lower=write(point.lower), upper=write(point.upper)))
    return "<br>".join([*lines, *(name_rules([rule], words()) for rule in point.rules)])


def _marks(trend: Trend) -> list[tuple[int, str]]:
    """Return the changes as marks; several before one group share a mark."""
    marks: dict[int, list[str]] = {}
    for change, place in zip(trend.changes, trend.change_places, strict=True):
        name = f"v{change.number}" if change.what == "model" else _("thresholds")
        names = marks.setdefault(place, [])
        if name not in names:
            names.append(name)
    return [(place, ", ".join(names)) for place, names in marks.items()]


def show_limits(wanted: TrendFilter, *, of_counts: bool = True) -> None:
    """Show how limits are set, and let it be changed."""
    if wanted.by not in ORDERED:
        return
    with st.popover(_("Limits"), icon=":material/tune:", width="stretch"):
        choose("limits", {code: _(label) for code, label in LIMITS.items()}, wanted)
        if wanted.limits == BASELINE:
            for column, name in zip(st.columns(2), ("baseline_first", "baseline_last"), strict=True):
                with column:
                    pick_day(name, wanted)
            if wanted.baseline_first is None:
                st.caption(_("Choose the days whose points the limits stand on; until then it is the whole period."))
        if of_counts:
            hint = _("3σ of the binomial or Poisson distribution, as in textbooks, in every case.")
            tick("is_plain", wanted, hint=hint)


def _say_phases(chart: ControlChart, *, is_ordered: bool = True) -> None:
    said = words()
    texts = [describe_phase(phase, said, is_ordered=is_ordered) for phase in chart.phases]
    if is_ordered:
        texts.append(describe_provisional(chart.phases, said))
    for text in filter(None, dict.fromkeys(texts)):
        st.caption(text)


def _say_left_out(count: int, wanted: TrendFilter) -> None:
    if wanted.by in ORDERED:
        st.caption(_n("{count} older group is not shown.", "{count} older groups are not shown.", count))
    else:
        st.caption(
            _n("{count} group with fewer parts is not shown.", "{count} groups with fewer parts are not shown.", count)
        )


def _say_scores(scores: ScoreTrend, wanted: TrendFilter) -> None:
    if scores.is_capped and wanted.scores == SINGLE_PARTS:
        st.caption(_("The newest {count} OK parts of the period are shown.", count=MOST_PARTS))
    elif scores.is_capped:
        st.caption(_("The newest points of the period are shown."))


def _show_changes(trend: Trend, wanted: TrendFilter) -> None:
    said = words()
    with st.expander(_("What changed in this period ({count})", count=len(trend.changes)), icon=":material/flag:"):
        for change in reversed(trend.changes):
            st.markdown(f"{moment(change.at)} · {escape(describe_change(change, said))}")

"""The charts of a gauge study: a shape and a color for each setup, both told apart by everybody (Okabe and Ito)."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.gauge.terms import EFFECTIVENESS_LIMITS, GRR_LIMITS
from core.gauge.variance import COMPONENT_NAMES, TV
from core.gauge.wording import name_appraiser, name_setup
from pages.components.shared.language import _, score

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from core.gauge.records import Study
    from core.gauge.results import AgreementResult, ScoreResult

# Okabe and Ito's colors that stand out on white and on dark paper.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star")
_LIMIT, _REVIEW, _REJECT = "#7f8c94", "#c07a10", "#b3261e"
_HEIGHT_PX = 320


def draw_scores(result: ScoreResult, study: Study) -> go.Figure:
    """Draw every score of every part, the parts by their mean, with the thresholds."""
    figure = _figure(_("Part name"), _("Score"))
    order = np.argsort(result.variance.part_means, kind="stable")
    names = [_name(result.parts[place].name) for place in order]
    for setup in range(len(study.setups)):
        places = [place for place in range(len(order)) for _one in range(study.n_pictures)]
        values = result.variance.scores[order, setup, :].ravel()
        # Beside each other and not on top of each other.
        shift = (setup - (len(study.setups) - 1) / 2) * 0.16
        figure.add_scatter(
            x=[place + shift for place in places],
            y=values,
            mode="markers",
            name=_name(name_setup(study, setup, _)),
            customdata=[names[place] for place in places],
            marker=_marker(setup, size=8),
            hovertemplate="%{customdata}: %{y:.4g}<extra></extra>",
        )
    _name_ticks(figure, names)
    limits = ((_("Review from {score}"), study.review_at, _REVIEW), (_("NG from {score}"), study.reject_at, _REJECT))
    for words, limit, color in limits:
        if limit is not None:
            _add_line(figure, limit, words.format(score=score(limit)), color, "dash")
    return figure


def draw_ranges(result: ScoreResult, study: Study) -> go.Figure:
    """Draw the range of each part at each setup, with its control limit."""
    limits = result.variance.limits
    figure = _by_setup(result, study, result.variance.ranges, _("Range of the scores"))
    _add_line(figure, limits.range_limit, _("Upper limit {value}", value=score(limits.range_limit)), _REJECT, "dash")
    _add_line(figure, limits.mean_range, _("Mean range {value}", value=score(limits.mean_range)), _LIMIT, "dot")
    return figure


def draw_means(result: ScoreResult, study: Study) -> go.Figure:
    """Draw the mean of each part at each setup; between the limits parts cannot be told apart."""
    limits = result.variance.limits
    figure = _by_setup(result, study, result.variance.means, _("Mean score"))
    figure.add_hrect(y0=limits.mean_low, y1=limits.mean_high, fillcolor=_LIMIT, opacity=0.22, line_width=0)
    _add_line(figure, limits.grand_mean, _("Mean {value}", value=score(limits.grand_mean)), _LIMIT, "dot")
    return figure


def draw_components(result: ScoreResult) -> go.Figure:
    """Draw the share of each part of the variation, in percent of the whole and of the Review band."""
    figure = _figure("", _("Share in %"))
    shown = [one for name, one in result.variance.components.items() if name != TV]
    names = [_(COMPONENT_NAMES[one.name]) for one in shown]
    bars: list[tuple[str, list[float | None], str]] = [
        (_("of the total variation"), [one.of_variation for one in shown], ""),
    ]
    if result.variance.tolerance is not None:
        bars.append((_("of the Review band"), [one.of_tolerance for one in shown], "/"))
    for place, (title, shares, pattern) in enumerate(bars):
        figure.add_bar(
            x=names,
            y=[None if share is None else 100 * share for share in shares],
            name=title,
            marker={"color": COLORS[place], "pattern": {"shape": pattern}},
            hovertemplate="%{x}: %{y:.1f}%<extra></extra>",
        )
    for limit in GRR_LIMITS:
        _add_line(figure, 100 * limit, f"{100 * limit:.0f}%", _LIMIT, "dash")
    return figure


def draw_appraisers(result: AgreementResult, study: Study) -> go.Figure:
    """Draw the share of parts that each appraiser always judged rightly, or alike where the truth is not known."""
    known = any(one.right is not None for one in result.appraisers)
    figure = _figure("", _("Always right, in %") if known else _("Always alike, in %"))
    shown = [(one, one.right if known else one.same) for one in result.appraisers]
    pairs = [(one, share) for one, share in shown if share is not None]
    figure.add_scatter(
        x=[_name(name_appraiser(one, study, _)) for one, _share in pairs],
        y=[100 * share.value for _one, share in pairs],
        mode="markers",
        marker={
            "color": COLORS[0],
            "size": 11,
            "symbol": ["diamond" if one.is_model else "circle" for one, _s in pairs],
        },
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [100 * (share.high - share.value) for _one, share in pairs],
            "arrayminus": [100 * (share.value - share.low) for _one, share in pairs],
            "thickness": 2,
        },
        hovertemplate="%{x}: %{y:.1f}%<extra></extra>",
        showlegend=False,
    )
    for limit in EFFECTIVENESS_LIMITS if known else ():
        _add_line(figure, 100 * limit, f"{100 * limit:.0f}%", _LIMIT, "dash")
    figure.update_yaxes(range=[0, 104])
    return figure


def draw_looks(result: AgreementResult, study: Study) -> go.Figure:
    """Draw how often each appraiser stopped each part: from never, pale, to always, dark, the count in the cell."""
    import plotly.graph_objects as go

    rows = sorted(result.looks, key=lambda one: (one.is_unanimous, one.part.place))
    names = [_name(name_appraiser(one, study, _)) for one in result.appraisers]
    shares = [[stopped / looks for stopped, looks in one.stopped] for one in rows]
    counts = [[f"{stopped}/{looks}" for stopped, looks in one.stopped] for one in rows]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=list(range(len(names))),
            y=list(range(len(rows))),
            text=counts,
            texttemplate="%{text}",
            colorscale=[[0.0, "#e8eef2"], [0.5, "#E69F00"], [1.0, "#7a2e00"]],
            zmin=0,
            zmax=1,
            showscale=False,
            xgap=2,
            ygap=2,
            hovertemplate="%{text}<extra></extra>",
        )
    )
    labels = [f"{_name(one.part.name)} ({_truth(one.part.reference)})" for one in rows]
    figure.update_layout(
        height=max(200, 60 + 24 * len(rows)),
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        xaxis={"side": "top", "tickvals": list(range(len(names))), "ticktext": names, "fixedrange": True},
        yaxis={
            "autorange": "reversed",
            "tickvals": list(range(len(labels))),
            "ticktext": labels,
            "fixedrange": True,
            "automargin": True,
        },
    )
    return figure


def _truth(reference: str) -> str:
    return {"good": _("OK"), "defect": _("NG")}.get(reference, "?")


def _by_setup(result: ScoreResult, study: Study, values: Any, title: str) -> go.Figure:
    figure = _figure(_("Part name"), title)
    names = [_name(part.name) for part in result.parts]
    for setup in range(len(study.setups)):
        figure.add_scatter(
            x=list(range(len(names))),
            y=values[:, setup],
            mode="lines+markers",
            name=_name(name_setup(study, setup, _)),
            customdata=names,
            marker=_marker(setup, size=8),
            line={"color": COLORS[setup % len(COLORS)], "width": 1.5},
            hovertemplate="%{customdata}: %{y:.4g}<extra></extra>",
        )
    _name_ticks(figure, names)
    return figure


def _figure(x_title: str, y_title: str) -> go.Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.update_layout(
        height=_HEIGHT_PX,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={"title": {"text": x_title or None}, "fixedrange": True, "automargin": True},
        yaxis={"title": {"text": y_title}, "fixedrange": True, "automargin": True},
    )
    return figure


def _marker(setup: int, *, size: int) -> dict[str, Any]:
    return {"color": COLORS[setup % len(COLORS)], "symbol": SYMBOLS[setup % len(SYMBOLS)], "size": size}


def _name_ticks(figure: go.Figure, names: Sequence[str]) -> None:
    # Names on a number axis: two parts may not fall into one category, and names that are numbers stay in their order.
    figure.update_xaxes(tickvals=list(range(len(names))), ticktext=list(names), range=[-0.6, len(names) - 0.4])


def _add_line(figure: go.Figure, value: float, words: str, color: str, dash: str) -> None:
    figure.add_hline(
        y=value,
        line={"color": color, "width": 1.5, "dash": dash},
        annotation_text=words,
        annotation_position="top right",
    )


def _name(text: str) -> str:
    """Return a name as plain text: Plotly reads some HTML in its texts."""
    return html.escape(text if len(text) <= 18 else f"{text[:17]}…", quote=False)

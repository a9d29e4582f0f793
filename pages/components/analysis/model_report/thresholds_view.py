"""The two thresholds over the test scores: the board, the proposals beside it, the costs and the save."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.model_report.bounds import escape_bounds, overkill_bounds
from core.model_report.costs import read_costs, read_line_rate
from core.model_report.records import GOOD, type_label
from pages.components.analysis.model_report.cell_images import open_cell
from pages.components.analysis.model_report.cost_form import show_cost_form
from pages.components.analysis.model_report.draft import keep_pair, pair_of, read_draft
from pages.components.analysis.model_report.proposals import show_proposals
from pages.components.analysis.model_report.save_panel import show_save_panel
from pages.components.analysis.model_report.threshold_handles import (
    LineCosts,
    ScoreGroup,
    ThresholdBoard,
    show_threshold_board,
)
from pages.components.analysis.model_report.words import name_types
from pages.components.shared.dialogs import is_dialog_open
from pages.components.shared.language import _
from pages.components.shared.session import services

if TYPE_CHECKING:
    from core.model_report.records import Costs, LineRate, ModelReport


def show_thresholds(report: ModelReport) -> None:
    """Show everything that is done with the thresholds of a version."""
    costs = read_costs(services(), report.head.product_id)
    rate = read_line_rate(services(), report.head.product_id)
    _show_parts(report, costs, rate, is_dialog_open())


@st.fragment
def _show_parts(report: ModelReport, costs: Costs, rate: LineRate, has_dialog: bool) -> None:
    if is_dialog_open() and not has_dialog:
        # A cell or a replay was opened in here; the whole page draws it.
        st.rerun()
    left, right = st.columns([2.6, 1], gap="medium")
    # What is drawn last is at the left: the panels beside the board may still move its handles.
    with right:
        with st.container(border=True, key="report_save_panel"):
            show_save_panel(report)
        with st.container(border=True, key="report_proposals"):
            show_proposals(report, costs, rate)
            show_cost_form(report.head.product_id, costs, rate)
    with left:
        _show_board(report, costs, rate)


def _show_board(report: ModelReport, costs: Costs, rate: LineRate) -> None:
    draft = read_draft(report)
    version_id = report.head.version_id
    share = costs.defect_rate if costs.defect_rate is not None else rate.rate
    show_threshold_board(
        ThresholdBoard(
            groups=_groups(report),
            pair=draft.pair,
            token=f"{version_id}:{draft.moves}:{report.measured_at.isoformat()}",
            in_force=pair_of(report.in_force),
            escape_upper=escape_bounds(report.images),
            overkill_upper=overkill_bounds(report.images),
            defect_rate=share,
            costs=LineCosts(costs.escape, costs.overkill, costs.review, costs.currency),
        ),
        key=f"report_board_{version_id}",
        on_moved=partial(keep_pair, version_id),
        on_opened=partial(open_cell, version_id),
    )
    st.caption(
        _(
            "The test images hold {good} good images and {defects} with defects; "
            "a number in the table opens its images.",
            good=report.n_good,
            defects=report.n_defect,
        )
    )


def _groups(report: ModelReport) -> list[ScoreGroup]:
    """Return the scores of good parts, then those of each defect type, the most frequent first."""
    names = name_types(report)
    scores: dict[str | None, list[float]] = {None: []}
    for image in report.images:
        scores.setdefault(image.defect_type, []).append(image.score)
    types = sorted((code for code in scores if code is not None), key=lambda code: (-len(scores[code]), code))
    return [
        ScoreGroup(GOOD, _("Good parts"), False, scores[None]),
        *(ScoreGroup(type_label(code), names.get(code, code), True, scores[code]) for code in types),
    ]

"""The histogram of test scores with two thresholds to move; the counts follow in the browser, the page on release."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from pages.components.analysis.model_report.threshold_board import BOARD_JS
from pages.components.analysis.model_report.threshold_drawing import DRAWING_JS
from pages.components.analysis.model_report.threshold_markup import CSS, HTML
from pages.components.analysis.model_report.threshold_script import HANDLES_JS
from pages.components.shared.language import _, language

Pair = tuple[float, float]
_VERDICTS = ("ok", "review", "reject")


@dataclass(frozen=True)
class ScoreGroup:
    """The scores of the test images of one true label; `code` comes back where its images are asked for."""

    code: str
    label: str
    is_defect: bool
    scores: Sequence[float]


@dataclass(frozen=True)
class LineCosts:
    """What a missed part, a false alarm and a look by a person cost, in `currency`."""

    escape: float
    overkill: float
    review: float
    currency: str


@dataclass(frozen=True)
class ThresholdBoard:
    """What the board shows.

    `pair` is where the handles stand; they go there when `token` is another than before, and otherwise stay where the
    person has put them. `escape_upper` and `overkill_upper` hold the upper bound of the rate for every count that is
    possible, from 0 on. `defect_rate` is that of the line, None where it is not known.
    """

    groups: Sequence[ScoreGroup]
    pair: Pair
    token: str
    in_force: Pair | None
    escape_upper: Sequence[float] = field(default=(1.0,), repr=False)
    overkill_upper: Sequence[float] = field(default=(1.0,), repr=False)
    defect_rate: float | None = None
    costs: LineCosts | None = None


def show_threshold_board(
    board: ThresholdBoard,
    *,
    key: str,
    on_moved: Callable[[Pair], None],
    on_opened: Callable[[str, str, Pair], None],
) -> None:
    """Show the board. `on_moved` gets the thresholds when a handle is let go; `on_opened` the label and the verdict.

    What a browser sends that is no pair of thresholds, or no cell of this table, is not taken.
    """

    def take_pair() -> None:
        pair = read_pair(getattr(st.session_state.get(key), "moved", None))
        if pair is not None:
            on_moved(pair)

    def take_cell() -> None:
        told = getattr(st.session_state.get(key), "opened", None)
        if not isinstance(told, list | tuple) or len(told) != 4:
            return
        label, verdict, pair = told[0], told[1], read_pair(told[2:])
        if pair is not None and verdict in _VERDICTS and label in {group.code for group in board.groups}:
            on_opened(str(label), str(verdict), pair)

    # Registered at each run: a component belongs to the running server, and this module outlives one in the tests.
    component = st.components.v2.component(
        "geomsa_threshold_board", html=HTML, css=CSS, js="\n".join((DRAWING_JS, HANDLES_JS, BOARD_JS))
    )
    component(key=key, data=_describe(board), on_moved_change=take_pair, on_opened_change=take_cell)


def read_pair(told: object) -> Pair | None:
    """Return two finite numbers as a browser sends them; None for anything else."""
    if not isinstance(told, list | tuple) or len(told) != 2:
        return None
    if not all(isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one) for one in told):
        return None
    return float(told[0]), float(told[1])


def _describe(board: ThresholdBoard) -> dict[str, Any]:
    costs = board.costs
    return {
        "groups": [
            {
                "code": group.code,
                "label": group.label,
                "defect": group.is_defect,
                "scores": sorted(float(one) for one in group.scores),
            }
            for group in board.groups
        ],
        "review": board.pair[0],
        "reject": board.pair[1],
        "token": board.token,
        "force": None if board.in_force is None else list(board.in_force),
        "locale": {"ko": "ko-KR"}.get(language(), "en-US"),
        "rate": board.defect_rate,
        "cost": None
        if costs is None
        else {
            "escape": costs.escape,
            "overkill": costs.overkill,
            "review": costs.review,
            "currency": costs.currency,
        },
        "upper": {"escape": list(board.escape_upper), "overkill": list(board.overkill_upper)},
        "words": _words(),
    }


def _words() -> dict[str, str]:
    """Return what the board says; what stands in braces the browser fills in."""
    return {
        "title": _("Test images by score, with two thresholds to move"),
        "picture": _("Histogram of the scores: good parts upwards, defects downwards; the table below has the counts."),
        "axis": _("Anomaly score: the higher, the more a part differs from normal parts"),
        "good": _("Good parts"),
        "defects": _("Defects"),
        "all_defects": _("All defects"),
        "truth": _("In truth"),
        "ok": _("OK"),
        "review": _("Review"),
        "reject": _("NG"),
        "in_force": _("in force now"),
        "logarithmic": _("Logarithmic counts"),
        "near": _("Near the thresholds"),
        "whole": _("All scores"),
        "beyond": _("{count} beyond the edge"),
        "reset": _("Back to those in force"),
        "from_review": _("Review from"),
        "from_reject": _("NG from"),
        "handle": _("Threshold for {verdict}"),
        "not_a_number": _("Type a number above zero."),
        "crossed": _("Review must not start above NG: the other threshold is {value}."),
        "missed": _("Missed defects"),
        "alarms": _("False alarms"),
        "looks": _("For a person"),
        "cost": _("Cost per 1,000 parts"),
        "missed_sure": _("With 95% certainty fewer than 1 in {one_in} defects pass."),
        "missed_wide": _("Up to {share} of the defects may pass: the images say no more."),
        "alarms_sure": _("With 95% certainty at most {share} of good parts."),
        "no_defects": _("There are no defects among the test images."),
        "no_good": _("There are no good parts among the test images."),
        "looks_of": _("Good parts: {good} · defects: {defects}"),
        "expected": _("Expected: {missed} missed, {alarms} false alarms, {looks} looks."),
        "no_rate": _("Needs the line's defect rate."),
        "no_both": _("Needs good parts and defects among the test images."),
        "no_cost": _("Costs are not set."),
        "now": _("in force: {value}"),
        "as_now": _("as in force"),
        "mark_missed": _("missed"),
        "mark_alarm": _("false alarm"),
        "open": _("Show the images: {label}, judged {verdict}"),
        "spoken": _("{missed} missed, {alarms} false alarms"),
    }

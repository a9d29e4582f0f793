"""Thresholds that are proposed: by a calibration method with its parameter, or the cheapest for what mistakes cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.i18n import N_
from core.model_report.cheapest import cheapest_pair
from core.model_report.methods import list_methods, propose_method
from core.model_report.records import CheapestPair
from core.models.calibration_words import calibration_sentences
from core.registry.thresholds import CHEAPEST, F1_MAX, MEAN_STD, PERCENTILE
from pages.components.analysis.model_report.draft import keep_pair
from pages.components.analysis.model_report.figures_view import WARNINGS
from pages.components.shared.language import _, escape, language, number, percent, score
from pages.components.shared.session import person, services, show_error

if TYPE_CHECKING:
    from core.model_report.records import Costs, LineRate, ModelReport, Proposal


_METHODS: dict[str, str] = {
    CHEAPEST: N_("Cheapest for the line"),
    PERCENTILE: N_("Share of good parts in review"),
    MEAN_STD: N_("Mean and spread of good parts"),
    F1_MAX: N_("Best separation of good and defect"),
}
_EXPLANATIONS: dict[str, str] = {
    CHEAPEST: N_("From the test images, the costs and the line's defect rate."),
    PERCENTILE: N_("From the good images that the version was calibrated on."),
    MEAN_STD: N_("NG from mean + k standard deviations of the good images of the calibration, Review from k - 1."),
    F1_MAX: N_("From the good and the defect images of the calibration; needs 10 defects or more."),
}


@dataclass(frozen=True)
class _Found:
    """What came of the last proposal for a version."""

    method: str
    proposal: Proposal | CheapestPair | None = None
    error: AppError | None = None


def show_proposals(report: ModelReport, costs: Costs, rate: LineRate) -> None:
    """Let a method be chosen, and move the handles where it says."""
    version_id = report.head.version_id
    choice = list_methods(services(), version_id)
    names = {method: _(title) for method, title in _METHODS.items() if method == CHEAPEST or method in choice.methods}
    st.markdown(f"**{_('Propose thresholds')}**")
    method = st.selectbox(
        _("Method"),
        list(names),
        key=f"propose_method_{version_id}",
        format_func=lambda found: names[found],
        help="\n".join(f"- **{names[found]}**: {_(text)}" for found, text in _EXPLANATIONS.items() if found in names),
    )
    if method == PERCENTILE:
        st.number_input(
            _("Good parts in review, at most (%)"),
            min_value=0.0,
            max_value=50.0,
            value=round(100.0 - choice.percent, 6),
            step=0.5,
            key=f"propose_percent_{version_id}",
        )
    elif method == MEAN_STD:
        st.number_input(
            _("k (standard deviations)"),
            min_value=0.5,
            max_value=10.0,
            value=choice.k,
            step=0.5,
            key=f"propose_k_{version_id}",
        )
    share = costs.defect_rate if costs.defect_rate is not None else rate.rate
    if method == CHEAPEST:
        st.caption(_describe_costs(costs, share))
        if share is None:
            st.caption(_("Set the line's defect rate below first: no recent inspection tells it."))
    st.button(
        _("Move the handles there"),
        key=f"propose_{version_id}",
        icon=":material/auto_fix_high:",
        on_click=_propose,
        args=(report, method, costs, share),
        disabled=method == CHEAPEST and share is None,
        width="stretch",
    )
    _show_found(st.session_state.get(_kept_key(version_id)), method, costs)
    if choice.obstacle is not None:
        st.caption(f":material/info: {escape(choice.obstacle.sentence(language()))}")


def _describe_costs(costs: Costs, share: float | None) -> str:
    words = [
        _("Missed part: {cost}", cost=_money(costs.escape, costs)),
        _("false alarm: {cost}", cost=_money(costs.overkill, costs)),
        _("look: {cost}", cost=_money(costs.review, costs)),
        _("defects: {share}", share="–" if share is None else percent(share, 2)),
    ]
    said = " · ".join(words)
    return said if costs.row_version else f"{said}  \n" + _("Nobody has set the costs yet: these are a guess.")


def _money(value: float, costs: Costs) -> str:
    digits = 0 if value == round(value) else 2
    return f"{number(value, digits)} {escape(costs.currency)}".strip()


def _kept_key(version_id: int) -> str:
    return f"proposal_{version_id}"


def _propose(report: ModelReport, method: str, costs: Costs, share: float | None) -> None:
    """Find the pair, keep what was found, and move the handles; what cannot be found is told on the page."""
    version_id = report.head.version_id
    found: Proposal | CheapestPair
    try:
        if method == CHEAPEST:
            found = cheapest_pair(report.images, costs, defect_rate=share or 0.0)
        else:
            found = propose_method(
                services(),
                person(),
                version_id,
                method,
                percent=100.0 - float(st.session_state[f"propose_percent_{version_id}"])
                if method == PERCENTILE
                else None,
                k=float(st.session_state[f"propose_k_{version_id}"]) if method == MEAN_STD else None,
            )
    except AppError as error:
        st.session_state[_kept_key(version_id)] = _Found(method, error=error)
        return
    st.session_state[_kept_key(version_id)] = _Found(method, found)
    keep_pair(version_id, (found.review_at, found.reject_at), method=method, by_page=True)


def _show_found(kept: object, method: str, costs: Costs) -> None:
    if not isinstance(kept, _Found) or kept.method != method:
        return
    if kept.error is not None:
        show_error(kept.error)
        return
    found = kept.proposal
    assert found is not None
    pair = _(
        "Review from **{review_at}**, NG from **{reject_at}**",
        review_at=score(found.review_at),
        reject_at=score(found.reject_at),
    )
    st.markdown(f":material/arrow_back: {pair}")
    if isinstance(found, CheapestPair):
        _show_cheapest(found, costs)
    else:
        for line in calibration_sentences(found.figures, found.warnings, language()):
            st.caption(escape(line))


def _show_cheapest(found: CheapestPair, costs: Costs) -> None:
    low, high = found.cost_range
    st.caption(
        _(
            "Cost per 1,000 parts: {cost} (nine in ten of other samples of parts: {low} to {high}).",
            cost=_money(round(1000 * found.cost.total), costs),
            low=_money(round(1000 * low), costs),
            high=_money(round(1000 * high), costs),
        )
        + "  \n"
        + _(
            "By such samples the cheapest Review starts between {review_low} and {review_high}, NG between "
            "{reject_low} and {reject_high}: the wider, the less the images decide.",
            review_low=score(found.review_range[0]),
            review_high=score(found.review_range[1]),
            reject_low=score(found.reject_range[0]),
            reject_high=score(found.reject_range[1]),
        )
    )
    for code in found.warnings:
        if code in WARNINGS:
            st.caption(f":material/warning: {_(WARNINGS[code])}")

"""What thresholds stand on and what labeled defects have taught a memory bank: after its build, and of a version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.defect_types import list_defect_types
from core.errors import NotFound
from core.models.calibration_figures import CalibrationFigures, ThresholdFigures
from core.models.calibration_words import calibration_sentences
from core.models.detection_figures import BankFigures
from core.models.head_words import head_advice, head_sentences, label_advice, type_name
from core.models.kinds import MEMORY_BANK
from core.registry.thresholds import find_threshold
from core.similarity.suggestions import read_vote_accuracy
from pages.components.shared.labels import THRESHOLD_METHODS, label_of
from pages.components.shared.language import _, defect_name, escape, language, number, percent, score
from pages.components.shared.session import services

if TYPE_CHECKING:
    from core.jobs.outcomes import ProductOutcome
    from core.models.head_figures import HeadFigures
    from storage.tables import ModelVersion


def describe_learning(outcome: ProductOutcome) -> list[str]:
    """Return what the thresholds of a bank stand on, and what it learned from labeled defects, as Markdown."""
    figures = outcome.calibration or CalibrationFigures()
    lines = calibration_sentences(figures, outcome.warnings or (), language())
    if outcome.head is not None:
        lines.append(" ".join(head_sentences(outcome.head, _name_types(outcome.product_id), language())))
    if advice := label_advice(figures.n_defect or 0, outcome.head, language()):
        lines.append(advice)
    return [escape(line) for line in lines]


def show_learning(version: ModelVersion) -> None:
    """Show the same of a version, folded up, with how far it can be trusted and how unknown types would be found."""
    if version.kind != MEMORY_BANK:
        return
    try:
        threshold = find_threshold(services(), version.id)
    except NotFound:
        return
    product_id = version.product_id or 0
    head = BankFigures.from_json(version.metrics).head
    figures = ThresholdFigures.from_json(threshold.figures)
    with st.expander(_("Thresholds and labeled defects"), icon=":material/rule:", key=f"learning_{version.id}"):
        st.markdown(
            f"{_('Review from')} **{score(threshold.review_at)}** · {_('NG from')} **{score(threshold.reject_at)}**"
            f" · {label_of(THRESHOLD_METHODS, threshold.method)}"
            + (f": {escape(threshold.reason)}" if threshold.reason else "")
        )
        lines = calibration_sentences(figures.calibration, figures.warnings, language())
        if head is not None:
            lines += head_sentences(head, _name_types(product_id), language())
            if version.active_key is not None:
                lines.append(_compare_votes(head, product_id))
            lines += head_advice(head, language())
        lines.append(label_advice(figures.calibration.n_defect or 0, head, language()))
        st.markdown("\n".join(f"- {escape(line)}" for line in lines if line))
        if head is not None and head.left_out:
            _show_left_out(head, _name_types(product_id))


def _compare_votes(head: HeadFigures, product_id: int) -> str:
    """Return how often similar images name the right type, and which of both an inspection asks; empty without both."""
    votes = read_vote_accuracy(services(), product_id)
    if head.type_top1 is None or votes is None:
        return ""
    share = percent(votes, 0)
    if head.type_top1 >= votes:
        return _("Similar images name the right type for {share}: an inspection asks the labeled defects.", share=share)
    return _("Similar images name the right type for {share}: an inspection asks those.", share=share)


def _show_left_out(head: HeadFigures, names: dict[int, str]) -> None:
    """Show how each type would be found if nobody had labeled it: the reason to raise scores, or not to."""
    st.markdown(
        f"**{_('If nobody had labeled a type')}**",
        help=_(
            "Each type in turn was left out of the teaching. AUROC of its images against good parts: without any "
            "labeled defects, and with those of the other types. Scores are raised only if no type loses more than "
            "0.01; else the labeled defects name types only."
        ),
    )
    st.table(
        {
            _("Defect type"): [escape(type_name(one, names)) for one in head.left_out],
            _("Labeled defects"): [number(found.n) for found in head.left_out.values()],
            _("AUROC without"): [number(found.plain, 3) for found in head.left_out.values()],
            _("AUROC with the others"): [number(found.raised, 3) for found in head.left_out.values()],
        },
        border="horizontal",
        hide_index=True,
    )


def _name_types(product_id: int) -> dict[int, str]:
    return {row.id: defect_name(row) for row in list_defect_types(services(), product_id, include_inactive=True)}

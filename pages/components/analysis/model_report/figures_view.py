"""How good the version is: its figures with their bounds, the curves, and every defect type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.i18n import N_
from core.model_report.confusion import confusion_at
from core.registry.versions import get_version
from pages.components.analysis.model_report.curve_charts import show_precision_recall, show_roc
from pages.components.analysis.model_report.draft import read_draft
from pages.components.analysis.model_report.words import (
    describe_alarms,
    describe_interval,
    describe_missed,
    describe_rate,
    name_types,
)
from pages.components.deployment.defect_head import show_learning
from pages.components.shared.language import _, _n, escape, number, score
from pages.components.shared.session import services

if TYPE_CHECKING:
    from core.model_report.records import ModelReport

WARNINGS: dict[str, str] = {
    "few_defects": N_("Few defects among the test images: the bounds are wide. More test images make them narrow."),
    "few_good": N_("Few good parts among the test images: the bounds are wide. More test images make them narrow."),
    "no_defects": N_("There are no defects among the test images: what passes cannot be known."),
    "no_good": N_("There are no good parts among the test images: false alarms cannot be known."),
    "no_masks": N_("No test image has a mask: how well the heat map finds the place cannot be known."),
    "unsure": N_("Other samples of parts would give quite other thresholds: the images do not decide."),
}
_MOST_SKIPPED = 10


def show_figures(report: ModelReport) -> None:
    """Show everything that was measured."""
    draft = read_draft(report)
    table = report.confusion
    if draft.is_moved:
        table = confusion_at(report.images, *draft.pair)
        st.caption(
            _(
                "At the thresholds that you have moved: Review from {review_at}, NG from {reject_at}.",
                review_at=score(draft.pair[0]),
                reject_at=score(draft.pair[1]),
            )
        )
    _show_headline(report)
    st.markdown(f"- {describe_missed(table.escape)}\n- {describe_alarms(table.overkill)}")
    for code in report.warnings:
        if code in WARNINGS:
            st.caption(f":material/info: {_(WARNINGS[code])}")
    if report.roc is not None and report.precision_recall is not None:
        left, right = st.columns(2)
        with left:
            show_roc(report.roc, table, key=f"report_{report.head.version_id}")
        with right:
            show_precision_recall(report.precision_recall, table, key=f"report_{report.head.version_id}")
    _show_types(report)
    show_learning(get_version(services(), report.head.version_id))
    _show_skipped(report)


def _show_headline(report: ModelReport) -> None:
    measured = report.figures
    figures = (
        (
            _("Image AUROC"),
            "–" if report.auroc is None else number(report.auroc.value, 3),
            describe_interval(report.auroc),
            _("How well the score separates good parts and defects: 1 is perfect, 0.5 is chance."),
        ),
        (
            _("Pixel AUROC"),
            "–" if measured.pixel_auroc is None else number(measured.pixel_auroc, 3),
            None,
            _("How well the heat map separates defective from good places, where masks exist."),
        ),
        (
            _("AUPRO"),
            "–" if measured.aupro is None else number(measured.aupro, 3),
            None,
            _("How much of each marked defect the heat map covers, large and small ones alike, where masks exist."),
        ),
        (
            _("Time per image"),
            "–" if measured.ms_per_image is None else f"{number(measured.ms_per_image)} ms",
            None,
            _("Measured on the machine that built or measured the version."),
        ),
    )
    for column, (name, value, bounds, help_text) in zip(st.columns(len(figures)), figures, strict=True):
        with column.container(border=True, height="stretch"):
            st.metric(name, value, help=help_text)
            if bounds and bounds != "–":
                st.caption(_("95%: {bounds}", bounds=bounds.partition(" ")[2].strip("()")))


def _show_types(report: ModelReport) -> None:
    st.markdown(f"**{_('By defect type')}**")
    if not report.types:
        st.caption(_(WARNINGS["no_defects"]))
        return
    names = name_types(report)
    st.table(
        {
            _("Defect type"): [escape(names[found.code]) for found in report.types],
            _("Test images"): [number(found.n) for found in report.types],
            _("Parts"): [number(found.n_parts) for found in report.types],
            _("Image AUROC"): [
                "–" if found.image_auroc is None else number(found.image_auroc, 3) for found in report.types
            ],
            _("Missed (95% bounds)"): [describe_rate(found.escape) for found in report.types],
            _("In review (95% bounds)"): [describe_rate(found.reviewed) for found in report.types],
            _("Lowest score"): [score(found.lowest_score) for found in report.types],
        },
        border="horizontal",
        hide_index=True,
    )
    st.caption(
        _(
            "At the thresholds in force. Images of one part count together: bounds are those of the parts. "
            "A type whose lowest score is far below Review is one that the model hardly sees."
        )
    )


def _show_skipped(report: ModelReport) -> None:
    skipped = report.figures.skipped
    if not skipped:
        return
    title = _n("{count} test image could not be read", "{count} test images could not be read", len(skipped))
    with st.expander(title, icon=":material/broken_image:"):
        rest = len(skipped) - _MOST_SKIPPED
        lines = [f"- {escape(name)}" for name in skipped[:_MOST_SKIPPED]]
        if rest > 0:
            lines.append("- " + _n("and {count} more", "and {count} more", rest))
        st.markdown("\n".join(lines))

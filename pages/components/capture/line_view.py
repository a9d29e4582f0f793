"""What line mode shows: the verdict over most of the screen, the part with its heat, the counters of the shift."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st
from PIL import Image as PillowImage

from core.inspections.colormap import color_heat, fit_within, overlay_heat
from core.inspections.line.shift_counts import SHIFT_HOURS, ShiftCounts
from core.inspections.records import InspectionRecord
from core.inspections.terms import VERDICT_NAMES
from pages.components.shared.labels import VERDICT_ICONS, VERDICT_MEANINGS, label_of
from pages.components.shared.language import _, clock, escape, number, score

if TYPE_CHECKING:
    from core.inspections.images import InspectionImages
    from core.inspections.part_details import PartDetails

_PICTURE_PX = 640
# Constant text only: no data ever goes in here. White on these colors is at least 5 : 1.
_STYLE = """
<style>
[data-testid="stSidebar"], [data-testid="stHeader"], [data-testid="stExpandSidebarButton"] {display: none}
.stMainBlockContainer {padding: 0.6rem 1rem 1rem; max-width: none}
.stMainBlockContainer > [data-testid="stVerticalBlock"] {gap: 0.6rem}
[data-testid] > [class*="st-key-line_verdict_"] {flex: none; height: 60vh; min-height: 60vh; border-radius: 0.5rem;
  padding: 0.5rem 1rem; justify-content: center; gap: 0.5vh; color: #ffffff}
[class*="st-key-line_verdict_"] > * {flex: none}
[class*="st-key-line_verdict_"] :is(h1, p) {text-align: center; margin: 0}
[class*="st-key-line_verdict_"] [data-testid="stMarkdownContainer"] {margin: 0}
.st-key-line_verdict_ok {background: #1b7f4d}
.st-key-line_verdict_review {background: #9a5b00}
.st-key-line_verdict_reject {background: #b3261e}
:is(.st-key-line_verdict_ready, .st-key-line_verdict_failed) {background: #33454f}
[class*="st-key-line_verdict_"] :is(h1, p, span) {color: #ffffff}
[class*="st-key-line_verdict_"] h1 {font-size: clamp(3.5rem, min(32vh, 18vw), 22rem); line-height: 1.15; padding: 0;
  white-space: nowrap}
.st-key-line_verdict_review h1 {font-size: clamp(2.75rem, min(26vh, 13vw), 18rem)}
:is(.st-key-line_verdict_ready, .st-key-line_verdict_failed) h1 {font-size: clamp(2.5rem, min(14vh, 9vw), 9rem)}
[class*="st-key-line_verdict_"] p {font-size: clamp(1.1rem, 3vh, 1.9rem); line-height: 1.45}
[class*="st-key-line_verdict_"] h1 [data-testid="stIconMaterial"] {font-size: 0.85em; vertical-align: -0.12em}
.st-key-line_picture img {max-height: 26vh; object-fit: contain; object-position: left}
.st-key-line_counts [data-testid="stMetricValue"] {font-size: 2.4rem; font-weight: 700}
@media (max-width: 640px) {
  [data-testid] > [class*="st-key-line_verdict_"] {height: 44vh; min-height: 44vh}
  .st-key-line_bar > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"] {flex-direction: row;
    flex-wrap: wrap; gap: 0.4rem}
  .st-key-line_bar [data-testid="stColumn"] {flex: 1 1 46%; min-width: 46%; width: auto}
  .st-key-line_bar [data-testid="stColumn"]:nth-child(3) {flex-basis: 100%}
  .st-key-line_below > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"] > :last-child {order: -1}
  .st-key-line_counts [data-testid="stHorizontalBlock"] {flex-direction: row; flex-wrap: nowrap}
  .st-key-line_counts [data-testid="stColumn"] {min-width: 0; flex: 1 1 0; width: auto}
}
</style>
"""


@dataclass(frozen=True)
class LineResult:
    """The inspection on screen, and its small picture with the heat over it as JPEG."""

    record: InspectionRecord
    picture_jpeg: bytes = field(repr=False)


def draw_line_result(record: InspectionRecord, images: InspectionImages) -> LineResult:
    """Return what line mode keeps of an inspection, small enough for a browser session."""
    review_at, reject_at = record.map_limits
    heat = color_heat(images.anomaly_map, review_at=review_at, reject_at=reject_at)
    out = io.BytesIO()
    PillowImage.fromarray(overlay_heat(fit_within(images.pixels, _PICTURE_PX), heat)).save(out, "JPEG", quality=85)
    return LineResult(record, out.getvalue())


def apply_line_style() -> None:
    """Give the verdict the screen: no navigation, no margins."""
    st.html(_STYLE)


def say_verdict(result: LineResult | None) -> str:
    """Return what a screen reader says of the result; nothing while there is none."""
    if result is None:
        return ""
    return f"{label_of(VERDICT_NAMES, result.record.decision.verdict)}. {result.record.part.serial}"


def show_verdict(result: LineResult | None, *, ready: str, details: PartDetails, is_failed: bool) -> None:
    """Draw the verdict with its word, color and icon; or that the next part is waited for, and how it begins."""
    if result is None:
        with st.container(key="line_verdict_failed" if is_failed else "line_verdict_ready"):
            st.markdown(f"# {_('No verdict')}" if is_failed else f"# {_('Ready')}")
            st.markdown(_("See below what is wrong.") if is_failed else ready)
            if part := describe_part(details):
                st.markdown(part)
        return
    record = result.record
    verdict = record.decision.verdict
    with st.container(key=f"line_verdict_{verdict}"):
        st.markdown(f"# {VERDICT_ICONS[verdict]} {label_of(VERDICT_NAMES, verdict)}")
        st.markdown(label_of(VERDICT_MEANINGS, verdict))
        facts = [_("Score {score}", score=score(record.score)), clock(record.created_at)]
        if part := describe_part(record.part):
            facts.insert(0, part)
        st.markdown(" · ".join(facts))


def show_busy() -> None:
    """Say that the part is being inspected, where its verdict will stand."""
    with st.container(key="line_verdict_ready"):
        st.markdown(f"# {_('Inspecting …')}")


def describe_part(details: PartDetails) -> str:
    """Return which part it is, with its lot; nothing where its serial number is not known."""
    if not details.serial:
        return ""
    lot = f"{escape(details.lot)} · " if details.lot else ""
    return f":material/barcode: {lot}**{escape(details.serial)}**"


def show_picture(result: LineResult) -> None:
    """Draw the part with its heat, small."""
    with st.container(key="line_picture"):
        st.image(result.picture_jpeg, width="stretch", alt=_("The inspected part with its heat map"))


def show_counts(counts: ShiftCounts, details: PartDetails) -> None:
    """Draw how the parts of the shift came out."""
    with st.container(key="line_counts"):
        columns = st.columns(3)
        for column, verdict in zip(columns, ("ok", "review", "reject"), strict=True):
            column.metric(label_of(VERDICT_NAMES, verdict), number(getattr(counts, verdict)))
        line = escape(details.line) or "–"
        if counts.by_shift:
            st.caption(
                _(
                    "Line {line} · shift {shift}, the last {hours} hours",
                    line=line,
                    shift=escape(details.shift),
                    hours=SHIFT_HOURS,
                )
            )
        else:
            st.caption(_("Line {line} · all since midnight", line=line))

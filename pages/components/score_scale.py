"""The score on a scale with the two thresholds. The drawing is made of numbers and of our own words only."""

from __future__ import annotations

from html import escape as escape_html

import streamlit as st

from pages.components.language import _, score

_WIDTH, _LEFT, _RIGHT = 600.0, 12.0, 588.0
_BAR_TOP, _BAR_HEIGHT = 30.0, 14.0
_BANDS = ("#2a9d63", "#e0952b", "#c83b33")


def draw_scale(value: float, *, review_at: float, reject_at: float) -> str:
    """The scale as SVG: bands for OK, Review and NG, a pointer at `value`, the thresholds with their figures."""
    end = max(reject_at * 1.5, value * 1.08, 1e-6)

    def x_of(position: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * min(max(position / end, 0.0), 1.0)

    edges = [_LEFT, x_of(review_at), x_of(reject_at), _RIGHT]
    bands = "".join(
        f'<rect x="{left:.1f}" y="{_BAR_TOP}" width="{right - left:.1f}" height="{_BAR_HEIGHT}" fill="{fill}"/>'
        for left, right, fill in zip(edges, edges[1:], _BANDS, strict=False)
        if right > left
    )
    middle = x_of(value)
    pointer = (
        f'<path d="M{middle - 8:.1f} 17 L{middle + 8:.1f} 17 L{middle:.1f} {_BAR_TOP + 1:.1f} Z" fill="currentColor"/>'
        f'<rect x="{middle - 1.5:.1f}" y="{_BAR_TOP - 2}" width="3" height="{_BAR_HEIGHT + 4}" fill="currentColor"/>'
        + _text(middle, 12, score(value), size=15, weight=700)
    )
    below = _BAR_TOP + _BAR_HEIGHT
    gap = edges[2] - edges[1]
    words = f"{_('Review from')} {score(review_at)}", f"{_('NG from')} {score(reject_at)}"
    # The two labels stand apart when the thresholds are close together.
    ticks = "".join(
        f'<rect x="{edge - 0.75:.1f}" y="{_BAR_TOP}" width="1.5" height="{_BAR_HEIGHT + 5}" fill="currentColor"/>'
        + _text(edge, below + 19, word, size=13, weight=400, anchor=anchor)
        for edge, word, anchor in zip(
            edges[1:3], words, ("end", "start") if gap < 240 else ("middle", "middle"), strict=True
        )
    )
    title = escape_html(_("Anomaly score {value}", value=score(value)))
    return (
        f'<svg viewBox="0 0 {_WIDTH:.0f} 68" width="100%" role="img" aria-label="{title}" '
        f'style="display:block;max-height:76px">{bands}{ticks}{pointer}</svg>'
    )


def _text(x: float, y: float, text: str, *, size: int, weight: int, anchor: str = "middle") -> str:
    inside = min(max(x, 26.0), _WIDTH - 26.0) if anchor == "middle" else x
    return (
        f'<text x="{inside:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" '
        f'fill="currentColor">{escape_html(text)}</text>'
    )


def show_score_scale(value: float, *, review_at: float, reject_at: float) -> None:
    """Draw the scale over the full width."""
    st.html(draw_scale(value, review_at=review_at, reject_at=reject_at))

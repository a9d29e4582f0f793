"""The score on a scale with the two thresholds. The drawing is made of numbers and of our own words only."""

from __future__ import annotations

from html import escape as escape_html

import streamlit as st

from pages.components.shared.language import _, percent, score

_BANDS = ("#2a9d63", "#e0952b", "#c83b33")
# Nearer together than this share of the scale, the labels of the thresholds stand on either side of them.
_LABELS_TOUCH = 0.34
_LONGEST = 2.4


def draw_scale(value: float, *, review_at: float, reject_at: float, is_share: bool = False) -> str:
    """Return the scale as HTML: bands for OK, Review and NG, a pointer at `value`, the thresholds with their figures.

    It starts at 0 and ends beyond both `value` and `reject_at`; a value far beyond stands at its end, so that the
    bands and their labels keep their room. With `is_share` they are probabilities, and the scale ends at 1.
    """
    say = percent if is_share else score
    end = 1.0 if is_share else max(reject_at * 1.5, min(value * 1.08, reject_at * _LONGEST), 1e-6)
    review, reject, pointer = (min(max(position / end, 0.0), 1.0) for position in (review_at, reject_at, value))
    edges = (0.0, review, reject, 1.0)
    bands = "".join(
        f'<i style="left:{100 * left:.2f}%;width:{100 * (right - left):.2f}%;background:{fill}"></i>'
        for left, right, fill in zip(edges, edges[1:], _BANDS, strict=False)
    )
    apart = reject - review > _LABELS_TOUCH
    review_label = _label(review, _("Review from {value}", value=say(review_at)), "middle" if apart else "before")
    reject_label = _label(reject, _("NG from {value}", value=say(reject_at)), "middle" if apart else "after")
    told = _("Combined probability {value}") if is_share else _("Anomaly score {value}")
    title = escape_html(told.format(value=say(value)))
    return (
        f'<div class="geomsa-scale" role="img" aria-label="{title}">'
        f'<b style="left:{100 * pointer:.2f}%">{escape_html(say(value))}</b>'
        f'<div class="bar">{bands}<u style="left:{100 * pointer:.2f}%"></u></div>'
        f"{review_label}{reject_label}</div>"
    )


def _label(position: float, text: str, side: str) -> str:
    return f'<span class="{side}" style="left:{100 * position:.2f}%">{escape_html(text)}</span>'


def show_score_scale(value: float, *, review_at: float, reject_at: float, is_share: bool = False) -> None:
    """Draw the scale over the full width."""
    st.html(draw_scale(value, review_at=review_at, reject_at=reject_at, is_share=is_share))

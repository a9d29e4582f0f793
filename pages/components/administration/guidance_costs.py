"""How often guidance was written, by which model, what that cost, and how it was rated."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.guidance.usage import PRICES_AS_OF, DayOfUse, list_use
from core.guidance.writer_choice import WRITER_NAMES
from pages.components.shared.language import _, number
from pages.components.shared.pickers import pick_period
from pages.components.shared.session import services


def show_use() -> None:
    """Show the period, its totals, and a line for each day and model."""
    title, period = st.columns([2, 1], vertical_alignment="bottom")
    title.subheader(_("Guidance: use and cost"))
    with period:
        days = pick_period(key="guidance_use_days", label_visible=False)
    rows = list_use(services(), days=days)
    if not rows:
        st.info(_("No guidance was written in this period."), icon=":material/menu_book:")
        return
    show_totals(rows)
    st.dataframe([describe_day(row) for row in rows], hide_index=True, width="stretch")
    st.caption(
        _(
            "Prices are those published as of {month}, in US dollars; the provider's bill is what counts. Quoting the "
            "manual costs nothing. Days are those of UTC.",
            month=PRICES_AS_OF,
        )
    )


def show_totals(rows: Sequence[DayOfUse]) -> None:
    """Show the figures that are read first."""
    costs = [row.cost_usd for row in rows]
    known = sum(cost for cost in costs if cost is not None)
    thumbs = f"{number(sum(row.thumbs_up for row in rows))} / {number(sum(row.thumbs_down for row in rows))}"
    totals = (
        (_("Written"), number(sum(row.n_written for row in rows)), None),
        (
            _("Quoted instead"),
            number(sum(row.n_fallbacks for row in rows)),
            _("The model failed or was slow, and the manual was quoted."),
        ),
        (_("Tokens"), number(sum(row.input_tokens + row.output_tokens for row in rows)), None),
        (
            _("Cost"),
            f"${number(known, 2)}",
            _("Without models whose price is not known.") if None in costs else None,
        ),
        (_("Thumbs up / down"), thumbs, None),
    )
    for column, (label, value, help_text) in zip(st.columns(len(totals)), totals, strict=True):
        column.metric(label, value, help=help_text, border=True)


def name_writer(model_name: str) -> str:
    """Return the model as its server calls it; our own way of writing by its label."""
    if not model_name:
        return _("none: the manuals are silent")
    return _(WRITER_NAMES[model_name]) if model_name in WRITER_NAMES else model_name


def describe_day(row: DayOfUse) -> dict[str, str | int]:
    """Return one line of the table."""
    return {
        _("Day"): row.day.isoformat(),
        _("Model"): name_writer(row.model_name),
        _("Written"): row.n_written,
        _("Quoted instead"): row.n_fallbacks,
        _("Tokens in"): row.input_tokens,
        _("Tokens out"): row.output_tokens,
        _("Cost"): _("not known") if row.cost_usd is None else f"${number(row.cost_usd, 4)}",
        _("Time taken"): _("{seconds} s", seconds=f"{row.mean_latency_ms / 1000:.1f}"),
        _("Thumbs up / down"): f"{row.thumbs_up} / {row.thumbs_down}",
    }

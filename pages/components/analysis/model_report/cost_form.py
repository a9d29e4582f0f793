"""What mistakes cost a product, and how many defects its line makes: for the cheapest pair of thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.model_report.costs import save_costs
from core.model_report.records import Costs
from pages.components.shared.language import _, number, percent
from pages.components.shared.session import person, say_after_rerun, services, show_error

if TYPE_CHECKING:
    from core.model_report.records import LineRate


def show_cost_form(product_id: int, costs: Costs, rate: LineRate) -> None:
    """Show the form behind a button; saved costs hold for the product, whatever the version."""
    with st.popover(_("Costs and defect rate"), icon=":material/payments:", width="stretch", key="report_costs"):
        st.caption(_("The cheapest thresholds hang on the ratio of these, not on the currency."))
        # A form of its own for every stored state: after a save its boxes start from what is stored.
        key = f"costs_{product_id}_{costs.row_version}"
        with st.form(key, border=False, enter_to_submit=False):
            first, second = st.columns(2, vertical_alignment="bottom")
            escape = first.number_input(_("One missed part"), min_value=0.0, value=costs.escape, key=f"{key}_escape")
            overkill = second.number_input(
                _("One false alarm (good part judged NG)"),
                min_value=0.0,
                value=costs.overkill,
                key=f"{key}_overkill",
            )
            review = first.number_input(
                _("One look by a person (Review)"), min_value=0.0, value=costs.review, key=f"{key}_review"
            )
            currency = second.text_input(_("Currency"), value=costs.currency, max_chars=12, key=f"{key}_currency")
            share = st.number_input(
                _("Defective parts of the line (%)"),
                min_value=0.0,
                max_value=100.0,
                value=None if costs.defect_rate is None else 100.0 * costs.defect_rate,
                format="%.4g",
                placeholder=_("from recent inspections"),
                help=_("Test images hold far more defects than the line makes: costs count by the line's rate."),
                key=f"{key}_rate",
            )
            st.caption(_describe_rate(rate))
            agreed = st.form_submit_button(_("Save costs"), icon=":material/save:", type="primary", width="stretch")
        if not agreed:
            return
        try:
            save_costs(
                services(),
                person(),
                product_id,
                Costs(
                    escape=float(escape),
                    overkill=float(overkill),
                    review=float(review),
                    currency=currency.strip(),
                    defect_rate=None if share is None else float(share) / 100.0,
                    row_version=costs.row_version,
                ),
            )
        except AppError as error:
            show_error(error)
            return
        say_after_rerun(_("The costs are saved."))
        st.rerun()


def _describe_rate(rate: LineRate) -> str:
    if rate.rate is None or rate.low is None or rate.high is None:
        return _("Left empty: nothing was inspected lately, so the rate is not known.")
    return _(
        "Left empty: {share} of the last {days} days ({defects} of {n} inspections; 95%: {low}–{high}).",
        share=percent(rate.rate, 2),
        days=number(rate.days),
        defects=number(rate.defects),
        n=number(rate.n),
        low=percent(rate.low, 2),
        high=percent(rate.high, 2),
    )

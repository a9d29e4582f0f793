"""Combine views: how a product's views become one verdict, what that makes of labeled parts, and its history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.access import ENGINEER
from core.catalog.products import list_products_in_use
from core.catalog.views import FOUND_AS_NAMES, list_views_of, name_view
from core.errors import AppError
from core.fusion.effect import read_labeled_parts
from core.fusion.in_force import read_fusion
from core.fusion.rules import WantedRule
from core.fusion.saving import save_fusion
from pages.components.analysis.combining.effect_view import show_effect
from pages.components.analysis.combining.form import describe_rule, key_of, show_form
from pages.components.analysis.combining.history_view import show_history
from pages.components.shared import screens
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, escape, language, moment, number
from pages.components.shared.pickers import pick_product, take_asked_product
from pages.components.shared.session import person, require, say_after_rerun, services, show_error

if TYPE_CHECKING:
    from core.fusion.in_force import ProductFusion
    from inference.vision.comparison.fusion import FusionRule


def show_screen() -> None:
    """Draw the choice of a product, then its rule."""
    views = list_views_of(services())
    products = [product for product in list_products_in_use(services()) if views.get(product.id)]
    if not products:
        st.title(_("Combine views"))
        st.info(
            _("No product has views yet. Add views (CT, photograph, top …) to a product first."),
            icon=":material/join_inner:",
        )
        screens.link_to(screens.PRODUCTS, _("Products"))
        return
    asked = st.query_params.get("product")
    if asked != st.session_state.get("fusion_asked"):
        take_asked_product("fusion")
    title, choose = st.columns([1.4, 1], vertical_alignment="bottom")
    title.title(_("Combine views"))
    with choose:
        product = pick_product(products, key="fusion")
    assert product is not None
    st.session_state["fusion_asked"] = st.query_params["product"] = str(product.id)
    try:
        found = read_fusion(services(), product.id)
        labeled = read_labeled_parts(services(), product.id)
    except AppError as error:
        show_error(error)
        return
    show_state(found)
    left, right = st.columns([1.15, 1], gap="large")
    with left:
        rule = show_form(found, labeled)
        show_save(found, rule)
    with right:
        show_effect(found, rule, labeled)
    show_calibration(found)
    st.subheader(_("History"))
    show_history(found)


def show_state(found: ProductFusion) -> None:
    """Draw what is in force, and what no longer fits."""
    entry = found.entry
    if found.outdated_rule:
        st.warning(
            _(
                "The product has other views than the saved rule knows. Until another is saved, any view that finds a "
                "defect counts."
            ),
            icon=":material/warning:",
        )
    elif entry.is_default:
        st.info(
            _("Nobody has chosen yet: any view that finds a defect counts, by the thresholds of each view."),
            icon=":material/info:",
        )
    elif found.is_stale:
        names = ", ".join(name_view(view, language()) for view in found.views if view.code in found.stale_views)
        st.warning(
            _(
                "The models or settings of {views} have changed since. The next inspection calibrates them again; save "
                "once more to fit weights and thresholds to them.",
                views=escape(names),
            ),
            icon=":material/update:",
        )
    if found.unbuilt_views:
        names = ", ".join(name_view(view, language()) for view in found.views if view.code in found.unbuilt_views)
        st.warning(
            _("{views}: no model yet. Build the memory bank; until then parts go to a person.", views=escape(names)),
            icon=":material/memory:",
        )
        screens.link_to(screens.MEMORY_BANKS, _("Memory banks"), query={"product": str(found.product.id)})
    if not entry.is_default:
        by = escape(_(entry.saved_by)) if entry.saved_by else _("by itself")
        st.caption(
            f"{_('In force')}: {describe_rule(entry.rule, found)} · {moment(entry.created_at)} · {by}"
            + (f" · {escape(entry.reason)}" if entry.reason else "")
        )


def show_save(found: ProductFusion, rule: FusionRule | None) -> None:
    """Draw the reason and the button that puts the rule of the form in force."""
    if rule is None:
        return
    if rule == found.entry.rule and not found.entry.is_default and not found.is_stale:
        st.caption(_("This is in force. Change something above to save another rule."))
        return
    reason = st.text_input(_("Reason"), key=key_of(found, "reason"), placeholder=_("needed to save"))
    saved = st.button(_("Save this rule"), key=key_of(found, "save"), type="primary", icon=":material/save:")
    st.caption(_("It acts from the next inspection on; what was inspected keeps its rule."))
    if not saved:
        return
    try:
        save_fusion(services(), person(), found.product.id, WantedRule(rule), reason=reason, seen_id=found.entry.id)
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("The rule is saved. It holds from the next inspection on."))
    st.rerun()


def show_calibration(found: ProductFusion) -> None:
    """Draw how each view's score becomes a probability, and from how much."""
    methods = {
        "platt": _("sigmoid (Platt)"),
        "isotonic": _("monotone steps (isotonic)"),
        "percentile": _("percentile of the good parts"),
    }
    with st.expander(_("How scores become probabilities"), icon=":material/stacked_line_chart:"):
        rows = []
        for view in found.views:
            calibration = found.entry.calibrations.get(view.code)
            told = None if calibration is None else calibration.calibration
            rows.append(
                (
                    escape(name_view(view, language())),
                    label_of(FOUND_AS_NAMES, view.found_as),
                    "–" if told is None else methods[told.method],
                    "–" if calibration is None else number(calibration.number),
                    "–" if told is None else f"{number(told.n_good)} / {number(told.n_defect)}",
                    "–" if told is None or told.log_loss is None else f"{told.log_loss:.3f}",
                )
            )
        titles = (
            _("View"),
            _("A defect is called"),
            _("Method"),
            _("Model version"),
            _("Good / defective parts"),
            _("Log loss on parts left out"),
        )
        st.table(
            {title: [row[place] for row in rows] for place, title in enumerate(titles)},
            border="horizontal",
            hide_index=True,
        )


require(ENGINEER)
show_screen()

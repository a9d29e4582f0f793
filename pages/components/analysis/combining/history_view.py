"""All rules that a product's views were combined by: who set them, when and why; and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.fusion.saving import RuleBefore, find_rule_before, list_fusion, undo_fusion
from pages.components.analysis.combining.form import describe_rule
from pages.components.shared.language import _, escape, moment
from pages.components.shared.session import person, say_after_rerun, services, show_error

if TYPE_CHECKING:
    from core.fusion.in_force import ProductFusion
    from core.fusion.records import FusionEntry

_FIRST_SHOWN = 15


def show_history(found: ProductFusion) -> None:
    """Draw the history, the rule in force first, and the form that puts the one before back in force."""
    entries = list_fusion(services(), found.product.id)
    if not entries:
        st.caption(_("Nobody has chosen a rule yet. The first inspection writes the default down."))
        return
    before = find_rule_before(services(), found.product.id)
    if before is not None:
        _offer_undo(found, before)
    shown = entries[:_FIRST_SHOWN]
    st.table(
        {
            _("In force from"): [moment(entry.created_at) for entry in shown],
            _("Rule"): [describe_rule(entry.rule, found) for entry in shown],
            _("Set by"): [escape(_(entry.saved_by)) if entry.saved_by else _("by itself") for entry in shown],
            _("Reason"): [_say_reason(entry) for entry in shown],
        },
        border="horizontal",
        hide_index=True,
    )


def _say_reason(entry: FusionEntry) -> str:
    if entry.reason:
        return escape(entry.reason)
    if entry.is_recalibrated:
        return _("Calibrated again by itself, because models had changed")
    return _("Default: nobody has chosen yet")


def _offer_undo(found: ProductFusion, before: RuleBefore) -> None:
    with st.form(f"undo_fusion_{found.product.id}", border=True):
        st.markdown(_("Undo the last change: back to {rule}", rule=describe_rule(before.rule, found)))
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        reason = left.text_input(
            _("Reason"), key=f"undo_fusion_reason_{found.product.id}", placeholder=_("needed to undo")
        )
        agreed = right.form_submit_button(_("Undo"), icon=":material/undo:", width="stretch")
    if not agreed:
        return
    try:
        undo_fusion(services(), person(), found.product.id, reason=reason, seen_id=found.entry.id)
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("The rule before is in force again, from the next inspection on."))
    st.rerun()

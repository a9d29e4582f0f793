"""The trained model on its way into use: what speaks against it, putting it into use with a reason, rolling back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.training.runs.control import LONGEST_REASON, activate_run, retire_run, roll_back
from pages.components.deployment.judgment_view import describe_reasons
from pages.components.shared.language import _
from pages.components.shared.session import person, say_after_rerun, services, show_error

if TYPE_CHECKING:
    from core.training.runs.records import RunHead, RunView

_FEWEST_LETTERS = 5


def show_acceptance(run: RunView) -> None:
    """Show how the run's model stands, and what a person can do with it."""
    head = run.head
    if head.model_version_id is None:
        return
    with st.container(border=True, key=f"train_acceptance_{head.id}"):
        if head.version_state == "active":
            _show_active(head)
        else:
            _show_waiting(run)


def _show_active(head: RunHead) -> None:
    told, buttons = st.columns([3, 1.3], vertical_alignment="center")
    told.markdown(f":green[:material/verified:] **{_('This model is in use.')}**")
    told.caption(
        _("It names the type of what the anomaly detection stops, and may hold a part back; it never lets one pass.")
    )
    with buttons.popover(_("Take out of use"), icon=":material/undo:", width="stretch", key="train_out_menu"):
        st.markdown(_("Which model should name types from now on?"))
        if st.button(
            _("The one before (roll back)"), key="train_roll_back", icon=":material/history:", width="stretch"
        ):
            _do(lambda: roll_back(services(), person(), head.id), _("The model before is in use again."))
        if st.button(_("None"), key="train_retire", icon=":material/block:", width="stretch"):
            _do(lambda: retire_run(services(), person(), head.id), _("No trained model is in use for this product."))


def _show_waiting(run: RunView) -> None:
    head, reasons = run.head, describe_reasons(run.reasons) if run.head.version_state == "candidate" else []
    told, buttons = st.columns([3, 1.3], vertical_alignment="center")
    if head.version_state == "candidate":
        told.markdown(f":orange[:material/hourglass:] **{_('This model waits to be put into use.')}**")
    else:
        told.markdown(f":gray[:material/history:] **{_('This model is not in use any more.')}**")
    if reasons:
        told.markdown(_("This speaks against it:") + "\n" + "\n".join(f"- {line}" for line in reasons))
    else:
        told.caption(_("Nothing speaks against putting it into use."))
    label = _("Use all the same …") if reasons else _("Put into use …")
    with buttons.popover(label, icon=":material/rocket_launch:", width="stretch", key="train_use_menu"):
        reason = st.text_area(
            _("Reason"),
            key="train_use_reason",
            max_chars=LONGEST_REASON,
            height=90,
            help=_("Stands in the audit log with your name."),
            placeholder=_("What you have checked, and why it may be used"),
        )
        if st.button(
            _("Put into use"), key="train_use", type="primary", icon=":material/rocket_launch:", width="stretch"
        ):
            if reasons and len(reason.strip()) < _FEWEST_LETTERS:
                st.error(_("Say why it may be used in spite of this."), icon=":material/edit:")
                return
            _do(
                lambda: activate_run(services(), person(), head.id, override=bool(reasons), reason=reason),
                _("The trained model is in use."),
            )


def _do(act: object, said: str) -> None:
    assert callable(act)
    try:
        with st.spinner(_("Checking the model …")):
            act()
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(said)
    st.rerun()

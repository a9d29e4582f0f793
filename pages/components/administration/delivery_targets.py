"""Where results are sent by themselves: what waits, what was given up, and what is wrong."""

from __future__ import annotations

import streamlit as st

from core.access import ENGINEER
from core.deliveries.targets import TargetView, list_targets, remove_target, retry_all, set_target_active
from core.deliveries.terms import KIND_NAMES, VERDICT_CHOICES
from core.errors import AppError
from pages.components.shared.dialogs import OpenDialog, close_dialog, confirm, open_dialog, opened
from pages.components.shared.language import _, _n, escape, language, moment, number
from pages.components.shared.session import may, person, say_after_rerun, services, show_error

_REMOVE = "delivery_target_remove"


def show_delivery_targets() -> None:
    """Show each target, live."""
    st.subheader(_("Results sent on"))
    _show_targets()
    if dialog := opened(_REMOVE):
        waits = _n(
            "{count} message that has not arrived is deleted with it.",
            "{count} messages that have not arrived are deleted with it.",
            int(dialog.values["undelivered"]),
        )
        confirm(
            _("Remove “{name}”?", name=escape(dialog.values["name"])),
            _("Results are no longer sent there.") + (f" {waits}" if dialog.values["undelivered"] else ""),
            action=_("Remove"),
            icon=":material/delete:",
            dialog=dialog,
            carry_out=carry_out_remove,
        )


@st.fragment(run_every=3.0)
def _show_targets() -> None:
    try:
        targets = list_targets(services())
    except AppError as error:
        # The next look asks again.
        show_error(error)
        return
    if not targets:
        st.caption(
            _("Results are sent nowhere by themselves. Add a webhook or an MQTT broker on the server:")
            + " `python -m core targets add NAME --webhook URL`"
        )
        return
    with st.container(border=True, gap="small"):
        for view in targets:
            _show_target(view)


def _show_target(view: TargetView) -> None:
    name, state, counts, actions = st.columns([2.9, 1.6, 2.3, 1.9], vertical_alignment="center")
    about = [
        escape(_(KIND_NAMES[view.kind])),
        # As code: otherwise it would become a link.
        f"`{view.settings.place.replace('`', '')}`",
        escape(view.product_code or _("all products")),
        escape(_(VERDICT_CHOICES[view.verdicts])),
    ]
    name.markdown(f"**{escape(view.name)}**  \n:small[{' · '.join(about)}]")
    is_late = view.last_error is not None and view.waiting > 0
    with state:
        if not view.is_active:
            st.badge(_("Paused"), icon=":material/pause_circle:", color="gray")
        elif view.given_up or is_late:
            st.badge(_("Attention"), icon=":material/error:", color="red")
        else:
            st.badge(_("Works"), icon=":material/check_circle:", color="green")
        if view.last_delivered_at is not None:
            st.caption(_("last arrived {time}", time=moment(view.last_delivered_at)))
    counts.markdown(
        _(
            "Waiting **{waiting}** · given up **{given_up}**",
            waiting=number(view.waiting),
            given_up=number(view.given_up),
        )
    )
    if may(ENGINEER):
        _show_actions(view, actions, is_late=is_late)
    if view.last_error is not None and (view.waiting or view.given_up):
        st.warning(escape(view.last_error.to_app_error().sentence(language())), icon=":material/error:")


def _show_actions(view: TargetView, place: st.delta_generator.DeltaGenerator, *, is_late: bool) -> None:
    with place, st.container(horizontal=True, horizontal_alignment="right", wrap=False):
        try:
            if (view.given_up or is_late) and st.button(
                "", key=f"target_retry_{view.id}", icon=":material/replay:", help=_("Send again now")
            ):
                count = retry_all(services(), person(), target_id=view.id)
                say_after_rerun(_n("{count} message is sent again.", "{count} messages are sent again.", count))
                st.rerun(scope="app")
            if st.button(
                "",
                key=f"target_active_{view.id}",
                icon=":material/pause:" if view.is_active else ":material/play_arrow:",
                help=_("Pause: messages wait") if view.is_active else _("Go on"),
            ):
                set_target_active(services(), person(), view.id, not view.is_active)
                st.rerun(scope="app")
        except AppError as error:
            show_error(error)
        if st.button("", key=f"target_remove_{view.id}", icon=":material/delete:", help=_("Remove")):
            open_dialog(_REMOVE, id=view.id, name=view.name, undelivered=view.waiting + view.given_up)
            st.rerun(scope="app")


def carry_out_remove(dialog: OpenDialog) -> None:
    """Remove the target, now that the person has confirmed it."""
    try:
        remove_target(services(), person(), dialog.values["id"])
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("“{name}” is removed.", name=escape(dialog.values["name"])), ":material/delete:")
    close_dialog()
    st.rerun()

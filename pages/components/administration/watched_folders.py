"""Watched folders: how each fares, live; added, paused and removed here."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from core.access import ENGINEER
from core.catalog.products import list_products
from core.errors import AppError
from core.i18n import N_
from core.watching.folders import (
    FolderView,
    add_folder,
    describe_problem,
    list_folders,
)
from core.watching.settings import (
    DEFAULT_PART_WAIT_S,
    DEFAULT_SETTLE_S,
    LEAST_PART_WAIT_S,
    LEAST_SETTLE_S,
    MOST_PART_WAIT_S,
    MOST_SETTLE_S,
    WatchSettings,
)
from core.watching.switching import remove_folder, set_folder_active
from pages.components.shared.dialogs import OpenDialog, close_dialog, confirm, draw_dialog, open_dialog, opened
from pages.components.shared.language import _, duration, escape, language, local, number, product_name
from pages.components.shared.session import may, person, say_after_rerun, services, show_error

_ADD, _REMOVE = "watch_folder_add", "watch_folder_remove"
_STATES: dict[str, tuple[str, str, str]] = {
    "watched": (N_("Watched"), ":material/visibility:", "green"),
    "problem": (N_("Attention"), ":material/error:", "red"),
    "unwatched": (N_("Not watched"), ":material/visibility_off:", "red"),
    "paused": (N_("Paused"), ":material/pause_circle:", "gray"),
    "idle": (N_("Command line only"), ":material/terminal:", "gray"),
}


def show_watched_folders() -> None:
    """Show the heading with the way to add one, and the folders below it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader(_("Watched folders"), width="stretch")
        if may(ENGINEER):
            st.button(_("Add a folder"), icon=":material/create_new_folder:", on_click=start_adding)
    _show_folders()
    if dialog := opened(_ADD):
        draw_dialog(_("Add a watched folder"), show_add, dialog, drawer=True)
    elif dialog := opened(_REMOVE):
        confirm(
            _("Remove the folder?"),
            _(
                "{path} is watched no more. Its files stay where they are, and so do the inspections.",
                path=f"**{escape(dialog.values['path'])}**",
            ),
            action=_("Remove"),
            icon=":material/delete:",
            dialog=dialog,
            carry_out=carry_out_remove,
        )


@st.fragment(run_every=3.0)
def _show_folders() -> None:
    try:
        today = local(datetime.now(UTC)).replace(hour=0, minute=0, second=0, microsecond=0)
        folders = list_folders(services(), since=today)
    except AppError as error:
        # The next look asks again.
        show_error(error)
        return
    if not folders:
        st.caption(
            _(
                "No folder is watched. Add one, and every image that a camera or another program puts there is "
                "inspected by itself."
            )
        )
        return
    with st.container(border=True, gap="small"):
        for view in folders:
            _show_folder(view)


def _show_folder(view: FolderView) -> None:
    folder = view.folder
    name, state, counts, actions = st.columns([2.9, 1.6, 2.7, 1.5], vertical_alignment="center")
    about = [f"{product_name(view.product)} · {view.product_code}", folder.line, folder.settings.name_rule]
    name.markdown(f"**{escape(str(folder.path))}**  \n:small[{' · '.join(escape(part) for part in about if part)}]")
    words, icon, color = _STATES[view.state]
    with state:
        st.badge(_(words), icon=icon, color=color)  # type: ignore[arg-type]
        if view.last_seen_at is not None:
            ago = (datetime.now(UTC) - view.last_seen_at).total_seconds()
            st.caption(_("looked at {time} ago", time=duration(ago)))
    counts.markdown(
        _(
            "Waiting **{waiting}** · today inspected **{done}**, rejected **{rejected}**",
            waiting=number(view.waiting),
            done=number(view.done),
            rejected=number(view.rejected),
        )
        + (
            "  \n:small[" + _("File names that did not fit the rule: {count}", count=number(view.untraced)) + "]"
            if view.untraced
            else ""
        )
    )
    if may(ENGINEER):
        _show_actions(view, actions)
    if problem := describe_problem(view, language()):
        st.warning(escape(problem), icon=":material/error:")


def _show_actions(view: FolderView, place: st.delta_generator.DeltaGenerator) -> None:
    folder = view.folder
    with place, st.container(horizontal=True, horizontal_alignment="right", wrap=False):
        if st.button(
            "",
            key=f"watch_active_{folder.id}",
            icon=":material/pause:" if folder.is_active else ":material/play_arrow:",
            help=_("Pause: files wait") if folder.is_active else _("Go on"),
        ):
            try:
                set_folder_active(services(), person(), folder.id, not folder.is_active, row_version=view.row_version)
            except AppError as error:
                show_error(error)
            else:
                st.rerun(scope="app")
        if st.button("", key=f"watch_remove_{folder.id}", icon=":material/delete:", help=_("Remove")):
            open_dialog(_REMOVE, id=folder.id, path=str(folder.path), row_version=view.row_version)
            st.rerun(scope="app")


def start_adding() -> None:
    """Open the empty form."""
    st.session_state["watch_add_path"] = ""
    st.session_state["watch_add_line"] = ""
    st.session_state["watch_add_rule"] = ""
    st.session_state["watch_add_settle"] = DEFAULT_SETTLE_S
    st.session_state["watch_add_part_wait"] = DEFAULT_PART_WAIT_S
    st.session_state["watch_add_subfolders"] = False
    open_dialog(_ADD)


def show_add(_dialog: OpenDialog) -> None:
    """Ask for the folder and what is known of its parts. What was typed stays until it is added."""
    names = {
        found.product.id: f"{product_name(found.product)} · {found.product.code}" for found in list_products(services())
    }
    if not names:
        st.info(_("There is no product yet. Add one first."), icon=":material/category:")
        return
    with st.form("watch_add", border=False):
        path = st.text_input(
            _("Folder on the server"),
            key="watch_add_path",
            help=_("The full path, as the server sees it: /mnt/line1/camera or a mounted network share."),
        )
        product_id = st.selectbox(
            _("Product"), list(names), key="watch_add_product", format_func=lambda found: names[found]
        )
        line = st.text_input(_("Line (optional)"), key="watch_add_line", max_chars=64)
        rule = st.text_input(
            _("Rule for file names (optional)"),
            key="watch_add_rule",
            max_chars=200,
            placeholder="{lot}_{serial}_{*}",
            help=_(
                "Reads `{lot}`, `{serial}`, `{line}` and `{shift}` out of the name; `{n}` is a number, `{*}` anything, "
                "`{lot:5}` five characters."
            ),
        )
        settle_s = st.number_input(
            _("A file is whole when it has not changed for (seconds)"),
            min_value=LEAST_SETTLE_S,
            max_value=MOST_SETTLE_S,
            step=1.0,
            format="%g",
            key="watch_add_settle",
        )
        part_wait_s = st.number_input(
            _("A part that lacks a view is waited for (seconds)"),
            min_value=LEAST_PART_WAIT_S,
            max_value=MOST_PART_WAIT_S,
            step=5.0,
            format="%g",
            key="watch_add_part_wait",
            help=_(
                "Of products with several views alone: files whose names tell the same part (`P001_ct.png`, "
                "`P001_rgb.png`) are inspected together. When nothing has come for so long, the part is inspected by "
                "what there is; without a required view it goes to Review."
            ),
        )
        subfolders = st.checkbox(_("Also what arrives in subfolders"), key="watch_add_subfolders")
        st.caption(
            _("Inspected images are moved to done/ in the folder, rejected files to rejected/ with the reason beside.")
        )
        if not st.form_submit_button(_("Add"), type="primary", icon=":material/check:"):
            return
    settings = WatchSettings(
        settle_s=settle_s,
        part_wait_s=part_wait_s,
        name_rule=rule,
        subfolders=subfolders,
        language=services().settings.language or language(),
    )
    try:
        added = add_folder(
            services(), person(), Path(path.strip()), product_id=product_id, line=line, settings=settings
        )
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("{path} is watched from now on.", path=escape(str(added.path))), ":material/visibility:")
    close_dialog()
    st.rerun()


def carry_out_remove(dialog: OpenDialog) -> None:
    """Remove the folder, now that the person has confirmed it."""
    try:
        remove_folder(services(), person(), dialog.values["id"], row_version=dialog.values["row_version"])
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("{path} is watched no more.", path=escape(dialog.values["path"])), ":material/delete:")
    close_dialog()
    st.rerun()

"""The adapters that know the chosen task, as cards beside the recipes: license, what is missing, and the choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.access import ADMIN
from core.adapters.registry import list_adapters
from pages.components.shared.dialogs import open_dialog
from pages.components.shared.language import _, escape, language
from pages.components.shared.session import may, person, services
from pages.components.training.adapters.license import LICENSE_DIALOG
from pages.components.training.draft import choose_adapter

if TYPE_CHECKING:
    from core.adapters.records import AdapterView
    from core.training.configuration.records import RunConfiguration


def adapters_of(task: str) -> list[AdapterView]:
    """Return the adapters of this installation that know the task."""
    return [view for view in list_adapters(services(), person()) if task in view.tasks]


def show_adapter_card(draft: RunConfiguration, view: AdapterView, *, disabled: bool) -> None:
    """Draw one adapter as a card."""
    is_chosen = draft.model.adapter == view.name
    with st.container(border=True, key=f"train_adapter_{view.name}", height="stretch"):
        mark = ":green[:material/check_circle:] " if is_chosen else ""
        st.markdown(f"{mark}**{escape(view.title)}** :gray-badge[{_('Adapter')}]")
        st.caption(_("Another program trains, shut in an environment of its own; Geomsa measures what it makes."))
        is_accepted = view.accepted_at is not None
        sign = ":green[:material/check:]" if is_accepted else ":orange[:material/warning:]"
        told = _("License {license}: accepted") if is_accepted else _("License {license}: not accepted yet")
        st.caption(f"{sign} {escape(told.format(license=view.license_name))}")
        if is_accepted and view.manifest is not None and view.manifest.gpu:
            st.caption(f":gray[:material/memory:] {_('Uses a GPU where there is one')}")
        _show_way_on(draft, view, is_chosen=is_chosen, disabled=disabled)


def _show_way_on(draft: RunConfiguration, view: AdapterView, *, is_chosen: bool, disabled: bool) -> None:
    obstacle = view.obstacle
    if obstacle is None:
        if not is_chosen:
            st.button(
                _("Choose"), key=f"train_choose_adapter_{view.name}", width="stretch", on_click=choose_adapter,
                args=(draft.product, draft.task, view.name), disabled=disabled,
            )  # fmt: skip
        return
    if obstacle.code != "adapter_license_not_accepted":
        st.caption(f":orange[:material/warning:] {escape(obstacle.sentence(language()))}")
        return
    if may(ADMIN):
        st.button(
            _("Read the license …"), key=f"train_license_{view.name}", icon=":material/gavel:", width="stretch",
            on_click=open_dialog, args=(LICENSE_DIALOG,), kwargs={"adapter": view.name},
        )  # fmt: skip
    else:
        st.caption(_("An administrator reads the license and accepts it here. Ask for that."))

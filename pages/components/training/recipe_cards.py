"""The task and the recipes for it, each with what it needs and whether that is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.training.configuration.field_words import CHOICE_WORDS
from core.training.configuration.fields import find_field
from core.training.recipes.networks import has_weights
from core.training.recipes.registry import RecipeSpec, list_recipes
from pages.components.shared.language import _, _n, escape
from pages.components.shared.screens import DEFECT_IMAGES, MODELS, link_to
from pages.components.shared.session import services
from pages.components.training.adapters.cards import adapters_of, show_adapter_card
from pages.components.training.adapters.license import show_license_dialog
from pages.components.training.draft import choose_recipe

if TYPE_CHECKING:
    from core.adapters.records import AdapterView
    from core.datasets.records import DatasetHead
    from core.training.configuration.records import RunConfiguration

_ICONS = {
    "classification": ":material/category:",
    "segmentation": ":material/brush:",
    "detection": ":material/crop_free:",
}
# What wants a GPU to be of use.
_WANTS_GPU = ("full",)
_ACROSS = 3


def choose_method(draft: RunConfiguration, head: DatasetHead | None, *, disabled: bool = False) -> None:
    """Show the tasks, and the recipes of the one that is chosen as cards."""
    code = draft.product
    tasks = find_field("task").choices
    names = {task: f"{_ICONS[task]} {_(CHOICE_WORDS[task])}" for task in tasks}
    st.session_state["train_task"] = draft.task

    def change_task() -> None:
        task = st.session_state.get("train_task")
        if task in tasks and task != draft.task:
            choose_recipe(code, list_recipes(task)[0].name)

    st.segmented_control(
        _("Task"), list(tasks), key="train_task", required=True, on_change=change_task, disabled=disabled,
        format_func=names.__getitem__, label_visibility="collapsed",
    )  # fmt: skip
    specs, adapters = list_recipes(draft.task), adapters_of(draft.task)
    offers: list[RecipeSpec | AdapterView] = [*specs, *adapters]
    across = max(2, min(_ACROSS, len(offers)))
    # A row at a time, so that the cards of one are of one height.
    for start in range(0, len(offers), across):
        for column, offer in zip(st.columns(across), offers[start : start + across], strict=False):
            with column:
                if isinstance(offer, RecipeSpec):
                    _show_card(draft, offer, head, disabled=disabled)
                else:
                    show_adapter_card(draft, offer, disabled=disabled)
    show_license_dialog()


def _show_card(draft: RunConfiguration, spec: RecipeSpec, head: DatasetHead | None, *, disabled: bool) -> None:
    is_chosen = draft.model.recipe == spec.name
    with st.container(border=True, key=f"train_recipe_{spec.name}", height="stretch"):
        mark = ":green[:material/check_circle:] " if is_chosen else ""
        st.markdown(f"{mark}**{escape(_(spec.title))}**")
        st.caption(escape(_(spec.description)))
        for line in _list_needs(draft, spec, head):
            st.caption(line)
        if not is_chosen:
            st.button(
                _("Choose"), key=f"train_choose_{spec.name}", width="stretch", on_click=choose_recipe,
                args=(draft.product, spec.name), disabled=disabled,
            )  # fmt: skip


def _list_needs(draft: RunConfiguration, spec: RecipeSpec, head: DatasetHead | None) -> list[str]:
    """Return what the recipe needs, each with whether it is here."""
    needs = []
    if not spec.any_backbone:
        backbone = draft.model.backbone if draft.model.recipe == spec.name else "efficientnet_lite0"
        needs.append(_tell(has_weights(services().settings, backbone), _("Weights are here"), _("Weights are missing")))
    else:
        needs.append(f":gray[:material/info:] {_('Weights from a file, or from scratch')}")
    if spec.name in _WANTS_GPU:
        needs.append(f":orange[:material/memory:] {_('Wants a GPU')}")
    if spec.task != "classification" and head is not None:
        report = head.report
        defects = sum(report.count(split, defect=True) for split in ("train", "val", "test"))
        marked = defects - report.unmarked
        told = _n("{count} defect image with a mask", "{count} defect images with a mask", marked)
        needs.append(_tell(marked > 0, told, _("No masks are drawn yet")))
    return needs


def show_remedies(draft: RunConfiguration, head: DatasetHead | None) -> None:
    """Lead to where what is missing can be had: masks for the defects, weights for the network."""
    if draft.task != "classification" and head is not None and head.report.unmarked:
        link_to(DEFECT_IMAGES, _("Draw masks on defect images"), icon=":material/draw:")
    if draft.model.scratch or draft.model.adapter:
        return
    link_to(MODELS, _("Networks and their weights"), icon=":material/deployed_code:")


def _tell(is_there: bool, there: str, missing: str) -> str:
    return f":green[:material/check:] {there}" if is_there else f":orange[:material/warning:] {missing}"

"""Making a training: what is learned, how, as a form or as YAML, what it will take, and the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.views import list_views
from core.datasets.reading import list_datasets
from core.training.configuration.fields import find_field
from pages.components.datasets.naming import name_dataset
from pages.components.datasets.report import show_report
from pages.components.shared.language import _, view_name
from pages.components.shared.screens import link_to
from pages.components.shared.session import services
from pages.components.training.draft import (
    FORM,
    YAML,
    change_draft,
    choose_side,
    drop_text,
    read_draft,
    read_side,
    read_text,
)
from pages.components.training.estimate_panel import show_decision
from pages.components.training.field_widgets import choose_value
from pages.components.training.recipe_cards import choose_method, show_remedies
from pages.components.training.settings_form import show_settings
from pages.components.training.yaml_editor import show_yaml_editor

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.datasets.records import DatasetHead
    from core.training.configuration.records import RunConfiguration
    from pages.components.comparing.wording import ProductWords
    from storage.tables import Product

_NEWEST = 0
DATASET_VERSIONS = "pages/training/dataset_versions.py"


def show_start_form(product: Product, words: ProductWords) -> int | None:
    """Draw the draft of the product's next training; return the number of the run that was started."""
    draft = read_draft(product.code)
    has_error = read_text(product.code).error is not None
    # Above the form: whoever is content with what is proposed starts without scrolling past all of it.
    side, buttons = st.columns([1.0, 1.6], vertical_alignment="center")
    with side:
        _choose_side()
    told = st.container()
    if has_error and read_side() == FORM:
        _show_broken_text(product.code)
    if read_side() == YAML:
        show_yaml_editor(draft)
    else:
        st.markdown(f"**1. {_('What is learned')}**")
        head = _choose_dataset(draft, product, words, disabled=has_error)
        st.markdown(f"**2. {_('Task and recipe')}**")
        choose_method(draft, head, disabled=has_error)
        show_remedies(draft, head)
        st.markdown(f"**3. {_('Training settings')}**")
        show_settings(draft, head, words, disabled=has_error)
    return show_decision(draft, disabled=has_error, buttons=buttons, told=told)


def _choose_side() -> None:
    names = {FORM: f":material/edit_note: {_('Form')}", YAML: ":material/code: YAML"}
    st.session_state["train_side"] = read_side()

    def change() -> None:
        choose_side(str(st.session_state.get("train_side")))

    st.segmented_control(
        _("Show as"), list(names), key="train_side", required=True, format_func=names.__getitem__, on_change=change,
        label_visibility="collapsed",
    )  # fmt: skip


def _show_broken_text(code: str) -> None:
    st.warning(
        _("The YAML has an error, and is kept as you typed it. The form shows the last valid configuration."),
        icon=":material/code_off:",
    )
    with st.container(horizontal=True):
        st.button(
            _("Back to the YAML"), key="train_to_yaml", icon=":material/code:", on_click=choose_side, args=(YAML,)
        )
        st.button(
            _("Discard the text and go on here"), key="train_drop_text", icon=":material/delete:", on_click=drop_text,
            args=(code,),
        )  # fmt: skip


def _choose_dataset(
    draft: RunConfiguration, product: Product, words: ProductWords, *, disabled: bool
) -> DatasetHead | None:
    """Show the choice of dataset version and view; return the version that would be learned from, if there is one."""
    heads = list_datasets(services(), product.id)
    whole = next((head for head in heads if not head.broken_reason), None)
    newest = (
        _("The newest (a first one is made)") if whole is None
        else _("The newest, now version {number}", number=whole.number)
    )  # fmt: skip
    names = {_NEWEST: newest, **{head.number: name_dataset(head) for head in heads}}
    views = list_views(services(), product.id)
    left, right = st.columns([2, 1])
    _choose_number(draft, names, place=left, disabled=disabled)
    if views:
        known = {one.code: view_name(one) for one in views}
        choose_value(draft, "data.view", list(known), {"": _("Choose a view"), **known}, place=right, disabled=disabled)
    chosen = next((head for head in heads if head.number == draft.data.dataset), None)
    head = whole if draft.data.dataset is None else chosen
    if head is None:
        st.caption(_("There is no dataset version yet: the images are frozen as one when the training starts."))
    else:
        show_report(head, words)
    link_to(DATASET_VERSIONS, _("Dataset versions"), icon=":material/inventory_2:")
    return head


def _choose_number(draft: RunConfiguration, names: dict[int, str], *, place: DeltaGenerator, disabled: bool) -> None:
    key, spec = "train_field_data.dataset", find_field("data.dataset")
    # A select box knows no choice that is None.
    held = draft.data.dataset or _NEWEST
    st.session_state[key] = held

    def change() -> None:
        change_draft(draft.product, spec.path, int(st.session_state.get(key, held)) or None)

    said = names if held in names else {**names, held: _("Version {number}", number=held)}
    place.selectbox(
        _(spec.label), list(said), key=key, help=_(spec.explanation),
        format_func=said.__getitem__, on_change=change, disabled=disabled,
    )  # fmt: skip

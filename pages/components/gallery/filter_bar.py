"""The filter of the gallery: what is asked for most stands in a row, the rest behind one button."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.catalog.views import list_views
from core.i18n import N_
from core.images.domains import DOMAINS
from core.images.gallery.filters import (
    NONE_NAMED,
    QUALITIES,
    WITH_MASK,
    WITHOUT_MASK,
    GalleryFilter,
    longest_filter_text,
)
from core.images.gallery.search import load_choices
from core.images.outliers import count_noted
from pages.components.gallery.address import ask_for, asked_filter
from pages.components.gallery.wording import ORIGIN_NAMES, QUALITY_NAMES
from pages.components.images.domains import name_domain
from pages.components.images.labels import DEFECT_IMAGE, NORMAL_IMAGE, SPLIT_NAMES
from pages.components.images.outlier_filter import STATE_NAMES
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, defect_name, number
from pages.components.shared.session import services
from pages.components.shared.view_choice import name_views

if TYPE_CHECKING:
    from storage.tables import DefectType

FILTER_NAMES: dict[str, str] = {
    "type": N_("Defect type"),
    "split": N_("Use for"),
    "part": N_("Part"),
    "view": N_("Image view"),
    "domain": N_("Where taken"),
    "first_day": N_("From"),
    "last_day": N_("To"),
    "origin": N_("Origin"),
    "name": N_("File name"),
    "quality": N_("Quality"),
    "state": N_("Decisions"),
    "mask": N_("Defect mask"),
}
_MASK_NAMES = {WITH_MASK: N_("with mask"), WITHOUT_MASK: N_("without mask")}
_BESIDE = ("part", "view", "domain", "first_day", "last_day", "origin", "quality", "mask")


def show_filter_bar(product_id: int, image_type: str, defect_types: Sequence[DefectType], *, key: str) -> GalleryFilter:
    """Draw the filter of the address; a change goes into the address at once. Returns the filter."""
    wanted, wrong = asked_filter()
    if wrong:
        names = ", ".join(_(FILTER_NAMES[name]) for name in wrong)
        st.warning(
            _("The address names filters that are not understood and were left out: {names}.", names=names),
            icon=":material/filter_alt_off:",
        )
    kinds = [found for found in defect_types if (found.outcome == "good") == (image_type == NORMAL_IMAGE)]
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"{key}_bar"):
        if kinds:
            _show_types(kinds, image_type, wanted, key)
        elif wanted.type:
            wanted = replace(wanted, type=())
        _show_split(wanted, key)
        if image_type == NORMAL_IMAGE:
            _show_states(product_id, wanted, key)
        _type("name", wanted, key, hint=_("Any part of the stored or the original name."), width=170)
        used = sum(getattr(wanted, name) not in (None, "") for name in _BESIDE)
        label = _("More ({count})", count=used) if used else _("More")
        with st.popover(label, icon=":material/filter_alt:"):
            _show_others(product_id, image_type, wanted, key)
        if wanted.to_query():
            st.button(
                _("Clear all filters"),
                key=f"{key}_clear",
                icon=":material/filter_alt_off:",
                type="tertiary",
                on_click=ask_for,
                args=(GalleryFilter(),),
            )
    return wanted


def _show_types(kinds: Sequence[DefectType], image_type: str, wanted: GalleryFilter, key: str) -> None:
    names = {found.id: defect_name(found) for found in kinds}
    # One that is none of the product's cannot be shown as chosen; the list says that nothing fits.
    _hold(key, "type", [number for number in wanted.type if number in names])
    st.multiselect(
        _(FILTER_NAMES["type"]) if image_type == DEFECT_IMAGE else _("Kinds of good parts"),
        list(names),
        key=f"{key}_type",
        format_func=lambda found: names[found],
        placeholder=_("All"),
        on_change=_apply,
        args=(key, "type"),
        width=240,
    )


def _show_split(wanted: GalleryFilter, key: str) -> None:
    uses = {"all": _("All"), **{found: _(name) for found, name in SPLIT_NAMES.items()}}
    _hold(key, "split", wanted.split or "all")
    st.segmented_control(
        _(FILTER_NAMES["split"]),
        list(uses),
        key=f"{key}_split",
        required=True,
        format_func=lambda found: uses[found],
        on_change=_apply,
        args=(key, "split"),
    )


def _show_states(product_id: int, wanted: GalleryFilter, key: str) -> None:
    counts = count_noted(services(), product_id)
    names = {"all": _("All")} | {
        state: f"{_(name)} ({number(counts[state])})"
        for state, name in STATE_NAMES.items()
        if counts.get(state) or wanted.state == state
    }
    if len(names) == 1:
        return
    _hold(key, "outlier_state", wanted.state or "all")
    st.segmented_control(
        _(FILTER_NAMES["state"]),
        list(names),
        key=f"{key}_outlier_state",
        required=True,
        format_func=lambda state: names[state],
        on_change=_apply,
        args=(key, "outlier_state"),
    )


def _show_others(product_id: int, image_type: str, wanted: GalleryFilter, key: str) -> None:
    choices = load_choices(services(), product_id, image_type)
    left, right = st.columns(2)
    with left:
        _type("part", wanted, key, hint=_("What it begins with."))
        own = name_views(list_views(services(), product_id))
        none = _("no view yet") if own else _("none named")
        views = {NONE_NAMED: none, **{view: own.get(view, view) for view in choices.views}}
        _pick("view", views, wanted, key)
        _pick("domain", {code: name_domain(code) for code in (*DOMAINS, NONE_NAMED)}, wanted, key)
        _pick("origin", {code: label_of(ORIGIN_NAMES, code) for code in (*choices.origins, NONE_NAMED)}, wanted, key)
    with right:
        _pick("quality", {code: label_of(QUALITY_NAMES, code) for code in QUALITIES}, wanted, key)
        if image_type == DEFECT_IMAGE:
            _pick("mask", {code: label_of(_MASK_NAMES, code) for code in _MASK_NAMES}, wanted, key)
        for name in ("first_day", "last_day"):
            _hold(key, name, getattr(wanted, name))
            st.date_input(
                _(FILTER_NAMES[name]),
                key=f"{key}_{name}",
                value=None,
                format="YYYY-MM-DD",
                on_change=_apply,
                args=(key, name),
            )


def _pick(name: str, names: Mapping[str, str], wanted: GalleryFilter, key: str) -> None:
    value = getattr(wanted, name) or None
    options = list(names) if value is None or value in names else [*names, value]
    _hold(key, name, value)
    st.selectbox(
        _(FILTER_NAMES[name]),
        options,
        key=f"{key}_{name}",
        index=None,
        format_func=lambda found: names.get(found, str(found)),
        placeholder=_("All"),
        on_change=_apply,
        args=(key, name),
    )


def _type(name: str, wanted: GalleryFilter, key: str, *, hint: str, width: int | None = None) -> None:
    _hold(key, name, getattr(wanted, name))
    st.text_input(
        _(FILTER_NAMES[name]),
        key=f"{key}_{name}",
        max_chars=longest_filter_text(name),
        on_change=_apply,
        args=(key, name),
        help=hint,
        width=width or "stretch",
    )


def _hold(key: str, name: str, value: Any) -> None:
    """Let the box show what the address says, also where it was changed by a link or by going back."""
    if st.session_state.get(f"{key}_{name}") != value:
        st.session_state[f"{key}_{name}"] = value


def _apply(key: str, name: str) -> None:
    value = st.session_state[f"{key}_{name}"]
    wanted, _wrong = asked_filter()
    if name == "type":
        value = tuple(value)
    elif name in {"split", "outlier_state"}:
        value = None if value == "all" else value
    elif name in {"part", "name", "view"}:
        value = str(value or "").strip()
    changed: dict[str, Any] = {"state" if name == "outlier_state" else name: value}
    ask_for(replace(wanted, **changed))

"""The options of the chosen adapter, as its manifest names them, as fields of the form."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.adapters.records import read_option
from core.adapters.registry import get_adapter
from core.errors import AppError
from core.i18n import N_
from pages.components.shared.language import _
from pages.components.shared.session import person, services
from pages.components.training.draft import change_option

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.training.configuration.records import RunConfiguration
    from inference.vision.learning.adapters.manifest import AdapterOption

_COLUMNS = 3
_LONGEST_TEXT = 200
# What options are often called; any other has the name that its authors gave it.
_WORDS: dict[str, str] = {
    "family": N_("Model family"),
    "model": N_("Model"),
    "output": N_("Kind of output"),
    "size": N_("Model size"),
    "steps": N_("Most training steps"),
    "weights": N_("Weights file"),
}


def show_options(draft: RunConfiguration, *, disabled: bool) -> None:
    """Draw a field for each option; what is typed goes into the draft's `model.options`."""
    try:
        manifest = get_adapter(services(), person(), draft.model.adapter).manifest
    except AppError:
        return  # The check below the form says what is wrong with it.
    if manifest is None or not manifest.options:
        return
    st.markdown(f"**{_('Options of the adapter')}**", help=_("Its authors say in its folder what they mean."))
    options = manifest.options
    for start in range(0, len(options), _COLUMNS):
        for place, option in zip(st.columns(_COLUMNS), options[start : start + _COLUMNS], strict=False):
            _show_option(draft, option, place, disabled=disabled)


def _show_option(draft: RunConfiguration, option: AdapterOption, place: DeltaGenerator, *, disabled: bool) -> None:
    key = f"train_option_{draft.model.adapter}_{option.name}"
    held = _read(draft, option)
    st.session_state[key] = held

    def change() -> None:
        typed: Any = st.session_state.get(key, held)
        if typed is not None:
            change_option(draft.product, option.name, " ".join(typed.split()) if option.kind == "text" else typed)

    label = _(_WORDS[option.name]) if option.name in _WORDS else option.name
    if option.kind == "choice":
        place.selectbox(label, list(option.choices), key=key, on_change=change, disabled=disabled)
    elif option.kind == "text":
        place.text_input(label, key=key, max_chars=_LONGEST_TEXT, on_change=change, disabled=disabled)
    elif option.kind == "int":
        place.number_input(
            label, math.ceil(option.lowest), math.floor(option.highest), step=1, key=key, on_change=change,
            disabled=disabled,
        )  # fmt: skip
    else:
        place.number_input(
            label, float(option.lowest), float(option.highest), key=key, on_change=change, format="%.6g",
            disabled=disabled,
        )  # fmt: skip


def _read(draft: RunConfiguration, option: AdapterOption) -> Any:
    value = read_option(option, draft.model.options.get(option.name, option.default))
    return float(value) if option.kind == "float" else value

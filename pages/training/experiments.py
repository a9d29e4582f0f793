"""Experiments: all training runs as a table, and two to six of them side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.access import ENGINEER
from core.catalog.products import list_products
from core.errors import AppError
from core.training.experiments.side_by_side import LEAST_RUNS, MOST_RUNS, compare_runs
from core.training.runs.overview import list_runs, read_head
from pages.components.comparing.wording import read_words
from pages.components.experiments.address import (
    CURVES,
    IMAGES,
    LOOKS,
    SPLITS,
    SUMMARY,
    asked_runs,
    change_look,
    open_runs,
    read_look,
)
from pages.components.experiments.curves import show_curves
from pages.components.experiments.images import show_images
from pages.components.experiments.run_table import show_table
from pages.components.experiments.summary import show_runs, show_summary
from pages.components.shared import screens
from pages.components.shared.language import _
from pages.components.shared.link_table import follow_chosen
from pages.components.shared.session import person, require, services, show_error

if TYPE_CHECKING:
    from core.training.experiments.side_by_side import SideBySide
    from pages.components.experiments.address import Look

require(ENGINEER)
follow_chosen()

_FOUND = "experiments_found"


def show_start(pinned: tuple[int, ...]) -> None:
    """Draw the table of runs, or what comes first."""
    st.title(_("Experiments"))
    if not list_runs(services(), person(), limit=1):
        st.info(
            _("There is no training run yet. Train a model first: each run is listed here, to be compared."),
            icon=":material/science:",
        )
        screens.link_to(screens.TRAIN_MODEL, _("Train a model"))
        return
    show_table(list_products(services()), pinned)


def show_comparison(numbers: tuple[int, ...]) -> None:
    """Draw the runs that the address names side by side."""
    title, back = st.columns([4, 1.2], vertical_alignment="bottom")
    title.title(_("Experiments"))
    back.button(
        _("All training runs"), key="experiments_back", icon=":material/arrow_back:", width="stretch",
        on_click=open_runs, args=((),),
    )  # fmt: skip
    look = read_look()
    try:
        with st.spinner(_("Comparing the runs …")):
            found = read_comparison(numbers, look.split)
    except AppError as error:
        show_error(error)
        return
    show_runs(found)
    show_sides(found, look)


def read_comparison(numbers: tuple[int, ...], split: str) -> SideBySide:
    """Return the comparison of this visit: intervals are drawn anew only where runs have changed. Raises AppError."""
    # More than can stand side by side are refused in words below, and not looked for one by one.
    heads = [read_head(services(), person(), number) for number in numbers] if len(numbers) <= MOST_RUNS else []
    stamp = (numbers, split, *((head.id, head.state, head.epochs_done, head.row_version) for head in heads))
    kept = st.session_state.get(_FOUND)
    if kept is not None and kept[0] == stamp:
        found: SideBySide = kept[1]
        return found
    found = compare_runs(services(), person(), numbers, split=split)
    st.session_state[_FOUND] = (stamp, found)
    return found


def show_sides(found: SideBySide, look: Look) -> None:
    """Draw the choice of what is shown, and that."""
    names = {SUMMARY: _("Figures"), CURVES: _("Curves"), IMAGES: _("Image by image")}
    splits = {"test": _("Test"), "val": _("Validation")}

    def change() -> None:
        if (chosen := st.session_state.get("experiments_look")) in LOOKS:
            change_look(look=chosen, image=0)

    def change_split() -> None:
        if (chosen := st.session_state.get("experiments_split")) in SPLITS:
            change_look(split=chosen)

    st.session_state["experiments_look"] = look.look
    st.session_state["experiments_split"] = look.split
    with st.container(horizontal=True, vertical_alignment="center", key="experiments_sides"):
        st.segmented_control(
            _("View"), list(LOOKS), key="experiments_look", format_func=names.__getitem__, required=True,
            label_visibility="collapsed", on_change=change,
        )  # fmt: skip
        if look.look != CURVES:
            st.segmented_control(
                _("Images of"), list(SPLITS), key="experiments_split", format_func=splits.__getitem__, required=True,
                label_visibility="collapsed", on_change=change_split,
            )  # fmt: skip
    words = read_words(found.runs[0].head.product.id)
    if look.look == CURVES:
        show_curves(found)
    elif look.look == IMAGES:
        show_images(found, words, look)
    else:
        show_summary(found, words)


asked = asked_runs()
if len(asked) >= LEAST_RUNS:
    show_comparison(asked)
else:
    show_start(asked)

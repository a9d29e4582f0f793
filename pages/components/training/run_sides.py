"""The sides of a run: its result, curves, images, configuration, log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.training.configuration.reading import read_configuration
from core.training.configuration.yaml_text import write_yaml
from pages.components.deployment.job_log import log_sentence
from pages.components.shared.language import _, clock, escape
from pages.components.shared.screens import COMPARE_METHODS, link_to
from pages.components.shared.session import show_error
from pages.components.training.address import (
    CONFIGURATION,
    CURVES,
    IMAGES,
    LOG,
    LOOKS,
    RESULT,
    RunLook,
    change_look,
    open_run,
    read_look,
)
from pages.components.training.curves import show_curves
from pages.components.training.draft import keep_draft
from pages.components.training.export_panel import show_export
from pages.components.training.images_view import show_images
from pages.components.training.result_view import show_result

if TYPE_CHECKING:
    from core.training.configuration.records import RunConfiguration
    from core.training.runs.records import EpochRow, RunView
    from pages.components.comparing.wording import ProductWords

EXPERIMENTS = "pages/training/experiments.py"


def choose_look(run: RunView) -> RunLook:
    """Show the choice of sides that there are; return what is to be shown."""
    look = read_look()
    offered = _list_sides(run)
    chosen = look.look if look.look in offered else offered[0]
    names = {
        RESULT: _("Result"), CURVES: _("Curves"), IMAGES: _("Image by image"), CONFIGURATION: _("Configuration"),
        LOG: _("Log"),
    }  # fmt: skip

    def change() -> None:
        asked = st.session_state.get("train_look")
        if asked in LOOKS:
            change_look(look=asked, image=0)

    st.session_state["train_look"] = chosen
    st.segmented_control(
        _("View"), offered, key="train_look", format_func=names.__getitem__, required=True,
        label_visibility="collapsed", on_change=change,
    )  # fmt: skip
    return replace(look, look=chosen)


def show_side(run: RunView, epochs: Sequence[EpochRow], words: ProductWords, look: RunLook) -> None:
    """Show one side of a run."""
    try:
        if look.look == RESULT:
            show_result(run, words)
            _show_ways_on(run)
        elif look.look == CURVES:
            show_curves(
                epochs, run.head.figure, best=run.head.best_epoch, planned=run.head.epochs, key="kept",
                is_over=run.head.is_over,
            )  # fmt: skip
        elif look.look == IMAGES:
            show_images(run, words, look)
        elif look.look == LOG:
            _show_log(run)
        else:
            _show_configuration(run)
    except AppError as error:
        show_error(error)


def _list_sides(run: RunView) -> list[str]:
    sides = []
    if run.val or run.test:
        sides.append(RESULT)
    if run.head.is_over:
        sides.append(CURVES)
    if run.result_key:
        sides.append(IMAGES)
    return [*sides, CONFIGURATION, LOG] if run.head.is_over else [LOG, CONFIGURATION]


def _show_ways_on(run: RunView) -> None:
    with st.container(horizontal=True, key="train_ways_on"):
        link_to(EXPERIMENTS, _("Compare with other runs"), icon=":material/science:", query={"runs": str(run.head.id)})
        link_to(COMPARE_METHODS, _("Compare with other methods"), icon=":material/compare:")
    if run.head.model_version_id is not None:
        show_export(run.head.id)


def _show_configuration(run: RunView) -> None:
    configuration = _read(run)
    if configuration is None:
        st.json(dict(run.configuration))
        return
    st.button(
        _("Use for a new training"), key="train_use_again", icon=":material/content_copy:", on_click=_use_again,
        args=(configuration,), help=_("Opens the form with these settings; nothing is started."),
    )  # fmt: skip
    st.code(write_yaml(configuration), language="yaml")


def _read(run: RunView) -> RunConfiguration | None:
    """Return the run's configuration; None for one that this version cannot read, which is shown as it is."""
    try:
        return read_configuration(run.configuration)
    except AppError as error:
        show_error(error)
        return None


def _use_again(configuration: RunConfiguration) -> None:
    keep_draft(replace(configuration, name=""))
    st.session_state.pop("train_product", None)
    open_run(None)


def _show_log(run: RunView) -> None:
    if run.job is None or not run.job.log:
        st.caption(_("Nothing has been written into the log yet."))
        return
    for line in run.job.log:
        st.markdown(f"`{clock(line.at)}` {escape(log_sentence(line))}")

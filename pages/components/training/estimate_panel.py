"""What a training will take and what speaks against it, and the button that starts it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.training.configuration.checking import CheckedConfiguration, check_configuration
from core.training.configuration.fields import fields_by_path
from core.training.configuration.hashing import hash_configuration
from core.training.configuration.yaml_text import say_line
from core.training.runs.starting import estimate_run, start_run
from pages.components.shared.language import _, _n, byte_size, duration, escape, language, number
from pages.components.shared.session import person, services, show_error
from pages.components.training.draft import read_text

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.training.configuration.records import RunConfiguration
    from core.training.runs.records import RunEstimate

_ESTIMATES = "train_estimates"


def show_decision(
    draft: RunConfiguration, *, disabled: bool, buttons: DeltaGenerator, told: DeltaGenerator
) -> int | None:
    """Show the estimate and the start in `buttons`, what is to be known in `told`; return the number of a new run."""
    with told:
        checked = None if disabled else _check(draft)
        return _decide(draft, checked, disabled=disabled, buttons=buttons)


def _decide(
    draft: RunConfiguration, checked: CheckedConfiguration | None, *, disabled: bool, buttons: DeltaGenerator
) -> int | None:
    estimating, starting = buttons.columns(2)
    is_blocked = disabled or checked is None
    if estimating.button(
        _("Estimate time and memory"), key="train_estimate", icon=":material/timer:", width="stretch",
        disabled=is_blocked, help=_("Times a few steps on this machine. Nothing is started."),
    ):  # fmt: skip
        _estimate(draft)
    started = None
    if starting.button(
        _("Start training"), key="train_start", type="primary", icon=":material/play_arrow:", width="stretch",
        disabled=is_blocked,
    ):  # fmt: skip
        try:
            with st.spinner(_("Checking and queuing the training …")):
                started = start_run(services(), person(), draft)
        except AppError as error:
            show_error(error)
    _show_estimate(draft, said={notice.code for notice in checked.notices} if checked else set())
    return started


def _check(draft: RunConfiguration) -> CheckedConfiguration | None:
    try:
        checked = check_configuration(services(), person(), draft)
    except AppError as error:
        show_error(say_line(read_text(draft.product).text, error))
        return None
    if checked.counts:
        told = _n("{count} class", "{count} classes", len(checked.counts))
        images = _n("{count} training image", "{count} training images", sum(checked.counts.values()))
        st.caption(f":material/dataset: {told} · {images}")
    for notice in checked.notices:
        st.caption(f":orange[:material/warning:] {escape(notice.sentence(language()))}")
    return checked


def _estimate(draft: RunConfiguration) -> None:
    try:
        with st.spinner(_("Timing a few steps on this machine: some seconds …"), show_time=True):
            found = estimate_run(services(), person(), draft)
    except AppError as error:
        show_error(error)
        return
    st.session_state.setdefault(_ESTIMATES, {})[draft.product] = (hash_configuration(draft), found)


def _show_estimate(draft: RunConfiguration, *, said: Collection[str]) -> None:
    kept = st.session_state.get(_ESTIMATES, {}).get(draft.product)
    if kept is None:
        return
    made_for, found = kept
    if made_for != hash_configuration(draft):
        st.caption(_("The estimate was for other settings: ask for it again."))
        return
    show_estimate(found, said=said)


def show_estimate(found: RunEstimate, *, said: Collection[str] = ()) -> None:
    """Show what was measured, what is ignored, and what to know before the start; `said` are codes said already."""
    with st.container(border=True, key="train_estimate_box"):
        time, memory, images = st.columns(3)
        time.metric(_("Expected time"), duration(found.seconds))
        memory.metric(_("Memory"), byte_size(found.memory_bytes))
        images.metric(_("Training images"), number(found.images.get("train", 0)))
        about = [
            _n("{count} class", "{count} classes", len(found.labels)),
            _n("at most {count} epoch", "at most {count} epochs", found.epochs),
            _("validation {count}", count=number(found.images.get("val", 0))),
            _("test {count}", count=number(found.images.get("test", 0))),
            _("dataset version {number}", number=found.dataset_number),
            _("timed on this machine") if found.measured else _("not timed: a rough figure"),
        ]
        st.caption(" · ".join(about))
        for warning in found.warnings:
            if warning.code != "run_settings_ignored" and warning.code not in said:
                sentence = warning.to_app_error().sentence(language())
                st.caption(f":orange[:material/warning:] {escape(sentence)}")
        if found.ignored:
            st.caption(
                f":material/info: {_('Not used by this recipe: {settings}', settings=_name_fields(found.ignored))}"
            )


def _name_fields(names: tuple[str, ...]) -> str:
    """Return what settings are called; a recipe names them by their path, or by their name alone."""
    known = fields_by_path()
    by_name = {one.name: one for one in known.values()}
    found = [(name, known.get(name) or by_name.get(name)) for name in names]
    return escape(", ".join(name if one is None else _(one.label) for name, one in found))

"""Choosing who writes the corrective steps: what each way needs, what it sends where, and a trial of its server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.guidance.writer_choice import (
    TextChoice,
    choose_text_model,
    current_text_choice,
    get_writer,
    list_text_models,
)
from core.guidance.writers.registry import list_writers
from core.guidance.writers.specification import WriterSetting, WriterSpecification
from pages.components.shared.language import _, _n, escape
from pages.components.shared.session import person, say_after_rerun, services, show_error, showing_errors

if TYPE_CHECKING:
    from core.settings import Settings

_LISTED = "text_models_listed"


def show_text_model_choice() -> None:
    """Show the way of writing on the left, what it needs on the right."""
    choice = current_text_choice(services())
    st.markdown(_("Chosen: **{model}**", model=escape(_describe(choice))))
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        writers = {writer.name: writer for writer in list_writers()}
        writer = writers[
            st.radio(
                _("Who writes the corrective steps"),
                list(writers),
                index=list(writers).index(choice.writer),
                key="text_writer",
                format_func=lambda name: _(writers[name].title),
                captions=[_(writer.description) for writer in writers.values()],
            )
        ]
        picked = _pick_model(writer, choice)
        _show_choose(picked, choice)
    with right, st.container(border=True):
        _show_needs(writer, services().settings)


def _describe(choice: TextChoice) -> str:
    name = _(get_writer(choice).title)
    return f"{name} · {choice.model}" if choice.model else name


def _pick_model(writer: WriterSpecification, choice: TextChoice) -> TextChoice:
    if not writer.has_models:
        return TextChoice(writer.name, row_version=choice.row_version)
    is_chosen = choice.writer == writer.name
    kept = choice if is_chosen else TextChoice(writer.name, services().settings.llm_model or "")
    listed: list[str] = st.session_state.get(_LISTED, {}).get(writer.name, [])
    names = list(dict.fromkeys([*([kept.model] if kept.model else []), *listed]))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        model = st.selectbox(
            _("Language model"),
            names,
            index=0 if names else None,
            key=f"text_model_{writer.name}",
            accept_new_options=True,
            placeholder=_("Its name at the server"),
        )
        if st.button(_("Ask the server"), key=f"text_list_{writer.name}", icon=":material/sync:"):
            _ask_server(writer.name)
    sees = st.toggle(
        _("It sees pictures: send the part and where it differs"),
        value=kept.sees_pictures,
        key=f"text_sees_{writer.name}",
        help=_("Only for models that take images. They leave this program with every question."),
    )
    return TextChoice(writer.name, str(model or ""), bool(sees), choice.row_version)


def _ask_server(writer: str) -> None:
    try:
        with st.spinner(_("Asking the server …")):
            found = list_text_models(services(), person(), writer)
    except AppError as error:
        show_error(error)
        return
    st.session_state[_LISTED] = st.session_state.get(_LISTED, {}) | {writer: found}
    say_after_rerun(_n("The server offers {count} model.", "The server offers {count} models.", len(found)))
    st.rerun()


def _show_choose(picked: TextChoice, choice: TextChoice) -> None:
    if picked == choice or (picked.writer == choice.writer and not picked.model and not choice.model):
        st.badge(_("This is the chosen way"), icon=":material/check_circle:", color="green")
        return
    if not st.button(_("Use from now on"), key="text_choose", type="primary", icon=":material/check:"):
        return
    with showing_errors():
        made = choose_text_model(services(), person(), picked)
        say_after_rerun(_("From now on: {model}", model=escape(_describe(made))))
        st.rerun()


def _show_needs(writer: WriterSpecification, settings: Settings) -> None:
    facts = {
        _(setting.label, variable=f"`{setting.variable}`"): _describe_setting(setting, settings)
        for setting in writer.settings
    }
    facts |= {_(label): _(value) for label, value in writer.facts}
    st.markdown("\n".join(f"- {name}: {value}" for name, value in facts.items()))
    st.caption(
        _(
            "Whoever writes: each step names the manual's page, what no page bears out is marked, and when a model "
            "fails, the manual is quoted instead."
        )
    )


def _describe_setting(setting: WriterSetting, settings: Settings) -> str:
    value = setting.read(settings)
    if not value:
        return _("**not set**") if setting.missing_code else _("none")
    return _("set") if setting.is_secret else f"`{value}`"

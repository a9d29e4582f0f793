"""Choosing who writes the corrective steps: what each way needs, what it sends where, and a trial of its server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.guidance.writer_choice import (
    ADDRESS_VARIABLE,
    CLAUDE,
    COMPATIBLE,
    KEY_VARIABLE,
    WRITER_DESCRIPTIONS,
    WRITER_NAMES,
    TextChoice,
    choose_text_model,
    current_text_choice,
    list_text_models,
)
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
        names = list(WRITER_NAMES)
        writer = st.radio(
            _("Who writes the corrective steps"),
            names,
            index=names.index(choice.writer),
            key="text_writer",
            format_func=lambda name: _(WRITER_NAMES[name]),
            captions=[_(WRITER_DESCRIPTIONS[name]) for name in names],
        )
        picked = _pick_model(writer, choice)
        _show_choose(picked, choice)
    with right, st.container(border=True):
        _show_needs(writer, services().settings)


def _describe(choice: TextChoice) -> str:
    name = _(WRITER_NAMES[choice.writer])
    return f"{name} · {choice.model}" if choice.model else name


def _pick_model(writer: str, choice: TextChoice) -> TextChoice:
    if writer not in {CLAUDE, COMPATIBLE}:
        return TextChoice(writer, row_version=choice.row_version)
    kept = choice if choice.writer == writer else TextChoice(writer, services().settings.llm_model or "")
    listed: list[str] = st.session_state.get(_LISTED, {}).get(writer, [])
    names = list(dict.fromkeys([*([kept.model] if kept.model else []), *listed]))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        model = st.selectbox(
            _("Language model"),
            names,
            index=0 if names else None,
            key=f"text_model_{writer}",
            accept_new_options=True,
            placeholder=_("Its name at the server"),
        )
        if st.button(_("Ask the server"), key=f"text_list_{writer}", icon=":material/sync:"):
            _ask_server(writer)
    sees = st.toggle(
        _("It sees pictures: send the part and where it differs"),
        value=kept.sees_pictures,
        key=f"text_sees_{writer}",
        help=_("Only for models that take images. They leave this program with every question."),
    )
    return TextChoice(writer, str(model or ""), bool(sees), choice.row_version)


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


def _show_needs(writer: str, settings: Settings) -> None:
    here, missing = _("set"), _("**not set**")
    if writer == CLAUDE:
        facts = {
            _("Key ({variable})", variable=f"`{KEY_VARIABLE}`"): here if settings.anthropic_api_key else missing,
            _("Sent to"): f"`{settings.anthropic_base_url or 'https://api.anthropic.com'}`",
            _("Cost"): _("by tokens, see System status"),
        }
    elif writer == COMPATIBLE:
        facts = {
            _("Address ({variable})", variable=f"`{ADDRESS_VARIABLE}`"): f"`{settings.llm_base_url}`"
            if settings.llm_base_url
            else missing,
            _("Key ({variable})", variable="`GEOMSA_LLM_API_KEY`"): here if settings.llm_api_key else _("none"),
        }
    else:
        facts = {_("Connection"): _("not needed"), _("Cost"): _("none")}
    st.markdown("\n".join(f"- {name}: {value}" for name, value in facts.items()))
    st.caption(
        _(
            "Whoever writes: each step names the manual's page, what no page bears out is marked, and when a model "
            "fails, the manual is quoted instead."
        )
    )

"""Choosing a vision-language model: what leaves this program and where to; its prompts; networks that find phrases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.i18n import N_
from core.methods.visual.choice import BY_NAME, VisualChoice, choose_visual_model, current_visual_choice
from core.methods.visual.choice import list_visual_models as list_models
from core.methods.visual.grounding_weights import list_grounding
from core.methods.visual.servers import OFF, SERVERS, ServerVariable, VisualServer, find_server
from pages.components.settings.visual_prompts import show_prompts
from pages.components.shared.language import _, _n, byte_size, escape
from pages.components.shared.session import person, say_after_rerun, services, show_error, showing_errors

if TYPE_CHECKING:
    from core.settings import Settings

_LISTED = "visual_models_listed"
_BOXES: dict[str, str] = {
    BY_NAME: N_("as the model's name tells"),
    "thousandths": N_("thousandths of the picture (Qwen3-VL)"),
    "pixels": N_("pixels of the picture (Qwen2.5-VL, Claude)"),
    "fractions": N_("fractions of the picture, 0 to 1"),
}


def show_visual_models() -> None:
    """Show the choice on the left and what it needs on the right; then the prompts and the grounding networks."""
    choice = current_visual_choice(services())
    st.markdown(_("Chosen: **{model}**", model=escape(_describe(choice))))
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        servers = {server.name: server for server in SERVERS}
        titles = {OFF: _("None: no picture leaves this program")} | {
            name: _(server.title) for name, server in servers.items()
        }
        captions = [_("Second opinions and comparisons do without a vision-language model.")]
        name = st.radio(
            _("Which vision-language model is asked"),
            list(titles),
            index=list(titles).index(choice.server),
            key="visual_server",
            format_func=lambda found: titles[found],
            captions=captions + [_(server.description) for server in SERVERS],
        )
        server = servers.get(name)
        picked = VisualChoice(row_version=choice.row_version) if server is None else _pick_model(server, choice)
        _show_choose(picked, choice)
    with right, st.container(border=True):
        _show_needs(server, services().settings)
    st.divider()
    show_prompts()
    st.divider()
    _show_grounding()


def _describe(choice: VisualChoice) -> str:
    server = find_server(choice.server)
    return _("none") if server is None else f"{_(server.title)} · {choice.model}"


def _pick_model(server: VisualServer, choice: VisualChoice) -> VisualChoice:
    is_chosen = choice.server == server.name
    kept = choice if is_chosen else VisualChoice(server.name, services().settings.vlm_model or "")
    listed: list[str] = st.session_state.get(_LISTED, {}).get(server.name, [])
    names = list(dict.fromkeys([*([kept.model] if kept.model else []), *listed]))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        model = st.selectbox(
            _("Vision-language model"),
            names,
            index=0 if names else None,
            key=f"visual_model_{server.name}",
            accept_new_options=True,
            placeholder=_("Its name at the server"),
        )
        if st.button(_("Ask the server"), key=f"visual_list_{server.name}", icon=":material/sync:"):
            _ask_server(server.name)
    titles = {code: _(title) for code, title in _BOXES.items()}
    boxes = st.selectbox(
        _("How it writes boxes"),
        list(titles),
        index=list(titles).index(kept.boxes),
        key=f"visual_boxes_{server.name}",
        format_func=lambda found: titles[found],
        help=_("Models count in different ways. Boxes that lie outside the picture by this way are refused."),
    )
    return VisualChoice(server.name, str(model or ""), boxes, choice.row_version)


def _ask_server(name: str) -> None:
    try:
        with st.spinner(_("Asking the server …")):
            found = list_models(services(), person(), name)
    except AppError as error:
        show_error(error)
        return
    st.session_state[_LISTED] = st.session_state.get(_LISTED, {}) | {name: found}
    say_after_rerun(_n("The server offers {count} model.", "The server offers {count} models.", len(found)))
    st.rerun()


def _show_choose(picked: VisualChoice, choice: VisualChoice) -> None:
    if picked == choice:
        st.badge(_("This is the chosen way"), icon=":material/check_circle:", color="green")
        return
    if not st.button(_("Use from now on"), key="visual_choose", type="primary", icon=":material/check:"):
        return
    with showing_errors():
        made = choose_visual_model(services(), person(), picked)
        say_after_rerun(_("From now on: {model}", model=escape(_describe(made))))
        st.rerun()


def _show_needs(server: VisualServer | None, settings: Settings) -> None:
    if server is None:
        st.markdown(
            _(
                "To have a vision-language model: set GEOMSA_VLM_BASE_URL to a server of your own, or "
                "ANTHROPIC_API_KEY for Claude, on the server; start the program again; then choose it here."
            )
        )
        return
    facts = {_(one.label, variable=f"`{one.variable}`"): _describe_variable(one, settings) for one in server.variables}
    st.markdown("\n".join(f"- {label}: {value}" for label, value in facts.items()))
    st.caption(
        _(
            "The model answers in a fixed form. What is not of that form, names an unknown type or marks a place "
            "outside the picture counts as no answer. It never decides."
        )
    )


def _describe_variable(one: ServerVariable, settings: Settings) -> str:
    value = one.read(settings)
    if not value:
        return _("**not set**") if one.missing_code else _("none")
    return _("set") if one.is_secret else f"`{value}`"


def _show_grounding() -> None:
    st.subheader(_("Networks that find phrases"))
    st.markdown(
        _("They look for the phrase of each defect type (Defect types). Published folders are added on the server:")
    )
    st.code("python -m core weights add grounding-dino FOLDER", language="shell")
    st.dataframe(
        [
            {
                _("Network"): state.network.title,
                _("Weights"): _("not here") if state.path is None else _("added"),
                _("Size"): "–" if state.path is None else byte_size(state.byte_size),
                _("Licence"): state.network.licence,
                _("Origin"): state.network.source,
            }
            for state in list_grounding(services().settings)
        ],
        hide_index=True,
        width="stretch",
    )

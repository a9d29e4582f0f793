"""Models: which network detects, which finds look-alikes, who writes; what each needs, and a trial beforehand."""

from __future__ import annotations

import streamlit as st

from core.access import ENGINEER
from core.catalog.products import list_products
from core.guidance.writer_choice import TEXT_GENERATION
from core.i18n import N_
from core.methods.visual.choice import VISUAL_QUESTIONS
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.models.options import DETECTION, SIMILARITY, ModelOption, list_options
from core.models.weight_paths import WeightsState, list_weights
from core.registry.choices import Choice, choose, current_choice
from core.registry.model_status import model_states
from pages.components.deployment.deploy_notice import show_deploy_notice
from pages.components.settings.model_trial import show_trial
from pages.components.settings.text_model_choice import show_text_model_choice
from pages.components.settings.visual_models import show_visual_models
from pages.components.settings.weights_upload import show_weights_upload, weights_badge
from pages.components.shared import screens
from pages.components.shared.language import _, _n, byte_size
from pages.components.shared.session import person, require, say_after_rerun, services, showing_errors

require(ENGINEER)

_PURPOSES: dict[str, str] = {DETECTION: N_("Anomaly detection"), SIMILARITY: N_("Similar images")}
_ALL_PURPOSES: dict[str, str] = _PURPOSES | {
    TEXT_GENERATION: N_("Corrective steps"),
    VISUAL_QUESTIONS: N_("Vision-language models"),
}
_DEPLOYMENTS: dict[str, tuple[str, str, str]] = {
    DETECTION: (MEMORY_BANK, screens.MEMORY_BANKS, N_("To the memory banks")),
    SIMILARITY: (SIMILARITY_INDEX, screens.SIMILARITY_INDEX, N_("To the similarity index")),
}
_DEVICES: dict[str, str] = {
    "auto": N_("graphics card where there is one, else processor"),
    "cpu": N_("processor"),
    "cuda": N_("graphics card"),
}


def show_screen() -> None:
    """Choose the purpose, then the model; at the end what every network needs."""
    st.title(_("Models"))
    st.markdown(
        _(
            "Which models the next deployment builds. Models in use go on inspecting until then, and are kept to roll "
            "back to."
        )
    )
    states = {state.spec.name: state for state in list_weights(services().settings)}
    purpose = st.segmented_control(
        _("Purpose"),
        list(_ALL_PURPOSES),
        key="models_purpose",
        default=DETECTION,
        required=True,
        format_func=lambda name: _(_ALL_PURPOSES[name]),
        label_visibility="collapsed",
    )
    if purpose == TEXT_GENERATION:
        show_text_model_choice()
        return
    if purpose == VISUAL_QUESTIONS:
        show_visual_models()
        return
    choice = current_choice(services(), purpose)
    show_present(purpose, choice)
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        option = pick_option(purpose, choice, states)
        options = show_options(option, choice)
        show_choose(option, options, choice)
    if option.backbone is not None:
        with right:
            show_needs(option, states[option.backbone])
    st.divider()
    show_trial(option, options)
    st.divider()
    show_overview(list(states.values()))


def show_present(purpose: str, choice: Choice) -> None:
    """Show what is chosen now, and whether deployments still have to follow."""
    kind, screen, label = _DEPLOYMENTS[purpose]
    products = {summary.product.id for summary in list_products(services())}
    waiting = [
        key for key, state in model_states(services()).items() if key[0] == kind and state.state == "out_of_date"
    ]
    count = len([key for key in waiting if key[1] in products])
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(_("Chosen: **{model}**", model=name_of(choice.option)))
        if count:
            st.badge(
                _n("{count} product waits for a deployment", "{count} products wait for a deployment", count),
                icon=":material/update:",
                color="orange",
            )
        screens.link_to(screen, _(label))
    show_deploy_notice(sorted(products), key=f"models_{purpose}", kinds=(kind,))


def name_of(option: ModelOption) -> str:
    """Return the model's name in the run's language."""
    return _(option.title, backbone=option.network_title)


def pick_option(purpose: str, choice: Choice, states: dict[str, WeightsState]) -> ModelOption:
    """Choose among the models of the purpose; those whose weights are not here can be looked at, too."""
    options = {option.name: option for option in list_options(purpose)}
    names = list(options)

    def label(name: str) -> str:
        needed = options[name].backbone
        missing = needed is not None and states[needed].path is None
        return name_of(options[name]) + ("  ·  " + _("weights needed") if missing else "")

    name = st.selectbox(
        _("Model"), names, index=names.index(choice.option.name), key=f"models_{purpose}_name", format_func=label
    )
    st.caption(_(options[name].description))
    return options[name]


def show_options(option: ModelOption, choice: Choice) -> dict[str, int]:
    """Return the model's numbers; what is left empty stays the model's own."""
    given: dict[str, int] = {}
    kept = choice.options if choice.option.name == option.name else {}
    columns = st.columns(max(len(option.fields), 1))
    for column, field in zip(columns, option.fields, strict=False):
        own = field.default if field.default is not None else option.input_size_px
        value = column.number_input(
            _(field.label),
            min_value=field.lowest,
            max_value=field.highest,
            step=field.step,
            value=kept.get(field.name),
            placeholder=_("{value} (its own)", value=own),
            help=_(field.explanation),
            key=f"models_{option.name}_{field.name}",
        )
        if value is not None:
            given[field.name] = int(value)
    return given


def show_choose(option: ModelOption, options: dict[str, int], choice: Choice) -> None:
    """Show the button, which says what it will do."""
    if option.name == choice.option.name and options == choice.options:
        st.badge(_("This is the chosen model"), icon=":material/check_circle:", color="green")
        return
    pressed = st.button(_("Use from the next deployment on"), type="primary", icon=":material/check:")
    if not pressed:
        return
    with showing_errors():
        made = choose(
            services(),
            person(),
            purpose=option.purpose,
            name=option.name,
            options=options,
            row_version=choice.row_version,
        )
        say_after_rerun(_("{model} is used from the next deployment on.", model=name_of(made.option)))
        st.rerun()


def show_needs(option: ModelOption, state: WeightsState) -> None:
    """Draw what the model's network needs, and the ways to bring its weights where they are not here."""
    spec = state.spec
    device = _(_DEVICES[services().settings.device])
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{spec.title}**")
            weights_badge(state)
        facts = {
            _("Weights"): byte_size(state.byte_size),
            _("Licence"): spec.licence,
            _("Origin"): spec.source,
            _("Input"): f"{option.input_size_px} × {option.input_size_px} px",
            _("Runs on"): device,
        }
        st.markdown("\n".join(f"- {name}: **{value}**" for name, value in facts.items()))
        if state.source != "carried":
            show_weights_upload(state)


def show_overview(states: list[WeightsState]) -> None:
    """Show every network in one table."""
    st.subheader(_("Networks"))
    st.dataframe(
        [
            {
                _("Network"): state.spec.title,
                _("Weights"): {"added": _("added"), "carried": _("included"), None: _("not here")}[state.source],
                _("Size"): byte_size(state.byte_size),
                _("Licence"): state.spec.licence,
                _("Origin"): state.spec.source,
                _("Can be fetched"): state.download is not None,
            }
            for state in states
        ],
        hide_index=True,
        width="stretch",
    )
    st.caption(_("Added weights are kept in {folder}.", folder=f"`{services().settings.weights_dir}`"))


show_screen()

"""Planning a study: what is asked, of which parts, by whom, how often; with what it will take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.products import list_products
from core.errors import AppError
from core.gauge.planning import create_study, list_appraiser_choices, read_plan, start_study, update_plan
from core.gauge.records import PlannedAppraiser, StudyPlan
from core.gauge.studies import load_study
from core.gauge.terms import (
    BOTH,
    FEWEST_REPEATS,
    KIND_METHODS,
    KIND_NAMES,
    MOST_REPEATS,
    SCORE,
    USUAL_REPEATS,
)
from pages.components.analysis.gauge.address import PICTURES, PLAN, open_study
from pages.components.analysis.gauge.plan_effort import show_effort
from pages.components.analysis.gauge.plan_parts import ask_parts, usual_parts
from pages.components.shared import screens
from pages.components.shared.dialogs import OpenDialog, close_dialog, confirm, open_dialog, opened
from pages.components.shared.language import _, escape, number, product_name
from pages.components.shared.pickers import remembered_product_id
from pages.components.shared.session import person, say_after_rerun, services, show_error, showing_errors
from pages.components.shared.view_choice import choose_view, pick_view

if TYPE_CHECKING:
    from core.gauge.records import Study
    from storage.tables import Product

_START = "gauge_start"


def show_plan_form(study: Study | None) -> None:
    """Draw the plan of a new study, or of one that has not been started."""
    products = [one.product for one in list_products(services())]
    if not products:
        st.info(_("There is no product yet."), icon=":material/category:")
        screens.link_to(screens.PRODUCTS, _("Register a product"))
        return
    stem = f"gauge_plan_{study.id if study is not None else 'new'}"
    _fill_in(stem, study, products)
    plan = _ask(stem, products)
    show_effort(plan)
    with st.container(horizontal=True):
        if st.button(_("Save the plan"), key=f"{stem}_save", icon=":material/save:"):
            _save(stem, study, plan)
        if st.button(_("Start the study"), key=f"{stem}_start", icon=":material/play_arrow:", type="primary"):
            saved = _store(stem, study, plan)
            if saved is not None:
                open_study(saved, PLAN)
                open_dialog(_START, study_id=saved)
                st.rerun()


def show_start_dialog() -> None:
    """Ask before a study is started, where that was pressed."""
    dialog = opened(_START)
    if dialog is None:
        return
    study = load_study(services(), dialog.values["study_id"])
    confirm(
        _("Start the study?"),
        _(
            "The plan and the random orders are fixed then: {parts} parts, {pictures} pictures, {looks} looks of "
            "people. To change the plan afterwards, copy it.",
            parts=len(study.parts),
            pictures=number(len(study.parts) * len(study.setups) * study.n_pictures),
            looks=number(len(study.parts) * study.n_repeats * len(study.appraisers)),
        ),
        action=_("Start"),
        icon=":material/play_arrow:",
        dialog=dialog,
        carry_out=_start,
    )


def _start(dialog: OpenDialog) -> None:
    study_id = dialog.values["study_id"]
    with showing_errors():
        start_study(services(), person(), study_id, row_version=load_study(services(), study_id).row_version)
        close_dialog()
        open_study(study_id, PICTURES)
        st.rerun()


def _fill_in(stem: str, study: Study | None, products: list[Product]) -> None:
    """Put what is stored into the fields, once."""
    if f"{stem}_kind" in st.session_state and f"{stem}_parts" in st.session_state:
        return
    if study is not None:
        plan = read_plan(services(), study.id)
    else:
        remembered = remembered_product_id()
        ids = [product.id for product in products]
        plan = StudyPlan(
            product_id=remembered if remembered in ids else ids[0], name="", parts=usual_parts(SCORE), setups=("",)
        )
    if plan.view:
        choose_view(plan.product_id, plan.view, key=stem)
    values = {
        "product": plan.product_id,
        "name": plan.name,
        "purpose": plan.purpose,
        "kind": plan.kind,
        "repeats": plan.n_repeats,
        "model": plan.with_model,
        "one_picture": plan.one_picture,
        "setups": "\n".join(plan.setups),
        "accounts": [one.user_id for one in plan.appraisers if one.user_id is not None],
        "names": "\n".join(one.name for one in plan.appraisers if one.user_id is None),
        "parts": plan.parts,
    }
    for name, value in values.items():
        st.session_state[f"{stem}_{name}"] = value


def _ask(stem: str, products: list[Product]) -> StudyPlan:
    kinds = {kind: _(name) for kind, name in KIND_NAMES.items()}

    def suit_parts() -> None:
        # As many parts as are usual for what is asked, while nobody has changed them.
        if st.session_state[f"{stem}_parts"] in (usual_parts(SCORE), usual_parts(BOTH)):
            st.session_state[f"{stem}_parts"] = usual_parts(st.session_state[f"{stem}_kind"])
            st.session_state.pop(f"{stem}_n_parts", None)
            st.session_state[f"{stem}_turn"] = st.session_state.get(f"{stem}_turn", 0) + 1

    kind = str(
        st.radio(
            _("What do you want to find out?"),
            list(kinds),
            key=f"{stem}_kind",
            format_func=lambda one: kinds[one],
            captions=[_(method) for method in KIND_METHODS.values()],
            horizontal=True,
            on_change=suit_parts,
        )
    )
    first, second = st.columns(2)
    names = {product.id: f"{product_name(product)}  ·  {product.code}" for product in products}
    product_id = first.selectbox(_("Product"), list(names), key=f"{stem}_product", format_func=lambda one: names[one])
    with first:
        view = pick_view(int(product_id), key=stem)
    name = second.text_input(
        _("Name of the study"), key=f"{stem}_name", max_chars=190, placeholder=_("Station 2, after the new lamp")
    )
    purpose = st.text_area(
        _("Purpose (stands in the report)"),
        key=f"{stem}_purpose",
        height=68,
        placeholder=_("Release of the station; yearly check; complaint …"),
    )
    left, right = st.columns(2)
    n_repeats = left.segmented_control(
        _("Repeats of each part"),
        list(range(FEWEST_REPEATS, MOST_REPEATS + 1)),
        key=f"{stem}_repeats",
        required=True,
        help=_("Two or three are usual. Each repeat is a new look: the part is taken out and placed again."),
    )
    n_repeats = int(n_repeats or USUAL_REPEATS)
    with_model = kind in {SCORE, BOTH}
    one_picture = False
    if not with_model:
        with right:
            with_model = st.toggle(_("The model rates, too"), key=f"{stem}_model", persist_state="session")
            if with_model:
                one_picture = st.toggle(
                    _("One picture of each part"),
                    key=f"{stem}_one_picture",
                    persist_state="session",
                    help=_(
                        "People see the same picture at each repeat, and the model judges it once. Otherwise a new "
                        "picture is taken for every repeat."
                    ),
                )
    parts = ask_parts(stem, kind, int(product_id), n_repeats, view=view or "")
    setups = _ask_setups(stem) if with_model and not one_picture else ("",)
    appraisers = _ask_people(stem) if kind != SCORE else ()
    return StudyPlan(
        product_id=int(product_id),
        name=name,
        purpose=purpose,
        kind=kind,
        n_repeats=n_repeats,
        one_picture=one_picture,
        with_model=with_model,
        setups=setups,
        parts=parts,
        appraisers=appraisers,
        view=view or "",
    )


def _ask_setups(stem: str) -> tuple[str, ...]:
    text = st.text_area(
        _("Setups, one a line (reproducibility)"),
        key=f"{stem}_setups",
        persist_state="session",
        height=100,
        placeholder=_("Station A\nStation B\nStation C"),
        help=_(
            "The stations, fixtures or people that place the part: what may differ in daily work. Leave it empty where "
            "there is only one; then repeatability alone is studied."
        ),
    )
    lines = tuple(line.strip() for line in text.splitlines() if line.strip())
    return lines or ("",)


def _ask_people(stem: str) -> tuple[PlannedAppraiser, ...]:
    choices = {one.user_id: one for one in list_appraiser_choices(services(), person()) if one.user_id is not None}
    left, right = st.columns(2)
    chosen: list[int] = []
    if choices:
        key = f"{stem}_accounts"
        st.session_state[key] = [one for one in st.session_state.get(key, []) if one in choices]
        chosen = left.multiselect(
            _("People with an account"),
            list(choices),
            key=key,
            format_func=lambda one: choices[one].name,
            placeholder=_("Choose people"),
            persist_state="session",
        )
    text = (right if choices else left).text_area(
        _("People by name, one a line"),
        key=f"{stem}_names",
        persist_state="session",
        height=100,
        placeholder=_("Kim\nLee\nPark"),
        help=_(
            "For a shared screen: each chooses the own name before rating. Three people who do this work are usual."
        ),
    )
    by_name = [PlannedAppraiser(line.strip()) for line in text.splitlines() if line.strip()]
    return (*(choices[one] for one in chosen), *by_name)


def _save(stem: str, study: Study | None, plan: StudyPlan) -> None:
    saved = _store(stem, study, plan)
    if saved is not None:
        say_after_rerun(_("The plan of “{name}” is saved.", name=escape(plan.name)))
        open_study(saved, PLAN)
        st.rerun()


def _store(stem: str, study: Study | None, plan: StudyPlan) -> int | None:
    """Store the plan; return its study, None where it was refused: what was typed stays."""
    try:
        if study is None:
            number_of = create_study(services(), person(), plan)
        else:
            number_of = study.id
            update_plan(services(), person(), study.id, plan, row_version=study.row_version)
    except AppError as error:
        show_error(error)
        return None
    for name in [name for name in st.session_state if str(name).startswith(f"{stem}_")]:
        del st.session_state[name]
    return number_of

"""The deployment screens: what is built from what, how long it takes, the start, and the versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.catalog.products import ProductSummary, list_products
from core.catalog.views import codes_of, list_views, list_views_of
from core.deployments.estimates import estimate
from core.deployments.pipeline import readiness
from core.deployments.start import refuse_start, start
from core.errors import AppError
from core.models.kinds import MEMORY_BANK
from core.preprocessing.notices import list_notices
from core.registry.model_status import ModelState, model_states
from pages.components.deployment.job_panel import show_job_panel
from pages.components.deployment.model_state import state_label, state_of_kind
from pages.components.deployment.policy_view import show_policy
from pages.components.deployment.sources import count_sources, describe_changes, source_columns
from pages.components.deployment.version_list import show_versions
from pages.components.shared import screens
from pages.components.shared.language import _, _n, byte_size, duration, escape, language, moment, number, product_name
from pages.components.shared.session import person, say_after_rerun, services, show_error
from pages.components.shared.view_choice import name_views, title_view


@dataclass(frozen=True)
class DeploymentLabels:
    """What a deployment screen says, in the run's language."""

    kind: str
    title: str
    explanation: str
    start: str
    without_products: str = ""
    aim: str = ""


def show_deployment(words: DeploymentLabels) -> None:
    """Show the whole screen for one kind of model."""
    st.title(words.title)
    st.markdown(words.explanation)
    products = list_products(services())
    if not products:
        nothing = words.without_products or _("There is no product yet. Register one and add its images first.")
        st.info(nothing, icon=":material/category:")
        screens.link_to(screens.PRODUCTS, _("Register a product"))
        return
    states = model_states(services())
    names = {summary.product.id: product_name(summary.product) for summary in products}
    show_job_panel(words.kind, names)
    chosen = _show_products(words, products, states)
    _show_start(words, chosen)
    show_policy(words.kind)
    st.divider()
    show_versions(words.kind, [summary.product for summary in products])


def _show_products(
    words: DeploymentLabels, products: list[ProductSummary], states: dict[tuple[str, int], ModelState]
) -> list[ProductSummary]:
    refusals = {summary.product.id: readiness(services(), words.kind, summary.product.id) for summary in products}
    rows = [_describe_product(words, summary, states, refusals[summary.product.id]) for summary in products]
    suggested = [
        index
        for index, summary in enumerate(products)
        if refusals[summary.product.id] is None and _needs_build(_state_of(words, summary, states))
    ]
    event = st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        key=f"{words.kind}_products",
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": suggested}},
        column_config={_("Note"): st.column_config.TextColumn(width="large")},
    )
    picked = [products[index] for index in event.selection.rows if index < len(products)]
    return [summary for summary in picked if refusals[summary.product.id] is None]


def _needs_build(state: ModelState) -> bool:
    """Return whether a build would give something new: not where its result waits to be put into use."""
    return state.state != "current" and state.built is None


def _state_of(
    words: DeploymentLabels, summary: ProductSummary, states: dict[tuple[str, int], ModelState]
) -> ModelState:
    return states.get((words.kind, summary.product.id), ModelState("none", None))


def _describe_product(
    words: DeploymentLabels,
    summary: ProductSummary,
    states: dict[tuple[str, int], ModelState],
    refusal: AppError | None,
) -> dict[str, Any]:
    state = _state_of(words, summary, states)
    in_use = "–"
    if state.views:
        in_use = _describe_views(summary.product.id, state)
    elif state.active is not None:
        in_use = _("version {number}, {when}", number=state.active.number, when=moment(state.active.created_at))
    return {
        _("Product"): product_name(summary.product),
        _("State"): state_label(state_of_kind(words.kind, state.state)),
        _("In use"): in_use,
        **source_columns(words.kind, summary),
        _("Note"): refusal.sentence(language()) if refusal is not None else _describe_changes(words, state),
    }


def _describe_views(product_id: int, state: ModelState) -> str:
    """Return which version of each view is in use, and whether it is up to date."""
    names = name_views(list_views(services(), product_id))
    told = []
    for code, own in state.views.items():
        version = "–" if own.active is None else _("version {number}", number=own.active.number)
        told.append(f"{names.get(code, code)}: {version}" + ("" if own.state == "current" else " ⟳"))
    return ", ".join(told)


def _describe_changes(words: DeploymentLabels, state: ModelState) -> str:
    return describe_changes(words.kind, state) if state.state != "current" else ""


def _show_start(words: DeploymentLabels, chosen: list[ProductSummary]) -> None:
    if not chosen:
        st.caption(_("Choose the products to build in the first column of the table."))
        return
    ids = [summary.product.id for summary in chosen]
    expected = estimate(services(), words.kind, ids)
    button, forecast = st.columns([1, 2.2], vertical_alignment="center")
    forecast.markdown(
        _n("{count} product", "{count} products", len(chosen))
        + " · "
        + count_sources(words.kind, expected.n_images)
        + " · "
        + _("about {time}", time=duration(max(1.0, expected.seconds)))
        + " · "
        + _("up to {size} of memory", size=byte_size(expected.memory_bytes))
        + " · "
        + _("{size} more in the object store", size=byte_size(expected.stored_bytes))
        + (
            "  \n"
            + _(
                "{count} of {total} new images came from inspections",
                count=number(expected.new_images.from_inspections),
                total=number(expected.new_images.count),
            )
            if expected.new_images.from_inspections
            else ""
        )
        + "  \n"
        + (words.aim or _("Inspection goes on with the version in use until the new one is ready."))
    )
    if words.kind == MEMORY_BANK:
        _show_notices(chosen)
    if expected.n_leaked_parts:
        st.warning(
            _n(
                "{count} part has training and test images both: what is measured on the test images will be too good "
                "to be true.",
                "{count} parts have training and test images both: what is measured on the test images will be too "
                "good to be true.",
                expected.n_leaked_parts,
            ),
            icon=":material/call_split:",
        )
        screens.link_to(screens.NORMAL_IMAGES, _("Use all images of a part for one"))
    too_large = refuse_start(services(), words.kind, ids)
    if button.button(
        words.start, type="primary", icon=":material/play_arrow:", width="stretch", disabled=too_large is not None
    ):
        try:
            start(services(), person(), kind=words.kind, product_ids=ids)
        except AppError as error:
            show_error(error)
            return
        say_after_rerun(_("The deployment is in the queue."), icon=":material/schedule:")
        st.rerun()
    if too_large is not None:
        show_error(too_large)


def _show_notices(chosen: list[ProductSummary]) -> None:
    """Show what the images of these products say against their preprocessing, before it is built into a model."""
    views = list_views_of(services(), [summary.product.id for summary in chosen])
    lines = [
        f"- **{escape(product_name(summary.product) + title_view(summary.product.id, view))}**: "
        f"{notice.sentence(language())}"
        for summary in chosen
        for view in codes_of(views.get(summary.product.id, ()))
        for notice in list_notices(services(), summary.product.id, view)
    ]
    if lines:
        st.warning("\n".join(lines), icon=":material/warning:")
        screens.link_to(screens.PREPROCESSING, _("Set the preprocessing"))

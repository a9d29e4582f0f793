"""Trying a model on a product's own image before it is chosen."""

from __future__ import annotations

import streamlit as st

from core.catalog.products import list_products
from core.deployments.trials import try_model
from core.i18n import N_
from core.models.options import ModelOption
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, duration, escape, number, score
from pages.components.shared.pickers import pick_product
from pages.components.shared.session import person, services, showing_errors
from pages.components.shared.view_choice import pick_view

_RUNTIMES: dict[str, str] = {
    "openvino-cpu": N_("processor (OpenVINO)"),
    "torch-cpu": N_("processor (PyTorch)"),
    "torch-cuda": N_("graphics card (PyTorch)"),
}


def show_trial(option: ModelOption, options: dict[str, int]) -> None:
    """Show the product, the button, and what came of it."""
    st.subheader(_("Try it"))
    products = [summary.product for summary in list_products(services()) if summary.n_normal_train]
    if not products:
        st.caption(_("There is no product with normal images yet. Register some to try a model on them."))
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with st.container(width=420):
            product = pick_product(products, key="models_trial")
            view = None if product is None else pick_view(product.id, key="models_trial")
        pressed = st.button(_("Run the test"), icon=":material/play_arrow:", key="models_try")
    st.caption(_("Builds the model from a few of the product's normal images and inspects one. Nothing is kept."))
    if not pressed or product is None:
        return
    with showing_errors():
        with st.spinner(_("Running the model …")):
            trial = try_model(
                services(), person(), name=option.name, options=options, product_id=product.id, view=view or ""
            )
        cells = st.columns(4 if trial.score is not None else 3)
        cells[0].metric(_("Time for an image"), _("{ms} ms", ms=number(round(trial.image_ms))))
        cells[1].metric(_("Getting ready"), duration(trial.start_s))
        cells[2].metric(_("Computed by"), label_of(_RUNTIMES, trial.runtime))
        if trial.score is not None:
            cells[3].metric(_("Score of the image"), score(trial.score))
        st.caption(_("Measured on {name}.", name=escape(trial.image_name)))

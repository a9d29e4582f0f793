"""Train a model: a configuration as form or YAML, what it will take, the runs, and what each of them found."""

from __future__ import annotations

import streamlit as st

from core.access import ENGINEER
from core.catalog.products import list_products
from core.errors import AppError, NotFound
from core.training.runs.overview import read_epochs, read_run
from pages.components.comparing.wording import read_words
from pages.components.shared import screens
from pages.components.shared.language import _
from pages.components.shared.link_table import follow_chosen
from pages.components.shared.pickers import pick_product, remember_product, take_asked_product
from pages.components.shared.session import person, require, services, show_error
from pages.components.training.acceptance import show_acceptance
from pages.components.training.address import asked_run, open_run
from pages.components.training.run_head import show_live_run, show_run_head
from pages.components.training.run_list import show_run_list
from pages.components.training.run_sides import choose_look, show_side
from pages.components.training.start_form import show_start_form

require(ENGINEER)
follow_chosen()


def show_start() -> None:
    """Draw the form for a new training, or what comes first, and the runs so far."""
    take_asked_product("train")
    summaries = list_products(services())
    title, choose = st.columns([1.7, 2.0], vertical_alignment="bottom")
    title.title(_("Train a model"))
    if not summaries:
        st.info(_("There is no product yet. Register one and add its images first."), icon=":material/category:")
        screens.link_to(screens.PRODUCTS, _("Register a product"))
        return
    with choose:
        product = pick_product([summary.product for summary in summaries], key="train")
    assert product is not None
    summary = next(one for one in summaries if one.product.id == product.id)
    opened = None
    if not summary.n_normal:
        st.info(
            _("This product has no good images yet. Add images first: a training learns from them."),
            icon=":material/image:",
        )
        screens.link_to(screens.NORMAL_IMAGES, _("Add images"))
    else:
        with st.container(border=True, key="train_form"):
            opened = show_start_form(product, read_words(product.id))
    opened = opened or show_run_list(product.id)
    if opened is not None:
        open_run(opened)
        st.rerun()


def show_one(asked: int) -> None:
    """Draw the run that the address names."""
    title, back = st.columns([4, 1.2], vertical_alignment="bottom")
    back.button(
        _("All training runs"), key="train_back", icon=":material/arrow_back:", width="stretch", on_click=open_run,
        args=(None,),
    )  # fmt: skip
    try:
        run = read_run(services(), person(), asked)
        epochs = read_epochs(services(), person(), asked)
    except NotFound:
        title.title(_("Train a model"))
        st.warning(_("The training run of this link is not there."), icon=":material/link_off:")
        return
    except AppError as error:
        title.title(_("Train a model"))
        show_error(error)
        return
    title.title(run.head.name or _("Run {number}", number=run.head.id))
    remember_product(run.head.product.id)
    if run.head.is_over:
        show_run_head(run, epochs)
        show_acceptance(run)
    else:
        show_live_run(run.head.id)
    words = read_words(run.head.product.id)
    show_side(run, epochs, words, choose_look(run))


asked = asked_run()
if asked is None:
    show_start()
else:
    show_one(asked)

"""Starting a comparison: dataset version, methods, combinations; or the same as YAML."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.comparisons.orders import LONGEST_TITLE, ComparisonOrder, order_to_yaml, parse_order, read_order
from core.comparisons.starting import start_comparison
from core.datasets.reading import load_dataset
from core.errors import AppError
from pages.components.comparing.combination_form import choose_combinations
from pages.components.comparing.dataset_panel import choose_dataset
from pages.components.comparing.method_choice import choose_methods
from pages.components.comparing.wording import read_words
from pages.components.shared.language import _, _n
from pages.components.shared.session import person, services, show_error

if TYPE_CHECKING:
    from core.datasets.records import DatasetHead
    from storage.tables import Product

_HIGHEST_SEED = 2**31 - 1


def show_start_form(product: Product) -> int | None:
    """Draw the form; return the number of the comparison that was started."""
    words = read_words(product.id)
    made = st.session_state.pop("compare_made", None)
    if made is not None:
        st.session_state[f"compare_dataset_{product.id}"] = made
    st.markdown(f"**1. {_('Dataset version')}**")
    head = choose_dataset(product.id, words)
    if head is None:
        return None
    st.markdown(f"**2. {_('Methods')}**")
    methods = choose_methods(head.id)
    views = [view for view in load_dataset(services(), head.id).views if view]
    combinations = choose_combinations(product.id, views, methods, words)
    left, right = st.columns([3, 1])
    name = left.text_input(_("Name (optional)"), max_chars=LONGEST_TITLE, key="compare_name")
    seed = right.number_input(_("Seed"), 0, _HIGHEST_SEED, 0, key="compare_seed")
    order = ComparisonOrder(
        tuple(methods),
        tuple(combinations),
        product=product.code,
        dataset=head.number,
        name=name.strip(),
        seed=int(seed),
    )
    return _show_buttons(order, head)


def _show_buttons(order: ComparisonOrder, head: DatasetHead) -> int | None:
    n_images = head.report.count("val") + head.report.count("test")
    button, other = st.columns([2, 1])
    started = None
    if button.button(
        _("Start the comparison"),
        key="compare_start",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        disabled=not order.methods or bool(head.broken_reason),
    ):
        started = _start(order)
    with other.popover(_("As YAML"), icon=":material/code:", width="stretch", key="compare_yaml_menu"):
        st.caption(_("The same as the form, for the command line: `python -m core compare FILE`"))
        text = st.text_area(
            _("Comparison as YAML"),
            value=order_to_yaml(order),
            height=320,
            key=f"compare_yaml_{hash(order_to_yaml(order))}",
        )
        if st.button(_("Start from this text"), key="compare_start_yaml", icon=":material/play_arrow:"):
            try:
                found = parse_order(text)
            except AppError as error:
                show_error(error)
            else:
                started = _start(found)
    if not order.methods:
        button.caption(_("Choose at least one method."))
    else:
        button.caption(
            _n("{count} image is judged by each method.", "{count} images are judged by each method.", n_images)
            + " "
            + _("What was trained before on this version is used again.")
        )
    return started


def _start(order: ComparisonOrder) -> int | None:
    try:
        return start_comparison(services(), person(), read_order(order.to_json()))
    except AppError as error:
        show_error(error)
        return None

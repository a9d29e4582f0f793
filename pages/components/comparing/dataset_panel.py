"""The dataset version that is compared on: chosen, with what is in it, or made now."""

from __future__ import annotations

import streamlit as st

from core.datasets.reading import list_datasets
from core.datasets.records import DatasetHead
from pages.components.comparing.wording import ProductWords
from pages.components.datasets.creation import show_creation
from pages.components.datasets.naming import name_dataset
from pages.components.datasets.report import show_report
from pages.components.shared.language import _
from pages.components.shared.session import services


def choose_dataset(product_id: int, words: ProductWords) -> DatasetHead | None:
    """Show the choice of a version with what is in it, and the panel that makes one; None where there is none yet."""
    versions = list_datasets(services(), product_id)
    left, right = st.columns([2.2, 1], vertical_alignment="bottom")
    key = f"compare_dataset_{product_id}"
    with right:
        made = show_creation(product_id, first=not versions)
    if made is not None:
        st.session_state.pop(key, None)
        st.session_state["compare_made"] = made.id
        st.rerun()
    if not versions:
        left.info(
            _("There is no dataset version yet: freeze the product's images first, so that all methods see the same."),
            icon=":material/inventory_2:",
        )
        return None
    names = {head.id: name_dataset(head) for head in versions}
    if st.session_state.get(key) not in names:
        whole = next((head for head in versions if not head.broken_reason), versions[0])
        st.session_state[key] = whole.id
    chosen = left.selectbox(_("Dataset version"), list(names), key=key, format_func=lambda found: names[found])
    head = next(one for one in versions if one.id == chosen)
    show_report(head, words)
    return head

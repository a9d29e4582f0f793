"""Making a dataset version of a product's images as they are now."""

from __future__ import annotations

import streamlit as st

from core.datasets.freezing import LONGEST_NAME, create_dataset
from core.datasets.reading import list_datasets
from core.datasets.records import HIGHEST_LEAST, HIGHEST_SEED, DatasetHead, SplitRule
from core.errors import AppError
from core.images.domains import DOMAINS
from core.images.gallery.search import count_domains
from pages.components.images.domains import name_domain
from pages.components.shared.language import _, number
from pages.components.shared.session import person, say_after_rerun, services, show_error


def show_creation(product_id: int, *, first: bool, key: str = "compare") -> DatasetHead | None:
    """Show the button that opens the form; return the version that was just made, or was there already."""
    label = _("Make a dataset version")
    with st.popover(label, icon=":material/add:", width="stretch", key=f"{key}_new_dataset"):
        st.caption(
            _(
                "Freezes the images as they are now, with labels, parts, views and masks. Images in validation and "
                "test stay there; where there are none, whole parts are dealt from the training images."
            )
        )
        counts = count_domains(services(), product_id)
        with st.form(f"{key}_dataset_form", border=False, enter_to_submit=False):
            name = st.text_input(_("Name (optional)"), max_chars=LONGEST_NAME, key=f"{key}_dataset_name")
            left, right = st.columns(2)
            val = left.number_input(_("Validation (%)"), 0, 50, 20, key=f"{key}_dataset_val")
            test = right.number_input(_("Test (%)"), 0, 50, 20, key=f"{key}_dataset_test")
            seed = left.number_input(
                _("Seed of the split"),
                0,
                HIGHEST_SEED,
                0,
                key=f"{key}_dataset_seed",
                help=_("The same seed splits alike."),
            )
            least = right.number_input(
                _("Least images a type"),
                1,
                HIGHEST_LEAST,
                2,
                key=f"{key}_dataset_least",
                help=_("Types with fewer training images are named in the report."),
            )
            domains: list[str] = []
            if set(counts) - {""}:
                domains = st.multiselect(
                    _("Where taken"),
                    [one for one in (*DOMAINS, "") if counts.get(one)],
                    key=f"{key}_dataset_domains",
                    format_func=lambda one: f"{name_domain(one)} ({number(counts[one])})",
                    placeholder=_("All"),
                )
            agreed = st.form_submit_button(
                _("Freeze the images"),
                type="primary" if first else "secondary",
                icon=":material/ac_unit:",
                width="stretch",
            )
        if not agreed:
            return None
        before = {head.id for head in list_datasets(services(), product_id)}
        rule = SplitRule(val / 100, test / 100, int(seed), int(least), tuple(domains))
        try:
            with st.spinner(_("Freezing the images …")):
                head = create_dataset(services(), person(), product_id, name=name, rule=rule)
        except AppError as error:
            show_error(error)
            return None
        if head.id in before:
            say_after_rerun(_("Nothing has changed: version {number} has the same images.", number=head.number))
        else:
            say_after_rerun(_("Dataset version {number} is made.", number=head.number))
        return head

"""Choosing a dataset version, making one, and what is in the one that is chosen."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.datasets.freezing import LONGEST_NAME, create_dataset
from core.datasets.reading import list_datasets
from core.datasets.records import HIGHEST_SEED, SPLITS, DatasetHead, SplitRule
from core.errors import AppError, describe
from pages.components.comparing.wording import ProductWords
from pages.components.shared.language import _, _n, day, escape, language, number
from pages.components.shared.session import person, say_after_rerun, services, show_error


def choose_dataset(product_id: int, words: ProductWords) -> DatasetHead | None:
    """Show the choice of a version with what is in it, and the panel that makes one; None where there is none yet."""
    versions = list_datasets(services(), product_id)
    left, right = st.columns([2.2, 1], vertical_alignment="bottom")
    with right:
        _show_creation(product_id, first=not versions)
    if not versions:
        left.info(
            _("There is no dataset version yet: freeze the product's images first, so that all methods see the same."),
            icon=":material/inventory_2:",
        )
        return None
    names = {head.id: name_dataset(head) for head in versions}
    key = f"compare_dataset_{product_id}"
    if st.session_state.get(key) not in names:
        whole = next((head for head in versions if not head.broken_reason), versions[0])
        st.session_state[key] = whole.id
    chosen = left.selectbox(_("Dataset version"), list(names), key=key, format_func=lambda found: names[found])
    head = next(one for one in versions if one.id == chosen)
    show_report(head, words)
    return head


def name_dataset(head: DatasetHead) -> str:
    """Return number, name, size and day of a version."""
    parts = [
        _("Version {number}", number=head.number),
        head.name,
        _n("{count} image", "{count} images", head.report.n_images),
        day(head.created_at),
        _("broken") if head.broken_reason else "",
    ]
    return " · ".join(part for part in parts if part)


def show_report(head: DatasetHead, words: ProductWords) -> None:
    """Show what is in a version, and what speaks against measuring by it."""
    report = head.report
    if head.broken_reason:
        st.error(describe(head.broken_reason, {"number": head.number}, language()), icon=":material/link_off:")
    splits = (_("train"), _("validation"), _("test"))
    counts = " · ".join(f"{name} {number(report.count(split))}" for name, split in zip(splits, SPLITS, strict=True))
    parts = _n("{count} part", "{count} parts", sum(report.parts.values()))
    with st.expander(f"{counts} · {parts}", icon=":material/dataset:", key=f"compare_report_{head.id}"):
        st.table(
            {
                _("Type"): [escape(words.label(label)) for label in report.labels],
                **{
                    name: [number(report.counts.get(split, {}).get(label, 0)) for label in report.labels]
                    for name, split in zip(splits, SPLITS, strict=True)
                },
            },
            border="horizontal",
            hide_index=True,
        )
        st.caption(_("Split by part · seed {seed} · hash {digits}", seed=head.rule.seed, digits=head.content_hash[:12]))
    _show_warnings(head)


def _show_warnings(head: DatasetHead) -> None:
    report = head.report
    told = [describe(code, {"number": head.number}, language()) for code in report.warnings]
    if report.leaking_parts and told:
        told[0] += " (" + _name_some(report.leaking_parts, report.leaks) + ")"
    for text in told:
        st.caption(f":material/info: {escape(text)}")


def _name_some(names: Sequence[str], count: int) -> str:
    return ", ".join(names[:5]) + (" …" if count > 5 else "")


def _show_creation(product_id: int, *, first: bool) -> None:
    label = _("Make a dataset version")
    with st.popover(label, icon=":material/add:", width="stretch", key="compare_new_dataset"):
        st.caption(
            _(
                "Freezes the images as they are now, with labels, parts, views and masks. Images in validation and "
                "test stay there; where there are none, whole parts are dealt from the training images."
            )
        )
        with st.form("compare_dataset_form", border=False, enter_to_submit=False):
            name = st.text_input(_("Name (optional)"), max_chars=LONGEST_NAME, key="compare_dataset_name")
            left, right = st.columns(2)
            val = left.number_input(_("Validation (%)"), 0, 50, 20, key="compare_dataset_val")
            test = right.number_input(_("Test (%)"), 0, 50, 20, key="compare_dataset_test")
            seed = st.number_input(
                _("Seed of the split"),
                0,
                HIGHEST_SEED,
                0,
                key="compare_dataset_seed",
                help=_("The same seed splits alike."),
            )
            agreed = st.form_submit_button(
                _("Freeze the images"),
                type="primary" if first else "secondary",
                icon=":material/ac_unit:",
                width="stretch",
            )
        if not agreed:
            return
        before = {head.id for head in list_datasets(services(), product_id)}
        try:
            with st.spinner(_("Freezing the images …")):
                head = create_dataset(
                    services(), person(), product_id, name=name, rule=SplitRule(val / 100, test / 100, int(seed))
                )
        except AppError as error:
            show_error(error)
            return
        if head.id in before:
            say_after_rerun(_("Nothing has changed: version {number} has the same images.", number=head.number))
        else:
            say_after_rerun(_("Dataset version {number} is made.", number=head.number))
        st.session_state.pop(f"compare_dataset_{product_id}", None)
        st.session_state["compare_made"] = head.id
        st.rerun()

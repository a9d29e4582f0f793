"""The dashboard: what was inspected and found, what is still to be done, and how the data sets and models stand."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.access import ENGINEER, WORKER
from core.analytics.dashboard import DashboardView, DefectCount, InspectionLine, ProductFigures, dashboard
from core.catalog.products import list_products
from core.inspections.terms import ACTION_NAMES, VERDICT_NAMES
from core.models.kinds import KINDS, MANUAL_INDEX, MEMORY_BANK, SIMILARITY_INDEX
from pages.components.deployment.deploy_notice import show_deploy_notice
from pages.components.deployment.model_state import state_badge, state_of_kind
from pages.components.shared.charts import draw_pareto, show_chart
from pages.components.shared.labels import VERDICT_COLORS, VERDICT_ICONS, label_of
from pages.components.shared.language import _, _n, defect_name, escape, moment, number, percent, score
from pages.components.shared.pickers import pick_period
from pages.components.shared.screens import (
    INSPECT_PART,
    MEMORY_BANKS,
    NORMAL_IMAGES,
    PRODUCTS,
    link_to,
)
from pages.components.shared.screens import (
    MANUAL_INDEX as MANUAL_SCREEN,
)
from pages.components.shared.screens import (
    SIMILARITY_INDEX as SIMILARITY_SCREEN,
)
from pages.components.shared.session import may, require, services

require(WORKER)

_MOST_BARS = 10
_PANEL_PX = 430
_NO_BREAK = "\u00a0"
_MOST_PRODUCTS = 50


def show_screen() -> None:
    """Draw the filters, then everything that they leave."""
    products = [summary.product for summary in list_products(services())]
    if not products:
        st.title(_("Dashboard"))
        show_first_steps()
        return
    title, product_filter, period_filter = st.columns([1.5, 1.3, 1.5], vertical_alignment="bottom")
    title.title(_("Dashboard"))
    names: dict[int | None, str] = {None: _("All products"), **{found.id: found.name for found in products}}
    if st.session_state.get("dashboard_product") not in names:
        st.session_state["dashboard_product"] = None
    product_id = product_filter.selectbox(
        _("Product"), list(names), key="dashboard_product", format_func=lambda found: names[found]
    )
    with period_filter:
        days = pick_period(key="dashboard_days")
    view = dashboard(services(), days=days, product_id=product_id)
    show_totals(view)
    left, right = st.columns([1.5, 1])
    with left.container(border=True, height=_PANEL_PX):
        st.subheader(_("Defects by type, last {days} days", days=days))
        show_defects(view)
    with right.container(border=True, height=_PANEL_PX):
        st.subheader(_("Open actions"))
        show_open_actions(view)
    st.subheader(_("Data sets and models"))
    show_products(view.per_product)
    st.subheader(_("Last inspections"))
    show_last(view.last_inspections)


def show_first_steps() -> None:
    """Draw what to do on a new system, in order."""
    with st.container(border=True):
        st.subheader(_("Nothing to show yet"))
        if not may(ENGINEER):
            st.markdown(_("Ask a quality engineer to register the product that you inspect."))
            return
        st.markdown(_("Four steps lead to the first inspection:"))
        for step, (path, words) in enumerate(
            (
                (PRODUCTS, _("Register a product")),
                (NORMAL_IMAGES, _("Add images of good parts")),
                (MEMORY_BANKS, _("Build the memory bank")),
                (INSPECT_PART, _("Inspect a part")),
            ),
            start=1,
        ):
            link_to(path, f"{step}. {words}")
        st.caption(_("To look around first, load the demo data on the server: `python -m core demo`"))


def show_totals(view: DashboardView) -> None:
    """Draw the figures that are read first."""
    rate = percent(view.n_defects / view.n_inspections) if view.n_inspections else "–"
    totals = (
        (_("Active products"), number(view.n_products), None),
        (_("Inspections"), number(view.n_inspections), _("In the chosen period.")),
        (_("Defects"), number(view.n_defects), _("{rate} of the inspections in the chosen period.", rate=rate)),
        (_("Review"), number(view.n_review), _("Neither clearly OK nor clearly NG, in the chosen period.")),
        (_("Actions done"), number(view.n_actions_done), _("Of the inspections in the chosen period.")),
        (_("Actions open"), number(view.n_actions_open), _("Of any time.")),
    )
    for column, (label, value, help_text) in zip(st.columns(len(totals)), totals, strict=True):
        column.metric(label, value, help=help_text, border=True)


def show_defects(view: DashboardView) -> None:
    """Draw the defect types from the most frequent on, and how much of all defects they add up to."""
    if not view.defects_by_type:
        if view.n_inspections:
            st.info(_("No defect was found in this period."), icon=":material/check_circle:")
        else:
            st.info(_("Nothing was inspected in this period. Choose a longer one."), icon=":material/event_busy:")
        return
    shown = view.defects_by_type if len(view.defects_by_type) <= _MOST_BARS else view.defects_by_type[: _MOST_BARS - 1]
    left = view.defects_by_type[len(shown) :]
    labels, counts = label_defects(shown), [row.count for row in shown]
    rest = (_("Others ({count})", count=len(left)), sum(row.count for row in left)) if left else None
    show_chart(
        draw_pareto(
            labels, counts, count_title=_("Count"), share_title=_("Cumulative share"), rest=rest, height_px=340
        ),
        key="dashboard_pareto",
        alt=", ".join(f"{label}: {number(count)}" for label, count in zip(labels, counts, strict=True)),
    )


def label_defects(found: Sequence[DefectCount]) -> list[str]:
    """Return the names of the types; where several have one name, with what tells them apart."""
    labels = [defect_name(row.defect_type) if row.defect_type else _("not named") for row in found]
    products = [row.product.name for row in found]
    codes = [row.defect_type.code if row.defect_type else row.product.code for row in found]
    for details in (products, codes):
        alike = {label for label in labels if labels.count(label) > 1}
        labels = [
            f"{label} · {detail}" if label in alike else label for label, detail in zip(labels, details, strict=True)
        ]
    return labels


def show_open_actions(view: DashboardView) -> None:
    """Draw the newest of the corrective actions that nobody has closed."""
    if not view.open_actions:
        st.info(_("No action is open."), icon=":material/task_alt:")
        return
    for line in view.open_actions:
        row = line.inspection
        where = " · ".join(escape(text) for text in (row.line, row.lot, row.serial) if text)
        with st.container(gap=None):
            named = escape(defect_name(line.defect_type)) if line.defect_type else _("not named")
            st.markdown(f"**{named}** · {escape(line.product.name)}")
            st.caption(f"{moment(row.created_at)}" + (f" · {where}" if where else ""))
            if row.action_note:
                st.caption(escape(" ".join(row.action_note.split())[:120]))
    left = view.n_actions_open - len(view.open_actions)
    if left > 0:
        st.caption(_n("and {count} more", "and {count} more", left))
    link_to("pages/inspection/inspection_history.py", _("All inspections"))


def show_products(figures: Sequence[ProductFigures]) -> None:
    """Draw what there is of each product, and whether its models were built from it."""
    shown = figures[:_MOST_PRODUCTS]
    summaries = [found.summary for found in shown]
    st.table(
        {
            _("Product"): [escape(found.product.name) for found in summaries],
            _("Normal (training / test)"): [
                split_label(found.summary.n_normal_train, found.summary.n_normal_test) for found in shown
            ],
            _("Defect (training / test)"): [
                split_label(found.summary.n_defect_train, found.summary.n_defect_test) for found in shown
            ],
            _("Manual files"): [number(found.n_manual) for found in summaries],
            _("Memory bank"): [state_badge(found.model_states.get(MEMORY_BANK, "none")) for found in shown],
            _("Similarity index"): [state_badge(found.model_states.get(SIMILARITY_INDEX, "none")) for found in shown],
            _("Manual index"): [describe_manual_index(found) for found in shown],
            _("Inspections"): [number(found.n_inspections) for found in shown],
            _("Defects"): [number(found.n_defects) for found in shown],
        },
        border="horizontal",
        hide_index=True,
    )
    if len(figures) > len(shown):
        st.caption(_n("and {count} more product", "and {count} more products", len(figures) - len(shown)))
    if not may(ENGINEER):
        return
    show_deploy_notice([found.summary.product.id for found in figures], key="dashboard", kinds=KINDS)
    for kind, path, words in (
        (MEMORY_BANK, MEMORY_BANKS, _("Memory banks to build: {count}")),
        (SIMILARITY_INDEX, SIMILARITY_SCREEN, _("Similarity indexes to build: {count}")),
        (MANUAL_INDEX, MANUAL_SCREEN, _("Manual indexes to build: {count}")),
    ):
        waiting = sum(needs_build(found, kind) for found in figures)
        if waiting:
            link_to(path, words.format(count=number(waiting)), icon=":material/deployed_code_update:")


def needs_build(found: ProductFigures, kind: str) -> bool:
    """Return whether there is something to build from, and no build of it."""
    sources = found.summary.n_manual if kind == MANUAL_INDEX else found.summary.n_normal_train
    return sources > 0 and found.model_states.get(kind, "none") != "current"


def describe_manual_index(found: ProductFigures) -> str:
    """Return the state of the manual index; a dash for a product without manuals."""
    state = found.model_states.get(MANUAL_INDEX, "none")
    return state_badge(state_of_kind(MANUAL_INDEX, state)) if found.summary.n_manual or state != "none" else "–"


def split_label(n_train: int, n_test: int) -> str:
    """Return the numbers of training and test images for one cell."""
    return f"{number(n_train)} / {number(n_test)}"


def show_last(lines: Sequence[InspectionLine]) -> None:
    """Draw the last inspections, the newest first."""
    if not lines:
        st.info(_("Nothing has been inspected yet."), icon=":material/center_focus_strong:")
        link_to(INSPECT_PART, _("Inspect a part"))
        return
    rows = [line.inspection for line in lines]
    st.table(
        {
            _("Time"): [moment(row.created_at).replace(" ", _NO_BREAK) for row in rows],
            _("Product"): [escape(line.product.name) for line in lines],
            _("Verdict"): [verdict_badge(row.final_verdict) for row in rows],
            _("Score"): [score(row.score) for row in rows],
            _("Defect type"): [name_type(line) for line in lines],
            _("Line"): [escape(row.line) or "–" for row in rows],
            _("Serial number"): [escape(row.serial) or "–" for row in rows],
            _("Action"): [label_of(ACTION_NAMES, row.action_status) for row in rows],
        },
        border="horizontal",
        hide_index=True,
    )


def name_type(line: InspectionLine) -> str:
    """Return the defect type of a part that is not OK, marked where it is only suggested."""
    if line.defect_type is None or line.inspection.final_verdict == "ok":
        return "–"
    name = escape(defect_name(line.defect_type))
    return name if line.inspection.final_defect_type_id is not None else _("{name} (suggested)", name=name)


def verdict_badge(verdict: str) -> str:
    """Return the verdict in words, color and icon, as Markdown."""
    return f":{VERDICT_COLORS[verdict]}-badge[{VERDICT_ICONS[verdict]} {label_of(VERDICT_NAMES, verdict)}]"


show_screen()

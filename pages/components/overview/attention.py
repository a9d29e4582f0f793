"""What needs attention, the worst first, each with what helps: one click, or the screen that shows more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.deliveries.targets import retry_all
from core.deployments.start import start, start_stale
from core.errors import AppError
from core.jobs.terms import JOB_KIND_NAMES
from core.models.judgment_words import weak_sentence
from core.models.kinds import KINDS, MANUAL_INDEX, MEMORY_BANK, SIMILARITY_INDEX
from pages.components.overview.address import history_query
from pages.components.overview.charts import panel_head
from pages.components.overview.wording import age
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, _n, byte_size, escape, language, number, product_name
from pages.components.shared.screens import (
    HISTORY,
    MEMORY_BANKS,
    MODEL_REPORT,
    NORMAL_IMAGES,
    QUALITY_TRENDS,
    REPORTS,
    SYSTEM_STATUS,
    link_to,
)
from pages.components.shared.screens import MANUAL_INDEX as MANUAL_SCREEN
from pages.components.shared.screens import SIMILARITY_INDEX as SIMILARITY_SCREEN
from pages.components.shared.session import person, say_after_rerun, services, show_error

if TYPE_CHECKING:
    from core.analytics.dashboard import DashboardView
    from core.catalog.names import ProductName
    from core.operations.findings import Finding

_SCREENS = {MEMORY_BANK: MEMORY_BANKS, SIMILARITY_INDEX: SIMILARITY_SCREEN, MANUAL_INDEX: MANUAL_SCREEN}
_SIGNS: dict[str, tuple[str, str]] = {
    "fault": (":material/error:", "red"),
    "warning": (":material/warning:", "orange"),
    "task": (":material/pending:", "blue"),
}
_MOST_NAMES = 3


def show_attention(view: DashboardView, found: Sequence[Finding]) -> None:
    """Draw what needs attention, or that nothing does."""
    title = _("Needs attention")
    panel_head(f"{title} ({number(len(found))})" if found else title, key="attention")
    if not found:
        st.success(_("Nothing needs attention."), icon=":material/check_circle:")
    for place, one in enumerate(found):
        sign, color = _SIGNS[one.urgency]
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"finding_{place}_{one.kind}"):
            words, detail = describe(view, one)
            st.markdown(f":{color}[{sign}] {words}", width="stretch")
            show_remedy(view, one, key=f"remedy_{place}_{one.kind}", detail=detail or None)


def describe(view: DashboardView, one: Finding) -> tuple[str, str]:
    """Return a finding in one sentence, and what else is known of it."""
    since = "" if one.since is None else age(one.since, view.as_of)
    names = name_products(one.products)
    sentence = escape(one.error.sentence(language())) if one.error is not None else ""
    match one.kind:
        case "disk_low":
            return _("Only {size} are free on the disk of the data.", size=byte_size(one.count)), ""
        case "worker_missing":
            return _("No worker is alive: builds and watched folders wait."), _(
                "Start one on the server: `python -m core worker`"
            )
        case "folder_failed":
            words = _("A watched folder does not work: {path}", path=escape(one.subject))
            return words, sentence or _("Nobody looks at it now.")
        case "delivery_failed":
            words = _n(
                "{count} result did not reach {name}.",
                "{count} results did not reach {name}.",
                one.count,
                name=escape(one.subject),
            )
            return words, sentence
        case "report_failed":
            return _("The report “{name}” could not be made.", name=escape(one.subject)), sentence
        case "job_failed":
            return _(
                "{kind}: the build failed for {names}.", kind=label_of(JOB_KIND_NAMES, one.subject), names=names
            ), sentence
        case "drift":
            return _("The scores of good parts have shifted: {names}.", names=names), sentence
        case "weak_on_test":
            spots = one.weak.spots if one.weak is not None else ()
            return _("The model is weak on its test images: {names}.", names=names), escape(
                " ".join(weak_sentence(spot, language()) for spot in spots)
            )
        case "candidate":
            return _("A new version waits for your decision: {names}.", names=names), describe_kinds(one)
        case "out_of_date":
            return _("Models out of date or not built yet: {names}.", names=names), describe_kinds(one)
        case "actions_overdue":
            return _n(
                "{count} action is open for more than 7 days; the oldest for {age}.",
                "{count} actions are open for more than 7 days; the oldest for {age}.",
                one.count,
                age=since,
            ), ""
        case "review_waiting":
            return _n(
                "{count} inspection waits for review; the oldest for {age}.",
                "{count} inspections wait for review; the oldest for {age}.",
                one.count,
                age=since,
            ), ""
        case "set_apart":
            return _n(
                "{names}: {count} normal image does not look like the others.",
                "{names}: {count} normal images do not look like the others.",
                one.count,
                names=names,
            ), ""


def name_products(products: Sequence[ProductName]) -> str:
    """Return the first names, and how many more there are."""
    names = ", ".join(escape(product_name(product)) for product in products[:_MOST_NAMES])
    left = len(products) - _MOST_NAMES
    return names if left <= 0 else f"{names} " + _n("and {count} more", "and {count} more", left)


def describe_kinds(one: Finding) -> str:
    """Return which kinds of models of which products it is about."""
    return "  \n".join(
        f"{label_of(JOB_KIND_NAMES, kind)}: {name_products(products)}" for kind, products in one.by_kind.items()
    )


def show_remedy(view: DashboardView, one: Finding, *, key: str, detail: str | None) -> None:
    """Draw what helps; who points at it is told what else is known."""
    product_ids = [product.id for product in one.products]
    match one.kind:
        case "disk_low" | "worker_missing" | "folder_failed":
            link_to(SYSTEM_STATUS, _("System status"), help_text=detail)
        case "report_failed":
            link_to(REPORTS, _("Schedules"), query={"view": "schedules"}, help_text=detail)
        case "delivery_failed":
            _offer(_("Send again"), key, detail, lambda: retry_all(services(), person(), target_id=one.subject_id))
        case "job_failed":
            _offer(
                _("Build again"),
                key,
                detail,
                lambda: start(services(), person(), kind=one.subject, product_ids=product_ids),
            )
        case "out_of_date":
            _offer(_("Deploy now"), key, detail, lambda: start_stale(services(), person(), product_ids, kinds=KINDS))
        case "drift":
            link_to(
                QUALITY_TRENDS,
                _("Look at it"),
                query={"product": str(product_ids[0])} if product_ids else None,
                help_text=detail,
            )
        case "weak_on_test":
            link_to(MODEL_REPORT, _("Look at it"), query={"product": str(product_ids[0])}, help_text=detail)
        case "candidate":
            first, products = next(iter(one.by_kind.items()))
            link_to(_SCREENS[first], _("See the versions"), query={"product": str(products[0].id)}, help_text=detail)
        case "actions_overdue":
            before = view.open_by_age[0].before
            link_to(HISTORY, _("Open them"), query=history_query(view, action="open", since=None, until=before))
        case "review_waiting":
            link_to(HISTORY, _("Review them"), query={"view": "review"})
        case "set_apart":
            link_to(NORMAL_IMAGES, _("Look at them"), query={"product": str(product_ids[0]), "state": "suspected"})


def _offer(words: str, key: str, detail: str | None, carry_out: Callable[[], Any]) -> None:
    if not st.button(words, key=key, help=detail):
        return
    try:
        carry_out()
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("It is on its way."), icon=":material/schedule:")
    st.rerun()

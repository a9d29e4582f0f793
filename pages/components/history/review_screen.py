"""The queue of reviews: one picture at a time, one key a decision, and the next picture is there already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.access import ENGINEER
from core.catalog.products import list_products_in_use
from core.errors import AppError
from core.history.learning import add_to_images
from core.history.lines import load_lines
from core.history.review_queue import ORDERS, confirm_all, decide_review, may_confirm
from core.i18n import N_
from core.inspections.follow_up.changes import describe_change, list_changes
from core.inspections.records import load_record
from core.inspections.terms import VERDICT_NAMES
from pages.components.history.prefetch import prefetch_pictures
from pages.components.history.walked_queue import OUTCOME, get_queue
from pages.components.inspection.heat_viewer import show_heat_viewer
from pages.components.inspection.result_view import find_pictures
from pages.components.inspection.score_scale import show_score_scale
from pages.components.shared import screens
from pages.components.shared.dialogs import OpenDialog, close_dialog, confirm, open_dialog, opened
from pages.components.shared.labels import VERDICT_ICONS, label_of
from pages.components.shared.language import _, _n, defect_name, escape, language, moment, number, product_name
from pages.components.shared.session import may, person, services, show_error

if TYPE_CHECKING:
    from core.history.review_queue import Order
    from core.inspections.records import InspectionRecord
    from pages.components.history.walked_queue import Queue

_LEARN, _CONFIRM_ALL = "review_learn", "review_confirm_all"
_ORDER_NAMES: dict[Order, str] = {"oldest": N_("Oldest first"), "riskiest": N_("Riskiest first")}
# Digits are keys on every keypad; more types than that are chosen on the result.
_TYPES_WITH_KEYS = 9
_MOST_AT_ONCE = 200


@st.fragment
def show_review_queue() -> None:
    """Draw the queue. A fragment: a key redraws nothing else of the page."""
    queue = get_queue()
    show_bar(queue)
    show_outcome()
    if queue.current is None:
        show_all_done(queue)
    else:
        try:
            record = load_record(services(), queue.current)
            show_one(queue, record)
        except AppError as error:
            show_error(error)
            st.button(_("Skip this one"), key="review_skip", on_click=queue.remove, args=(queue.current,))
    show_open_dialog(queue)


def show_bar(queue: Queue) -> None:
    """Draw how many are left, which ones and in which order, and the confirmation of all."""
    products: dict[int | None, str] = {None: _("All products")}
    products |= {found.id: product_name(found) for found in list_products_in_use(services())}
    if queue.product_id not in products:
        products[queue.product_id] = str(queue.product_id)
    with st.container(key="review_bar"):
        left, which, order, everything = st.columns([1, 1.4, 1.6, 1.4], vertical_alignment="center")
    left.markdown(f"### {_n('{count} left', '{count} left', queue.total)}")
    which.selectbox(
        _("Product"),
        list(products),
        key="review_product",
        format_func=lambda found: products[found],
        label_visibility="collapsed",
    )
    order.segmented_control(
        _("Order"),
        ORDERS,
        key="review_order",
        default="oldest",
        required=True,
        format_func=lambda found: _(_ORDER_NAMES[found]),
        label_visibility="collapsed",
    )
    everything.button(
        _("Confirm all as they are"),
        key="review_all",
        icon=":material/done_all:",
        disabled=not queue.ids,
        on_click=open_dialog,
        args=(_CONFIRM_ALL,),
        width="stretch",
    )


def show_all_done(queue: Queue) -> None:
    """Say that nothing waits, and where to go."""
    st.success(_("Nothing waits for review."), icon=":material/task_alt:")
    if queue.product_id is not None:
        st.caption(_("Of this product. Choose all products to see the others."))
    screens.link_to(screens.INSPECT_PART, _("Inspect a part"))


def show_one(queue: Queue, record: InspectionRecord) -> None:
    """Draw one inspection and the keys that decide it."""
    pictures = find_pictures(record)
    left, right = st.columns([1.25, 1], gap="medium")
    with left, st.container(key="review_picture"):
        show_heat_viewer(record, pictures, key="review_viewer")
    with right, st.container(key="review_panel", gap="small"):
        show_facts(record)
        show_types(record)
        show_keys(queue, record)
    prefetch_pictures(queue.ids[queue.place + 1 : queue.place + 3].tolist(), key="review_prefetch")


def show_facts(record: InspectionRecord) -> None:
    """Draw the verdict and why it waits."""
    decision = record.decision
    with st.container(key=f"verdict_{decision.verdict}_review", gap=None):
        st.markdown(f"## {VERDICT_ICONS[decision.verdict]} {label_of(VERDICT_NAMES, decision.verdict)}")
        if decision.verdict != record.verdict:
            st.markdown(
                _("Changed by a person; the model said: {verdict}", verdict=label_of(VERDICT_NAMES, record.verdict))
            )
    show_score_scale(record.score, review_at=record.review_at, reject_at=record.reject_at)
    part = record.part
    trace = " · ".join(escape(text) for text in (part.line, part.lot, part.serial) if text)
    who = escape(_(record.person_name)) if record.person_name else "–"
    st.caption(
        _("No. {number}", number=record.id)
        + f" · {escape(product_name(record.product))} · {moment(record.created_at)} · {who}"
        + (f" · {trace}" if trace else "")
    )
    for change in list_changes(services(), record.id):
        name = escape(_(change.person_name)) if change.person_name else "–"
        st.caption(f"{moment(change.at)} · {name} · {escape(describe_change(change, language()))}")


def show_types(record: InspectionRecord) -> None:
    """Draw the defect types with their digits; the chosen one is confirmed with the decision."""
    if not record.defect_types:
        return
    chosen = chosen_type(record)
    with st.container(horizontal=True, gap="small", key="review_types"):
        for digit, found in enumerate(record.defect_types[:_TYPES_WITH_KEYS], start=1):
            st.button(
                escape(defect_name(found)),
                key=f"review_type_{record.id}_{found.id}",
                type="primary" if found.id == chosen else "secondary",
                shortcut=str(digit),
                on_click=choose_type,
                args=(record.id, found.id),
            )


def show_keys(queue: Queue, record: InspectionRecord) -> None:
    """Draw the decisions, each with its key."""
    allowed = may_confirm(person(), record.decision)
    if not allowed:
        st.info(
            _("You changed this verdict yourself: another person, or a quality engineer, confirms it."),
            icon=":material/group:",
        )
    with st.container(horizontal=True, gap="small", key="review_decisions"):
        for verdict, key, icon in (("ok", "O", VERDICT_ICONS["ok"]), ("reject", "X", VERDICT_ICONS["reject"])):
            st.button(
                label_of(VERDICT_NAMES, verdict),
                key=f"review_{verdict}",
                icon=icon,
                shortcut=key,
                width="stretch",
                disabled=not allowed,
                on_click=decide,
                args=(queue, record, verdict),
            )
        st.button(
            _("Keep: {verdict}", verdict=label_of(VERDICT_NAMES, record.decision.verdict)),
            key="review_keep",
            icon=":material/done:",
            shortcut="Y",
            width="stretch",
            disabled=not allowed,
            on_click=decide,
            args=(queue, record, None),
        )
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="review_walk"):
        st.button(
            _("Back"), key="review_back", icon=":material/arrow_upward:", shortcut="K", on_click=queue.move, args=(-1,)
        )
        st.button(
            _("Next"), key="review_next", icon=":material/arrow_downward:", shortcut="J", on_click=queue.move, args=(1,)
        )
        st.markdown(f"{number(queue.place + 1)} / {number(len(queue.ids))}")
    if may(ENGINEER):
        is_on = bool(st.session_state.get(_LEARN))
        st.button(
            _("Add decided parts to the images: on") if is_on else _("Add decided parts to the images: off"),
            key="review_learn_button",
            icon=":material/toggle_on:" if is_on else ":material/toggle_off:",
            type="tertiary",
            shortcut="I",
            help=_("What you decide as OK or NG becomes a normal or a defect image, with its regions as mask."),
            on_click=turn_learning,
        )


def chosen_type(record: InspectionRecord) -> int | None:
    """Return the type that a decision confirms: the one that was pressed, else the confirmed or suggested one."""
    pressed: int | None = st.session_state.get(f"review_chosen_{record.id}")
    if pressed is not None:
        return pressed
    if record.decision.confirmed_at is not None:
        return record.decision.defect_type_id
    likely = record.suggestion.defect_type if record.suggestion is not None else None
    return likely.id if likely is not None else None


def choose_type(inspection_id: int, defect_type_id: int) -> None:
    """Keep which type was pressed, until the part is decided."""
    st.session_state[f"review_chosen_{inspection_id}"] = defect_type_id


def turn_learning() -> None:
    """Turn on or off that decided parts go to the images."""
    st.session_state[_LEARN] = not st.session_state.get(_LEARN)


def decide(queue: Queue, record: InspectionRecord, verdict: str | None) -> None:
    """Decide the part, and add it to the images where that is on. What is refused stays in the queue."""
    in_force = verdict or record.decision.verdict
    kind = chosen_type(record) if in_force != "ok" else None
    confirmed = record.decision.defect_type_id if record.decision.confirmed_at is not None else None
    try:
        decision = decide_review(
            services(),
            person(),
            record.id,
            row_version=record.decision.row_version,
            verdict=verdict,
            defect_type_id=kind if kind != confirmed else None,
            reason=_("Decided in the review queue"),
        )
    except AppError as error:
        st.session_state[OUTCOME] = error
        if error.code == "review_not_waiting":
            queue.remove(record.id)
        return
    st.session_state.pop(f"review_chosen_{record.id}", None)
    queue.remove(record.id)
    words = _("No. {number}: {verdict}", number=record.id, verdict=label_of(VERDICT_NAMES, decision.verdict))
    st.session_state[OUTCOME] = words
    if st.session_state.get(_LEARN) and may(ENGINEER) and decision.verdict != "review":
        try:
            outcome = add_to_images(services(), person(), record.id)
        except AppError as error:
            st.session_state[OUTCOME] = error
        else:
            added = _("added to the images as {name}", name=escape(outcome.stored_name or ""))
            st.session_state[OUTCOME] = f"{words} · {added}"


def show_outcome() -> None:
    """Draw what the last decision came to."""
    outcome = st.session_state.get(OUTCOME)
    if isinstance(outcome, AppError):
        show_error(outcome)
    elif outcome:
        st.caption(f":green[:material/check_circle: {outcome}]")


def show_open_dialog(queue: Queue) -> None:
    """Ask before all are confirmed: how many of each verdict there are."""
    if (dialog := opened(_CONFIRM_ALL)) is None:
        return
    lines = load_lines(services(), queue.ids[:_MOST_AT_ONCE].tolist())
    counts = {verdict: sum(line.final_verdict == verdict for line in lines) for verdict in VERDICT_NAMES}
    told = ", ".join(
        f"{label_of(VERDICT_NAMES, verdict)} {number(count)}" for verdict, count in counts.items() if count
    )

    def carry_out(_dialog: OpenDialog) -> None:
        confirm_shown(queue, {line.id: line.row_version for line in lines})

    confirm(
        _n("Confirm {count} verdict as it is?", "Confirm {count} verdicts as they are?", len(lines)),
        _("{verdicts}. They leave the queue under your name. What a person must confirm for you stays.", verdicts=told),
        action=_("Confirm"),
        icon=":material/done_all:",
        dialog=dialog,
        carry_out=carry_out,
    )


def confirm_shown(queue: Queue, row_versions: dict[int, int]) -> None:
    """Confirm what was counted in the dialog, as it was then."""
    close_dialog()
    try:
        done = confirm_all(services(), person(), row_versions)
    except AppError as error:
        st.session_state[OUTCOME] = error
    else:
        for inspection_id in done.ids:
            queue.remove(inspection_id)
        words = _n("{count} verdict confirmed.", "{count} verdicts confirmed.", len(done.ids))
        if done.problems:
            words += " " + _n(
                "{count} stays in the queue: it was changed meanwhile, or another person must confirm it.",
                "{count} stay in the queue: they were changed meanwhile, or another person must confirm them.",
                len(done.problems),
            )
        st.session_state[OUTCOME] = words
    st.rerun()

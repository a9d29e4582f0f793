"""The table of runs with its filters: each run a line, or the seeds of one configuration as one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from core.errors import NotFound
from core.training.experiments.side_by_side import LEAST_RUNS, MOST_RUNS
from core.training.experiments.table import RunGroup, TableFilter, group_seeds, list_table, read_choices
from core.training.runs.overview import read_head
from pages.components.deployment.job_panel import JOB_STATES
from pages.components.experiments.address import open_runs
from pages.components.shared import screens
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, _n, moment, percent, product_name
from pages.components.shared.session import person, services
from pages.components.training.wording import name_figure, name_recipe

if TYPE_CHECKING:
    from core.catalog.products import ProductSummary
    from core.training.experiments.table import Choices, Spread
    from core.training.runs.records import RunHead

_Value = TypeVar("_Value")
_STEP = 100
_SHOWN = "experiments_shown"
_LIMITS = {"least": LEAST_RUNS, "most": MOST_RUNS}
_ROW_PX, _MOST_ROWS_SEEN = 35, 14
_NAME_PX = 300


def show_table(products: Sequence[ProductSummary], pinned: tuple[int, ...]) -> None:
    """Draw filters and table; `pinned` are runs that are chosen already."""
    held = _read_pinned(pinned)
    wanted = _show_filters(products, held)
    limit = st.session_state.get(_SHOWN, _STEP)
    heads = list_table(services(), person(), wanted, limit=limit + 1)
    has_more, heads = len(heads) > limit, heads[:limit]
    if not heads:
        st.info(_("No training run is left by this filter."), icon=":material/filter_alt_off:")
        return
    together = st.toggle(
        _("Seeds of one configuration together"), key="experiments_together",
        help=_("Runs that differ by their seed alone are one line, with mean and standard deviation."),
    )  # fmt: skip
    groups = group_seeds(services(), person(), heads) if together else [RunGroup((head,)) for head in heads]
    picked = _draw(groups, wanted, together=together)
    if has_more and st.button(_("Show more"), key="experiments_more", icon=":material/expand_more:"):
        st.session_state[_SHOWN] = limit + _STEP
        st.rerun()
    _show_choice(held, picked, together=together)


def _read_pinned(pinned: tuple[int, ...]) -> list[RunHead]:
    found = []
    for number in pinned[:MOST_RUNS]:
        try:
            found.append(read_head(services(), person(), number))
        except NotFound:
            st.warning(_("Run {number} of this link is not there.", number=number), icon=":material/link_off:")
    return found


def _show_filters(products: Sequence[ProductSummary], held: Sequence[RunHead]) -> TableFilter:
    names = {one.product.id: product_name(one.product) for one in products}
    first, second, third, fourth, fifth, sixth = st.columns(6)
    if held and "experiments_product" not in st.session_state:
        # Only runs of one product can stand beside the run that one comes from.
        st.session_state["experiments_product"] = held[0].product.id
    product_id = _choose(first, _("Product"), "experiments_product", tuple(names), lambda one: names[one])
    choices: Choices = read_choices(services(), person(), product_id)
    people = dict(choices.people)
    experiment = _choose(second, _("Experiment"), "experiments_experiment", choices.experiments, str)
    recipe = _choose(third, _("Recipe"), "experiments_recipe", choices.recipes, name_recipe)
    task = _choose(fourth, _("Task"), "experiments_task", choices.tasks, name_task)
    state = _choose(fifth, _("State"), "experiments_state", tuple(JOB_STATES), lambda one: label_of(JOB_STATES, one))
    person_id = _choose(sixth, _("Started by"), "experiments_person", tuple(people), lambda one: _(people[one]))
    return TableFilter(product_id, experiment, recipe, task, (state,) if state else (), person_id)


def name_task(task: str) -> str:
    """Return what a task is called."""
    names = {
        "classification": _("Classification"), "segmentation": _("Segmentation"), "detection": _("Detection"),
    }  # fmt: skip
    return names.get(task, task)


def _choose(
    place: Any, label: str, key: str, offered: Sequence[_Value], name: Callable[[_Value], str]
) -> _Value | None:
    """Show one filter; None for all."""
    options: list[_Value | None] = [None, *offered]
    if key in st.session_state and st.session_state[key] not in options:
        # What was chosen is not there any more, or not for this product.
        st.session_state[key] = None
    found: _Value | None = place.selectbox(
        label, options, key=key, format_func=lambda one: _("all") if one is None else name(one)
    )
    return found


def _draw(groups: Sequence[RunGroup], wanted: TableFilter, *, together: bool) -> list[RunHead]:
    """Draw the table; return the runs of the ticked lines."""
    import pandas as pd

    tasks = {group.best.task for group in groups}
    figure = name_figure(groups[0].best.figure) if len(tasks) == 1 else _("Figure")
    rows = [_group_row(group) if together else _row(group.best) for group in groups]
    wide = 150
    column = st.column_config.NumberColumn if not together else st.column_config.TextColumn
    numbers = st.column_config.TextColumn if together else st.column_config.NumberColumn
    columns: dict[str, Any] = {
        "run": numbers(_("Runs") if together else _("Run"), width=110 if together else 60),
        "name": st.column_config.TextColumn(_("Name"), width=_NAME_PX),
        "state": st.column_config.TextColumn(_("State"), width=110),
        "test": column(_("{figure} · test", figure=figure), width=wide),
        "val": column(_("{figure} · validation", figure=figure), width=wide),
        "goals": st.column_config.TextColumn(_("Goals"), width=70),
        "product": st.column_config.TextColumn(_("Product"), width=120),
        "recipe": st.column_config.TextColumn(_("Recipe"), width=110),
        "experiment": st.column_config.TextColumn(_("Experiment"), width=110),
        "dataset": st.column_config.NumberColumn(_("Dataset version"), width=80),
        "seed": st.column_config.TextColumn(_("Seed"), width=70),
        "epochs": st.column_config.TextColumn(_("Epochs"), width=80),
        "minutes": st.column_config.NumberColumn(_("Minutes"), format="%.1f" if together else None, width=80),
        "by": st.column_config.TextColumn(_("Started by"), width=110),
        "at": st.column_config.TextColumn(_("Started at"), width=140),
    }
    if wanted.product_id is not None:
        columns["product"] = None
    frame = pd.DataFrame(rows)
    # What is not known is a dash, in every language, and the columns still sort by their numbers.
    shown = frame if together else frame.style.format({"test": _share, "val": _share, "minutes": "{:.1f}"})
    event = st.dataframe(
        shown,
        hide_index=True,
        width="stretch",
        height=_ROW_PX * min(len(rows), _MOST_ROWS_SEEN) + 40,
        row_height=_ROW_PX,
        placeholder="–",
        column_config=columns,
        on_select="rerun",
        selection_mode="multi-row",
        # Ticks belong to lines: where other lines stand, none of them is ticked.
        key=f"experiments_table_{together}_{hash(wanted)}",
    )
    picked = event["selection"]["rows"] if event else []
    return [groups[place].best for place in picked if place < len(groups)]


def _row(head: RunHead) -> dict[str, Any]:
    return {
        "run": head.id,
        "name": head.name,
        "state": label_of(JOB_STATES, head.state),
        "test": math.nan if head.test is None else head.test,
        "val": math.nan if head.val is None else head.val,
        **_rest(head),
        "seed": str(head.seed),
        "minutes": head.train_s / 60.0,
    }


def _group_row(group: RunGroup) -> dict[str, Any]:
    head = group.best
    states = dict.fromkeys(label_of(JOB_STATES, run.state) for run in group.runs)
    return {
        "run": ", ".join(str(run.id) for run in group.runs),
        "name": head.name,
        "state": ", ".join(states),
        "test": describe_spread(group.test),
        "val": describe_spread(group.val),
        **_rest(head),
        "seed": ", ".join(str(seed) for seed in sorted({run.seed for run in group.runs})),
        "minutes": sum(run.train_s for run in group.runs) / 60.0,
    }


def _rest(head: RunHead) -> dict[str, Any]:
    met = sum(goal.met for goal in head.goals)
    return {
        "goals": f"{met}/{len(head.goals)}" if head.goals else "",
        "recipe": name_recipe(head.recipe),
        "experiment": head.experiment,
        "product": product_name(head.product),
        "dataset": head.dataset_number,
        "epochs": f"{head.epochs_done}/{head.epochs}",
        "by": _(head.created_by_name) if head.created_by_name else "",
        "at": moment(head.created_at),
    }


def _share(value: object) -> str:
    return percent(value) if isinstance(value, float) and not math.isnan(value) else "–"


def describe_spread(spread: Spread | None) -> str:
    """Return mean and standard deviation in percent, a dash for none."""
    if spread is None:
        return "–"
    mean = f"{100 * spread.mean:.1f} %"
    if spread.deviation is None:
        return mean
    return f"{mean} ± {100 * spread.deviation:.1f} ({_n('{count} run', '{count} runs', spread.count)})"


def _show_choice(held: Sequence[RunHead], picked: Sequence[RunHead], *, together: bool) -> None:
    """Say which runs are chosen, and lead on: one run opens, two to six stand side by side."""
    chosen = list({run.id: run for run in [*held, *picked]}.values())
    if held:
        names = ", ".join(f"{run.id} ({run.name})" for run in held)
        st.caption(_("Already chosen: {names}", names=names))
    if together:
        st.caption(_("A line of several seeds stands for its run that is best on validation."))
    may = LEAST_RUNS <= len(chosen) <= MOST_RUNS
    with st.container(horizontal=True, vertical_alignment="center", key="experiments_choice"):
        st.button(
            _n("Compare {count} run", "Compare {count} runs", len(chosen)) if may else _("Compare runs"),
            key="experiments_compare", type="primary", icon=":material/compare_arrows:", disabled=not may,
            on_click=open_runs, args=(tuple(run.id for run in chosen),),
        )  # fmt: skip
        if not may:
            st.caption(
                _(
                    "Tick {least} to {most} lines; {count} are chosen.",
                    least=LEAST_RUNS,
                    most=MOST_RUNS,
                    count=len(chosen),
                )
            )
        if len(chosen) == 1:
            screens.link_to(
                screens.TRAIN_MODEL, _("Open run {number}", number=chosen[0].id), query={"run": str(chosen[0].id)}
            )

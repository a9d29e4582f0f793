"""One widget for each kind of setting; what is typed goes into the draft at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.images.domains import DOMAINS
from core.training.configuration.field_words import CHOICE_WORDS
from core.training.configuration.fields import FieldSpec, find_field, read_value
from core.training.configuration.goals import FIGURE_NAMES, list_goals, split_goal
from pages.components.images.domains import name_domain
from pages.components.shared.language import _
from pages.components.training.draft import change_draft

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.training.configuration.records import RunConfiguration

_WHOLE_STEPS = {"input.width_px": 32, "input.height_px": 32}
_STEPS = 50  # of a number from its lowest to its highest
_LONGEST_TEXT = 190
# Values over several orders of magnitude are typed, not stepped through.
_TYPED = {"training.learning_rate": 1e-4, "training.weight_decay": 1e-3}


def show_field(
    draft: RunConfiguration, path: str, *, place: DeltaGenerator | None = None, disabled: bool = False
) -> None:
    """Show the widget of a setting with a value of one kind, as `section.field` names it."""
    spec = find_field(path)
    target = st if place is None else place
    key, change = _bind(draft, spec)
    label, help_text = _(spec.label), _(spec.explanation)
    if spec.kind == "bool":
        target.toggle(label, key=key, help=help_text, on_change=change, disabled=disabled)
    elif spec.kind == "choice":
        words = {one: _(CHOICE_WORDS.get(one, one)) for one in spec.choices}
        target.selectbox(
            label, list(spec.choices), key=key, help=help_text, on_change=change, disabled=disabled,
            format_func=words.__getitem__,
        )  # fmt: skip
    elif spec.kind == "text":
        target.text_input(label, key=key, help=help_text, on_change=change, max_chars=_LONGEST_TEXT, disabled=disabled)
    elif spec.kind in ("int", "float"):
        _show_number(target, spec, key=key, label=label, help_text=help_text, change=change, disabled=disabled)


def choose_value(
    draft: RunConfiguration,
    path: str,
    values: Sequence[Any],
    names: Mapping[Any, str],
    *,
    place: DeltaGenerator | None = None,
    disabled: bool = False,
) -> None:
    """Show a setting as a choice of some values that are here; what the draft holds is among them whatever it is."""
    spec = find_field(path)
    key, change = _bind(draft, spec)
    held = read_value(draft, path)
    offered = [*values, *([] if held in values else [held])]
    said = {one: names.get(one, str(one)) for one in offered}
    (st if place is None else place).selectbox(
        _(spec.label), offered, key=key, help=_(spec.explanation), on_change=change, disabled=disabled,
        format_func=said.__getitem__,
    )  # fmt: skip


def choose_labels(
    draft: RunConfiguration, labels: Sequence[str], names: Callable[[str], str], *, disabled: bool = False
) -> None:
    """Show which classes are learned; none chosen means all."""
    spec = find_field("data.labels")
    key = _key(spec.path)
    held = list(draft.data.labels)
    st.session_state[key] = held

    def change() -> None:
        change_draft(draft.product, spec.path, tuple(st.session_state.get(key, ())))

    said = {label: names(label) for label in (*labels, *held)}
    st.multiselect(
        _(spec.label), list(said), key=key, help=_(spec.explanation),
        on_change=change, format_func=said.__getitem__, placeholder=_("All classes"), disabled=disabled,
    )  # fmt: skip


def show_goals(draft: RunConfiguration, goals: Sequence[str] | None = None, *, disabled: bool = False) -> None:
    """Show a number for each goal that the task can have, empty for none."""
    wanted = list(goals if goals is not None else list_goals(draft.task))
    columns = st.columns(3)
    for place, goal in enumerate(wanted):
        _show_named(
            draft, "report.goals", goal, name_goal(goal), place=columns[place % 3], step=0.01, empty=_("no goal"),
            disabled=disabled,
        )  # fmt: skip


def show_domains(draft: RunConfiguration, *, disabled: bool = False) -> None:
    """Show the weight of each domain, empty for its own."""
    st.caption(_(find_field("data.domains").explanation))
    for place, domain in zip(st.columns(len(DOMAINS)), DOMAINS, strict=True):
        _show_named(
            draft, "data.domains", domain, name_domain(domain), place=place, step=0.5, empty="1", disabled=disabled
        )


def name_goal(goal: str) -> str:
    """Return what a goal is called: the figure, and its domain where it is of one."""
    domain, figure = split_goal(goal)
    name = _(FIGURE_NAMES.get(figure, figure))
    return f"{name} · {name_domain(domain)}" if domain else name


def _show_named(
    draft: RunConfiguration,
    path: str,
    name: str,
    label: str,
    *,
    place: DeltaGenerator,
    step: float,
    empty: str,
    disabled: bool,
) -> None:
    spec, key = find_field(path), _key(f"{path}.{name}")
    held: Mapping[str, float] = read_value(draft, path)
    st.session_state[key] = held.get(name)

    def change() -> None:
        value = st.session_state.get(key)
        rest = {one: number for one, number in held.items() if one != name}
        change_draft(draft.product, path, rest if value is None else {**rest, name: float(value)})

    place.number_input(
        label, float(spec.lowest or 0.0), float(spec.highest or 1.0), step=step, key=key, on_change=change,
        format="%.4g", placeholder=empty, disabled=disabled,
    )  # fmt: skip


def _show_number(
    target: Any, spec: FieldSpec, *, key: str, label: str, help_text: str, change: Callable[[], None], disabled: bool
) -> None:
    lowest, highest = spec.lowest or 0.0, spec.highest or 1.0
    if spec.kind == "int":
        target.number_input(
            label, int(lowest), int(highest), step=_WHOLE_STEPS.get(spec.path, 1), key=key, help=help_text,
            on_change=change, disabled=disabled,
        )  # fmt: skip
        return
    step = _TYPED.get(spec.path) or _round_step((highest - lowest) / _STEPS)
    target.number_input(
        label, float(lowest), float(highest), step=step, key=key, help=help_text, on_change=change, format="%.6g",
        disabled=disabled,
    )  # fmt: skip


def _round_step(step: float) -> float:
    """Return 0.01 for 0.0104, 2.0 for 2.02: what a person would count in."""
    return float(f"{step:.0e}")


def _bind(draft: RunConfiguration, spec: FieldSpec) -> tuple[str, Callable[[], None]]:
    """Put the draft's value into the widget to come; return its key, and what takes over what is typed."""
    key = _key(spec.path)
    value = read_value(draft, spec.path)
    st.session_state[key] = value

    def change() -> None:
        typed = st.session_state.get(key, value)
        if spec.kind == "text":
            typed = " ".join(str(typed).split())
        elif typed is None and not spec.is_optional:
            return  # an emptied number stands for what was there
        change_draft(draft.product, spec.path, typed)

    return key, change


def _key(path: str) -> str:
    return f"train_field_{path}"

"""Choosing the methods of a comparison with their options; what cannot run says what to set."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.comparisons.choices import MethodOffer, list_offers
from core.comparisons.orders import LONGEST_NAME, MethodChoice
from pages.components.shared.language import _, escape, language
from pages.components.shared.session import person, services

if TYPE_CHECKING:
    from core.methods.records import ConfigField, MethodSpec

_OFFERED_FIRST = 3


def choose_methods(dataset_id: int) -> list[MethodChoice]:
    """Show every method as a row with a tick, what it is and its options; return those that are ticked."""
    chosen = []
    offers = list_offers(services(), person(), dataset_id)
    ready = [offer.spec.name for offer in offers if offer.obstacle is None]
    for offer in offers:
        chosen += _show_offer(offer, ticked=offer.spec.name in ready[:_OFFERED_FIRST])
    return chosen


def _show_offer(offer: MethodOffer, *, ticked: bool) -> list[MethodChoice]:
    spec = offer.spec
    with st.container(border=True, key=f"compare_method_{spec.name}"):
        left, right = st.columns([3, 1], vertical_alignment="center")
        is_wanted = left.checkbox(
            f"**{escape(_(spec.title))}**",
            value=ticked,
            key=f"compare_tick_{spec.name}",
            disabled=offer.obstacle is not None,
        )
        left.caption(escape(_(spec.description)))
        if offer.obstacle is not None:
            left.caption(f":orange[:material/build:] {escape(offer.obstacle.sentence(language()))}")
            return []
        if offer.choices:
            return _choose_stored(offer) if is_wanted else []
        options: dict[str, Any] = {}
        if spec.fields:
            with right.popover(
                _("Options"), icon=":material/tune:", width="stretch", key=f"compare_options_{spec.name}"
            ):
                options = _read_options(spec)
    return [MethodChoice(spec.name, spec.name, (), options)] if is_wanted else []


def _choose_stored(offer: MethodOffer) -> list[MethodChoice]:
    """Show what is stored for a method, as its training runs; return a choice for each that is chosen."""
    spec, found = offer.spec, []
    for field in spec.fields:
        names = dict(offer.choices.get(field.name, ()))
        values = list(names)
        chosen = st.multiselect(
            _(field.label), values, values[:1], key=f"compare_stored_{spec.name}_{field.name}",
            format_func=lambda one, names=names: f"{names[one]} · {one}",  # type: ignore[misc]
            help=_(field.explanation), placeholder=_("Choose"),
        )  # fmt: skip
        found += [MethodChoice(spec.name, _short_name(names[one], one), (), {field.name: one}) for one in chosen]
    return found


def _short_name(name: str, number: int) -> str:
    """Return a name that a comparison takes: short, of plain characters, and no other has it."""
    plain = re.sub(r"[^\w .+-]+", "-", name).strip(" .+-")
    return f"{plain[: LONGEST_NAME - len(str(number)) - 1].strip(' .+-')} {number}".strip()


def _read_options(spec: MethodSpec) -> dict[str, Any]:
    """Show the options of a method; return those that are not at their default."""
    found = {}
    for field in spec.fields:
        value = _show_field(spec.name, field)
        if value != field.default:
            found[field.name] = value
    return found


def _show_field(method: str, field: ConfigField) -> Any:
    label, key = _(field.label), f"compare_option_{method}_{field.name}"
    explanation = _(field.explanation) if field.explanation else None
    if field.kind == "choice":
        names = {value: _(title) for value, title in field.choices}
        values = list(names)
        at = values.index(field.default) if field.default in values else 0
        return st.selectbox(label, values, index=at, key=key, help=explanation, format_func=lambda one: names[one])
    if field.kind == "text":
        return st.text_input(label, value=str(field.default), key=key, help=explanation)
    # Without a value the method chooses by itself.
    is_whole = field.kind == "int"
    take: Callable[[Any], Any] = int if is_whole else float
    value = st.number_input(
        label,
        take(field.lowest),
        take(field.highest),
        None if field.default is None else take(field.default),
        take(field.step),
        key=key,
        help=explanation,
        format="%d" if is_whole else "%.4g",
        placeholder=_("by itself"),
    )
    return None if value is None else take(value)

"""The form of a configuration: the few values that matter, and all others behind “More settings”."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.training.configuration.field_words import SECTION_TITLES
from core.training.configuration.fields import is_used, list_fields
from core.training.configuration.goals import list_goals
from core.training.configuration.naming import name_run
from core.training.recipes.networks import list_networks
from core.training.recipes.registry import list_recipes
from pages.components.shared.language import _, _n, escape
from pages.components.shared.session import services
from pages.components.training.adapters.options import show_options
from pages.components.training.draft import change_draft, list_changed
from pages.components.training.field_widgets import choose_labels, choose_value, show_domains, show_field, show_goals

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.datasets.records import DatasetHead
    from core.training.configuration.records import RunConfiguration
    from pages.components.comparing.wording import ProductWords

# What stands before “More settings”, where the recipe uses it.
_SIZE = ("input.width_px", "input.height_px", "limits.minutes")
_FIRST = ("training.epochs", "training.learning_rate", "training.batch_size")
# What has its place elsewhere on the screen.
_ELSEWHERE = {
    "version", "product", "task", "name", "experiment", "data.dataset", "data.view", "data.labels", "data.domains",
    "model.recipe", "model.adapter", "model.backbone", "model.options", "report.goals",
    *_SIZE, *_FIRST,
}  # fmt: skip
_COLUMNS = 3


def show_settings(
    draft: RunConfiguration, head: DatasetHead | None, words: ProductWords, *, disabled: bool = False
) -> None:
    """Show the form; what is typed goes into the draft."""
    recipe = draft.model.recipe
    if draft.model.adapter:
        # It brings its own network.
        show_options(draft, disabled=disabled)
        places = list(st.columns(3))
    else:
        network, *places = st.columns([2, 1, 1, 1])
        _choose_backbone(draft, place=network, disabled=disabled)
    for path, place in zip(_SIZE, places, strict=True):
        show_field(draft, path, place=place, disabled=disabled)
    shown = [path for path in _FIRST if is_used(recipe, path)]
    if shown:
        for place, path in zip(st.columns(len(shown)), shown, strict=True):
            show_field(draft, path, place=place, disabled=disabled)
    labels = () if head is None else head.report.labels
    offered = labels if draft.task == "classification" else [one for one in labels if one not in head_good(head)]
    choose_labels(draft, list(offered), words.label, disabled=disabled)
    st.markdown(f"**{_('Goals')}**", help=_("The run says at its end which goals were met."))
    show_goals(draft, list_goals(draft.task)[:3], disabled=disabled)
    name, experiment = st.columns(2)
    _show_name(draft, place=name, disabled=disabled)
    show_field(draft, "experiment", place=experiment, disabled=disabled)
    _show_more(draft, disabled=disabled)


def head_good(head: DatasetHead | None) -> tuple[str, ...]:
    """Return the labels of good parts in a dataset version."""
    return () if head is None else head.report.good_labels


def _choose_backbone(draft: RunConfiguration, *, place: DeltaGenerator, disabled: bool) -> None:
    offers = list_networks(services().settings)
    names = {one.name: one.title if one.is_here else _("{name} · weights missing", name=one.title) for one in offers}
    choose_value(draft, "model.backbone", list(names), names, place=place, disabled=disabled)


def _show_name(draft: RunConfiguration, *, place: DeltaGenerator, disabled: bool) -> None:
    key = "train_field_name"
    st.session_state[key] = draft.name

    def change() -> None:
        change_draft(draft.product, "name", " ".join(str(st.session_state.get(key, "")).split()))

    place.text_input(
        _("Name (optional)"), key=key, max_chars=190, placeholder=name_run(draft), on_change=change, disabled=disabled
    )


def _show_more(draft: RunConfiguration, *, disabled: bool) -> None:
    changed = [path for path in list_changed(draft) if path not in _ELSEWHERE]
    label = _("More settings")
    if changed:
        label += " · " + _n("{count} changed", "{count} changed", len(changed))
    with st.expander(label, icon=":material/tune:", key="train_more"):
        sections = [section for section in list_fields() if _list_more(draft, section.name)]
        titles = [_(SECTION_TITLES[section.name]) if section.name else _("Reproducibility") for section in sections]
        for tab, section in zip(st.tabs(titles), sections, strict=True):
            with tab:
                if section.name == "data":
                    show_domains(draft, disabled=disabled)
                if section.name == "report":
                    show_goals(draft, list_goals(draft.task)[3:], disabled=disabled)
                paths = _list_more(draft, section.name)
                for start in range(0, len(paths), _COLUMNS):
                    for place, path in zip(st.columns(_COLUMNS), paths[start : start + _COLUMNS], strict=False):
                        show_field(draft, path, place=place, disabled=disabled)
        unused = [
            _(one.label)
            for section in list_fields()
            for one in section.fields
            if not is_used(draft.model.recipe, one.path) and one.path != "model.adapter"
        ]
        if unused and not draft.model.adapter:
            title = next((_(one.title) for one in list_recipes() if one.name == draft.model.recipe), draft.model.recipe)
            st.caption(_("“{recipe}” does not use: {settings}", recipe=escape(title), settings=", ".join(unused)))
        if draft.model.options and not draft.model.adapter:
            st.caption(_("Options of the recipe are set in the YAML."))


def _list_more(draft: RunConfiguration, section: str) -> list[str]:
    own = next(found for found in list_fields() if found.name == section)
    return [one.path for one in own.fields if one.path not in _ELSEWHERE and is_used(draft.model.recipe, one.path)]

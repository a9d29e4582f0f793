"""Chosen runs in figures: what they are, the settings that differ, figures with intervals, classes, downloads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.i18n import N_
from core.training.configuration.field_words import CHOICE_WORDS
from core.training.configuration.fields import is_used
from core.training.experiments.exports import images_to_csv, to_csv, to_json
from pages.components.experiments.colors import letter
from pages.components.shared import screens
from pages.components.shared.language import _, _n, duration, escape, language, number, percent
from pages.components.shared.link_table import Cell, show_link_table
from pages.components.shared.noted_downloads import noted
from pages.components.training.field_widgets import name_goal
from pages.components.training.wording import describe_goals, describe_state, name_figure, name_recipe, show_figure

if TYPE_CHECKING:
    from core.training.configuration.differences import Difference as SettingDifference
    from core.training.experiments.side_by_side import SideBySide
    from core.training.runs.records import RunView
    from inference.vision.comparison.bootstrap import Difference, Estimate
    from pages.components.comparing.wording import ProductWords

_OWN_NAMES: dict[str, str] = {
    "right": N_("Images right"),
    "match": N_("Mean match of places"),
    "overkill": N_("Good parts called defective"),
    "escape": N_("Defective parts called good"),
}
_MOST_CLASSES = 15
_TABLE_PX = 420


def show_runs(found: SideBySide) -> None:
    """Draw what each run is, each with the letter that it has in all tables and charts."""
    for place, run in enumerate(found.runs):
        head = run.head
        with st.container(border=True, key=f"experiments_run_{head.id}"):
            told, link = st.columns([5, 1.2], vertical_alignment="center")
            told.markdown(f"**{letter(place)}** · {describe_state(head)} · **{escape(head.name)}**")
            parts = [
                _("Run {number}", number=head.id), name_recipe(head.recipe), _("seed {seed}", seed=head.seed),
                _("dataset version {number}", number=head.dataset_number),
                _("trained in {time}", time=duration(head.train_s)) if head.train_s else "", describe_goals(head),
            ]  # fmt: skip
            told.caption(" · ".join(part if part.startswith(":") else escape(part) for part in parts if part))
            with link:
                screens.link_to(screens.TRAIN_MODEL, _("Open the run"), query={"run": str(head.id)})
        problem = found.problems[place]
        if problem is not None:
            st.caption(f":material/info: {letter(place)}: {escape(problem.to_app_error().sentence(language()))}")


def show_summary(found: SideBySide, words: ProductWords) -> None:
    """Draw settings, figures and classes of the runs, and what can be taken along."""
    st.subheader(_("Settings that differ"))
    _show_settings(found)
    st.subheader(_("Figures"))
    _show_basis(found)
    _show_figures(found)
    if found.classes:
        st.subheader(_("Class by class"))
        _show_classes(found, words)
    _show_downloads(found)


def _show_settings(found: SideBySide) -> None:
    if found.unreadable:
        numbers = ", ".join(str(one) for one in found.unreadable)
        st.caption(_("The configuration of run {numbers} was written by another version.", numbers=numbers))
        return
    recipes = [run.head.recipe for run in found.runs]
    told = [one for one in found.settings if any(_is_used(recipe, one.path) for recipe in recipes)]
    if not told:
        st.caption(_("None: the runs have the same configuration."))
        return
    rows = [
        [
            Cell(name_setting(one)),
            *(
                Cell(describe_value(value, one.path) if _is_used(recipe, one.path) else _("not used"))
                for recipe, value in zip(recipes, one.values, strict=True)
            ),
        ]
        for one in told
    ]
    show_link_table(
        _columns(_("Setting"), found.runs), rows, key="experiments_settings", label=_("Settings that differ")
    )


def _is_used(recipe: str, path: str) -> bool:
    return is_used(recipe, ".".join(path.split(".")[:2]))


def name_setting(one: SettingDifference) -> str:
    """Return what a setting is called, with the name of the goal, domain or option that it is of."""
    own = one.path.split(".", 2)[2:]
    if not own:
        return _(one.label)
    return f"{_(one.label)}: {name_goal(own[0]) if one.path.startswith('report.goals.') else own[0]}"


def describe_value(value: Any, path: str = "") -> str:
    """Return a setting in words."""
    if path == "model.recipe":
        return name_recipe(str(value))
    if path.startswith("report.goals.") and value is not None:
        return show_figure(value)
    if isinstance(value, str) and value in CHOICE_WORDS:
        return _(CHOICE_WORDS[value])
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value) or "–"
    return str(value)


def _show_basis(found: SideBySide) -> None:
    """Say what the figures are of."""
    told = _n(
        "{count} image that all runs were measured on.",
        "{count} images that all runs were measured on.",
        len(found.images),
    )
    st.caption(
        told
        + " "
        + _("In brackets: 95 % interval by parts. Differences are from {letter}, on the same images.", letter=letter(0))
    )
    if found.images and not found.same_images:
        own = ", ".join(f"{letter(place)} {number(count)}" for place, count in enumerate(found.n_own))
        st.info(
            _("The runs were not measured on the same images ({own}); figures here are over those in common.", own=own),
            icon=":material/join_inner:",
        )  # fmt: skip
    elif not found.images and not any(found.problems):
        st.info(_("The runs have no image of this split in common."), icon=":material/join_inner:")


def _show_figures(found: SideBySide) -> None:
    rows: list[list[Cell]] = []
    for figure in found.figures:
        name = name_own(figure.name)
        rows.append([Cell(name), *(Cell(describe_estimate(one)) for one in figure.values)])
        rows.append(
            [
                Cell(_("{figure}: difference from {letter}", figure=name, letter=letter(0))),
                Cell("–"),
                *(_difference_cell(one) for one in figure.differences),
            ]
        )
    whole = "test" if found.split == "test" else "val"
    tables = [run.test if whole == "test" else run.val for run in found.runs]
    shown = {figure.name for figure in found.figures}
    names = dict.fromkeys(name for table in tables for name in table if name not in {*shown, "n"})
    rows += [
        [Cell(name_own(name)), *(Cell(_whole(name, table.get(name))) for table in tables)]
        for name in names
        if any(_is_figure(table.get(name)) for table in tables)
    ]
    if not rows:
        st.caption(_("No run has figures of this split yet."))
        return
    show_link_table(_columns(_("Figure"), found.runs), rows, key="experiments_figures", label=_("Figures"))


def _is_figure(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(name: str, value: object) -> str:
    if name in ("overkill", "escape") and isinstance(value, int):
        return number(value)
    return show_figure(value)


def name_own(name: str) -> str:
    """Return what a figure of this comparison is called."""
    return _(_OWN_NAMES[name]) if name in _OWN_NAMES else name_figure(name)


def describe_estimate(found: Estimate | None) -> str:
    """Return a figure in percent with its interval, a dash for none."""
    if found is None:
        return "–"
    if found.low is None or found.high is None:
        return percent(found.value)
    return f"{percent(found.value)} ({100 * found.low:.1f}–{100 * found.high:.1f})"


def _difference_cell(found: Difference | None) -> Cell:
    if found is None:
        return Cell("–")
    points = f"{100 * found.value:+.1f} ({100 * found.low:+.1f} … {100 * found.high:+.1f})"
    if not found.is_shown:
        return Cell(f"{points} · {_('no difference shown')}")
    return Cell(points, color="green" if found.value > 0 else "red")


def _show_classes(found: SideBySide, words: ProductWords) -> None:
    rows = []
    for one in found.classes:
        count = next((count for count in one.counts if count is not None), None)
        name = words.label(one.label) + ("" if count is None else f" ({number(count)})")
        rows.append([Cell(name), *(Cell(show_figure(value)) for value in one.values)])
    show_link_table(
        _columns(_("Class (images)"), found.runs), rows, key="experiments_classes", label=_("Class by class"),
        height_px=_TABLE_PX if len(rows) > _MOST_CLASSES else 0,
    )  # fmt: skip


def _columns(first: str, runs: Sequence[RunView]) -> list[tuple[str, Any]]:
    return [(first, ""), *((f"{letter(place)} · {run.head.id}", "number") for place, run in enumerate(runs))]


def _to_bytes(make: Callable[[SideBySide], str | bytes], found: SideBySide) -> bytes:
    made = make(found)
    return made.encode() if isinstance(made, str) else made


def _show_downloads(found: SideBySide) -> None:
    stem = "runs-" + "-".join(str(run.head.id) for run in found.runs)
    with st.container(horizontal=True, key="experiments_downloads"):
        for label, name, kind, make in (
            (_("Table as CSV"), f"{stem}.csv", "text/csv", to_csv),
            (_("Images as CSV"), f"{stem}-images.csv", "text/csv", images_to_csv),
            (_("All as JSON"), f"{stem}.json", "application/json", to_json),
        ):
            st.download_button(
                label,
                noted(partial(_to_bytes, make, found), "training", name=name),
                file_name=name,
                mime=kind,
                icon=":material/download:",
                on_click="ignore",
                key=f"experiments_{name.rsplit('-', maxsplit=1)[-1] if 'images' in name else kind}",
            )

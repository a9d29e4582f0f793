"""What a finished run found: its figures on test and validation, goals, domains, classes, threshold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.training.configuration.goals import list_goals
from pages.components.images.domains import name_domain
from pages.components.shared.language import _, _n, escape, number
from pages.components.shared.link_table import Cell, Target, show_link_table
from pages.components.shared.screens import TRAIN_MODEL
from pages.components.training.address import IMAGES, ImageFilter, RunLook, query_of
from pages.components.training.confusion import show_confusion
from pages.components.training.precision_recall import show_precision_recall
from pages.components.training.wording import describe_goal, name_figure, read_figure, show_figure

if TYPE_CHECKING:
    from core.training.runs.records import RunView
    from pages.components.comparing.wording import ProductWords


_TABLE_HEIGHT_PX = 420
# The columns of the table of classes, by task.
_CLASS_FIGURES: dict[str, tuple[str, ...]] = {
    "classification": ("precision", "recall", "f1"),
    "segmentation": ("iou", "precision", "recall", "f1"),
    "detection": ("ap50", "ap50_95", "precision", "recall", "f1"),
}
_MOST_SKIPPED = 8
_FIVE = 5


def show_result(run: RunView, words: ProductWords) -> None:
    """Draw everything that was measured; figures of the test stand first."""
    if not run.test:
        st.warning(
            _("There were no test images: these are figures of validation, by which the best epoch was chosen."),
            icon=":material/science:",
        )
    split, figures = ("test", run.test) if run.test else ("val", run.val)
    _show_main(run, split, figures)
    _show_goals(run)
    _show_domains(run, split, figures)
    _show_classes(run, split, figures, words)
    show_confusion(run.head.id, split, figures, words)
    show_precision_recall(figures, words, key="train_pr")
    _show_threshold(run)
    _show_left_out(run, words)


def _show_main(run: RunView, split: str, figures: Mapping[str, Any]) -> None:
    names = [goal for goal in list_goals(run.head.task) if "." not in goal]
    ordered = sorted(names, key=lambda name: name != run.head.figure)
    # Among five classes the first five are all.
    told = [name for name in ordered if name != "top5" or len(figures.get("labels") or ()) > _FIVE]
    there = [name for name in told if read_figure(figures, name) is not None]
    st.markdown(f"**{_('Test figures') if split == 'test' else _('Figures of validation')}**")
    for column, name in zip(st.columns(max(3, len(there))), there, strict=False):
        before = read_figure(run.val, name) if split == "test" else None
        column.metric(name_figure(name), show_figure(figures[name]))
        if before is not None:
            column.caption(_("validation {value}", value=show_figure(before)))
    about = [_n("{count} image", "{count} images", int(read_figure(figures, "n") or 0))]
    for name, text in (
        ("escape", _("{count} defects given the class good")),
        ("overkill", _("{count} good parts given a defect class")),
    ):
        count = read_figure(figures, name)
        if count is not None:
            about.append(text.format(count=number(count)))
    milliseconds = read_figure(run.figures, "ms_per_image")
    if milliseconds:
        about.append(_("{value} ms per image", value=number(milliseconds, 1)))
    st.caption(" · ".join(about))


def _show_goals(run: RunView) -> None:
    if not run.head.goals:
        st.caption(_("No goals were set."))
        return
    st.markdown(f"**{_('Goals')}**")
    for goal in run.head.goals:
        st.markdown(describe_goal(goal))


def _show_domains(run: RunView, split: str, figures: Mapping[str, Any]) -> None:
    """Draw the figures of each domain by itself: real photographs apart from those of the studio."""
    found = {name: own for name, own in dict(figures.get("per_domain") or {}).items() if isinstance(own, Mapping)}
    if not [name for name in found if name]:
        return
    shown = [name for name in (*_main_names(run), "mask_iou") if any(name in own for own in found.values())]
    shown = list(dict.fromkeys(shown))
    st.markdown(f"**{_('By where the images were taken')}**")
    rows = []
    for domain, own in found.items():
        wanted = ImageFilter(split=split, domain=domain)
        first = Cell(name_domain(domain), _target(run.head.id, wanted))
        rows.append(
            [first, Cell(number(read_figure(own, "n") or 0)), *(Cell(show_figure(own.get(name))) for name in shown)]
        )
    columns = [(_("Domain"), ""), (_("Number of images"), "number"), *((name_figure(name), "number") for name in shown)]
    show_link_table(columns, rows, key="train_domains", label=_("Figures by domain"))  # type: ignore[arg-type]


def _main_names(run: RunView) -> list[str]:
    return [goal for goal in list_goals(run.head.task) if "." not in goal]


def _show_classes(run: RunView, split: str, figures: Mapping[str, Any], words: ProductWords) -> None:
    found = {label: own for label, own in dict(figures.get("per_class") or {}).items() if isinstance(own, Mapping)}
    names = [name for name in _CLASS_FIGURES.get(run.head.task, ()) if any(name in own for own in found.values())]
    if not found or not names:
        return
    st.markdown(f"**{_('By class, the weakest first')}**")
    weak = sorted(found, key=lambda label: (_rank(found[label], names), label))
    rows = []
    for label in weak:
        own = found[label]
        first = Cell(words.label(label), _target(run.head.id, ImageFilter(split=split, truth=label)))
        count = int(read_figure(own, "n") or 0)
        cells = [Cell(show_figure(own.get(name)) if count else "–") for name in names]
        rows.append([first, Cell(number(count)), *cells])
    columns = [(_("Class"), ""), (_("Boxes") if run.head.task == "detection" else _("Number of images"), "number")]
    columns += [(_name_class_figure(name), "number") for name in names]
    show_link_table(
        columns,  # type: ignore[arg-type]
        rows, key="train_classes", label=_("Figures by class"), height_px=_TABLE_HEIGHT_PX if len(rows) > 12 else 0,
    )  # fmt: skip


def _rank(own: Mapping[str, Any], names: list[str]) -> float:
    """Return by what classes are ordered: F1 where there is one; those without images come last."""
    if not read_figure(own, "n"):
        return 2.0
    value = read_figure(own, "f1" if "f1" in names else names[0])
    return 1.0 if value is None else value


def _name_class_figure(name: str) -> str:
    known = {
        "precision": _("Precision"), "recall": _("Recall"), "f1": "F1", "iou": "IoU", "ap50": "AP50",
        "ap50_95": "AP50-95",
    }  # fmt: skip
    return known[name]


def _show_threshold(run: RunView) -> None:
    found = run.figures.get("threshold")
    value = read_figure(found, "value") if isinstance(found, Mapping) else None
    if value is None or not isinstance(found, Mapping):
        return
    how = {
        "f1_max": _("chosen for the best F1 on validation"),
        "fixed": _("fixed in the configuration"),
    }.get(str(found.get("method")), "")
    st.markdown(f"**{_('Threshold')}**")
    text = {
        "classification": _("A part is called defective from a probability of {value} on"),
        "segmentation": _("A pixel counts as defective from a probability of {value} on"),
        "detection": _("A box counts from a score of {value} on"),
    }.get(run.head.task, "{value}")
    st.caption(text.format(value=show_figure(value)) + (f" ({how})" if how else ""))
    verdicts = run.figures.get("verdicts")
    if isinstance(verdicts, Mapping):
        counts = {name: int(read_figure(verdicts, name) or 0) for name in ("good", "overkill", "defect", "escape")}
        st.caption(
            _(
                "With it {escape} of {defect} defects would pass (escape), {overkill} of {good} good parts would be "
                "stopped (overkill).",
                **{name: number(count) for name, count in counts.items()},
            )
        )


def _show_left_out(run: RunView, words: ProductWords) -> None:
    left_out = [one for one in run.figures.get("left_out") or () if isinstance(one, Mapping)]
    skipped = run.figures.get("skipped")
    if left_out:
        named = ", ".join(f"{words.label(str(one.get('label', '')))} ({one.get('images', 0)})" for one in left_out)
        told = _("Classes that were left out, with their training images: {classes}", classes=named)
        st.caption(f":material/info: {escape(told)}")
    if isinstance(skipped, Mapping) and skipped:
        keys = ", ".join(str(key).removeprefix("image:") for key in list(skipped)[:_MOST_SKIPPED])
        text = _n("{count} image could not be read", "{count} images could not be read", len(skipped))
        st.caption(f":orange[:material/warning:] {text}: {escape(keys)}")


def _target(run_id: int, wanted: ImageFilter) -> Target:
    return Target(TRAIN_MODEL, query_of(run_id, RunLook(IMAGES, wanted)))

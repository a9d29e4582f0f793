"""The figures of a model version in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.i18n import N_
from pages.components.shared.language import _, number

_FIGURES: tuple[tuple[str, str, int], ...] = (
    ("image_auroc", N_("Image AUROC"), 3),
    ("pixel_auroc", N_("Pixel AUROC"), 3),
    ("aupro", N_("AUPRO"), 3),
    ("top1_type_accuracy", N_("Type found first"), 3),
    ("map_at_10", N_("Retrieval mAP@10"), 3),
    ("overkill", N_("Overkill"), 0),
    ("escape", N_("Escape"), 0),
)
FIGURES_HELP = N_(
    "Image AUROC: how well the score separates normal and defect test images (1 is perfect, 0.5 is chance). "
    "Pixel AUROC and AUPRO: how well the heat map finds the place, where masks exist. "
    "Overkill: good test parts judged NG. Escape: defect test parts judged OK."
)


def figure_title(name: str) -> tuple[str, int] | None:
    """What the figure is called in the run's language and its decimals; None for what is not shown as a figure."""
    return next(((_(title), decimals) for known, title, decimals in _FIGURES if known == name), None)


def find_figure(metrics: Mapping[str, Any], name: str) -> float | None:
    """Return the figure `name`, wherever the nested `metrics` keep it; None where it was not measured."""
    value = metrics.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    for nested in metrics.values():
        if isinstance(nested, Mapping) and (found := find_figure(nested, name)) is not None:
            return found
    return None


def list_figures(metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and value of each figure that was measured, in the run's language."""
    found = ((title, find_figure(metrics, name), decimals) for name, title, decimals in _FIGURES)
    figures = [(_(title), number(value, decimals)) for title, value, decimals in found if value is not None]
    return figures + _side_by_side(metrics)


def _side_by_side(metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the type found first by the whole image and by the defective place alone, where both were measured."""
    retrieval = metrics.get("retrieval", {})
    views = [retrieval.get(view, {}).get("top1_type_accuracy") for view in ("whole", "region")]
    if any(value is None for value in views):
        return []
    return [(_("By whole image / by place"), " / ".join(number(value, 3) for value in views))]


def describe_metrics(metrics: Mapping[str, Any]) -> str:
    """Return the figures on one line."""
    return " · ".join(f"{name} {value}" for name, value in list_figures(metrics))

"""The figures of a model version in words."""

from __future__ import annotations

from core.i18n import N_
from core.models.detection_figures import DetectionSummary
from core.models.figures import IndexFigures, RetrievalFigures, VersionFigures
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
    """Return the figure's name in the run's language and its decimals; None for what is not shown as a figure."""
    return next(((_(title), decimals) for known, title, decimals in _FIGURES if known == name), None)


def list_figures(figures: VersionFigures | DetectionSummary) -> list[tuple[str, str]]:
    """Return name and value of each figure that was measured, in the run's language."""
    measured = figures.by_name()
    found = [(_(title), number(measured[name], decimals)) for name, title, decimals in _FIGURES if name in measured]
    return found + (_side_by_side(figures.retrieval) if isinstance(figures, IndexFigures) else [])


def _side_by_side(retrieval: RetrievalFigures | None) -> list[tuple[str, str]]:
    """Return the type found first by the whole image and by the defective place alone, where both were measured."""
    views = [] if retrieval is None else [retrieval.whole.top1_type_accuracy, retrieval.region.top1_type_accuracy]
    values = [number(value, 3) for value in views if value is not None]
    return [(_("By whole image / by place"), " / ".join(values))] if len(values) == 2 else []


def describe_metrics(figures: VersionFigures | DetectionSummary) -> str:
    """Return the figures on one line."""
    return " · ".join(f"{name} {value}" for name, value in list_figures(figures))

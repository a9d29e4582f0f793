"""Which figures a goal can name, by task, and what each is called."""

from __future__ import annotations

from core.i18n import N_
from core.images.domains import DOMAINS

FIGURE_NAMES: dict[str, str] = {
    "top1": N_("Top-1 accuracy"),
    "top5": N_("Top-5 accuracy"),
    "macro_f1": N_("Macro F1"),
    "miou": N_("Mean IoU"),
    "mask_iou": N_("Mask IoU"),
    "map50": N_("mAP50"),
    "map50_95": N_("mAP50-95"),
}
_BY_TASK: dict[str, tuple[str, ...]] = {
    "classification": ("top1", "top5", "macro_f1"),
    "segmentation": ("miou", "mask_iou"),
    "detection": ("map50", "map50_95"),
}
# Those that are also measured for each domain by itself.
_BY_DOMAIN: dict[str, tuple[str, ...]] = {
    "classification": ("top1", "macro_f1"),
    "segmentation": ("miou", "mask_iou"),
    "detection": ("map50", "map50_95"),
}


def list_goals(task: str) -> tuple[str, ...]:
    """Return the names that goals of a task may have: figures, and those of one domain as `field.top1`."""
    whole = _BY_TASK[task]
    return (*whole, *(f"{domain}.{name}" for domain in DOMAINS for name in _BY_DOMAIN[task]))


def split_goal(goal: str) -> tuple[str, str]:
    """Return the domain and the figure that a goal names; the domain is empty for all images."""
    domain, _dot, name = goal.rpartition(".")
    return domain, name

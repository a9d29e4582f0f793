"""What a model is built from, in words: images by their use, or manuals by their pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.models.figures import ManualFigures
from core.models.kinds import MANUAL_INDEX
from core.models.sources import read_sources
from core.registry.lineage import count_added
from pages.components.shared.language import _, _n

if TYPE_CHECKING:
    from core.catalog.products import ProductSummary
    from core.registry.model_status import ModelState
    from storage.tables import ModelVersion


def source_columns(kind: str, summary: ProductSummary) -> dict[str, Any]:
    """Return the columns of the products' table that say what there is to build from."""
    if kind == MANUAL_INDEX:
        return {_("Manual files"): summary.n_manual, _("Pages"): summary.n_manual_pages}
    return {_("Normal (train)"): summary.n_normal_train, _("Defect (train)"): summary.n_defect_train}


def count_sources(kind: str, count: int) -> str:
    """Return how much a build will go through."""
    if kind == MANUAL_INDEX:
        return _n("{count} page", "{count} pages", count)
    return _n("{count} image", "{count} images", count)


def describe_changes(kind: str, state: ModelState) -> str:
    """Return what came and went since the version in use was built, and whether a version of that waits already."""
    changes = _count_changes(kind, state) if state.active is not None else ""
    waits = ""
    if state.built is not None:
        waits = _("version {number} is built from this, but not in use", number=state.built.number)
    return " · ".join(part for part in (waits, changes) if part)


def _count_changes(kind: str, state: ModelState) -> str:
    added, removed = state.changes.get("added", 0), state.changes.get("removed", 0)
    parts = []
    if kind == MANUAL_INDEX:
        if added:
            parts.append(_n("{count} manual added", "{count} manuals added", added))
        if removed:
            parts.append(_n("{count} manual removed", "{count} manuals removed", removed))
        return ", ".join(parts) or _("another sentence encoder")
    if added:
        parts.append(_n("{count} image added", "{count} images added", added))
    if removed:
        parts.append(_n("{count} image removed", "{count} images removed", removed))
    if confirmed := state.changes.get("confirmed", 0):
        parts.append(_n("{count} inspection confirmed", "{count} inspections confirmed", confirmed))
    if state.changes.get("bank"):
        parts.append(_("another memory bank finds the defective places"))
    return ", ".join(parts) or _("settings or labels changed")


def describe_manuals(figures: ManualFigures) -> str:
    """Return how much an index of manuals holds."""
    return " · ".join(
        (
            _n("{count} manual", "{count} manuals", figures.n_manuals),
            _n("{count} page", "{count} pages", figures.n_pages),
            _n("{count} passage", "{count} passages", figures.n_passages),
        )
    )


def describe_sources(version: ModelVersion) -> str:
    """Return what a version was built from."""
    if version.kind == MANUAL_INDEX:
        return describe_manuals(ManualFigures.from_json(version.metrics))
    n_images = len(read_sources(version.kind, version.sources).image_ids)
    built_from = _n("{count} image", "{count} images", n_images)
    added = count_added(version)
    if added is None:
        return built_from
    return f"{built_from} · " + _n("extended by {count} image", "extended by {count} images", added)

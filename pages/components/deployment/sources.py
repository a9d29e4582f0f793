"""What a model is built from, in words: images by their use, or manuals by their pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from core.images.library import get_images
from core.jobs.outcomes import SetApartImage
from core.models.figures import ManualFigures
from core.models.kinds import MANUAL_INDEX
from core.models.sources import BankSources, read_sources
from core.registry.lineage import count_added
from pages.components.shared.language import _, _n, escape
from pages.components.shared.session import services

if TYPE_CHECKING:
    from core.catalog.products import ProductSummary
    from core.registry.model_status import ModelState
    from storage.tables import ModelVersion

_MOST_NAMED = 12


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
        return ", ".join(parts) or _("another way of reading pages, or another sentence encoder")
    if added:
        parts.append(_n("{count} image added", "{count} images added", added))
    if removed:
        parts.append(_n("{count} image removed", "{count} images removed", removed))
    if kept := state.changes.get("kept", 0):
        parts.append(_n("{count} image kept as good", "{count} images kept as good", kept))
    if confirmed := state.changes.get("confirmed", 0):
        parts.append(_n("{count} inspection confirmed", "{count} inspections confirmed", confirmed))
    if state.changes.get("bank"):
        parts.append(_("another memory bank finds the defective places"))
    return ", ".join(parts) or _("settings or labels changed")


def describe_set_apart(images: Sequence[SetApartImage]) -> str:
    """Return which normal images a build did not learn from, and why."""
    names = ", ".join(escape(PurePath(found.name).stem) for found in images[:_MOST_NAMED])
    return (
        ":orange[:material/flag:] "
        + _n(
            "{count} normal image was set apart: it does not look like the others",
            "{count} normal images were set apart: they do not look like the others",
            len(images),
        )
        + f": {names}"
        + (" …" if len(images) > _MOST_NAMED else "")
    )


def list_set_apart(version: ModelVersion) -> list[SetApartImage]:
    """Return the normal images that a version did not learn from, as far as they are there; the strangest first."""
    sources = read_sources(version.kind, version.sources)
    if not isinstance(sources, BankSources) or not sources.set_apart:
        return []
    rows = get_images(services(), sorted(sources.set_apart))
    found = [SetApartImage(row.stored_name, row.id, sources.set_apart[row.id]) for row in rows]
    return sorted(found, key=lambda image: -image.score)


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

"""From the patches of normal images to the rows of a memory bank, and from a bank and new images to a larger one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from inference.errors import ModelError
from inference.vision.detection.coreset import Coreset, select_coreset
from inference.vision.detection.features.patch_features import PatchFeatures, PatchGroup
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.projection import Projection, fit_projection

BankFeatures = PatchFeatures[PatchCoreConfig]
Report = Callable[[int, int], None]
# How many rows an extended bank may have, of those that a bank of the same images has that is built whole.
_MOST_ROWS_SHARE = 1.25


@dataclass(frozen=True)
class BuildFigures:
    """How the bank came to be: `radius` is the coreset's, `radius_bound` includes what merging may have lost.

    Both are distances in the bank's own, projected space.
    """

    image_count: int
    patch_count: int
    bank_size: int
    radius: float
    radius_bound: float
    merged: bool


@dataclass(frozen=True)
class BuiltBank:
    """`rows` float32 (M, k) in the projected space, with the image (`owners`) and the cell of the grid of each.

    `color_scale` (3,) is that of the patches' color, where it counts.
    """

    rows: np.ndarray
    owners: np.ndarray
    cells: np.ndarray
    projection: Projection | None
    color_scale: np.ndarray | None
    figures: BuildFigures


def project_groups(features: BankFeatures) -> tuple[Projection | None, list[np.ndarray]]:
    """Return the projection that belongs to these images, and the rows of each group in it: the same every time."""
    projection = None
    if features.config.projected_share is not None:
        projection = fit_projection([group.rows for group in features.groups], share=features.config.projected_share)
    return projection, [_project(group, projection) for group in features.groups]


def count_rows(patch_count: int, config: PatchCoreConfig) -> int:
    """Return how many rows the bank of so many patches has."""
    return min(max(int(patch_count * config.coreset_ratio), config.min_bank_size), config.max_bank_size)


def build_bank(features: BankFeatures, *, report: Report) -> BuiltBank:
    """Return the bank of these features. Groups' coresets are merged into one. Raises ModelError(`out_of_memory`)."""
    try:
        projection, parts = project_groups(features)
        rows = parts[0] if len(parts) == 1 else np.concatenate(parts)
        chosen = _choose(rows, features.patch_count, features.config, report)
        owners = np.concatenate([group.owners for group in features.groups])[chosen.indices]
        cells = np.concatenate([group.cells for group in features.groups])[chosen.indices]
        bank_rows = rows[chosen.indices]
    except MemoryError as error:
        raise ModelError("out_of_memory") from error
    figures = BuildFigures(
        image_count=len(features.keys),
        patch_count=features.patch_count,
        bank_size=len(bank_rows),
        radius=chosen.radius,
        radius_bound=chosen.radius + max(group.radius for group in features.groups),
        merged=features.reduced,
    )
    return BuiltBank(
        rows=bank_rows,
        owners=owners,
        cells=cells,
        projection=projection,
        color_scale=features.color_scale,
        figures=figures,
    )


def extend_bank(old: BuiltBank, features: BankFeatures, *, report: Report) -> BuiltBank:
    """Return a bank of all the old rows and of as many patches of new images as it takes to be as close to those.

    New images follow the old ones in number. Every old row stays, so no old patch is farther from the bank than it
    was; new patches are added, the farthest first, until none is farther than the old bank's radius. An extended bank
    has at most a quarter more rows than one that is built whole: where that does not do, `radius_bound` has grown.
    Raises ModelError(`out_of_memory`).
    """
    before = old.figures
    patch_count = before.patch_count + features.patch_count
    most_rows = int(count_rows(patch_count, features.config) * _MOST_ROWS_SHARE)
    try:
        rows = np.concatenate([old.rows, *(_project(group, old.projection) for group in features.groups)])
        report(0, 1)
        chosen = select_coreset(
            rows,
            count=most_rows,
            seed=features.config.seed,
            kept=len(old.rows),
            within=before.radius,
            progress=report,
        )
        new_owners = [group.owners + before.image_count for group in features.groups]
        owners = np.concatenate([old.owners, *new_owners])[chosen.indices]
        cells = np.concatenate([old.cells, *(group.cells for group in features.groups)])[chosen.indices]
        bank_rows = rows[chosen.indices]
    except MemoryError as error:
        raise ModelError("out_of_memory") from error
    figures = BuildFigures(
        image_count=before.image_count + len(features.keys),
        patch_count=patch_count,
        bank_size=len(bank_rows),
        radius=max(before.radius, chosen.radius),
        radius_bound=max(before.radius_bound, chosen.radius + max(group.radius for group in features.groups)),
        merged=before.merged or features.reduced,
    )
    return BuiltBank(
        rows=bank_rows,
        owners=owners,
        cells=cells,
        projection=old.projection,
        color_scale=old.color_scale,
        figures=figures,
    )


def _project(group: PatchGroup, projection: Projection | None) -> np.ndarray:
    return group.rows if projection is None else projection.apply_rows(group.rows)


def _choose(rows: np.ndarray, patch_count: int, config: PatchCoreConfig, report: Report) -> Coreset:
    report(0, 1)
    return select_coreset(rows, count=count_rows(patch_count, config), seed=config.seed, progress=report)

"""What changed between two versions of one product: images, preprocessing, model, thresholds, figures."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlmodel import Session, col, select

from core.errors import Conflict, NotFound
from core.models.detection_figures import BankFigures
from core.models.figures import VersionFigures, read_figures
from core.models.kinds import MEMORY_BANK
from core.models.sources import BankSources, read_sources
from core.registry.lineage import count_added, extends
from core.registry.versions import current_threshold
from core.transactions import HasDatabase, reading
from storage.tables import AuditLog, Image, ModelVersion, ThresholdSetting

if TYPE_CHECKING:
    from inference.vision.images.preprocessing import Preprocessing

# Databases limit how many values one IN may have.
_AT_ONCE = 500
FIGURES = (
    "image_auroc", "pixel_auroc", "aupro", "overkill", "escape", "n_normal", "n_defect", "bank_size", "channel_count",
    "n_images",
)  # fmt: skip


@dataclass(frozen=True)
class ChangedImage:
    """An image that one of the two versions was not built from, or that was labeled anew between them.

    `image` is None once it was deleted; the name then comes from the audit log.
    """

    image_id: int
    name: str
    image: Image | None


@dataclass(frozen=True)
class ChangedValue:
    """`before` and `after` of what goes by `name`; None where a version does not say."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class VersionChanges:
    """From `older` to `newer`. `preprocessing` is None where it is the same, `thresholds` where there are none.

    `was_measured` is whether either was measured on test images. `extended_by` images is how `newer` came to be from
    the memory bank of `older`; None where it did not.
    """

    older: ModelVersion
    newer: ModelVersion
    added: tuple[ChangedImage, ...]
    removed: tuple[ChangedImage, ...]
    relabeled: tuple[ChangedImage, ...]
    preprocessing: tuple[Preprocessing, Preprocessing] | None
    model: tuple[ChangedValue, ...]
    thresholds: tuple[ThresholdSetting, ThresholdSetting] | None
    figures: tuple[ChangedValue, ...]
    was_measured: bool
    same_test_images: bool
    extended_by: int | None = None

    @property
    def nothing_else(self) -> bool:
        """Return whether both were built from the same images in the same way."""
        return not (self.added or self.removed or self.relabeled or self.preprocessing or self.model)


def compare_versions(services: HasDatabase, version_id: int, other_id: int) -> VersionChanges:
    """Return what changed from the older to the newer of two versions, in whichever order they are given.

    Raises NotFound, and Conflict `versions_not_comparable` for versions of different products, kinds or parts.
    """
    from inference.vision.images.preprocessing import Preprocessing

    with reading(services) as session:
        found = [session.get(ModelVersion, wanted) for wanted in sorted((version_id, other_id))]
        older, newer = found
        if older is None or newer is None:
            raise NotFound("not_found")
        if (older.kind, older.scope) != (newer.kind, newer.scope) or older.id == newer.id:
            raise Conflict("versions_not_comparable")
        before, after = (read_sources(one.kind, one.sources).used_image_ids for one in (older, newer))
        earlier, later = (Preprocessing.from_dict(version.preprocessing) for version in (older, newer))
        bank = older.kind == MEMORY_BANK
        figures = [read_figures(one.kind, one.metrics) for one in (older, newer)]
        early, late = (found.by_name() for found in figures)
        test_images = [_test_fingerprint(found) for found in figures]
        return VersionChanges(
            older=older,
            newer=newer,
            added=_name_images(session, after - before),
            removed=_name_images(session, before - after),
            relabeled=_name_images(session, _relabeled_between(session, older, newer) & before & after),
            preprocessing=(earlier, later) if bank and earlier != later else None,
            model=_differences(_model(older), _model(newer)),
            thresholds=_thresholds(session, older, newer) if bank else None,
            figures=tuple(
                ChangedValue(name, early.get(name), late.get(name)) for name in FIGURES if name in early or name in late
            ),
            was_measured=test_images != [None, None],
            same_test_images=test_images[0] == test_images[1],
            extended_by=count_added(newer) if extends(newer, older) else None,
        )


def _test_fingerprint(figures: VersionFigures) -> str | None:
    if not isinstance(figures, BankFigures) or figures.detection is None:
        return None
    return figures.detection.test_fingerprint


def _model(version: ModelVersion) -> dict[str, Any]:
    return {"model": version.model_name, **BankSources.from_json(version.sources).options}


def _differences(before: dict[str, Any], after: dict[str, Any]) -> tuple[ChangedValue, ...]:
    return tuple(
        ChangedValue(name, before.get(name), after.get(name))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    )


def _thresholds(
    session: Session, older: ModelVersion, newer: ModelVersion
) -> tuple[ThresholdSetting, ThresholdSetting] | None:
    try:
        return current_threshold(session, older.id), current_threshold(session, newer.id)
    except NotFound:
        return None


def _relabeled_between(session: Session, older: ModelVersion, newer: ModelVersion) -> set[int]:
    rows = session.exec(
        select(AuditLog.subject_id).where(
            AuditLog.subject_type == "image",
            AuditLog.action == "image.relabelled",
            AuditLog.created_at > older.created_at,
            AuditLog.created_at <= newer.created_at,
        )
    ).all()
    return {image_id for image_id in rows if image_id is not None}


def _name_images(session: Session, image_ids: AbstractSet[int]) -> tuple[ChangedImage, ...]:
    wanted = sorted(image_ids)
    rows: dict[int, Image] = {}
    names: dict[int, str] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        rows |= {row.id: row for row in session.exec(select(Image).where(col(Image.id).in_(some))).all()}
        gone = [image_id for image_id in some if image_id not in rows]
        deleted = session.exec(
            select(AuditLog).where(
                AuditLog.subject_type == "image",
                AuditLog.action == "image.deleted",
                col(AuditLog.subject_id).in_(gone),
            )
        ).all()
        names |= {row.subject_id or 0: str(row.details.get("name", "")) for row in deleted}
    return tuple(
        ChangedImage(image_id, rows[image_id].stored_name, rows[image_id])
        if image_id in rows
        else ChangedImage(image_id, names.get(image_id) or f"#{image_id}", None)
        for image_id in wanted
    )

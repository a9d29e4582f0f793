"""Refusing a change of an image that somebody else changed since it was looked at, and saying who did what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session, col, select

from core.audit import read_changes_since
from core.catalog.names import name_defect
from core.errors import Conflict
from core.i18n import LANGUAGES, N_, translate
from core.images.domains import DOMAIN_NAMES
from core.images.library import get_image_row
from core.transactions import HasDatabase, reading
from storage.tables import AuditLog, DefectType, Image, utc_now

_FIELDS: dict[str, str] = {
    "label": N_("what it shows"),
    "split": N_("use"),
    "view": N_("view"),
    "domain": N_("where taken"),
    "part": N_("part"),
    "mask": N_("mask"),
    "regions": N_("marked regions"),
    "outlier_state": N_("decision"),
}
# A part or a view may be called "test": only codes are put into words.
_VALUES: dict[str, dict[str, str]] = {
    "label": {"normal": N_("Normal"), "defect": N_("Defect")},
    "split": {"train": N_("Training"), "val": N_("Validation"), "test": N_("Test")},
    "domain": DOMAIN_NAMES,
    "mask": {"set": N_("set"), "removed": N_("removed")},
    "outlier_state": {"suspected": N_("Set apart"), "kept": N_("kept as good")},
}
_NONE = N_("none")


def mark_changed(image: Image) -> None:
    """Let the row tell that it is not as it was read before."""
    image.row_version += 1
    image.updated_at = utc_now()


def check_unchanged(session: Session, images: Sequence[Image], row_versions: Mapping[int, int] | None) -> None:
    """Refuse to go on where an image is not as a person saw it: `row_versions` by image id; None refuses nothing.

    Raises Conflict image_changed.
    """
    for image in images:
        seen = image.row_version if row_versions is None else row_versions.get(image.id, image.row_version)
        if seen != image.row_version:
            raise tell_changed(session, image, seen)


def require_unchanged(services: HasDatabase, image_id: int, row_version: int) -> None:
    """Refuse to go on where the image is not as a person saw it. Raises NotFound; Conflict image_changed."""
    with reading(services) as session:
        check_unchanged(session, [get_image_row(session, image_id)], {image_id: row_version})


def tell_changed(session: Session, image: Image, row_version: int) -> Conflict:
    """Return the Conflict for a change of an image that was seen as `row_version`: who changed it since, and what."""
    who, first, last = read_changes_since(
        session, subject_type="image", subject_id=image.id, row_version=row_version, changes_of=_changes
    )
    if not last:
        return Conflict("image_changed", name=image.stored_name)
    types = _read_types(session, [*first.values(), *last.values()])

    def say(language: str) -> str:
        changes = [
            f"{translate(language, _FIELDS[name])} "
            f"{_say(name, first[name], types, language)} → {_say(name, new, types, language)}"
            for name, new in last.items()
        ]
        return ", ".join(changes)

    return Conflict(
        "image_changed",
        reason="told",
        name=image.stored_name,
        who=who,
        changes={language: say(language) for language in LANGUAGES},
    )


def _changes(row: AuditLog) -> dict[str, tuple[Any, Any]]:
    """Return what a row of the audit log says that changed: {field: (old, new)}; a type of defect is an int."""
    details = row.details
    changes: dict[str, Any] = dict(details.get("changes", {}))
    found: dict[str, tuple[Any, Any]] = {
        name: (changes[name][0] or "", changes[name][1] or "") for name in _FIELDS if name in changes
    }
    if "image_type" in changes or "defect_type_id" in changes:
        kinds, types = changes.get("image_type", ("defect", "defect")), changes.get("defect_type_id", (None, None))
        found["label"] = (types[0] or kinds[0], types[1] or kinds[1])
    if row.action == "image.mask_set":
        found["mask"] = ("", "removed" if details.get("removed") else "set")
    if row.action == "image.regions_saved":
        old, new = details.get("regions", (0, 0))
        found["regions"] = (str(old), str(new))
        type_before, type_after = details.get("defect_type_id", (None, None))
        if type_before != type_after:
            found["label"] = (type_before or "normal", type_after or "normal")
    return found


def _read_types(session: Session, values: Sequence[Any]) -> dict[int, DefectType]:
    ids = sorted({value for value in values if isinstance(value, int)})
    if not ids:
        return {}
    return {row.id: row for row in session.exec(select(DefectType).where(col(DefectType.id).in_(ids))).all()}


def _say(field: str, value: Any, types: Mapping[int, DefectType], language: str) -> str:
    if isinstance(value, int):
        return f"“{name_defect(types[value], language)}”" if value in types else f"“{value}”"
    word = _VALUES.get(field, {}).get(value, "") if value else _NONE
    return f"“{translate(language, word) if word else value}”"

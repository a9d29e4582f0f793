"""What is done to many chosen images at once, as a value: new label, split, view, domain or part, or the trash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from core.access import ENGINEER, require_role
from core.errors import BadInput
from core.images.edits import delete_images, relabel_images
from core.images.exposures.edits import assign_part

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

# So many are changed within about two seconds, while the person waits; more are a job. Where the label changes, each
# image's file is copied.
AT_ONCE, AT_ONCE_WITH_FILES = 1000, 200
# As many as one selection may hold.
MOST_CHOSEN = 100_000
DELETE = "delete"
RELABEL = "relabel"
PART = "part"


@dataclass(frozen=True)
class ImageChange:
    """One change: `action` is `RELABEL` (what is None stays), `PART` (with the name) or `DELETE`."""

    action: str
    image_type: str | None = None
    defect_type_id: int | None = None
    split: str | None = None
    view: str | None = None
    part: str | None = None
    domain: str | None = None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ImageChange:
        """Return the change that a job was asked for."""
        known = {one.name for one in fields(cls)}
        return cls(**{name: found for name, found in value.items() if name in known})

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


def needs_job(change: ImageChange, count: int) -> bool:
    """Return whether so many images take longer than a person should wait at a click."""
    return count > (AT_ONCE_WITH_FILES if change.image_type is not None else AT_ONCE)


def apply_change(services: Services, person: Person, change: ImageChange, row_versions: Mapping[int, int]) -> int:
    """Change these images (row version as it was seen, by id), all or none; return how many changed.

    Raises as `relabel_images`, `delete_images` and `assign_part`.
    """
    require_role(services, person, ENGINEER)
    ids = list(row_versions)
    if change.action == DELETE:
        return delete_images(services, person, ids, row_versions=row_versions)
    if change.action == PART:
        return assign_part(services, person, ids, change.part or "", row_versions=row_versions)
    if change.action != RELABEL:
        raise BadInput("image_change_unknown")
    return relabel_images(
        services,
        person,
        ids,
        image_type=change.image_type,
        defect_type_id=change.defect_type_id,
        split=change.split,
        view=change.view,
        domain=change.domain,
        row_versions=row_versions,
    )

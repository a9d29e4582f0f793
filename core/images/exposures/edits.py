"""Saying which part chosen images show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from core.access import ENGINEER, require_role
from core.audit import record
from core.errors import BadInput, NotFound
from core.images.edits import get_images
from core.images.parts import PERSON, SIMILAR, clean_part
from core.images.row_versions.checking import check_unchanged, mark_changed
from core.transactions import reading, writing

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services


def assign_part(
    services: Services,
    person: Person,
    image_ids: Sequence[int],
    part: str,
    *,
    source: str = PERSON,
    row_versions: Mapping[int, int] | None = None,
) -> int:
    """Say that these images show this part; an empty name: each is a part of its own. Returns how many changed.

    `row_versions` are those of the images as the person saw them. Raises BadInput part_too_long, no_images_chosen;
    NotFound where none is there any more; Conflict image_changed.
    """
    return assign_parts(services, person, [(part, image_ids)], source=source, row_versions=row_versions)


def accept_groups(
    services: Services,
    person: Person,
    groups: Sequence[Sequence[int]],
    *,
    row_versions: Mapping[int, int] | None = None,
) -> int:
    """Make one part of each group of images that were found to be alike; returns how many images changed.

    A part that one of its images has already takes in the others; else it is named by the number of its first image,
    which no other part has. Raises as `assign_part`.
    """
    with reading(services) as session:
        named = []
        for ids in groups:
            known = sorted(image.part for image in get_images(session, ids) if image.part)
            named.append((known[0] if known else f"≈{min(ids)}", ids))
    return assign_parts(services, person, named, source=SIMILAR, row_versions=row_versions)


def assign_parts(
    services: Services,
    person: Person,
    parts: Sequence[tuple[str, Sequence[int]]],
    *,
    source: str = PERSON,
    row_versions: Mapping[int, int] | None = None,
) -> int:
    """Do as `assign_part`, for several parts at once: all of them, or none."""
    require_role(services, person, ENGINEER)
    cleaned = [(clean_part(part), ids) for part, ids in parts]
    if not any(ids for _part, ids in cleaned):
        raise BadInput("no_images_chosen")
    changed = found = 0
    with writing(services) as session:
        for part, ids in cleaned:
            images = get_images(session, ids)
            check_unchanged(session, images, row_versions)
            for image in images:
                found += 1
                if (image.part, image.part_source) == (part, source):
                    continue
                record(
                    session,
                    person,
                    "image.part",
                    "image",
                    image.id,
                    name=image.stored_name,
                    row_version=image.row_version + 1,
                    changes={"part": [image.part, part], "part_source": [image.part_source, source]},
                )
                image.part, image.part_source = part, source
                mark_changed(image)
                changed += 1
        if not found:
            raise NotFound("not_found")  # all were deleted since they were chosen
        session.commit()
    return changed

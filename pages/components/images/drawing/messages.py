"""The messages of the editor, each answered: regions saved, a box tightened, the model asked. Values in, values out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.errors import AppError, BadInput, from_lower
from core.images.library import get_image
from core.images.regions.checks import read_region
from core.images.regions.records import MASK, POLYGON, Region
from core.images.regions.saving import ImageRegions, list_regions, save_regions
from core.images.regions.tightening import tighten_box
from core.images.row_versions.checking import require_unchanged
from core.inspections.model_regions import offer_regions
from pages.components.shared.language import _, _n, language, score

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

Message = Mapping[str, Any]


def answer(services: Services, person: Person, message: Message) -> dict[str, Any]:
    """Do what a message of the editor asks for; return what is sent back: an error as a sentence and its code."""
    try:
        if message.get("kind") == "save":
            return save(services, person, message)
        if message.get("kind") == "tighten":
            return tighten(services, person, message)
        if message.get("kind") == "offer":
            return offer(services, person, message)
    except AppError as error:
        return {"error": error.sentence(language()), "code": error.code}
    except Exception as error:  # noqa: BLE001 - whatever a browser sends, what was drawn stays and a sentence is said
        return {"error": from_lower(error).sentence(language()), "code": "unexpected"}
    return {}


def save(services: Services, person: Person, message: Message) -> dict[str, Any]:
    """Save what was drawn, and return the new row version. Raises as `save_regions`."""
    image_id, row_version = int(message["image_id"]), int(message["row_version"])
    require_unchanged(services, image_id, row_version)
    stored = list_regions(services, image_id)
    own_type_id = message.get("own_type_id")
    saved = save_regions(
        services,
        person,
        image_id,
        read_regions(message["regions"], stored),
        row_version=row_version,
        own_type_id=None if own_type_id is None else int(own_type_id),
        make_defect=message.get("make_defect") is True,
    )
    return {"row_version": saved.image.row_version}


def read_regions(values: Any, stored: ImageRegions) -> list[Region]:
    """Return the regions of a message; one that is only numbered is the stored one, maybe of another type."""
    if not isinstance(values, list):
        raise BadInput("region_unreadable", number=1)
    regions = []
    for number, value in enumerate(values, start=1):
        kept = value.get("kept") if isinstance(value, Mapping) else None
        if isinstance(kept, int) and 0 <= kept < len(stored.regions):
            regions.append(replace(stored.regions[kept], defect_type_id=value.get("defect_type_id")))
        else:
            size = {"width_px": stored.image.width_px, "height_px": stored.image.height_px}
            regions.append(read_region(value, number=number, **size))
    return regions


def tighten(services: Services, person: Person, message: Message) -> dict[str, Any]:
    """Return the outline of what stands out inside the box."""
    image = get_image(services, int(message["image_id"]))
    box = read_region(message["box"], number=1, width_px=image.width_px, height_px=image.height_px)
    return {"region": write_region(tighten_box(services, person, image.id, box))}


def offer(services: Services, person: Person, message: Message) -> dict[str, Any]:
    """Return the regions that the model in use finds, and a sentence about them."""
    found = offer_regions(services, person, int(message["image_id"]))
    offers = [{**write_region(one.region), "score": score(one.score)} for one in found.regions]
    figures = {"score": score(found.score), "threshold": score(found.review_at), "version": found.version_number}
    if offers:
        note = _n(
            "Model v{version} finds {count} region.", "Model v{version} finds {count} regions.", len(offers), **figures
        )
    else:
        note = _(
            "Model v{version} finds nothing to mark: the score {score} is below the threshold {threshold}.", **figures
        )
    return {"offers": offers, "note": note}


def write_region(region: Region) -> dict[str, Any]:
    """Return the region as the editor reads it."""
    value: dict[str, Any] = {
        "shape": region.shape,
        "x": region.x,
        "y": region.y,
        "width": region.width,
        "height": region.height,
        "defect_type_id": region.defect_type_id,
        "origin": region.origin,
    }
    if region.shape == POLYGON:
        value["points"] = [list(point) for point in region.points]
    if region.shape == MASK:
        value["counts"] = list(region.counts)
    return value

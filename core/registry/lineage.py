"""From which other version one was made: a bank that extends another, an index whose places another bank found."""

from __future__ import annotations

from typing import Any

from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.registry.versions import active_version
from core.services import Services
from core.transactions import reading
from storage.tables import ModelVersion

# Under which key of a version's sources it is kept how its bank grew.
GROWTH = "growth"


def note_bank(part: str, bank: ModelVersion | None) -> dict[str, Any]:
    """What the sources of an index say of the memory bank that found its defective places; nothing for other parts."""
    return {"bank_version_id": bank.id} if part == "region" and bank is not None else {}


def cut_by_another_bank(index: ModelVersion, bank: ModelVersion | None) -> bool:
    """Return whether the defective places of this index were found by another memory bank than the one in use."""
    found_by = index.sources.get("bank_version_id")
    return found_by is not None and bank is not None and found_by != bank.id


def regions_stale(services: Services, product_id: int) -> bool:
    """Return whether the product's index of defective places was made with another memory bank than the one in use."""
    with reading(services) as session:
        region = active_version(session, SIMILARITY_INDEX, product_id, "region")
        bank = active_version(session, MEMORY_BANK, product_id)
    return region is not None and cut_by_another_bank(region, bank)


def count_added(version: ModelVersion) -> int | None:
    """Return by how many images this version extended another; None for one that was built whole."""
    growth = version.sources.get(GROWTH) or {}
    return int(growth["n_added"]) if "n_added" in growth else None


def extends(newer: ModelVersion, older: ModelVersion) -> bool:
    """Return whether the bank of `newer` is that of `older` with more images in it."""
    return newer.scope == older.scope and (newer.sources.get(GROWTH) or {}).get("extends") == older.number

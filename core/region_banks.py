"""Which memory bank found the defective places that a similarity index holds."""

from __future__ import annotations

from typing import Any

from core.model_kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.services import Services
from core.transactions import reading
from core.versions import active_version
from storage.tables import ModelVersion


def note_bank(part: str, bank: ModelVersion | None) -> dict[str, Any]:
    """What the sources of an index say of the memory bank that found its defective places; nothing for other parts."""
    return {"bank_version_id": bank.id} if part == "region" and bank is not None else {}


def cut_by_another_bank(index: ModelVersion, bank: ModelVersion | None) -> bool:
    """Whether the defective places of this index were found by another memory bank than the one in use."""
    found_by = index.sources.get("bank_version_id")
    return found_by is not None and bank is not None and found_by != bank.id


def regions_stale(services: Services, product_id: int) -> bool:
    """Whether the product's index of defective places was made with another memory bank than the one in use."""
    with reading(services) as session:
        region = active_version(session, SIMILARITY_INDEX, product_id, "region")
        bank = active_version(session, MEMORY_BANK, product_id)
    return region is not None and cut_by_another_bank(region, bank)

"""From which other version one was made: a bank that extends another, an index whose places another bank found."""

from __future__ import annotations

from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.models.sources import BankSources, IndexSources
from core.registry.versions import active_version
from core.transactions import HasDatabase, reading
from storage.tables import ModelVersion


def cut_by_another_bank(index: ModelVersion, bank: ModelVersion | None) -> bool:
    """Return whether the defective places of this index were found by another memory bank than the one in use."""
    found_by = IndexSources.from_json(index.sources).bank_version_id
    return found_by is not None and bank is not None and found_by != bank.id


def regions_stale(services: HasDatabase, product_id: int, view: str = "") -> bool:
    """Return whether the index of defective places was made with another memory bank than the one in use."""
    with reading(services) as session:
        region = active_version(session, SIMILARITY_INDEX, product_id, "region", view)
        bank = active_version(session, MEMORY_BANK, product_id, view=view)
    return region is not None and cut_by_another_bank(region, bank)


def count_added(version: ModelVersion) -> int | None:
    """Return by how many images this version extended another; None for one that was built whole."""
    growth = BankSources.from_json(version.sources).growth
    return growth.n_added if growth is not None else None


def extends(newer: ModelVersion, older: ModelVersion) -> bool:
    """Return whether the bank of `newer` is that of `older` with more images in it."""
    growth = BankSources.from_json(newer.sources).growth
    return newer.scope == older.scope and growth is not None and growth.extends == older.number

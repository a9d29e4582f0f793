"""New thresholds count in processes that run already, from the next image on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from core.accounts.people import open_person
from core.inspections.batch import inspect_many
from core.inspections.loading import PartFile
from core.inspections.part_details import PartDetails
from core.models.kinds import MEMORY_BANK
from core.registry.thresholds import find_threshold, save_thresholds
from core.registry.versions import list_versions
from core.services import Services, build_services
from core.transactions import reading
from storage.tables import Inspection
from tests.plates import encode, plate, seed_of
from tests.ways import WAYS


def _set(folder_of: Services, review_at: float) -> int:
    """Put other thresholds in force as another process does, over services of its own; return their id."""
    other = build_services(folder_of.settings)
    try:
        version_id = list_versions(other, MEMORY_BANK, 1)[0].id
        seen = find_threshold(other, version_id)
        engineer = open_person(other, "engineer")
        return save_thresholds(other, engineer, version_id, review_at, 60.0, reason="stricter", seen_id=seen.id).id
    finally:
        other.database.dispose()


def _images(names: str) -> dict[str, bytes]:
    return {f"{name}.png": encode(plate(seed_of("test", "good", 60 + place))) for place, name in enumerate(names)}


# The command line is a process of its own each time.
@pytest.mark.parametrize("way", [way for way in WAYS if way != "command"])
def test_every_running_way_takes_new_thresholds(toy_services: Services, tmp_path: Path, way: str) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    for folder in (before, after):
        folder.mkdir()
    WAYS[way](toy_services, _images("ab"), before)
    _set(toy_services, 1.0)
    WAYS[way](toy_services, _images("cd"), after)
    with reading(toy_services) as session:
        told = {row.original_name: (row.review_at, row.verdict) for row in session.exec(select(Inspection)).all()}
    assert told == {
        "a.png": (30.0, "ok"),
        "b.png": (30.0, "ok"),
        "c.png": (1.0, "review"),
        "d.png": (1.0, "review"),
    }


def test_a_batch_takes_new_thresholds_midway(toy_services: Services) -> None:
    data = encode(plate(seed_of("test", "good", 61)))
    count, change_at = 160, 100

    def files() -> Iterator[PartFile]:
        for number in range(count):
            if number == change_at:
                _set(toy_services, 1.0)
            yield PartFile(f"{number}.png", lambda: data, PartDetails(source="batch"))

    person = open_person(toy_services, "worker")
    records = [one.record for one in inspect_many(toy_services, person, product_id=1, files=files())]
    limits = [record.review_at for record in records if record is not None]
    assert len(limits) == count
    assert limits[0] == 30.0
    assert limits[-1] == 1.0
    # Once, and not back: whatever was judged keeps what it was judged by.
    assert limits == sorted(limits, reverse=True)

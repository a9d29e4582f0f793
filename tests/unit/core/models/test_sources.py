"""What a version's row says of its sources: rows of every release are read, and the keys stay the same."""

from __future__ import annotations

from typing import Any

import pytest

from core.models.kinds import KINDS, MANUAL_INDEX, MEMORY_BANK, SIMILARITY_INDEX
from core.models.sources import BankGrowth, BankSources, IndexSources, ManualSources, read_sources

GROWTH: dict[str, Any] = {
    "revision": 2,
    "normals_sha256": "5fb15a49",
    "normal_scores": {"image:1": 18.0778751373291, "image:6": 18.89466094970703},
    "n_whole": 2,
    "n_since_whole": 1,
    "whole_radius": 19.288504004166576,
    "extends": 4,
    "n_added": 1,
}
# As rows hold them that this and earlier versions of the program wrote.
STORED: list[tuple[str, dict[str, Any]]] = [
    (
        MEMORY_BANK,
        {
            "image_ids": {"normal": [1, 2, 6], "defect": [201], "defect_unused": [202]},
            "options": {"max_bank_size": 2048},
            "growth": GROWTH,
        },
    ),
    (MEMORY_BANK, {"image_ids": {"normal": [1], "defect": [], "defect_unused": []}, "options": {}}),
    (SIMILARITY_INDEX, {"image_ids": {"normal": [1, 2]}, "inspection_ids": []}),
    (SIMILARITY_INDEX, {"image_ids": {"region": [201]}, "inspection_ids": [7], "bank_version_id": 1}),
    (MANUAL_INDEX, {"manual_ids": [1, 2], "unread_manual_ids": [3], "encoder": "carried"}),
    (
        MEMORY_BANK,
        {
            "image_ids": {"normal": [1, 2], "defect": [], "defect_unused": []},
            "options": {},
            "set_apart": {"2": 41.5, "7": 39.25},
            "set_apart_at": 33.5,
        },
    ),
]


@pytest.mark.parametrize(("kind", "stored"), STORED)
def test_sources_are_written_as_they_were_read(kind: str, stored: dict[str, Any]) -> None:
    assert read_sources(kind, stored).to_json() == stored


def test_a_bank_tells_its_images_by_their_use_and_how_it_grew() -> None:
    found = BankSources.from_json(STORED[0][1])
    assert (found.normal_ids, found.defect_ids, found.unused_defect_ids) == ((1, 2, 6), (201,), (202,))
    assert found.used_image_ids == {1, 2, 6, 201}
    assert found.image_ids == {1, 2, 6, 201, 202}
    assert found.options == {"max_bank_size": 2048}
    assert found.growth == BankGrowth(
        revision=2,
        normals_sha256="5fb15a49",
        normal_scores={"image:1": 18.0778751373291, "image:6": 18.89466094970703},
        n_whole=2,
        n_since_whole=1,
        whole_radius=19.288504004166576,
        extends=4,
        n_added=1,
    )


def test_an_index_tells_its_part_and_the_bank_that_found_its_places() -> None:
    found = IndexSources.from_json(STORED[3][1])
    assert found == IndexSources("region", (201,), (7,), 1)
    assert found.used_image_ids == found.image_ids == {201}


def test_a_manual_index_names_no_image() -> None:
    found = ManualSources.from_json(STORED[4][1])
    assert (found.manual_ids, found.unread_manual_ids, found.encoder) == ((1, 2), (3,), "carried")
    assert found.image_ids == frozenset()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stored", [{}, {"later": 1}, {"image_ids": None}, {"image_ids": "1, 2"}, [], None])
def test_what_is_absent_or_damaged_has_its_default(kind: str, stored: object) -> None:
    found = read_sources(kind, stored)
    assert found.image_ids == frozenset()
    if isinstance(found, BankSources):
        assert (found.options, found.growth) == ({}, None)


def test_ids_that_are_no_numbers_are_left_out() -> None:
    stored = {"image_ids": {"normal": [1, "2", None, True, 4.0, 5], "defect": 7}}
    assert BankSources.from_json(stored).used_image_ids == {1, 5}


@pytest.mark.parametrize("name", ["revision", "normals_sha256", "n_whole", "n_since_whole", "whole_radius"])
@pytest.mark.parametrize("value", [None, [], {}])
def test_a_bank_whose_growth_cannot_be_read_is_one_that_cannot_be_extended(name: str, value: object) -> None:
    assert BankGrowth.from_json({**GROWTH, name: value}) is None
    assert BankGrowth.from_json({key: found for key, found in GROWTH.items() if key != name}) is None


def test_a_bank_that_was_built_whole_extends_none() -> None:
    stored = {key: found for key, found in GROWTH.items() if key not in ("extends", "n_added")}
    found = BankGrowth.from_json(stored)
    assert found is not None
    assert (found.extends, found.n_added) == (None, None)
    assert found.to_json() == stored


def test_a_bank_did_not_learn_from_the_images_that_were_set_apart() -> None:
    found = BankSources(normal_ids=(1, 2), set_apart={2: 41.5, 7: 39.25}, set_apart_at=33.5)
    assert found.used_image_ids == {1}
    assert found.image_ids == {1, 2, 7}
    assert BankSources.from_json(found.to_json()) == found


def test_a_bank_of_before_set_nothing_apart() -> None:
    found = BankSources.from_json({"image_ids": {"normal": [1]}, "set_apart": {"x": 1.0, "3": "high"}})
    assert (dict(found.set_apart), found.set_apart_at) == ({}, None)

"""The same image gives the same verdict, score, regions and type, whichever way it takes: 200 images on each way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from core.services import Services, build_services
from storage.tables import Inspection
from tests.plates import copy_data, encode, folder_settings, plate
from tests.ways import WAYS

COUNT = 200
KINDS = ("good", "spot", "scratch")
Told = tuple[Any, ...]


@pytest.fixture(scope="session")
def images() -> dict[str, bytes]:
    """Return images of all kinds, of several sizes and formats."""
    found = {}
    for number in range(COUNT):
        size = {} if number % 5 else {"width_px": 150, "height_px": 90}
        ending = "jpg" if number % 4 == 1 else "png"
        pixels = plate(5000 + number, KINDS[number % 3], **size)
        found[f"{number:03d}.{ending}"] = encode(pixels, ending)
    return found


def _told(services: Services) -> dict[str, Told]:
    with services.database.reading() as session:
        rows = session.exec(select(Inspection)).all()
    assert len({row.original_name for row in rows}) == len(rows)
    return {
        row.original_name: (
            row.verdict,
            row.score.hex(),
            row.regions,
            row.suggested_defect_type_id,
            row.suggestion_confidence,
            row.raised_by,
            row.review_state,
            row.action_status,
            row.image_sha256,
        )
        for row in rows
    }


def _take(way: str, template: Path, tmp_path: Path, images: dict[str, bytes]) -> dict[str, Told]:
    services = build_services(folder_settings(copy_data(template, tmp_path / way)))
    folder = tmp_path / f"{way}-files"
    folder.mkdir()
    try:
        WAYS[way](services, images, folder)
        return _told(services)
    finally:
        services.database.dispose()


@pytest.fixture(scope="session")
def expected(
    plate_template: Path, tmp_path_factory: pytest.TempPathFactory, images: dict[str, bytes]
) -> dict[str, Told]:
    return _take("alone", plate_template, tmp_path_factory.mktemp("alone"), images)


@pytest.mark.xdist_group("ways")
@pytest.mark.parametrize("way", [way for way in WAYS if way != "alone"])
def test_an_image_is_judged_alike_whichever_way_it_takes(
    way: str, plate_template: Path, tmp_path: Path, images: dict[str, bytes], expected: dict[str, Told]
) -> None:
    assert len(expected) == COUNT
    assert {told[0] for told in expected.values()} >= {"ok", "reject"}
    assert _take(way, plate_template, tmp_path, images) == expected

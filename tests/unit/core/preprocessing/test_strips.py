"""A long strip: what is lost, what is advised, and that a spot is found once the advice is followed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.access import Person
from core.accounts.people import open_person
from core.catalog.products import find_product
from core.images.imports.folder_import import import_path
from core.inspections.inspection import examine
from core.jobs.views import view
from core.models.kinds import MEMORY_BANK
from core.models.options import DETECTION
from core.preprocessing.notices import list_notices
from core.preprocessing.stored_options import parse_options, save_preprocessing
from core.preprocessing.tile_advice import TileAdvice, advise_on_tiles
from core.registry.choices import choose
from core.services import Services
from core.transactions import writing
from storage.tables import Image
from tests.plates import deploy, encode, ingest_plates

INPUT_PX = 128


def strip(seed: int, *, height_px: int = 5000, width_px: int = 48, spot_px: int = 0) -> np.ndarray:
    """Draw a strip of woven film, RGB uint8; the spot lies a little above the middle."""
    rng = np.random.default_rng(seed)
    weave = 120 + 18 * np.sin(np.arange(height_px)[:, None] / 5) * np.cos(np.arange(width_px)[None] / 3)
    gray = weave + rng.normal(0, 5, (height_px, width_px))
    if spot_px:
        spot = np.zeros(gray.shape, np.uint8)
        cv2.ellipse(spot, (24, 2140), (spot_px // 2, spot_px), 0, 0, 360, 1, -1)
        gray = np.where(spot > 0, 0.85 * gray, gray)
    return np.dstack([np.clip(gray, 0, 255).astype(np.uint8)] * 3)


def _say_size(services: Services, product_id: int, width_px: int, height_px: int) -> None:
    from sqlmodel import select

    with writing(services) as session:
        for row in session.exec(select(Image).where(Image.product_id == product_id)):
            row.width_px, row.height_px = width_px, height_px
            session.add(row)
        session.commit()


def _advice(services: Services, product_id: int) -> TileAdvice:
    advice = advise_on_tiles(services, product_id)
    assert advice is not None
    return advice


@pytest.mark.parametrize("upright", [True, False])
def test_the_advice_on_a_line_scan_is_that_of_its_long_side(services: Services, tmp_path: Path, upright: bool) -> None:
    product_id = ingest_plates(services, tmp_path).id
    _say_size(services, product_id, *((64, 20_000) if upright else (20_000, 64)))
    advice = _advice(services, product_id)
    assert 180 < advice.smallest_px < 200
    tile = (advice.proposed_px, advice.proposed_height_px)
    assert (tile if upright else tile[::-1]) == (64, 1024)
    assert advice.smallest_in_tiles_px(*tile) <= 24
    assert advice.count_tiles(*tile) < 0.5 * advice.count_tiles(256)
    (notice,) = list_notices(services, product_id)
    assert str(advice.smallest_px) in notice.sentence("en")
    assert advice.proposed_size in notice.sentence("en")


@pytest.mark.parametrize("size", [(640, 480), (1200, 300), (900, 200)])
def test_what_the_model_sees_well_at_once_is_not_warned_of(
    services: Services, tmp_path: Path, size: tuple[int, int]
) -> None:
    product_id = ingest_plates(services, tmp_path).id
    _say_size(services, product_id, *size)
    assert _advice(services, product_id).proposed_px == 0
    assert list_notices(services, product_id) == ()


def test_a_spot_is_lost_at_once_warned_of_and_found_in_the_tiles_that_are_advised(
    services: Services, engineer: Person, tmp_path: Path
) -> None:
    folder = tmp_path / "film" / "train" / "good"
    folder.mkdir(parents=True)
    for number in range(4):
        (folder / f"{number}.png").write_bytes(encode(strip(number)))
    import_path(services, open_person(services, "engineer"), tmp_path / "film")
    product_id = find_product(services, "film").id
    options = {"input_size_px": INPUT_PX}
    choose(services, engineer, purpose=DETECTION, name="patchcore-efficientnet_lite0", options=options, row_version=0)

    def contrast() -> float:
        scores = [
            examine(services, product_id=product_id, data=encode(pixels), file_name="a.png").detection.score
            for pixels in (strip(100), strip(101), strip(102, spot_px=14))
        ]
        return scores[2] / max(scores[:2])

    (job_id,) = deploy(services, product_id, kinds=(MEMORY_BANK,))
    (outcome,) = view(services, job_id).outcomes
    assert outcome.notices is not None
    assert [notice.code for notice in outcome.notices] == ["notice_small_defects"]
    assert contrast() < 1.2

    advice = _advice(services, product_id)
    tiles = {"tile_size_px": advice.proposed_px, "tile_height_px": advice.proposed_height_px}
    assert tiles["tile_size_px"] == 48
    save_preprocessing(services, engineer, product_id, row_version=0, options=parse_options(tiles))
    (job_id,) = deploy(services, product_id, kinds=(MEMORY_BANK,))
    (outcome,) = view(services, job_id).outcomes
    assert not outcome.notices
    assert contrast() > 1.35
    found = examine(services, product_id=product_id, data=encode(strip(102, spot_px=14)), file_name="a.png")
    assert found.verdict != "ok"
    assert any(region.y - 40 <= 2140 <= region.y + region.h + 40 for region in found.regions)

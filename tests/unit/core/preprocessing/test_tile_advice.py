"""Tiles are proposed where the images are much larger than what the model sees, and only then."""

from __future__ import annotations

import pytest

from core.access import Person
from core.deployments.estimates import estimate
from core.models.kinds import MEMORY_BANK
from core.models.options import DETECTION
from core.preprocessing.stored_options import parse_options, save_preprocessing
from core.preprocessing.tile_advice import advise_on_tiles
from core.registry.choices import choose
from core.services import Services
from core.transactions import writing
from storage.tables import Image
from tests.plates import ingest_plates


@pytest.fixture
def product_id(services: Services, tmp_path_factory: pytest.TempPathFactory) -> int:
    product = ingest_plates(services, tmp_path_factory.mktemp("plates"))
    return product.id


def _say_size(services: Services, product_id: int, width_px: int, height_px: int) -> None:
    from sqlmodel import select

    with writing(services) as session:
        for row in session.exec(select(Image).where(Image.product_id == product_id)):
            row.width_px, row.height_px = width_px, height_px
            session.add(row)
        session.commit()


def test_small_images_need_no_tiles(services: Services, product_id: int) -> None:
    advice = advise_on_tiles(services, product_id)
    assert advice is not None
    assert advice.proposed_px == 0
    assert advise_on_tiles(services, product_id + 1) is None


def test_tiles_that_show_a_hole_of_12_px_are_proposed_for_6000_px(services: Services, product_id: int) -> None:
    _say_size(services, product_id, 6000, 4000)
    advice = advise_on_tiles(services, product_id)
    assert advice is not None
    assert advice.smallest_px > 90
    assert advice.proposed_px == 512
    assert advice.smallest_in_tiles_px(512) <= 12
    assert 100 < advice.count_tiles(512) < 300


def test_padim_is_not_offered_tiles(services: Services, engineer: Person, product_id: int) -> None:
    _say_size(services, product_id, 6000, 4000)
    choose(services, engineer, purpose=DETECTION, name="padim-efficientnet_lite0", options={}, row_version=0)
    advice = advise_on_tiles(services, product_id)
    assert advice is not None
    assert advice.no_tiles.startswith("PaDiM")
    assert advice.proposed_px == 0


def test_tiles_are_kept_with_the_preprocessing_of_the_product(
    services: Services, engineer: Person, product_id: int
) -> None:
    options = parse_options({"tile_size_px": 512})
    saved = save_preprocessing(services, engineer, product_id, row_version=0, options=options)
    assert saved.options.tile_size_px == 512


def test_the_estimate_counts_the_tiles(services: Services, engineer: Person, product_id: int) -> None:
    _say_size(services, product_id, 6000, 4000)
    before = estimate(services, MEMORY_BANK, [product_id])
    save_preprocessing(services, engineer, product_id, row_version=0, options=parse_options({"tile_size_px": 512}))
    after = estimate(services, MEMORY_BANK, [product_id])
    assert after.n_images == before.n_images
    assert after.seconds > 10 * before.seconds
    assert after.memory_bytes > before.memory_bytes

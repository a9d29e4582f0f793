"""A camera of 12 bits in files of 16: noted at once, set for the product, and read alike wherever pixels are made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.access import Person
from core.accounts.people import open_person
from core.catalog.products import find_product
from core.deployments.evaluation import evaluate
from core.images.bit_depth import find_used_bits
from core.images.imports.folder_import import ImportSummary, import_path
from core.images.library import list_images
from core.images.previews import draw_picture
from core.inspections.images import load_images
from core.inspections.inspection import inspect
from core.jobs.views import view
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.models.options import DETECTION
from core.preprocessing.notices import list_notices, measure_depth
from core.preprocessing.stored_options import parse_options, preview, save_preprocessing
from core.registry.choices import choose
from core.registry.fingerprints import fingerprints
from core.registry.index_examples import list_examples
from core.services import Services
from core.transactions import reading
from inference.vision.detection import registry
from inference.vision.images.decode import decode
from inference.vision.images.preprocessing import Preprocessing
from tests.plates import deploy, plate, seed_of
from tests.toy_detector import ToySpec


def dark_plate(seed: int, defect: str = "good", *, color: bool = True) -> bytes:
    """Draw a plate of 12 bits, unscaled in a PNG of 16."""
    values = plate(seed, defect).astype(np.uint16) * 16 + 7
    drawn = values if color else values[..., 0]
    return bytes(cv2.imencode(".png", drawn)[1].tobytes())


@pytest.fixture
def toy() -> Iterator[ToySpec]:
    spec = ToySpec()
    registry.register(spec)
    yield spec
    registry.unregister(spec.name)


@pytest.fixture
def imported(services: Services, tmp_path: Path) -> ImportSummary:
    for split, kind, count in (("train", "good", 6), ("train", "spot", 2), ("test", "good", 2), ("test", "spot", 2)):
        folder = tmp_path / "plate" / split / kind
        folder.mkdir(parents=True)
        for number in range(count):
            (folder / f"{number}.png").write_bytes(
                dark_plate(seed_of(split, kind, number), kind, color=number % 2 == 0)
            )
    return import_path(services, open_person(services, "engineer"), tmp_path / "plate")


def save_depth(services: Services, person: Person, product_id: int, depth: int, *, row_version: int = 0) -> None:
    options = parse_options({"bit_depth": depth})
    save_preprocessing(services, person, product_id, row_version=row_version, options=options)


def test_a_nearly_black_image_is_noted_when_it_comes_in_and_before_a_deployment(
    services: Services, engineer: Person, imported: ImportSummary
) -> None:
    product_id = find_product(services, "plate").id
    assert all({"sixteen_bit", "low_range"} <= set(outcome.notes) for outcome in imported.outcomes)
    assert all(find_used_bits(outcome.notes) == 12 for outcome in imported.outcomes)
    (notice,) = list_notices(services, product_id)
    assert notice.params["count"] == 12
    assert "Set the bit depth to 12 on Preprocessing" in notice.sentence("en")
    save_depth(services, engineer, product_id, 12)
    assert list_notices(services, product_id) == ()
    save_depth(services, engineer, product_id, 10, row_version=1)
    (notice,) = list_notices(services, product_id)
    assert notice.code == "notice_clipped_images"
    assert measure_depth(services, product_id, 10).n_clipped == 12


def test_the_bits_named_are_those_of_the_dark_images_not_of_brighter_ones_beside_them(
    services: Services, engineer: Person, tmp_path: Path
) -> None:
    folder = tmp_path / "mixed" / "train" / "good"
    folder.mkdir(parents=True)
    (folder / "dark.png").write_bytes(dark_plate(1))
    ramp = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16
    (folder / "full.png").write_bytes(bytes(cv2.imencode(".png", ramp)[1].tobytes()))
    import_path(services, engineer, tmp_path / "mixed")
    (notice,) = list_notices(services, find_product(services, "mixed").id)
    assert (notice.code, notice.params["count"], notice.params["bits"]) == ("notice_dark_images", 1, 12)


def test_images_of_earlier_versions_count_as_dark_by_their_note_alone() -> None:
    assert find_used_bits(["sixteen_bit", "low_range"]) == 12
    assert find_used_bits(["sixteen_bit"]) is None
    assert find_used_bits([]) is None


def test_the_depth_changes_the_fingerprints_and_its_absence_none(
    services: Services, engineer: Person, imported: ImportSummary
) -> None:
    product_id = find_product(services, "plate").id

    def stamp() -> dict[tuple[str, int, str], str]:
        with reading(services) as session:
            return fingerprints(session, [product_id])

    before = stamp()
    save_depth(services, engineer, product_id, 12)
    changed = stamp()
    assert set(before) == set(changed)
    assert all(before[key] != changed[key] for key in before)
    save_depth(services, engineer, product_id, 0, row_version=1)
    assert stamp() == before


def test_options_without_the_depth_and_the_height_of_tiles_are_read_as_before() -> None:
    stored = {"clahe": True, "tile_size_px": 512}
    options = Preprocessing.from_dict(stored)
    assert (options.bit_depth, options.tile_height_px, options.tile_px) == (0, 0, (512, 512))
    assert Preprocessing.from_dict(options.to_dict()) == options


def test_every_way_to_pixels_reads_by_the_depth(
    services: Services, engineer: Person, worker_person: Person, imported: ImportSummary, toy: ToySpec
) -> None:
    product_id = find_product(services, "plate").id
    image = list_images(services, product_id, image_type="normal", page=1, page_size=1).rows[0]
    assert draw_picture(services, image, with_mask=False).max() < 16
    save_depth(services, engineer, product_id, 12)
    assert draw_picture(services, image, with_mask=False).mean() > 100
    assert preview(services, image.id, parse_options({"bit_depth": 12})).before.mean() > 100
    assert preview(services, image.id, parse_options({})).notes == ("sixteen_bit", "low_range")

    choose(services, engineer, purpose=DETECTION, name="toy", options={}, row_version=0)
    (job_id,) = deploy(services, product_id, kinds=(MEMORY_BANK,))
    (outcome,) = view(services, job_id).outcomes
    assert not outcome.notices
    # What is set now waits for the next deployment: an inspection goes on as the model was built.
    save_depth(services, engineer, product_id, 0, row_version=1)
    data = dark_plate(7000, "spot")
    found = inspect(services, worker_person, product_id=product_id, data=data, file_name="part.png")
    assert found.record.image_notes == ("sixteen_bit",)
    assert found.record.preprocessing == Preprocessing(bit_depth=12)
    assert found.record.verdict == "reject"
    np.testing.assert_array_equal(found.images.pixels, decode(data, bit_depth=12).pixels)
    np.testing.assert_array_equal(load_images(services, found.record).pixels, found.images.pixels)
    assert evaluate(services, find_product(services, "plate"))["image_auroc"] == 1.0

    (job_id,) = deploy(services, product_id, kinds=(MEMORY_BANK,))
    (outcome,) = view(services, job_id).outcomes
    assert outcome.notices is not None
    assert [notice.code for notice in outcome.notices] == ["notice_dark_images"]


def test_an_index_is_made_of_the_pixels_of_the_depth_and_made_anew_with_another(
    services: Services, engineer: Person, imported: ImportSummary
) -> None:
    product_id = find_product(services, "plate").id
    means = []
    for version, depth in enumerate((12, 0)):
        save_depth(services, engineer, product_id, depth, row_version=version)
        with reading(services) as session:
            examples = list_examples(services, session, product_id, "normal")
        assert {example.bit_depth for example in examples} == {depth}
        means.append(float(examples[0].load().mean()))
    assert means[0] > 10 * means[1]
    versions = []
    for version, depth in ((2, 0), (2, 12), (3, 0)):
        save_depth(services, engineer, product_id, depth, row_version=version)
        (job_id,) = deploy(services, product_id, kinds=(SIMILARITY_INDEX,))
        (outcome,) = view(services, job_id).outcomes
        versions.append(outcome.outcome)
    assert versions == ["activated", "activated", "activated"]

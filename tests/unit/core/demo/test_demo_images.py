"""The demo products' images: fixed by seed, rightly labeled, and with masks that fit."""

import hashlib
from collections import Counter
from functools import cache
from itertools import islice

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.demo.images.catalog import PRODUCTIONS, PRODUCTS
from core.demo.images.production import Production
from core.demo.images.records import DemoDefect, DemoImage, DemoProduct

SOLAR = [product for product in PRODUCTS if product.code.startswith("solar")]
GENERATED = [product for product in PRODUCTS if product.code in PRODUCTIONS]


def by_code(products: list[DemoProduct]) -> list[object]:
    return [pytest.param(product, id=product.code) for product in products]


@cache
def all_images(product: DemoProduct) -> tuple[DemoImage, ...]:
    return tuple(product.images())


def production_of(product: DemoProduct) -> Production:
    owner = product.make_images.__self__  # type: ignore[attr-defined]
    assert isinstance(owner, Production)
    return owner


def decode(content: bytes) -> NDArray[np.uint8]:
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


def test_products_are_the_eight_of_the_demo() -> None:
    codes = [product.code for product in PRODUCTS]
    assert codes == ["solar-mono", "solar-poly", "casting", "leather", "grid", "carpet", "cell", "pills"]


@pytest.mark.parametrize("product", by_code(list(PRODUCTS)))
def test_words_exist_in_both_languages(product: DemoProduct) -> None:
    descriptions: list[DemoProduct | DemoDefect] = [product, *product.defects]
    for described in descriptions:
        assert any("가" <= letter <= "힣" for letter in described.name_ko)
        assert any("가" <= letter <= "힣" for letter in described.description_ko)
        assert described.name_en.isascii()
        assert len(described.description_en) > 40


@pytest.mark.parametrize("product", by_code(SOLAR))
def test_real_images_name_license_and_source(product: DemoProduct) -> None:
    assert product.license == "CC BY-NC-SA 4.0"
    assert product.source is not None
    assert "Buerhop-Lutz" in product.source
    assert "Deitsch" in product.source


@pytest.mark.parametrize("product", by_code([*SOLAR, *GENERATED]))
def test_every_label_is_in_both_splits(product: DemoProduct) -> None:
    counts = Counter((image.split, image.defect_code) for image in all_images(product))
    labels = [None, *(defect.code for defect in product.defects)]
    assert set(counts) == {(split, label) for split in ("train", "test") for label in labels}
    if product in GENERATED:
        assert len(product.defects) >= 3
        assert counts["train", None] == 60
        assert counts["test", None] == 30
        assert {counts["train", defect.code] for defect in product.defects} == {8}
        assert {counts["test", defect.code] for defect in product.defects} == {10}
    else:
        assert counts["train", None] == 200
        assert counts["test", None] == 80
        assert counts["train", "cell_defect"] == 40
        assert counts["test", "cell_defect"] == 60


@pytest.mark.parametrize("product", by_code(list(PRODUCTS)))
def test_no_image_and_no_name_comes_twice(product: DemoProduct) -> None:
    images = all_images(product)
    assert len({image.name for image in images}) == len(images)
    assert len({hashlib.sha256(image.content).digest() for image in images}) == len(images)
    assert len({decode(image.content).tobytes() for image in images}) == len(images)


@pytest.mark.parametrize("product", by_code(list(PRODUCTS)))
def test_first_images_are_the_same_bytes_again(product: DemoProduct) -> None:
    assert tuple(islice(product.images(), 3)) == all_images(product)[:3]


@pytest.mark.parametrize("product", by_code(GENERATED))
def test_defects_are_the_same_bytes_whenever_and_in_whatever_order_they_are_drawn(product: DemoProduct) -> None:
    production = production_of(product)
    for code in reversed(production.defect_codes):
        pixels, mask = production.photograph("test", code, 7)
        again, mask_again = production.photograph("test", code, 7)
        np.testing.assert_array_equal(pixels, again)
        np.testing.assert_array_equal(mask, mask_again)


@pytest.mark.parametrize("product", by_code(GENERATED))
def test_threads_do_not_change_an_image(product: DemoProduct) -> None:
    production = production_of(product)
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        alone = production.photograph("test", production.defect_codes[0], 3)[0]
        cv2.setNumThreads(4)
        together = production.photograph("test", production.defect_codes[0], 3)[0]
    finally:
        cv2.setNumThreads(threads)
    np.testing.assert_array_equal(alone, together)


@pytest.mark.parametrize("product", by_code(SOLAR))
def test_cells_are_the_dataset_s_own_files(product: DemoProduct) -> None:
    images = all_images(product)
    assert all(image.mask_png is None for image in images)
    assert {decode(image.content).shape for image in images[:20]} == {(300, 300)}


@pytest.mark.parametrize("product", by_code(GENERATED))
def test_defects_and_only_defects_have_a_mask(product: DemoProduct) -> None:
    for image in all_images(product):
        if image.defect_code is None:
            assert image.mask_png is None
            continue
        assert image.mask_png is not None
        mask = decode(image.mask_png)
        assert mask.shape == decode(image.content).shape[:2]
        assert set(np.unique(mask)) == {0, 255}
        assert (mask > 0).sum() >= 20
        assert (mask > 0).mean() < 0.2


@pytest.mark.parametrize("product", by_code(GENERATED))
def test_pixels_differ_inside_the_mask_and_nowhere_else(product: DemoProduct) -> None:
    production = production_of(product)
    for code in production.defect_codes:
        for index in range(4):
            damaged, mask = production.photograph("test", code, index)
            sound, _ = production.photograph("test", code, index, repaired=True)
            assert mask is not None
            change = np.abs(damaged.astype(int) - sound.astype(int))
            change = change.max(axis=2) if change.ndim == 3 else change
            assert change[mask == 0].max() <= 7
            assert np.quantile(change[mask > 0], 0.8) >= 8


@pytest.mark.parametrize("product", by_code(GENERATED))
def test_defects_range_from_small_to_large(product: DemoProduct) -> None:
    for defect in product.defects:
        masks = [image.mask_png for image in all_images(product) if image.defect_code == defect.code]
        areas = [int((decode(mask) > 0).sum()) for mask in masks if mask is not None]
        assert max(areas) >= 3 * min(areas)


@pytest.mark.parametrize("product", by_code(GENERATED))
def test_normal_images_vary_in_exposure(product: DemoProduct) -> None:
    normals = [decode(image.content) for image in all_images(product)[:40]]
    means = np.array([pixels.mean() for pixels in normals])
    assert means.max() / means.min() > 1.12
    assert means.max() / means.min() < 1.8
    assert {pixels.shape[:2] for pixels in normals} == {normals[0].shape[:2]}
    assert 256 <= normals[0].shape[0] <= 320

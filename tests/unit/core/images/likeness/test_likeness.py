"""Stored images are measured where nobody has, and near-duplicates found among them, leaks first."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from core.access import Person
from core.errors import NotAllowed
from core.images import library
from core.images.likeness.groups import find_alike, find_stamp
from core.images.likeness.measuring import count_unmeasured, measure_next
from core.services import Services
from inference.vision.images.decode import decode
from inference.vision.images.encoding import encode_jpeg, encode_png, thumbnail
from inference.vision.learning.difference_hash import difference_hash
from tests.curated_images import add_image, add_product, type_ids

Pixels = np.ndarray


def _part(seed: int, *, size_px: int = 256) -> Pixels:
    """Return a part under a fixed camera: the same ring each time, with a grain of its own."""
    random = np.random.default_rng(seed)
    pixels = np.full((size_px, size_px, 3), 90, np.uint8)
    cv2.circle(pixels, (size_px // 2, size_px // 2), size_px // 3, (180, 180, 180), 8)
    grain = cv2.GaussianBlur(random.normal(0.0, 60.0, (size_px, size_px)).astype(np.float32), (0, 0), 2.0)
    return np.asarray(np.clip(pixels + grain[..., None], 0, 255), np.uint8)


def _add(services: Services, product_id: int, number: int, pixels: Pixels, *, jpeg: int = 0, **values: Any) -> int:
    image_id = add_image(services, product_id, number, **{"difference_hash": difference_hash(pixels), **values})
    image = library.get_image(services, image_id)
    data = encode_jpeg(pixels, jpeg) if jpeg else encode_png(pixels)
    services.objects.put(image.object_key, data)
    services.objects.put(image.thumbnail_key, thumbnail(decode(data, bit_depth=8).pixels))
    return image_id


def test_images_of_before_are_measured_a_few_at_a_time(services: Services) -> None:
    product_id = add_product(services)
    sharp = _add(services, product_id, 1, _part(1), difference_hash=None)
    dark = _add(services, product_id, 2, np.zeros((40, 40, 3), np.uint8), difference_hash=None)
    broken = add_image(services, product_id, 3)
    gone = add_image(services, product_id, 4)
    services.objects.delete(library.get_image(services, gone).object_key)
    version = library.get_image(services, sharp).row_version
    assert measure_next(services, 2) == dark
    assert count_unmeasured(services, product_id) == 2
    assert measure_next(services, 2, after=dark) == gone
    assert measure_next(services, 2, after=gone) is None
    found = library.get_image(services, sharp)
    assert (found.quality, found.difference_hash, found.row_version) == ("", difference_hash(_part(1)), version)
    assert found.blur_score is not None
    assert library.get_image(services, dark).quality == "under_exposed"
    assert library.get_image(services, broken).quality == "unreadable"
    assert library.get_image(services, gone).quality is None


def test_copies_are_found_among_parts_that_look_alike(
    services: Services, engineer: Person, worker_person: Person
) -> None:
    product_id = add_product(services)
    kinds = type_ids(services, product_id)
    for seed in range(20):
        _add(services, product_id, seed, _part(seed))
    before = find_stamp(services, product_id)
    # The same shot again: smaller, re-encoded, brighter; one of them for the test, one under another label.
    half = cv2.resize(_part(3), (128, 128), interpolation=cv2.INTER_AREA)
    smaller = _add(services, product_id, 103, half, split="test")
    encoded = _add(services, product_id, 105, _part(5), jpeg=60)
    brighter = np.clip(_part(8).astype(np.float32) * 1.08, 0, 255).astype(np.uint8)
    labeled = _add(services, product_id, 108, brighter, defect_type_id=kinds["hole"])
    add_image(services, product_id, 200)
    assert find_stamp(services, product_id) != before
    seen = []
    found = find_alike(services, engineer, product_id, progress=lambda done, total: seen.append((done, total)))
    assert (found.n_images, found.n_unmeasured, found.n_left_out) == (23, 1, 0)
    ids = [tuple(image.id for image in group.images) for group in found.groups]
    assert ids == [(4, smaller), (9, labeled), (6, encoded)]
    leak, disagreeing, plain = found.groups
    assert (leak.leaks, disagreeing.disagrees, plain.leaks or plain.disagrees) == (True, True, False)
    assert plain.likeness > 0.8
    assert seen[-1][0] == seen[-1][1]
    with pytest.raises(NotAllowed):
        find_alike(services, worker_person, product_id)


def test_one_with_more_pixels_is_the_one_to_keep(services: Services, engineer: Person) -> None:
    product_id = add_product(services)
    small, large = (_add(services, product_id, number, _part(1)) for number in (1, 2))
    with services.database.unit_of_work() as session:
        row = session.get(type(library.get_image(services, large)), large)
        assert row is not None
        row.width_px = 640
        session.commit()
    (group,) = find_alike(services, engineer, product_id).groups
    assert (group.best.id, {image.id for image in group.images}) == (large, {small, large})

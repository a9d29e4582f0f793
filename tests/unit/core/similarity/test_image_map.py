"""The image map: what lies together, what is found wrong, and labels that are those of now."""

from __future__ import annotations

import numpy as np
import pytest

from core.accounts.people import open_person
from core.catalog import products
from core.errors import NotReady
from core.images import edits
from core.services import Services
from core.similarity.image_map import PLACES, WHOLE, describe_map, lay_out_images, map_versions
from inference.vision.search.curation import find_duplicates, find_outliers, find_wrong_labels, lay_out
from storage.tables import Product


def clusters(each: int = 15) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(3, 32))
    labels = np.repeat(np.arange(3), each)
    rows = centers[labels] + 0.15 * rng.normal(size=(3 * each, 32))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32), labels


def test_what_is_alike_lies_together_and_the_map_is_the_same_each_time() -> None:
    vectors, labels = clusters()
    points = lay_out(vectors)
    assert points.shape == (45, 2)
    assert np.array_equal(points, lay_out(vectors))
    distances = np.linalg.norm(points[:, None] - points[None], axis=2) + 1e9 * np.eye(45)
    assert (labels[distances.argmin(axis=1)] == labels).mean() > 0.95


@pytest.mark.parametrize("count", [0, 1, 2, 5, 12])
def test_few_or_equal_images_have_a_map_too(count: int) -> None:
    assert np.isfinite(lay_out(clusters()[0][:count])).all()
    assert lay_out(np.repeat(clusters()[0][:1], count, axis=0)).shape == (count, 2)


def test_wrong_labels_duplicates_and_outliers_are_found() -> None:
    vectors, labels = clusters()
    assert find_wrong_labels(vectors, labels) == []
    assert find_duplicates(vectors) == []
    assert find_outliers(vectors, labels) == []
    labels[3] = 1
    (mistake,) = find_wrong_labels(vectors, labels)
    assert (mistake.place, mistake.label, mistake.share) == (3, 0, 1.0)
    labels[3] = 0
    copy = vectors[7] + 0.001
    strange = -vectors[20]
    rows = np.concatenate([vectors, (copy / np.linalg.norm(copy))[None], strange[None]]).astype(np.float32)
    more = np.concatenate([labels, [0, 1]])
    assert [(pair.first, pair.second) for pair in find_duplicates(rows)] == [(7, 45)]
    assert find_outliers(rows, more) == [46]
    assert find_wrong_labels(vectors[:3], labels[:3]) == []
    assert find_wrong_labels(vectors[:15], labels[:15]) == []


def test_the_map_shows_the_labels_of_now_and_no_deleted_image(plate_services: Services, plate_product: Product) -> None:
    person = open_person(plate_services, "engineer")
    product_id = plate_product.id
    layout = lay_out_images(plate_services, map_versions(plate_services, product_id, WHOLE))
    found = describe_map(plate_services, product_id, layout, view=WHOLE)
    assert (len(found.images), found.n_missing) == (16, 0)
    assert sum(image.label is None for image in found.images) == 10
    normal = next(image.image for image in found.images if image.label is None)
    defect = next(image for image in found.images if image.label is not None)
    assert defect.label is not None
    edits.delete_images(plate_services, person, [normal.id])
    edits.relabel_images(plate_services, person, [defect.image.id], image_type="normal")
    found = describe_map(plate_services, product_id, layout, view=WHOLE)
    assert len(found.images) == 15
    assert sum(image.label is None for image in found.images) == 10
    places = lay_out_images(plate_services, map_versions(plate_services, product_id, PLACES))
    assert len(describe_map(plate_services, product_id, places, view=PLACES).images) == 6


def test_without_an_index_it_says_what_to_do(plate_services: Services) -> None:
    person = open_person(plate_services, "engineer")
    bare = products.create_product(plate_services, person, name="Bare", code="bare")
    with pytest.raises(NotReady) as refused:
        map_versions(plate_services, bare.id, WHOLE)
    assert "Build it" in str(refused.value)

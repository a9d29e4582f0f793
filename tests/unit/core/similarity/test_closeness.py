"""Closeness: the scale of a product, in its index's figures or measured from an older index, and what is made of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.models.figures import ClosenessFigures, IndexFigures
from core.models.kinds import SIMILARITY_INDEX
from core.registry.versions import PARTS, active_version
from core.services import Services
from core.similarity import search
from core.similarity.closeness import LIKENESS_NAMES, find_figures, name_likeness, rate
from storage.tables import ModelVersion, Product
from tests.plates import plate

FIGURES = ClosenessFigures(unrelated_at=0.9, alike_at=0.98)


@pytest.mark.parametrize(
    ("similarity", "closeness", "likeness"),
    [
        (1.0, 100.0, "identical"),
        (0.99, 87.5, "alike"),
        (0.98, 75.0, "alike"),
        (0.94, 37.5, "somewhat"),
        (0.92, 18.8, "different"),
        (0.9, 0.0, "different"),
        (-1.0, 0.0, "different"),
    ],
)
def test_a_similarity_stands_between_unrelated_images_and_the_nearest_of_their_kind(
    similarity: float, closeness: float, likeness: str
) -> None:
    assert rate(similarity, FIGURES) == closeness
    assert name_likeness(closeness) == likeness
    assert likeness in LIKENESS_NAMES


def test_the_same_picture_is_all_of_it_also_where_the_nearest_images_are_copies() -> None:
    copies = ClosenessFigures(unrelated_at=0.9, alike_at=1.0)
    assert rate(1.0, copies) == 100.0
    assert rate(0.95, copies) == 37.5


def test_rows_from_before_and_scales_that_are_none_have_no_figures() -> None:
    assert IndexFigures.from_json({"n_images": 3}).closeness is None
    assert IndexFigures.from_json({"closeness": {"unrelated_at": 0.9}}).closeness is None
    assert IndexFigures.from_json({"closeness": {"unrelated_at": 0.9, "alike_at": 0.9}}).closeness is None
    figures = IndexFigures(n_images=3, closeness=FIGURES)
    assert IndexFigures.from_json(figures.to_json()) == figures


def _indexes(services: Services, product: Product) -> dict[str, ModelVersion | None]:
    with services.database.reading() as session:
        return {part: active_version(session, SIMILARITY_INDEX, product.id, part) for part in PARTS[SIMILARITY_INDEX]}


def test_an_index_from_before_is_measured_as_a_build_measures_it(
    plate_services: Services, plate_product: Product
) -> None:
    versions = _indexes(plate_services, plate_product)
    assert all(versions.values())
    for version in versions.values():
        assert version is not None
        stored = IndexFigures.from_json(version.metrics).closeness
        assert stored is not None
        assert find_figures(plate_services, version, versions) == stored
        figures = IndexFigures.from_json(version.metrics)
        version.metrics = replace(figures, closeness=None).to_json()
        measured = find_figures(plate_services, version, versions)
        assert measured is not None
        assert measured.unrelated_at == pytest.approx(stored.unrelated_at, abs=1e-6)
        assert measured.alike_at == pytest.approx(stored.alike_at, abs=1e-6)


def test_what_is_found_has_its_closeness(plate_services: Services, plate_product: Product) -> None:
    found = search.search(plate_services, product_id=plate_product.id, pixels=plate(9100, "spot"), top_k=20)
    for result in (found.normal, found.defect):
        closeness = [match.closeness for match in result.matches]
        assert closeness
        assert None not in closeness
        assert closeness == sorted(closeness, key=lambda one: -(one or 0.0))
        assert all(0.0 <= (one or 0.0) <= 100.0 for one in closeness)
    assert find_figures(plate_services, None, {}) is None

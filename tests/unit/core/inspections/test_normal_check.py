"""New normal images beside what the model in use knows, and what a person is shown of a strange one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from core.access import Person
from core.accounts.people import open_person
from core.catalog.products import create_product
from core.errors import NotAllowed
from core.images import library, outliers
from core.images.records import IncomingFile
from core.images.uploads import add_images
from core.inspections.normal_check import (
    NO_MODEL,
    TOO_MANY,
    TOO_SLOW,
    check_new_normals,
    draw_normal,
    explain_suspected,
)
from core.models.kinds import MEMORY_BANK
from core.registry.versions import list_versions
from core.services import Services
from inference.errors import ModelError
from inference.vision.images.decode import decode
from storage.tables import ModelVersion, Product, ThresholdSetting, utc_now
from tests.plates import encode, plate
from tests.toy_models import REJECT_AT
from tests.unit.core.inspections.conftest import SPOT


@pytest.fixture
def engineer(toy_services: Services) -> Person:
    return open_person(toy_services, "engineer")


def _add(services: Services, person: Person, product: Product, *data: bytes) -> list[int]:
    files = [IncomingFile(f"{number}.png", lambda one=one: one) for number, one in enumerate(data)]  # type: ignore[misc]
    found = add_images(services, person, product_id=product.id, image_type="normal", files=files)
    return [outcome.image_id for outcome in found if outcome.image_id is not None]


def _plain(level: int) -> bytes:
    """Return an even plate, which the toy scores by how far `level` is from 140."""
    return encode(plate(3) * 0 + level)


def test_new_images_that_the_model_would_call_ng_are_noted_and_named(
    toy_services: Services, engineer: Person, product: Product
) -> None:
    ids = _add(toy_services, engineer, product, _plain(140), SPOT, _plain(150))
    steps: list[tuple[int, int]] = []
    check = check_new_normals(
        toy_services, engineer, product.id, ids, progress=lambda done, total: steps.append((done, total))
    )
    assert (check.n_new, check.n_checked, check.limit, check.reason, check.error) == (3, 3, REJECT_AT, "", None)
    assert [found.image_id for found in check.suspected] == [ids[1]]
    assert check.suspected[0].name == library.get_image(toy_services, ids[1]).stored_name
    assert steps == [(1, 3), (2, 3), (3, 3)]
    (noted,) = outliers.list_suspected(toy_services, product.id)
    assert (noted.id, noted.outlier_score) == (ids[1], check.suspected[0].score)


def test_an_image_just_at_the_limit_is_suspected_and_one_below_it_is_not(
    toy_services: Services, engineer: Person, product: Product
) -> None:
    ids = _add(toy_services, engineer, product, _plain(190), _plain(189))
    check = check_new_normals(toy_services, engineer, product.id, ids)
    assert [found.score for found in check.suspected] == [REJECT_AT]


def test_without_a_model_or_with_too_many_images_nothing_is_scored(
    toy_services: Services, engineer: Person, product: Product
) -> None:
    ids = _add(toy_services, engineer, product, SPOT, _plain(140))
    assert check_new_normals(toy_services, engineer, product.id, ids, most=1).reason == TOO_MANY
    bare = create_product(toy_services, engineer, name="Bare", code="bare")
    check = check_new_normals(toy_services, engineer, bare.id, _add(toy_services, engineer, bare, SPOT))
    assert (check.reason, check.n_new, check.n_checked) == (NO_MODEL, 1, 0)
    assert outliers.list_suspected(toy_services, product.id) == []


def test_the_time_is_bounded_and_what_was_found_until_then_counts(
    toy_services: Services, engineer: Person, product: Product
) -> None:
    ids = _add(toy_services, engineer, product, SPOT)
    check = check_new_normals(toy_services, engineer, product.id, ids, most_seconds=-1.0)
    assert (check.reason, check.n_checked, check.suspected) == (TOO_SLOW, 0, ())


def test_images_of_other_products_and_defects_are_passed_over(
    toy_services: Services, engineer: Person, product: Product
) -> None:
    bare = create_product(toy_services, engineer, name="Bare", code="bare")
    ids = _add(toy_services, engineer, bare, SPOT)
    defects = library.list_images(toy_services, product.id, image_type="defect").rows
    assert check_new_normals(toy_services, engineer, product.id, [*ids, *(row.id for row in defects)]).n_new == 0


def test_a_file_that_is_gone_has_no_score_and_a_model_that_fails_is_told(
    toy_services: Services, engineer: Person, product: Product
) -> None:
    ids = _add(toy_services, engineer, product, SPOT, _plain(140))
    toy_services.objects.delete(library.get_image(toy_services, ids[1]).object_key)
    check = check_new_normals(toy_services, engineer, product.id, ids)
    assert (check.n_new, check.n_checked, check.reason, check.error) == (2, 1, "", None)

    class Broken:
        def memory_bank(self, version: ModelVersion) -> Any:
            raise ModelError("golden_mismatch")

    broken = replace(toy_services, models=cast(Any, Broken()))
    told = check_new_normals(broken, engineer, product.id, ids)
    assert told.error is not None
    assert (told.n_checked, told.suspected) == (0, ())


def test_a_line_worker_cannot_have_images_noted(toy_services: Services, person: Person, product: Product) -> None:
    with pytest.raises(NotAllowed):
        check_new_normals(toy_services, person, product.id, [])


def test_a_suspected_image_is_told_with_the_limit_that_it_was_measured_by(
    toy_services: Services, engineer: Person, product: Product
) -> None:
    built, added = _add(toy_services, engineer, product, _plain(150), SPOT)
    check_new_normals(toy_services, engineer, product.id, [added])
    (bank,) = list_versions(toy_services, MEMORY_BANK, product.id)
    sources = {**bank.sources, "set_apart": {str(built): 44.5}, "set_apart_at": 40.0}
    with toy_services.database.unit_of_work() as session:
        session.execute(update(ModelVersion).where(col(ModelVersion.id) == bank.id).values(sources=sources))
        outliers.note_suspected(session, product.id, {built: 44.5, added: 60.0}, limit=40.0, now=utc_now())
        session.commit()
    found = explain_suspected(toy_services, product.id)
    assert [(one.image.id, one.limit, one.set_apart_by) for one in found.images] == [
        (added, REJECT_AT, None),
        (built, 40.0, bank.number),
    ]
    # Other thresholds color the heat maps otherwise.
    with toy_services.database.unit_of_work() as session:
        current = session.exec(select(ThresholdSetting)).first()
        assert current is not None
        session.add(ThresholdSetting(model_version_id=bank.id, review_at=20.0, reject_at=45.0, method=current.method))
        session.commit()
    assert explain_suspected(toy_services, product.id).model_stamp != found.model_stamp


def test_the_heat_map_is_that_of_the_model_in_use(toy_services: Services, engineer: Person, product: Product) -> None:
    (spot,) = _add(toy_services, engineer, product, SPOT)
    drawn = draw_normal(toy_services, spot)
    assert drawn.heat_jpeg is not None
    picture, heat = decode(drawn.picture_jpeg).pixels, decode(drawn.heat_jpeg).pixels
    assert picture.shape == heat.shape
    assert abs(picture.astype(int) - heat.astype(int)).max() > 60
    assert drawn.learned_by is None


def test_without_a_model_there_is_the_picture_alone(toy_services: Services, engineer: Person) -> None:
    bare = create_product(toy_services, engineer, name="Bare", code="bare")
    (image_id,) = _add(toy_services, engineer, bare, SPOT)
    assert draw_normal(toy_services, image_id).heat_jpeg is None


def test_a_model_that_learned_from_the_image_is_named(
    toy_services: Services, engineer: Person, product: Product
) -> None:
    (spot,) = _add(toy_services, engineer, product, SPOT)
    (bank,) = list_versions(toy_services, MEMORY_BANK, product.id)
    for sources, learned in (
        ({"image_ids": {"normal": [spot]}}, bank.number),
        ({"image_ids": {"normal": [spot]}, "set_apart": {str(spot): 60.0}, "set_apart_at": 40.0}, None),
    ):
        with toy_services.database.unit_of_work() as session:
            session.execute(update(ModelVersion).where(col(ModelVersion.id) == bank.id).values(sources=sources))
            session.commit()
        assert draw_normal(toy_services, spot).learned_by == learned

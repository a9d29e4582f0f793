"""Deployments of a product with views: a model for each, from its own images; the one of before goes out of use."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from core.access import Person
from core.accounts.people import open_person
from core.catalog.view_edits import add_view, set_view_active, update_view
from core.deployments import pipeline
from core.deployments.estimates import estimate
from core.deployments.evaluation import evaluate
from core.deployments.start import list_stale
from core.errors import Conflict
from core.jobs import views as jobs
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.preprocessing.stored_options import get_preprocessing, parse_options, save_preprocessing
from core.registry.fingerprints import fingerprints
from core.registry.model_status import model_states
from core.registry.versions import (
    activate,
    active_version,
    active_versions,
    current_threshold,
    has_active_version,
    list_versions,
)
from core.services import Services
from storage.tables import Image, ModelVersion, Product
from tests.pictured_plates import BOTTOM, TOP, add_two_views
from tests.plates import IMAGE_KINDS, deploy


@pytest.fixture
def person(plate_services: Services) -> Person:
    return open_person(plate_services, "engineer")


def _bank(services: Services, product: Product, view: str) -> ModelVersion:
    with services.database.reading() as session:
        found = active_version(session, MEMORY_BANK, product.id, view=view)
    assert found is not None
    return found


def _ids_of(services: Services, view: str, split: str = "train") -> set[int]:
    with services.database.reading() as session:
        return set(session.exec(select(Image.id).where(Image.view == view, Image.split == split)).all())


def test_each_view_gets_models_from_its_own_images_and_the_old_ones_are_retired(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    old = _bank(plate_services, plate_product, "")
    add_two_views(plate_services, person, plate_product.id)
    states = model_states(plate_services)
    assert states[(MEMORY_BANK, plate_product.id)].state == "out_of_date"
    assert states[(MEMORY_BANK, plate_product.id)].active == old
    assert {code: one.state for code, one in states[(MEMORY_BANK, plate_product.id)].views.items()} == {
        TOP: "none",
        BOTTOM: "none",
    }
    assert list_stale(plate_services, [plate_product.id], kinds=IMAGE_KINDS) == {
        kind: [plate_product.id] for kind in IMAGE_KINDS
    }

    bank_job, _index_job = deploy(plate_services, plate_product.id)

    outcomes = jobs.view(plate_services, bank_job).outcomes
    assert [(one.view, one.outcome, one.label) for one in outcomes] == [
        (TOP, "activated", "plate/top"),
        (BOTTOM, "activated", "plate/bottom"),
    ]
    for view in (TOP, BOTTOM):
        bank = _bank(plate_services, plate_product, view)
        assert bank.scope == f"product:{plate_product.id}:@{view}"
        assert bank.view == view
        trained = {number for ids in bank.sources["image_ids"].values() for number in ids}
        assert trained == _ids_of(plate_services, view)
        with plate_services.database.reading() as session:
            assert current_threshold(session, bank.id).review_at > 0
            for part in ("normal", "defect", "region"):
                index = active_version(session, SIMILARITY_INDEX, plate_product.id, part, view)
                assert index is not None
                assert {n for ids in index.sources["image_ids"].values() for n in ids} <= _ids_of(plate_services, view)
    states = model_states(plate_services)
    for kind in IMAGE_KINDS:
        assert states[(kind, plate_product.id)].state == "current"
        assert {one.state for one in states[(kind, plate_product.id)].views.values()} == {"current"}
    with plate_services.database.reading() as session:
        assert active_version(session, MEMORY_BANK, plate_product.id) is None
        assert len(active_versions(session, plate_product.id)) == 8
    listed = list_versions(plate_services, MEMORY_BANK, plate_product.id)
    assert [(one.view, one.state) for one in listed] == [(BOTTOM, "active"), (TOP, "active"), ("", "retired")]
    assert list_versions(plate_services, MEMORY_BANK, plate_product.id, view=TOP) == [listed[1]]
    plate_services.models.memory_bank(listed[2])  # readable still
    assert "log_viewless_retired" in [line.code for line in jobs.view(plate_services, bank_job).log]
    with pytest.raises(Conflict) as caught:
        activate(plate_services, person, old.id)
    assert caught.value.code == "version_without_view"

    told = evaluate(plate_services, plate_product, view=TOP)
    assert (told["view"], told["n_normal"] + told["n_defect"]) == (TOP, len(_ids_of(plate_services, TOP, "test")))


def test_a_change_in_one_view_makes_only_its_models_out_of_date(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    add_two_views(plate_services, person, plate_product.id)
    with plate_services.database.reading() as session:
        before = fingerprints(session, [plate_product.id])
    assert {place for kind, _id, place in before if kind == MEMORY_BANK} == {"@top", "@bottom"}
    save_preprocessing(
        plate_services, person, plate_product.id, row_version=0, options=parse_options({"clahe": True}), view=TOP
    )
    assert not get_preprocessing(plate_services, plate_product.id, BOTTOM).options.clahe
    with plate_services.database.reading() as session:
        after = fingerprints(session, [plate_product.id])
    assert {key for key in before if before[key] != after[key]} == {(MEMORY_BANK, plate_product.id, "@top")}


def test_a_view_is_built_with_its_own_model(plate_services: Services, plate_product: Product, person: Person) -> None:
    top, _bottom = add_two_views(plate_services, person, plate_product.id)
    update_view(
        plate_services,
        person,
        top.id,
        row_version=top.row_version,
        detector="padim-efficientnet_lite0",
    )
    deploy(plate_services, plate_product.id, kinds=(MEMORY_BANK,))
    assert _bank(plate_services, plate_product, TOP).model_name == "padim-efficientnet_lite0"
    assert _bank(plate_services, plate_product, BOTTOM).model_name == "patchcore-efficientnet_lite0"


def test_a_view_that_a_part_can_do_without_is_left_out_until_it_has_images(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    add_two_views(plate_services, person, plate_product.id)
    add_view(plate_services, person, plate_product.id, code="thermal", modality="thermal", is_required=False)
    (job_id,) = deploy(plate_services, plate_product.id, kinds=(MEMORY_BANK,))
    view = jobs.view(plate_services, job_id)
    assert [one.view for one in view.outcomes] == [TOP, BOTTOM]
    left_out = next(line for line in view.log if line.code == "log_view_left_out")
    assert left_out.params["product"] == "plate/thermal"
    assert model_states(plate_services)[(MEMORY_BANK, plate_product.id)].state == "current"


def test_a_required_view_without_images_fails_and_the_others_are_built(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    add_two_views(plate_services, person, plate_product.id)
    add_view(plate_services, person, plate_product.id, code="ct", name="단면", name_en="Slice", modality="ct")
    assert pipeline.readiness(plate_services, MEMORY_BANK, plate_product.id) is None
    (job_id,) = deploy(plate_services, plate_product.id, kinds=(MEMORY_BANK,))
    outcomes = jobs.view(plate_services, job_id).outcomes
    assert [(one.view, one.outcome) for one in outcomes] == [
        (TOP, "activated"),
        (BOTTOM, "activated"),
        ("ct", "failed"),
    ]
    assert outcomes[2].error is not None
    assert "Slice" in outcomes[2].error.to_app_error().sentence("en")
    assert "단면" in outcomes[2].error.to_app_error().sentence("ko")


def test_a_view_out_of_use_is_not_built_and_without_views_the_product_is_whole_again(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    views = add_two_views(plate_services, person, plate_product.id)
    deploy(plate_services, plate_product.id, kinds=(MEMORY_BANK,))
    for view in views:
        set_view_active(plate_services, person, view.id, False)
    with plate_services.database.reading() as session:
        assert {place for kind, _id, place in fingerprints(session) if kind == MEMORY_BANK} == {""}
    assert not has_active_version(plate_services, MEMORY_BANK, plate_product.id)
    deploy(plate_services, plate_product.id, kinds=(MEMORY_BANK,))
    with plate_services.database.reading() as session:
        rows = session.exec(select(ModelVersion).where(col(ModelVersion.active_key).like("memory_bank%"))).all()
    assert [row.view for row in rows] == [""]


def test_images_without_a_view_are_in_no_model_of_one(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    add_two_views(plate_services, person, plate_product.id)
    before = estimate(plate_services, MEMORY_BANK, [plate_product.id])
    with plate_services.database.unit_of_work() as session:
        row = session.exec(select(Image).where(Image.view == TOP, Image.split == "train")).first()
        assert row is not None
        row.view, number = "", row.id
        session.add(row)
        session.commit()
    assert estimate(plate_services, MEMORY_BANK, [plate_product.id]).n_images == before.n_images - 1
    deploy(plate_services, plate_product.id, kinds=(MEMORY_BANK,))
    for view in (TOP, BOTTOM):
        used = _bank(plate_services, plate_product, view).sources["image_ids"]
        assert number not in {one for ids in used.values() for one in ids}

"""Similar images: what is found, what never comes back, what people confirmed, and what stops no verdict."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from core.access import Person
from core.accounts.people import open_person
from core.catalog import products
from core.errors import NotReady
from core.images import edits, uploads
from core.images.records import IncomingFile
from core.inspections import decisions, inspection, records
from core.models.kinds import SIMILARITY_INDEX
from core.registry.model_status import model_states
from core.registry.versions import active_version, list_versions
from core.services import Services
from core.similarity import matches, search
from core.similarity.results import SearchResults
from core.similarity.suggestions import read_vote_accuracy, suggest_type
from storage.tables import DefectType, Image, ModelVersion, Product
from tests.plates import deploy, encode, plate


@pytest.fixture
def person(plate_services: Services) -> Person:
    return open_person(plate_services, "engineer")


def _inspect(services: Services, person: Person, product: Product, seed: int) -> records.InspectionRecord:
    return inspection.inspect(
        services, person, product_id=product.id, data=encode(plate(seed, "spot")), file_name="p.png"
    ).record


def _add_normal(services: Services, person: Person, product: Product, data: bytes) -> None:
    files = [IncomingFile("n.png", lambda: data)]
    (outcome,) = uploads.add_images(services, person, product_id=product.id, image_type="normal", files=files)
    assert outcome.outcome == "added"


def _types(services: Services) -> dict[str, DefectType]:
    with services.database.reading() as session:
        return {row.code: row for row in session.exec(select(DefectType)).all()}


def test_how_often_similar_images_name_the_right_type_is_read_from_the_index_in_use(
    plate_services: Services, person: Person
) -> None:
    product = products.find_product(plate_services, "plate")
    with plate_services.database.unit_of_work() as session:
        for part, accuracy in (("region", 0.4), ("defect", 0.6)):
            version = active_version(session, SIMILARITY_INDEX, product.id, part)
            assert version is not None
            version.metrics = {**version.metrics, "suggestion": {"accuracy": accuracy}}
            session.add(version)
        session.commit()
    # The places come first, as they do for the suggestion.
    assert read_vote_accuracy(plate_services, product.id) == 0.4
    other = products.create_product(plate_services, person, name="Other", code="other")
    assert read_vote_accuracy(plate_services, other.id) is None


def _search(services: Services, product: Product, *, top_k: int = 20) -> SearchResults:
    return search.search(services, product_id=product.id, pixels=plate(9100, "spot"), top_k=top_k)


def test_a_k_larger_than_the_index_gives_all_there_is(plate_services: Services, plate_product: Product) -> None:
    found = _search(plate_services, plate_product)
    assert len(found.normal.matches) == 10
    assert len(found.defect.matches) == 6
    ordered = [match.similarity for match in found.normal.matches]
    assert ordered == sorted(ordered, reverse=True)


def test_deleted_and_relabeled_images_do_not_come_back_and_others_take_their_place(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    first = _search(plate_services, plate_product, top_k=3).defect.matches
    gone, turned = first[0].id, first[1].id
    edits.delete_images(plate_services, person, [gone])
    edits.relabel_images(plate_services, person, [turned], image_type="normal")
    again = _search(plate_services, plate_product, top_k=3).defect.matches
    assert len(again) == 3
    assert not {gone, turned} & {match.id for match in again}
    assert again[0] == first[2]


def test_more_ids_can_be_looked_up_than_a_statement_takes(plate_services: Services, plate_product: Product) -> None:
    # As of a large index whose images were nearly all deleted since.
    with plate_services.database.reading() as session:
        kept = set(session.exec(select(Image.id).where(Image.image_type == "defect", Image.split == "train")).all())
        found = matches.live_types(session, [*range(1, 300_000), *range(-9, 0)], "defect")
    assert kept
    assert kept <= set(found)


def test_a_filter_by_type_is_exact(plate_services: Services, plate_product: Product) -> None:
    scratch = _types(plate_services)["scratch"]
    found = search.search_of_type(
        plate_services,
        product_id=plate_product.id,
        pixels=plate(9100, "spot"),
        top_k=20,
        defect_type_id=scratch.id,
    ).matches
    with plate_services.database.reading() as session:
        expected = set(
            session.exec(select(Image.id).where(Image.defect_type_id == scratch.id, Image.split == "train")).all()
        )
    assert {match.id for match in found} == expected


def test_a_confirmed_inspection_counts_at_the_next_deployment(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    product_id = plate_product.id
    record = _inspect(plate_services, person, plate_product, 9200)
    assert record.verdict != "ok"
    scratch = _types(plate_services)["scratch"]
    decision = decisions.confirm_defect_type(
        plate_services,
        person,
        record.id,
        row_version=record.decision.row_version,
        defect_type_id=scratch.id,
    )
    state = model_states(plate_services)[(SIMILARITY_INDEX, product_id)]
    assert state.state == "out_of_date"
    assert state.changes["confirmed"] == 1
    deploy(plate_services, product_id, kinds=(SIMILARITY_INDEX,))
    assert model_states(plate_services)[(SIMILARITY_INDEX, product_id)].state == "current"
    with plate_services.database.reading() as session:
        version = active_version(session, SIMILARITY_INDEX, product_id, "defect")
        assert version is not None
    assert version.sources["inspection_ids"] == [record.id]
    assert (version.metrics["n_confirmed"], version.metrics["n_computed"]) == (1, 1)

    again = _inspect(plate_services, person, plate_product, 9200)
    nearest = again.similar.defects[0]
    assert (nearest.inspection_id, nearest.image_id) == (record.id, None)
    assert nearest.similarity == pytest.approx(1.0, abs=1e-3)
    assert nearest.defect_type is not None
    assert nearest.defect_type.code == "scratch"
    assert records.load_record(plate_services, again.id).similar == again.similar
    # Taken back: it is none of the known types after all.
    decisions.confirm_defect_type(
        plate_services, person, record.id, row_version=decision.row_version, defect_type_id=None
    )
    assert record.id not in {
        found.inspection_id for found in _inspect(plate_services, person, plate_product, 9200).similar.defects
    }


def test_a_test_image_that_is_inspected_and_confirmed_never_enters_an_index(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    with plate_services.database.reading() as session:
        image = session.exec(select(Image).where(Image.split == "test", Image.image_type == "defect")).first()
    assert image is not None
    data = plate_services.objects.get(image.object_key)
    record = inspection.inspect(
        plate_services, person, product_id=plate_product.id, data=data, file_name="sample.png"
    ).record
    decisions.confirm_defect_type(
        plate_services,
        person,
        record.id,
        row_version=record.decision.row_version,
        defect_type_id=image.defect_type_id,
    )
    assert model_states(plate_services)[(SIMILARITY_INDEX, plate_product.id)].state == "current"


def test_all_products_of_the_same_embedder_are_merged_exactly_and_inactive_ones_left_out(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    other = products.create_product(plate_services, person, name="Other", code="other")
    _add_normal(plate_services, person, other, encode(plate(9301, "spot")))
    deploy(plate_services, other.id, kinds=(SIMILARITY_INDEX,))

    def everywhere() -> list[float]:
        found = search.search_everywhere(
            plate_services, product_id=plate_product.id, pixels=plate(9301, "spot"), top_k=20
        )
        return [match.similarity for match in found.normal.matches]

    own = _search(plate_services, plate_product).normal.matches
    found = everywhere()
    assert len(found) == len(own) + 1
    assert found[0] == pytest.approx(1.0, abs=1e-3)
    assert found == sorted(found, reverse=True)
    products.set_product_active(plate_services, person, other.id, False)
    assert len(everywhere()) == len(own)


def test_a_deactivated_product_is_not_inspected(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    with plate_services.database.unit_of_work() as session:
        session.execute(update(Product).values(is_active=False))
        session.commit()
    with pytest.raises(NotReady) as refused:
        _inspect(plate_services, person, plate_product, 9400)
    assert refused.value.code == "product_not_in_use"


@pytest.mark.parametrize("fault", ["missing", "unknown", "damaged"])
def test_an_index_that_cannot_be_asked_is_said_and_the_verdict_stands(
    fault: str, plate_services: Services, plate_product: Product, person: Person
) -> None:
    names = {"missing": "backbone-resnet18", "unknown": "backbone-of-tomorrow"}
    with plate_services.database.unit_of_work() as session:
        changed = update(ModelVersion).where(col(ModelVersion.kind) == SIMILARITY_INDEX)
        if fault == "damaged":
            session.execute(changed.values(manifest_sha256="0" * 64))
        else:
            session.execute(changed.values(model_name=names[fault]))
        session.commit()
    record = _inspect(plate_services, person, plate_product, 9500)
    assert record.verdict in {"review", "reject"}
    assert record.similar.problem is not None
    code = {"missing": "backbone_weights_missing", "unknown": "backbone_unknown", "damaged": "artifact_damaged"}
    assert record.similar.problem.code == code[fault]
    assert record.similar.defects == ()
    # The labeled defects that the bank was taught with name the type all the same.
    assert record.suggestion is not None
    assert record.suggestion.code == "spot"


def test_an_index_of_other_weights_is_refused(plate_services: Services, plate_product: Product) -> None:
    with plate_services.database.reading() as session:
        version = active_version(session, SIMILARITY_INDEX, plate_product.id, "normal")
    assert version is not None
    index = plate_services.models.similarity_index(version)
    index.metadata = {**index.metadata, "embedder_key": "the same name, other weights"}
    found = _search(plate_services, plate_product).normal
    assert found.problem is not None
    assert found.problem.code == "index_of_other_embedder"


def test_what_is_like_no_known_defect_is_suggested_as_none_of_them(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    from dataclasses import replace

    from inference.vision.search.knn_vote import VoteRule

    found = _search(plate_services, plate_product).defect
    kinds: dict[str, Any] = {"type_of": found.type_of, "types": list(_types(plate_services).values())}
    far = suggest_type(found.suggestion_of, replace(VoteRule(), known_at=0.99999), **kinds)
    near = suggest_type(found.suggestion_of, replace(VoteRule(), known_at=-1.0), **kinds)
    assert far is not None
    assert (far.defect_type, far.code) == (None, None)
    assert near is not None
    assert near.code == "spot"


def test_without_defect_images_the_taught_bank_alone_names_the_type_and_normals_are_found(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    with plate_services.database.reading() as session:
        defects = [found for found in session.exec(select(Image.id).where(Image.image_type == "defect")) if found]
    edits.delete_images(plate_services, person, defects)
    record = _inspect(plate_services, person, plate_product, 9600)
    assert record.similar.defects == ()
    assert record.suggestion is not None
    assert record.suggestion.code == "spot"
    assert len(record.similar.normals) == 6


def test_one_more_image_is_all_that_a_new_deployment_computes(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    _add_normal(plate_services, person, plate_product, encode(plate(9700)))
    deploy(plate_services, plate_product.id, kinds=(SIMILARITY_INDEX,))
    newest = list_versions(plate_services, SIMILARITY_INDEX, plate_product.id)[0]
    assert (newest.metrics["n_images"], newest.metrics["n_computed"]) == (11, 1)
    assert model_states(plate_services)[(SIMILARITY_INDEX, plate_product.id)].state == "current"


def test_the_index_says_how_well_it_finds_the_types(plate_services: Services, plate_product: Product) -> None:
    with plate_services.database.reading() as session:
        region = active_version(session, SIMILARITY_INDEX, plate_product.id, "region")
    assert region is not None
    retrieval = region.metrics["retrieval"]
    assert set(retrieval) == {"top1_type_accuracy", "map_at_10", "whole", "region", "votes_top1"}
    assert retrieval["region"]["top1_type_accuracy"] >= 0.75

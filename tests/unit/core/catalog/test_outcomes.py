"""Kinds of good parts: types that are never a defect, wherever types are listed, counted, suggested or confirmed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.access import Person
from core.accounts import people
from core.catalog import defect_types, products
from core.catalog.outcomes import DEFECT, GOOD
from core.deployments.measuring import test_set as read_test_set
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.history.choices import load_choices
from core.history.review_queue import decide_review
from core.images.edits import relabel_images
from core.images.labels import check_label
from core.images.masks import set_mask
from core.inspections.cases import load_case
from core.inspections.decisions import confirm_defect_type
from core.inspections.records import load_record
from core.registry.index_examples import image_examples
from core.registry.test_scores import hash_test_images, read_test_fingerprint
from core.replay.gathering import labeled_outcome
from core.reports.group_labels import read_group_names
from core.services import Services
from core.similarity.matches import Match, describe_matches, live_types
from core.similarity.suggestions import suggest_type
from inference.vision.search.knn_vote import VoteRule
from storage.tables import DefectType, Image, Inspection, Product
from tests.inspected_part import add_inspected_part


@pytest.fixture
def part(services: Services, engineer: Person) -> tuple[int, DefectType, DefectType]:
    """Return an inspection of a bracket, its defect type `scratch`, and the kind of good part `black`."""
    inspection_id = add_inspected_part(services, engineer, with_index=False)
    product = products.find_product(services, "bracket")
    (scratch,) = defect_types.list_defect_types(services, product.id)
    black = defect_types.create_defect_type(
        services, engineer, product_id=product.id, code="black", name_ko="흑색", name_en="Black", outcome=GOOD
    )
    return inspection_id, scratch, black


def _add_image(services: Services, row: DefectType | None, product_id: int, number: int, **values: Any) -> int:
    is_defect = row is not None and row.outcome == DEFECT
    name = f"image_{number}.png"
    image = Image(
        product_id=product_id,
        image_type="defect" if is_defect else "normal",
        defect_type_id=None if row is None else row.id,
        stored_name=name,
        original_name=name,
        object_key=name,
        thumbnail_key=name,
        content_sha256=name,
        pixel_sha256=name,
        byte_size=1,
        width_px=1,
        height_px=1,
        file_format="PNG",
        **values,
    )
    with services.database.unit_of_work() as session:
        session.add(image)
        session.commit()
        return image.id


def test_a_line_worker_registers_defects_but_no_good_kinds(
    services: Services, engineer: Person, worker_person: Person
) -> None:
    product = products.create_product(services, engineer, name="x", code="x")
    made = defect_types.create_defect_type(services, worker_person, product_id=product.id, code="a", name_ko="가")
    assert made.outcome == DEFECT
    with pytest.raises(NotAllowed):
        defect_types.create_defect_type(
            services, worker_person, product_id=product.id, code="b", name_ko="나", outcome=GOOD
        )
    with pytest.raises(BadInput) as caught:
        defect_types.create_defect_type(
            services, engineer, product_id=product.id, code="b", name_ko="나", outcome="maybe"
        )
    assert caught.value.code == "outcome_unknown"


def test_types_are_listed_by_outcome_and_counted_apart(
    services: Services, part: tuple[int, DefectType, DefectType]
) -> None:
    _inspection, scratch, black = part
    listed = defect_types.list_defect_types(services, black.product_id)
    assert [row.code for row in listed] == ["black", "scratch"]
    assert [row.id for row in defect_types.list_defect_types(services, None, outcome=GOOD)] == [black.id]
    (summary,) = products.list_products(services)
    assert (summary.n_defect_types, summary.n_good_kinds) == (1, 1)
    _add_image(services, black, black.product_id, 1, split="val")
    _add_image(services, scratch, black.product_id, 2)
    _add_image(services, None, black.product_id, 3)
    assert defect_types.count_type_images(services, black.product_id) == {
        black.id: {"val": 1},
        scratch.id: {"train": 1},
    }
    (summary,) = products.list_products(services)
    assert (summary.n_normal, summary.n_normal_val, summary.n_defect) == (2, 1, 1)


def test_an_outcome_changes_only_while_nothing_has_the_type(
    services: Services, engineer: Person, part: tuple[int, DefectType, DefectType]
) -> None:
    _inspection, scratch, black = part

    def change(row: DefectType, outcome: str) -> DefectType:
        now = defect_types.get_defect_type(services, row.id)
        return defect_types.update_defect_type(
            services,
            engineer,
            row.id,
            row_version=now.row_version,
            name_ko=row.name_ko,
            name_en=row.name_en,
            description="",
            severity="major",
            outcome=outcome,
        )

    with pytest.raises(Conflict) as caught:
        change(scratch, GOOD)  # the inspection was suggested it
    assert caught.value.code == "outcome_in_use"
    assert change(black, DEFECT).outcome == DEFECT
    assert change(black, GOOD).outcome == GOOD
    _add_image(services, black, black.product_id, 1)
    with pytest.raises(Conflict):
        change(black, DEFECT)


def test_a_label_takes_good_kinds_for_normal_images_alone(
    services: Services, part: tuple[int, DefectType, DefectType]
) -> None:
    _inspection, scratch, black = part
    with services.database.reading() as session:
        label = check_label(session, black.product_id, image_type="normal", defect_type_id=black.id, split="train")
        assert (label.defect_type_id, label.defect_code) == (black.id, None)
        for image_type, row in (("normal", scratch), ("defect", black)):
            with pytest.raises(BadInput):
                check_label(session, black.product_id, image_type=image_type, defect_type_id=row.id, split="train")


def test_no_decision_and_no_choice_of_an_inspection_names_a_good_kind(
    services: Services, engineer: Person, part: tuple[int, DefectType, DefectType]
) -> None:
    inspection_id, scratch, black = part
    record = load_record(services, inspection_id)
    assert [found.code for found in record.defect_types] == ["scratch"]
    with pytest.raises(BadInput) as caught:
        confirm_defect_type(
            services, engineer, inspection_id, row_version=record.decision.row_version, defect_type_id=black.id
        )
    assert caught.value.code == "good_kind_is_no_defect"
    with services.database.unit_of_work() as session:
        row = session.get(Inspection, inspection_id)
        assert row is not None
        row.review_state = "waiting"
        session.commit()
    with pytest.raises(BadInput):
        decide_review(
            services,
            engineer,
            inspection_id,
            row_version=load_record(services, inspection_id).decision.row_version,
            defect_type_id=black.id,
        )
    choices = load_choices(services, product_id=black.product_id, defect_type_id=None)
    assert [found.code for found in choices.types] == ["scratch"]
    assert list(read_group_names(services).types) == [scratch.id]


def test_a_good_kind_is_not_measured_indexed_or_replayed_as_a_defect(
    services: Services, part: tuple[int, DefectType, DefectType]
) -> None:
    _inspection, scratch, black = part
    normal_id = _add_image(services, black, black.product_id, 1, split="test")
    defect_id = _add_image(services, scratch, black.product_id, 2, split="test")
    with services.database.reading() as session:
        test = read_test_set(session, black.product_id)
        assert [code for _row, code in zip(test.rows, test.codes, strict=True)] == [None, "scratch"]
        wanted = hash_test_images([("image_1.png", None, None), ("image_2.png", "scratch", None)])
        assert read_test_fingerprint(session, black.product_id) == (wanted, 2)
        assert live_types(session, [normal_id], "normal") == {normal_id: None}
        assert live_types(session, [defect_id], "defect") == {defect_id: scratch.id}
        normal, defect = (session.get(Image, found) for found in (normal_id, defect_id))
        assert normal is not None
        assert defect is not None
        similar = describe_matches(session, [Match(normal_id, 0.9), Match(defect_id, 0.8)])
        outcome = labeled_outcome(normal, {})
    assert [found.defect_type is None for found in similar] == [True, False]
    assert outcome is not None
    assert not outcome.is_defect
    examples = image_examples(services, [normal, defect], bit_depth=0)
    assert [found.defect_type_id for found in examples] == [None, scratch.id]
    assert load_case(services, normal_id).defect_type is None


def test_a_vote_for_a_good_kind_suggests_nothing() -> None:
    row = DefectType(id=7, product_id=1, code="black", name_ko="흑색", outcome=GOOD)
    matches = [Match(number, 0.99) for number in range(1, 4)]
    rule = VoteRule()
    types_of = dict.fromkeys(range(1, 4), 7)
    assert suggest_type(matches, rule, type_of=types_of, types=[row]) is None
    found = suggest_type(matches, rule, type_of=types_of, types=[row.model_copy(update={"outcome": DEFECT})])
    assert found is not None
    assert np.isfinite(found.confidence)


def test_stale_switches_and_examples_are_refused(
    services: Services, engineer: Person, admin: Person, part: tuple[int, DefectType, DefectType]
) -> None:
    _inspection, scratch, _black = part
    image_id = _add_image(services, scratch, scratch.product_id, 1)
    seen = scratch.row_version
    defect_types.set_defect_type_active(services, admin, scratch.id, False, row_version=seen)
    with pytest.raises(Conflict) as switched:
        defect_types.set_defect_type_active(services, engineer, scratch.id, False, row_version=seen)
    with pytest.raises(Conflict) as picked:
        defect_types.set_defect_examples(services, engineer, scratch.id, [image_id], row_version=seen)
    assert {caught.value.code for caught in (switched, picked)} == {"stale_save"}
    assert admin.display_name in str(picked.value)
    now = defect_types.set_defect_examples(services, engineer, scratch.id, [image_id], row_version=seen + 1)
    assert now.example_image_ids == [image_id]


def test_a_mask_and_a_role_on_a_state_that_is_gone_are_refused(
    services: Services, engineer: Person, admin: Person, part: tuple[int, DefectType, DefectType]
) -> None:
    _inspection, scratch, _black = part
    image_id = _add_image(services, scratch, scratch.product_id, 1)
    relabel_images(services, admin, [image_id], split="test", row_versions={image_id: 1})
    with pytest.raises(Conflict) as mask:
        set_mask(services, engineer, image_id, None, row_version=1)
    with pytest.raises(Conflict) as label:
        relabel_images(services, engineer, [image_id], split="val", row_versions={image_id: 1})
    assert {mask.value.code, label.value.code} == {"image_changed"}
    user = people.create_user(services, admin, login="kim", display_name="Kim", role="worker", password=None)
    people.set_role(services, admin, user.id, "engineer", row_version=user.row_version)
    with pytest.raises(Conflict) as role:
        people.set_role(services, admin, user.id, "admin", row_version=user.row_version)
    with pytest.raises(Conflict):
        people.disable_user(services, admin, user.id, row_version=user.row_version)
    assert "“worker” → “engineer”" in str(role.value)


def test_a_stale_switch_of_a_product_is_refused(services: Services, engineer: Person, admin: Person) -> None:
    product = products.create_product(services, engineer, name="x", code="x")
    products.update_product(services, admin, product.id, row_version=product.row_version, name="y", description="")
    with pytest.raises(Conflict) as caught:
        products.set_product_active(services, engineer, product.id, False, row_version=product.row_version)
    assert "“x” → “y”" in str(caught.value)
    assert products.get_product(services, product.id).is_active


def test_a_product_is_meant_by_code_or_by_either_name(services: Services, engineer: Person) -> None:
    one = products.create_product(services, engineer, name="주조A형", name_en="Casting type A", code="casting")
    assert one.name_en == "Casting type A"
    for said in ("CASTING", "주조A형", "casting  type a", "Casting Type A"):
        assert products.find_named_product(services, said).id == one.id
    two = products.create_product(services, engineer, name="casting", code="other")
    assert products.find_named_product(services, "casting").id == one.id  # a code counts before a name
    three = products.create_product(services, engineer, name="다른 것", name_en="Casting", code="third")
    products.set_product_active(services, engineer, one.id, False)
    with pytest.raises(NotFound) as caught:
        products.find_named_product(services, " 주조A형x")
    assert caught.value.code == "product_unknown"
    products.update_product(services, engineer, three.id, row_version=1, name="같은 이름", description="")
    products.update_product(services, engineer, two.id, row_version=1, name="같은 이름", description="")
    with pytest.raises(BadInput) as ambiguous:
        products.find_named_product(services, "같은 이름")
    assert ambiguous.value.params["codes"] == "other, third"


def test_a_code_is_made_from_the_english_name_where_the_other_is_not_latin(
    services: Services, engineer: Person
) -> None:
    assert products.create_product(services, engineer, name="주조A형", name_en="Casting A").code == "casting-a"


def test_a_sentence_names_the_product_in_its_language(services: Services, engineer: Person) -> None:
    from core.catalog.names import spoken_name
    from core.errors import NotReady

    both = Product(code="c", name="주조A형", name_en="Casting type A")
    error = NotReady("no_active_memory_bank", product=spoken_name(both))
    assert "주조A형" in error.sentence("ko")
    assert "Casting type A" in error.sentence("en")
    assert spoken_name(Product(code="c", name="주조A형")) == "주조A형"

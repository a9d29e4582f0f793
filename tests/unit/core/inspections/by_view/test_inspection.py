"""A part inspected by its views: one verdict, each view's evidence, one transaction."""

from __future__ import annotations

import pytest
from sqlmodel import select

from core.access import Person
from core.accounts.people import open_person
from core.catalog.products import find_product
from core.errors import BadInput, NotFound, NotReady
from core.fusion.rules import WantedRule
from core.fusion.saving import list_fusion, save_fusion
from core.inspections.by_view.examining import ViewPicture, views_to_inspect
from core.inspections.by_view.inspection import inspect_views
from core.inspections.decisions import override_verdict
from core.inspections.inspection import inspect
from core.inspections.pictures import name_of_view, picture_token, read_picture
from core.inspections.records import load_record
from core.services import Services
from core.transactions import reading
from inference.vision.comparison.fusion import FusionRule
from storage.tables import Inspection, InspectionView, Product
from tests.viewed_plates import GOOD, SCRATCH, SPOT, add_bank, add_view, inspect_plate, with_views


@pytest.fixture
def product(toy_services: Services) -> Product:
    found = find_product(toy_services, "plate")
    with_views(toy_services, found)
    return found


@pytest.fixture
def engineer(toy_services: Services) -> Person:
    return open_person(toy_services, "engineer")


@pytest.mark.parametrize(
    ("ct", "rgb", "verdict", "found_as"),
    [
        (GOOD, GOOD, "ok", ""),
        (SPOT, GOOD, "reject", "internal"),
        (GOOD, SCRATCH, "reject", "external"),
        (SPOT, SCRATCH, "reject", "combined"),
    ],
)
def test_the_views_make_one_verdict_named_by_those_that_found_it(
    toy_services: Services, product: Product, ct: bytes, rgb: bytes, verdict: str, found_as: str
) -> None:
    record = inspect_plate(toy_services, product, ct=ct, rgb=rgb)
    assert record.combined is not None
    assert (record.verdict, record.combined.found_as, record.combined.missing) == (verdict, found_as, ())
    assert [(one.code, one.exposure) for one in record.combined.pictures] == [("ct", 0), ("rgb", 0)]
    worst = max(one.probability or 0.0 for one in record.combined.pictures)
    assert record.score == worst
    assert record.combined.entry is not None
    assert (record.review_at, record.reject_at) == (record.combined.entry.review_at, record.combined.entry.reject_at)
    deciding = record.combined.deciding
    assert deciding is not None
    assert deciding.probability == worst
    assert (record.image_key, record.regions) == (deciding.image_key, deciding.regions)
    assert load_record(toy_services, record.id) == record


def test_each_view_has_pictures_of_its_own(toy_services: Services, product: Product) -> None:
    record = inspect_plate(toy_services, product, ct=SPOT, rgb=GOOD)
    assert record.combined is not None
    shown = set()
    for one in record.combined.pictures:
        for name in ("part", "heat", "thumbnail"):
            picture = read_picture(toy_services, record.id, name_of_view(name, one), picture_token(one.image_key))
            shown.add(picture.data)
    assert len(shown) == 6
    with pytest.raises(NotFound):
        read_picture(toy_services, record.id, "part@999999", picture_token(record.image_key))
    assert read_picture(toy_services, record.id, "heat", picture_token(record.image_key)).data in shown


def test_a_missing_required_view_is_review_and_an_optional_one_is_not(toy_services: Services, product: Product) -> None:
    record = inspect_plate(toy_services, product, ct=GOOD)
    assert record.combined is not None
    assert (record.verdict, record.combined.missing, record.decision.review_state) == ("review", ("rgb",), "waiting")
    assert inspect_plate(toy_services, product, ct=SPOT).verdict == "reject"
    add_view(toy_services, product.id, "top", found_as="external", required=False)
    assert inspect_plate(toy_services, product, ct=GOOD, rgb=GOOD).verdict == "ok"


def test_of_several_exposures_the_worst_counts(toy_services: Services, product: Product) -> None:
    record = inspect_plate(toy_services, product, ct=[GOOD, SPOT], rgb=GOOD)
    assert record.combined is not None
    assert [(one.code, one.exposure) for one in record.combined.pictures] == [("ct", 0), ("ct", 1), ("rgb", 0)]
    assert record.verdict == "reject"
    assert record.combined.deciding is not None
    assert (record.combined.deciding.code, record.combined.deciding.exposure) == ("ct", 1)


def test_a_picture_that_fails_is_a_row_and_the_others_stand(toy_services: Services, product: Product) -> None:
    record = inspect_plate(toy_services, product, ct=b"no picture", rgb=GOOD)
    assert record.combined is not None
    ct, rgb = record.combined.pictures
    assert (ct.verdict, ct.probability, ct.image_key) == ("review", None, "")
    assert "P001_ct.png" in ct.problem("en")
    assert (rgb.error_code, record.verdict) == (None, "review")
    assert inspect_plate(toy_services, product, ct=b"no picture", rgb=SCRATCH).verdict == "reject"


def test_a_view_without_a_model_keeps_its_picture(toy_services: Services, product: Product) -> None:
    add_view(toy_services, product.id, "top", found_as="external")
    record = inspect_plate(toy_services, product, ct=GOOD, rgb=GOOD, top=GOOD)
    assert record.combined is not None
    top = record.combined.pictures[2]
    assert (record.verdict, top.error_code) == ("review", "no_active_memory_bank")
    read_picture(toy_services, record.id, name_of_view("part", top), picture_token(top.image_key))
    with pytest.raises(NotFound):
        read_picture(toy_services, record.id, name_of_view("heat", top), picture_token(top.image_key))


def test_nothing_is_stored_where_no_picture_could_be_judged(toy_services: Services, product: Product) -> None:
    with pytest.raises(BadInput):
        inspect_plate(toy_services, product, ct=b"nothing", rgb=b"nothing")
    with reading(toy_services) as session:
        assert session.exec(select(InspectionView)).all() == []
        assert session.exec(select(Inspection)).all() == []


def test_wrong_pictures_are_refused(toy_services: Services, product: Product) -> None:
    for pictures, code in (
        ({}, "views_without_pictures"),
        ({"side": GOOD}, "view_unknown"),
        ({"ct": [GOOD] * 33}, "views_too_many_pictures"),
    ):
        with pytest.raises((BadInput, NotFound)) as refused:
            inspect_plate(toy_services, product, **pictures)
        assert refused.value.code == code


def test_one_picture_of_a_product_with_views_is_refused_by_their_names(
    toy_services: Services, product: Product, engineer: Person
) -> None:
    with pytest.raises(NotReady) as refused:
        inspect(toy_services, engineer, product_id=product.id, data=GOOD, file_name="part.png")
    assert refused.value.code == "inspection_needs_views"
    assert "ct, rgb" in str(refused.value)


def test_a_product_is_inspected_by_one_picture_until_a_view_has_a_model(toy_services: Services) -> None:
    product = find_product(toy_services, "plate")
    assert views_to_inspect(toy_services, product.id) == ()
    add_view(toy_services, product.id, "ct", found_as="internal")
    assert views_to_inspect(toy_services, product.id) == ()
    add_bank(toy_services, product.id, "ct")
    assert [view.code for view in views_to_inspect(toy_services, product.id)] == ["ct"]


def test_the_same_key_gives_the_same_inspection(toy_services: Services, product: Product, engineer: Person) -> None:
    def ask() -> int:
        given = [ViewPicture("ct", GOOD, "a.png"), ViewPicture("rgb", SPOT, "b.png")]
        done = inspect_views(toy_services, engineer, product_id=product.id, pictures=given, idempotency_key="once")
        return done.record.id

    assert ask() == ask()
    with reading(toy_services) as session:
        assert len(session.exec(select(InspectionView)).all()) == 2


def test_old_inspections_keep_the_rule_of_their_time(
    toy_services: Services, product: Product, engineer: Person
) -> None:
    before = inspect_plate(toy_services, product, ct=SPOT, rgb=GOOD)
    rule = FusionRule("weighted_average", weights={"ct": 0.1, "rgb": 0.9})
    save_fusion(toy_services, engineer, product.id, WantedRule(rule), reason="the photograph counts", seen_id=None)
    after = inspect_plate(toy_services, product, ct=SPOT, rgb=GOOD)
    assert (before.verdict, after.verdict) == ("reject", "ok")
    add_view(toy_services, product.id, "top", found_as="external")
    shown = load_record(toy_services, before.id)
    assert shown.combined is not None
    assert shown.combined.entry is not None
    assert (shown.verdict, shown.combined.entry.rule.votes, shown.combined.missing) == ("reject", "any", ())
    later = load_record(toy_services, after.id)
    assert later.combined is not None
    assert later.combined.entry is not None
    assert later.combined.entry.rule == rule


def test_a_new_bank_gives_new_probabilities_and_a_rule_row_that_says_so(
    toy_services: Services, product: Product
) -> None:
    inspect_plate(toy_services, product, ct=GOOD, rgb=GOOD)
    second = add_bank(toy_services, product.id, "ct", number=2)
    record = inspect_plate(toy_services, product, ct=GOOD, rgb=GOOD)
    newest, first = list_fusion(toy_services, product.id)
    assert (newest.is_recalibrated, first.is_recalibrated) == (True, False)
    assert newest.calibrations["ct"].version_id == second
    assert record.combined is not None
    assert record.combined.entry is not None
    assert record.combined.entry.id == newest.id


def test_a_person_may_overrule_the_combined_verdict(toy_services: Services, product: Product, engineer: Person) -> None:
    record = inspect_plate(toy_services, product, ct=GOOD)
    decided = override_verdict(
        toy_services, engineer, record.id, row_version=1, verdict="ok", reason="seen under the microscope"
    )
    assert decided.verdict == "ok"
    shown = load_record(toy_services, record.id)
    assert shown.combined is not None
    assert shown.combined.missing == ("rgb",)

"""Views of a product: what they may be, in which order they stand, and who changed what."""

from __future__ import annotations

import pytest
from sqlmodel import select

from core.access import Person
from core.accounts.people import open_person
from core.catalog.products import create_product
from core.catalog.view_edits import add_view, order_views, set_view_active, update_view
from core.catalog.views import View, list_views, name_view
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.services import Services
from storage.tables import AuditLog


@pytest.fixture
def engineer(services: Services) -> Person:
    return open_person(services, "engineer")


@pytest.fixture
def product_id(services: Services, engineer: Person) -> int:
    return create_product(services, engineer, name="배터리 셀", name_en="Battery cell", code="cell").id


def _codes(services: Services, product_id: int) -> list[str]:
    return [view.code for view in list_views(services, product_id)]


def test_a_product_has_no_views_until_one_is_added(services: Services, engineer: Person, product_id: int) -> None:
    assert list_views(services, product_id) == ()
    added = add_view(services, engineer, product_id, code=" CT ", name="단면", name_en="Slice", modality="ct")
    assert list_views(services, product_id) == (added,)
    assert (added.code, added.modality, added.is_required, added.found_as) == ("ct", "ct", True, "internal")
    assert (name_view(added, "ko"), name_view(added, "en")) == ("단면", "Slice")


def test_a_view_without_a_name_is_called_by_its_code(services: Services, engineer: Person, product_id: int) -> None:
    view = add_view(services, engineer, product_id, code="top")
    assert (view.name, view.found_as, view.modality) == ("top", "external", "rgb")


@pytest.mark.parametrize("code", ["", "a b", "위", "x" * 33, "a/b", "top\n!"])
def test_a_code_that_no_file_name_could_carry_is_refused(
    services: Services, engineer: Person, product_id: int, code: str
) -> None:
    with pytest.raises(BadInput) as caught:
        add_view(services, engineer, product_id, code=code)
    assert caught.value.code == "view_code_invalid"


def test_a_code_is_taken_even_when_its_view_is_out_of_use(
    services: Services, engineer: Person, product_id: int
) -> None:
    view = add_view(services, engineer, product_id, code="top")
    set_view_active(services, engineer, view.id, False)
    assert list_views(services, product_id) == ()
    assert [one.code for one in list_views(services, product_id, include_inactive=True)] == ["top"]
    with pytest.raises(Conflict) as caught:
        add_view(services, engineer, product_id, code="TOP")
    assert caught.value.code == "view_code_taken"
    assert set_view_active(services, engineer, view.id, True).is_active


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"modality": "radar"}, "view_modality_unknown"),
        ({"found_as": "sideways"}, "view_found_as_unknown"),
        (
            {"detector": "patchcore-efficientnet_lite0", "detector_options": {"input_size_px": 7}},
            "model_option_invalid",
        ),
    ],
)
def test_what_is_not_known_is_refused(
    services: Services, engineer: Person, product_id: int, values: dict[str, str], code: str
) -> None:
    with pytest.raises(BadInput) as caught:
        add_view(services, engineer, product_id, code="top", **values)  # type: ignore[arg-type]
    assert caught.value.code == code
    assert list_views(services, product_id) == ()


def test_a_model_that_does_not_exist_is_refused(services: Services, engineer: Person, product_id: int) -> None:
    with pytest.raises(NotFound):
        add_view(services, engineer, product_id, code="top", detector="magic")


def test_a_stale_save_is_refused_and_says_what_changed(services: Services, engineer: Person, product_id: int) -> None:
    seen = add_view(services, engineer, product_id, code="top", name="위")
    changed = update_view(services, engineer, seen.id, row_version=seen.row_version, name="윗면", is_required=False)
    assert (changed.name, changed.is_required, changed.row_version) == ("윗면", False, 2)
    with pytest.raises(Conflict) as caught:
        update_view(services, engineer, seen.id, row_version=seen.row_version, name="상면")
    assert caught.value.code == "stale_save"
    assert "윗면" in str(caught.value.params["changes"])


def test_the_order_is_a_persons_choice_and_made_of_the_views_that_there_are(
    services: Services, engineer: Person, product_id: int
) -> None:
    for code in ("top", "side", "bottom"):
        add_view(services, engineer, product_id, code=code)
    ordered = order_views(services, engineer, product_id, ["bottom", "top", "side"])
    assert [view.code for view in ordered] == ["bottom", "top", "side"] == _codes(services, product_id)
    with pytest.raises(Conflict):
        order_views(services, engineer, product_id, ["bottom", "top"])


def test_only_an_engineer_changes_views_and_all_is_recorded(
    services: Services, engineer: Person, product_id: int
) -> None:
    worker = open_person(services, "worker")
    with pytest.raises(NotAllowed):
        add_view(services, worker, product_id, code="top")
    view: View = add_view(services, engineer, product_id, code="top")
    update_view(services, engineer, view.id, row_version=1, found_as="internal")
    with services.database.reading() as session:
        rows = session.exec(select(AuditLog).where(AuditLog.subject_type == "product_view")).all()
    assert [row.action for row in rows] == ["product_view.created", "product_view.changed"]
    assert rows[1].details["changes"] == {"found_as": ["external", "internal"]}

"""The code on a part fills in lot and serial number: on every way of inspecting, and never over what was given."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.access import Person
from core.accounts.people import open_person
from core.catalog.products import update_product
from core.inspections.batch import inspect_many
from core.inspections.inspection import inspect
from core.inspections.line.part_codes import fill_from_code, read_scan
from core.inspections.loading import PartFile
from core.inspections.part_details import PartDetails
from core.inspections.records import load_record
from core.services import Services
from storage.tables import Product
from tests.coded_images import brushed, draw_code, put_code
from tests.plates import encode, plate

PART = put_code(brushed(), draw_code("LOT7;SN123"), x=40, y=40)


def _with_code(text: str = "LOT7;SN123") -> NDArray[np.uint8]:
    return put_code(plate(1, width_px=448, height_px=448), draw_code(text), x=20, y=20)


def _set_rule(services: Services, product: Product, rule: str) -> None:
    update_product(
        services,
        open_person(services, "engineer"),
        product.id,
        row_version=product.row_version,
        name=product.name,
        description=product.description,
        code_rule=rule,
    )


def test_lot_and_serial_number_are_filled_in_and_it_is_said() -> None:
    read = fill_from_code(PartDetails(line="L1"), PART, "auto")
    assert (read.details.line, read.details.lot, read.details.serial) == ("L1", "7", "123")
    assert (read.filled, read.differing, read.notes) == ({"lot": "7", "serial": "123"}, {}, ("code_filled",))


def test_what_was_given_is_kept_and_the_difference_is_said() -> None:
    read = fill_from_code(PartDetails(lot="8", serial="123"), PART, "auto")
    assert (read.details.lot, read.details.serial) == ("8", "123")
    assert (read.filled, read.differing, read.notes) == ({}, {"lot": "7"}, ("code_differs",))
    same = fill_from_code(PartDetails(lot="7", serial="123"), PART, "auto")
    assert same.notes == ()


def test_without_a_rule_the_picture_is_not_searched() -> None:
    assert fill_from_code(PartDetails(), PART, "").details == PartDetails()


def test_a_picture_without_a_code_needs_no_word() -> None:
    assert fill_from_code(PartDetails(), brushed(), "auto").notes == ()


def test_a_code_that_does_not_fit_the_products_pattern_is_said() -> None:
    read = fill_from_code(PartDetails(), PART, "{lot}/{serial}")
    assert (read.details, read.notes) == (PartDetails(), ("code_not_read",))


def test_two_parts_in_one_picture_fill_in_nothing() -> None:
    two = put_code(PART, draw_code("LOT7;SN124"), x=300, y=200)
    read = fill_from_code(PartDetails(), two, "auto")
    assert (read.details, read.notes) == (PartDetails(), ("code_several",))


def test_an_article_number_beside_the_serial_number_does_not_disturb() -> None:
    both = put_code(PART, draw_code("9501101530003", "EAN13"), x=250, y=200)
    assert fill_from_code(PartDetails(), both, "auto").filled == {"lot": "7", "serial": "123"}


def test_a_scan_is_read_even_where_pictures_are_not() -> None:
    assert read_scan("LOT7;SN123", "") == {"lot": "7", "serial": "123"}
    assert read_scan("7/123", "{lot}/{serial}") == {"lot": "7", "serial": "123"}
    assert read_scan("LOT7;SN123", "{lot}/{serial}") == {}


def test_an_inspection_keeps_what_the_code_says(toy_services: Services, product: Product, person: Person) -> None:
    _set_rule(toy_services, product, "auto")
    data = encode(_with_code())
    done = inspect(toy_services, person, product_id=product.id, data=data, file_name="a.png")
    found = load_record(toy_services, done.record.id)
    assert found == done.record
    assert (found.part.lot, found.part.serial) == ("7", "123")
    assert "code_filled" in found.image_notes
    given = PartDetails(serial="typed")
    typed = inspect(toy_services, person, product_id=product.id, data=data, file_name="a.png", part=given).record
    assert (typed.part.lot, typed.part.serial) == ("7", "typed")
    assert {"code_filled", "code_differs"} <= set(typed.image_notes)


def test_the_verdict_of_a_part_is_the_same_with_and_without_the_rule(
    toy_services: Services, product: Product, person: Person
) -> None:
    data = encode(_with_code())
    before = inspect(toy_services, person, product_id=product.id, data=data, file_name="a.png").record
    assert (before.part.serial, before.image_notes) == ("", ())
    _set_rule(toy_services, product, "auto")
    after = inspect(toy_services, person, product_id=product.id, data=data, file_name="a.png").record
    assert (after.verdict, after.score, after.regions) == (before.verdict, before.score, before.regions)


@pytest.mark.parametrize("source", ["batch", "watch", "api"])
def test_many_files_are_filled_in_as_one_is(
    toy_services: Services, product: Product, person: Person, source: str
) -> None:
    _set_rule(toy_services, product, "auto")
    files = [
        PartFile(
            f"{number}.png",
            lambda number=number: encode(_with_code(f"SN:{number}")),  # type: ignore[misc]
            PartDetails(source=source, lot="9"),  # type: ignore[arg-type]
        )
        for number in range(3)
    ]
    outcomes = list(inspect_many(toy_services, person, product_id=product.id, files=files))
    records = [outcome.record for outcome in outcomes]
    assert all(record is not None for record in records)
    assert [(record.part.lot, record.part.serial) for record in records if record] == [("9", f"{n}") for n in range(3)]

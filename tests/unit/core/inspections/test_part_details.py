"""Part details: the same names in the form, the dataclass and the row; texts as long as their columns take."""

from __future__ import annotations

from dataclasses import fields

import pytest

from core.errors import BadInput
from core.inspections.part_details import PartDetails, longest_text
from storage.tables import Inspection

TEXTS = ("line", "lot", "serial", "shift")


def test_every_detail_is_a_column_of_the_row_and_comes_back_from_it() -> None:
    assert {one.name for one in fields(PartDetails)} <= set(Inspection.model_fields)
    details = PartDetails(line="L1", lot="A-7", serial="0001", shift="night", source="batch", batch_job_id=7)
    row = Inspection(**details.to_columns())
    assert PartDetails.from_row(row) == details


def test_texts_are_stored_without_blanks_around_them() -> None:
    checked = PartDetails(line=" L1 ", serial="\t1 2\n", batch_job_id=3, source="cli").checked()
    assert checked == PartDetails(line="L1", serial="1 2", batch_job_id=3, source="cli")


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_as_long_as_its_column_takes_and_no_longer(name: str) -> None:
    limit = longest_text(name)
    assert limit == {"shift": 32}.get(name, 64)
    longest = PartDetails(**{name: " " + "가" * limit})  # type: ignore[arg-type]
    assert getattr(longest.checked(), name) == "가" * limit
    with pytest.raises(BadInput) as refused:
        PartDetails(**{name: "x" * (limit + 1)}).checked()  # type: ignore[arg-type]
    assert refused.value.code == "inspection_detail_too_long"
    assert refused.value.params == {"field": name, "limit": limit}

"""A similar image opened: what a curated image and an inspected part tell of what was done then."""

from __future__ import annotations

import pytest
from sqlmodel import select

from core.access import Person
from core.accounts.people import open_person
from core.errors import NotFound
from core.inspections import decisions
from core.inspections.cases import load_case
from core.services import Services
from storage.tables import Image
from tests.plates import encode, plate, seed_of
from tests.unit.core.inspections.conftest import SPOT, Inspect


def _indexed(services: Services) -> tuple[Image, bytes]:
    data = encode(plate(seed_of("train", "spot", 0), "spot"))
    with services.database.reading() as session:
        images = session.exec(select(Image).where(Image.image_type == "defect", Image.split == "train")).all()
    return next(image for image in images if services.objects.get(image.object_key) == data), data


def test_a_curated_image_tells_what_was_done_at_the_inspections_of_its_file(
    toy_services: Services, person: Person, inspect_part: Inspect
) -> None:
    image, data = _indexed(toy_services)
    case = load_case(toy_services, image.id)
    assert (case.is_part, case.name, case.image_type, case.split) == (False, image.stored_name, "defect", "train")
    assert case.defect_type is not None
    assert case.defect_type.code == "spot"
    assert case.arrived_by
    assert case.treatments == ()
    ids = [inspect_part(data).record.id for _ in range(4)]
    decisions.close_action(toy_services, person, ids[-1], row_version=1, status="done", note="Nozzle cleaned")
    inspect_part(SPOT)
    treatments = load_case(toy_services, image.id).treatments
    assert [treatment.inspection_id for treatment in treatments] == ids[:0:-1]
    assert treatments[0].decision.action_note == "Nozzle cleaned"
    assert treatments[0].action_by == person.display_name
    assert treatments[1].action_by == ""


def test_an_inspected_part_tells_who_decided_what(
    toy_services: Services, person: Person, inspect_part: Inspect
) -> None:
    engineer = open_person(toy_services, "engineer")
    record = inspect_part(SPOT, "part.png", line="L1", serial="S-1").record
    scratch = next(found for found in record.defect_types if found.code == "scratch")
    decisions.confirm_defect_type(toy_services, person, record.id, row_version=1, defect_type_id=scratch.id)
    decisions.override_verdict(toy_services, engineer, record.id, row_version=2, verdict="review", reason="Rework")
    case = load_case(toy_services, -record.id)
    assert (case.is_part, case.name, case.image_type, case.defect_type) == (True, "part.png", "defect", scratch)
    (treatment,) = case.treatments
    assert (treatment.verdict, treatment.decision.verdict) == ("reject", "review")
    assert (treatment.inspected_by, treatment.confirmed_by) == (person.display_name, person.display_name)
    assert (treatment.overridden_by, treatment.decision.override_reason) == (engineer.display_name, "Rework")
    assert (treatment.part.line, treatment.part.serial) == ("L1", "S-1")
    assert (treatment.action_by, treatment.decision.action_status) == ("", "open")


@pytest.mark.parametrize("match_id", [99_999, -99_999])
def test_what_was_deleted_is_not_found(toy_services: Services, match_id: int) -> None:
    with pytest.raises(NotFound):
        load_case(toy_services, match_id)

"""The corrective steps as a checklist: ticked with person and time, taken back, and counted over closed cases."""

from __future__ import annotations

import pytest
from sqlmodel import select

from core.access import Person
from core.errors import BadInput, NotAllowed, NotFound
from core.guidance.checklist import (
    count_past_cases,
    list_ticks,
    make_step_key,
    steps_to_do,
    tick_step,
    untick_step,
)
from core.services import Services
from core.transactions import writing
from inference.language.guidance import Section, Step
from storage.tables import AuditLog, Inspection
from tests.inspected_part import add_inspected_part

STEP = "노즐을 청소한다."


def _copies(services: Services, inspection_id: int, count: int, **values: object) -> list[int]:
    """Add more inspections like the given one; return their ids."""
    with writing(services) as session:
        row = session.get(Inspection, inspection_id)
        assert row is not None
        rows = [Inspection(**{**row.model_dump(exclude={"id"}), **values}) for _ in range(count)]
        session.add_all(rows)
        session.commit()
        return [found.id for found in rows]


def test_a_step_is_ticked_once_with_person_and_time_however_often_it_is_asked(
    services: Services, worker_person: Person, engineer: Person
) -> None:
    inspection_id = add_inspected_part(services, engineer)
    first = tick_step(services, worker_person, inspection_id, section="action", text=STEP)
    again = tick_step(services, engineer, inspection_id, section="action", text=f"  {STEP} ")
    assert again == first
    assert first.person_name == worker_person.display_name
    assert list_ticks(services, inspection_id) == {make_step_key(STEP): first}


def test_a_tick_is_taken_back_and_the_audit_log_keeps_whose_it_was(
    services: Services, worker_person: Person, engineer: Person
) -> None:
    inspection_id = add_inspected_part(services, engineer)
    tick_step(services, worker_person, inspection_id, section="action", text=STEP)
    for _ in range(2):
        untick_step(services, engineer, inspection_id, step_key=make_step_key(STEP))
    assert list_ticks(services, inspection_id) == {}
    with services.database.reading() as session:
        rows = session.exec(select(AuditLog).where(AuditLog.subject_type == "inspection")).all()
    assert [(row.action, row.user_name) for row in rows] == [
        ("inspection.tick", worker_person.display_name),
        ("inspection.untick", engineer.display_name),
    ]
    assert rows[1].details["step"] == STEP
    assert rows[1].details["ticked_by"] == worker_person.display_name


def test_a_step_written_again_keeps_its_tick_and_another_step_does_not() -> None:
    assert make_step_key("Clean the  nozzle.") == make_step_key(" clean the nozzle ")
    assert make_step_key("Clean the nozzle") != make_step_key("Clean the die")


def test_what_cannot_be_ticked_is_refused(services: Services, engineer: Person) -> None:
    inspection_id = add_inspected_part(services, engineer)
    for section, text in (("action", "  "), ("elsewhere", STEP), ("action", "x" * 2001)):
        with pytest.raises(BadInput) as refused:
            tick_step(services, engineer, inspection_id, section=section, text=text)
        assert refused.value.code == "checklist_step_invalid"
    with pytest.raises(NotFound):
        tick_step(services, engineer, 99_999, section="action", text=STEP)
    with pytest.raises(NotFound):
        untick_step(services, engineer, 99_999, step_key=make_step_key(STEP))
    nobody = Person(id=99_999, login="x", display_name="x", role="worker")
    with pytest.raises(NotAllowed):
        tick_step(services, nobody, inspection_id, section="action", text=STEP)


def test_likely_causes_need_no_tick_unless_there_is_nothing_else() -> None:
    cause = Section("cause", (Step("Worn nozzle", (1,), True),))
    action = Section("action", (Step("Clean it", (1,), True), Step("clean it.", (2,), True)))
    assert steps_to_do([cause, action]) == {make_step_key("Clean it")}
    assert steps_to_do([cause]) == {make_step_key("Worn nozzle")}


def test_steps_are_counted_over_the_closed_cases_of_the_same_type_alone(services: Services, engineer: Person) -> None:
    inspection_id = add_inspected_part(services, engineer)
    with services.database.reading() as session:
        row = session.get(Inspection, inspection_id)
        assert row is not None
        product_id, type_id = row.product_id, row.suggested_defect_type_id
    assert type_id is not None
    closed = _copies(services, inspection_id, 3, final_defect_type_id=type_id, action_status="done")
    still_open = _copies(services, inspection_id, 1, final_defect_type_id=type_id)
    unnamed = _copies(services, inspection_id, 1, action_status="done")
    for found in (*closed[:2], *still_open, *unnamed):
        tick_step(services, engineer, found, section="action", text=STEP)
    tick_step(services, engineer, closed[2], section="check", text="Another")
    keys = [make_step_key(STEP), make_step_key("Never done")]
    past = count_past_cases(services, product_id=product_id, defect_type_id=type_id, step_keys=keys)
    assert (past.n_closed, dict(past.n_done)) == (3, {make_step_key(STEP): 2})
    without = count_past_cases(
        services, product_id=product_id, defect_type_id=type_id, step_keys=keys, without=closed[0]
    )
    assert (without.n_closed, dict(without.n_done)) == (2, {make_step_key(STEP): 1})

"""The open corrective actions: a person's own or a product's, the newest first, with how many there are in all."""

from __future__ import annotations

from core.access import Person
from core.accounts.people import open_person
from core.catalog.products import set_product_active
from core.inspections.decisions import close_action
from core.inspections.follow_up.open_actions import count_open_actions, list_open_actions
from core.services import Services
from core.transactions import writing
from storage.tables import Inspection
from tests.inspected_part import add_inspected_part


def _copy(services: Services, inspection_id: int, **values: object) -> int:
    with writing(services) as session:
        row = session.get(Inspection, inspection_id)
        assert row is not None
        copy = Inspection(**{**row.model_dump(exclude={"id", "created_at"}), **values})
        session.add(copy)
        session.commit()
        return copy.id


def test_own_actions_and_those_of_a_product_are_told_apart(services: Services, worker_person: Person) -> None:
    engineer = open_person(services, "engineer")
    first = add_inspected_part(services, engineer)
    mine = _copy(services, first, created_by=worker_person.id, serial="S-18")
    _copy(services, first, created_by=worker_person.id, final_verdict="ok", action_status="none")
    own = list_open_actions(services, created_by=worker_person.id)
    assert [(row.inspection_id, row.serial, row.verdict) for row in own.rows] == [(mine, "S-18", "reject")]
    assert own.rows[0].defect_type is not None
    assert (own.rows[0].defect_type.code, own.rows[0].person_name) == ("scratch", worker_person.display_name)
    product_id = own.rows[0].product.id
    everyone = list_open_actions(services, product_id=product_id)
    assert [row.inspection_id for row in everyone.rows] == [mine, first]
    assert list_open_actions(services, product_id=product_id, limit=1).total == 2
    assert count_open_actions(services, product_id=product_id + 1) == 0


def test_a_closed_action_and_those_of_a_product_out_of_use_are_not_listed(services: Services, engineer: Person) -> None:
    first = add_inspected_part(services, engineer)
    second = _copy(services, first)
    close_action(services, engineer, first, row_version=1, status="done", note="")
    found = list_open_actions(services, created_by=engineer.id)
    assert [row.inspection_id for row in found.rows] == [second]
    set_product_active(services, engineer, found.rows[0].product.id, False)
    assert count_open_actions(services, created_by=engineer.id) == 0

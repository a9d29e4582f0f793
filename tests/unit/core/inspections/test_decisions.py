"""What people decide about an inspection record: who may overrule what, and who notices that somebody was faster."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import select

from core.access import Person
from core.accounts.people import open_person
from core.catalog import defect_types, products
from core.errors import BadInput, Conflict, NotFound
from core.inspections import decisions, records
from core.services import Services
from storage.tables import AuditLog
from tests.unit.core.inspections.conftest import GOOD, SPOT, Inspect


def test_an_override_needs_a_reason_and_the_models_own_verdict_stays(
    toy_services: Services, person: Person, inspect_part: Inspect
) -> None:
    record = inspect_part(SPOT).record
    for verdict, reason, code in (("ok", "  ", "override_needs_reason"), ("fine", "why", "verdict_unknown")):
        with pytest.raises(BadInput) as refused:
            decisions.override_verdict(toy_services, person, record.id, row_version=1, verdict=verdict, reason=reason)
        assert refused.value.code == code
    after = decisions.override_verdict(
        toy_services, person, record.id, row_version=1, verdict="ok", reason=" Only dust "
    )
    assert (after.verdict, after.override_reason) == ("ok", "Only dust")
    assert (after.overridden_by, after.action_status) == (person.id, "none")
    assert after.overridden_at is not None
    stored = records.load_record(toy_services, record.id)
    assert stored == replace(record, decision=after)
    assert stored.verdict == "reject"
    back = decisions.override_verdict(
        toy_services, person, record.id, row_version=after.row_version, verdict="reject", reason="No, a pore"
    )
    assert back.action_status == "open"
    with toy_services.database.reading() as session:
        actions = session.exec(select(AuditLog.action).where(AuditLog.subject_type == "inspection")).all()
    assert list(actions) == ["inspection.override", "inspection.override"]


def test_a_save_on_an_old_state_is_refused_with_who_changed_what(
    toy_services: Services, person: Person, inspect_part: Inspect
) -> None:
    record = inspect_part(SPOT).record
    engineer = open_person(toy_services, "engineer")
    decisions.override_verdict(toy_services, engineer, record.id, row_version=1, verdict="review", reason="Unsure")
    with pytest.raises(Conflict) as refused:
        decisions.close_action(toy_services, person, record.id, row_version=1, status="done", note="Cleaned")
    assert refused.value.code == "stale_save"
    assert engineer.display_name in str(refused.value)
    assert "review" in str(refused.value)
    assert records.load_record(toy_services, record.id).decision.action_note == ""


def test_a_defect_type_is_confirmed_changed_or_denied_but_never_another_products(
    toy_services: Services, person: Person, inspect_part: Inspect
) -> None:
    record = inspect_part(SPOT).record
    engineer = open_person(toy_services, "engineer")
    other = products.create_product(toy_services, engineer, name="Other", code="other")
    foreign = defect_types.create_defect_type(toy_services, engineer, product_id=other.id, code="burr", name_ko="버")
    for unknown in (foreign.id, 99_999):
        with pytest.raises(NotFound):
            decisions.confirm_defect_type(toy_services, person, record.id, row_version=1, defect_type_id=unknown)
    assert record.suggestion is not None
    assert record.suggestion.defect_type is not None
    row_version = record.decision.row_version
    for chosen in (record.suggestion.defect_type.id, None, record.defect_types[0].id):
        decision = decisions.confirm_defect_type(
            toy_services, person, record.id, row_version=row_version, defect_type_id=chosen
        )
        assert decision.defect_type_id == chosen
        assert decision.confirmed_by == person.id
        row_version = decision.row_version
    assert records.load_record(toy_services, record.id).suggestion == record.suggestion


def test_an_action_is_closed_opened_again_and_never_needed_for_a_good_part(
    toy_services: Services, person: Person, inspect_part: Inspect
) -> None:
    record = inspect_part(SPOT).record
    with pytest.raises(BadInput):
        decisions.close_action(toy_services, person, record.id, row_version=1, status="none", note="")
    row_version = 1
    for status in ("done", "open", "done"):
        decision = decisions.close_action(
            toy_services, person, record.id, row_version=row_version, status=status, note=" Cleaned "
        )
        assert (decision.action_status, decision.action_note, decision.action_by) == (status, "Cleaned", person.id)
        row_version = decision.row_version
    good = inspect_part(GOOD).record
    with pytest.raises(Conflict) as refused:
        decisions.close_action(toy_services, person, good.id, row_version=1, status="done", note="")
    assert refused.value.code == "action_not_needed"

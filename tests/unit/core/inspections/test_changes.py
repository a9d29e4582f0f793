"""The chain of changes of an inspection: every decision with its own reason, also those that a later one replaced."""

from __future__ import annotations

from core.access import Person
from core.accounts.people import open_person
from core.guidance.checklist import make_step_key, tick_step, untick_step
from core.inspections.decisions import close_action, confirm_defect_type, override_verdict
from core.inspections.follow_up.changes import describe_change, list_changes
from core.services import Services
from core.transactions import writing
from storage.tables import AuditLog, Inspection
from tests.inspected_part import add_inspected_part


def test_every_decision_stands_in_the_chain_with_who_when_what_and_why(
    services: Services, worker_person: Person
) -> None:
    engineer = open_person(services, "engineer")
    part = add_inspected_part(services, engineer)
    with services.database.reading() as session:
        row = session.get(Inspection, part)
        assert row is not None
        type_id = row.suggested_defect_type_id
    now = confirm_defect_type(services, worker_person, part, row_version=1, defect_type_id=type_id)
    now = override_verdict(services, worker_person, part, row_version=now.row_version, verdict="ok", reason="Only dust")
    now = override_verdict(
        services, engineer, part, row_version=now.row_version, verdict="reject", reason="A real *scratch*"
    )
    for text in ("Clean it", "Check it"):
        tick_step(services, worker_person, part, section="action", text=text)
    untick_step(services, engineer, part, step_key=make_step_key("Check it"))
    now = close_action(services, worker_person, part, row_version=now.row_version, status="open", note="Waits for glue")
    close_action(services, worker_person, part, row_version=now.row_version, status="done", note="Glued")

    changes = list_changes(services, part)
    assert [(change.person_name, describe_change(change, "en")) for change in changes] == [
        (worker_person.display_name, "Defect type: Scratch"),
        (worker_person.display_name, "Verdict changed: NG → OK · “Only dust”"),
        (engineer.display_name, "Verdict changed: OK → NG · “A real *scratch*”"),
        (worker_person.display_name, "2 steps done"),
        (engineer.display_name, "1 tick taken back: Check it"),
        (worker_person.display_name, "Action left open · “Waits for glue”"),
        (worker_person.display_name, "Action done · “Glued”"),
    ]
    assert describe_change(changes[1], "ko") == "판정 변경: 불량 → 정상 · “Only dust”"
    assert [change.at for change in changes] == sorted(change.at for change in changes)


def test_the_same_reason_twice_is_told_twice(services: Services, engineer: Person) -> None:
    part = add_inspected_part(services, engineer)
    now = override_verdict(services, engineer, part, row_version=1, verdict="ok", reason="Dust")
    override_verdict(services, engineer, part, row_version=now.row_version, verdict="review", reason="Dust")
    assert [change.text for change in list_changes(services, part)] == ["Dust", "Dust"]


def test_rows_of_earlier_versions_and_of_reviews_are_read_from_what_changed(
    services: Services, engineer: Person
) -> None:
    part = add_inspected_part(services, engineer)
    old = [
        ("inspection.override", {"final_verdict": ["reject", "ok"], "override_reason": ["", "Dust"]}),
        ("inspection.confirm_type", {"final_defect_type_id": [1, None]}),
        ("inspection.action", {"action_status": ["open", "done"], "action_note": ["", "Wiped"]}),
        ("inspection.review", {"review_state": ["waiting", "done"]}),
        ("inspection.something_else", {}),
        ("inspection.action", "not an object"),
    ]
    with writing(services) as session:
        for action, changes in old:
            session.add(
                AuditLog(
                    user_name="Kim",
                    action=action,
                    subject_type="inspection",
                    subject_id=part,
                    details={"row_version": 2, "changes": changes},
                )
            )
        session.commit()
    told = [describe_change(change, "en") for change in list_changes(services, part)]
    assert told == [
        "Verdict changed: NG → OK · “Dust”",
        "Defect type: none of the known types",
        "Action done · “Wiped”",
        "Review confirmed",
        "Action left open",
    ]


def test_an_inspection_that_nobody_touched_has_no_changes(services: Services, engineer: Person) -> None:
    assert list_changes(services, add_inspected_part(services, engineer)) == ()
    assert list_changes(services, 99_999) == ()

"""The queue of reviews: what waits, who may decide, and what happens when two decide at once."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import col, select

from core.access import Person, as_person
from core.accounts.people import create_user
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.history.review_queue import confirm_all, count_waiting, decide_review, list_waiting
from core.inspections.decisions import override_verdict
from core.inspections.follow_up.changes import describe_change, list_changes
from core.services import Services
from storage.tables import AuditLog, Inspection, Product
from tests.history_rows import add_product, add_rows, type_id

REVIEW: dict[str, Any] = {
    "verdict": "review",
    "final_verdict": "review",
    "review_state": "waiting",
    "action_status": "open",
}


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    return add_product(services, engineer)


def _row(services: Services, inspection_id: int) -> Inspection:
    with services.database.reading() as session:
        found = session.get(Inspection, inspection_id)
    assert found is not None
    return found


def test_everything_in_review_and_every_override_waits_oldest_first(
    services: Services, worker_person: Person, product: Product
) -> None:
    first = add_rows(services, worker_person, product, 2, **REVIEW)
    (ok,) = add_rows(services, worker_person, product)
    override_verdict(services, worker_person, ok, row_version=1, verdict="reject", reason="scratched")
    waiting = list_waiting(services)
    assert (list(waiting.ids), waiting.total, count_waiting(services)) == ([*first, ok], 3, 3)
    assert list(list_waiting(services, product_id=product.id + 1).ids) == []


def test_riskiest_first_begins_with_what_people_let_pass(
    services: Services, worker_person: Person, product: Product
) -> None:
    (hardly,) = add_rows(services, worker_person, product, score=20.5, **REVIEW)
    (nearly,) = add_rows(services, worker_person, product, score=24.9, **REVIEW)
    (passed,) = add_rows(
        services, worker_person, product, score=31.0, verdict="reject", final_verdict="ok", review_state="waiting"
    )
    assert list(list_waiting(services, order="riskiest").ids) == [passed, nearly, hardly]


def test_a_review_is_confirmed_as_it_is(services: Services, worker_person: Person, product: Product) -> None:
    (waiting,) = add_rows(services, worker_person, product, **REVIEW)
    decided = decide_review(services, worker_person, waiting, row_version=1)
    assert (decided.verdict, decided.review_state, decided.reviewed_by) == ("review", "done", worker_person.id)
    assert (decided.overridden_at, decided.row_version) == (None, 2)
    assert count_waiting(services) == 0


@pytest.mark.parametrize(("verdict", "action"), [("ok", "none"), ("reject", "open")])
def test_another_verdict_is_kept_as_an_override_with_its_reason(
    services: Services, worker_person: Person, product: Product, verdict: str, action: str
) -> None:
    (waiting,) = add_rows(services, worker_person, product, **REVIEW)
    with pytest.raises(BadInput) as caught:
        decide_review(services, worker_person, waiting, row_version=1, verdict=verdict)
    assert caught.value.code == "override_needs_reason"
    hole = type_id(services, product, "hole")
    decided = decide_review(
        services, worker_person, waiting, row_version=1, verdict=verdict, defect_type_id=hole, reason=" seen "
    )
    assert (decided.verdict, decided.action_status, decided.override_reason) == (verdict, action, "seen")
    assert (decided.overridden_by, decided.defect_type_id) == (worker_person.id, hole)
    assert decided.review_state == "done"
    row = _row(services, waiting)
    assert (row.verdict, row.row_version) == ("review", 2)
    told = [describe_change(change, "en") for change in list_changes(services, waiting)]
    named = {"ok": "OK", "reject": "NG"}[verdict]
    assert told == [f"Verdict changed: Review → {named} · “seen”", "Defect type: Hole", "Review confirmed"]


def test_what_somebody_decided_meanwhile_is_not_decided_again(
    services: Services, engineer: Person, worker_person: Person, product: Product
) -> None:
    (waiting,) = add_rows(services, worker_person, product, **REVIEW)
    decide_review(services, engineer, waiting, row_version=1, verdict="ok", reason="dust")
    with pytest.raises(Conflict) as caught:
        decide_review(services, worker_person, waiting, row_version=1, verdict="reject", reason="no")
    assert caught.value.code == "stale_save"
    assert engineer.display_name in caught.value.sentence("en")
    with pytest.raises(Conflict) as caught:
        decide_review(services, worker_person, waiting, row_version=2, verdict="reject", reason="no")
    assert caught.value.code == "review_not_waiting"
    assert _row(services, waiting).final_verdict == "ok"
    with services.database.reading() as session:
        decided = session.exec(select(AuditLog.id).where(col(AuditLog.action) == "inspection.review")).all()
    assert len(decided) == 1


def test_nobody_confirms_their_own_override_but_an_engineer(
    services: Services, admin: Person, engineer: Person, worker_person: Person, product: Product
) -> None:
    mine, theirs = add_rows(services, worker_person, product, 2)
    override_verdict(services, worker_person, mine, row_version=1, verdict="reject", reason="scratched")
    with pytest.raises(NotAllowed) as caught:
        decide_review(services, worker_person, mine, row_version=2)
    assert caught.value.code == "review_own_override"
    created = create_user(services, admin, login="b", display_name="B", role="worker", password="correct horse battery")
    colleague = as_person(created)
    assert decide_review(services, colleague, mine, row_version=2).review_state == "done"
    override_verdict(services, engineer, theirs, row_version=1, verdict="reject", reason="scratched")
    assert decide_review(services, engineer, theirs, row_version=2).review_state == "done"


def test_several_are_confirmed_at_once_and_those_that_are_not_are_named(
    services: Services, worker_person: Person, product: Product
) -> None:
    first, second, stale = add_rows(services, worker_person, product, 3, **REVIEW)
    (mine,) = add_rows(services, worker_person, product)
    override_verdict(services, worker_person, mine, row_version=1, verdict="reject", reason="scratched")
    decide_review(services, worker_person, stale, row_version=1)
    done = confirm_all(services, worker_person, {first: 1, second: 1, stale: 1, mine: 2, 999: 1})
    assert done.ids == (first, second)
    assert {number: error.code for number, error in done.problems.items()} == {
        stale: "stale_save",
        mine: "review_own_override",
        999: "not_found",
    }
    assert list(list_waiting(services).ids) == [mine]


def test_wrong_words_change_nothing(
    services: Services, engineer: Person, worker_person: Person, product: Product
) -> None:
    other = add_product(services, engineer, code="casting")
    (waiting,) = add_rows(services, worker_person, product, **REVIEW)
    with pytest.raises(BadInput):
        decide_review(services, worker_person, waiting, row_version=1, verdict="perhaps", reason="x")
    foreign = type_id(services, other, "hole")
    with pytest.raises(NotFound):
        decide_review(
            services, worker_person, waiting, row_version=1, verdict="reject", reason="x", defect_type_id=foreign
        )
    row = _row(services, waiting)
    assert (row.row_version, row.final_verdict, row.review_state) == (1, "review", "waiting")

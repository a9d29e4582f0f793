"""Thresholds that a person sets, and candidates that a person refuses."""

from __future__ import annotations

import pytest
from sqlmodel import select

from core.accounts.people import open_person
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.inspections.inspection import inspect
from core.inspections.records import load_record
from core.models.kinds import MEMORY_BANK
from core.registry.refusals import find_refusals, refuse_version
from core.registry.thresholds import find_threshold, save_thresholds
from core.registry.versions import activate, list_versions
from core.services import Services
from core.transactions import reading, writing
from storage.tables import AuditLog, ModelVersion, Product
from tests.plates import deploy, encode, plate, seed_of


def _active(services: Services, product: Product) -> ModelVersion:
    return next(row for row in list_versions(services, MEMORY_BANK, product.id) if row.active_key is not None)


def _last_audit(services: Services) -> AuditLog:
    with reading(services) as session:
        return session.exec(select(AuditLog).order_by(AuditLog.id.desc())).first()  # type: ignore[attr-defined,return-value]


def test_thresholds_of_a_person_hold_from_the_next_inspection_on(
    plate_services: Services, plate_product: Product
) -> None:
    engineer, worker = open_person(plate_services, "engineer"), open_person(plate_services, "worker")
    data = encode(plate(seed_of("test", "good", 50)))

    def look() -> tuple[int, str]:
        shown = inspect(plate_services, worker, product_id=plate_product.id, data=data, file_name="a.png").record
        return shown.id, shown.verdict

    old_id, old_verdict = look()
    version = _active(plate_services, plate_product)
    before = find_threshold(plate_services, version.id)
    saved = save_thresholds(
        plate_services,
        engineer,
        version.id,
        0.01,
        before.reject_at,
        reason=" too many escapes ",
        seen_id=before.id,
        flips={"good_stopped": 3},
    )
    assert (saved.method, saved.reason, saved.created_by) == ("manual", "too many escapes", engineer.id)
    assert find_threshold(plate_services, version.id) == saved
    new_id, new_verdict = look()
    assert (old_verdict, new_verdict) == ("ok", "review")
    assert load_record(plate_services, old_id).verdict == "ok"
    assert load_record(plate_services, old_id).review_at == before.review_at
    assert load_record(plate_services, new_id).threshold_method == "manual"
    with reading(plate_services) as session:
        (told,) = session.exec(select(AuditLog).where(AuditLog.action == "thresholds.changed")).all()
    assert told.details["changes"] == {"review_at": [before.review_at, 0.01]}
    assert told.details["flips"] == {"good_stopped": 3}


def test_thresholds_are_refused_without_a_reason_in_the_wrong_order_or_on_what_has_changed(
    plate_services: Services, plate_product: Product
) -> None:
    engineer = open_person(plate_services, "engineer")
    version = _active(plate_services, plate_product)
    seen = find_threshold(plate_services, version.id)

    def save(review_at: float, reject_at: float, reason: str = "why", seen_id: int = seen.id) -> None:
        save_thresholds(plate_services, engineer, version.id, review_at, reject_at, reason=reason, seen_id=seen_id)

    for review_at, reject_at in ((2.0, 1.0), (float("nan"), 1.0), (-1.0, 1.0), (1.0, float("inf"))):
        with pytest.raises(BadInput):
            save(review_at, reject_at)
    with pytest.raises(BadInput, match="why"):
        save(1.0, 2.0, reason="  ")
    with pytest.raises(NotAllowed):
        save_thresholds(
            plate_services, open_person(plate_services, "worker"), version.id, 1, 2, reason="x", seen_id=seen.id
        )
    with pytest.raises(NotFound):
        save_thresholds(plate_services, engineer, 10_000, 1, 2, reason="x", seen_id=seen.id)
    save(1.0, 2.0)
    with pytest.raises(Conflict, match="Somebody else"):
        save(1.5, 2.5)
    assert find_threshold(plate_services, version.id).review_at == 1.0


def test_a_refused_candidate_stays_one_and_says_who_refused_it(
    plate_services: Services, plate_product: Product
) -> None:
    engineer = open_person(plate_services, "engineer")
    deploy(plate_services, plate_product.id, kinds=(MEMORY_BANK,))
    newest = list_versions(plate_services, MEMORY_BANK, plate_product.id)[0]
    with pytest.raises(Conflict, match="nothing to refuse"):
        refuse_version(plate_services, engineer, newest.id, reason="worse")
    with writing(plate_services) as session:
        row = session.get(ModelVersion, newest.id)
        assert row is not None
        row.active_key, row.state = None, "candidate"
        session.add(row)
        session.commit()
    with pytest.raises(BadInput, match="why"):
        refuse_version(plate_services, engineer, newest.id, reason=" ")
    with pytest.raises(NotAllowed):
        refuse_version(plate_services, open_person(plate_services, "worker"), newest.id, reason="worse")
    refuse_version(plate_services, engineer, newest.id, reason="passes scratches", flips={"defect_passed": 2})
    versions = list_versions(plate_services, MEMORY_BANK, plate_product.id)
    assert versions[0].state == "candidate"
    found = find_refusals(plate_services, versions)
    assert set(found) == {newest.id}
    assert (found[newest.id].refused_by, found[newest.id].reason) == (engineer.display_name, "passes scratches")
    assert _last_audit(plate_services).details["flips"] == {"defect_passed": 2}
    # Whoever changes their mind may use it all the same; then nothing is said of the refusal.
    activate(plate_services, engineer, newest.id, flips={"good_stopped": 1})
    with reading(plate_services) as session:
        told = session.exec(
            select(AuditLog).where(AuditLog.action == "version.activate", AuditLog.subject_id == newest.id)
        ).all()
    assert told[-1].details["flips"] == {"good_stopped": 1}
    assert find_refusals(plate_services, list_versions(plate_services, MEMORY_BANK, plate_product.id)) == {}

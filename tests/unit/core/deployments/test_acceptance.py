"""A new memory bank beside the one in use: what speaks against it keeps it waiting, and a person may override it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import col, select

from core.__main__ import main
from core.accounts.people import open_person
from core.catalog.products import find_product
from core.cli.deploying import BUILT_NOT_ACTIVATED
from core.deployments import pipeline
from core.errors import Conflict
from core.images.imports.folder_import import import_path
from core.jobs import claims, queue, views
from core.jobs.outcomes import ProductOutcome
from core.models.judgments import KNOWN_DEFECTS, MOST_ESCAPE, NEAR_CHANCE, WORSE_ON_TEST, reasons_of
from core.models.kinds import MEMORY_BANK
from core.registry.model_status import model_states
from core.registry.versions import activate, active_version, list_versions
from core.registry.weak_models import list_weak_models, weak_spots_in_use
from core.services import Services, build_services
from inference.vision.detection import calibration
from storage.tables import AuditLog, ModelVersion, Product
from tests.plates import deploy, folder_settings, plate, write


@pytest.fixture
def blunt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every build choose thresholds that pass everything."""
    honest = calibration.calibrate

    def choose(*scores: object, **options: object) -> calibration.Calibration:
        found = honest(*scores, **options)  # type: ignore[arg-type]
        return replace(found, review_at=9 * found.review_at, reject_at=9 * found.reject_at)

    monkeypatch.setattr(calibration, "calibrate", choose)


def _outcome(services: Services, job_id: int) -> ProductOutcome:
    (outcome,) = views.view(services, job_id).outcomes
    return outcome


def _in_use(services: Services, product: Product) -> ModelVersion:
    with services.database.reading() as session:
        found = active_version(session, MEMORY_BANK, product.id)
    assert found is not None
    return found


def _last_audit(services: Services, action: str) -> AuditLog:
    with services.database.reading() as session:
        query = select(AuditLog).where(AuditLog.action == action).order_by(col(AuditLog.id).desc())
        found = session.exec(query).first()
    assert found is not None
    return found


@pytest.mark.usefixtures("blunt")
def test_a_candidate_that_passes_known_defects_waits_and_is_put_into_use_by_a_person_who_has_seen_why(
    plate_services: Services, plate_product: Product
) -> None:
    before = _in_use(plate_services, plate_product)
    (job_id,) = deploy(plate_services, plate_product.id, kinds=(MEMORY_BANK,))
    outcome = _outcome(plate_services, job_id)
    assert (outcome.outcome, outcome.reason) == ("candidate", "worse")
    assert [found.code for found in outcome.held_back] == [WORSE_ON_TEST, KNOWN_DEFECTS, MOST_ESCAPE]
    assert _in_use(plate_services, plate_product).id == before.id
    # Six labeled training defects and four of the test images.
    images = outcome.held_back[1].images
    assert len(images) == 10
    assert {image.defect_type for image in images} == {"scratch", "spot"}
    assert all(image.active_score > image.score * 0.99 for image in images)
    newest = list_versions(plate_services, MEMORY_BANK, plate_product.id)[0]
    assert reasons_of(newest.metrics) == outcome.held_back
    codes = [line.code for line in views.view(plate_services, job_id).log]
    assert codes.count("log_objection") == 3
    assert codes[-1] == "log_candidate_held"

    person = open_person(plate_services, "engineer")
    with pytest.raises(Conflict) as refused:
        activate(plate_services, person, newest.id)
    assert refused.value.code == "version_held_back"
    with pytest.raises(Conflict, match="known defects"):
        activate(plate_services, person, newest.id, in_spite_of=[WORSE_ON_TEST])
    seen = [found.code for found in outcome.held_back]
    activate(plate_services, person, newest.id, in_spite_of=seen)
    told = _last_audit(plate_services, "version.activate")
    assert (told.user_id, told.details["overridden"]) == (person.id, seen)
    # What was put into use is no candidate any more: the way back and forth is open.
    activate(plate_services, person, before.id)
    activate(plate_services, person, newest.id)


@pytest.mark.usefixtures("blunt")
def test_a_job_that_was_asked_to_activate_overrides_and_the_audit_log_says_so(
    plate_services: Services, plate_product: Product
) -> None:
    person = open_person(plate_services, "engineer")
    job_id = queue.submit(plate_services, person, kind=MEMORY_BANK, product_ids=[plate_product.id], activate=True)
    claim = claims.claim_next(plate_services, "tests")
    assert claim is not None
    assert pipeline.work_off(plate_services, claim) is None
    outcome = _outcome(plate_services, job_id)
    assert (outcome.outcome, outcome.reason) == ("activated", "overridden")
    assert KNOWN_DEFECTS in [found.code for found in outcome.held_back]
    assert _in_use(plate_services, plate_product).id == outcome.version_id
    told = _last_audit(plate_services, "version.activate")
    assert told.user_id == person.id
    assert told.details["overridden"] == [found.code for found in outcome.held_back]
    assert _last_audit(plate_services, "job.submit").details["activate"] is True


@pytest.mark.usefixtures("blunt")
def test_an_older_version_scores_the_defects_once_and_keeps_what_it_found(
    plate_services: Services, plate_product: Product
) -> None:
    before = _in_use(plate_services, plate_product)
    stored = before.metrics["defect_scores"]
    assert len(stored) == 10
    with plate_services.database.unit_of_work() as session:
        row = session.get(ModelVersion, before.id)
        assert row is not None
        row.metrics = {name: value for name, value in row.metrics.items() if name != "defect_scores"}
        session.add(row)
        session.commit()
    (job_id,) = deploy(plate_services, plate_product.id, kinds=(MEMORY_BANK,))
    assert KNOWN_DEFECTS in [found.code for found in _outcome(plate_services, job_id).held_back]
    assert _in_use(plate_services, plate_product).metrics["defect_scores"] == pytest.approx(stored, rel=1e-4)


def test_a_rebuild_of_the_same_images_goes_into_use(plate_services: Services, plate_product: Product) -> None:
    (job_id,) = deploy(plate_services, plate_product.id, kinds=(MEMORY_BANK,))
    outcome = _outcome(plate_services, job_id)
    assert (outcome.outcome, outcome.held_back, outcome.weak_on_test) == ("activated", (), ())


def test_a_first_version_near_chance_is_built_and_not_used_until_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, data_dir = tmp_path / "veiled", tmp_path / "data"
    for number in range(8):
        write(folder / "train" / "good" / f"{number}.png", plate(number))
    for number in range(4):
        write(folder / "test" / "good" / f"{number}.png", plate(100 + number))
        # The defect cannot be seen.
        write(folder / "test" / "haze" / f"{number}.png", plate(200 + number))
    services = build_services(folder_settings(data_dir), migrate=True)
    import_path(services, open_person(services, "engineer"), folder)
    product = find_product(services, "veiled")
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(data_dir))
    monkeypatch.setenv("GEOMSA_DEVICE", "cpu")

    assert main(["deploy", "memory-bank", "--product", "veiled"]) == BUILT_NOT_ACTIVATED == 3
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told["outcome"] == "candidate"
    assert MOST_ESCAPE in {found["code"] for found in told["held_back"]} <= {NEAR_CHANCE, MOST_ESCAPE}
    assert [spot["defect_type"] for spot in told["weak_on_test"]] == ["", "haze"]
    assert "Most test defects are judged OK at its thresholds: 4 of 4." in err
    assert "haze" in err
    assert "python -m core deploy memory-bank --product veiled --activate" in err
    state = model_states(services)[(MEMORY_BANK, product.id)]
    assert (state.state, state.active) == ("none", None)
    assert state.built is not None
    assert list_weak_models(services) == []

    assert main(["deploy", "memory-bank", "--product", "veiled", "--activate"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["reason"] == "overridden"
    assert "in spite of this" in err
    assert [spot.defect_type for spot in weak_spots_in_use(services, product.id)] == ["", "haze"]

    assert main(["doctor", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    check = next(found for found in report["checks"] if found["name"] == "models")
    assert (check["ok"], check["warning"]) == (True, True)
    assert [spot["defect_type"] for spot in check["params"]["weak_on_test"]] == ["", "haze"]
    assert "haze" in check["message"]
    main(["doctor"])
    assert "warn  models:" in capsys.readouterr().out
    services.database.dispose()

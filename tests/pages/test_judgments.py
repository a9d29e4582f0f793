"""What speaks against a version, and what the one in use hardly finds, as the screens say it."""

from __future__ import annotations

from sqlmodel import col, select
from streamlit.testing.v1 import AppTest

from core.access import ADMIN, ENGINEER, WORKER
from core.demo.images.solar_cells import DEFECT_CODE
from core.images.library import list_images
from core.models.judgments import (
    KNOWN_DEFECTS,
    NEAR_CHANCE,
    HoldReason,
    PassedDefect,
    WeakSpot,
    write_reasons,
)
from core.models.kinds import MEMORY_BANK
from core.registry.versions import list_versions
from core.services import Services
from pages.components.shared.screens import INSPECT_PART, MEMORY_BANKS
from storage.tables import AuditLog, ModelVersion, ThresholdSetting, utc_now
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import texts

_WEAK = (WeakSpot("", 9, 0.9, 0.8, 1.0, 5), WeakSpot(DEFECT_CODE, 9, 0.41, 0.12, 0.69, 5))


def _said(app: AppTest) -> str:
    """Return what is written on the screen, without the marks that keep names from being read as Markdown."""
    return texts(app).replace("\\", "")


def _only_version(services: Services) -> ModelVersion:
    (version,) = list_versions(services, MEMORY_BANK, 1)
    return version


def _add_held_candidate(services: Services) -> ModelVersion:
    active = _only_version(services)
    image = list_images(services, 1, image_type="defect", split="train").rows[0]
    reasons = [
        HoldReason(NEAR_CHANCE, {"image_auroc": 0.41, "low": 0.12, "high": 0.69, "n_normal": 3, "n_defect": 3}),
        HoldReason(
            KNOWN_DEFECTS,
            {"count": 1, "n_known": 12},
            (PassedDefect(image.id, image.stored_name, DEFECT_CODE, 31.5, 29.25),),
        ),
    ]
    with services.database.unit_of_work() as session:
        values = active.model_dump(exclude={"id", "active_key"})
        values |= {"number": 2, "state": "candidate", "activated_at": None, "created_at": utc_now()}
        candidate = ModelVersion(**{**values, "metrics": {**active.metrics, **write_reasons(reasons)}})
        session.add(candidate)
        session.flush()
        limits = session.exec(select(ThresholdSetting).where(ThresholdSetting.model_version_id == active.id)).one()
        session.add(ThresholdSetting(**(limits.model_dump(exclude={"id"}) | {"model_version_id": candidate.id})))
        session.commit()
    return candidate


def _weaken(services: Services) -> None:
    version = _only_version(services)
    with services.database.unit_of_work() as session:
        row = session.get_one(ModelVersion, version.id)
        row.metrics = {**row.metrics, "weak_on_test": [spot.to_json() for spot in _WEAK]}
        session.add(row)
        session.commit()


def test_a_candidate_says_why_it_waits_and_is_used_all_the_same_after_a_yes(
    open_deployed: OpenApp, deployed: Services
) -> None:
    candidate = _add_held_candidate(deployed)
    app = open_deployed(MEMORY_BANKS)
    said = _said(app)
    assert "0.12 to 0.69" in said
    assert "It would pass known defects that the version in use stops (1 of 12)" in said
    assert "31.5 → 29.25" in said
    assert "Against this version:" in said
    button = app.button(key=f"activate_{candidate.id}")
    assert button.label == "Use it all the same"
    button.click().run()
    assert not app.exception
    with deployed.database.reading() as session:
        assert session.get_one(ModelVersion, candidate.id).active_key is not None
        query = select(AuditLog).where(AuditLog.action == "version.activate").order_by(col(AuditLog.id).desc())
        told = session.exec(query).first()
    assert told is not None
    assert told.details["overridden"] == [NEAR_CHANCE, KNOWN_DEFECTS]


def test_a_first_version_that_waits_is_said_where_parts_are_inspected(
    open_deployed: OpenApp, deployed: Services
) -> None:
    candidate = _add_held_candidate(deployed)
    with deployed.database.unit_of_work() as session:
        for row in session.exec(select(ThresholdSetting).where(ThresholdSetting.model_version_id != candidate.id)):
            session.delete(row)
        for version in session.exec(select(ModelVersion).where(ModelVersion.kind == MEMORY_BANK)):
            if version.id != candidate.id:
                version.active_key, version.state = None, "retired"
                session.add(version)
        session.commit()
    said = _said(open_deployed(INSPECT_PART))
    assert "its memory bank is built, but not in use" in said
    assert "0.12 to 0.69" in said
    said = _said(open_deployed(INSPECT_PART, role=WORKER))
    assert "Ask a quality engineer to put it into use" in said
    assert "0.12 to 0.69" not in said
    said = _said(open_deployed(MEMORY_BANKS))
    assert "none is in use yet" in said


def test_engineers_and_administrators_read_what_the_model_hardly_finds_and_workers_do_not(
    open_deployed: OpenApp, deployed: Services
) -> None:
    _weaken(deployed)
    for role in (ENGINEER, ADMIN):
        said = _said(open_deployed(INSPECT_PART, role=role))
        assert "This model hardly finds: Cell defect." in said
        assert "0.12 to 0.69" in said
    assert "hardly finds" not in _said(open_deployed(INSPECT_PART, role=WORKER))
    assert "거의 찾아내지 못하는 불량: 셀 결함" in _said(open_deployed(INSPECT_PART, language="ko"))


def test_the_system_status_warns_of_a_weak_model(open_deployed: OpenApp, deployed: Services) -> None:
    _weaken(deployed)
    said = _said(open_deployed("pages/administration/system_status.py", role=ADMIN))
    assert "Models in use that are weak on their test images: cells" in said

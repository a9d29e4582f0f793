"""What would change, on the screen: the replay, its pictures, and the decision; other thresholds for what is in use."""

from __future__ import annotations

import pytest
from sqlmodel import col, select
from streamlit.testing.v1 import AppTest

from core.accounts.people import open_person
from core.inspections.decisions import override_verdict
from core.inspections.inspection import inspect
from core.models.judgments import HoldReason, write_reasons
from core.models.kinds import MEMORY_BANK
from core.registry.versions import list_versions
from core.services import Services
from core.transactions import reading, writing
from pages.components.shared.dialogs import OpenDialog
from pages.components.shared.screens import MEMORY_BANKS
from storage.tables import AuditLog, Image, ModelVersion, ThresholdSetting
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import press, texts

# Below every score: a version with these thresholds stops whatever it sees.
STRICT = (0.001, 0.002)


@pytest.fixture
def candidate(deployed: Services) -> ModelVersion:
    """Return a candidate that is the version in use with thresholds that stop everything."""
    (active,) = list_versions(deployed, MEMORY_BANK, 1)
    with writing(deployed) as session:
        copied = {name: value for name, value in active.model_dump().items() if name not in {"id", "active_key"}}
        row = ModelVersion(**{**copied, "number": 2, "state": "candidate", "activated_at": None})
        session.add(row)
        session.flush()
        session.add(
            ThresholdSetting(model_version_id=row.id, review_at=STRICT[0], reject_at=STRICT[1], method="percentile")
        )
        session.commit()
        session.refresh(row)
    return row


@pytest.fixture
def inspection_id(deployed: Services) -> int:
    """Return an inspection of a good part that a person has confirmed."""
    worker = open_person(deployed, "worker")
    with reading(deployed) as session:
        image = session.exec(
            select(Image).where(Image.image_type == "normal", Image.split == "test").order_by(col(Image.id))
        ).first()
    assert image is not None
    data = deployed.objects.get(image.object_key)
    # Another file, else it counts as the curated image.
    shown = inspect(deployed, worker, product_id=1, data=data + b"\0", file_name="line <1>.png")
    override_verdict(deployed, worker, shown.record.id, row_version=1, verdict="ok", reason="looked at")
    return shown.record.id


def _start(app: AppTest, version: ModelVersion) -> AppTest:
    app = app.button(key=f"replay_{version.id}").click().run(timeout=120)
    assert not app.exception
    return app


def _turn_page(app: AppTest, version: ModelVersion) -> AppTest:
    app.session_state[f"flips_{version.id}_page_2"] = 2
    app.run(timeout=60)
    assert not app.exception
    return app


def _audit(services: Services, action: str) -> AuditLog:
    with reading(services) as session:
        return session.exec(select(AuditLog).where(AuditLog.action == action).order_by(col(AuditLog.id))).all()[-1]


def test_a_candidate_is_replayed_and_put_into_use_with_what_was_seen(
    open_deployed: OpenApp, deployed: Services, candidate: ModelVersion, inspection_id: int
) -> None:
    app = _start(open_deployed(MEMORY_BANKS), candidate)
    told = texts(app)
    assert "good parts would now be stopped" in told
    assert "1 recent inspection" in told
    told = texts(_turn_page(app, candidate))
    assert "Decided by a person: Good part" in told
    assert "line \\<1\\>.png" in told
    app.button(key=f"use_{candidate.id}").click().run(timeout=120)
    assert not app.exception
    row = next(row for row in list_versions(deployed, MEMORY_BANK, 1) if row.active_key is not None)
    assert row.number == 2
    assert _audit(deployed, "version.activate").details["flips"]["good_stopped"] > 1


def test_a_candidate_is_refused_with_a_reason_that_stays_beside_it(
    open_deployed: OpenApp, deployed: Services, candidate: ModelVersion, inspection_id: int
) -> None:
    app = _start(open_deployed(MEMORY_BANKS), candidate)
    assert "waits beside" in texts(app)
    app.button(key=f"refuse_{candidate.id}").click().run(timeout=60)
    assert "Say why you refuse this version." in texts(app)
    app.text_input(key=f"refusal_{candidate.id}").set_value("stops *everything*").run(timeout=60)
    app.button(key=f"refuse_{candidate.id}").click().run(timeout=60)
    assert not app.exception
    app.run()
    told = texts(app)
    assert "refused by" in told
    assert "stops \\*everything\\*" in told
    assert "waits beside" not in told
    assert _audit(deployed, "version.refuse").details["flips"]["good_stopped"] > 1
    assert list_versions(deployed, MEMORY_BANK, 1)[0].state == "candidate"


def test_what_speaks_against_a_candidate_stands_beside_the_decision(
    open_deployed: OpenApp, deployed: Services, candidate: ModelVersion
) -> None:
    reason = HoldReason("most_escape", {"escape": 5, "n_defect": 6})
    with writing(deployed) as session:
        row = session.get(ModelVersion, candidate.id)
        assert row is not None
        row.metrics = {**row.metrics, **write_reasons([reason])}
        session.add(row)
        session.commit()
    app = _start(open_deployed(MEMORY_BANKS), candidate)
    assert "no inspections yet" in texts(app)
    button = app.button(key=f"use_{candidate.id}")
    assert button.label == "Use it all the same"
    button.click().run(timeout=120)
    assert not app.exception
    assert _audit(deployed, "version.activate").details["overridden"] == ["most_escape"]


def test_a_part_that_flips_is_opened_where_it_was_inspected(
    open_deployed: OpenApp, candidate: ModelVersion, inspection_id: int
) -> None:
    app = _turn_page(_start(open_deployed(MEMORY_BANKS), candidate), candidate)
    app.button(key=f"flips_{candidate.id}_open_inspection_{inspection_id}").click().run(timeout=60)
    assert not app.exception
    assert "Inspect a part" in texts(app)
    assert app.query_params["inspection"] in (str(inspection_id), [str(inspection_id)])


def test_a_labeled_image_that_flips_is_opened_in_place(open_deployed: OpenApp, candidate: ModelVersion) -> None:
    app = _start(open_deployed(MEMORY_BANKS), candidate)
    opening = next(button for button in app.button if str(button.key).startswith(f"flips_{candidate.id}_open_image_"))
    opening.click().run(timeout=60)
    assert not app.exception
    dialog = app.session_state["open_dialog"]
    assert isinstance(dialog, OpenDialog)
    assert dialog.values["walk"].image_id == int(str(opening.key).rpartition("_")[2])


def test_other_thresholds_are_tried_and_saved_with_a_reason(
    open_deployed: OpenApp, deployed: Services, inspection_id: int
) -> None:
    (active,) = list_versions(deployed, MEMORY_BANK, 1)
    app = _start(open_deployed(MEMORY_BANKS, language="ko"), active)
    app.number_input(key=f"try_review_{active.id}").set_value(30.0)
    app.number_input(key=f"try_reject_{active.id}").set_value(20.0)
    press(app, "바뀔 판정")
    assert "불량 기준이 판정 보류 기준보다 낮을 수 없습니다" in texts(app)
    app.number_input(key=f"try_review_{active.id}").set_value(STRICT[0])
    app.number_input(key=f"try_reject_{active.id}").set_value(20.0)
    press(app, "바뀔 판정")
    assert "통과하지 못하게 됩니다" in texts(app)
    press(app, "이 임계값 저장")
    assert "임계값을 바꾸는 사유를 입력하십시오." in texts(app)
    app.text_input(key=f"threshold_reason_{active.id}").set_value("미검 방지").run(timeout=60)
    press(app, "이 임계값 저장")
    with reading(deployed) as session:
        rows = session.exec(select(ThresholdSetting).order_by(col(ThresholdSetting.id))).all()
    assert (rows[-1].method, rows[-1].reason, rows[-1].review_at) == ("manual", "미검 방지", STRICT[0])
    assert _audit(deployed, "thresholds.changed").details["flips"]["good_stopped"] > 1


def test_a_kept_image_that_is_gone_is_named(
    open_deployed: OpenApp, deployed: Services, candidate: ModelVersion, inspection_id: int
) -> None:
    with writing(deployed) as session:
        row = session.get(ModelVersion, candidate.id)
        assert row is not None
        row.sources = {}
        session.add(row)
        session.commit()
    for info in list(deployed.objects.list("inspections/")):
        deployed.objects.delete(info.key)
    app = _start(open_deployed(MEMORY_BANKS), candidate)
    assert "line" in texts(app)
    assert any("could not be read" in expander.label for expander in app.expander)

"""The dashboard, through Home.py."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.access import Person
from core.catalog.defect_types import create_defect_type
from core.catalog.products import create_product
from core.services import Services
from pages.components.shared.screens import DASHBOARD
from storage.tables import DefectType, Inspection, ModelVersion, ThresholdSetting, utc_now
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import texts


def add_inspections(services: Services, defect_type: DefectType, days_ago: list[int], **values: object) -> None:
    """Add one rejected part with a suggested type for each of `days_ago`."""
    with services.database.unit_of_work() as session:
        version = ModelVersion(
            kind="memory_bank",
            scope=f"product:{defect_type.product_id}",
            product_id=defect_type.product_id,
            number=defect_type.id,
            model_name="m",
            object_prefix="m",
            manifest_sha256="m",
            fingerprint="m",
        )
        session.add(version)
        session.flush()
        threshold = ThresholdSetting(
            model_version_id=version.id, review_at=1.0, reject_at=2.0, method="percentile", reason=""
        )
        session.add(threshold)
        session.flush()
        for number, days in enumerate(days_ago):
            row = Inspection(
                product_id=defect_type.product_id,
                created_at=utc_now() - timedelta(days=days),
                source="upload",
                original_name="part.png",
                image_key="k",
                thumbnail_key="k",
                heat_map_key="k",
                image_sha256=f"{number}",
                width_px=8,
                height_px=8,
                score=2.5,
                review_at=1.0,
                reject_at=2.0,
                memory_bank_version_id=version.id,
                threshold_setting_id=threshold.id,
                verdict="reject",
                final_verdict="reject",
                suggested_defect_type_id=defect_type.id,
            )
            for name, value in values.items():
                setattr(row, name, value)
            session.add(row)
        session.commit()


@pytest.fixture
def hole(services: Services, engineer: Person) -> DefectType:
    """Return a defect type `hole` of a product `casting`."""
    product = create_product(services, engineer, name="주조A형", code="casting")
    return create_defect_type(
        services, engineer, product_id=product.id, code="hole", name_ko="기공", name_en="Blow hole"
    )


@pytest.mark.parametrize(("language", "words"), [("en", "Four steps"), ("ko", "네 단계")])
def test_new_system_says_what_to_do(open_app: OpenApp, language: str, words: str) -> None:
    assert words in texts(open_app(DASHBOARD, language=language))


def test_line_worker_of_a_new_system_is_sent_to_an_engineer(open_app: OpenApp) -> None:
    app = open_app(DASHBOARD, role="worker")
    assert "Ask a quality engineer" in texts(app)
    assert not app.error


@pytest.mark.parametrize(("language", "name", "verdict"), [("en", "Blow hole", "NG"), ("ko", "기공", "불량")])
def test_figures_are_of_the_period(
    open_app: OpenApp, services: Services, hole: DefectType, language: str, name: str, verdict: str
) -> None:
    add_inspections(services, hole, [0, 1, 3, 20, 60])
    app = open_app(DASHBOARD, language=language)
    assert [metric.value for metric in app.metric][:3] == ["1", "4", "4"]
    assert len(app.get("plotly_chart")) == 1
    last = app.table[1].value
    assert name in last.to_string()
    assert verdict in last.to_string()
    assert len(last) == 5
    app.segmented_control(key="dashboard_days").set_value(7).run()
    assert [metric.value for metric in app.metric][:3] == ["1", "3", "3"]
    app.segmented_control(key="dashboard_days").set_value(90).run()
    assert [metric.value for metric in app.metric][:3] == ["1", "5", "5"]


def test_product_filter_leaves_its_own_figures(
    open_app: OpenApp, services: Services, engineer: Person, hole: DefectType
) -> None:
    other = create_product(services, engineer, name="Leather", code="leather")
    add_inspections(services, hole, [0, 1])
    app = open_app(DASHBOARD)
    app.selectbox(key="dashboard_product").set_value(other.id).run()
    assert [metric.value for metric in app.metric][:3] == ["1", "0", "0"]
    assert "Nothing was inspected in this period" in texts(app)
    assert list(app.table[0].value["Product"]) == ["Leather"]


def test_open_actions_stay_however_old_they_are(open_app: OpenApp, services: Services, hole: DefectType) -> None:
    add_inspections(services, hole, [100], action_status="open", action_note="Mould 3 <b>", serial="S-17")
    app = open_app(DASHBOARD)
    assert app.metric[5].value == "1"
    written = texts(app)
    assert "S\\-17" in written
    assert "<b>" not in written


def test_long_tail_of_defect_types_is_one_bar(
    open_app: OpenApp, services: Services, engineer: Person, hole: DefectType
) -> None:
    for number in range(14):
        kind = create_defect_type(
            services, engineer, product_id=hole.product_id, code=f"t{number}", name_ko="같은 이름", name_en="Same name"
        )
        add_inspections(services, kind, [number % 5] * (number + 1), serial=f"{number}")
    chart = open_app(DASHBOARD).get("plotly_chart")[0].proto.spec
    assert "Others (5)" in chart
    # Fourteen types of one name stay fourteen: the code tells them apart.
    assert "t13" in chart
    assert "t9" in chart

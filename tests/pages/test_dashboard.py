"""The dashboard, through Home.py."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from core.access import Person
from core.analytics.dashboard import current_calendar, today_of
from core.catalog.defect_types import create_defect_type
from core.catalog.products import create_product
from core.jobs.views import list_unfinished
from core.rollups.counting import count_new
from core.services import Services
from pages.components.shared.screens import DASHBOARD, DEFECT_IMAGES
from storage.tables import DefectType, Image, Inspection, ModelVersion, ThresholdSetting, utc_now
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import history_rows, press, table_rows, texts


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
            count_new(session, [row])
        session.commit()


def add_image(services: Services, product_id: int, **values: Any) -> None:
    """Add a training image as a row alone."""
    row = Image(
        product_id=product_id, image_type="normal", stored_name="a.png", original_name="a.png", object_key="a",
        thumbnail_key="a", content_sha256="a", pixel_sha256="a", byte_size=1, width_px=1, height_px=1,
        file_format="png",
    )  # fmt: skip
    for name, value in values.items():
        setattr(row, name, value)
    with services.database.unit_of_work() as session:
        session.add(row)
        session.commit()


@pytest.fixture
def hole(services: Services, engineer: Person) -> DefectType:
    """Return a defect type `hole` of a product `casting`."""
    product = create_product(services, engineer, name="주조A형", code="casting")
    return create_defect_type(
        services, engineer, product_id=product.id, code="hole", name_ko="기공", name_en="Blow hole"
    )


def totals(app: AppTest) -> dict[str, str]:
    """Return the figure of each total by its name: they are links to what they count."""
    values = [link.proto.label.strip("*") for link in app.get("page_link") if link.proto.label.startswith("**")]
    return dict(zip(("inspections", "defects", "rate", "review", "open", "done"), values, strict=False))


def links(app: AppTest) -> dict[str, str]:
    """Return where the links of the page lead, by what they say."""
    return {link.proto.label: f"{link.proto.page}?{link.proto.query_string}" for link in app.get("page_link")}


@pytest.mark.parametrize(("language", "words"), [("en", "one button deploys them"), ("ko", "버튼 하나로 배포합니다")])
def test_new_system_says_what_to_do(open_app: OpenApp, language: str, words: str) -> None:
    assert words in texts(open_app(DASHBOARD, language=language))


def test_line_worker_of_a_new_system_is_sent_to_an_engineer(open_app: OpenApp) -> None:
    app = open_app(DASHBOARD, role="worker")
    assert "Ask a quality engineer" in texts(app)
    assert not app.error


@pytest.mark.parametrize(
    ("language", "name", "verdict", "change"),
    [("en", "Blow hole", "NG", "1 more than in the 30 days before"), ("ko", "기공", "불량", "직전 30일보다 1건 많음")],
)
def test_figures_are_of_the_period(
    open_app: OpenApp, services: Services, hole: DefectType, language: str, name: str, verdict: str, change: str
) -> None:
    add_inspections(services, hole, [0, 1, 3, 20, 35, 35, 35, 70])
    app = open_app(DASHBOARD, language=language)
    assert totals(app) == {
        "inspections": "4", "defects": "4", "rate": "100.0%", "review": "0", "open": "0", "done": "0"
    }  # fmt: skip
    assert change in texts(app)
    assert len(app.get("plotly_chart")) == 2
    last = history_rows(app)
    assert {(row["kind"], row["verdictName"]) for row in last} == {(name, verdict)}
    assert len(last) == 8
    app.segmented_control(key="dashboard_period").set_value("7d").run()
    assert totals(app)["inspections"] == "3"
    assert app.query_params["period"] == "7d"
    app.segmented_control(key="dashboard_period").set_value("all").run()
    assert totals(app)["inspections"] == "8"


def test_an_address_brings_back_product_and_days(open_app: OpenApp, services: Services, hole: DefectType) -> None:
    add_inspections(services, hole, [0, 5, 6, 40])
    today = today_of(current_calendar(services))
    app = open_app(DASHBOARD)
    app.query_params["product"] = str(hole.product_id)
    app.query_params["first_day"] = (today - timedelta(days=10)).isoformat()
    app.query_params["last_day"] = (today - timedelta(days=3)).isoformat()
    app.run()
    assert totals(app)["inspections"] == "2"
    assert app.selectbox(key="dashboard_product").value == hole.product_id
    assert app.segmented_control(key="dashboard_period").value == "custom"


def test_days_are_chosen_from_those_that_were_shown(open_app: OpenApp, services: Services, hole: DefectType) -> None:
    add_inspections(services, hole, [0, 20])
    app = open_app(DASHBOARD)
    app.segmented_control(key="dashboard_period").set_value("custom").run()
    assert totals(app)["inspections"] == "2"
    shown: Any = app.date_input(key="dashboard_days").value
    app.date_input(key="dashboard_days").set_value((shown[1] - timedelta(days=2), shown[1])).run()
    assert totals(app)["inspections"] == "1"
    assert not app.exception


def test_an_address_that_is_not_understood_is_said(open_app: OpenApp, services: Services, hole: DefectType) -> None:
    add_inspections(services, hole, [0])
    app = open_app(DASHBOARD)
    app.query_params["product"] = "4711"
    app.query_params["period"] = "century"
    app.run()
    assert "Product, Period" in texts(app)
    assert totals(app)["inspections"] == "1"


def test_product_filter_leaves_its_own_figures(
    open_app: OpenApp, services: Services, engineer: Person, hole: DefectType
) -> None:
    other = create_product(services, engineer, name="Leather", code="leather")
    add_inspections(services, hole, [0, 1])
    app = open_app(DASHBOARD)
    app.selectbox(key="dashboard_product").set_value(other.id).run()
    assert totals(app)["inspections"] == "0"
    # Two kinds of nothing: never, and not in these days.
    assert "Nothing was ever inspected here" in texts(app)
    assert [row[0] for row in table_rows(app, "Data sets and models")] == ["Leather"]


def test_nothing_in_the_period_is_not_nothing_at_all(open_app: OpenApp, services: Services, hole: DefectType) -> None:
    add_inspections(services, hole, [60])
    written = texts(open_app(DASHBOARD))
    assert "Nothing was inspected in this period" in written
    assert "ever" not in written


def test_every_total_opens_what_it_counts(open_app: OpenApp, services: Services, hole: DefectType) -> None:
    add_inspections(services, hole, [0, 1], action_status="open")
    leads = [link.proto for link in open_app(DASHBOARD).get("page_link") if link.proto.label.startswith("**")]
    queries = [parse_qs(one.query_string) for one in leads[:6]]
    assert {one.page for one in leads[:6]} == {"inspection_history"}
    assert [one.get("verdict") for one in queries] == [None, ["reject"], ["reject"], ["review"], None, None]
    assert [one.get("action") for one in queries[4:]] == [["open"], ["done"]]
    # Open actions are those of any time.
    assert ["since" in one for one in queries] == [True, True, True, True, False, True]


def test_open_actions_stay_however_old_they_are(open_app: OpenApp, services: Services, hole: DefectType) -> None:
    add_inspections(services, hole, [100], action_status="open", action_note="Mould 3 <b>", serial="S-17")
    app = open_app(DASHBOARD)
    assert totals(app)["open"] == "1"
    written = texts(app)
    assert "S\\-17" in written
    assert "<b>" not in written
    assert "1 action is open for more than 7 days; the oldest for 100 days." in written
    (opened,) = (where for words, where in links(app).items() if "Blow hole" in words)
    assert opened == "inspection_history?inspection=1"
    assert "**over 7 d: 1**" in links(app)


def test_own_actions_of_a_worker_come_first(
    open_app: OpenApp, services: Services, worker_person: Person, hole: DefectType
) -> None:
    add_inspections(services, hole, [9], action_status="open")
    other = DefectType(id=hole.id + 100, product_id=hole.product_id, code="x", name_ko="x")
    add_inspections(
        services, other, [0], action_status="open", created_by=worker_person.id, suggested_defect_type_id=None
    )
    app = open_app(DASHBOARD, role="worker")
    lines = [words for words in links(app) if "주조A형" in words]
    assert lines[0].startswith("**not named**")
    assert lines[1].startswith("**Blow hole**")
    assert "Of parts that you inspected" in texts(app)


def test_what_is_out_of_date_is_deployed_by_one_click(
    open_app: OpenApp, services: Services, engineer: Person, hole: DefectType
) -> None:
    add_image(services, hole.product_id)
    app = open_app(DASHBOARD)
    assert "Models out of date or not built yet: 주조A형." in texts(app)
    press(app, "Deploy now")
    assert "Models out of date" not in texts(app)
    assert {job.kind for job in list_unfinished(services)} == {"memory_bank", "similarity_index"}


def test_images_of_each_type_are_told(open_app: OpenApp, services: Services, hole: DefectType) -> None:
    add_image(services, hole.product_id)
    rows = table_rows(open_app(DASHBOARD), "Images by defect type")
    assert rows == [["주조A형", "Normal", "1", "0", "0", "1"], ["주조A형", "Blow hole", "0", "0", "0", "0"]]


def test_the_gallery_opens_filtered_by_its_address(open_app: OpenApp, services: Services, hole: DefectType) -> None:
    add_image(services, hole.product_id, defect_type_id=hole.id, image_type="defect")
    app = open_app()
    app.query_params["product"] = str(hole.product_id)
    app.query_params["type"] = str(hole.id)
    app.query_params["split"] = "train"
    app.switch_page(DEFECT_IMAGES).run()
    assert not app.exception
    assert app.selectbox(key="images_defect_product").value == hole.product_id


def test_the_count_axis_of_a_pareto_ends_at_the_total(open_app: OpenApp, services: Services, hole: DefectType) -> None:
    add_inspections(services, hole, [0, 1, 2])
    figure = json.loads(open_app(DASHBOARD).get("plotly_chart")[1].proto.spec)
    count, share = figure["layout"]["yaxis"], figure["layout"]["yaxis2"]
    assert count["tickvals"][-1] == 3
    assert share["tickvals"][-1] == 100
    # Both stand at the same height, and so does the first point and the top of its bar.
    assert count["range"][1] / 3 == pytest.approx(share["range"][1] / 100)


def test_long_tail_of_defect_types_is_one_bar(
    open_app: OpenApp, services: Services, engineer: Person, hole: DefectType
) -> None:
    for number in range(14):
        kind = create_defect_type(
            services, engineer, product_id=hole.product_id, code=f"t{number}", name_ko="같은 이름", name_en="Same name"
        )
        add_inspections(services, kind, [number % 5] * (number + 1), serial=f"{number}")
    app = open_app(DASHBOARD)
    chart = app.get("plotly_chart")[1].proto.spec
    assert "Others (5)" in chart
    # Fourteen types of one name stay fourteen: the code tells them apart.
    assert "t13" in chart
    assert "t9" in chart
    assert len(table_rows(app, "Defects by type")) == 14

"""Line mode, through Home.py, with a real model on real solar cells."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from core.accounts.people import open_person
from core.catalog.products import find_product, update_product
from core.images.library import list_images, read_image
from core.inspections.line.accepting import MOST_BYTES
from core.inspections.records import recent
from core.services import Services
from pages.components.capture.camera import read_picture
from pages.components.shared.screens import LINE_MODE
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import press, texts

NOW = datetime(2026, 11, 26, 14, 15, 45, tzinfo=UTC)
JPEG = "data:image/jpeg;base64,"


def _inspect_sample(app: AppTest, image_type: str) -> AppTest:
    if app.segmented_control(key="inspect_source").value != "sample":
        app.segmented_control(key="inspect_source").set_value("sample").run()
    samples = [button for button in app.button if str(button.key).startswith("sample_")]
    app = next(button for button in samples if image_type in (button.help or "")).click().run()
    assert not app.exception
    return app


def _counts(app: AppTest) -> list[str]:
    return [metric.value for metric in app.metric]


@pytest.mark.parametrize("role", ["worker", "engineer"])
def test_without_products_it_says_who_does_what(open_app: OpenApp, role: str) -> None:
    app = open_app(LINE_MODE, role=role)
    assert "There is no product yet." in texts(app)


def test_the_verdict_is_the_heading_and_the_counters_go_up(open_deployed: OpenApp, deployed: Services) -> None:
    app = open_deployed(LINE_MODE, role="worker")
    app.text_input(key="detail_line").set_value("L1").run()
    assert "# Ready" in texts(app)
    assert _counts(app) == ["0", "0", "0"]
    app = _inspect_sample(app, "cell_defect")
    row = recent(deployed, limit=1)[0]
    assert (row.line, row.source) == ("L1", "sample")
    words = {"ok": "OK", "review": "Review", "reject": "NG"}[row.final_verdict]
    assert any(line.startswith("# ") and line.endswith(words) for line in texts(app).splitlines())
    assert _counts(app) == [str(int(row.final_verdict == one)) for one in ("ok", "review", "reject")]
    press(app, "Next part")
    assert "# Ready" in texts(app)
    assert sum(map(int, _counts(app))) == 1
    app.text_input(key="detail_line").set_value("L2").run()
    assert _counts(app) == ["0", "0", "0"]


def test_line_and_shift_of_the_screen_stay_in_its_address(open_deployed: OpenApp) -> None:
    app = open_deployed(LINE_MODE, role="worker")
    app.text_input(key="detail_line").set_value("L1")
    app.text_input(key="detail_shift").set_value("A").run()
    assert (app.query_params["line"], app.query_params["shift"]) in [(["L1"], ["A"]), ("L1", "A")]
    assert "shift A, the last 12 hours" in texts(app)


def test_the_inspection_opens_where_it_can_be_decided(open_deployed: OpenApp, deployed: Services) -> None:
    app = _inspect_sample(open_deployed(LINE_MODE, role="worker"), "cell_defect")
    row = recent(deployed, limit=1)[0]
    app.button(key="line_look").click().run()
    assert not app.exception
    assert "Inspect a part" in texts(app)
    assert app.session_state["shown_inspection"].id == row.id


def test_a_file_that_cannot_be_inspected_leaves_no_verdict_on_screen(
    open_deployed: OpenApp, deployed: Services
) -> None:
    app = open_deployed(LINE_MODE, role="worker", language="ko")
    app.file_uploader[0].upload("holiday.png", b"not an image", "image/png").run()
    assert not app.exception
    assert "# 판정 없음" in texts(app)
    assert "holiday.png" in app.error[0].value
    assert recent(deployed, limit=1) == []


def test_a_product_on_a_click_waits_for_the_next_key_or_the_button(open_deployed: OpenApp, deployed: Services) -> None:
    product = find_product(deployed, "cells")
    update_product(
        deployed,
        open_person(deployed, "engineer"),
        product.id,
        row_version=product.row_version,
        name=product.name,
        description=product.description,
        inspection_trigger="on_click",
    )
    data = read_image(deployed, list_images(deployed, product.id, image_type="normal", split="test").rows[0])
    app = open_deployed(LINE_MODE, role="worker")
    app.file_uploader[0].upload("part.png", data, "image/png").run()
    assert recent(deployed, limit=1) == []
    app.button(key="inspect_picked").click().run()
    assert len(recent(deployed, limit=5)) == 1


def test_a_picture_of_the_camera_has_a_name_and_its_own_id() -> None:
    found = read_picture({"id": "a-1", "picture": JPEG + base64.b64encode(b"jpeg").decode()}, now=NOW)
    assert found is not None
    assert (found.id, found.data, found.file_name) == ("a-1", b"jpeg", "camera_20261126_141545.jpg")


@pytest.mark.parametrize(
    "told",
    [
        None,
        "text",
        {},
        {"id": 1, "picture": JPEG + "anBn"},
        {"id": "a", "picture": "data:text/html;base64,anBn"},
        {"id": "a", "picture": JPEG + "not base64"},
        {"id": "a", "picture": JPEG},
        {"id": "", "picture": JPEG + "anBn"},
        {"id": "a" * 65, "picture": JPEG + "anBn"},
        {"id": "a", "picture": JPEG + "A" * (MOST_BYTES * 4 // 3 + 100)},
    ],
)
def test_what_is_no_picture_of_the_camera_is_left_out(told: object) -> None:
    assert read_picture(told, now=NOW) is None

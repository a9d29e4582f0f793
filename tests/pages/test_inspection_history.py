"""The history of inspections, the queue of reviews and the traceability page, through Home.py."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage
from streamlit.testing.v1 import AppTest

from core.access import Person
from core.accounts.people import open_person
from core.inspections.decisions import override_verdict
from core.services import Services
from inference.vision.images.decode import encode_map
from pages.components.shared.screens import DASHBOARD, HISTORY, TRACEABILITY
from storage.tables import Image, Inspection, Product
from tests.history_rows import add_product, add_rows, type_id
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import history_rows, texts

REVIEW: dict[str, Any] = {
    "verdict": "review",
    "final_verdict": "review",
    "review_state": "waiting",
    "action_status": "open",
}


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    """Return a product whose inspections have their pictures: they all share one."""
    out = io.BytesIO()
    PillowImage.fromarray(np.full((60, 80, 3), 120, np.uint8)).save(out, "PNG")
    services.objects.put("inspections/part.png", out.getvalue())
    services.objects.put("inspections/part.heat", encode_map(np.full((15, 20), 10.0, np.float32)))
    return add_product(services, engineer)


def open_at(open_app: OpenApp, path: str, *, role: str = "engineer", language: str = "en", **query: str) -> AppTest:
    """Open a screen at an address."""
    app = open_app(role=role, language=language)
    for name, text in query.items():
        app.query_params[name] = text
    app.switch_page(path)
    for name, text in query.items():
        app.query_params[name] = text
    app.run()
    assert not app.exception
    return app


def rows_shown(app: AppTest) -> list[int]:
    """Return the ids of the rows in the table, in their order."""
    return [int(row["id"]) for row in history_rows(app)]


@pytest.mark.parametrize(("language", "words"), [("en", "Nothing has been inspected yet"), ("ko", "아직")])
def test_an_empty_history_says_what_comes_first(open_app: OpenApp, language: str, words: str) -> None:
    assert words in texts(open_at(open_app, HISTORY, language=language))


def test_the_address_holds_the_filter_and_the_filter_the_address(
    open_app: OpenApp, services: Services, engineer: Person, product: Product
) -> None:
    ok = add_rows(services, engineer, product, 2, line="L1")
    (ng,) = add_rows(services, engineer, product, verdict="reject", final_verdict="reject", line="L1")
    app = open_at(open_app, HISTORY, role="worker", verdict="reject", line="L1")
    assert rows_shown(app) == [ng]
    assert app.selectbox(key="history_verdict").value == "reject"
    app.selectbox(key="history_verdict").set_value("ok").run()
    assert rows_shown(app) == ok[::-1]
    assert app.query_params["verdict"] == "ok"
    app.button(key="history_clear").click().run()
    assert rows_shown(app) == [ng, *ok[::-1]]
    assert "verdict" not in app.query_params


def test_an_address_with_words_that_are_not_understood_says_so(
    open_app: OpenApp, services: Services, engineer: Person, product: Product
) -> None:
    add_rows(services, engineer, product)
    app = open_at(open_app, HISTORY, verdict="perhaps", batch="x")
    assert "Verdict, Batch no." in app.warning[0].value
    assert len(rows_shown(app)) == 1


def test_a_filter_that_nothing_fits_offers_all(
    open_app: OpenApp, services: Services, engineer: Person, product: Product
) -> None:
    add_rows(services, engineer, product)
    app = open_at(open_app, HISTORY, serial="nothing")
    assert "No inspection fits" in texts(app)
    app.button(key="history_clear_empty").click().run()
    assert len(rows_shown(app)) == 1


def test_a_page_stays_while_inspections_arrive_and_the_new_ones_are_offered(
    open_app: OpenApp, services: Services, engineer: Person, product: Product
) -> None:
    ids = add_rows(services, engineer, product, 60)
    app = open_at(open_app, HISTORY, page="2")
    second = ids[::-1][50:]
    assert rows_shown(app) == second
    (new,) = add_rows(services, engineer, product)
    app.run()
    assert rows_shown(app) == second
    app.button(key="history_newer").click().run()
    assert rows_shown(app)[0] == new


def test_an_inspection_opens_as_its_result_with_the_way_back_and_to_its_neighbors(
    open_app: OpenApp, services: Services, engineer: Person, product: Product
) -> None:
    first, second = add_rows(services, engineer, product, 2)
    app = open_at(open_app, HISTORY, inspection=str(second))
    assert f"No. {second}" in texts(app)
    assert app.button(key="history_previous").disabled
    app.button(key="history_next").click().run()
    assert app.query_params["inspection"] == str(first)
    app.button(key="history_back").click().run()
    assert rows_shown(app) == [second, first]


def test_a_link_to_no_inspection_says_so(open_app: OpenApp) -> None:
    assert "not there" in open_at(open_app, HISTORY, inspection="999").warning[0].value


def test_an_engineer_adds_a_part_to_the_images_and_a_worker_cannot(
    open_app: OpenApp, services: Services, engineer: Person, product: Product
) -> None:
    with services.database.unit_of_work() as session:
        (number,) = add_rows(services, engineer, product)
        row = session.get(Inspection, number)
        assert row is not None
        row.image_sha256 = hashlib.sha256(services.objects.get("inspections/part.png")).hexdigest()
        session.add(row)
        session.commit()
    worker = open_at(open_app, HISTORY, role="worker", inspection=str(number))
    assert not [button for button in worker.button if button.key == f"learn_{number}"]
    app = open_at(open_app, HISTORY, inspection=str(number))
    app.button(key=f"learn_{number}").click().run()
    with services.database.reading() as session:
        image = session.get(Image, 1)
    assert image is not None
    assert (image.stored_name, image.inspection_id) == ("bracket_normal_001.png", number)
    assert r"bracket\_normal\_001.png" in texts(app)


def test_reviews_are_walked_and_decided_one_after_the_other(
    open_app: OpenApp, services: Services, engineer: Person, product: Product
) -> None:
    first, second, third = add_rows(services, engineer, product, 3, **REVIEW)
    app = open_at(open_app, HISTORY, role="worker", view="review")
    assert "3 left" in texts(app)
    assert f"No. {first}" in texts(app)
    app.button(key="review_next").click().run()
    assert f"No. {second}" in texts(app)
    app.button(key="review_back").click().run()
    scratch = type_id(services, product, "scratch")
    app.button(key=f"review_type_{first}_{scratch}").click().run()
    app.button(key="review_reject").click().run()
    app.button(key="review_ok").click().run()
    app.button(key="review_keep").click().run()
    assert "Nothing waits for review" in texts(app)
    with services.database.reading() as session:
        rows = [session.get(Inspection, number) for number in (first, second, third)]
    assert [row.final_verdict for row in rows if row] == ["reject", "ok", "review"]
    assert [row.review_state for row in rows if row] == ["done"] * 3
    assert rows[0] is not None
    assert rows[0].final_defect_type_id == scratch


def test_who_changed_a_verdict_sees_that_somebody_else_confirms_it(
    open_app: OpenApp, services: Services, product: Product
) -> None:
    worker = open_person(services, "worker")
    (number,) = add_rows(services, worker, product)
    override_verdict(services, worker, number, row_version=1, verdict="reject", reason="scratched")
    app = open_at(open_app, HISTORY, role="worker", view="review")
    assert "another person" in app.info[0].value
    assert app.button(key="review_keep").disabled
    app = open_at(open_app, HISTORY, view="review")
    app.button(key="review_keep").click().run()
    assert "Nothing waits for review" in texts(app)


def test_all_are_confirmed_after_a_question(
    open_app: OpenApp, services: Services, engineer: Person, product: Product
) -> None:
    add_rows(services, engineer, product, 2, **REVIEW)
    app = open_at(open_app, HISTORY, view="review")
    app.button(key="review_all").click().run()
    assert "Review 2" in texts(app)
    app.button(key="dialog_agree").click().run()
    assert "Nothing waits for review" in texts(app)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_trace_shows_hash_models_and_thresholds_and_checks_the_picture(
    open_app: OpenApp, services: Services, engineer: Person, product: Product, language: str
) -> None:
    (number,) = add_rows(services, engineer, product)
    app = open_at(open_app, TRACEABILITY, role="worker", language=language, inspection=str(number))
    assert app.code[0].value == "0" * 64
    facts = "".join(table.value.to_string() for table in app.table)
    assert "5" * 16 in facts
    assert "20" in facts
    app.button(key="traceability_check").click().run()
    assert len(app.error) == 1  # the rows of this test name another hash than that of their picture


def test_a_trace_without_an_inspection_leads_to_the_history(open_app: OpenApp) -> None:
    assert not open_at(open_app, TRACEABILITY).error


def test_open_actions_of_the_dashboard_lead_to_their_inspection(
    open_app: OpenApp, services: Services, engineer: Person, product: Product
) -> None:
    (number,) = add_rows(services, engineer, product, verdict="reject", final_verdict="reject", action_status="open")
    app = open_app(DASHBOARD)
    links = [link.proto.query_string for link in app.get("page_link")]
    assert f"inspection={number}" in links
    assert "action=open" in links
    assert rows_shown(app) == [number]

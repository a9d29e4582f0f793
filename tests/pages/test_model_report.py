"""The model report, through Home.py: the figures, the thresholds that are tried and saved, the images behind them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import delete
from sqlmodel import col, select
from streamlit.testing.v1 import AppTest

from core.access import Person
from core.accounts.people import open_person
from core.catalog.products import create_product
from core.inspections.inspection import inspect
from core.jobs.terms import MEASUREMENT
from core.jobs.views import list_unfinished
from core.model_report.costs import read_costs
from core.models.detection_figures import HEAD_KEY
from core.models.kinds import MEMORY_BANK
from core.registry.thresholds import find_threshold, list_thresholds, save_thresholds
from core.registry.versions import list_versions
from core.services import Services
from core.transactions import reading
from pages.components.analysis.model_report.draft import Draft
from pages.components.analysis.model_report.threshold_handles import read_pair
from pages.components.shared.dialogs import OpenDialog
from pages.components.shared.screens import MEMORY_BANKS, MODEL_REPORT
from storage.tables import Image, ModelVersion, Product, TestMeasurement, TestScore
from tests.history_rows import add_product
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import press, texts
from tests.scored_images import add_version, images, measure_as

GOOD, DEFECTS = [float(score) for score in range(5, 24)], [21.0, 27.0, 28.0, 40.0]


@pytest.fixture
def engineer(services: Services) -> Person:
    return open_person(services, "engineer")


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    return add_product(services, engineer)


@pytest.fixture
def version(services: Services, product: Product) -> ModelVersion:
    """Return the version in use of a product, measured on images that are gone since."""
    found = _in_use(services, product.id)
    measure_as(services, found.id, images(GOOD, DEFECTS))
    return found


def _in_use(services: Services, product_id: int) -> ModelVersion:
    return next(row for row in list_versions(services, MEMORY_BANK, product_id) if row.active_key is not None)


def _board(app: AppTest) -> dict[str, Any]:
    """Return what the browser gets of the board."""
    (found,) = [one.proto for one in app.get("bidi_component") if "threshold_board" in one.proto.component_name]
    return dict(json.loads(found.json))


def _try(app: AppTest, services: Services, version: ModelVersion, pair: tuple[float, float]) -> AppTest:
    """Let the handles go at a pair, as the browser tells it."""
    in_force = find_threshold(services, version.id)
    seen = (in_force.review_at, in_force.reject_at)
    app.session_state[f"threshold_draft_{version.id}"] = Draft(in_force.id, seen, pair)
    app.run()
    assert not app.exception
    return app


def _view(app: AppTest, view: str) -> AppTest:
    app.session_state["model_report_view"] = view
    app.run()
    assert not app.exception
    return app


def test_a_worker_is_told_that_it_is_not_open(open_app: OpenApp) -> None:
    assert "not open to you" in texts(open_app(MODEL_REPORT, role="worker"))


@pytest.mark.parametrize(("language", "said"), [("en", "There is no product yet"), ("ko", "아직 제품이 없습니다")])
def test_without_a_product_it_says_what_to_do(open_app: OpenApp, language: str, said: str) -> None:
    assert said in texts(open_app(MODEL_REPORT, language=language))


def test_without_a_memory_bank_it_leads_to_where_one_is_built(
    open_app: OpenApp, services: Services, engineer: Person
) -> None:
    create_product(services, engineer, name="Cap <1>", code="cap")
    app = open_app(MODEL_REPORT)
    assert "has no memory bank yet" in texts(app)
    assert "memory_banks" in [link.proto.page for link in app.get("page_link")]


def test_without_test_images_it_leads_to_where_they_are_added(open_app: OpenApp, product: Product) -> None:
    app = open_app(MODEL_REPORT)
    assert "has no test images" in texts(app)
    assert {"normal_images", "defect_images"} <= {link.proto.page for link in app.get("page_link")}


@pytest.mark.parametrize(
    ("language", "titles"),
    [("en", ["Good parts", "In force now", "Propose thresholds"]), ("ko", ["현재 적용 중", "임계값 제안"])],
)
def test_the_report_opens_with_the_scores_and_the_thresholds_in_force(
    open_app: OpenApp, version: ModelVersion, services: Services, language: str, titles: list[str]
) -> None:
    app = open_app(MODEL_REPORT, language=language)
    board = _board(app)
    in_force = find_threshold(services, version.id)
    assert [board["review"], board["reject"]] == board["force"] == [in_force.review_at, in_force.reject_at]
    assert [sorted(group["scores"]) for group in board["groups"]] == [GOOD, DEFECTS]
    assert [group["defect"] for group in board["groups"]] == [False, True]
    assert len(board["upper"]["escape"]) == len(DEFECTS) + 1
    told = texts(app) + "\n".join(str(group["label"]) for group in board["groups"])
    for title in titles:
        assert title in told


def test_what_is_tried_is_saved_with_a_reason_and_holds(
    open_app: OpenApp, version: ModelVersion, services: Services
) -> None:
    app = _try(open_app(MODEL_REPORT), services, version, (24.5, 26.0))
    assert "Not saved yet" in texts(app)
    app.button(key=f"report_save_{version.id}").click().run()
    assert "Say why you change the thresholds." in texts(app)
    app.text_input(key=f"report_reason_{version.id}").set_value("dust on the *lens*").run()
    app.button(key=f"report_save_{version.id}").click().run()
    assert not app.exception
    row = find_threshold(services, version.id)
    assert (row.review_at, row.reject_at, row.method, row.reason) == (24.5, 26.0, "manual", "dust on the *lens*")
    told = texts(app)
    assert "They hold from the next inspection on." in told
    assert "Not saved yet" not in told
    assert _board(app)["force"] == [24.5, 26.0]


@pytest.mark.parametrize(
    ("pair", "said"),
    [((26.0, 24.0), "must not"), ((0.0, 24.0), "numbers above 0"), ((-3.0, 2.0), "numbers above 0")],
)
def test_thresholds_that_cannot_be_are_refused_and_stay_on_the_picture(
    open_app: OpenApp, version: ModelVersion, services: Services, pair: tuple[float, float], said: str
) -> None:
    app = _try(open_app(MODEL_REPORT), services, version, pair)
    app.text_input(key=f"report_reason_{version.id}").set_value("why not").run()
    app.button(key=f"report_save_{version.id}").click().run()
    assert not app.exception
    assert len(app.error) == 1
    assert len(list_thresholds(services, version.id)) == 1
    assert [_board(app)["review"], _board(app)["reject"]] == list(pair)


def test_thresholds_that_another_has_saved_meanwhile_are_said(
    open_app: OpenApp, version: ModelVersion, services: Services, engineer: Person
) -> None:
    app = _try(open_app(MODEL_REPORT), services, version, (24.5, 26.0))
    app.text_input(key=f"report_reason_{version.id}").set_value("mine").run()
    seen = find_threshold(services, version.id).id
    save_thresholds(services, engineer, version.id, 23.0, 25.0, reason="the other one", seen_id=seen)
    app.button(key=f"report_save_{version.id}").click().run()
    told = texts(app)
    assert "Meanwhile" in told
    assert "the other one" in told
    assert find_threshold(services, version.id).reason == "the other one"
    app.button(key=f"report_go_on_{version.id}").click().run()
    assert not app.exception
    assert [_board(app)["review"], _board(app)["reject"]] == [24.5, 26.0]
    app.text_input(key=f"report_reason_{version.id}").set_value("mine after all").run()
    app.button(key=f"report_save_{version.id}").click().run()
    assert find_threshold(services, version.id).reason == "mine after all"


def test_the_history_says_who_and_why_and_leads_back(
    open_app: OpenApp, version: ModelVersion, services: Services, engineer: Person
) -> None:
    first = find_threshold(services, version.id)
    save_thresholds(services, engineer, version.id, 23.0, 25.5, reason="a try", seen_id=first.id)
    app = _view(open_app(MODEL_REPORT), "history")
    table = app.table[0].value.to_string()
    assert "a try" in table
    assert "23" in table
    press(app, "Undo")
    assert "Say why you change the thresholds." in texts(app)
    app.text_input(key=f"undo_reason_{version.id}").set_value("back")
    press(app, "Undo")
    row = find_threshold(services, version.id)
    assert (row.review_at, row.reason) == (first.review_at, "back")


def test_figures_are_told_with_their_bounds(open_app: OpenApp, version: ModelVersion) -> None:
    told = texts(_view(open_app(MODEL_REPORT), "figures"))
    assert "0 of 4 defects missed: up to 60.2% may pass" in told
    assert "0 of 19 good parts judged NG: with 95% certainty at most 17.6%" in told
    assert "Few defects among the test images" in told


def test_what_labeled_defects_taught_stands_among_the_figures(
    services: Services, open_app: OpenApp, version: ModelVersion
) -> None:
    left_out = {"1": {"n": 9, "plain": 0.812, "raised": 0.655}}
    head = {"n_normal": 20, "n_defect": 18, "counts": {"1": 9, "2": 9}, "type_top1": 0.9, "left_out": left_out}
    with services.database.unit_of_work() as session:
        row = session.get_one(ModelVersion, version.id)
        row.metrics = {**row.metrics, HEAD_KEY: {**head, "restraint": "unknown_types_lose"}}
        session.commit()
    app = _view(open_app(MODEL_REPORT), "figures")
    told = texts(app)
    assert "90%" in told
    (table,) = (table.value for table in app.table if "AUROC with the others" in table.value.columns)
    assert table["AUROC without"].tolist() == ["0.812"]
    assert table["AUROC with the others"].tolist() == ["0.655"]


def test_two_versions_are_compared_on_the_same_images(
    open_app: OpenApp, version: ModelVersion, product: Product, services: Services
) -> None:
    other = add_version(services, product, review_at=6.5, reject_at=30.0)
    app = _view(open_app(MODEL_REPORT), "compare")
    assert [error.value for error in app.error]
    measure_as(services, other, images(GOOD, DEFECTS))
    app.run()
    assert not app.exception
    told = texts(app)
    assert "23 images in both" in told
    assert "Judged differently" in told
    assert any(str(button.key).startswith("report_differ_") for button in app.button)


def test_a_cell_opens_its_images(open_app: OpenApp, version: ModelVersion) -> None:
    app = open_app(MODEL_REPORT)
    app.session_state["open_dialog"] = OpenDialog(
        "report_cell",
        {"version_id": version.id, "label": "type:scratch", "verdict": "ok", "pair": (22.0, 26.0), "place": None},
    )
    app.run()
    assert not app.exception
    assert "**21** · Scratch" in texts(app)
    opening = next(button for button in app.button if str(button.key).startswith("report_look_"))
    opening.click().run()
    assert not app.exception
    # Its image is gone since: the score is all that is left, and that is said.
    assert "deleted since it was measured" in texts(app)


def test_the_cheapest_thresholds_move_the_handles(
    open_app: OpenApp, version: ModelVersion, product: Product, services: Services
) -> None:
    app = open_app(MODEL_REPORT)
    assert app.button(key=f"propose_{version.id}").disabled
    key = f"costs_{product.id}_0"
    app.number_input(key=f"{key}_escape").set_value(50000.0)
    app.number_input(key=f"{key}_overkill").set_value(800.0)
    app.number_input(key=f"{key}_review").set_value(300.0)
    app.text_input(key=f"{key}_currency").set_value("KRW")
    app.number_input(key=f"{key}_rate").set_value(2.0)
    press(app, "Save costs")
    costs = read_costs(services, product.id)
    assert (costs.escape, costs.currency, costs.defect_rate) == (50000.0, "KRW", 0.02)
    before = _board(app)
    app.button(key=f"propose_{version.id}").click().run()
    assert not app.exception
    after = _board(app)
    assert after["token"] != before["token"]
    assert 0 < after["review"] <= after["reject"]
    assert "Cost per 1,000 parts" in texts(app)
    assert app.session_state[f"threshold_draft_{version.id}"].method == "cheapest"


def test_costs_that_cannot_be_are_refused(open_app: OpenApp, version: ModelVersion, product: Product) -> None:
    app = open_app(MODEL_REPORT)
    key = f"costs_{product.id}_0"
    for name in ("escape", "overkill", "review"):
        app.number_input(key=f"{key}_{name}").set_value(0.0)
    press(app, "Save costs")
    assert len(app.error) == 1


def test_an_address_that_names_no_version_is_said(open_app: OpenApp, version: ModelVersion) -> None:
    app = open_app(MODEL_REPORT)
    app.query_params["version"] = "99999999999999999999"
    app.run()
    assert not app.exception
    assert "The address names a version that is not there" in texts(app)
    assert app.query_params["version"] in (str(version.id), [str(version.id)])


@pytest.mark.parametrize("told", [None, "x", [1], [1, "2"], [1, float("nan")], [True, 2], {"a": 1}, [1, 2, 3]])
def test_what_is_no_pair_is_not_taken(told: object) -> None:
    assert read_pair(told) is None


def test_two_numbers_are_a_pair() -> None:
    assert read_pair([1, 2.5]) == (1.0, 2.5)


def test_a_version_that_was_never_measured_is_measured_by_a_job(open_deployed: OpenApp, deployed: Services) -> None:
    with deployed.database.unit_of_work() as session:
        session.execute(delete(TestScore))
        session.execute(delete(TestMeasurement))
        session.commit()
    app = open_deployed(MODEL_REPORT)
    assert "was not measured on the test images yet" in texts(app)
    press(app, "Measure now")
    (job,) = list_unfinished(deployed)
    assert job.kind == MEASUREMENT
    assert "Waiting for the worker" in texts(app)


def test_saved_thresholds_judge_the_next_inspection_and_no_old_one(open_deployed: OpenApp, deployed: Services) -> None:
    version = _in_use(deployed, 1)
    worker = open_person(deployed, "worker")
    with reading(deployed) as session:
        image = session.exec(
            select(Image).where(Image.image_type == "normal", Image.split == "test").order_by(col(Image.id))
        ).first()
    assert image is not None
    data = deployed.objects.get(image.object_key)
    before = inspect(deployed, worker, product_id=1, data=data + b"\0", file_name="a.png").record
    app = _try(open_deployed(MODEL_REPORT), deployed, version, (before.score / 4, before.score / 2))
    app.text_input(key=f"report_reason_{version.id}").set_value("stop everything").run()
    app.button(key=f"report_save_{version.id}").click().run(timeout=120)
    assert not app.exception
    after = inspect(deployed, worker, product_id=1, data=data + b"\0\0", file_name="b.png").record
    assert after.verdict == "reject"
    assert after.reject_at == pytest.approx(before.score / 2)
    assert before.verdict != "reject"


def test_an_image_is_seen_with_its_heat_map(open_deployed: OpenApp, deployed: Services) -> None:
    version = _in_use(deployed, 1)
    app = open_deployed(MODEL_REPORT)
    app.session_state["open_dialog"] = OpenDialog(
        "report_cell",
        {"version_id": version.id, "label": "good", "verdict": "ok", "pair": (1e6, 2e6), "place": 0},
    )
    app.session_state["report_heat"] = True
    app.run(timeout=120)
    assert not app.exception
    assert not app.error
    assert len(app.get("image")) == 1


def test_the_memory_banks_lead_to_the_report(open_deployed: OpenApp, deployed: Services) -> None:
    app = open_deployed(MEMORY_BANKS)
    queries = [link.proto.query_string for link in app.get("page_link") if link.proto.page == "model_report"]
    assert f"version={_in_use(deployed, 1).id}" in queries

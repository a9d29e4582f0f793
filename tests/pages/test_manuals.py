"""The screens of manuals, of their index, and of the system's status, through Home.py."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.access import WORKER, Person
from core.catalog.products import create_product
from core.deployments import pipeline
from core.jobs import claims, heartbeats, views
from core.manuals.library import get_manual, list_manuals
from core.models import kinds
from core.services import Services
from pages.components.shared.screens import DASHBOARD, MANUAL_INDEX, MANUALS
from storage.tables import Product, ResponseHistory, utc_now
from tests.manual_files import SCRATCH_PAGES, add, given, scratch_manual, simple_pdf
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import press, table_rows, texts
from tests.plates import submit_and_claim
from tests.stored import stored_keys

STATUS = "pages/administration/system_status.py"


@pytest.fixture
def plate(services: Services, engineer: Person) -> Product:
    return create_product(services, engineer, name="Plate", code="plate")


def _upload(app: AppTest, **files: bytes) -> AppTest:
    app.file_uploader[0].set_value([(f"{name}.pdf", data, "application/pdf") for name, data in files.items()])
    return press(app, "Add the manuals")


def _build(services: Services, person: Person, product: Product) -> None:
    _job_id, claim = submit_and_claim(services, person, kinds.MANUAL_INDEX, product.id)
    assert pipeline.work_off(services, claim) is None
    assert claims.finish(services, claim, state="succeeded")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_without_products_it_says_what_comes_first(open_app: OpenApp, language: str) -> None:
    for path in (MANUALS, MANUAL_INDEX):
        app = open_app(path, language=language)
        assert ("product" if language == "en" else "제품") in texts(app)
        assert app.get("page_link")


def test_files_are_added_and_bad_ones_refused_by_name(open_app: OpenApp, services: Services, plate: Product) -> None:
    app = open_app(MANUALS)
    assert "no manual yet" in texts(app)
    press(app, "Add the manuals")
    assert "No file is chosen yet" in texts(app)
    good = scratch_manual()
    _upload(app, good=good, again=good, letter=b"Dear customer", scanned=simple_pdf([[], []]))
    shown = texts(app)
    assert "Plate manual 0" in shown
    assert "letter.pdf is not a PDF" in shown
    assert "scanned.pdf has no text" in shown
    assert "again.pdf is already here" in shown
    assert "**2** pages" in shown
    assert "**Manual index**: not built yet" in shown
    assert [one.manual.original_name for one in list_manuals(services, plate.id)] == ["good.pdf"]
    assert not app.file_uploader[0].value


def test_scanned_pages_are_named(open_app: OpenApp, plate: Product, services: Services, engineer: Person) -> None:
    add(services, engineer, plate.id, given("scan.pdf", simple_pdf([SCRATCH_PAGES[0], [], []])))
    assert "글자가 없어 검색되지 않는 쪽 2개: 2, 3" in texts(open_app(MANUALS, language="ko"))


def test_a_manual_is_deleted_only_after_a_yes(
    open_app: OpenApp, services: Services, engineer: Person, plate: Product
) -> None:
    (outcome,) = add(services, engineer, plate.id, given("m.pdf", scratch_manual()))
    app = open_app(MANUALS)
    app.button(key=f"manual_delete_{outcome.manual_id}").click().run()
    assert get_manual(services, outcome.manual_id or 0)
    app.button(key="dialog_agree").click().run()
    assert not app.exception
    assert list_manuals(services) == []
    assert "no manual yet" in texts(app)


def test_the_index_screen_builds_and_shows_what_an_index_holds(
    open_app: OpenApp, services: Services, engineer: Person, plate: Product
) -> None:
    app = open_app(MANUAL_INDEX)
    assert app.dataframe[0].value["State"].tolist() == ["Not indexed yet"]
    assert "has no manuals" in app.dataframe[0].value["Note"].tolist()[0]
    add(services, engineer, plate.id, given("m.pdf", scratch_manual()))
    app = open_app(MANUAL_INDEX)
    assert app.dataframe[0].value["Pages"].tolist() == [2]
    assert "2 pages" in texts(app)
    press(app, "Build manual indexes")
    job = views.running_job(services, kinds.MANUAL_INDEX)
    assert job is not None
    assert job.product_ids == (plate.id,)
    claim = claims.claim_next(services, "tests")
    assert claim is not None
    assert pipeline.work_off(services, claim) is None
    assert claims.finish(services, claim, state="succeeded")
    app = open_app(MANUAL_INDEX)
    assert app.dataframe[0].value["State"].tolist() == ["Up to date"]
    assert "1 manual · 2 pages · " in texts(app)
    add(services, engineer, plate.id, given("n.pdf", scratch_manual(1)))
    app = open_app(MANUAL_INDEX)
    assert "1 manual added" in app.dataframe[0].value["Note"].tolist()[0]


def test_the_dashboard_says_how_the_index_stands(
    open_app: OpenApp, services: Services, engineer: Person, plate: Product
) -> None:
    create_product(services, engineer, name="Bare", code="bare")
    add(services, engineer, plate.id, given("m.pdf", scratch_manual()))
    bare, with_manual = table_rows(open_app(DASHBOARD), "Data sets and models")
    assert (bare[0], with_manual[0]) == ("Bare", plate.name)
    assert "Not indexed yet" not in bare
    assert "Not indexed yet" in with_manual
    _build(services, engineer, plate)
    assert "Not indexed yet" not in table_rows(open_app(DASHBOARD), "Data sets and models")[1]


def test_the_status_is_the_doctors_and_cleans_up(
    open_app: OpenApp, services: Services, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    from core.operations import orphans

    for function in (orphans.list_orphans, orphans.clean_up):
        defaults = {**(function.__kwdefaults__ or {}), "min_age": timedelta(seconds=-60)}
        monkeypatch.setattr(function, "__kwdefaults__", defaults)
    services.objects.put("manuals/1/lost.pdf", b"lost")
    heartbeats.beat(services, "w1", host="here", pid=7, job_id=None)
    app = open_app(STATUS, role="admin")
    shown = texts(app)
    # One of the few files here is more than goes without a person's look.
    assert "1 part needs attention" in shown
    assert "older than a day" in shown
    assert "1 of 1" in shown
    assert "a person has looked" in shown
    assert "belong to the same installation" in shown
    assert app.dataframe[0].value["State"].tolist() == ["alive"]
    press(app, "Clean up")
    app.button(key="dialog_agree").click().run()
    assert not app.exception
    assert stored_keys(services) == [f"trash/{utc_now():%Y%m%d}/manuals/1/lost.pdf"]
    assert "Everything works" in texts(app)
    assert not [button for button in app.button if button.label == "Clean up"]


def test_the_status_is_not_for_workers(open_app: OpenApp) -> None:
    assert "not open to you" in texts(open_app(STATUS, role=WORKER))


def test_what_guidance_cost_is_added_up(open_app: OpenApp, services: Services, plate: Product) -> None:
    with services.database.unit_of_work() as session:
        for model, tokens, rating in (("claude-sonnet-4-5", 1_000_000, 1), ("own-model", 500, -1)):
            session.add(
                ResponseHistory(
                    product_id=plate.id,
                    language="ko",
                    model_name=model,
                    input_tokens=tokens,
                    output_tokens=0,
                    rating=rating,
                )
            )
        session.commit()
    app = open_app(STATUS, role="admin")
    figures = {metric.label: metric.value for metric in app.metric}
    assert figures["Written"] == "2"
    assert figures["Cost"] == "$3.00"
    assert figures["Thumbs up / down"] == "1 / 1"
    table = app.dataframe[-1].value
    assert dict(zip(table["Model"], table["Cost"], strict=True)) == {
        "claude-sonnet-4-5": "$3.0000",
        "own-model": "not known",
    }


def test_what_a_change_leaves_out_of_date_is_deployed_from_here_by_one_click(
    open_app: OpenApp, services: Services, engineer: Person, plate: Product
) -> None:
    app = open_app(MANUALS)
    assert not [button for button in app.button if button.label == "Deploy now"]
    add(services, engineer, plate.id, given("m.pdf", scratch_manual()))
    app.run()
    assert "Not yet deployed · **Manual index**: not built yet" in texts(app)
    press(app, "Deploy now")
    assert [(job.kind, job.state) for job in views.list_jobs(services)] == [(kinds.MANUAL_INDEX, "queued")]
    assert "on its way" in texts(app.run())

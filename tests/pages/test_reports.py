"""The screen of reports, through Home.py: a report by hand, the schedules, and what they made."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlmodel import select
from starlette.applications import Starlette
from streamlit.testing.v1 import AppTest

from core.access import Person
from core.jobs import claims
from core.reports.period.making import work_off
from core.rollups.calendar import KEY
from core.schedules.records import ScheduleOrder
from core.schedules.runs import run_now
from core.schedules.schedules import add_schedule, list_schedules
from core.schedules.timing import Timing
from core.services import Services
from pages.components.shared.screens import REPORTS
from pages.server.report_downloads import made_path, report_routes
from storage.tables import Product, ReportSchedule, SystemConfig
from tests.history_rows import add_product, add_rows, type_id
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import press, texts

DAILY = ScheduleOrder("Office", Timing("day"), formats=("pdf",))


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    """Return a product of a plant with two shifts, some of whose parts were inspected yesterday."""
    shifts = [{"name": "Day", "starts_at": "06:00"}, {"name": "Night", "starts_at": "18:00"}]
    with services.database.unit_of_work() as session:
        session.add(SystemConfig(key=KEY, value={"time_zone": "UTC", "shifts": shifts}))
        session.commit()
    found = add_product(services, engineer)
    add_rows(services, engineer, found, 8, created_at=_yesterday(), line="L1")
    scratch = type_id(services, found, "scratch")
    add_rows(
        services, engineer, found, 2, created_at=_yesterday(), verdict="reject", final_verdict="reject",
        suggested_defect_type_id=scratch, line="L2",
    )  # fmt: skip
    return found


def _yesterday() -> datetime:
    """Return noon of the last production day that is over: before six, today's has not begun."""
    now = datetime.now(UTC)
    day = (now - timedelta(hours=6)).date() - timedelta(days=1)
    return datetime(day.year, day.month, day.day, 12, 0, tzinfo=UTC)


def _word(app: AppTest, name: str) -> str:
    found = app.query_params[name]
    return found if isinstance(found, str) else str(found[0])


def _figures(app: AppTest) -> dict[str, str]:
    table = app.table[0].value
    return dict(zip(table.iloc[:, 0], table.iloc[:, 1], strict=True))


@pytest.mark.parametrize(
    ("language", "words", "rate"), [("en", "Daily report", "Defect rate"), ("ko", "일일 보고서", "불량률")]
)
def test_the_last_day_is_shown_with_its_figures(
    open_app: OpenApp, product: Product, language: str, words: str, rate: str
) -> None:
    app = open_app(REPORTS, language=language)
    assert words in texts(app)
    assert _figures(app)[rate] == "20.00%"
    assert len(app.get("plotly_chart")) == 2


def test_the_address_says_which_report_it_is(open_app: OpenApp, product: Product) -> None:
    app = open_app(REPORTS)
    app.segmented_control(key="report_period").set_value("shift").run()
    app.selectbox(key="report_shift").set_value("Day").run()
    app.date_input(key="report_day").set_value(_yesterday().date()).run()
    app.selectbox(key="report_line").set_value("L2").run()
    assert not app.exception
    asked = {name: _word(app, name) for name in ("period", "shift", "day", "line")}
    assert asked == {"period": "shift", "shift": "Day", "day": _yesterday().date().isoformat(), "line": "L2"}
    assert _figures(app)["Inspections"] == "2"
    links = [element.proto.url for element in app.get("link_button")]
    assert any("/download/report/period.pdf?" in link and "shift=Day" in link for link in links)


def test_an_address_that_means_nothing_is_said_and_can_be_left(open_app: OpenApp, product: Product) -> None:
    app = open_app(REPORTS)
    app.query_params["period"] = "century"
    app.run()
    assert "century" in texts(app)
    press(app, "Begin anew")
    assert "Daily report" in texts(app)


def test_a_lot_is_asked_for_by_its_number(
    open_app: OpenApp, services: Services, engineer: Person, product: Product
) -> None:
    add_rows(services, engineer, product, 3, created_at=_yesterday(), lot="L-77")
    app = open_app(REPORTS)
    app.segmented_control(key="report_period").set_value("lot").run()
    assert not app.table
    app.selectbox(key="report_lot").set_value("L-77").run()
    assert _figures(app)["Inspections"] == "3"


def test_an_empty_system_says_that_nothing_was_inspected(open_app: OpenApp) -> None:
    assert "Nothing was inspected in this period" in texts(open_app(REPORTS))


def test_a_worker_is_not_let_in(open_app: OpenApp) -> None:
    assert "not open to you" in texts(open_app(REPORTS, role="worker"))


def _view(app: AppTest, view: str) -> AppTest:
    app = app.segmented_control(key="reports_view").set_value(view).run()
    assert not app.exception
    return app


def test_a_schedule_is_set_up_changed_and_removed(
    open_app: OpenApp, services: Services, product: Product, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    app = _view(open_app(REPORTS), "schedules")
    assert "No report is made by itself yet" in texts(app)
    app = press(app, "New schedule")
    app.text_input(key="schedule_form_name").set_value("Line 1 shift")
    app.segmented_control(key="schedule_form_kind").set_value("shift").run()
    app.radio(key="schedule_form_where").set_value("folder").run()
    app.text_input(key="schedule_form_folder").set_value("relative").run()
    app = press(app, "Save")
    assert "does not begin at the root" in texts(app)
    app.text_input(key="schedule_form_folder").set_value(str(folder)).run()
    app = press(app, "Save")
    (schedule,) = list_schedules(services)
    assert (schedule.order.name, schedule.order.timing.kind) == ("Line 1 shift", "shift")
    assert schedule.order.folder == folder.resolve()
    assert "Line 1 shift" in texts(app)
    app.button(key=f"schedule_active_{schedule.id}").click().run()
    assert not list_schedules(services)[0].is_active
    app.button(key=f"schedule_edit_{schedule.id}").click().run()
    app.text_input(key="schedule_form_name").set_value("Line 2 shift").run()
    app = press(app, "Save")
    assert list_schedules(services)[0].order.name == "Line 2 shift"
    app.button(key=f"schedule_remove_{schedule.id}").click().run()
    app.button(key="dialog_agree").click().run()
    assert list_schedules(services) == []


def test_what_failed_is_said_on_the_screen(
    open_app: OpenApp, services: Services, engineer: Person, product: Product, tmp_path: Path
) -> None:
    folder = tmp_path / "share"
    folder.mkdir()
    schedule = add_schedule(services, engineer, ScheduleOrder("Office", Timing("day"), formats=("pdf",), folder=folder))
    folder.rmdir()
    run_now(services, engineer, schedule.id)
    claim = claims.claim_next(services, "test")
    assert claim is not None
    claims.finish(services, claim, state="failed", error=work_off(services, claim))
    app = _view(open_app(REPORTS), "schedules")
    assert "There is no folder" in texts(app)
    assert "It is tried again at" in texts(app)


def _made(services: Services, person: Person) -> int:
    schedule = add_schedule(services, person, DAILY)
    run_id = run_now(services, person, schedule.id)
    claim = claims.claim_next(services, "test")
    assert claim is not None
    assert work_off(services, claim) is None
    claims.finish(services, claim, state="succeeded")
    return run_id


@pytest.mark.parametrize(("language", "words"), [("en", "Production day"), ("ko", "생산일")])
def test_what_was_made_is_listed_with_its_files(
    open_app: OpenApp, services: Services, engineer: Person, product: Product, language: str, words: str
) -> None:
    number = _made(services, engineer)
    app = open_app(REPORTS, language=language)
    app.query_params["view"] = "made"
    app.run()
    assert words in texts(app)
    links = [element.proto.url for element in app.get("link_button")]
    assert [link for link in links if f"/download/report/made/{number}/daily-report_" in link]


def _get(address: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=Starlette(routes=report_routes()))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(address)

    return asyncio.run(ask())


def test_files_come_by_address(open_app: OpenApp, services: Services, engineer: Person, product: Product) -> None:
    open_app()
    day = _yesterday().date().isoformat()
    answer = _get(f"/download/report/period.xlsx?period=day&day={day}&language=ko")
    assert answer.status_code == 200
    assert f"daily-report_{day}_ko.xlsx" in answer.headers["content-disposition"]
    assert answer.content.startswith(b"PK")
    number = _made(services, engineer)
    with services.database.reading() as session:
        assert session.exec(select(ReportSchedule)).one().name == "Office"
    answer = _get(made_path(number, f"daily-report_{day}_en.pdf"))
    assert answer.status_code == 200
    assert io.BytesIO(answer.content).read(4) == b"%PDF"


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/download/report/period.pdf?period=century", 400),
        ("/download/report/period.pdf?period=lot&lot=none", 404),
        ("/download/report/period.pdf?period=day&product=99", 404),
        ("/download/report/made/99/a.pdf", 404),
        ("/download/report/made/x/a.pdf", 404),
    ],
)
def test_addresses_that_mean_nothing_are_refused(open_app: OpenApp, address: str, status: int) -> None:
    open_app()
    answer = _get(f"{address}{'&' if '?' in address else '?'}language=ko")
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/plain")

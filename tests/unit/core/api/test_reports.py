"""Period reports by HTTP: figures, files, and what schedules have made."""

from __future__ import annotations

from datetime import UTC, datetime

from core.accounts.people import open_person
from core.catalog.products import find_product
from core.jobs import claims
from core.reports.period.making import work_off
from core.schedules.records import ScheduleOrder
from core.schedules.runs import run_now
from core.schedules.schedules import add_schedule
from core.schedules.timing import Timing
from core.services import Services
from tests.api_server import ApiClient
from tests.history_rows import add_rows

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def test_a_report_comes_as_figures_and_as_files(api_services: Services, engineer_api: ApiClient) -> None:
    person = open_person(api_services, "engineer")
    add_rows(api_services, person, find_product(api_services, "plate"), 3, created_at=NOON, lot="H-1")
    asked = "period=lot&lot=H-1&product=plate"
    found = engineer_api.get(f"/v1/reports/period?{asked}").json()
    assert (found["figures"]["inspections"], found["period"]["lot"]) == (3, "H-1")
    pdf, xlsx = (engineer_api.get(f"/v1/reports/period.{ending}?{asked}") for ending in ("pdf", "xlsx"))
    assert pdf.body.startswith(b"%PDF")
    assert xlsx.body.startswith(b"PK")
    assert "lot-report_h-1" in pdf.headers["content-disposition"]


def test_what_cannot_be_is_a_problem_and_a_worker_is_refused(engineer_api: ApiClient, worker_api: ApiClient) -> None:
    assert engineer_api.get("/v1/reports/period?period=lot&lot=none").json()["code"] == "report_lot_unknown"
    assert engineer_api.get("/v1/reports/period?period=century").status == 422
    assert engineer_api.get("/v1/reports/period?period=day&date=2026-13-01").status == 422
    assert engineer_api.get("/v1/reports/99/files/a.pdf").status == 404
    for path in ("/v1/reports", "/v1/reports/period?period=day", "/v1/reports/1/files/a.pdf"):
        assert worker_api.get(path).status == 403


def test_reports_of_schedules_are_listed_and_fetched(api_services: Services, engineer_api: ApiClient) -> None:
    person = open_person(api_services, "engineer")
    schedule = add_schedule(api_services, person, ScheduleOrder("Office", Timing("day"), formats=("xlsx",)))
    number = run_now(api_services, person, schedule.id)
    claim = claims.claim_next(api_services, "test")
    assert claim is not None
    assert work_off(api_services, claim) is None
    claims.finish(api_services, claim, state="succeeded")
    (made,) = engineer_api.get("/v1/reports").json()["items"]
    assert (made["id"], made["schedule"], made["state"]) == (number, "Office", "made")
    answer = engineer_api.get(f"/v1/reports/{number}/files/{made['files'][0]}")
    assert answer.body.startswith(b"PK")

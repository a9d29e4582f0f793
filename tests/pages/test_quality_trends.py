"""Quality trends, through Home.py: filters in the address, charts, what they say, and files."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest
from sqlmodel import select
from starlette.applications import Starlette
from starlette.middleware import Middleware
from streamlit.testing.v1 import AppTest

from core.access import WORKER, Person
from core.analytics.trend_filter import TrendFilter
from core.guidance.checklist import tick_step
from core.services import Services, close_kept_services
from pages.server.gate import Gate
from pages.server.trend_downloads import trend_csv_path, trend_routes, trend_xlsx_path
from storage.tables import Inspection, Product, utc_now
from tests.history_rows import add_product, add_rows, type_id
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import texts

SCREEN = "pages/analysis/quality_trends.py"
# Of the day before: whatever the hour and the zone, it is past, and 24 days of it lie within the last 30.
NOON = datetime.combine((utc_now() - timedelta(days=1)).date(), time(12), UTC)
NG = {"verdict": "reject", "final_verdict": "reject"}


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    return add_product(services, engineer)


@pytest.fixture
def month(services: Services, engineer: Person, product: Product) -> Product:
    """Return a product with 24 days of inspections, the last but one of which is bad."""
    scratch = type_id(services, product, "scratch")
    for day in range(24):
        at = NOON - timedelta(days=day)
        add_rows(services, engineer, product, 20, created_at=at, line="L1", score=10.0 + day % 3)
        n_bad = 9 if day == 1 else day % 2 + 1
        add_rows(
            services, engineer, product, n_bad, created_at=at, suggested_defect_type_id=scratch, action_status="done",
            action_at=at + timedelta(minutes=30), regions=[{"x": 1}], **NG,
        )  # fmt: skip
    return product


def _open(open_app: OpenApp, *, language: str = "en", **query: str) -> AppTest:
    app = open_app(SCREEN, language=language)
    for name, text in query.items():
        app.query_params[name] = text
    app.run()
    assert not app.exception
    return app


def _charts(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(one.proto.spec) for one in app.get("plotly_chart")]


def _metric(app: AppTest, label: str) -> str:
    return next(str(one.value) for one in app.metric if one.label == label)


@pytest.mark.parametrize(("language", "words"), [("en", "There is no product yet"), ("ko", "아직 제품이 없습니다")])
def test_a_new_system_says_where_trends_begin(open_app: OpenApp, language: str, words: str) -> None:
    assert words in texts(_open(open_app, language=language))


def test_a_worker_is_told_whom_to_ask(open_app: OpenApp, product: Product) -> None:
    assert "Quality engineer" in texts(open_app(SCREEN, role=WORKER))


def test_an_empty_period_says_so_and_draws_nothing(open_app: OpenApp, product: Product) -> None:
    app = _open(open_app)
    assert "Nothing was inspected in this period" in texts(app)
    assert _charts(app) == []
    assert "Nothing was ever inspected" in texts(_open(open_app, period="all"))


@pytest.mark.parametrize(
    ("language", "rule", "title"),
    [("en", "1 point beyond the limits", "Quality trends"), ("ko", "관리한계를 벗어난 점", "품질 추이")],
)
def test_the_bad_day_is_named_with_its_rule(
    open_app: OpenApp, month: Product, language: str, rule: str, title: str
) -> None:
    app = _open(open_app, language=language)
    assert [one.value for one in app.title] == [title]
    assert rule in texts(app)
    (chart,) = _charts(app)
    signals = [trace for trace in chart["data"] if trace.get("marker", {}).get("symbol") == "diamond"]
    assert len(signals) == 1
    assert _metric(app, "Inspections" if language == "en" else "검사") == "523"
    assert len(app.dataframe[0].value) == 24


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_chart_is_drawn_or_says_why_not(open_app: OpenApp, month: Product, language: str) -> None:
    app = _open(open_app, language=language, product=str(month.id))
    for chart in ("regions", "score", "pareto", "drift", "yield", "people"):
        app.query_params["chart"] = chart
        app.run()
        assert not app.exception
        assert _charts(app) or app.info or app.warning or app.success or len(app.table)
        assert not app.error


def test_groups_of_every_kind_are_shown(open_app: OpenApp, month: Product) -> None:
    app = _open(open_app)
    for by in ("hour", "week", "month", "shift", "line", "lot", "product", "type", "version"):
        app.query_params["by"] = by
        app.run()
        assert not app.exception
        assert _charts(app)
        assert len(app.dataframe[0].value)


def test_a_few_points_get_no_limits(services: Services, engineer: Person, product: Product, open_app: OpenApp) -> None:
    for day in range(5):
        add_rows(services, engineer, product, 10, created_at=NOON - timedelta(days=day))
    assert "5 points are too few for limits: 20 are usual, 10 the least." in texts(_open(open_app))


def test_scores_ask_for_a_product(open_app: OpenApp, month: Product) -> None:
    assert "Choose a product above" in texts(_open(open_app, chart="score"))
    app = _open(open_app, chart="score", product=str(month.id), weight="0.1", width="2.7")
    assert len(_charts(app)) == 3
    assert [slider.value for slider in app.slider] == [0.1, 2.7]


def test_a_choice_goes_into_the_address(open_app: OpenApp, month: Product) -> None:
    app = _open(open_app)
    next(box for box in app.selectbox if box.label == "Period").set_value("90").run()
    next(box for box in app.selectbox if box.label == "Group by").set_value("week").run()
    assert app.query_params["period"] == "90"
    assert app.query_params["by"] == "week"


def test_what_an_address_says_wrong_is_named(open_app: OpenApp, month: Product) -> None:
    app = _open(open_app, period="9 days", by="moon", first_day="2026-13-01", weight="nan", line="x" * 65)
    assert "Period, From, Line, Group by, Weight of the newest (λ)" in texts(app)
    assert _charts(app)


def test_causes_are_ticked_or_it_is_said_where(
    services: Services, engineer: Person, month: Product, open_app: OpenApp
) -> None:
    app = _open(open_app, chart="pareto")
    assert _charts(app)
    control = next(one for one in app.segmented_control if one.key == "trend_pareto")
    app = control.set_value("causes").run()
    assert "Nobody has ticked a likely cause" in texts(app)
    with services.database.reading() as session:
        number = session.exec(select(Inspection.id).where(Inspection.final_verdict == "reject")).first()
    assert number is not None
    tick_step(services, engineer, number, section="cause", text="Worn nozzle")
    app = app.run()
    assert "Ticked on 1 of 43 NG parts" in texts(app)
    assert "Worn nozzle" in json.dumps(_charts(app))


def test_a_link_of_the_history_names_its_span(open_app: OpenApp, month: Product) -> None:
    app = open_app("pages/inspection/inspection_history.py")
    app.query_params["since"] = "2020-01-01T00:00:00Z"
    app.query_params["until"] = "2020-01-02T00:00:00Z"
    app.query_params["version"] = "1"
    app.run()
    (button,) = [one for one in app.button if one.key == "history_span"]
    assert button.label == "2020-01-01 00:00 – 2020-01-02 00:00 · Model version no. 1"
    app = button.click().run()
    assert "since" not in app.query_params


Fetch = Callable[[str], httpx.Response]


@pytest.fixture
def fetch(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fetch]:
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
    monkeypatch.setenv("GEOMSA_DEVICE", "cpu")

    def fetch_one(path: str) -> httpx.Response:
        app = Starlette(routes=trend_routes(), middleware=[Middleware(Gate)])

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app, client=("127.0.0.1", 50_000))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8501") as browser:
                return await browser.get(path)

        return asyncio.run(ask())

    yield fetch_one
    close_kept_services()


def test_the_table_behind_a_chart_is_a_file(month: Product, fetch: Fetch) -> None:
    response = fetch(trend_csv_path("rate", TrendFilter(), language="en", zone="UTC"))
    assert response.status_code == 200
    assert "trends_rate.csv" in response.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert len(rows) == 24
    assert sum(int(row["NG"]) for row in rows) == 43
    assert [row["Broken rule"] for row in rows if row["Broken rule"]] == ["1 point beyond the limits"]


def test_the_workbook_has_a_sheet_for_every_chart(month: Product, fetch: Fetch, tmp_path: Path) -> None:
    response = fetch(trend_xlsx_path(TrendFilter(product=month.id), language="ko", zone="Asia/Seoul"))
    assert response.status_code == 200
    target = tmp_path / "trends.xlsx"
    target.write_bytes(response.content)
    book = openpyxl.load_workbook(target, read_only=True)
    assert book.sheetnames == [
        "조건", "불량률", "결함 영역", "점수", "유형별 불량 부품", "원인", "조치", "드리프트", "직행률",
        "조치 소요 시간", "모델과 사람", "변경 이력",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["moon.csv", "rate", "all.csv", "rate.xlsx"])
def test_an_unknown_file_is_not_found(product: Product, fetch: Fetch, name: str) -> None:
    path = trend_csv_path("rate", TrendFilter(), language="en", zone="UTC").replace("rate.csv", name)
    assert fetch(path).status_code == 404

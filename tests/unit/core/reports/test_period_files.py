"""A period report as files: the text of the pages in both languages, and the cells of the workbook."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import openpyxl
import pypdfium2
import pytest
from PIL import Image as PillowImage

from core.access import Person
from core.inspections.stored_values import DefectRegion
from core.reports.period.contents import PeriodContents, gather
from core.reports.period.drawings import Sample, draw_p_chart, draw_pareto
from core.reports.period.making import make_file
from core.reports.period.pictures import draw_parts
from core.reports.period.request import PeriodChoice, make_request
from core.rollups.calendar import KEY
from core.services import Services
from storage.tables import Product, SystemConfig
from tests.history_rows import add_product, add_rows, type_id

NOON = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 28, 0, 0, tzinfo=UTC)
BAD: dict[str, Any] = {"verdict": "reject", "final_verdict": "reject"}


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    """Return a product of a plant in Seoul, with a picture of a part in the store."""
    shifts = [{"name": "주간", "starts_at": "06:00"}, {"name": "야간", "starts_at": "18:00"}]
    with services.database.unit_of_work() as session:
        session.add(SystemConfig(key=KEY, value={"time_zone": "Asia/Seoul", "shifts": shifts}))
        session.commit()
    out = io.BytesIO()
    PillowImage.fromarray(np.full((60, 80, 3), 120, np.uint8)).save(out, "PNG")
    services.objects.put("inspections/part.png", out.getvalue())
    return add_product(services, engineer)


def _fill(services: Services, person: Person, product: Product) -> None:
    scratch = type_id(services, product, "scratch")
    region = DefectRegion(x=10, y=10, w=20, h=10, area=150, score=31.5).to_json()
    common: dict[str, Any] = {"suggested_defect_type_id": scratch, "regions": [region], **BAD}
    add_rows(services, person, product, 30, created_at=NOON, line="L1", serial="")
    add_rows(
        services, person, product, created_at=NOON, line="L2", lot="LOT-7", serial="S & <1>", action_status="open",
        action_note="금형 담당 확인 " * 40, **common,
    )  # fmt: skip
    add_rows(
        services, person, product, created_at=NOON, action_status="done", action_at=NOON + timedelta(minutes=42),
        **common,
    )  # fmt: skip


def _contents(services: Services, language: str, **choice: Any) -> PeriodContents:
    wanted = {"kind": "day", "day": NOON.date(), **choice}
    request = make_request(services, PeriodChoice(**wanted), language=language, now=LATER)
    return gather(services, request, made_by="Kim", now=LATER)


def _text(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    try:
        pages = [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()
    return "".join(" ".join(pages).split())


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Daily report", "Prepared", "Approved", "First-pass yield", "Defects by type", "Scratch", "42 min",
                "Open actions", "Models and thresholds in force", "Data as of", "2026-11-26 (Thu)")),
        ("ko", ("일일 보고서", "작성", "검토", "승인", "직행률", "유형별 불량", "스크래치", "42분", "미조치",
                "적용된 모델과 임계값", "데이터 기준", "2026-11-26 (목)")),
    ],
)  # fmt: skip
def test_the_paper_says_everything_in_its_language(
    services: Services, engineer: Person, product: Product, language: str, words: tuple[str, ...]
) -> None:
    _fill(services, engineer, product)
    written = _text(make_file(services, _contents(services, language, product=product.id), "pdf"))
    for word in (*words, "S & <1>", "LOT-7", "6.25%", "Asia/Seoul", "Bracket"):
        assert word.replace(" ", "") in written, word


@pytest.mark.parametrize(("language", "words"), [("en", "Nothing was inspected"), ("ko", "검사한 부품이 없습니다")])
def test_an_empty_period_has_a_report_that_says_so(
    services: Services, product: Product, language: str, words: str
) -> None:
    contents = _contents(services, language, product=product.id)
    assert words.replace(" ", "") in _text(make_file(services, contents, "pdf"))
    book = openpyxl.load_workbook(io.BytesIO(make_file(services, contents, "xlsx")))
    cells = [str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row if cell.value]
    assert any(words in cell for cell in cells)


def test_long_names_and_hundreds_of_lines_fit_on_the_paper(
    services: Services, engineer: Person, product: Product
) -> None:
    for number in range(60):
        add_rows(
            services, engineer, product, created_at=NOON, line=f"아주 긴 라인 이름 {number} " + "W" * 40,
            lot="M" * 64, serial="8" * 64, action_status="open", action_note="긴 메모 " * 500, **BAD,
        )  # fmt: skip
    pdf = make_file(services, _contents(services, "ko"), "pdf")
    assert "나머지20개는Excel보고서에있습니다." in _text(pdf)
    assert len(pdf) < 2_000_000


def test_a_picture_that_cannot_be_read_is_said(services: Services, engineer: Person, product: Product) -> None:
    _fill(services, engineer, product)
    services.objects.put("inspections/part.png", b"no picture")
    assert "Thepicturecannotberead." in _text(make_file(services, _contents(services, "en"), "pdf"))
    assert make_file(services, _contents(services, "en"), "xlsx")


def test_a_picture_has_an_outline_around_its_region(services: Services, engineer: Person, product: Product) -> None:
    _fill(services, engineer, product)
    contents = _contents(services, "en")
    drawn = draw_parts(services.objects, contents.parts)
    assert len(drawn) == 2
    for pixels in drawn.values():
        assert max(pixels.shape[:2]) == 360
        vermilion = (pixels == (213, 94, 0)).all(axis=2)
        rows, columns = np.nonzero(vermilion)
        assert abs(int(rows.min()) - 45) <= 6
        assert abs(int(columns.max()) - 135) <= 6


def test_the_workbook_has_real_numbers_moments_charts_and_pictures(
    services: Services, engineer: Person, product: Product
) -> None:
    _fill(services, engineer, product)
    data = make_file(services, _contents(services, "en", product=product.id), "xlsx")
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert book.sheetnames == [
        "Summary", "Defect rate by hour", "Defects by type", "By line", "By shift", "First rejected parts",
        "Open actions", "Models and thresholds",
    ]  # fmt: skip
    summary = {row[0].value: row for row in book["Summary"].iter_rows() if row[0].value}
    assert (summary["Inspections"][1].value, summary["NG"][1].value) == (32, 2)
    assert summary["Defect rate"][1].value == pytest.approx(2 / 32)
    assert summary["Defect rate"][1].number_format == "0.00%"
    assert "Prepared" in summary
    chart = book["Defect rate by hour"]
    assert chart["A2"].value == datetime(2026, 11, 26, 6, 0)  # noqa: DTZ001 - Excel's moments have no zone
    assert sum(row[1].value for row in chart.iter_rows(min_row=2, max_row=25)) == 32
    parts = book["First rejected parts"]
    assert parts["I2"].value == "S & <1>"
    assert parts["C2"].value == datetime(2026, 11, 26, 12, 0)  # noqa: DTZ001
    assert book["Open actions"]["B6"].value == 1
    names = _members(data)
    assert sum(name.startswith("xl/charts/chart") for name in names) >= 4
    assert any(name.startswith("xl/media/") for name in names)


def test_text_that_looks_like_a_formula_stays_text(services: Services, engineer: Person, product: Product) -> None:
    add_rows(services, engineer, product, created_at=NOON, line="=1+1", serial="@SUM(A1)", **BAD)
    book = openpyxl.load_workbook(io.BytesIO(make_file(services, _contents(services, "en"), "xlsx")))
    cell = book["By line"]["A2"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


@pytest.mark.parametrize(
    "samples",
    [
        [],
        [Sample("06:00", 0, None, None, None, is_outside=False)],
        [Sample("06:00", 3, 1.0, 0.0, 1.0, is_outside=False), Sample("07:00", 0, None, None, None, is_outside=False)],
        [Sample(f"{n}", 9, 0.2, 0.0, 0.1, is_outside=True) for n in range(400)],
    ],
)
def test_charts_are_drawn_of_whatever_there_is(samples: list[Sample]) -> None:
    from core.reports.font import register_fonts

    register_fonts()
    assert draw_p_chart(samples, 0.05, width=400, height=150, texts=("a", "b", "c")).contents
    names = [sample.name * 30 for sample in samples][:9]
    assert draw_pareto(names, [1] * len(names), width=200, height=150, texts=("a", "b")).contents


def _members(data: bytes) -> list[str]:
    import zipfile

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.namelist()

"""The traceability of an inspection on paper."""

from __future__ import annotations

import pypdfium2
import pytest

from core.access import Person
from core.errors import NotFound
from core.inspections.decisions import override_verdict
from core.reports.qr_code import draw_qr_code
from core.reports.traceability_report import make_traceability_report
from core.services import Services
from tests.inspected_part import add_inspected_part


def _text(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()


@pytest.mark.parametrize(
    ("language", "words"), [("en", ("Thresholds of that time", "NG → OK")), ("ko", ("당시 임계값", "불량 → 정상"))]
)
def test_it_names_hash_models_thresholds_and_changes(
    services: Services, engineer: Person, language: str, words: tuple[str, ...]
) -> None:
    number = add_inspected_part(services, engineer)
    override_verdict(services, engineer, number, row_version=1, verdict="ok", reason="dust & <b>")
    pdf = make_traceability_report(
        services, number, language=language, address=f"http://localhost:8501/traceability?inspection={number}"
    )
    written = _text(pdf).replace("\r\n", "").replace("\n", "")
    for word in (*words, "0" * 64, "dust & <b>", "traceability?inspection=1"):
        assert word.replace(" ", "") in written.replace(" ", ""), word


def test_no_inspection_no_report(services: Services) -> None:
    with pytest.raises(NotFound):
        make_traceability_report(services, 99, language="en")


def test_a_code_has_its_quiet_zone_and_is_black_and_white() -> None:
    pixels = draw_qr_code("http://localhost:8501/traceability?inspection=123456789")
    assert pixels.shape[0] == pixels.shape[1] >= 240
    assert set(pixels.reshape(-1).tolist()) == {0, 255}
    edge = pixels.shape[0] // 20
    assert (pixels[:edge] == 255).all()
    assert (pixels[:, :edge] == 255).all()

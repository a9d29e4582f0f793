"""The finding as a PDF: in both languages, everything on it, whatever the texts hold."""

from __future__ import annotations

import io
from datetime import UTC

import pytest
from pypdf import PdfReader

from core.access import Person
from core.errors import NotFound
from core.guidance.checklist import tick_step
from core.guidance.writing import write_guidance
from core.inspections.decisions import close_action, override_verdict
from core.reports.inspection_report import make_finding_report
from core.services import Services
from tests.inspected_part import add_inspected_part, use_passages
from tests.unit.inference.language.findings import PASSAGES


def _text(pdf: bytes) -> str:
    return " ".join(" ".join((page.extract_text() or "").split()) for page in PdfReader(io.BytesIO(pdf)).pages)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "ko",
            (
                "불량",
                "스크래치",
                "조치 안내",
                "이송 가이드를 #400 사포로 연마한다.",
                "브래킷 조치서, 3쪽",
                "확인자 서명",
            ),
        ),
        ("en", ("NG", "Scratch", "Corrective steps", "Replace the guide liner every 30 days.", "Checked by")),
    ],
)
def test_the_report_holds_the_whole_finding(
    services: Services, engineer: Person, monkeypatch: pytest.MonkeyPatch, language: str, words: tuple[str, ...]
) -> None:
    inspection_id = add_inspected_part(services, engineer)
    use_passages(monkeypatch, PASSAGES)
    list(write_guidance(services, engineer, inspection_id, language=language))
    close_action(services, engineer, inspection_id, row_version=1, status="done", note="라벨 <b>붙임</b> & 격리")
    pdf = make_finding_report(services, inspection_id, language=language)
    assert pdf.startswith(b"%PDF")
    text = _text(pdf)
    for word in (*words, "브래킷 *A*", "S-17", "part <1>.png", "라벨 <b>붙임</b> & 격리"):
        assert word in text, word
    reader = PdfReader(io.BytesIO(pdf))
    assert sum(len(page.images) for page in reader.pages) == 2
    assert "/FontFile2" in str([font for page in reader.pages for font in _descriptors(page)]), "the font is embedded"


def test_the_report_tells_who_changed_what_and_which_steps_were_done_by_whom(
    services: Services, engineer: Person, worker_person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    inspection_id = add_inspected_part(services, engineer)
    use_passages(monkeypatch, PASSAGES)
    list(write_guidance(services, engineer, inspection_id, language="en"))
    now = override_verdict(services, engineer, inspection_id, row_version=1, verdict="ok", reason="Only dust")
    override_verdict(
        services,
        worker_person,
        inspection_id,
        row_version=now.row_version,
        verdict="reject",
        reason="A scratch after all",
    )
    tick_step(
        services, worker_person, inspection_id, section="prevention", text="Clean the transfer guide every 8 hours."
    )
    tick_step(services, worker_person, inspection_id, section="action", text="A step of an earlier writing")
    text = _text(make_finding_report(services, inspection_id, language="en", zone=UTC))
    for words in (
        "Changes",
        "Verdict changed: NG → OK · “Only dust”",
        "Verdict changed: OK → NG · “A scratch after all”",
        "done by Line worker, ",
        "Done before the steps were written again",
        "A step of an earlier writing",
    ):
        assert words in text, words
    assert text.count("done by Line worker") == 2


def _descriptors(page: object) -> list[str]:
    fonts = page["/Resources"]["/Font"]  # type: ignore[index]
    found = (fonts[name].get_object() for name in fonts)
    return [str(font.get("/FontDescriptor").get_object()) for font in found if font.get("/FontDescriptor")]


def test_without_guidance_it_says_so(services: Services, engineer: Person) -> None:
    inspection_id = add_inspected_part(services, engineer, with_index=False)
    assert "No steps were written" in _text(make_finding_report(services, inspection_id, language="en"))
    with pytest.raises(NotFound):
        make_finding_report(services, 999, language="en")

"""Stored guidance: what rows of earlier versions hold, literally, is read as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.access import Person
from core.guidance.records import Source, WrittenText, latest_guidance
from core.services import Services
from core.transactions import writing
from inference.language.guidance import Section, Step
from storage.tables import ResponseHistory
from tests.inspected_part import add_inspected_part

OLD_ANSWER = """{"written_by": "extractive", "left_out": 2, "sections": [
    {"name": "action", "steps": [
        {"text": "이송 가이드를 #400 사포로 연마한다.", "citations": [1, 3], "from_manual": true},
        {"text": "Stop the line.", "citations": [], "from_manual": false}]},
    {"name": "cause", "steps": []}
]}"""
OLD_SOURCE = """{
    "number": 1, "manual_id": 2, "manual_title": "브래킷 조치서", "page": 3, "heading": "브래킷 조치서 › 3. 스크래치",
    "text": "조치\\n- 연마한다", "kind": "list", "boxes": [[72.0, 100.5, 520.25, 130], [72.0, 140.0, 520.0, 150.0]]
}"""


def test_an_old_text_is_read_with_its_sections_in_their_order_and_written_as_it_was() -> None:
    text = WrittenText.from_json(OLD_ANSWER)
    assert text == WrittenText(
        "extractive",
        2,
        (
            Section(
                "action",
                (
                    Step("이송 가이드를 #400 사포로 연마한다.", (1, 3), from_manual=True),
                    Step("Stop the line.", (), from_manual=False),
                ),
            ),
            Section("cause", ()),
        ),
    )
    assert json.loads(text.to_json()) == json.loads(OLD_ANSWER)
    assert "이송" in text.to_json(), "readable in the database"


def test_an_old_source_is_read_whether_or_not_it_says_that_it_was_held_back() -> None:
    stored = json.loads(OLD_SOURCE)
    source = Source.from_json(stored)
    assert source == Source(
        number=1,
        manual_id=2,
        manual_title="브래킷 조치서",
        page=3,
        heading="브래킷 조치서 › 3. 스크래치",
        text="조치\n- 연마한다",
        kind="list",
        boxes=((72.0, 100.5, 520.25, 130.0), (72.0, 140.0, 520.0, 150.0)),
        is_held_back=False,
    )
    assert source.chapter == "3. 스크래치"
    assert Source.from_json({**stored, "is_held_back": True}).is_held_back
    assert Source.from_json({**stored, "is_page_only": True, "is_ocr": True}).is_page_only
    written = json.loads(json.dumps(source.to_json()))
    assert written == {**stored, "is_held_back": False, "is_page_only": False, "is_ocr": False}


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ({"sections": [{"name": "cost", "steps": []}]}, WrittenText("", 0, ())),
        (
            {
                "written_by": "llama",
                "seconds": 4,
                "sections": [{"name": "check", "steps": [{"text": "Look.", "mood": 1}]}],
            },
            # What is not said to be of the manual is not shown as being of it.
            WrittenText("llama", 0, (Section("check", (Step("Look.", (), from_manual=False),)),)),
        ),
        ({}, WrittenText("", 0, ())),
    ],
)
def test_texts_with_more_or_less_than_expected_are_read_as_far_as_they_go(stored: Any, text: WrittenText) -> None:
    assert WrittenText.from_json(json.dumps(stored)) == text


@pytest.mark.parametrize("boxes", [None, [[1, 2, 3]], ["box"], [[1, 2, 3, "x"]]])
def test_a_source_without_a_place_that_can_be_read_has_none(boxes: Any) -> None:
    source = Source.from_json({"number": 4, "boxes": boxes, "color": "red"})
    assert (source.number, source.text, source.boxes) == (4, "", ())


def test_an_old_row_is_the_latest_guidance_of_its_inspection(services: Services, engineer: Person) -> None:
    inspection_id = add_inspected_part(services, engineer)
    with writing(services) as session:
        session.add(
            ResponseHistory(
                inspection_id=inspection_id,
                product_id=1,
                language="ko",
                model_name="claude-test",
                passages=[json.loads(OLD_SOURCE)],
                answer=OLD_ANSWER,
                output_tokens=45,
                created_by=engineer.id,
            )
        )
        session.commit()
    written = latest_guidance(services, inspection_id, language="ko")
    assert written is not None
    assert (written.guidance.model_name, written.asked_model) == ("extractive", "claude-test")
    assert (written.guidance.left_out, written.guidance.output_tokens) == (2, 45)
    assert [section.name for section in written.guidance.sections] == ["action", "cause"]
    assert written.sources == (Source.from_json(json.loads(OLD_SOURCE)),)
    assert written.person_name == engineer.display_name

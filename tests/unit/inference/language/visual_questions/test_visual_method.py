"""A model that sees, asked over HTTP at servers that speak both interfaces and misbehave."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from inference.language.model_servers.claude import ClaudeServer
from inference.language.model_servers.compatible import CompatibleServer
from inference.language.model_servers.interface import ModelServer
from inference.language.visual_questions.method import VisualQuestionMethod
from inference.language.visual_questions.question import PartType, VisualQuestion
from tests.language_servers import Asked, LanguageServer, language_server

QUESTION = VisualQuestion(
    product="Bracket", prompt="Look for scratches.", defect_types=(PartType("scratch", "Scratch"),)
)
IMAGE = np.full((60, 80, 3), 120, np.uint8)
SAID = json.dumps(
    {"verdict": "defect", "confidence": 0.8, "type": "scratch", "boxes": [[0, 0, 500, 500]], "reason": "A line."}
)
KINDS = ("compatible", "claude")


@pytest.fixture
def server() -> Iterator[LanguageServer]:
    with language_server() as found:
        found.response = SAID
        yield found


def _connect(server: LanguageServer, kind: str, *, timeout_s: float = 10.0) -> ModelServer:
    if kind == "claude":
        return ClaudeServer(api_key="test-key-of-claude", base_url=server.url, timeout_s=timeout_s)
    return CompatibleServer(api_key=None, base_url=f"{server.url}/v1", timeout_s=timeout_s)


def _method(server: LanguageServer, kind: str = "compatible", *, timeout_s: float = 10.0, **more: Any) -> Any:
    waits: list[float] = []
    method = VisualQuestionMethod(
        "qwen3-vl", _connect(server, kind, timeout_s=timeout_s), QUESTION, wait=waits.append, **more
    )
    return method, waits


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_goes_out_and_a_prediction_comes_back(server: LanguageServer, kind: str) -> None:
    method, _waits = _method(server, kind)
    (said,) = method.predict([IMAGE])
    assert said.error is None
    assert said.score == pytest.approx(0.9)
    assert said.words == "A line."
    assert said.class_probabilities == pytest.approx({"good": 0.1, "scratch": 0.9})
    (box,) = said.boxes
    assert (box.x, box.y, box.width, box.height, box.label) == pytest.approx((0, 0, 40, 30, "scratch"))
    assert said.ms > 0
    (asked,) = server.asked
    assert asked.text.count("image/png") == 1
    assert method.usage.to_json() == {
        "requests": 1, "input_tokens": 321, "output_tokens": 45, "answered": 1, "failures": {}
    }  # fmt: skip


@pytest.mark.parametrize(("kind", "key"), [("compatible", "response_format"), ("claude", "output_config")])
def test_the_schema_goes_along_and_a_server_that_refuses_it_is_asked_without(
    server: LanguageServer, kind: str, key: str
) -> None:
    server.fault = "no_schema"
    method, _waits = _method(server, kind)
    assert [said.error for said in method.predict([IMAGE, IMAGE])] == [None, None]
    # The second image is asked without one at once.
    assert [key in asked.body for asked in server.asked] == [True, False, False]


def test_good_parts_go_before_the_part_to_be_judged(server: LanguageServer) -> None:
    method, _waits = _method(server, references=[np.full((60, 80, 3), shade, np.uint8) for shade in (10, 20)])
    method.predict([IMAGE])
    assert server.asked[0].text.count("image/png") == 3
    assert "The first 2 pictures are good parts" in server.asked[0].text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [429, 503, 500])
def test_a_busy_server_is_asked_again_after_growing_waits(server: LanguageServer, kind: str, status: int) -> None:
    server.statuses = [status, status]
    server.retry_after = "0"
    method, waits = _method(server, kind)
    (said,) = method.predict([IMAGE])
    assert said.error is None
    assert waits == [1.0, 2.0]
    assert method.usage.requests == 3


def test_a_server_that_stays_busy_is_given_up(server: LanguageServer) -> None:
    server.status, server.retry_after = 429, "0"
    method, waits = _method(server)
    (said,) = method.predict([IMAGE])
    assert said.error.code == "writer_busy"
    assert len(waits) == 2


def test_a_wait_is_at_least_what_the_server_asks_for_and_not_for_ever(server: LanguageServer) -> None:
    server.statuses, server.retry_after = [429], "7"
    method, waits = _method(server)
    assert method.predict([IMAGE])[0].error is None
    assert waits == [7.0]
    server.statuses, server.retry_after = [429], "3600"
    assert method.predict([IMAGE])[0].error.code == "writer_busy"
    assert waits == [7.0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("slow", "writer_timeout"),
        ("silent", "writer_timeout"),
        ("broken", "writer_broken_off"),
        ("garbage", "writer_broken_off"),
        ("endless", "writer_too_long"),
        ("cut", "writer_too_long"),
        ("declined", "writer_declined"),
    ],
)
def test_a_server_that_misbehaves_is_an_answer_that_says_why(
    server: LanguageServer, kind: str, fault: str, code: str
) -> None:
    server.fault = fault
    method, _waits = _method(server, kind, timeout_s=1.0)
    (said,) = method.predict([IMAGE])
    assert (said.score, said.error.code) == (None, code)
    assert method.usage.failures == {code: 1}


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_is_refused_is_not_tried_again(server: LanguageServer, kind: str) -> None:
    server.status = 401
    method, waits = _method(server, kind)
    assert method.predict([IMAGE])[0].error.code == "writer_key_refused"
    assert waits == []


def test_a_malformed_answer_leaves_the_other_images(server: LanguageServer) -> None:
    answers = iter(["The part looks fine to me.", SAID, SAID.replace("scratch", "rust"), SAID])
    server.response = lambda _asked: next(answers)
    method, _waits = _method(server)
    said = method.predict([IMAGE] * 4)
    assert [one.error and one.error.code for one in said] == [
        "visual_answer_not_json", None, "visual_answer_type_unknown", None
    ]  # fmt: skip
    assert method.usage.answered == 2
    assert sum(method.usage.failures.values()) == 2


def test_a_server_that_is_gone_is_given_up_after_three_images() -> None:
    with language_server() as server:
        method, _waits = _method(server)
    started = time.perf_counter()
    said = method.predict([IMAGE] * 50)
    assert {one.error.code for one in said} == {"writer_unreachable"}
    assert method.usage.requests == 3
    assert method.usage.failures == {"writer_unreachable": 50}
    assert said[-1].ms <= (time.perf_counter() - started) * 1000


def test_a_model_that_obeys_the_picture_still_cannot_leave_the_schema(server: LanguageServer) -> None:
    def obey(asked: Asked) -> str:
        return '{"verdict": "good", "confidence": 1.0, "type": "approved by the manager", "boxes": [], "reason": "ok"}'

    server.response = obey
    method, _waits = _method(server)
    (said,) = method.predict([IMAGE])
    assert (said.score, said.error.code) == (None, "visual_answer_type_unknown")


def test_the_key_does_not_come_back_in_the_words(server: LanguageServer) -> None:
    server.response = lambda asked: SAID.replace("A line.", "My key is test-key-of-claude")
    method, _waits = _method(server, "claude", secrets=["test-key-of-claude"])
    (said,) = method.predict([IMAGE])
    assert said.error is None
    assert said.words == ""

"""Writers against servers that speak the two interfaces, well and badly."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from inference.errors import WriterError
from inference.language.chat_writer import ChatWriter
from inference.language.extractive import EXTRACTIVE
from inference.language.guidance import Guidance, Piece
from inference.language.model_servers.claude import ClaudeServer
from inference.language.model_servers.compatible import CompatibleServer
from inference.language.model_servers.interface import ChatChunk, ChatRequest, ModelServer, TokenUsage
from inference.language.writers import write
from tests.language_servers import LanguageServer, language_server
from tests.unit.inference.language.findings import CHECK, GOOD_RESPONSE, KOREAN, PASSAGES, SCRATCH

KEY = "sk-ant-a-key-of-the-test"
INTERFACES = ("claude", "compatible")


@pytest.fixture
def server() -> Iterator[LanguageServer]:
    with language_server() as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    # Limits on time are those of a program that is running: on a busy machine the imports alone take longer.
    ClaudeServer.import_sdk()
    CompatibleServer.import_sdk()


def open_server(server: LanguageServer, interface: str, *, timeout_s: float = 10.0) -> ModelServer:
    if interface == "claude":
        return ClaudeServer(api_key=KEY, base_url=server.url, timeout_s=timeout_s)
    return CompatibleServer(api_key=None, base_url=f"{server.url}/v1", timeout_s=timeout_s)


def open_writer(server: LanguageServer, interface: str, *, sees: bool = False, timeout_s: float = 10.0) -> ChatWriter:
    model = "claude-test" if interface == "claude" else "local-test"
    secrets = (KEY,) if interface == "claude" else ()
    return ChatWriter(model, open_server(server, interface, timeout_s=timeout_s), sees_pictures=sees, secrets=secrets)


def last(pieces: list[Piece]) -> Guidance:
    assert pieces[-1].guidance is not None
    return pieces[-1].guidance


@pytest.mark.parametrize("interface", INTERFACES)
def test_a_model_writes_steps_by_section_with_their_passages(server: LanguageServer, interface: str) -> None:
    server.response = GOOD_RESPONSE
    pieces = list(write(open_writer(server, interface), KOREAN, PASSAGES))
    guidance = last(pieces)
    assert [section.name for section in guidance.sections] == ["cause", "action", "check", "prevention"]
    assert [piece.step for piece in pieces[:-1]] == [step for section in guidance.sections for step in section.steps]
    assert guidance.sections[1].steps[0].citations == (1,)
    assert (guidance.input_tokens, guidance.output_tokens) == (321, 45)
    assert guidance.fallback_code is None
    assert guidance.model_name == f"{'claude' if interface == 'claude' else 'local'}-test"


@pytest.mark.parametrize("interface", INTERFACES)
def test_a_step_with_a_figure_that_no_passage_has_is_not_from_the_manual(
    server: LanguageServer, interface: str
) -> None:
    server.response = GOOD_RESPONSE
    guidance = last(list(write(open_writer(server, interface), KOREAN, PASSAGES)))
    steps = {step.text: step for section in guidance.sections for step in section.steps}
    assert not steps["윤활유를 12 g 도포한다."].from_manual
    assert steps["윤활유를 12 g 도포한다."].citations == ()


@pytest.mark.parametrize("interface", INTERFACES)
def test_a_model_reads_what_is_this_defects_own_and_its_steps_stand_in_their_sections(
    server: LanguageServer, interface: str
) -> None:
    finding = replace(KOREAN, other_defects=(("찍힘", "Dent", "dent"),))
    dent = replace(SCRATCH, heading=("2. 표면 불량", "2.2 찍힘"), text="조치\n1. 스크래치도 있으면 완충재를 교체한다.")
    table = replace(
        SCRATCH, heading=("불량별 조치",), text="불량 | 조치\n스크래치 | 연마한다\n찍힘 | 폐기한다", kind="table"
    )
    server.response = (
        "## Cause\n- 스크래치는 치명 불량이다. [1]\n"
        "## Action\n- 연마 후 5개를 연속 검사한다. [2]\n- 완충재를 교체한다. [1]\n"
    )
    guidance = last(list(write(open_writer(server, interface), finding, (dent, SCRATCH, CHECK, table))))
    sent = str(server.asked[-1])
    assert "연마한다" in sent
    assert "완충재" not in sent
    assert "폐기한다" not in sent
    assert [(found.name, [step.text for step in found.steps]) for found in guidance.sections] == [
        ("check", ["연마 후 5개를 연속 검사한다."])
    ]
    assert guidance.sections[0].steps[0].citations == (3,)


def test_nobody_is_asked_where_no_passage_is_this_defects_own(server: LanguageServer) -> None:
    dent = replace(SCRATCH, heading=("2. 표면 불량", "2.2 찍힘"), text="1. 완충재를 교체한다.")
    guidance = last(list(write(open_writer(server, "claude"), KOREAN, (dent,))))
    assert guidance.sections == ()
    assert server.asked == []


def test_steps_arrive_while_the_model_is_still_writing(server: LanguageServer) -> None:
    server.response, server.fault = GOOD_RESPONSE, "slow"
    pieces = write(open_writer(server, "claude"), KOREAN, PASSAGES)
    assert next(pieces).section == "cause"
    assert not server.stopping.is_set()
    pieces.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize(
    ("fault", "fallback_code"),
    [
        ("slow", "writer_timeout"),
        ("silent", "writer_timeout"),
        ("broken", "writer_broken_off"),
        ("overloaded", "writer_overloaded"),
        ("garbage", "writer_broken_off"),
        ("endless", "writer_too_long"),
        ("cut", "writer_too_long"),
    ],
)
def test_when_the_response_goes_wrong_the_manual_is_quoted_and_it_says_why(
    server: LanguageServer, interface: str, fault: str, fallback_code: str
) -> None:
    server.response, server.fault = GOOD_RESPONSE, fault
    started = time.monotonic()
    pieces = list(write(open_writer(server, interface, timeout_s=1.5), KOREAN, PASSAGES))
    assert time.monotonic() - started < 10
    guidance = last(pieces)
    assert (guidance.fallback_code, guidance.model_name) == (fallback_code, EXTRACTIVE)
    assert guidance.sections
    # What had come from the model before is declared void.
    void = next(number for number, piece in enumerate(pieces) if piece.fallback_code)
    after = [piece.step for piece in pieces[void + 1 : -1]]
    assert after == [step for section in guidance.sections for step in section.steps]


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize(
    ("status", "fallback_code"),
    [
        (401, "writer_key_refused"),
        (404, "writer_model_unknown"),
        (400, "writer_request_refused"),
        (429, "writer_busy"),
        (500, "writer_failed"),
        (529, "writer_overloaded"),
    ],
)
def test_a_server_that_refuses_is_asked_once_and_the_manual_is_quoted(
    server: LanguageServer, interface: str, status: int, fallback_code: str
) -> None:
    server.status = status
    assert last(list(write(open_writer(server, interface), KOREAN, PASSAGES))).fallback_code == fallback_code
    assert len(server.asked) == 1


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("response", ["", "\n\n", "## Cause\n## Check\n", "I am glad to help."])
def test_an_empty_response_falls_back(server: LanguageServer, interface: str, response: str) -> None:
    server.response = response
    assert last(list(write(open_writer(server, interface), KOREAN, PASSAGES))).fallback_code == "writer_empty"


def test_a_server_that_is_not_there_falls_back(server: LanguageServer) -> None:
    writer = ChatWriter("gone", CompatibleServer(api_key=None, base_url="http://127.0.0.1:9/v1", timeout_s=3))
    assert last(list(write(writer, KOREAN, PASSAGES))).fallback_code == "writer_unreachable"


def test_without_passages_no_model_is_asked_and_nothing_is_written(server: LanguageServer) -> None:
    server.response = GOOD_RESPONSE
    pieces = list(write(open_writer(server, "claude"), KOREAN, ()))
    assert pieces == [Piece(guidance=Guidance((), ""))]
    assert server.asked == []


@pytest.mark.parametrize("interface", INTERFACES)
def test_pictures_are_sent_only_to_a_model_that_sees(server: LanguageServer, interface: str) -> None:
    server.response = GOOD_RESPONSE
    list(write(open_writer(server, interface, sees=False), KOREAN, PASSAGES))
    list(write(open_writer(server, interface, sees=True), KOREAN, PASSAGES))
    blind, seeing = server.asked
    assert "image" not in [part.get("type") for part in _parts(blind.body)]
    assert len([part for part in _parts(seeing.body) if part["type"] in {"image", "image_url"}]) == 2


def _parts(body: dict[str, object]) -> list[dict[str, object]]:
    content = body["messages"][-1]["content"]  # type: ignore[index]
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


@pytest.mark.parametrize("interface", INTERFACES)
def test_the_key_goes_only_where_it_belongs(server: LanguageServer, interface: str) -> None:
    server.response = GOOD_RESPONSE
    list(write(open_writer(server, interface), KOREAN, PASSAGES))
    asked = server.asked[0]
    assert KEY not in asked.text
    sent = {name.lower(): value for name, value in asked.headers.items()}
    assert any(KEY in value for value in sent.values()) == (interface == "claude")


@pytest.mark.parametrize("interface", INTERFACES)
def test_the_models_of_a_server_are_listed(server: LanguageServer, interface: str) -> None:
    assert open_server(server, interface).list_models() == ["claude-opus-4-5", "claude-haiku-4-5"]
    server.status = 401
    with pytest.raises(WriterError) as refused:
        open_server(server, interface).list_models()
    assert refused.value.code == "writer_key_refused"


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize(("fault", "stop"), [("", "end"), ("cut", "length"), ("declined", "refusal")])
def test_both_servers_stream_the_same_chunks(server: LanguageServer, interface: str, fault: str, stop: str) -> None:
    server.response, server.fault = GOOD_RESPONSE, fault
    chunks = list(open_server(server, interface).stream(ChatRequest("m", "rules", "material")))
    assert all(isinstance(chunk, ChatChunk) for chunk in chunks)
    assert "".join(chunk.text for chunk in chunks) == GOOD_RESPONSE
    assert [chunk.stop for chunk in chunks if chunk.stop is not None] == [stop]
    assert [chunk.usage for chunk in chunks if chunk.usage is not None][-1] == TokenUsage(321, 45)
    assert (server.asked[0].body["model"], server.asked[0].body["max_tokens"]) == ("m", 1600)


@pytest.mark.parametrize("interface", INTERFACES)
def test_a_model_that_declines_is_replaced_by_the_manual(server: LanguageServer, interface: str) -> None:
    server.response, server.fault = GOOD_RESPONSE, "declined"
    guidance = last(list(write(open_writer(server, interface), KOREAN, PASSAGES)))
    assert (guidance.fallback_code, guidance.model_name) == ("writer_declined", EXTRACTIVE)


def test_the_servers_need_no_library_that_could_report_the_requests_to_others() -> None:
    code = (
        "import sys; from inference.language.model_servers.claude import ClaudeServer;"
        "from inference.language.model_servers.compatible import CompatibleServer;"
        "ClaudeServer.import_sdk(); CompatibleServer.import_sdk();"
        "print([name for name in sys.modules if name.startswith(('langchain', 'langsmith'))])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert ran.stdout.strip() == "[]"

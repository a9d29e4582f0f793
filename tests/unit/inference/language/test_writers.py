"""Writers against servers that speak the two interfaces, well and badly."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from inference.errors import WriterError
from inference.language.chat_writer import ChatWriter
from inference.language.extractive import EXTRACTIVE
from inference.language.guidance import Guidance, Piece
from inference.language.model_servers import list_models, open_claude, open_compatible, prepare
from inference.language.writers import write
from tests.language_servers import LanguageServer, language_server
from tests.unit.inference.language.findings import GOOD_RESPONSE, KOREAN, PASSAGES

KEY = "sk-ant-a-key-of-the-test"
INTERFACES = ("claude", "compatible")


@pytest.fixture
def server() -> Iterator[LanguageServer]:
    with language_server() as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    # Limits on time are those of a program that is running: on a busy machine the imports alone take longer.
    for interface in INTERFACES:
        prepare(interface)  # type: ignore[arg-type]


def open_writer(server: LanguageServer, interface: str, *, sees: bool = False, timeout_s: float = 10.0) -> ChatWriter:
    if interface == "claude":
        return ChatWriter(
            "claude-test",
            lambda: open_claude("claude-test", api_key=KEY, base_url=server.url, timeout_s=timeout_s),
            sees_pictures=sees,
            secrets=(KEY,),
        )
    return ChatWriter(
        "local-test",
        lambda: open_compatible("local-test", base_url=f"{server.url}/v1", api_key=None, timeout_s=timeout_s),
        sees_pictures=sees,
    )


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
    writer = ChatWriter(
        "gone", lambda: open_compatible("gone", base_url="http://127.0.0.1:9/v1", api_key=None, timeout_s=3)
    )
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
    url = server.url if interface == "claude" else f"{server.url}/v1"
    assert list_models(interface, base_url=url, api_key=KEY) == ["claude-opus-4-5", "claude-haiku-4-5"]  # type: ignore[arg-type]
    server.status = 401
    with pytest.raises(WriterError) as refused:
        list_models(interface, base_url=url, api_key=KEY)  # type: ignore[arg-type]
    assert refused.value.code == "writer_key_refused"

"""A model with the tools: a real local server, scripted calls, and what it must never get away with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from core.access import Person
from core.accounts.people import open_person
from core.assistant.asking import ask
from core.assistant.events import AskEvent
from core.assistant.records import Turn
from core.guidance.writer_choice import TextChoice, choose_text_model
from core.services import Services
from tests.assistant_world import HOSTILE_NAME, count_runs
from tests.tool_calling_server import Step, ToolServer, tool_server

RANK = Step(tools=(("rank_defect_types", {"period": "last_week", "line": "3"}),))


@contextmanager
def chosen(world: Services, asker: Person, server: ToolServer, kind: str) -> Iterator[Services]:
    """Yield services whose chosen model is at the server, by one of the two interfaces."""
    settings = replace(world.settings, anthropic_api_key="sk-secret-key-1", llm_api_key="sk-secret-key-1")
    if kind == "claude":
        settings = replace(settings, anthropic_base_url=server.url)
    else:
        settings = replace(settings, llm_base_url=f"{server.url}/v1")
    made = replace(world, settings=settings)
    choose_text_model(made, asker, TextChoice(kind, "model-1"))
    yield made


def last_turn(events: list[AskEvent]) -> Turn:
    turn = events[-1].turn
    assert turn is not None
    return turn


@pytest.mark.parametrize("kind", ["claude", "compatible"])
def test_a_model_says_what_its_tools_found(world: Services, asker: Person, kind: str) -> None:
    said = "지난주 3라인에서는 기공이 7건으로 가장 많았습니다. 전체는 10건입니다."
    with tool_server(RANK, Step(said)) as server, chosen(world, asker, server, kind) as services:
        events = list(ask(services, asker, "지난주 3라인에서 가장 많은 불량은?", language="ko"))
    turn = last_turn(events)
    assert turn.words == said.replace("다. ", "다.\n")
    assert turn.writer == "model-1"
    assert turn.error is None
    assert [one.tool for one in turn.results] == ["rank_defect_types"]
    assert [event.looking for event in events if event.looking] == ["Counting defect types"]
    # The second request holds what the tool found, fenced, and the key is no part of what is said to the model.
    assert "기공" in server.sent
    assert "<data " in server.sent
    assert "sk-secret-key-1" not in server.sent


@pytest.mark.parametrize("kind", ["claude", "compatible"])
def test_numbers_of_its_own_are_dropped(world: Services, asker: Person, kind: str) -> None:
    lie = (
        "The most frequent defect was Blow hole with 7 parts. That is 42% more than the week before. About 950 "
        "parts are at risk."
    )
    with tool_server(RANK, Step(lie)) as server, chosen(world, asker, server, kind) as services:
        turn = last_turn(list(ask(services, asker, "most frequent defect on line 3 last week?", language="en")))
    assert "42" not in turn.words
    assert "950" not in turn.words
    assert turn.words.startswith("The most frequent defect was Blow hole with 7 parts.")
    # What was dropped is made good by the tool's own wording.
    assert turn.results[0].words[0] in turn.words


def test_a_model_that_looks_nothing_up_cannot_state_figures(world: Services, asker: Person) -> None:
    with (
        tool_server(Step("There were 12 defects on line 3.")) as server,
        chosen(world, asker, server, "compatible") as s,
    ):
        events = list(ask(s, asker, "How many defects on line 3 last week?", language="en"))
    turn = last_turn(events)
    assert "12 defects" not in turn.words
    assert turn.writer == "offline"
    assert turn.error is not None
    assert turn.error[0] == "writer_broken_off"
    assert [one.tool for one in turn.results] == ["count_inspections"]


@pytest.mark.parametrize("kind", ["claude", "compatible"])
@pytest.mark.parametrize(
    ("fault", "status", "told"),
    [
        ("garbage", 200, "writer_broken_off"),
        ("broken", 200, "writer_broken_off"),
        ("", 401, "writer_key_refused"),
        ("", 500, "writer_failed"),
    ],
)
def test_the_parser_takes_over_and_it_is_said(
    world: Services, asker: Person, kind: str, fault: str, status: int, told: str
) -> None:
    with tool_server(Step("Half a sentence that")) as server, chosen(world, asker, server, kind) as services:
        server.fault, server.status = fault, status
        events = list(ask(services, asker, "show open actions", language="en"))
    turn = last_turn(events)
    assert turn.error is not None
    assert turn.error[0] == told
    assert [event.fallback_code for event in events if event.fallback_code] == [told]
    assert [one.tool for one in turn.results] == ["list_open_actions"]
    assert "Half a sentence" not in turn.words


def test_a_server_that_is_gone_costs_no_reply(world: Services, asker: Person) -> None:
    with tool_server() as server:
        pass
    with chosen(world, asker, server, "compatible") as services:
        turn = last_turn(list(ask(services, asker, "오늘 검사 몇 건 했어?", language="ko")))
    assert turn.error is not None
    assert turn.error[0] == "writer_unreachable"
    assert [one.tool for one in turn.results] == ["count_inspections"]


def test_endless_tool_calls_end(world: Services, asker: Person) -> None:
    with tool_server(RANK) as server, chosen(world, asker, server, "compatible") as services:
        turn = last_turn(list(ask(services, asker, "지난주 3라인에서 가장 많은 불량은?", language="ko")))
    assert len(server.asked) < 12
    assert [one.tool for one in turn.results] == ["rank_defect_types"]
    assert turn.writer == "offline"


def test_a_drafted_training_holds_only_what_the_person_said_and_starts_nothing(world: Services, asker: Person) -> None:
    call = ("draft_training", {"product": "casting", "task": "detection", "epochs": 20, "batch_size": 64})
    steps = (Step(tools=(call,)), Step("I have started the training with batch size 64. Please confirm the draft."))
    with tool_server(*steps) as server, chosen(world, asker, server, "claude") as services:
        turn = last_turn(list(ask(services, asker, "train a detector on casting for 20 epochs", language="en")))
    assert turn.draft is not None
    assert turn.draft.said == {"product": "casting", "task": "detection", "training.epochs": 20}
    assert turn.draft_state == "open"
    assert "batch size 64" not in turn.words
    assert "Nothing is started yet" in turn.words
    assert count_runs(services) == 0


def test_no_tool_starts_or_changes_anything(world: Services, asker: Person) -> None:
    calls = (("start_run", {"product": "casting"}), ("confirm_draft", {"turn_id": 1}))
    steps = (Step(tools=calls), Step("Done."))
    with tool_server(*steps) as server, chosen(world, asker, server, "compatible") as services:
        list(ask(services, asker, "casting 학습해 줘", language="ko"))
    offered = {tool["function"]["name"] for tool in server.asked[0]["tools"]}
    assert offered.isdisjoint({"start_run", "confirm_draft"})
    assert count_runs(services) == 0


def test_hostile_names_arrive_as_fenced_data(world: Services, asker: Person) -> None:
    steps = (Step(tools=(("list_products", {}),)), Step("Those are the products."))
    with tool_server(*steps) as server, chosen(world, asker, server, "compatible") as services:
        list(ask(services, asker, "which products do we have", language="en"))
    told = next(one["content"] for one in server.asked[1]["messages"] if one["role"] == "tool")
    assert HOSTILE_NAME in told
    rules = server.asked[1]["messages"][0]["content"]
    fence = rules.split("<data ")[1].split(">")[0]
    assert told.startswith(f"<data {fence}>")
    assert told.endswith(f"</data {fence}>")
    assert HOSTILE_NAME not in rules


def test_a_worker_is_refused_by_the_tool_whatever_the_model_wants(world: Services, asker: Person) -> None:
    worker = open_person(world, "worker")
    steps = (Step(tools=(("read_thresholds", {"product": "casting"}),)), Step("The threshold is 25."))
    with tool_server(*steps) as server, chosen(world, asker, server, "compatible") as services:
        turn = last_turn(list(ask(services, worker, "casting threshold?", language="en")))
    assert turn.results == ()
    assert "25" not in turn.words
    assert turn.error is not None
    assert turn.error[0] == "role_too_low"


def test_nothing_is_sent_because_an_address_is_set(world: Services, asker: Person) -> None:
    with tool_server(Step("Hello.")) as server:
        settings = replace(world.settings, llm_base_url=f"{server.url}/v1", anthropic_api_key="sk-1")
        turn = last_turn(list(ask(replace(world, settings=settings), asker, "show open actions", language="en")))
    assert server.asked == []
    assert turn.writer == "offline"
    assert turn.error is None

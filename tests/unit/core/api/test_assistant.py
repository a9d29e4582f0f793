"""The assistant over REST: asked, heard as it is said, drafts that only a confirmation starts."""

from __future__ import annotations

from tests.api_server import ApiClient

ASK = "/v1/assistant/ask"


def test_a_question_is_looked_up_and_kept(worker_api: ApiClient, engineer_api: ApiClient, stranger: ApiClient) -> None:
    assert stranger.ask("POST", ASK, body={"words": "show open actions"}).status == 401
    answer = worker_api.ask("POST", ASK, body={"words": "show open actions"})
    assert answer.status == 200, answer.body
    said = answer.json()
    assert said["turn"]["results"][0]["tool"] == "list_open_actions"
    assert said["turn"]["writer"] == "offline"
    path = f"/v1/assistant/conversations/{said['conversation']}"
    assert [turn["role"] for turn in worker_api.get(path).json()["turns"]] == ["person", "assistant"]
    # Nobody else's, whatever the role.
    assert engineer_api.get(path).status == 404
    renamed = worker_api.ask("PATCH", path, body={"title": "Round", "row_version": 1})
    assert renamed.json()["title"] == "Round"
    assert worker_api.ask("DELETE", path).status == 204
    assert worker_api.get(path).status == 404


def test_what_is_wrong_with_a_question_is_an_error(worker_api: ApiClient) -> None:
    for words in ("", "x" * 2001):
        assert worker_api.ask("POST", ASK, body={"words": words}).status in (400, 422)
    assert worker_api.ask("POST", ASK, body={"words": "hello", "conversation": 999_999}).status == 404
    streamed = worker_api.ask("POST", f"{ASK}/stream", body={"words": " "})
    assert streamed.json()["code"] == "assistant_words_missing"


def test_a_reply_is_heard_as_it_is_said(worker_api: ApiClient) -> None:
    answer = worker_api.ask("POST", f"{ASK}/stream", body={"words": "오늘 검사 몇 건 했어?"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    names = [line[7:] for line in answer.body.decode().splitlines() if line.startswith("event: ")]
    assert names[0] == "conversation"
    assert names[-1] == "turn"
    assert {"looking", "words", "result"} <= set(names)


def test_a_draft_waits_for_its_confirmation(worker_api: ApiClient, engineer_api: ApiClient) -> None:
    turn = engineer_api.ask("POST", ASK, body={"words": "train a classifier on plate, 3 epochs"}).json()["turn"]
    assert turn["draft"]["said"] == {"product": "plate", "task": "classification", "training.epochs": 3}
    assert (turn["draft_state"], turn["training_run"]) == ("open", None)
    path = f"/v1/assistant/drafts/{turn['id']}"
    assert worker_api.ask("POST", f"{path}/confirm", body={"row_version": 1}).status == 403
    assert (
        engineer_api.ask("POST", f"{path}/confirm", body={"row_version": 9}).json()["code"] == "assistant_draft_changed"
    )
    assert engineer_api.ask("PUT", path, body={"row_version": 1, "yaml": "product: ["}).status == 422
    assert engineer_api.ask("DELETE", f"{path}?row_version=1").status == 204
    assert engineer_api.ask("POST", f"{path}/confirm", body={"row_version": 2}).json()["code"] == "assistant_draft_over"

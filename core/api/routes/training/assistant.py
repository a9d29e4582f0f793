"""The assistant: ask, as a whole or as it is said (server-sent events); one's own conversations; drafts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from core.api.context import LARGEST_ID, Asked, Context, Id
from core.api.shapes import Shape
from core.assistant.asking import ask
from core.assistant.confirming import change_draft, confirm_draft, discard_draft
from core.assistant.conversations import (
    LONGEST_TITLE,
    LONGEST_WORDS,
    delete_conversation,
    list_conversations,
    read_conversation,
    rename_conversation,
)
from core.assistant.events import AskEvent
from core.assistant.records import ConversationHead, Turn
from core.errors import AppError

router = APIRouter(prefix="/assistant", tags=["assistant"])
_LARGEST_YAML = 64 * 1024


class Question(Shape):
    """What is asked: in a new conversation, or in one of the caller's own."""

    words: str = Field(
        min_length=1, max_length=LONGEST_WORDS, examples=["What was the most frequent defect last week?"]
    )
    conversation: int | None = Field(default=None, ge=1, le=LARGEST_ID)
    inspection: int | None = Field(
        default=None, ge=1, le=LARGEST_ID, description="The inspection that “this part” stands for."
    )


class TurnShape(Shape):
    """What was said once. `writer` is `offline` where no language model wrote; figures never come from one."""

    id: int
    number: int
    role: str = Field(examples=["assistant"], description="person or assistant")
    words: str
    writer: str
    results: list[dict[str, Any]] = Field(description="What was looked up: query, columns, rows, words, address.")
    question: dict[str, Any] | None = Field(description="What was asked back, with its choices.")
    draft: dict[str, Any] | None = Field(description="A training that waits for a person, with the mark of each field.")
    draft_state: str
    training_run: int | None
    error: dict[str, Any] | None
    row_version: int
    created_at: datetime


class ConversationShape(Shape):
    """A conversation without its turns."""

    id: int
    title: str
    row_version: int
    created_at: datetime
    updated_at: datetime


class WholeConversation(ConversationShape):
    """A conversation with its turns."""

    turns: list[TurnShape]


class Reply(Shape):
    """What the assistant said, and in which conversation."""

    conversation: int
    turn: TurnShape


class NewTitle(Shape):
    """Another title."""

    title: str = Field(min_length=1, max_length=LONGEST_TITLE)
    row_version: int


class Seen(Shape):
    """The state of the draft that the person saw."""

    row_version: int


class NewDraft(Seen):
    """A configuration in YAML in the place of the draft's."""

    yaml: str = Field(max_length=_LARGEST_YAML)


class Started(Shape):
    """The run that a confirmed draft became."""

    training_run: int


@router.post("/ask", summary="Ask the assistant")
def ask_assistant(question: Question, asked: Asked) -> Reply:
    """Ask, and wait for the whole reply. It only looks things up: a training becomes a draft that waits."""
    events = list(_ask(question, asked))
    turn = events[-1].turn
    assert turn is not None
    return Reply(conversation=events[-1].conversation_id or 0, turn=_shape(turn, asked))


@router.post("/ask/stream", summary="Ask the assistant, and hear it as it is said", response_class=StreamingResponse)
def stream_reply(question: Question, asked: Asked) -> StreamingResponse:
    """Send server-sent events: `looking`, `words`, `result`, `fallback` (what came before is void), and last `turn`."""
    events = _ask(question, asked)
    # What is wrong with the question is said as an error, not inside a stream that has begun.
    first = next(events)
    return StreamingResponse(
        _write_events(first, events, asked), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


@router.get("/conversations", summary="Your conversations")
def get_conversations(asked: Asked) -> list[ConversationShape]:
    """Return the caller's own conversations, the last used first."""
    return [_head(head) for head in list_conversations(asked.services, asked.person)]


@router.get("/conversations/{conversation_id}", summary="One of your conversations")
def get_conversation(conversation_id: Id, asked: Asked) -> WholeConversation:
    """Return the conversation with its turns."""
    view = read_conversation(asked.services, asked.person, conversation_id)
    return WholeConversation(**_head(view.head).model_dump(), turns=[_shape(turn, asked) for turn in view.turns])


@router.patch("/conversations/{conversation_id}", summary="Rename a conversation")
def patch_conversation(conversation_id: Id, new: NewTitle, asked: Asked) -> ConversationShape:
    """Give it another title."""
    found = rename_conversation(asked.services, asked.person, conversation_id, new.title, row_version=new.row_version)
    return _head(found)


@router.delete("/conversations/{conversation_id}", status_code=204, summary="Delete a conversation")
def remove_conversation(conversation_id: Id, asked: Asked) -> None:
    """Delete it with all its turns; trainings that came of it stay."""
    delete_conversation(asked.services, asked.person, conversation_id)


@router.post("/drafts/{turn_id}/confirm", status_code=202, summary="Start the training of a draft")
def confirm_draft_of_turn(turn_id: Id, seen: Seen, asked: Asked) -> Started:
    """Start it, once. No message and no model can: this is for the person who saw the draft."""
    return Started(training_run=confirm_draft(asked.services, asked.person, turn_id, row_version=seen.row_version))


@router.put("/drafts/{turn_id}", summary="Change a draft")
def put_draft_of_turn(turn_id: Id, new: NewDraft, asked: Asked) -> TurnShape:
    """Put a configuration in YAML in its place."""
    return _shape(change_draft(asked.services, asked.person, turn_id, new.yaml, row_version=new.row_version), asked)


@router.delete("/drafts/{turn_id}", status_code=204, summary="Discard a draft")
def remove_draft_of_turn(
    turn_id: Id, asked: Asked, row_version: Annotated[int, Query(description="The state that was seen.")]
) -> None:
    """Put it away."""
    discard_draft(asked.services, asked.person, turn_id, row_version=row_version)


def _ask(question: Question, asked: Context) -> Iterator[AskEvent]:
    return ask(
        asked.services,
        asked.person,
        question.words,
        language=asked.language,
        conversation_id=question.conversation,
        inspection_id=question.inspection,
    )


def _write_events(first: AskEvent, events: Iterator[AskEvent], asked: Context) -> Iterator[str]:
    yield _write("conversation", {"id": first.conversation_id})
    try:
        for event in events:
            if event.looking:
                yield _write("looking", {"what": event.looking})
            if event.fallback_code:
                yield _write("fallback", {"code": event.fallback_code})
            if event.result is not None:
                yield _write("result", event.result.to_json())
            if event.words:
                yield _write("words", {"words": event.words})
            if event.turn is not None:
                yield _write("turn", _shape(event.turn, asked).model_dump(mode="json"))
    except AppError as error:
        yield _write("error", {"code": error.code, "message": error.sentence(asked.language)})


def _write(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False, default=str)}\n\n"


def _head(head: ConversationHead) -> ConversationShape:
    return ConversationShape(
        id=head.id,
        title=head.title,
        row_version=head.row_version,
        created_at=head.created_at,
        updated_at=head.updated_at,
    )


def _shape(turn: Turn, asked: Context) -> TurnShape:
    question = turn.question
    return TurnShape(
        id=turn.id,
        number=turn.number,
        role=turn.role,
        words=turn.words,
        writer=turn.writer,
        results=[one.to_json() for one in turn.results],
        question=None
        if question is None
        else {
            "field": question.field,
            "choices": [{"value": value, "label": label} for value, label in question.choices],
        },
        draft=None if turn.draft is None else turn.draft.to_json(),
        draft_state=turn.draft_state,
        training_run=turn.training_run_id,
        error=None if turn.error is None else {"code": turn.error[0], "message": turn.explain_error(asked.language)},
        row_version=turn.row_version,
        created_at=turn.created_at,
    )

"""Conversations and their turns as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.assistant.drafting.draft import ASKING, OPEN, Draft, read_choices
from core.assistant.offline.understood import Look, Pending, Situation
from core.assistant.results import ToolResult
from core.errors import describe
from storage.json_fields import read_object, read_text
from storage.tables import Conversation, ConversationTurn

OFFLINE = "offline"
PERSON, ASSISTANT = "person", "assistant"
_QUESTION, _RESULT, _FAILED_LOOK = "question", "result", "failed_look"


@dataclass(frozen=True)
class ConversationHead:
    """A conversation of a person, without its turns."""

    id: int
    title: str
    created_at: datetime
    updated_at: datetime
    row_version: int

    @classmethod
    def from_row(cls, row: Conversation) -> ConversationHead:
        """Return the head of a row."""
        return cls(row.id, row.title, row.created_at, row.updated_at, row.row_version)


@dataclass(frozen=True)
class Turn:
    """What was said once: by the person, or by the assistant with the results that it stands on.

    `writer` is the model that wrote the words, `offline` for the parser; `question` is what was asked back. `error` is
    the code and parameters of what went wrong: a refusal, or why the parser took over from a model. `failed_look` is
    what could not be looked up: what is said next may still be about it.
    """

    id: int
    number: int
    role: str
    words: str
    created_at: datetime
    writer: str = ""
    results: tuple[ToolResult, ...] = ()
    question: Pending | None = None
    failed_look: Look | None = None
    draft: Draft | None = None
    draft_state: str = ""
    training_run_id: int | None = None
    error: tuple[str, Mapping[str, Any]] | None = None
    row_version: int = 1

    @property
    def waits(self) -> bool:
        """Return whether its draft can still be changed."""
        return self.draft is not None and self.draft_state in (OPEN, ASKING)

    @property
    def looked(self) -> Look | None:
        """Return what was looked up, be it without success; None for nothing."""
        return Look(self.results[0].tool, self.results[0].arguments) if self.results else self.failed_look

    def explain_error(self, language: str) -> str:
        """Return the sentence of what went wrong, empty where nothing did."""
        return "" if self.error is None else describe(self.error[0], dict(self.error[1]), language)

    @classmethod
    def from_row(cls, row: ConversationTurn) -> Turn:
        """Return the turn of a row."""
        parts = [read_object(one) for one in row.results]
        asked = next((one for one in parts if one.get("kind") == _QUESTION), None)
        failed = next((one for one in parts if one.get("kind") == _FAILED_LOOK), None)
        return cls(
            id=row.id,
            number=row.number,
            role=row.role,
            words=row.words,
            created_at=row.created_at,
            writer=row.writer,
            results=tuple(ToolResult.from_json(one) for one in parts if one.get("kind") == _RESULT),
            question=None if asked is None else read_pending(asked),
            failed_look=None
            if failed is None
            else Look(read_text(failed.get("tool")) or "", read_object(failed.get("arguments"))),
            draft=Draft.from_json(row.draft) if row.draft else None,
            draft_state=row.draft_state,
            training_run_id=row.training_run_id,
            error=(row.error_code, row.error_params) if row.error_code else None,
            row_version=row.row_version,
        )


@dataclass(frozen=True)
class ConversationView:
    """A conversation with its turns in order."""

    head: ConversationHead
    turns: tuple[Turn, ...] = field(repr=False)

    @property
    def waiting(self) -> Turn | None:
        """Return the turn whose draft waits, the newest; None for none."""
        return next((turn for turn in reversed(self.turns) if turn.waits), None)

    def situation(self, *, has_inspection: bool) -> Situation:
        """Return what the next message is read in."""
        last = next((turn for turn in reversed(self.turns) if turn.role == ASSISTANT), None)
        waiting = self.waiting
        pending = last.question if last is not None else None
        if pending is None and waiting is not None and waiting.draft is not None and waiting.draft.missing:
            missing = waiting.draft.missing[0]
            pending = Pending(missing.field, missing.choices)
        looked = next((one for turn in reversed(self.turns) if (one := turn.looked) is not None), None)
        return Situation(
            has_draft=waiting is not None,
            pending=pending,
            last=looked,
            has_inspection=has_inspection,
        )


def store_results(
    results: tuple[ToolResult, ...], question: Pending | None, failed_look: Look | None = None
) -> list[dict[str, Any]]:
    """Return results, the question and what could not be looked up as a turn's row keeps them."""
    stored = [{"kind": _RESULT, **one.to_json()} for one in results]
    if failed_look is not None:
        stored.append({"kind": _FAILED_LOOK, "tool": failed_look.tool, "arguments": dict(failed_look.arguments)})
    if question is not None:
        stored.append(
            {
                "kind": _QUESTION,
                "field": question.field,
                "choices": [{"value": value, "label": label} for value, label in question.choices],
                "tool": question.tool,
                "arguments": dict(question.arguments),
            }
        )
    return stored


def read_pending(data: Mapping[str, Any]) -> Pending:
    """Return a question as it is stored."""
    return Pending(
        read_text(data.get("field")) or "",
        read_choices(data.get("choices")),
        read_text(data.get("tool")) or "",
        read_object(data.get("arguments")),
    )

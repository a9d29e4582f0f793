"""One message of a person, to what the assistant says: by a model with tools where one was chosen, else by the parser.

What is looked up stands in results; the words are made of those. Where the model fails, the parser takes over, and
the person is told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.access import Person
from core.assistant.conversations import add_assistant_turn, add_person_turn
from core.assistant.drafting.draft import Draft
from core.assistant.events import AskEvent
from core.assistant.model.choice import ChosenModel, chosen_model
from core.assistant.offline.answering import respond
from core.assistant.offline.parser import parse
from core.assistant.offline.understood import Look, Pending
from core.assistant.offline.words.text import HANGUL
from core.assistant.records import OFFLINE, ConversationView
from core.assistant.results import ToolResult
from core.assistant.tools.contract import ToolContext, open_context
from core.errors import AppError, from_lower
from core.services import Services

_log = logging.getLogger("geomsa.assistant")


@dataclass
class _Reply:
    """What is gathered while it is said."""

    words: list[str] = field(default_factory=list)
    results: list[ToolResult] = field(default_factory=list)
    question: Pending | None = None
    look: Look | None = None
    draft: Draft | None = None
    writer: str = OFFLINE
    error: tuple[str, Mapping[str, Any]] | None = None

    def take(self, event: AskEvent) -> None:
        """Keep what an event brings."""
        if event.words:
            self.words.append(event.words)
        if event.result is not None:
            self.results.append(event.result)
        self.question = event.question or self.question
        self.look = event.look or self.look
        self.draft = event.draft or self.draft
        self.error = event.error or self.error


def ask(
    services: Services,
    person: Person,
    words: str,
    *,
    language: str,
    conversation_id: int | None = None,
    inspection_id: int | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Generator[AskEvent]:
    """Yield what is looked up, said and drafted for a message, and last the stored `turn`.

    The reply is Korean where the message is, else in `language`. `inspection_id` is the inspection that the person
    opened last. A caller that stops listening leaves behind what was said so far. Raises NotAllowed, NotFound,
    BadInput and Conflict as `add_person_turn`; whatever happens later is told in words.
    """
    before, said = add_person_turn(services, person, conversation_id, words)
    spoken = "ko" if HANGUL.search(said.words) else language
    reply = _Reply()
    is_over = False
    yield AskEvent(conversation_id=before.head.id)
    try:
        yield from _run(services, person, said.words, before, spoken, inspection_id, reply, is_cancelled)
        is_over = True
    finally:
        if not is_over and not reply.words and not reply.results:
            reply.error = ("assistant_interrupted", {})
        turn = add_assistant_turn(
            services,
            person,
            before.head.id,
            words="\n".join(reply.words),
            writer=reply.writer,
            results=tuple(reply.results),
            question=reply.question,
            failed_look=reply.look if reply.error is not None and not reply.results else None,
            draft=reply.draft,
            error=reply.error,
        )
    yield AskEvent(turn=turn, conversation_id=before.head.id)


def _run(
    services: Services,
    person: Person,
    words: str,
    before: ConversationView,
    language: str,
    inspection_id: int | None,
    reply: _Reply,
    is_cancelled: Callable[[], bool],
) -> Iterator[AskEvent]:
    try:
        context = open_context(services, person, language, inspection_id=inspection_id)
        model, problem = chosen_model(services)
        if model is not None:
            problem = yield from _ask_model(context, model, words, before, reply, is_cancelled)
            if problem is None:
                return
        if problem is not None:
            fallback = AskEvent(fallback_code=problem.code, error=(problem.code, dict(problem.params)))
            reply.take(fallback)
            yield fallback
        for event in _ask_parser(context, words, before):
            reply.take(event)
            yield event
    except Exception as problem:  # noqa: BLE001 - told in words, and logged
        error = from_lower(problem)
        if not isinstance(problem, AppError):
            _log.exception("the assistant failed on a message")
        failed = AskEvent(words=error.sentence(language), error=(error.code, _plain(error.params)))
        reply.take(failed)
        yield failed


def _ask_parser(context: ToolContext, words: str, before: ConversationView) -> Iterator[AskEvent]:
    situation = before.situation(has_inspection=context.inspection_id is not None)
    understood = parse(words, context.names, situation, today=context.today)
    yield from respond(context, understood, before)


def _ask_model(
    context: ToolContext,
    model: ChosenModel,
    words: str,
    before: ConversationView,
    reply: _Reply,
    is_cancelled: Callable[[], bool],
) -> Generator[AskEvent, None, AppError | None]:
    """Yield what the model says and looks up; return why the parser has to take over, None where it has not."""
    from core.assistant.model.agent import converse

    tried = _Reply(writer=model.name)
    is_void = False
    try:
        for event in converse(context, model, words, before, is_cancelled=is_cancelled):
            tried.take(event)
            yield event
    except AppError as error:
        is_void = True
        _log.warning("the assistant's model fails: %s", error.code)
        return error
    except Exception as error:  # noqa: BLE001 - whatever a library raises
        # Whatever a library raises: the parser takes over.
        is_void = True
        _log.warning("the assistant's model fails: %s", type(error).__name__)
        return from_lower(error)
    finally:
        # Also where nobody listens any more: what was said so far is stored.
        if not is_void:
            vars(reply).update(vars(tried))
    return None


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value if isinstance(value, str | int | float | bool | dict | None) else str(value)
        for name, value in params.items()
    }

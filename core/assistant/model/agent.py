"""A model with the tools: LangChain's agent, whose words are let through sentence by sentence.

A sentence whose numbers do not all stand in a result of this turn is dropped, and the tools' own wording is said
instead. No tool starts, changes or deletes anything.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from core.assistant.drafting.draft import flatten
from core.assistant.drafting.making import count_images, make_draft
from core.assistant.drafting.words import describe_draft
from core.assistant.events import AskEvent
from core.assistant.model.choice import ChosenModel
from core.assistant.model.clients import broken_off, open_chat_model
from core.assistant.model.draft_tool import DRAFT_TOOL, read_draft_arguments
from core.assistant.model.prompt import fence_data, new_fence, write_result, write_rules
from core.assistant.names import Unclear
from core.assistant.numbers import is_supported, know, split_finished, split_sentences
from core.assistant.offline.understood import Pending
from core.assistant.results import ToolResult
from core.assistant.tools.contract import Tool, ToolContext
from core.assistant.tools.registry import TOOLS
from core.errors import AppError, from_lower
from inference.errors import WriterError

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage
    from langchain_core.tools import BaseTool

    from core.assistant.records import ConversationView

_log = logging.getLogger("geomsa.assistant")
MOST_STEPS = 6
MOST_TOOL_CALLS = 8
MOST_SECONDS = 60.0
MOST_CHARACTERS = 6000
MOST_TURNS_TOLD = 12
_LONGEST_TOLD = 1200


class _Turn:
    """What one turn gathers: results, the draft, what was unclear; tools may run side by side."""

    def __init__(self, context: ToolContext, words: str, before: ConversationView) -> None:
        self.context, self.words, self.before = context, words, before
        self.fence = new_fence()
        self.events: list[AskEvent] = []
        self.results: list[ToolResult] = []
        self.calls = 0
        self.refusal: AppError | None = None

    def use(self, tool: Tool, arguments: Mapping[str, Any]) -> str:
        """Call a tool; return what the model reads of it, errors in words."""
        if (full := self._count()) is not None:
            return full
        again = next((one for one in self.results if (one.tool, one.arguments) == (tool.name, arguments)), None)
        if again is not None:
            return write_result(again, self.fence)
        self.events.append(AskEvent(looking=tool.title))
        try:
            result = tool.call(self.context, arguments)
        except Unclear as unclear:
            return self._ask_back(Pending(unclear.field, unclear.choices, tool.name, dict(arguments)))
        except AppError as error:
            self.refusal = error
            return fence_data({"refused": error.sentence(self.context.speech.language)}, self.fence)
        self.results.append(result)
        self.events.append(AskEvent(result=result))
        return write_result(result, self.fence)

    def draft(self, arguments: Mapping[str, Any]) -> str:
        """Make or change the draft of what the person said; return what the model reads of it."""
        if (full := self._count()) is not None:
            return full
        said, products = read_draft_arguments(arguments, self.words, self.context.names)
        waiting = self.before.waiting
        earlier = waiting.draft if waiting is not None else None
        try:
            draft = make_draft(self.context, said, products, before=earlier)
        except AppError as error:
            self.refusal = error
            return fence_data({"refused": error.sentence(self.context.speech.language)}, self.fence)
        self.events.append(AskEvent(draft=draft))
        images = count_images(self.context, draft.product) if draft.is_ready else None
        words = describe_draft(draft, self.context.speech, images=images, changed=earlier is not None)
        self.results.append(ToolResult("draft_training", flatten(draft.configuration), "", "", tuple(words)))
        return fence_data({"draft": dict(draft.configuration), "words": words}, self.fence)

    def _ask_back(self, question: Pending) -> str:
        self.events.append(AskEvent(question=question))
        return fence_data(
            {"unclear": question.field, "choices": [label for _value, label in question.choices]}, self.fence
        )

    def _count(self) -> str | None:
        self.calls += 1
        return "No more tools in this turn: say what you know." if self.calls > MOST_TOOL_CALLS else None


def converse(
    context: ToolContext,
    chosen: ChosenModel,
    words: str,
    before: ConversationView,
    *,
    is_cancelled: Callable[[], bool] = lambda: False,
    most_seconds: float = MOST_SECONDS,
) -> Iterator[AskEvent]:
    """Yield what the model looks up and says, each sentence proved to hold no number but those of its results.

    Raises AppError (writer_…) where the server is slow, gone, or sends what cannot be used.
    """
    turn = _Turn(context, words, before)
    n_said = n_dropped = 0
    try:
        for event in _stream(turn, chosen, is_cancelled, most_seconds):
            n_said += bool(event.words)
            n_dropped += event.n_dropped
            yield event
    except WriterError as error:
        raise from_lower(error) from error
    own = [one for result in turn.results for one in result.words]
    if not n_said or n_dropped:
        if not own and turn.refusal is not None:
            raise turn.refusal
        if not own and not n_said:
            raise from_lower(broken_off())
        for one in own:
            yield AskEvent(words=one)
    if n_dropped:
        _log.info("%d sentences of the model were dropped for their numbers", n_dropped)


def _stream(
    turn: _Turn, chosen: ChosenModel, is_cancelled: Callable[[], bool], most_seconds: float
) -> Iterator[AskEvent]:
    from langchain.agents import create_agent
    from langchain_core.messages import AIMessageChunk
    from langgraph.errors import GraphRecursionError
    from langsmith import tracing_context

    ends_at = time.monotonic() + most_seconds
    open_words, written = "", 0
    waiting = turn.before.waiting
    rules = write_rules(turn.context, turn.fence, draft=waiting.draft if waiting is not None else None)
    # Nothing is sent to a tracing service, whatever the environment says.
    with tracing_context(enabled=False), open_chat_model(chosen, timeout_s=most_seconds) as model:
        agent: Any = create_agent(model, tools=_list_tools(turn), system_prompt=rules)
        pieces = agent.stream(
            {"messages": _tell_history(turn)},
            stream_mode="messages",
            config={"recursion_limit": 2 * MOST_STEPS + 1},
        )
        try:
            for message, _about in pieces:
                if is_cancelled():
                    raise WriterError("writer_interrupted")
                if time.monotonic() > ends_at or written > MOST_CHARACTERS:
                    raise WriterError("writer_timeout" if written <= MOST_CHARACTERS else "writer_broken_off")
                yield from _take(turn.events)
                if not isinstance(message, AIMessageChunk):
                    continue
                text = message.text if isinstance(message.text, str) else ""
                written += len(text)
                finished, open_words = split_finished(open_words + text)
                yield from _let_through(turn, finished)
        except GraphRecursionError as error:
            raise WriterError("writer_broken_off") from error
    yield from _take(turn.events)
    yield from _let_through(turn, split_sentences(open_words))


def _let_through(turn: _Turn, sentences: list[str]) -> Iterator[AskEvent]:
    known = know(turn.results, said=(turn.words,))
    for sentence in sentences:
        if is_supported(sentence, known):
            yield AskEvent(words=sentence)
        else:
            yield AskEvent(n_dropped=1)


def _take(events: list[AskEvent]) -> Iterator[AskEvent]:
    while events:
        yield events.pop(0)


def _list_tools(turn: _Turn) -> list[BaseTool]:
    from langchain_core.tools import StructuredTool

    def wrap(tool: Tool) -> BaseTool:
        def call(**arguments: Any) -> str:
            return turn.use(tool, arguments)

        return StructuredTool.from_function(
            func=call, name=tool.name, description=tool.about, args_schema=tool.to_schema()
        )

    def draft(**arguments: Any) -> str:
        return turn.draft(arguments)

    made = StructuredTool.from_function(
        func=draft, name=DRAFT_TOOL.name, description=DRAFT_TOOL.about, args_schema=DRAFT_TOOL.schema
    )
    return [*(wrap(tool) for tool in TOOLS), made]


def _tell_history(turn: _Turn) -> list[BaseMessage]:
    from langchain_core.messages import AIMessage, HumanMessage

    told: list[BaseMessage] = []
    for one in turn.before.turns[-MOST_TURNS_TOLD:]:
        kind = HumanMessage if one.role == "person" else AIMessage
        if one.words:
            told.append(kind(content=one.words[:_LONGEST_TOLD]))
    return [*told, HumanMessage(content=turn.words)]

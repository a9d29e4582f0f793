"""The writer that asks a language model, and hands out no step before it was checked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from inference.errors import WriterError
from inference.language.citations import AnswerReader
from inference.language.guidance import Finding, Guidance, Piece, Section, Step
from inference.language.model_servers import STOP_CUT, STOP_DECLINED
from inference.language.passages import Passage
from inference.language.prompts import ChatRequest, describe_finding, write_request
from inference.language.writers import hold_back

if TYPE_CHECKING:
    from langchain_core.messages import AIMessageChunk
    from langchain_core.runnables import Runnable

MAX_ANSWER_CHARS = 12_000
_CUT_REASONS = {STOP_CUT, "length"}
_DECLINED_REASONS = {STOP_DECLINED, "content_filter"}


class ChatWriter:
    """Asks the model that `open_model` opens, once for each guidance. Safe for threads.

    `secrets` are what an answer must never hold, the key first of all.
    """

    def __init__(
        self,
        name: str,
        open_model: Callable[[], Runnable[ChatRequest, AIMessageChunk]],
        *,
        sees_pictures: bool = False,
        secrets: Sequence[str] = (),
    ) -> None:
        self._name = name
        self._open_model = open_model
        self._sees_pictures = sees_pictures
        self._secrets = tuple(secrets)

    @property
    def name(self) -> str:
        """The model's id at its server."""
        return self._name

    def write(self, finding: Finding, passages: Sequence[Passage]) -> Iterator[Piece]:
        """Each step when its line is complete, and last the guidance.

        Raises WriterError, with the tokens spent so far in its params.
        """
        from langsmith import tracing_context

        started = time.perf_counter()
        kept, barred = hold_back(passages)
        if not kept:
            raise WriterError("writer_unsafe")
        request = write_request(finding, kept, with_pictures=self._sees_pictures)
        reader = AnswerReader(
            passages=kept,
            facts=describe_finding(finding),
            barred=barred,
            secrets=self._secrets,
            instructions=request.instructions,
        )
        numbers = {position: passages.index(passage) + 1 for position, passage in enumerate(kept, start=1)}
        input_tokens = output_tokens = 0
        stop = ""
        try:
            # Tracing would send the prompt to a third party where an environment variable happens to ask for it.
            with tracing_context(enabled=False):
                for chunk in self._open_model().stream(request):
                    if chunk.usage_metadata is not None:
                        input_tokens += chunk.usage_metadata["input_tokens"]
                        output_tokens += chunk.usage_metadata["output_tokens"]
                    told = chunk.response_metadata
                    stop = str(told.get("stop_reason") or told.get("finish_reason") or stop)
                    for section, step in reader.feed(chunk.text):
                        yield Piece(section=section, step=renumber(step, numbers))
                    if reader.size_chars > MAX_ANSWER_CHARS or stop in _CUT_REASONS:
                        raise WriterError("writer_too_long")
            if stop in _DECLINED_REASONS:
                raise WriterError("writer_declined")
            if not stop:
                raise WriterError("writer_broken_off")
            for section, step in reader.finish():
                yield Piece(section=section, step=renumber(step, numbers))
            sections = tuple(
                Section(found.name, tuple(renumber(step, numbers) for step in found.steps))
                for found in reader.sections()
            )
            if not sections:
                raise WriterError("writer_unsafe" if reader.left_out else "writer_empty")
        except WriterError as error:
            used = {"input_tokens": input_tokens, "output_tokens": output_tokens, "left_out": reader.left_out}
            raise WriterError(error.code, **(error.params | used)) from error
        yield Piece(
            guidance=Guidance(
                sections,
                self._name,
                input_tokens=input_tokens,
                output_tokens=output_tokens,
                latency_ms=(time.perf_counter() - started) * 1000.0,
                left_out=reader.left_out,
            )
        )


def renumber(step: Step, numbers: dict[int, int]) -> Step:
    """Return the step with the numbers that the passages have for the reader: some may have been held back."""
    return replace(step, citations=tuple(numbers[number] for number in step.citations))

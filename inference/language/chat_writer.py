"""The writer that asks a language model, and hands out no step before it was checked."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

from inference.errors import WriterError
from inference.language.citations import ResponseReader
from inference.language.guidance import Finding, Guidance, Piece, Section, Step
from inference.language.model_servers.interface import ModelServer, StopReason, TokenUsage
from inference.language.passages import Passage
from inference.language.prompts import describe_finding, write_request
from inference.language.quoting.headings import section_of_headings
from inference.language.quoting.scope import names_of, scope_passages
from inference.language.writers import hold_back

MAX_RESPONSE_CHARS = 12_000


class ChatWriter:
    """Asks the model of this id at the server, once for each guidance. Safe for threads.

    `secrets` are what a response must never hold, the key first of all.
    """

    def __init__(
        self, model: str, server: ModelServer, *, sees_pictures: bool = False, secrets: Sequence[str] = ()
    ) -> None:
        self._model = model
        self._server = server
        self._sees_pictures = sees_pictures
        self._secrets = tuple(secrets)

    @property
    def name(self) -> str:
        """Return the model's id at its server."""
        return self._model

    def write(self, finding: Finding, passages: Sequence[Passage]) -> Iterator[Piece]:
        """Yield each step when its line is complete, and last the guidance.

        Raises WriterError, with the tokens spent so far in its params.
        """
        started = time.perf_counter()
        readable, barred = hold_back(passages)
        # A model is shown what is this defect's own, and a step that repeats anything else is dropped.
        scoped = [one for one in scope_passages(finding, passages) if passages[one.number - 1] in readable]
        if not scoped:
            raise WriterError("writer_unsafe")
        kept = [one.passage for one in scoped]
        names = names_of(finding)
        others = [passage for passage in readable if all(passage is not passages[one.number - 1] for one in scoped)]
        request = write_request(finding, kept, model=self._model, with_pictures=self._sees_pictures)
        reader = ResponseReader(
            passages=kept,
            facts=describe_finding(finding),
            barred=[*barred, *others],
            told_sections=[section_of_headings(passage.heading, names) for passage in kept],
            secrets=self._secrets,
            instructions=request.instructions,
        )
        numbers = {position: one.number for position, one in enumerate(scoped, start=1)}
        usage = TokenUsage()
        stop: StopReason | None = None
        try:
            for chunk in self._server.stream(request):
                usage, stop = chunk.usage or usage, chunk.stop or stop
                for section, step in reader.feed(chunk.text):
                    yield Piece(section=section, step=renumber(step, numbers))
                if reader.size_chars > MAX_RESPONSE_CHARS or stop == "length":
                    raise WriterError("writer_too_long")
            if stop == "refusal":
                raise WriterError("writer_declined")
            if stop is None:
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
            raise WriterError(error.code, **(error.params | asdict(usage) | {"left_out": reader.left_out})) from error
        yield Piece(
            guidance=Guidance(
                sections,
                self._model,
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                latency_ms=(time.perf_counter() - started) * 1000.0,
                left_out=reader.left_out,
            )
        )


def renumber(step: Step, numbers: dict[int, int]) -> Step:
    """Return the step with the numbers that the passages have for the reader: some may have been held back."""
    return replace(step, citations=tuple(numbers[number] for number in step.citations))

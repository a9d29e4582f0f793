"""What is asked of a server of language models, and how it responds, whichever SDK speaks to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

MAX_OUTPUT_TOKENS = 1600
# "length": cut off at a limit; "refusal": the model, or its server, declined; "end": whatever else it ended with.
StopReason = Literal["end", "length", "refusal"]


@dataclass(frozen=True)
class ChatRequest:
    """One question to a model, by its id at the server: rules, material, and PNG pictures for a model that sees.

    With an `answer_schema` (JSON Schema of an object) the server is asked to keep the response to it.
    """

    model: str
    instructions: str
    material: str
    pictures: tuple[bytes, ...] = field(default=(), repr=False)
    answer_schema: Mapping[str, Any] | None = field(default=None, repr=False)
    max_output_tokens: int = MAX_OUTPUT_TOKENS


@dataclass(frozen=True)
class TokenUsage:
    """The tokens of a request so far, read and written."""

    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True)
class ChatChunk:
    """A part of a response. A later `usage` takes the place of an earlier one; `stop` comes once, at the end."""

    text: str = ""
    usage: TokenUsage | None = None
    stop: StopReason | None = None


class ModelServer(Protocol):
    """A server of language models. Each request has a connection of its own. Safe for threads."""

    def stream(self, request: ChatRequest) -> Iterator[ChatChunk]:
        """Yield the response while it is written, at most `max_output_tokens` of the request. Raises WriterError."""
        ...

    def list_models(self) -> list[str]:
        """Return the ids of the models that are offered now, in the server's order. Raises WriterError."""
        ...

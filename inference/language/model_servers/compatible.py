"""Any server with the interface of OpenAI's chat completions (vLLM, Ollama, llama.cpp …) by the SDK `openai`."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inference.language.model_servers.connection import LISTING_S, NO_KEY, limited_client, mapping_errors
from inference.language.model_servers.interface import (
    ChatChunk,
    ChatRequest,
    StopReason,
    TokenUsage,
)

if TYPE_CHECKING:
    import httpx2
    import openai

_STOPS: dict[str, StopReason] = {"length": "length", "content_filter": "refusal"}


@dataclass(frozen=True, kw_only=True)
class CompatibleServer:
    """The server with `/chat/completions` and `/models` under `base_url`; a response ends after `timeout_s` seconds."""

    api_key: str | None = field(repr=False)
    base_url: str
    timeout_s: float

    @staticmethod
    def import_sdk() -> None:
        """Import what the first request needs, which takes seconds."""
        import openai  # noqa: F401 - imported for its own sake

    def stream(self, request: ChatRequest) -> Iterator[ChatChunk]:
        """Yield the response while it is written. Raises WriterError."""
        import openai

        # A model on a processor is silent for as long as it reads the question.
        with (
            mapping_errors(openai),
            limited_client(self.timeout_s, url=self.base_url, silence_s=self.timeout_s) as http,
        ):
            chunks = self._open(http).chat.completions.create(
                model=request.model,
                messages=[
                    {"role": "system", "content": request.instructions},
                    {"role": "user", "content": _content(request)},
                ],
                temperature=0.0,
                # The older name: llama.cpp, Ollama and vLLM all know it.
                max_tokens=request.max_output_tokens,
                stream=True,
                stream_options={"include_usage": True},
                **_format(request),
            )
            for chunk in chunks:
                # The SDK checks nothing, and not every server fills every field.
                if chunk.usage is not None:
                    usage = TokenUsage(chunk.usage.prompt_tokens or 0, chunk.usage.completion_tokens or 0)
                    yield ChatChunk(usage=usage)
                for choice in (chunk.choices or [])[:1]:
                    text = (choice.delta.content or "") if choice.delta else ""
                    reason = choice.finish_reason
                    yield ChatChunk(text, stop=_STOPS.get(reason, "end") if reason else None)

    def list_models(self) -> list[str]:
        """Return the ids of the models that are offered now. Raises WriterError."""
        import openai

        with mapping_errors(openai), limited_client(LISTING_S, url=self.base_url) as http:
            return [model.id for model in self._open(http).models.list().data]

    def _open(self, http: httpx2.Client) -> openai.OpenAI:
        import openai

        return openai.OpenAI(api_key=self.api_key or NO_KEY, base_url=self.base_url, max_retries=0, http_client=http)


def _format(request: ChatRequest) -> dict[str, Any]:
    if request.answer_schema is None:
        return {}
    schema = {"name": "answer", "strict": True, "schema": dict(request.answer_schema)}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _content(request: ChatRequest) -> Any:
    if not request.pictures:
        return request.material
    pictures = [
        {
            "type": "image_url",
            "image_url": {"url": f"data:image/png;base64,{base64.b64encode(picture).decode('ascii')}"},
        }
        for picture in request.pictures
    ]
    return [{"type": "text", "text": request.material}, *pictures]

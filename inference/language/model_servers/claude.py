"""Claude's Messages API by the SDK `anthropic`."""

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
    import anthropic
    import httpx2

CLAUDE_URL = "https://api.anthropic.com"
_STOPS: dict[str, StopReason] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}
_MOST_LISTED = 100


@dataclass(frozen=True, kw_only=True)
class ClaudeServer:
    """Claude, or a gateway at `base_url`; a response ends after `timeout_s` seconds."""

    api_key: str | None = field(repr=False)
    base_url: str | None
    timeout_s: float

    @staticmethod
    def import_sdk() -> None:
        """Import what the first request needs, which takes seconds."""
        import anthropic  # noqa: F401 - imported for its own sake

    def stream(self, request: ChatRequest) -> Iterator[ChatChunk]:
        """Yield the response while it is written. Raises WriterError."""
        import anthropic

        with mapping_errors(anthropic), limited_client(self.timeout_s, url=self.base_url or CLAUDE_URL) as http:
            events = self._open(http).messages.create(
                model=request.model,
                max_tokens=request.max_output_tokens,
                system=request.instructions,
                messages=[{"role": "user", "content": _content(request)}],
                stream=True,
                **_format(request),
            )
            input_tokens = 0
            for event in events:
                if event.type == "message_start":
                    input_tokens = event.message.usage.input_tokens
                    yield ChatChunk(usage=TokenUsage(input_tokens))
                elif event.type == "content_block_delta" and event.delta.type == "text_delta":
                    yield ChatChunk(event.delta.text)
                elif event.type == "message_delta":
                    reason = event.delta.stop_reason
                    usage = TokenUsage(input_tokens, event.usage.output_tokens)
                    yield ChatChunk(usage=usage, stop=_STOPS.get(reason, "end") if reason else None)

    def list_models(self) -> list[str]:
        """Return the ids of the newest models, at most 100, newest first. Raises WriterError."""
        import anthropic

        with mapping_errors(anthropic), limited_client(LISTING_S, url=self.base_url or CLAUDE_URL) as http:
            return [model.id for model in self._open(http).models.list(limit=_MOST_LISTED).data]

    def _open(self, http: httpx2.Client) -> anthropic.Anthropic:
        import anthropic

        return anthropic.Anthropic(
            api_key=self.api_key or NO_KEY, base_url=self.base_url, max_retries=0, http_client=http
        )


def _format(request: ChatRequest) -> dict[str, Any]:
    if request.answer_schema is None:
        return {}
    return {"output_config": {"format": {"type": "json_schema", "schema": dict(request.answer_schema)}}}


def _content(request: ChatRequest) -> list[Any]:
    pictures = [
        {
            "type": "image",
            "source": {
                "type": "base64",
                "media_type": "image/png",
                "data": base64.b64encode(picture).decode("ascii"),
            },
        }
        for picture in request.pictures
    ]
    return [*pictures, {"type": "text", "text": request.material}]

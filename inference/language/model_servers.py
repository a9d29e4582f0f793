"""The servers of language models: Claude's Messages API, and any that speaks OpenAI's chat completions.

Each is a langchain Runnable from ChatRequest to AIMessageChunk. All traffic goes through a client with limits on time
and size: no redirects (they would carry the key elsewhere) and no second attempts (a worker is waiting).
"""

from __future__ import annotations

import base64
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from inference.errors import WriterError

if TYPE_CHECKING:
    import httpx2
    from langchain_core.messages import AIMessageChunk
    from langchain_core.runnables import Runnable

    from inference.language.prompts import ChatRequest

CLAUDE_URL = "https://api.anthropic.com"
CONNECT_S = 5.0
LISTING_S = 10.0
# Claude sends signs of life; a model on a processor is silent for as long as it reads the question.
SILENCE_S = 20.0
MAX_RESPONSE_BYTES = 2_000_000
MAX_OUTPUT_TOKENS = 1600
STOP_CUT = "max_tokens"
STOP_DECLINED = "refusal"
# Servers that need no key still want to see one.
_NO_KEY = "none"


def prepare(kind: Literal["claude", "compatible"]) -> None:
    """Import what the first request needs: seconds that nobody should wait for in front of a defective part."""
    import langchain_core.runnables  # noqa: F401 - imported for its own sake
    import langsmith.run_helpers  # noqa: F401

    if kind == "claude":
        import anthropic  # noqa: F401
    else:
        import langchain_openai  # noqa: F401


def open_claude(
    model: str, *, api_key: str, base_url: str | None, timeout_s: float
) -> Runnable[ChatRequest, AIMessageChunk]:
    """Claude through its own SDK; `base_url` for a gateway. For one request."""
    import anthropic
    from langchain_core.messages import AIMessageChunk
    from langchain_core.runnables import RunnableGenerator

    def stream(requests: Iterator[ChatRequest]) -> Iterator[AIMessageChunk]:
        for request in requests:
            with _writer_errors(anthropic), limited_client(timeout_s, url=base_url or CLAUDE_URL) as http:
                client = anthropic.Anthropic(api_key=api_key, base_url=base_url, max_retries=0, http_client=http)
                content: list[Any] = [
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": _base64(picture)},
                    }
                    for picture in request.pictures
                ]
                events = client.messages.create(
                    model=model,
                    max_tokens=MAX_OUTPUT_TOKENS,
                    system=request.instructions,
                    messages=[{"role": "user", "content": [*content, {"type": "text", "text": request.material}]}],
                    stream=True,
                )
                for event in events:
                    if event.type == "message_start":
                        yield _chunk(input_tokens=event.message.usage.input_tokens)
                    elif event.type == "content_block_delta" and event.delta.type == "text_delta":
                        yield _chunk(event.delta.text)
                    elif event.type == "message_delta":
                        stop = event.delta.stop_reason or ""
                        yield _chunk(output_tokens=event.usage.output_tokens, stop=stop)

    def _chunk(text: str = "", *, input_tokens: int = 0, output_tokens: int = 0, stop: str = "") -> AIMessageChunk:
        return AIMessageChunk(
            content=text,
            usage_metadata={
                "input_tokens": input_tokens,
                "output_tokens": output_tokens,
                "total_tokens": input_tokens + output_tokens,
            },
            response_metadata={"stop_reason": stop} if stop else {},
        )

    return RunnableGenerator(stream)


def open_compatible(
    model: str, *, base_url: str, api_key: str | None, timeout_s: float
) -> Runnable[ChatRequest, AIMessageChunk]:
    """Any server with `/chat/completions` under `base_url`: vLLM, Ollama, llama.cpp … For one request."""
    import openai
    from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage
    from langchain_core.runnables import RunnableGenerator
    from langchain_openai import ChatOpenAI

    def stream(requests: Iterator[ChatRequest]) -> Iterator[AIMessageChunk]:
        for request in requests:
            with _writer_errors(openai), limited_client(timeout_s, url=base_url, silence_s=timeout_s) as http:
                chat = ChatOpenAI(
                    model=model,
                    base_url=base_url,
                    api_key=lambda: api_key or _NO_KEY,
                    http_client=http,
                    timeout=timeout_s,
                    max_retries=0,
                    temperature=0.0,
                    stream_usage=True,
                    use_responses_api=False,
                    max_completion_tokens=None,
                    # The older name: llama.cpp, Ollama and vLLM all know it.
                    extra_body={"max_tokens": MAX_OUTPUT_TOKENS},
                )
                content: list[Any] = [{"type": "text", "text": request.material}] + [
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_base64(picture)}"}}
                    for picture in request.pictures
                ]
                message = HumanMessage(content if request.pictures else request.material)
                for chunk in chat.stream([SystemMessage(request.instructions), message]):
                    assert isinstance(chunk, AIMessageChunk)
                    yield chunk

    return RunnableGenerator(stream)


def list_models(kind: Literal["claude", "compatible"], *, base_url: str | None, api_key: str | None) -> list[str]:
    """Return the ids of the models that the server offers now, newest first as it lists them. Raises WriterError."""
    if kind == "claude":
        import anthropic

        with _writer_errors(anthropic), limited_client(LISTING_S, url=base_url or CLAUDE_URL) as http:
            claude = anthropic.Anthropic(api_key=api_key or _NO_KEY, base_url=base_url, max_retries=0, http_client=http)
            return [model.id for model in claude.models.list(limit=100).data]
    import openai

    with _writer_errors(openai), limited_client(LISTING_S, url=base_url or "") as http:
        server = openai.OpenAI(api_key=api_key or _NO_KEY, base_url=base_url, max_retries=0, http_client=http)
        return [model.id for model in server.models.list().data]


@contextmanager
def _writer_errors(sdk: ModuleType) -> Iterator[None]:
    """Turn what `sdk` (anthropic or openai: their errors have the same names) and the network raise into WriterError.

    Without their texts: those may hold what was sent.
    """
    import httpx2

    try:
        yield
    except (sdk.APITimeoutError, httpx2.TimeoutException) as error:
        raise WriterError("writer_timeout") from error
    except sdk.APIStatusError as error:
        raise _of_status(error.status_code, error.body) from error
    except (sdk.APIConnectionError, httpx2.ConnectError) as error:
        raise (_cause_of(error) or WriterError("writer_unreachable")) from error
    except httpx2.HTTPError as error:
        raise WriterError("writer_broken_off") from error
    except (sdk.APIError, ValueError, TypeError, KeyError) as error:
        # An answer that the SDK cannot read: not JSON, or not of the shape that was agreed on.
        raise (_of_body(getattr(error, "body", None)) or WriterError("writer_broken_off")) from error


def _of_status(status: int, body: object) -> WriterError:
    if (said := _of_body(body)) is not None:
        return said
    codes = {401: "writer_key_refused", 403: "writer_key_refused", 404: "writer_model_unknown", 429: "writer_busy"}
    if status in codes:
        return WriterError(codes[status])
    if status in {503, 529}:
        return WriterError("writer_overloaded")
    if status in {408, 504}:
        return WriterError("writer_timeout")
    return WriterError("writer_request_refused" if 400 <= status < 500 else "writer_failed", status=status)


def _of_body(body: object) -> WriterError | None:
    """Return what an error inside a stream means: it comes with the status of the stream, which is 200."""
    error = body.get("error", body) if isinstance(body, dict) else None
    kind = error.get("type") if isinstance(error, dict) else None
    codes = {
        "overloaded_error": "writer_overloaded",
        "rate_limit_error": "writer_busy",
        "authentication_error": "writer_key_refused",
        "permission_error": "writer_key_refused",
        "timeout_error": "writer_timeout",
    }
    return WriterError(codes[kind]) if kind in codes else None


def _cause_of(error: BaseException) -> WriterError | None:
    import httpx2

    cause = error.__cause__
    if isinstance(cause, httpx2.TimeoutException):
        return WriterError("writer_timeout")
    if isinstance(cause, httpx2.RemoteProtocolError | httpx2.ReadError):
        return WriterError("writer_broken_off")
    return None


@contextmanager
def limited_client(timeout_s: float, *, url: str, silence_s: float = SILENCE_S) -> Iterator[httpx2.Client]:
    """A client whose answers end after `timeout_s` and MAX_RESPONSE_BYTES in all, however slowly they drip."""
    import httpx2

    ends_at = time.monotonic() + timeout_s

    class Limited(httpx2.SyncByteStream):
        def __init__(self, stream: httpx2.SyncByteStream) -> None:
            self._stream = stream

        def __iter__(self) -> Iterator[bytes]:
            received = 0
            for part in self._stream:
                received += len(part)
                if time.monotonic() > ends_at:
                    raise httpx2.ReadTimeout("the whole answer took too long")
                if received > MAX_RESPONSE_BYTES:
                    raise httpx2.ReadError("the answer is too large")
                yield part

        def close(self) -> None:
            self._stream.close()

    class LimitedTransport(httpx2.HTTPTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            response = super().handle_request(request)
            assert isinstance(response.stream, httpx2.SyncByteStream)
            response.stream = Limited(response.stream)
            return response

    timeout = httpx2.Timeout(min(silence_s, timeout_s), connect=min(CONNECT_S, timeout_s))
    with httpx2.Client(
        transport=LimitedTransport(proxy=_proxy_for(url)), timeout=timeout, follow_redirects=False
    ) as client:
        yield client


def _proxy_for(url: str) -> str | None:
    """The factory's proxy for `url`, as the environment names it: a transport of our own is not told by itself."""
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    return urllib.request.getproxies().get(parts.scheme)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")

"""Connections to servers of language models: limits on time and size, and what their failures mean.

No redirects (they would carry the key elsewhere) and no second attempts (a worker is waiting).
"""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from inference.errors import WriterError

if TYPE_CHECKING:
    import httpx2

CONNECT_S = 5.0
LISTING_S = 10.0
# How long a server that sends pings, as Claude's does, may be silent.
SILENCE_S = 20.0
MAX_RESPONSE_BYTES = 2_000_000
# Servers that need no key still want to see one.
NO_KEY = "none"


@contextmanager
def mapping_errors(sdk: ModuleType) -> Iterator[None]:
    """Turn what `sdk` (anthropic or openai: their errors have the same names) and the network raise into WriterError.

    Without their texts: those may hold what was sent.
    """
    import httpx2

    try:
        yield
    except (sdk.APITimeoutError, httpx2.TimeoutException) as error:
        raise WriterError("writer_timeout") from error
    except sdk.APIStatusError as error:
        raise _of_status(error.status_code, error.body, wait_s=_asked_to_wait(error.response.headers)) from error
    except (sdk.APIConnectionError, httpx2.ConnectError) as error:
        raise (_cause_of(error) or WriterError("writer_unreachable")) from error
    except httpx2.HTTPError as error:
        raise WriterError("writer_broken_off") from error
    except (sdk.APIError, ValueError, TypeError, KeyError) as error:
        # A response that the SDK cannot read: not JSON, or not of the shape that was agreed on.
        raise (_of_body(getattr(error, "body", None)) or WriterError("writer_broken_off")) from error


def _of_status(status: int, body: object, *, wait_s: float | None) -> WriterError:
    # Whoever asks again does so no sooner than the server wishes.
    waiting = {} if wait_s is None else {"retry_after_s": wait_s}
    if (said := _of_body(body)) is not None:
        return WriterError(said.code, **said.params, **waiting)
    codes = {401: "writer_key_refused", 403: "writer_key_refused", 404: "writer_model_unknown"}
    if status in codes:
        return WriterError(codes[status])
    if status == 429:
        return WriterError("writer_busy", **waiting)
    if status in {503, 529}:
        return WriterError("writer_overloaded", **waiting)
    if status in {408, 504}:
        return WriterError("writer_timeout")
    return WriterError("writer_request_refused" if 400 <= status < 500 else "writer_failed", status=status)


def _asked_to_wait(headers: Mapping[str, str]) -> float | None:
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:  # absent, or a date
        return None
    return seconds if 0.0 <= seconds < float("inf") else None


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
    """Open a client whose responses end after `timeout_s` and MAX_RESPONSE_BYTES in all, however slowly they drip."""
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
                    raise httpx2.ReadTimeout("the whole response took too long")
                if received > MAX_RESPONSE_BYTES:
                    raise httpx2.ReadError("the response is too large")
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
    """Return the proxy that the environment names for `url`: a transport of our own is not told by itself."""
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    return urllib.request.getproxies().get(parts.scheme)

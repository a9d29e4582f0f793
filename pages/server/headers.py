"""What every response tells the browser, and how cookies travel: policies, TLS for good, nothing kept.

The policy of content lets nothing run that is written into a page: scripts come from this server's files, or from a
component of ours, which Streamlit loads by an address of the browser's own (blob:). Streamlit writes styles into the
page as it goes, so those are allowed.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.types import Message, Scope, Send

from core.api.origins import TRANSPORT_SECURITY

# A browser takes such a cookie by TLS alone, for this host alone and for all of it.
HOST_PREFIX = "__Host-"
_OURS = "geomsa_"
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


@cache
def _page_scripts() -> str:
    """Return the hashes of the scripts that Streamlit's own page holds, as the policy names them."""
    page = Path(streamlit.__file__).with_name("static") / "index.html"
    found = _INLINE_SCRIPT.findall(page.read_text(encoding="utf-8"))
    hashes = (base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in found)
    return " ".join(f"'sha256-{one}'" for one in hashes)


CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        # WebAssembly alone: a library of Streamlit's counts in 64 bits with it, and complains where it may not.
        f"script-src 'self' blob: 'wasm-unsafe-eval' {_page_scripts()}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        "frame-src 'none'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = {
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=(), serial=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
}


def is_tls(scope: Scope) -> bool:
    """Return whether the request came by TLS, as far as this server or a proxy that it trusts can tell."""
    return scope.get("scheme") in {"https", "wss"}


def with_own_cookies(scope: Scope) -> Scope:
    """Return the scope with our cookies under their plain names, whichever way they came.

    By TLS they carry HOST_PREFIX, and one without it is no cookie of ours: a neighbor under the same domain, or
    whoever answers without TLS, may have set it.
    """
    if not is_tls(scope):
        return scope
    headers = []
    for name, value in scope["headers"]:
        if name == b"cookie":
            kept = [one for one in map(_plain_cookie, value.decode("latin-1").split(";")) if one]
            value = "; ".join(kept).encode("latin-1")
        headers.append((name, value))
    return {**scope, "headers": headers}


def with_headers(scope: Scope, send: Send) -> Send:
    """Return a `send` that adds the headers to a response and, by TLS, marks its cookies as belonging to it."""
    secure = is_tls(scope)

    async def send_with_headers(event: Message) -> None:
        if event["type"] == "http.response.start":
            headers = MutableHeaders(scope=event)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            if headers.get("content-type", "").startswith("text/html") or "cache-control" not in headers:
                headers["Cache-Control"] = "no-store"
            if secure:
                headers["Strict-Transport-Security"] = TRANSPORT_SECURITY
                event = {**event, "headers": [_secure_cookie(name, value) for name, value in event["headers"]]}
        await send(event)

    return send_with_headers


def _plain_cookie(text: str) -> str:
    name = text.strip()
    if name.startswith(HOST_PREFIX + _OURS):
        return name.removeprefix(HOST_PREFIX)
    return "" if name.startswith(_OURS) else name


def _secure_cookie(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    if name.lower() != b"set-cookie":
        return name, value
    text = value.decode("latin-1")
    if text.startswith(_OURS):
        text = HOST_PREFIX + text
    parts = {part.strip().partition("=")[0].lower() for part in text.split(";")[1:]}
    return name, (text if "secure" in parts else f"{text}; Secure").encode("latin-1")

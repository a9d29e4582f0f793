"""What the server does by itself once it is up: the code for the first administrator, where there is none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.concurrency import run_in_threadpool
from streamlit import config

from core.accounts.first_administrator import ensure_code
from core.errors import AppError
from core.services import keep_services
from core.settings import Settings, read_settings
from pages.server.signing_in.provider_route import cookie_secret, streamlit_secrets

_log = logging.getLogger("geomsa.start")


def secrets_at_start() -> dict[str, Any] | None:
    """Return what Streamlit is told of the identity provider; a wrong setting is said by the pages."""
    try:
        settings = read_settings()
    except AppError:
        return None
    if settings.oidc is not None:
        # The cookie in which a sign-in waits for the provider's answer is made before the secrets are there.
        config.set_option("server.cookieSecret", cookie_secret(settings.oidc))
    return streamlit_secrets(settings)


@asynccontextmanager
async def starting(_app: object) -> AsyncIterator[None]:
    """Begin what the server does by itself; the first page does not wait for it."""
    task = asyncio.create_task(_prepare())
    try:
        yield
    finally:
        task.cancel()


async def _prepare() -> None:
    try:
        settings = read_settings()
        if settings.auth != "open":
            await run_in_threadpool(_ensure_code, settings)
    except AppError as error:
        # The pages say it as well, and the sign-in page tries again.
        _log.warning("%s", error)


def _ensure_code(settings: Settings) -> None:
    ensure_code(keep_services(settings), at_start=True)
